"""Morse-Smale segmentation: known answers, plain graph code as oracle, ties, holes, simplification."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from grid_functions import camel, himmelblau, rastrigin, wells
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from merge_oracle import neighbours

from nblandscape.topology import MergeTree, merge_tree
from nblandscape.topology._cells import components
from nblandscape.topology.critical_points import critical_points
from nblandscape.topology.morse_smale import MorseSmale, morse_smale
from nblandscape.topology.neighbours import cell_volumes

TIED = st.integers(-4, 4).map(float)
HOLED = st.one_of(TIED, TIED, TIED, st.just(np.nan), st.just(np.inf), st.just(-np.inf))
SHAPES = st.one_of(
    npst.array_shapes(min_dims=1, max_dims=2, max_side=8),
    npst.array_shapes(min_dims=3, max_dims=3, max_side=4),
    npst.array_shapes(min_dims=4, max_dims=4, max_side=3),
)
GRIDS = npst.arrays(np.float64, SHAPES, elements=HOLED).filter(lambda a: np.isfinite(a).any())
THRESHOLDS = st.sampled_from([0.0, 1.0, 2.5, 6.0, np.inf])


def distinct(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape).astype(float)


DISTINCT = st.builds(distinct, SHAPES, st.integers(0, 2**32))


def order(values: np.ndarray) -> np.ndarray:
    """Values without ties in the same order, holes as they are."""
    flat = np.where(np.isfinite(values), values, np.inf).ravel()
    rank = np.empty(flat.size)
    rank[np.argsort(flat, kind="stable")] = np.arange(flat.size)
    return np.where(np.isfinite(values), rank.reshape(values.shape), np.nan)


def owners(tree: MergeTree) -> np.ndarray:
    """Vertex of the extremum that every vertex belongs to."""
    return np.append(tree.minima, -1)[tree.basins]


def family(tree: MergeTree) -> set[tuple[int, int, int, int]]:
    """Birth, death, the parent's birth and the birth beyond the pass, as vertices, of every branch."""
    births = np.append(tree.minima, -1)
    ends = tree.pairs["death_vertex"], births[tree.pairs["parent"]], births[tree.beside]
    return set(zip(tree.minima.tolist(), *(e.tolist() for e in ends), strict=True))


def table(points: np.ndarray) -> dict[tuple[int, int], int]:
    return {(v, k): m for v, k, m in points[["vertex", "index", "multiplicity"]].tolist()}


def assert_cells(found: MorseSmale) -> None:
    """Cells are the components of the graph whose edges join vertices of one basin and one mountain."""
    pair = list(zip(found.basins.ravel().tolist(), found.mountains.ravel().tolist(), strict=True))
    graph = nx.Graph(neighbours(found.values, "freudenthal"))
    graph.remove_edges_from([(a, b) for a, b in graph.edges if pair[a] != pair[b]])
    pieces = sorted(nx.connected_components(graph), key=lambda piece: (pair[min(piece)], min(piece)))
    expected = np.full(found.values.size, -1)
    for number, piece in enumerate(pieces):
        expected[list(piece)] = number
    np.testing.assert_array_equal(found.cells.ravel(), expected)
    assert found.cell_table.tolist() == [(*pair[min(piece)], len(piece)) for piece in pieces]


def assert_passes(found: MorseSmale) -> None:
    rank = order(found.values).ravel()
    sides = (
        (found.basin_tree, found.basin_passes, 1),
        (found.mountain_tree, found.mountain_passes, -1),
    )
    for tree, passes, sign in sides:
        basin, lowest = tree.basins.ravel(), {}
        for a, near in neighbours(found.values, "freudenthal").items():
            for b in near:
                if basin[a] < basin[b]:
                    upper = max(a, b, key=lambda v: sign * rank[v])
                    pair = (int(basin[a]), int(basin[b]))
                    lowest[pair] = min(lowest.get(pair, upper), upper, key=lambda v: sign * rank[v])
        assert {(p["first"], p["second"]): p["vertex"] for p in passes} == lowest
        np.testing.assert_array_equal(passes["value"], found.values.ravel()[passes["vertex"]])
        assert (np.diff(sign * passes["value"]) >= 0).all()
        # A spanning tree of the passes is the tree again.
        graph = nx.Graph()
        graph.add_weighted_edges_from((p["first"], p["second"], sign * p["value"]) for p in passes)
        spanning = nx.minimum_spanning_edges(graph, data=True)
        deaths = sorted(data["weight"] for _, _, data in spanning)
        assert deaths == sorted(sign * tree.pairs["death"][tree.pairs["parent"] >= 0])


def test_four_wells_around_a_hill():
    found = morse_smale(wells(2))
    inside = found.critical_points[found.critical_points["interior"]]
    assert np.bincount(inside["index"]).tolist() == [4, 4, 1]
    top = found.mountains[10, 10]
    assert np.unique(found.basins[found.mountains == top]).tolist() == [0, 1, 2, 3]
    around = found.cell_table[found.cell_table["mountain"] == top]
    assert around["basin"].tolist() == [0, 1, 2, 3]
    simple = found.simplify(1.5)
    inside = simple.critical_points[simple.critical_points["interior"]]
    assert inside["index"].tolist() == [0]


@pytest.mark.parametrize(
    ("values", "known"),
    [(himmelblau(201), [4, 4, 1]), (camel(201), [6, 7, 2]), (rastrigin(201), [25, 40, 16])],
    ids=["himmelblau", "camel", "rastrigin"],
)
def test_known_functions(values, known):
    points = morse_smale(values).critical_points
    inside = points[points["interior"]]
    assert np.bincount(inside["index"], inside["multiplicity"]).astype(int).tolist() == known


def test_himmelblau_cancels_pair_by_pair():
    found = morse_smale(himmelblau(401))
    assert found.basin_passes["value"] == pytest.approx([13.31, 67.72, 104.02, 178.34], abs=0.1)
    # The saddle at 178.34 closes a loop; it goes with the maximum, 3.28 above it.
    for threshold, minima, maxima in ((2.0, 4, 1), (4.0, 4, 0), (14.0, 3, 0), (70.0, 2, 0), (200.0, 1, 0)):
        points = found.simplify(threshold).critical_points
        inside = points[points["interior"]]
        assert np.bincount(inside["index"], minlength=3)[[0, 2]].tolist() == [minima, maxima]
        assert np.isclose(inside["value"], 178.34, atol=0.1).any() == (maxima == 1)
    assert found.simplify(0.1, relative=True).basins.max() == found.simplify(89.0).basins.max() == 1


@pytest.mark.parametrize("dimension", [1, 3, 4])
def test_wells_in_other_dimensions(dimension):
    found = morse_smale(wells(dimension, 9))
    inside = found.critical_points[found.critical_points["interior"]]
    expected = critical_points(wells(dimension, 9))
    np.testing.assert_array_equal(inside, expected[expected["interior"]])
    assert len(found.basin_tree.pairs) == 2**dimension


@settings(max_examples=25, deadline=None)
@given(GRIDS, THRESHOLDS)
def test_cells_and_passes_of_plain_graph_code(values, threshold):
    found = morse_smale(values).simplify(threshold)
    outside = ~np.isfinite(values)
    for labels in (found.basins, found.mountains, found.cells):
        np.testing.assert_array_equal(labels == -1, outside)
    assert_cells(found)
    assert_passes(found)


@pytest.mark.parametrize("shape", [(9, 13), (1, 40), (40, 1), (6, 5, 7)], ids=str)
def test_cells_and_passes_of_noise(shape):
    found = morse_smale(np.random.default_rng(0).normal(size=shape))
    for threshold in (0.0, 0.7):
        simple = found.simplify(threshold)
        assert_cells(simple)
        assert_passes(simple)


@settings(max_examples=25, deadline=None)
@given(GRIDS)
def test_ties_are_broken_by_one_order_of_the_vertices(values):
    """As if the ranks had been given, and what they tell apart by less than a value cancelled."""
    found, ranked = morse_smale(values), morse_smale(order(values))
    flat = values.ravel()
    trees = []
    for tree, name in ((ranked.basin_tree, "basin_tree"), (ranked.mountain_tree, "mountain_tree")):
        pairs = tree.pairs
        level = flat[pairs["birth_vertex"]] == flat[pairs["death_vertex"]]
        trees.append(tree.restrict(~level | (pairs["death_vertex"] < 0)))
        ours = getattr(found, name)
        np.testing.assert_array_equal(owners(ours), owners(trees[-1]))
        assert family(ours) == family(trees[-1])
    whole = replace(ranked, basin_tree=trees[0], mountain_tree=trees[1], _whole=ranked)
    assert table(found.critical_points) == table(whole.critical_points)


@settings(max_examples=20, deadline=None)
@given(GRIDS)
def test_the_trees_have_the_pairs_of_merge_tree(values):
    found = morse_smale(values)
    down = merge_tree(values, connectivity="freudenthal")
    np.testing.assert_array_equal(found.basin_tree.pairs, down.pairs)
    np.testing.assert_array_equal(found.basins, down.basins)
    up = merge_tree(values, kind="superlevel", connectivity="freudenthal")
    for name in ("birth", "death"):
        assert sorted(found.mountain_tree.pairs[name]) == sorted(up.pairs[name])
    assert found.mountain_tree.kind == "superlevel"
    np.testing.assert_array_equal(found.mountain_tree.values, values)


@settings(max_examples=20, deadline=None)
@given(DISTINCT, THRESHOLDS)
def test_turned_upside_down_basins_are_mountains(values, threshold):
    found, turned = (morse_smale(v).simplify(threshold) for v in (values, -values))
    np.testing.assert_array_equal(turned.basins, found.mountains)
    np.testing.assert_array_equal(turned.mountains, found.basins)
    up = merge_tree(values, kind="superlevel", connectivity="freudenthal").simplify(threshold)
    for name in ("pairs", "basins", "beside"):
        np.testing.assert_array_equal(getattr(found.mountain_tree, name), getattr(up, name))
    mirrored = {(v, values.ndim - k): m for (v, k), m in table(found.critical_points).items()}
    assert table(turned.critical_points) == mirrored
    np.testing.assert_array_equal(turned.basin_passes["vertex"], found.mountain_passes["vertex"])


@settings(max_examples=20, deadline=None)
@given(DISTINCT)
def test_without_ties_every_interior_critical_point_is_there(values):
    found, known = morse_smale(values).critical_points, critical_points(values)
    np.testing.assert_array_equal(found[found["interior"]], known[known["interior"]])
    rows = list(zip(found["value"], found["vertex"], found["index"], strict=True))
    assert rows == sorted(set(rows))


@settings(max_examples=25, deadline=None)
@given(GRIDS, THRESHOLDS, THRESHOLDS)
def test_simplification_is_monotone_and_that_of_the_trees(values, first, second):
    found = morse_smale(values)
    low, high = found.simplify(min(first, second)), found.simplify(max(first, second))
    np.testing.assert_array_equal(high.basins, low.simplify(max(first, second)).basins)
    assert table(high.critical_points) == table(low.simplify(max(first, second)).critical_points)
    few, many = table(high.critical_points), table(low.critical_points)
    assert all(many.get(key, 0) >= multiplicity for key, multiplicity in few.items())
    tree = merge_tree(values, connectivity="freudenthal").simplify(max(first, second))
    np.testing.assert_array_equal(high.basins, tree.basins)
    minima = {v for v, k in few if k == 0}
    assert minima == set(tree.minima.tolist())
    assert {v for v, k in few if k == values.ndim} == set(high.mountain_tree.minima.tolist())
    saddles = set(tree.saddles.tolist())
    if values.ndim >= 2:
        assert saddles <= {v for v, k in few if k == 1}
        assert set(high.mountain_tree.saddles.tolist()) <= {v for v, k in few if k == values.ndim - 1}
    if values.ndim == 2:
        assert {v for v, k in few if k == 1} == saddles | set(high.mountain_tree.saddles.tolist())
    cells = {tuple(row) for row in zip(low.cells.ravel().tolist(), high.basins.ravel().tolist(), strict=True)}
    assert len(cells) == len({cell for cell, _ in cells})


def test_restricting_to_the_persistent_rows_is_simplifying():
    found = morse_smale(distinct((9, 13), 3))
    rows = (tree.persistence >= 30 for tree in (found.basin_tree, found.mountain_tree))
    by_rows, by_height = found.restrict(*rows), found.simplify(30)
    assert table(by_rows.critical_points) == table(by_height.critical_points)
    np.testing.assert_array_equal(by_rows.cells, by_height.cells)
    assert len(by_rows.basin_tree.pairs) < len(found.basin_tree.pairs)


@pytest.mark.parametrize("shape", [(5, 6, 7), (4, 3, 4, 3)])
@pytest.mark.parametrize("tied", [False, True])
def test_from_three_dimensions_on_each_branch_takes_one_saddle_with_it(shape, tied):
    values = distinct(shape, 7) // (5 if tied else 1)
    whole, d = morse_smale(order(values)), values.ndim
    for threshold in (0.0, 20.0, np.inf):
        simple = morse_smale(values).simplify(threshold)
        trees = ((1, whole.basin_tree, simple.basin_tree), (d - 1, whole.mountain_tree, simple.mountain_tree))
        for index, every, left in trees:
            before, after = (
                p["multiplicity"][p["index"] == index].sum()
                for p in (whole.critical_points, simple.critical_points)
            )
            assert before - after == len(every.pairs) - len(left.pairs)


def test_at_an_infinite_threshold_one_minimum_and_one_maximum_are_left_in_the_plane():
    found = morse_smale(distinct((30, 40), 5)).simplify(np.inf)
    assert found.critical_points["index"].tolist() == [0, 2]
    assert found.cell_table.tolist() == [(0, 0, 1200.0)]


def test_loops_outlive_simplification_in_space():
    """A hollow ring of low values: the saddle that closes the loop is paired with no minimum."""
    x, y, z = np.meshgrid(*[np.linspace(-2, 2, 15)] * 3, indexing="ij")
    ring = (np.hypot(x, y) - 1) ** 2 + z**2 + 0.1 * x + 0.05 * y
    points = morse_smale(ring).simplify(np.inf).critical_points
    assert points["index"].tolist().count(0) == 1
    assert 1 in points["index"].tolist()


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_ring_of_holes_parts_the_domain(hole):
    x = np.linspace(-1, 1, 21)
    bowl = x[:, None] ** 2 + 1.1 * x**2
    ring = (bowl > 0.3) & (bowl < 0.6)
    found = morse_smale(np.where(ring, hole, bowl)).simplify(np.inf)
    assert found.basins.max() == 1
    assert found.mountains.max() == 1
    np.testing.assert_array_equal(found.cells == -1, ring)
    assert len(np.unique(found.cells[bowl <= 0.3])) == 1
    assert len(found.basin_passes) == 0


@pytest.mark.parametrize(
    "values", [np.full((4, 5), 2.0), np.zeros(6), np.full((2, 3, 2), -1.0)], ids=["2d", "1d", "3d"]
)
def test_a_constant_is_one_cell(values):
    found = morse_smale(values)
    assert found.cells.max() == 0
    assert found.critical_points["index"].tolist() == [0, values.ndim]
    assert len(found.basin_passes) == len(found.mountain_passes) == 0


def test_a_clipped_plateau_is_one_maximum():
    x = np.linspace(-1, 1, 15)
    hill = np.minimum(1 - x[:, None] ** 2 - x**2, 0.7)
    points = morse_smale(hill).critical_points
    inside = points[points["interior"]]
    assert inside["index"].tolist() == [2]
    assert np.count_nonzero(critical_points(hill)["interior"]) >= 1


def test_quantised_losses_of_a_bowl_stay_one_basin():
    x = np.linspace(-1, 1, 41)
    bowl = np.round(20 * (x[:, None] ** 2 + 1.3 * x**2)) / 20
    found = morse_smale(bowl)
    inside = found.critical_points[found.critical_points["interior"]]
    assert inside["index"].tolist() == [0]
    assert found.basins.max() == 0


def test_a_comb_is_one_piece():
    comb = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 1, 0, 1, -1]])
    assert components(comb).tolist() == [[2, 2, 2, 2, 2, 2], [2, 0, 2, 1, 2, -1]]


def test_volumes_go_into_the_table_of_cells():
    axes = [np.array([0.0, 1.0, 4.0, 5.0]), np.array([0.0, 0.5, 3.0])]
    values = distinct((4, 3), 2)
    found = morse_smale(values, volumes=cell_volumes(axes))
    assert found.cell_table["volume"].sum() == pytest.approx(15.0)
    sums = [cell_volumes(axes)[found.cells == c].sum() for c in range(len(found.cell_table))]
    assert found.cell_table["volume"] == pytest.approx(sums)
    assert found.mountain_tree.basin_volumes.sum() == pytest.approx(15.0)


def test_arrays_are_read_only():
    found = morse_smale(distinct((6, 6), 1))
    names = ("cells", "cell_table", "basin_passes", "mountain_passes", "critical_points", "mountains")
    for name in names:
        assert not getattr(found, name).flags.writeable


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no finite entry"):
        morse_smale(np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="threshold=-1"):
        morse_smale(np.zeros((3, 3))).simplify(-1)
    with pytest.raises(ValueError, match="volumes have shape"):
        morse_smale(np.zeros((3, 3)), volumes=np.ones(3))
    seven = morse_smale(np.zeros((2,) * 7))
    assert seven.cells.max() == 0
    with pytest.raises(ValueError, match="7 axes"):
        _ = seven.critical_points
