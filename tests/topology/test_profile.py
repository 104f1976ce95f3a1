"""Profiles: widths are volumes of components, the terrain has the same merge tree, nothing crosses."""

import time

import networkx as nx
import numpy as np
import pytest
from grid_functions import himmelblau, wells
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from merge_oracle import neighbours
from scipy import ndimage

from nblandscape.topology.merge_tree import MergeTree, merge_tree
from nblandscape.topology.neighbours import cell_volumes
from nblandscape.topology.planar_order import planar_order
from nblandscape.topology.profile import Profile, profile

LEVEL = st.integers(-4, 4).map(float)
HOLED = st.one_of(LEVEL, LEVEL, LEVEL, st.just(np.nan), st.just(np.inf))
SHAPES = npst.array_shapes(min_dims=1, max_dims=3, max_side=6)
GRIDS = npst.arrays(np.float64, SHAPES, elements=HOLED).filter(lambda a: np.isfinite(a).any())
CONNECTIVITY = st.sampled_from(["full", "faces", "freudenthal"])
KIND = st.sampled_from(["sublevel", "superlevel"])


def grown(tree: MergeTree) -> Profile:
    """Profile whose geometry has been checked."""
    found, sign = profile(tree), 1 if tree.kind == "sublevel" else -1
    assert found.offsets[-1] == found.heights.size == found.left.size == found.right.size
    ends = []
    for number in range(len(found.row)):
        heights, left, right = found.arc(number)
        assert len(heights) >= 1
        assert (np.diff(sign * heights) >= 0).all()
        assert (np.diff(left) <= 1e-9).all()  # widths only grow, to both sides
        assert (np.diff(right) >= -1e-9).all()
        ends.append((left[-1], right[-1]))
    for number in range(-1, len(found.row)):
        below = sorted(ends[child] for child in np.flatnonzero(found.parent == number))
        low, high = (0.0, found.total) if number < 0 else (found.arc(number)[1][0], found.arc(number)[2][0])
        places = np.array(below).ravel()
        if number < 0 or places.size:
            assert low - 1e-9 <= places[0]
            assert places[-1] <= high + 1e-9
            np.testing.assert_allclose(places[1:-1:2], places[2::2], atol=1e-9)  # side by side
        if number < 0:
            np.testing.assert_allclose([places[0], places[-1]], [0, found.total], atol=1e-9)
        elif places.size:  # half of what enters lies on either side
            np.testing.assert_allclose(places[0] - low, high - places[-1], atol=1e-9)
    starts = found.heights[found.offsets[:-1]]
    for number, above in enumerate(found.parent.tolist()):
        if above >= 0:
            heights = found.arc(number)[0]
            assert heights[-1] == starts[above]
            # What enters at a merge enters above it; an arc between two merges at one height is flat.
            assert (sign * heights[1:-1] < sign * heights[-1]).all()
            assert found.row[above] in (found.row[number], tree.pairs["parent"][found.row[number]])
        else:
            assert tree.pairs["parent"][found.row[number]] < 0
    assert set(found.row.tolist()) == set(found.order.tolist()) == set(range(len(tree.pairs)))
    return found


def component_volume(tree: MergeTree, graph: nx.Graph, row: int, height: float) -> float:
    """Slow and plain: the component of the minimum among the vertices that are not higher."""
    flat, sign = tree.values.ravel(), 1 if tree.kind == "sublevel" else -1
    inside = [v for v in graph if sign * flat[v] <= sign * height]
    start = int(tree.minima[row])
    if start not in inside:
        return 0.0
    members = list(nx.node_connected_component(graph.subgraph(inside), start))
    return float(len(members) if tree.volumes is None else tree.volumes.ravel()[members].sum())


@settings(max_examples=40)
@given(GRIDS, CONNECTIVITY, KIND, st.integers(0, 99), st.sampled_from([0.0, 2.0, 3.0]))
def test_widths_are_volumes_of_components(values, connectivity, kind, seed, threshold):
    volumes = np.random.default_rng(seed).integers(0, 5, values.shape) / 2
    volumes.flat[-1] = 1.0  # not all 0
    tree = merge_tree(values, kind=kind, connectivity=connectivity, volumes=volumes).simplify(threshold)
    found = grown(tree)
    assert found.total == volumes[np.isfinite(values)].sum()
    levels = np.unique(values[np.isfinite(values)])
    levels = np.union1d(levels, levels + 0.5)
    graph = nx.Graph(neighbours(values, connectivity))
    for row in range(min(len(tree.pairs), 4)):
        expected = [component_volume(tree, graph, row, h) for h in levels]
        np.testing.assert_allclose(found.volume_at(row, levels), expected, atol=1e-9)


def test_widths_on_a_larger_grid():
    values = np.random.default_rng(3).normal(size=(30, 31))
    values[10:13] = np.nan
    for tree in (merge_tree(values), merge_tree(values).simplify(1.0)):
        found = grown(tree)
        for height in np.linspace(-2, 3, 9):
            inside = np.isfinite(values) & (values <= height)
            labels, _ = ndimage.label(inside, np.ones((3, 3)))
            sizes = np.bincount(labels.ravel())
            sizes[0] = 0
            expected = sizes[labels.ravel()[tree.minima]]
            assert [found.volume_at(row, height) for row in range(len(tree.pairs))] == expected.tolist()


def terrain(found: Profile) -> np.ndarray:
    """Heights over cells of length 1, and of the walls between them."""
    sign = 1 if found.tree.kind == "sublevel" else -1
    heights = np.full(2 * int(found.total) - 1, np.inf)
    for height, left, right in zip(sign * found.heights, found.left, found.right, strict=True):
        inside = slice(2 * round(left), 2 * round(right) - 1)
        heights[inside] = np.minimum(heights[inside], height)
    return sign * heights


@settings(max_examples=40)
@given(GRIDS, KIND, st.sampled_from([0.0, 2.5]))
def test_the_terrain_has_the_same_merge_tree(values, kind, threshold):
    tree = merge_tree(values, kind=kind, volumes=np.full(values.shape, 2.0)).simplify(threshold)
    flat = merge_tree(terrain(grown(tree)), kind=kind)
    for name in ("birth", "death"):
        np.testing.assert_array_equal(np.sort(flat.pairs[name]), np.sort(tree.pairs[name]))
    np.testing.assert_array_equal(flat.persistence, tree.persistence)


@settings(max_examples=30)
@given(st.permutations(range(24)), st.data())
def test_transposed_and_negated_functions_have_the_same_profile(values, data):
    grid = np.array(values, dtype=float).reshape(2, 3, 4)
    one = profile(merge_tree(grid))
    # Branches that end at one vertex stand in the order of their minima, which transposing changes.
    assume(np.unique(one.tree.pairs["death"]).size == len(one.tree.pairs))
    other = profile(merge_tree(grid.transpose(data.draw(st.permutations(range(3))))))
    down = profile(merge_tree(-grid, kind="superlevel"))

    def outline(p: Profile, sign: int = 1) -> list[tuple[float, ...]]:
        return sorted(zip(sign * p.heights, p.left, p.right, strict=True))

    assert outline(one) == outline(other) == outline(down, -1)


def test_areas_of_discs_on_a_stretched_grid():
    x, y = np.linspace(-1, 1, 301) ** 3 + np.linspace(-1, 1, 301), np.linspace(-2, 2, 201)
    tree = merge_tree(x[:, None] ** 2 + y**2, volumes=cell_volumes([x, y]))
    found = grown(tree)
    assert found.total == pytest.approx(16)
    heights = np.array([0.5, 1.0, 2.0, 4.0])
    np.testing.assert_allclose(found.volume_at(0, heights), np.pi * heights, rtol=0.01)


def test_four_wells_stand_side_by_side_and_merge_as_the_tree_says():
    tree = merge_tree(wells(2, 41))
    found = grown(tree)
    assert len(found.row) == 5  # all merge at height 1
    volumes = [found.volume_at(row, 0.9) for row in range(4)]
    assert len(set(volumes)) == 1
    assert found.volume_at(2, 1.0) == found.volume_at(0, 1.0) > sum(volumes)
    himmel = grown(merge_tree(himmelblau(101)))
    assert himmel.total == 101**2
    for row in range(4):
        assert himmel.volume_at(row, 1000.0) == 101**2


@pytest.mark.parametrize("seed", range(5))
def test_functions_on_a_graph(seed):
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, 40, (60, 2))
    edges = edges[edges[:, 0] != edges[:, 1]]
    volumes = rng.random(40)
    tree = merge_tree(rng.normal(size=40), connectivity=edges, volumes=volumes)
    found = grown(tree)
    assert found.total == pytest.approx(volumes.sum())
    graph = nx.Graph(edges.tolist())
    graph.add_nodes_from(range(40))
    for row in range(len(tree.pairs)):
        for height in tree.values[::4]:
            expected = component_volume(tree, graph, row, height)
            assert found.volume_at(row, height) == pytest.approx(expected)


def test_plateaus_and_single_vertices():
    flat = grown(merge_tree(np.zeros((4, 5))))
    assert (flat.heights.tolist(), flat.left.tolist(), flat.right.tolist()) == ([0.0], [0.0], [20.0])
    assert grown(merge_tree([7.0])).volume_at(0, 7.0) == 1.0
    steps = grown(merge_tree([0.0, 0.0, 1.0, 1.0, 0.0, 2.0]))
    assert [steps.volume_at(row, 0.0) for row in range(2)] == [2.0, 1.0]
    assert steps.volume_at(1, 1.0) == 5.0


def test_parts_of_a_domain_that_is_split_stand_side_by_side():
    values = himmelblau(41)
    values[20] = np.nan
    tree = merge_tree(values)
    found = grown(tree)
    tops = np.flatnonzero(found.parent < 0)
    assert len(tops) == 2
    assert [found.arc(a)[2][-1] - found.arc(a)[1][-1] for a in tops] == [20 * 41, 20 * 41]


def test_branches_without_their_parents():
    values = np.random.default_rng(5).normal(size=(40, 40))
    tree = merge_tree(values)
    chosen = tree.restrict(np.random.default_rng(6).random(len(tree.pairs)) < 0.3)
    found = grown(chosen)
    assert found.total == values.size
    assert found.volume_at(0, 10.0) == values.size
    assert found.volume_at(3, chosen.pairs["birth"][3]) == 1


def test_a_place_of_the_picture_has_its_basin():
    values = np.random.default_rng(7).normal(size=(12, 12))
    for kind in ("sublevel", "superlevel"):
        tree = merge_tree(values, kind=kind)
        found = grown(tree)
        for number, row in enumerate(found.row):
            heights, left, right = found.arc(number)
            assert found.row_at((left[0] + right[0]) / 2, heights[0]) == row
            assert found.row_at(right[-1] - 1e-6, heights[-1]) in (
                row,
                tree.pairs["parent"][row],
            )
        deepest = tree.pairs["birth"][0]
        assert found.row_at(found.total / 2, 2 * deepest) == -1
        assert found.row_at(-1.0, 9.0) == found.row_at(145.0, 9.0) == -1
        assert found.row_at(70.0, -2 * deepest) == 0


def test_thousands_of_leaves_and_deep_chains_are_quick():
    noise = merge_tree(np.random.default_rng(0).normal(size=(64, 64)), connectivity="faces")
    assert len(noise.pairs) > 700
    start = time.perf_counter()
    profile(noise)
    assert time.perf_counter() - start < 1
    n = np.arange(4000)
    chain = merge_tree(np.where(n % 2, n, -n).astype(float))  # every branch merges into the next
    assert (chain.pairs["parent"] > 500).any()
    start = time.perf_counter()
    found = profile(chain)
    assert time.perf_counter() - start < 1
    assert found.volume_at(len(chain.pairs) - 1, 5000.0) == 4000


def test_arrays_are_read_only_and_rows_are_checked():
    found = profile(merge_tree(himmelblau(21)))
    with pytest.raises(ValueError, match="read-only"):
        found.left[0] = 3
    with pytest.raises(IndexError, match=r"rows 0 \.\. 3"):
        found.volume_at(4, 0.0)
    assert isinstance(found.volume_at(0, 3.0), float)
    assert found.volume_at(0, [[3.0], [4.0]]).shape == (2, 1)


@given(st.integers(1, 40), st.integers(0, 2**32))
def test_no_two_lines_of_a_drawn_tree_cross(count, seed):
    rng = np.random.default_rng(seed)
    death = np.append(np.inf, np.sort(rng.integers(0, 9, count - 1))[::-1])
    parent = np.array([-1] + [int(rng.integers(0, row)) for row in range(1, count)])
    side, order = planar_order(parent, death)
    slot = np.argsort(order)
    assert sorted(order.tolist()) == list(range(count))
    assert (side[1:] == np.sign(slot - slot[parent])[1:]).all()
    for row in range(1, count):
        low, high = sorted((slot[row], slot[parent[row]]))
        between = order[low + 1 : high]
        assert (death[between] <= death[row]).all()  # their vertical lines end below
