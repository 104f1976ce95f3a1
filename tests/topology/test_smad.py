"""SMAD: values of the table, and what sets it apart from mean persistence."""

import numpy as np
import pytest
from grid_functions import ackley, camel, himmelblau, rastrigin, rotated_valley, sampled, wells

from nblandscape.topology import merge_tree, smad


def mean_persistence(tree) -> float:
    return float(tree.persistence[np.isfinite(tree.persistence)].mean())


def test_himmelblau_differs_from_mean_persistence():
    tree = merge_tree(himmelblau(1601))
    assert smad(tree) == pytest.approx(49.589541, abs=5e-3)
    assert mean_persistence(tree) == pytest.approx(61.682080, abs=5e-3)


@pytest.mark.parametrize("n", [101, 161, 201])
def test_himmelblau_holds_at_every_resolution(n):
    assert smad(merge_tree(himmelblau(n))) == pytest.approx(49.59, abs=0.1)


def test_faces_need_simplification():
    tree = merge_tree(himmelblau(201), connectivity="faces")
    assert len(tree.minima) == 5
    assert smad(tree) == pytest.approx(18.88, abs=0.05)  # Landscaper's number: one pair of persistence 0.0057
    assert smad(tree.simplify(0.01)) == pytest.approx(49.59, abs=0.1)


@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
def test_double_wells(dimension):
    tree = merge_tree(wells(dimension))
    assert smad(tree) == pytest.approx(1)
    assert smad(tree, weighted=True) == pytest.approx(1)
    assert smad(tree, normalize=True) == pytest.approx(1 / np.ptp(tree.values))
    assert smad(tree, normalize=True, weighted=True) == pytest.approx(1 / np.ptp(tree.values))


@pytest.mark.parametrize(
    ("dimension", "n", "expected"), [(1, 4001, 1.011742), (2, 401, 0.886803), (3, 81, 0.824334)]
)
def test_tilted_wells(dimension, n, expected):
    x = np.linspace(-2, 2, n)
    tree = merge_tree(sampled(lambda *c: sum((a**2 - 1) ** 2 + a / 4 for a in c), *[x] * dimension))
    assert smad(tree) == pytest.approx(expected, abs=3e-3)
    assert mean_persistence(tree) == pytest.approx(0.761865, abs=3e-3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (rastrigin(41), 18.65),
        (rastrigin(501), 18.672313),
        (ackley(41), 0.93796),
        (ackley(1001), 0.980117),
        (camel(1001), 0.638639),
    ],
    ids=["rastrigin41", "rastrigin", "ackley41", "ackley", "camel"],
)
def test_lattices_of_minima(values, expected):
    assert smad(merge_tree(values)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("ratio", [1, 10])
def test_one_minimum_is_perfectly_smooth(ratio):
    assert smad(merge_tree(rotated_valley(ratio))) == 0


def test_weights_are_basin_volumes():
    # Depths 2 (basin of 6, the pass included) and 4 (basin of 3).
    tree = merge_tree([9.0, 7.0, 6.0, 2.0, 3.0, 4.0, 0.0, 8.0, 9.0])
    assert np.bincount(tree.basins).tolist() == [4, 5]
    assert smad(tree) == 3.0
    assert smad(tree, weighted=True) == pytest.approx((4 * 4.0 + 5 * 2.0) / 9)
    assert smad(tree, normalize=True) == pytest.approx(3 / 9)


def test_leaves_that_never_merge_are_left_out():
    values = np.array([0.0, 2.0, 1.0, np.nan, 0.5, 3.0])
    assert smad(merge_tree(values)) == pytest.approx((2 + 1) / 2)
    assert smad(merge_tree(values), weighted=True) == pytest.approx((2 * 2 + 1 * 1) / 3)
    assert smad(merge_tree([1.0, np.nan, 2.0])) == 0


def test_superlevel_measures_hills():
    assert smad(merge_tree(-himmelblau(101), kind="superlevel")) == smad(merge_tree(himmelblau(101)))
