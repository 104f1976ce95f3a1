"""Known answers at exact critical points, refinement, and injected failures in every tool."""

from functools import reduce
from itertools import product

import numpy as np
import pytest
from grid_functions import ackley, camel, sampled
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import nblandscape as nbl
from nblandscape.topology import (
    basin_metric,
    contour_tree,
    critical_points,
    landscaper_smad,
    merge_tree,
    morse_smale,
    over_levels,
    persistence,
    profile,
    propose_threshold,
    smad,
    summary,
    support,
)

# ---- sums of functions of one variable, sampled at all of their critical points


def sum_of_copies(f: np.ndarray, dimension: int) -> np.ndarray:
    return np.asarray(reduce(np.add.outer, [f] * dimension))


def tilted() -> np.ndarray:
    critical = np.sort(np.roots([4, 0, -4, 0.25]).real)
    x = np.sort(np.concatenate([critical, [-2, -1.5, -0.4, 0.5, 2]]))
    return np.asarray((x**2 - 1) ** 2 + x / 4)


def ripples() -> np.ndarray:
    """Rastrigin's function of one variable at its critical points in [-2.5, 2.5]."""

    def slope(x):
        return 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)

    low, high = np.arange(-2.5, 2.5, 0.5) + 0.2, np.arange(-2.5, 2.5, 0.5) + 0.75
    low[0], high[-1] = -2.4, 2.4
    rising = slope(low) < 0
    for _ in range(60):
        middle = (low + high) / 2
        left = (slope(middle) < 0) == rising
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    x = np.unique(np.concatenate([[-2.5, 2.5], low[np.abs(slope(low)) < 1e-9]]).round(12))
    return np.asarray(10 + x**2 - 10 * np.cos(2 * np.pi * x))


@pytest.mark.parametrize(
    ("dimension", "expected"), [(1, 1.011742), (2, 0.886803), (3, 0.824334), (4, 0.793100)]
)
@pytest.mark.parametrize("connectivity", ["full", "faces", "freudenthal"])
def test_tilted_wells_to_six_digits(dimension, expected, connectivity):
    values = sum_of_copies(tilted(), dimension)
    tree = merge_tree(values, connectivity=connectivity)
    upper = np.array([sum(leaf) for leaf in product((0, 1), repeat=dimension)])
    births = np.sort(-0.2537912 * dimension + (0.2459634 + 0.2537912) * upper)
    assert np.sort(tree.pairs["birth"]) == pytest.approx(births, abs=1e-6)
    assert tree.persistence[1:] == pytest.approx(np.full(2**dimension - 1, 0.761865), abs=1e-6)
    numbers = summary(tree).all
    assert numbers.smad == pytest.approx(expected, abs=1e-6)
    assert numbers.average_persistence == pytest.approx(0.761865, abs=1e-6)
    assert landscaper_smad(values) == pytest.approx(expected, abs=1e-6)


def test_rastrigin_to_six_digits():
    line = merge_tree(ripples())
    assert sorted(line.pairs["birth"]) == pytest.approx([0, 0.994959, 0.994959, 3.979831, 3.979831], abs=1e-6)
    assert sorted(line.pairs["death"])[:4] == pytest.approx(
        [20.251273, 20.251273, 22.261459, 22.261459], abs=1e-6
    )
    tree = merge_tree(sum_of_copies(ripples(), 2))
    numbers = summary(tree).all
    assert numbers.minima == 25
    assert numbers.smad == pytest.approx(18.672313, abs=1e-6)
    assert numbers.average_persistence == pytest.approx(18.606523, abs=1e-6)
    assert numbers.total_persistence == pytest.approx(446.556555, abs=1e-5)


def test_heights_of_the_camel():
    for connectivity in ("full", "freudenthal"):
        pairs = merge_tree(camel(801), connectivity=connectivity).pairs
        assert np.sort(pairs["birth"]) == pytest.approx(
            np.repeat([-1.0316285, -0.2154638, 2.1042503], 2), abs=1e-4
        )
        assert np.sort(pairs["death"])[:5] == pytest.approx(
            [0, 0.5437186, 0.5437186, 2.2293572, 2.2293572], abs=1e-4
        )


def test_heights_of_ackley():
    pairs = merge_tree(ackley(801)).pairs
    assert np.sort(pairs["birth"])[:5] == pytest.approx([0, *[2.579928] * 4], abs=2e-4)
    assert pairs["death"].min() == pytest.approx(3.252469, abs=1e-3)


def test_rosenbrock_has_only_spurious_pairs():
    values = sampled(
        lambda a, b: (1 - a) ** 2 + 100 * (b - a**2) ** 2, np.linspace(-2, 2, 41), np.linspace(-1, 3, 41)
    )
    faces, full = merge_tree(values, connectivity="faces"), merge_tree(values)
    assert (faces.minima.size, full.minima.size) == (29, 20)
    assert max(t.persistence[1] for t in (faces, full)) == pytest.approx(3.6, abs=0.05)
    assert full.range == 9 + 100 * 5**2
    for tree in (faces, full):
        bars = support(tree)
        assert smad(tree, support=bars) == 0
        assert tree.simplify(propose_threshold(tree, bars).value).minima.size == 1


@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
def test_a_quadratic_has_one_minimum(dimension):
    rng = np.random.default_rng(dimension)
    turn = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
    x = np.linspace(-1, 1, 9)
    grid = np.stack(np.meshgrid(*[x] * dimension, indexing="ij"), axis=-1) @ turn
    values = grid**2 @ np.geomspace(1, 3, dimension)
    assert (merge_tree(values).minima.size, smad(merge_tree(values))) == (1, 0)
    inside = critical_points(values)
    assert inside["index"].tolist() == [0]


# ---- refinement: linear interpolation on half of the step has the same topology, exactly


def halved(values: np.ndarray) -> np.ndarray:
    """Linear interpolation in the middles of all edges of Freudenthal's triangulation."""
    fine = np.empty(tuple(2 * n - 1 for n in values.shape))
    for step in product((0, 1), repeat=values.ndim):
        here, there = (
            tuple(part if s else slice(None) for s in step) for part in (slice(None, -1), slice(1, None))
        )
        fine[tuple(slice(s, None, 2) for s in step)] = (values[here] + values[there]) / 2
    return fine


EVEN = npst.arrays(
    np.float64,
    st.one_of(
        npst.array_shapes(max_dims=2, max_side=8), npst.array_shapes(min_dims=3, max_dims=4, max_side=3)
    ),
    elements=st.integers(-4, 4).map(lambda k: 2.0 * k),
)


@settings(max_examples=40)
@given(EVEN)
def test_a_finer_grid_of_the_same_function_has_the_same_trees(values):
    fine = halved(values)
    for kind in ("sublevel", "superlevel"):
        coarse_pairs, fine_pairs = (
            np.sort(merge_tree(f, kind=kind, connectivity="freudenthal").pairs[["birth", "death"]])
            for f in (values, fine)
        )
        assert coarse_pairs.tolist() == fine_pairs.tolist()
    coarse_tree, fine_tree = contour_tree(values), contour_tree(fine)
    assert coarse_tree.node_values.tolist() == fine_tree.node_values.tolist()
    assert coarse_tree.arcs.tolist() == fine_tree.arcs.tolist()


@settings(max_examples=20)
@given(EVEN, st.integers(0, 2**32))
def test_a_finer_grid_of_the_same_function_has_the_same_critical_points(values, seed):
    distinct = 2.0 * np.random.default_rng(seed).permutation(values.size).reshape(values.shape)
    names = ["index", "multiplicity", "value"]
    for find in (critical_points, lambda f: morse_smale(f).critical_points):
        assert find(distinct)[names].tolist() == find(halved(distinct))[names].tolist()


@settings(max_examples=40)
@given(EVEN, st.sampled_from(["full", "faces", "freudenthal"]), st.integers(0, 9))
def test_the_lowest_vertex_of_a_simplified_basin_is_its_minimum(values, connectivity, threshold):
    tree = merge_tree(values, connectivity=connectivity).simplify(threshold)
    lowest = basin_metric(tree, values, np.min, None)
    np.testing.assert_array_equal(lowest, tree.pairs["birth"])


# ---- one bowl, damaged in every way: one minimum in every tool


def bowl(*shape: int) -> np.ndarray:
    return sampled(lambda a, b: a**2 + 1.3 * b**2, *(np.linspace(-1, 1.1, n) for n in shape))


def outside(values: np.ndarray, hole: float) -> np.ndarray:
    return np.where(values > 0.9, hole, values)


DAMAGED = {
    "NaN outside a disc": outside(bowl(31, 31), np.nan),
    "inf outside a disc": outside(bowl(31, 31), np.inf),
    "-inf outside a disc": outside(bowl(31, 31), -np.inf),
    "saturated": np.minimum(bowl(31, 31), 0.7),
    "flat bottom": np.maximum(bowl(31, 31), 0.2),
    "quantised": bowl(31, 31).round(1),
    "float16": bowl(31, 31).astype(np.float16),
    "nearly flat": 1 + 1e-9 * bowl(31, 31),
    "9x13": bowl(9, 13),
    "even steps": bowl(10, 10),
    "huge": bowl(9, 13) * 1e300,
    "denormal": bowl(9, 13) * 1e-310,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_bowl_has_one_minimum_in_every_tool(name):
    values = DAMAGED[name]
    before = values.copy()
    holes = ~np.isfinite(values)
    tree = merge_tree(values)
    assert tree.minima.tolist() == [np.argmin(np.where(holes, np.inf, values))]
    np.testing.assert_array_equal(tree.basins, np.where(holes, -1, 0))
    assert smad(tree, normalize=True, weighted=True) == 0
    diagrams = persistence(values)
    assert (len(diagrams[0].finite), len(diagrams[0].essential)) == (0, 1)
    assert len(diagrams[1].finite) == len(diagrams[1].essential) == 0
    up = merge_tree(-values, kind="superlevel")
    assert up.minima.tolist() == tree.minima.tolist()
    assert contour_tree(values).minima.size == 1
    assert len(morse_smale(values).basin_tree.pairs) == 1
    assert len(profile(tree).row) == 1
    assert profile(tree).total == (~holes).sum()
    assert summary(tree, support(tree)).supported.minima == 1
    assert over_levels(values, coarsest=5).summaries[-1].all.minima == 1
    landscape = nbl.Landscape.from_array(values)
    assert (landscape.smad(), landscape.smad(supported=True), landscape.holes) == (0, 0, holes.sum())
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_ring_of_holes_leaves_two_landscapes_side_by_side(hole):
    values = bowl(41, 41)
    ring = (values > 0.3) & (values < 0.6)
    damaged = np.where(ring, hole, values)
    tree = merge_tree(damaged).simplify(np.inf)
    assert tree.minima.size == 2
    assert tree.basin_volumes.tolist() == [(values <= 0.3).sum(), (values >= 0.6).sum()]
    assert smad(tree) == 0
    assert summary(tree).essential.tolist() == [values.min(), values[values >= 0.6].min()]
    diagrams = persistence(damaged)
    # A component on each side, and the loop around the hole.
    assert (len(diagrams[0].essential), len(diagrams[1].essential)) == (2, 1)
    contours = contour_tree(damaged)
    within = merge_tree(contours.node_values, connectivity=contours.arcs).pairs
    whole = merge_tree(damaged, connectivity="freudenthal").pairs
    assert np.sort(within[["birth", "death"]]).tolist() == np.sort(whole[["birth", "death"]]).tolist()
    assert morse_smale(damaged).simplify(np.inf).basins.max() == 1
    shape = profile(tree)
    assert shape.total == (~ring).sum()
    assert (shape.parent == -1).sum() == 2


# ---- faults of other tools that only a use of several parts together shows


def test_saddles_of_pairs_are_saddles():
    values = np.random.default_rng(3).normal(size=(13, 14))
    found = critical_points(values)
    of_index_1 = set(found["vertex"][found["index"] == 1].tolist())
    tree = merge_tree(values, connectivity="freudenthal")
    assert tree.saddles.size > 5
    assert set(tree.saddles.tolist()) <= of_index_1


def test_a_landscape_does_not_mix_up_trees_of_different_options():
    x = np.linspace(-1, 1, 41)
    landscape = nbl.Landscape.from_array(
        sampled(lambda a, b: (a + b) ** 2 + 1000 * (a - b) ** 2, x, x), (x, x)
    )
    sizes = [landscape.merge_tree(connectivity=c).minima.size for c in ("faces", "full", "faces")]
    assert sizes == [41, 1, 41]
    assert landscape.merge_tree("superlevel").kind == "superlevel"
    assert landscape.merge_tree().kind == "sublevel"
    assert landscape.profile().tree.kind == "sublevel"


def test_wells_alike_have_one_weighted_smad_however_many_they_are():
    for wells in range(2, 6):
        values = np.tile([1.0, 0.0], wells)[1:]
        volumes = np.linspace(1, 2, values.size)
        assert smad(merge_tree(values, volumes=volumes), weighted=True) == pytest.approx(1)
        assert landscaper_smad(values, weighted=True) < 1 / wells + 1e-12
