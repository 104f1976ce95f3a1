"""Fewer evaluations, the same merge tree, and an error that is measured."""

import gudhi
import numpy as np
import pytest

import nblandscape as nbl
from nblandscape.landscape.adaptive import adaptive_fill
from tests.curvature.models import digits_objective


def filled(function, axes, tolerance, **options):
    steps, seen = adaptive_fill(lambda index, at: function(*at), axes, tolerance=tolerance, **options), []
    while True:
        try:
            seen.append(next(steps)[1])
        except StopIteration as end:
            return end.value, np.concatenate(seen)


def diagram(values):
    pairs = nbl.merge_tree(values).pairs
    deaths = np.where(np.isfinite(pairs["death"]), pairs["death"], np.nanmax(values))
    return np.column_stack([pairs["birth"], deaths])


def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@pytest.mark.parametrize("points", [65, 129, 101])
def test_himmelblaus_tree_from_a_tenth_of_the_points(points):
    x = np.linspace(-5, 5, points)
    result, seen = filled(himmelblau, (x, x), 0.01)
    exact = himmelblau(x[:, None], x)
    assert result.evaluated.mean() < 0.15
    assert sorted(seen) == np.flatnonzero(result.evaluated).tolist()
    np.testing.assert_array_equal(result.values[result.evaluated], exact[result.evaluated])
    assert np.abs(result.values - exact).max() < 0.002 * np.ptp(exact)
    assert gudhi.bottleneck_distance(diagram(exact), diagram(result.values)) < 0.001 * np.ptp(exact)


def test_a_network_s_tree_from_a_part_of_the_points():
    objective = digits_objective(steps=100)
    plane = nbl.Subspace.hessian(objective, nbl.hessian_spectrum(objective))
    full = nbl.sample(objective, plane, span=8.0, points=65)
    part = nbl.sample(objective, plane, span=8.0, points=65, adaptive=0.02)
    told = part.provenance["adaptive"]
    spread = np.ptp(full.values)
    assert told["evaluated"] < 0.34 * full.values.size
    assert told["evaluated"] == np.isfinite(part.batch_losses).all(axis=-1).sum()
    assert gudhi.bottleneck_distance(diagram(full.values), diagram(part.values)) < 0.01 * spread
    assert np.abs(full.values - part.values).max() < 0.02 * spread
    assert 0 <= told["error"] < 0.02 * spread


def test_no_more_vertices_than_stated_are_further_off():
    rng, held = np.random.default_rng(5), 0
    x = np.linspace(-1, 1, 65)
    for _ in range(20):
        waves = rng.normal(size=(6, 2)) * 4, rng.uniform(0, 7, 6)

        def bumpy(a, b, waves=waves):
            return np.sin(a * waves[0][:, 0] + b * waves[0][:, 1] + waves[1]).sum()

        result, _ = filled(bumpy, (x, x), 0.02)
        exact = np.array([[bumpy(a, b) for b in x] for a in x])
        missed = np.abs(result.values - exact)[~result.evaluated] > result.error
        held += missed.mean() <= result.share_beyond < 0.1
    assert held >= 17


def test_what_is_rough_is_evaluated_in_full():
    noise = np.random.default_rng(0).normal(size=(33, 33))
    x = np.arange(33.0)
    result, _ = filled(lambda a, b: noise[int(a), int(b)], (x, x), 0.01)
    assert result.evaluated.all()
    assert np.isnan(result.error)
    np.testing.assert_array_equal(result.values, noise)


def test_holes_are_found_and_kept():
    x = np.linspace(-1, 1, 65)

    def ring(a, b):
        return np.nan if a * a + b * b > 1 else a * a

    result, _ = filled(ring, (x, x), 0.01)
    exact = np.array([[ring(a, b) for b in x] for a in x])
    np.testing.assert_array_equal(np.isnan(result.values), np.isnan(exact))
    assert result.evaluated.mean() < 0.9


def test_a_hole_that_interpolation_filled_makes_the_error_infinite():
    x = np.linspace(-1, 1, 33)

    def finest_is_missing(a, b):
        on_coarser = [round((v + 1) * 16) % 2 == 0 for v in (a, b)]
        return a * a + b * b if all(on_coarser) else np.nan

    result, _ = filled(finest_is_missing, (x, x), 0.9)
    assert result.checks > 0
    assert result.error == np.inf


def test_nothing_finite_is_a_landscape_of_holes():
    x = np.linspace(-1, 1, 33)
    result, _ = filled(lambda a, b: np.inf, (x, x), 0.01)
    assert np.isnan(result.values).all()
    assert result.evaluated.all()


def test_three_dimensions():
    x = np.linspace(-1, 1, 33)
    result, _ = filled(lambda a, b, c: np.cos(2 * a) * b + c**2, (x, x, x), 0.01)
    assert result.evaluated.mean() < 0.15
    exact = np.cos(2 * x[:, None, None]) * x[:, None] + x**2
    assert np.abs(result.values - exact).max() < 0.01


def test_what_does_not_go_together_is_named(tmp_path):
    objective = digits_objective(steps=1, hidden=4)
    plane = nbl.Subspace.random(objective, 2)
    with pytest.raises(ValueError, match="adaptive=2"):
        nbl.sample(objective, plane, points=9, adaptive=2.0)
    with pytest.raises(ValueError, match="store"):
        nbl.sample(objective, plane, points=9, adaptive=0.01, store=tmp_path / "s")
