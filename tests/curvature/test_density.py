"""Spectral densities with known answers."""

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl
from nblandscape.curvature.density import spectral_density
from tests.curvature.models import dense_hessian, digits_objective
from tests.curvature.spectra import Diagonal, outliers_and_bulk


def test_three_values_end_after_three_steps():
    density = spectral_density(Diagonal(np.r_[np.ones(800), -np.ones(200), 0.0]), probes=5, steps=64)
    assert density.products == 15
    np.testing.assert_allclose(np.unique(density.nodes.round(9)), [-1, 0, 1], atol=1e-9)
    share = density.fraction_negative
    assert abs(share.value - 200 / 1001) < 4 * share.stderr
    assert share.stderr < 0.02
    assert len(density.outliers) == 0  # many equal values are bulk
    assert density.weights.sum() == pytest.approx(1.0)


def test_marchenko_pastur_of_linear_regression():
    """n/d = 4, isotropic data: the density lies between (1 - 1/2)^2 and (1 + 1/2)^2."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2400, 600, generator=generator, dtype=torch.float64)
    model = nn.Linear(600, 1, bias=False).double()
    objective = nbl.Objective(model, nn.MSELoss(), (x, torch.zeros(2400, 1, dtype=torch.float64)))
    density = spectral_density(objective, probes=3, steps=40)
    low, high = density.nodes.min() / 2, density.nodes.max() / 2  # H = 2 X^T X / m
    assert (low, high) == (pytest.approx(0.25, abs=0.03), pytest.approx(2.25, abs=0.06))
    grid = np.linspace(0.35, 2.1, 12)
    law = np.sqrt((2.25 - grid) * (grid - 0.25)) / (2 * np.pi * 0.25 * grid)
    np.testing.assert_allclose(2 * density.density(2 * grid, sigma=0.25), law, rtol=0.2, atol=0.05)
    assert density.fraction_negative.value == 0
    assert abs(density.trace.value - 1200) < 4 * density.trace.stderr + 40


def test_outliers_bulk_and_negative_mass_of_a_known_spectrum():
    values = outliers_and_bulk()
    density = spectral_density(Diagonal(values), probes=4, steps=64)
    np.testing.assert_allclose(density.outliers[:10], np.linspace(100, 7, 10), rtol=1e-6)
    low, high = density.bulk
    assert -3.1 < low < -1
    assert 0.5 < high < 5
    share = density.fraction_negative
    assert abs(share.value - np.mean(values < -1e-4)) < 2 * share.stderr
    assert abs(density.trace.value - values.sum()) < 4 * density.trace.stderr


def test_quantiles_and_smoothing_against_a_dense_network():
    objective = digits_objective(steps=30, hidden=6)
    exact = np.linalg.eigvalsh(dense_hessian(objective))
    density = spectral_density(objective, probes=6, steps=50)
    x = np.linspace(exact[0] - 0.5, exact[-1] + 0.5, 4001)
    assert np.trapezoid(density.density(x), x) == pytest.approx(1.0, abs=1e-6)
    assert density.quantile(1.0) == pytest.approx(exact[-1], rel=1e-3)
    assert density.quantile(0.5) == pytest.approx(np.median(exact), abs=0.02 * density.norm)
    assert "bulk" in repr(density)
    with pytest.raises(ValueError, match="q=2"):
        density.quantile(2)


@pytest.mark.parametrize("steps", [16, 64])
def test_the_error_of_the_negative_share_holds_what_the_steps_leave_open(steps):
    """Most eigenvalues crowd around 0: the quadrature is wrong by far more than its probes differ."""
    values = np.linalg.eigvalsh(dense_hessian(digits_objective(steps=30, hidden=6)))
    exact = np.mean(values < -1e-6 * values.max())
    for seed in range(5):
        density = spectral_density(Diagonal(values), probes=4, steps=steps, seed=seed)
        share = density.fraction_negative
        assert abs(share.value - exact) < 2 * share.stderr
        assert (density.unresolved >= 0).all()


def test_the_unresolved_share_is_the_mass_that_moves_between_two_quadratures():
    """Chebyshev, Markov, Stieltjes: Gauss and Radau rules bound what lies below a point."""
    values = np.random.default_rng(0).normal(size=300)
    few, all_steps = (spectral_density(Diagonal(values), probes=3, steps=s, seed=2) for s in (20, 300))
    assert (all_steps.unresolved < 1e-9).all()
    exact = np.array([w[x < 0].sum() for x, w in all_steps.probes])
    shares = np.array([w[x < 0].sum() for x, w in few.probes])
    assert (np.abs(shares - exact) <= few.unresolved).all()
    assert few.unresolved.max() < 0.2


def test_a_spectrum_of_outliers_alone_names_each_once():
    density = spectral_density(np.diag([3.0, 2.0, 1.0, -1.0]), probes=2)
    np.testing.assert_allclose(density.outliers, [3, 2, 1, -1], atol=1e-9)


@pytest.mark.parametrize("sigma", [0.0, -1.0])
def test_a_width_that_is_not_positive_is_named(sigma):
    with pytest.raises(ValueError, match="sigma="):
        spectral_density(np.eye(3), probes=1).density(0.0, sigma=sigma)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"probes": 0}, "probes=0"), ({"steps": 0}, "steps=0"), ({"steps": 2.5}, "whole")],
)
def test_bad_counts(options, message):
    with pytest.raises(ValueError, match=message):
        spectral_density(np.eye(3), **options)
