"""SMAD: values of the table, what sets it apart from mean persistence, and Landscaper's own numbers."""

import numpy as np
import pytest
from grid_functions import ackley, camel, himmelblau, rastrigin, rotated_valley, sampled, wells

from nblandscape.topology import merge_tree, smad
from nblandscape.topology.neighbours import cell_volumes
from nblandscape.topology.smad import landscaper_smad
from nblandscape.topology.support import support


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


def rosenbrock(n: int) -> np.ndarray:
    return sampled(
        lambda a, b: (1 - a) ** 2 + 100 * (b - a**2) ** 2, np.linspace(-2, 2, n), np.linspace(-1, 3, n)
    )


def test_weights_are_true_volumes_where_the_tree_has_them():
    # Basins of 3 and 2 vertices, depths 4 and 1; the second is stretched.
    values, axis = np.array([9.0, 0.0, 4.0, 3.0, 9.0]), np.array([0.0, 1.0, 2.0, 4.0, 8.0])
    tree = merge_tree(values, volumes=cell_volumes([axis]))
    assert tree.basin_volumes.tolist() == [3, 5]
    assert smad(tree, weighted=True) == pytest.approx((3 * 4 + 5 * 1) / 8)
    assert smad(tree) == 2.5


@pytest.mark.parametrize(
    "values", [rosenbrock(41), rosenbrock(81), rotated_valley(1000, n=41)], ids=["41", "81", "valley"]
)
def test_supported_pairs_of_a_valley_with_one_minimum_have_no_smad(values):
    tree = merge_tree(values, connectivity="faces")
    found = support(tree)
    assert smad(tree) > 0
    assert smad(tree, support=found) == 0
    assert smad(tree, support=found, normalize=True, weighted=True) == 0


def test_supported_pairs_give_the_smad_of_the_restricted_tree():
    tree = merge_tree(himmelblau(201), connectivity="faces")
    found = support(tree)
    assert smad(tree, support=found) == pytest.approx(49.59, abs=0.1)
    for options in ({}, {"normalize": True}, {"weighted": True}):
        assert smad(tree, support=found, **options) == smad(tree.restrict(found.supported), **options)
    with pytest.raises(ValueError, match="5 rows"):
        smad(tree, support=support(merge_tree(himmelblau(21))))


# ---- Landscaper


def ripples() -> np.ndarray:
    x = np.linspace(-2.5, 2.5, 21)
    return sampled(
        lambda a, b: (
            20
            + (a + 0.013) ** 2
            + (b - 0.007) ** 2
            - 10 * np.cos(2 * np.pi * (a + 0.013))
            - 10 * np.cos(2 * np.pi * (b - 0.007))
        ),
        x,
        x,
    )


def random_grids() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(15, 15)), rng.normal(size=(9, 13))


# Plain, weighted, normalised, both: topopy 1.0.4 and nglpy 1.1.7 (beta 1, p 2, all neighbours; steepest, no
# normalisation), with the formulas of Landscaper's `smad`.
RECORDED = {
    "himmelblau": (himmelblau(21), 19.9375, 5.112244897959184, 0.02240168539325843, 0.005744095390965376),
    "ripples": (ripples(), 18.597947403202806, 0.7434542750839505, 0.3541523300199112, 0.01415726467421357),
    "noise": (
        random_grids()[0],
        0.7957573681020332,
        0.01931998914114115,
        0.14562922873616416,
        0.003535694711223452,
    ),
    "9x13": (
        random_grids()[1],
        1.1377490799373122,
        0.05577010355514991,
        0.17428533456352088,
        0.008543106145413938,
    ),
    "rosenbrock": (
        rosenbrock(21),
        6.741176470588231,
        0.321947445644925,
        0.002686798115021216,
        0.00012831703692503982,
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_numbers_recorded_from_landscapers_libraries(name):
    values, *expected = RECORDED[name]
    found = [landscaper_smad(values, normalize=n, weighted=w) for n in (False, True) for w in (False, True)]
    assert found == pytest.approx(expected, rel=1e-9)


def test_published_numbers_of_landscaper():
    for n, expected in ((41, 49.75), (101, 49.57), (201, 18.88)):
        assert landscaper_smad(himmelblau(n)) == pytest.approx(expected, abs=0.005)
    assert landscaper_smad(rosenbrock(41)) == pytest.approx(1.38, abs=0.01)
    for dimension in (1, 2, 3):
        assert landscaper_smad(wells(dimension)) == 1
        assert landscaper_smad(wells(dimension), weighted=True) == pytest.approx(0.5**dimension)
    assert landscaper_smad(wells(2), normalize=True) == pytest.approx(1 / 18)
    assert landscaper_smad(rotated_valley(1)) == 0


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_landscaper_has_no_number_for_holes(hole):
    values = wells(2)
    values[0, :3] = hole
    with pytest.raises(ValueError, match="3 values are not finite"):
        landscaper_smad(values)
