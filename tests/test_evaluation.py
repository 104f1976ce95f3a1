"""Losses, slopes and BatchNorm statistics at other points, against copies of the model that moved."""

import copy
from collections import UserDict, namedtuple
from typing import ClassVar

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


class Pooled(nn.Module):
    """Convolution, pooling and a head; notes whether its images have their channels last in memory."""

    seen: ClassVar[list[bool]] = []  # by all copies

    def __init__(self, between: nn.Module | None = None, pool: nn.Module | None = None) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.between, self.pool = between or nn.Identity(), pool or nn.MaxPool2d(2)
        self.head = nn.LazyLinear(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(is_channels_last(x))
        return self.head(self.pool(self.between(self.norm(self.convolution(x)))).flatten(1))


def is_channels_last(x: torch.Tensor) -> bool:
    return x.stride(1) == 1 and not x.is_contiguous()


def pooled(make=Pooled, dtype=torch.float32) -> nn.Module:
    def made():
        model = make()
        model(torch.randn(8, 3, 8, 8))  # sizes of the head, and statistics that are no defaults
        return model

    return seeded(made).to(dtype)


def pictures(dtype=torch.float32, sizes=(8, 8)):
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(n, 3, k, k, generator=generator).to(dtype), torch.randint(4, (n,), generator=generator))
        for n, k in zip((6, 4), sizes, strict=True)
    ]


def seen_by(call) -> set[bool]:
    Pooled.seen.clear()
    call()
    return set(Pooled.seen)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")
def test_images_have_their_channels_last_in_forward_passes_only():
    model, batches = pooled(), pictures()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), batches)
    plane = nbl.Subspace.random(objective, 1)
    v = torch.ones(objective.num_parameters)
    assert seen_by(lambda: objective.evaluator(plane)(np.ones(1))) == {True}
    assert seen_by(lambda: objective.point(objective.origin())) == {True}
    assert seen_by(lambda: objective.value_and_gradient(objective.origin())) == {False}
    assert seen_by(lambda: objective.evaluator(plane, gradients=True)(np.ones(1))) == {False}
    assert seen_by(lambda: objective.hvp(v)) == {False}
    assert not any(is_channels_last(x) for x, _ in batches)
    assert seen_by(lambda: model(batches[0][0])) == {False}


@pytest.mark.parametrize(
    ("parts", "dtype"),
    [
        ({}, D),
        ({"pool": nn.Identity()}, torch.float32),
        ({"between": nn.GroupNorm(2, 4)}, torch.float32),
        ({"between": nn.InstanceNorm2d(4)}, torch.float32),
        ({"between": nn.LayerNorm([4, 6, 6])}, torch.float32),
    ],
)
def test_images_stay_as_they_are_where_that_is_faster(parts, dtype):
    objective = nbl.Objective(pooled(lambda: Pooled(**parts), dtype), nn.CrossEntropyLoss(), pictures(dtype))
    assert seen_by(lambda: objective.point(objective.origin())) == {False}


@pytest.mark.parametrize("policy", ["eval", "batch", "recalibrate"])
def test_losses_with_channels_last_are_those_of_plain_images(policy):
    model, batches = pooled(), pictures()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), batches, batchnorm=policy)
    plane = nbl.Subspace.random(objective, 2, seed=3)
    at, sloped = objective.evaluator(plane), objective.evaluator(plane, gradients=True)
    assert at(np.zeros(2)).loss == pytest.approx(objective.loss(), rel=1e-6)
    for point in ([0.7, -0.4], [-1.0, 0.2]):
        assert at(np.array(point)).loss == pytest.approx(sloped(np.array(point)).loss, rel=1e-6)
        other = moved(model, objective, plane, point)
        if policy == "recalibrate":
            torch.optim.swa_utils.update_bn([x for x, _ in batches], other)
        other.train(policy == "batch")
        assert at(np.array(point)).loss == pytest.approx(float(loss_of(other, batches)), rel=1e-6)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")
def test_channels_last_in_objectives_made_from_others():
    model, batches = pooled(), pictures()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), batches)
    elsewhere = {name: 1.1 * value for name, value in model.state_dict().items()}
    others = [objective.on(batches[:1]), objective.at(elsewhere)]
    others.append(nbl.Objective.from_parts(copy.deepcopy(objective.parts())))
    with torch.no_grad():
        model.head.weight.mul_(2)
    objective.update()
    for other in (objective, *others):
        points = []
        assert seen_by(lambda other=other, points=points: points.append(other.point(other.origin()))) == {
            True
        }
        assert points[0].loss == pytest.approx(other.loss(), rel=1e-6)


class Viewed(Pooled):
    """Takes no channels-last images, and is not what it was after an error."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.depth += 1
        x = self.pool(self.convolution(x))
        x = self.head(x.view(len(x), -1)) * self.depth
        self.depth -= 1
        return x


class Deviating(Pooled):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = super().forward(x)
        return y * (1 + 1e-2 * is_channels_last(x))


class OnlySmall(Pooled):
    """Takes channels-last images of the first batch's size only."""

    def __init__(self) -> None:
        super().__init__(pool=nn.AdaptiveAvgPool2d(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x if x.shape[2] == 8 else x.view(len(x), -1).view(x.shape))


@pytest.mark.parametrize("kind", [Viewed, Deviating, OnlySmall])
def test_models_that_take_no_channels_last_get_plain_images(kind):
    sizes = (8, 10) if kind is OnlySmall else (8, 8)
    model, batches = pooled(kind).eval(), pictures(sizes=sizes)
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), batches)
    origin = objective.origin()
    assert seen_by(lambda: objective.point(origin)) <= {False}
    assert objective.point(origin).loss == objective.loss() == pytest.approx(float(loss_of(model, batches)))


def test_metrics_that_take_no_channels_last_get_plain_images():
    def strict(output, target):
        return output.view(-1).square().mean()

    model = seeded(lambda: nn.Sequential(nn.Conv2d(3, 2, 3), nn.MaxPool2d(2)))
    data = (pictures()[0][0], torch.zeros(6, 2, 3, 3))
    objective = nbl.Objective(model, nn.MSELoss(), data, metrics={"strict": strict})
    point = objective.point(objective.origin())
    assert point.loss == objective.loss() == pytest.approx(point.metrics["strict"], rel=1e-6)


Pair = namedtuple("Pair", "images labels")


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")
@pytest.mark.parametrize(
    "make",
    [
        Pair,
        lambda x, y: UserDict(images=x, labels=y),
        lambda x, y: {"images": x, "labels": y},
        lambda x, y: [x, (y, "a name")],
    ],
)
def test_batches_keep_their_types_with_channels_last(make):
    batches = [make(x, y) for x, y in pictures()]
    kinds = set()

    def parts(batch):
        if isinstance(batch, list):
            assert type(batch[1]) is tuple and batch[1][1] == "a name"  # noqa: PT018
            return batch[0], batch[1][0]
        return (batch.images, batch.labels) if isinstance(batch, Pair) else (batch["images"], batch["labels"])

    def batch_loss(model, batch):
        kinds.add(type(batch))
        x, y = parts(batch)
        return F.cross_entropy(model(x), y, reduction="sum"), len(y)

    objective = nbl.Objective.from_batch_loss(pooled(), batch_loss, batches)
    origin, hash_of_data = objective.origin(), objective.description["data_sha256"]
    losses = []
    assert seen_by(lambda: losses.append(objective.point(origin).loss)) == {True}
    assert losses[0] == pytest.approx(objective.loss(), rel=1e-6)
    assert kinds == {type(batches[0])}
    assert objective.description["data_sha256"] == hash_of_data
    assert not any(is_channels_last(parts(batch)[0]) for batch in batches)
