"""Sharpness measures with closed forms, and what rescaling does to them."""

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl
from nblandscape.curvature.flatness import sharpness
from tests.curvature.models import digits_objective


class Function(nn.Module):
    """A loss that is any function of one parameter vector."""

    def __init__(self, theta, function) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.as_tensor(theta, dtype=torch.float64))
        self.function = function

    def forward(self):
        return self.function(self.theta)


def objective_of(function, theta) -> nbl.Objective:
    return nbl.Objective.from_batch_loss(Function(theta, function), lambda m, b: (m(), 1), [(torch.ones(1),)])


def valley(theta):
    return 0.5 * (theta[0] * theta[1] - 1) ** 2


@pytest.mark.parametrize("c", [0.5, 1.0, 3.0])
def test_p40_rescaling_changes_the_plain_curvature_and_not_the_scaled_one(c):
    result = sharpness(objective_of(valley, [c, 1 / c]), rho=0.01)
    assert result.lambda_max == pytest.approx(c**2 + c**-2, rel=1e-4)
    assert result.scaled_lambda_max == pytest.approx(2.0, rel=1e-4)
    assert result.sam == result.asam == 0  # the gradient vanishes
    assert result.sam_max == pytest.approx(0.5 * 0.01**2 * (c**2 + c**-2), rel=0.05)


@pytest.mark.parametrize("c", [0.5, 1.0, 3.0])
def test_asam_is_invariant_off_the_minimum_and_sam_is_not(c):
    result = sharpness(objective_of(valley, [1.2 * c, 1.2 / c]), rho=0.05)
    reference = sharpness(objective_of(valley, [1.2, 1.2]), rho=0.05)
    assert result.asam == pytest.approx(reference.asam, rel=1e-6)
    if c != 1:
        assert abs(result.sam / reference.sam - 1) > 0.2


def test_a_quadratic_has_closed_forms():
    a = torch.tensor([4.0, 1.0], dtype=torch.float64)
    start = torch.tensor([1.0, 2.0], dtype=torch.float64)
    result = sharpness(objective_of(lambda t: 0.5 * (a * t**2).sum(), start), rho=0.1, epsilon=0.01)
    g = a * start
    moved = start + 0.1 * g / g.norm()
    loss = float(0.5 * (a * start**2).sum())
    assert result.sam == pytest.approx(float(0.5 * (a * moved**2).sum()) - loss)
    assert result.sam_max >= result.sam
    angles = torch.linspace(0, 2 * np.pi, 20001, dtype=torch.float64)
    ball = start + 0.1 * torch.stack([angles.cos(), angles.sin()], dim=1)
    assert result.sam_max == pytest.approx(float((0.5 * a * ball**2).sum(1).max()) - loss, rel=1e-3)
    corner = start + 0.01 * (start + 1)
    assert result.keskar == pytest.approx(
        100 * (float(0.5 * (a * corner**2).sum()) - loss) / (1 + loss), rel=1e-6
    )
    assert result.gradient_norm == pytest.approx(float(g.norm()))


@pytest.mark.parametrize(("learning_rate", "converges"), [(0.199, True), (0.201, False)])
def test_gradient_descent_diverges_beyond_the_edge_of_stability(learning_rate, converges):
    result = sharpness(objective_of(lambda t: 5 * t[0] ** 2, [1.0]), learning_rate=learning_rate)
    assert (result.stability < 1) == converges
    x = 1.0
    for _ in range(1000):
        x -= learning_rate * 10 * x
    assert (abs(x) < 1e-3) == converges


def test_on_a_network_with_a_given_spectrum():
    objective = digits_objective(steps=20, hidden=6)
    spectrum = nbl.hessian_spectrum(objective, largest=2, smallest=1)
    before = objective.origin()
    result = sharpness(objective, spectrum=spectrum, learning_rate=0.1)
    assert result.lambda_max == spectrum.values[0]
    assert 0 < result.sam <= result.sam_max
    assert result.keskar > 0
    assert result.asam > 0
    assert torch.equal(before, objective.origin())
    assert "Keskar" in repr(result)
    assert "η = 0.1" in repr(result)


def test_what_has_no_sharpness_is_named():
    with pytest.raises(ValueError, match="sharpness needs an Objective, not ndarray"):
        sharpness(np.eye(2))
    other = nbl.hessian_spectrum(np.eye(3), largest=1, smallest=0)
    with pytest.raises(ValueError, match="length 3, not 2"):
        sharpness(objective_of(valley, [1.0, 1.0]), spectrum=other)


def test_every_loss_and_gradient_is_counted(monkeypatch):
    objective, calls = objective_of(valley, [1.2, 1.0]), []

    def counted(plain):
        return lambda *arguments: calls.append(plain) or plain(*arguments)

    for name in ("loss", "gradient", "point", "value_and_gradient"):
        monkeypatch.setattr(objective, name, counted(getattr(objective, name)))
    assert sharpness(objective).gradients == len(calls)


@pytest.mark.parametrize(
    "options", [{"rho": 0}, {"epsilon": -1}, {"learning_rate": 0.0}, {"ascent_steps": 0}]
)
def test_sizes_must_be_positive(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        sharpness(objective_of(valley, [1.0, 1.0]), **options)
