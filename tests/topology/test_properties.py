"""Properties of merge trees that hold for every function."""

import gudhi
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from merge_oracle import neighbours
from scipy import ndimage

from nblandscape.topology import MergeTree, merge_tree, smad

SHAPES = npst.array_shapes(min_dims=1, max_dims=3, max_side=7)
TIED = st.integers(-4, 4).map(float)
HOLED = st.one_of(TIED, TIED, TIED, st.just(np.nan), st.just(np.inf), st.just(-np.inf))


def grids(elements=TIED):
    return npst.arrays(np.float64, SHAPES, elements=elements).filter(lambda a: np.isfinite(a).any())


def distinct(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape).astype(float)


DISTINCT = st.builds(distinct, SHAPES, st.integers(0, 2**32))
CONNECTIVITY = st.sampled_from(["full", "faces", "freudenthal"])


def assert_same(a: MergeTree, b: MergeTree) -> None:
    np.testing.assert_array_equal(a.pairs, b.pairs)
    np.testing.assert_array_equal(a.basins, b.basins)
    np.testing.assert_array_equal(a.saddles, b.saddles)


@given(grids(HOLED), CONNECTIVITY)
def test_basins_partition_the_finite_domain_and_are_connected(values, connectivity):
    tree = merge_tree(values, connectivity=connectivity)
    basins = tree.basins.ravel()
    np.testing.assert_array_equal(tree.basins == -1, ~np.isfinite(values))
    assert set(basins[basins >= 0].tolist()) == set(range(len(tree.pairs)))
    graph = nx.Graph(neighbours(values, connectivity))
    for row, minimum in enumerate(tree.minima.tolist()):
        members = np.flatnonzero(basins == row).tolist()
        assert minimum in members
        assert tree.values.flat[minimum] == tree.values.ravel()[members].min()
        assert nx.is_connected(graph.subgraph(members))


@given(grids(HOLED), CONNECTIVITY)
def test_one_essential_pair_per_component(values, connectivity):
    tree = merge_tree(values, connectivity=connectivity)
    graph = nx.Graph(neighbours(values, connectivity))
    assert (tree.pairs["parent"] == -1).sum() == nx.number_connected_components(graph)


@given(grids(HOLED), st.sampled_from([0.5, 2.0, 8.0]), st.integers(-16, 16))
def test_scaling_and_shifting(values, a, b):
    tree, other = merge_tree(values), merge_tree(a * values + b)
    np.testing.assert_array_equal(other.basins, tree.basins)
    np.testing.assert_array_equal(other.saddles, tree.saddles)
    np.testing.assert_array_equal(other.persistence, a * tree.persistence)
    np.testing.assert_array_equal(other.pairs["birth"], a * tree.pairs["birth"] + b)
    assert smad(other) == a * smad(tree)
    assert smad(other, normalize=True) == pytest.approx(smad(tree, normalize=True))


@given(DISTINCT, st.data())
def test_flips_and_transpositions(values, data):
    axes = data.draw(st.permutations(range(values.ndim)))
    turned = data.draw(st.lists(st.sampled_from(range(values.ndim)), unique=True))
    vertices = np.arange(values.size).reshape(values.shape)

    def move(array: np.ndarray) -> np.ndarray:
        return np.flip(array.transpose(axes), turned)

    tree, moved = merge_tree(values), merge_tree(move(values))
    origin = move(vertices).ravel()
    # Equal persistences are ordered by vertex, which has moved: compare minimum by minimum.
    row = {v: i for i, v in enumerate(tree.minima.tolist())}
    match = np.array([row[v] for v in origin[moved.minima].tolist()])
    assert sorted(match) == list(range(len(tree.pairs)))
    np.testing.assert_array_equal(move(tree.basins), match[moved.basins])
    for name in ("birth", "death"):
        np.testing.assert_array_equal(moved.pairs[name], tree.pairs[name][match])
    parent = moved.pairs["parent"]
    np.testing.assert_array_equal(np.where(parent < 0, -1, match[parent]), tree.pairs["parent"][match])
    np.testing.assert_array_equal(np.sort(origin[moved.saddles]), np.sort(tree.saddles))
    assert smad(moved) == pytest.approx(smad(tree))


@given(grids(HOLED), CONNECTIVITY)
def test_chirality(values, connectivity):
    low = merge_tree(-values, connectivity=connectivity)
    high = merge_tree(values, kind="superlevel", connectivity=connectivity)
    np.testing.assert_array_equal(low.basins, high.basins)
    np.testing.assert_array_equal(low.pairs["birth"], -high.pairs["birth"])
    np.testing.assert_array_equal(low.pairs["death"], -high.pairs["death"])
    assert smad(low, weighted=True) == smad(high, weighted=True)


@given(grids(HOLED), st.floats(0, 9), st.floats(0, 9))
def test_simplifying_twice_is_simplifying_once(values, t, u):
    tree = merge_tree(values)
    t, u = sorted((t, u))
    assert_same(tree.simplify(t).simplify(u), tree.simplify(u))
    assert_same(tree.simplify(u).simplify(t), tree.simplify(u))


@given(grids(HOLED), st.floats(0, 1))
def test_simplification_keeps_what_persists(values, fraction):
    tree = merge_tree(values)
    simple = tree.simplify(fraction, relative=True)
    keep = (tree.persistence >= fraction * np.ptp(values[np.isfinite(values)])) | (tree.pairs["parent"] < 0)
    kept = np.flatnonzero(keep)
    for name in ("birth_vertex", "death_vertex", "birth", "death"):
        np.testing.assert_array_equal(simple.pairs[name], tree.pairs[name][kept])

    def first_kept(step: np.ndarray) -> np.ndarray:  # one row at a time
        found = []
        for row in range(len(tree.pairs)):
            while not keep[row]:
                row = int(step[row])
            found.append(row)
        return np.array(found)

    survivor, spilled = first_kept(tree.pairs["parent"]), first_kept(tree.beside)
    inside = tree.basins >= 0
    np.testing.assert_array_equal(kept[simple.basins[inside]], spilled[tree.basins[inside]])
    np.testing.assert_array_equal(simple.basins[~inside], -1)
    for row, parent in zip(kept, simple.pairs["parent"], strict=True):
        old = int(tree.pairs["parent"][row])
        assert (parent == -1) if old < 0 else (kept[parent] == survivor[old])
    assert set(simple.saddles.tolist()) == set(simple.pairs["death_vertex"].tolist()) - {-1}


@pytest.mark.parametrize("seed", range(20))
def test_simplified_basins_are_connected_and_meet_at_their_passes(seed):
    values = np.random.default_rng(seed).normal(size=(12, 13))
    tree = merge_tree(values)
    full = np.ones((3, 3))
    by_parent_differs = False
    for fraction in (0.1, 0.2, 0.3, 0.5):
        simple = tree.simplify(fraction, relative=True)
        for row in range(len(simple.pairs)):
            assert ndimage.label(simple.basins == row, structure=full)[1] == 1
        for row, other in enumerate(simple.beside):
            if other >= 0:
                i, j = np.unravel_index(simple.pairs["death_vertex"][row], values.shape)
                around = simple.basins[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
                assert other in around
        by_parent_differs |= bool((simple.beside != simple.pairs["parent"]).any())
    assert by_parent_differs


@given(grids(HOLED))
def test_parents_outlive_and_outweigh_their_children(values):
    tree = merge_tree(values)
    child = np.flatnonzero(tree.pairs["parent"] >= 0)
    parent = tree.pairs["parent"][child]
    assert (parent < child).all()
    assert (tree.persistence[parent] >= tree.persistence[child]).all()
    np.testing.assert_array_equal(tree.persistence, np.sort(tree.persistence)[::-1])
    assert (tree.pairs["birth"][parent] <= tree.pairs["birth"][child]).all()
    assert (tree.pairs["death"][parent] >= tree.pairs["death"][child]).all()


@settings(max_examples=50)
@given(DISTINCT, st.integers(0, 2**32), st.floats(0.01, 3))
def test_persistence_is_stable(values, seed, size):
    shake = np.random.default_rng(seed).uniform(-size, size, values.shape)

    def diagram(samples: np.ndarray) -> np.ndarray:
        pairs = merge_tree(samples).pairs
        return np.column_stack([pairs["birth"], pairs["death"]])

    distance = gudhi.bottleneck_distance(diagram(values), diagram(values + shake))
    assert distance <= np.abs(shake).max() + 1e-9


@given(grids(), st.floats(1, 5))
def test_the_essential_class_moves_with_the_function(values, c):
    pairs, moved = merge_tree(values).pairs, merge_tree(values + c).pairs
    distance = gudhi.bottleneck_distance(
        np.column_stack([pairs["birth"], pairs["death"]])[:1],
        np.column_stack([moved["birth"], moved["death"]])[:1],
    )
    assert distance == pytest.approx(c)
