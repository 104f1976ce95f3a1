"""Losses, slopes and BatchNorm statistics at other points, against copies of the model that moved."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import nblandscape as nbl

D = torch.float64


def seeded(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make()


def normed() -> nn.Module:
    model = seeded(
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 4)
        ).double()
    )
    for _ in range(3):
        model(torch.randn(8, 1, 6, 6, dtype=D, generator=torch.Generator().manual_seed(7)))
    return model


def images():
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(n, 1, 6, 6, dtype=D, generator=generator), torch.randint(4, (n,), generator=generator))
        for n in (6, 4)
    ]


def moved(model, objective, plane, point):
    other = copy.deepcopy(model)
    named = dict(other.named_parameters())
    for name, value in objective.unflatten(plane.at(point)).items():
        named[name].data.copy_(value)
    return other


def loss_of(model, batches):
    with torch.no_grad():
        return sum(F.cross_entropy(model(x), y, reduction="sum") for x, y in batches) / 10


@pytest.mark.parametrize("policy", ["eval", "batch", "recalibrate"])
def test_p39_every_batchnorm_policy_is_what_it_says(policy):
    model, batches = normed(), images()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), batches, batchnorm=policy)
    plane = nbl.Subspace.random(objective, 2, seed=3)
    at = objective.evaluator(plane)
    for point in ([0.0, 0.0], [0.7, -0.4], [-1.0, 0.2]):
        other = moved(model, objective, plane, point)
        if policy == "recalibrate":
            torch.optim.swa_utils.update_bn([x for x, _ in batches], other)
        other.train(policy == "batch")
        assert at(np.array(point)).loss == pytest.approx(float(loss_of(other, batches)), rel=1e-9)
    assert objective.loss() == pytest.approx(at(np.zeros(2)).loss, rel=1e-12)
    assert objective.description["batchnorm"] == policy
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_p39_parameters_of_a_recalibrated_point_carry_their_statistics():
    model, batches = normed(), images()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), batches, batchnorm="recalibrate")
    plane = nbl.Subspace.random(objective, 1)
    other = copy.deepcopy(model)
    other.load_state_dict(objective.parameters_at(plane, [0.8]))
    assert float(loss_of(other.eval(), batches)) == pytest.approx(
        objective.evaluator(plane)(np.array([0.8])).loss, rel=1e-9
    )


def test_recalibrated_products_are_those_at_the_recalibrated_statistics():
    model, batches = normed(), images()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), batches, batchnorm="recalibrate")
    other = copy.deepcopy(model)
    torch.optim.swa_utils.update_bn([x for x, _ in batches], other)
    fixed = nbl.Objective(other.eval(), nn.CrossEntropyLoss(), batches)
    v = torch.randn(objective.num_parameters, dtype=D, generator=torch.Generator().manual_seed(2))
    objective.point(objective.origin() + v)  # elsewhere in between
    torch.testing.assert_close(objective.hvp(v), fixed.hvp(v), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("policy", ["eval", "recalibrate"])
def test_slopes_along_the_directions_are_projected_gradients(policy):
    model, batches = normed(), images()
    metrics = {"error": lambda output, target: (output.argmax(1) != target).double().mean()}
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), batches, metrics=metrics, batchnorm=policy)
    plane = nbl.Subspace.random(objective, 3, seed=1)
    plain, sloped = objective.evaluator(plane), objective.evaluator(plane, gradients=True)
    for point in ([0.0, 0.0, 0.0], [0.3, -0.2, 0.5]):
        one, two = plain(np.array(point)), sloped(np.array(point))
        assert two.loss == pytest.approx(one.loss, rel=1e-12)
        assert two.metrics == one.metrics
        assert one.gradient is None
        value, gradient = objective.value_and_gradient(plane.at(point))
        assert value == pytest.approx(one.loss, rel=1e-12)
        np.testing.assert_allclose(two.gradient, (plane.directions @ gradient).numpy(), rtol=1e-9)
    assert plain(np.array([0.1, 0.0, 0.0])).loss == pytest.approx(
        sloped(np.array([0.1, 0.0, 0.0])).loss, rel=1e-12
    )


def test_the_gradient_at_the_origin_is_that_of_the_graphs():
    objective = nbl.Objective(normed(), nn.CrossEntropyLoss(), images())
    _, gradient = objective.value_and_gradient(objective.origin())
    torch.testing.assert_close(gradient, objective.gradient(), rtol=1e-10, atol=1e-12)


def test_p49_a_product_while_the_evaluation_shell_moves():
    objective = nbl.Objective(normed(), nn.CrossEntropyLoss(), images())
    v = torch.ones(objective.num_parameters, dtype=D)
    before = objective.hvp(v)
    at = objective.evaluator(nbl.Subspace.random(objective, 1), gradients=True)
    for t in (0.5, -2.0):
        at(np.array([t]))
        assert torch.equal(objective.hvp(v), before)


def test_p31_displacements_start_from_the_origin_every_time():
    objective = nbl.Objective(normed().float(), nn.CrossEntropyLoss(), images())
    plane = nbl.Subspace.random(objective, 1, seed=5)
    at = objective.evaluator(plane)
    first = at(np.array([0.3])).loss
    for t in np.linspace(-1, 1, 200):
        at(np.array([t]))
    assert at(np.array([0.3])).loss == first


def test_p57_sampling_leaves_lazily_built_caches_usable():
    class Rotary(nn.Module):
        """Builds a table at its first call, as rotary embeddings do."""

        def __init__(self):
            super().__init__()
            self.inner, self.table = nn.Linear(4, 4), None

        def forward(self, x):
            if self.table is None:
                self.table = torch.arange(4, dtype=D).cos() * x.new_ones(4)
            return self.inner(x * self.table).tanh()

    model = seeded(lambda: Rotary().double())
    objective = nbl.Objective(model, nn.MSELoss(), (torch.ones(3, 4, dtype=D), torch.zeros(3, 4, dtype=D)))
    plane = nbl.Subspace.random(objective, 1)
    nbl.sample(objective, plane, points=3)
    assert torch.isfinite(objective.hvp(torch.ones(objective.num_parameters, dtype=D))).all()
    assert model.table is None
