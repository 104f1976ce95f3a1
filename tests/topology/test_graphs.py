"""Merge trees on graphs, with volumes, and restricted to some branches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from merge_oracle import neighbours, steps

from nblandscape.topology import merge_tree
from nblandscape.topology.neighbours import cell_volumes, shifted

FIELDS = npst.arrays(np.float64, npst.array_shapes(max_dims=3, max_side=6), elements=st.integers(-4, 4))


def grid_edges(shape, connectivity):
    index = np.arange(np.prod(shape)).reshape(shape)
    pairs = [np.empty((0, 2), dtype=int)]
    for step in steps(len(shape), connectivity):
        here, there = shifted(step)
        both = np.stack([index[here].ravel(), index[there].ravel()], axis=1)
        pairs.append(both[both[:, 0] < both[:, 1]])
    return np.concatenate(pairs)


@settings(max_examples=60)
@given(
    FIELDS,
    st.sampled_from(["full", "faces", "freudenthal"]),
    st.randoms(use_true_random=False),
    st.sampled_from(["sublevel", "superlevel"]),
)
def test_the_edges_of_a_grid_give_the_tree_of_the_grid(values, connectivity, random, kind):
    values = values.copy()
    if values.size > 2:
        values.flat[1] = np.nan
    edges = grid_edges(values.shape, connectivity)
    random.shuffle(order := list(range(len(edges))))
    edges = edges[order]
    turned = np.array([random.random() < 0.5 for _ in order], dtype=bool)
    edges[turned] = edges[turned, ::-1]
    on_grid = merge_tree(values, connectivity=connectivity, kind=kind)
    on_graph = merge_tree(values, connectivity=edges, kind=kind)
    for name in ("birth_vertex", "death_vertex", "birth", "death", "parent"):
        assert on_graph.pairs[name].tolist() == on_grid.pairs[name].tolist()
    assert on_graph.simplify(1.5).pairs.tolist() == on_grid.simplify(1.5).pairs.tolist()
    assert (on_graph.basins >= 0).tolist() == np.isfinite(values).tolist()


def test_two_copies_of_an_edge_and_loops_change_nothing():
    values, edges = np.array([0.0, 3.0, 1.0, 2.0]), np.array([[0, 1], [1, 2], [2, 3], [3, 0]])
    more = np.concatenate([edges, edges[:, ::-1], [[2, 2]]])
    assert merge_tree(values, connectivity=more).pairs.tolist() == [(0, -1, 0, np.inf, -1), (2, 3, 1, 2, 0)]


def test_edges_are_neither_shared_nor_writeable():
    edges = np.array([[0, 1], [1, 2], [2, 3], [3, 0]])
    tree = merge_tree([0.0, 3.0, 1.0, 2.0], connectivity=edges)
    before = edges.copy()
    edges[:] = 0
    assert tree.connectivity.tolist() == before.tolist()
    with pytest.raises(ValueError, match="read-only"):
        tree.connectivity[0, 0] = 2


def test_vertices_without_edges_are_components():
    tree = merge_tree([2.0, 1.0, np.nan], connectivity=np.empty((0, 2), dtype=int))
    assert tree.minima.tolist() == [1, 0]
    assert tree.pairs["death_vertex"].tolist() == [-1, -1]
    assert tree.basins.tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        (np.array([0, 1]), r"shape \(2,\)"),
        (np.array([[0.0, 1.0]]), "float64"),
        (np.array([[0, 4]]), "the vertex 4; there are 4"),
        (np.array([[-1, 2]]), "the vertex -1"),
    ],
)
def test_edges_that_are_none(edges, told):
    with pytest.raises(ValueError, match=told):
        merge_tree(np.zeros(4), connectivity=edges)


def test_volumes_of_cells():
    axes = np.array([0.0, 1.0, 3.0]), np.array([-1.0, 0.0, 0.5, 2.0])
    volumes = cell_volumes(axes)
    assert volumes.shape == (3, 4)
    assert volumes.sum() == pytest.approx(9.0)
    assert volumes[1, 1] == pytest.approx(1.5 * 0.75)


@given(FIELDS, st.integers(0, 5))
def test_basin_volumes_add_up_at_every_threshold(values, threshold):
    volumes = np.random.default_rng(1).uniform(0, 2, values.shape)
    tree = merge_tree(values, volumes=volumes).simplify(threshold)
    assert tree.basin_volumes.shape == (len(tree.pairs),)
    assert tree.basin_volumes.sum() == pytest.approx(volumes.sum())
    for row, volume in enumerate(tree.basin_volumes):
        assert volume == pytest.approx(volumes[tree.basins == row].sum())
    counts = merge_tree(values).simplify(threshold).basin_volumes
    assert counts.tolist() == np.bincount(tree.basins.ravel(), minlength=len(counts)).tolist()


@pytest.mark.parametrize(
    ("volumes", "told"),
    [
        (np.ones(3), r"shape \(3,\)"),
        (np.array([1.0, -1.0]), "vertex 1 is -1"),
        (np.array([1.0, np.nan]), "vertex 1 is nan"),
        (np.zeros(2), "all 0"),
    ],
)
def test_volumes_that_are_none(volumes, told):
    with pytest.raises(ValueError, match=told):
        merge_tree([1.0, 2.0], volumes=volumes)


@settings(max_examples=60)
@given(FIELDS, st.randoms(use_true_random=False))
def test_any_branches_may_stay(values, random):
    tree = merge_tree(values)
    keep = np.array([random.random() < 0.5 for _ in tree.pairs], dtype=bool)
    part = tree.restrict(keep)
    stays = np.flatnonzero(keep | (tree.pairs["parent"] < 0))
    assert part.minima.tolist() == tree.minima[stays].tolist()
    for row, old in enumerate(stays):
        ancestor = tree.pairs["parent"][old]
        while ancestor >= 0 and ancestor not in stays:
            ancestor = tree.pairs["parent"][ancestor]
        assert part.pairs["parent"][row] == (-1 if ancestor < 0 else stays.tolist().index(ancestor))
        assert (
            part.pairs[row][["birth_vertex", "death_vertex"]]
            == tree.pairs[old][["birth_vertex", "death_vertex"]]
        )
        assert (part.basins[tree.basins == old] == row).all()
    assert (part.basins >= 0).all()


@settings(max_examples=60)
@given(FIELDS, st.randoms(use_true_random=False))
def test_basins_are_connected_where_parents_stay(values, random):
    tree = merge_tree(values)
    keep = np.array([random.random() < 0.7 for _ in tree.pairs], dtype=bool)
    for row, parent in enumerate(tree.pairs["parent"].tolist()):  # parents come first
        keep[row] &= parent < 0 or bool(keep[parent]) or tree.pairs["parent"][parent] < 0
    part = tree.restrict(keep)
    near = neighbours(values, "full")
    for row in range(len(part.pairs)):
        members = set(np.flatnonzero(part.basins == row).tolist())
        seen, todo = set(), [min(members)]
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += [n for n in near[at] if n in members]
        assert seen == members


@pytest.mark.parametrize("keep", [np.ones(3, dtype=bool), np.array([1, 0]), [True]])
def test_a_choice_of_branches_that_is_none(keep):
    tree = merge_tree([0.0, 2.0, 1.0])
    with pytest.raises(ValueError, match="one bool for each of the 2 rows"):
        tree.restrict(keep)
