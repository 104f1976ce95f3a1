"""Directions of descent, against hand-written formulas and a real optimizer's own step."""

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl


def problem(seed: int = 0) -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    return model, (torch.randn(10, 3, dtype=torch.float64), torch.randint(0, 2, (10,)))


def trained(optimizer_of, steps: int = 5):
    model, data = problem()
    optimizer = optimizer_of(model)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(data[0]), data[1]).backward()
        optimizer.step()
    return model, optimizer, nbl.Objective(model, nn.CrossEntropyLoss(), data), data


def test_the_gradient_points_downhill():
    model, data = problem()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data)
    line = nbl.Subspace.gradient(objective)
    slope = objective.gradient()
    torch.testing.assert_close(line.directions[0], -slope / slope.norm())
    assert line.provenance["gradient_norm"] == pytest.approx(float(slope.norm()))
    values = nbl.sample(objective, line, span=1e-3, points=3).values
    assert values[2] - values[0] == pytest.approx(-2e-3 * float(slope.norm()), rel=1e-3)


def test_a_second_direction_beside_the_gradient():
    model, data = problem()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data)
    spectrum = nbl.hessian_spectrum(objective, largest=1, smallest=1)
    state = torch.get_rng_state()
    for beside, name in (("random", "random"), (spectrum, "v₁"), (spectrum.vectors[-1], "direction 2")):
        plane = nbl.Subspace.gradient(objective, beside)
        np.testing.assert_allclose(plane.gram, np.eye(2), atol=1e-12)
        assert plane.labels[1].startswith(name)
    assert torch.equal(state, torch.get_rng_state())
    skew = nbl.Subspace.gradient(objective, spectrum, orthogonal=False)
    torch.testing.assert_close(skew.directions[1], spectrum.vectors[0])
    assert abs(skew.gram[0, 1]) > 1e-3
    named = nbl.Subspace.gradient(objective, objective.unflatten(spectrum.vectors[0]), orthogonal=False)
    torch.testing.assert_close(named.directions, skew.directions)
    for beside, message in ((objective.gradient(), "parallel"), ("steepest", "beside='steepest'")):
        with pytest.raises(ValueError, match=message):
            nbl.Subspace.gradient(objective, beside)


def test_a_critical_point_has_no_descent():
    model = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(model.weight)
    objective = nbl.Objective(model, nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    with pytest.raises(ValueError, match=r"critical point.*Subspace\.hessian"):
        nbl.Subspace.gradient(objective)


OPTIMIZERS = {
    "adam": lambda m: torch.optim.Adam(m.parameters(), lr=0.01, eps=1e-3),
    "amsgrad": lambda m: torch.optim.Adam(m.parameters(), lr=0.01, amsgrad=True),
    "adamw, two groups": lambda m: torch.optim.AdamW(
        [
            {"params": [p for p in m.parameters() if p.ndim > 1]},
            {"params": [p for p in m.parameters() if p.ndim == 1], "betas": (0.5, 0.9)},
        ],
        lr=0.01,
        weight_decay=0.0,
    ),
    "named": lambda m: torch.optim.Adam(reversed(list(m.named_parameters())), lr=0.01),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_momentum_is_the_step_that_the_optimizer_takes(kind):
    """The direction after a step is the step that was just taken: Adam's own update is the oracle."""
    model, optimizer, _, data = trained(OPTIMIZERS[kind])
    before = torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(data[0]), data[1]).backward()
    optimizer.step()
    step = torch.nn.utils.parameters_to_vector(model.parameters()).detach() - before
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data)
    plane = nbl.Subspace.adam(objective, optimizer, momentum=True)
    torch.testing.assert_close(plane.directions[0], step / step.norm(), rtol=1e-6, atol=1e-9)
    assert plane.provenance["step_norm"] == pytest.approx(float(step.norm()) / 0.01)


def test_the_preconditioned_gradient_by_hand():
    model, optimizer, objective, data = trained(OPTIMIZERS["adam"])
    moments = torch.cat([s["exp_avg_sq"].reshape(-1) for s in optimizer.state.values()])
    expected = -objective.gradient() / ((moments / (1 - 0.999**5)).sqrt() + 1e-3)
    for source in (optimizer, optimizer.state_dict()):
        plane = nbl.Subspace.adam(objective, source, "random")
        torch.testing.assert_close(plane.directions[0], expected / expected.norm())
        np.testing.assert_allclose(plane.gram, np.eye(2), atol=1e-12)
    part = nbl.Objective(model, nn.CrossEntropyLoss(), data, parameters="2.*")
    assert nbl.Subspace.adam(part, optimizer).directions.shape == (1, 10)
    assert nbl.Subspace.adam(part, optimizer.state_dict()).directions.shape == (1, 10)


def test_complex_parameters_have_moments_of_both_parts():
    model = nn.Module()
    model.w = nn.Parameter(torch.tensor([1 + 2j, -0.5j]))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    weights = torch.tensor([1.0, 3.0])

    def batch_loss(m: nn.Module, _: object) -> tuple[torch.Tensor, int]:
        return (weights * torch.view_as_real(m.w).square().sum(1)).sum(), 1

    batch_loss(model, None)[0].backward()
    optimizer.step()
    objective = nbl.Objective.from_batch_loss(model, batch_loss, [torch.zeros(1)])
    plane = nbl.Subspace.adam(objective, optimizer, momentum=True)
    # the first step is the sign of every real number's gradient; the real part of the second has none
    expected = torch.tensor([-1.0, -1.0, 0.0, 1.0]) / 3**0.5
    torch.testing.assert_close(plane.directions[0], expected)


def test_states_that_are_not_of_this_model():
    model, optimizer, objective, _ = trained(OPTIMIZERS["adamw, two groups"])
    order = ["0.weight", "2.weight", "0.bias", "2.bias"]
    with pytest.raises(ValueError, match="in 2 groups can't be matched to names"):
        nbl.Subspace.adam(objective, optimizer.state_dict())
    plane = nbl.Subspace.adam(objective, optimizer.state_dict(), names=order)
    torch.testing.assert_close(plane.directions, nbl.Subspace.adam(objective, optimizer).directions)
    with pytest.raises(ValueError, match="has shape"):
        nbl.Subspace.adam(objective, optimizer.state_dict(), names=objective.parameter_names)
    with pytest.raises(ValueError, match="3 names for the 4"):
        nbl.Subspace.adam(objective, optimizer, names=order[:3])
    with pytest.raises(ValueError, match="no second moments"):
        nbl.Subspace.adam(objective, torch.optim.Adam(model.parameters()))
    with pytest.raises(ValueError, match="not Adam's"):
        nbl.Subspace.adam(objective, trained(lambda m: torch.optim.SGD(m.parameters(), 0.1, 0.9))[1])
    with pytest.raises(TypeError, match="state_dict"):
        nbl.Subspace.adam(objective, {"exp_avg_sq": torch.ones(3)})


def test_a_second_direction_without_length_is_named():
    model, data = problem()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data)
    with pytest.raises(ValueError, match=r"direction 2\) has length 0"):
        nbl.Subspace.gradient(objective, torch.zeros(objective.num_parameters))
