"""Contour trees: known answers, a plain sweep of every vertex as oracle, properties, bad input."""

from collections import Counter

import networkx as nx
import numpy as np
import pytest
from grid_functions import camel, himmelblau, sampled, wells
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from merge_oracle import neighbours

from nblandscape.topology import merge_tree
from nblandscape.topology.contour_tree import ContourTree, contour_tree

# The oracle: every vertex is a node; no branches, no critical vertices, no ranks.


def augmented(order: list[int], near: dict[int, list[int]]) -> dict[int, int]:
    """Next vertex of each vertex in the tree of a sweep."""
    component: dict[int, set[int]] = {}
    last: dict[int, int] = {}
    following = {}
    for vertex in order:
        meeting = {id(component[u]): component[u] for u in near[vertex] if u in component}
        for part in meeting:
            following[last[part]] = vertex
        union = {vertex}.union(*meeting.values())
        component.update(dict.fromkeys(union, union))
        last[id(union)] = vertex
    return following


def carr(order: list[int], near: dict[int, list[int]]) -> nx.DiGraph | None:
    """Fully augmented contour tree, lower -> upper; None if it does not have the two merge trees."""
    join = nx.DiGraph(augmented(order, near).items())
    split = nx.DiGraph(augmented(order[::-1], near).items())
    given_trees = set(join.edges), set(split.edges)
    for tree in (join, split):
        tree.add_nodes_from(order)
    contours = nx.DiGraph()
    contours.add_nodes_from(order)
    left = list(order)
    while left:
        for vertex in left:
            below, above = list(join.predecessors(vertex)), list(split.predecessors(vertex))
            if len(below) + len(above) <= 1:
                break
        if above or not below:
            contours.add_edges_from((vertex, u) for u in join.successors(vertex))
        else:
            contours.add_edges_from((u, vertex) for u in split.successors(vertex))
        for tree, children in ((join, below), (split, above)):
            tree.add_edges_from((c, u) for c in children for u in tree.successors(vertex))
            tree.remove_node(vertex)
        left.remove(vertex)
    tree = {v: list(nx.all_neighbors(contours, v)) for v in order}
    found = augmented(order, tree).items(), augmented(order[::-1], tree).items()
    return contours if all(set(a) == b for a, b in zip(found, given_trees, strict=True)) else None


def flattened(contours: nx.DiGraph, flat: np.ndarray) -> nx.DiGraph:
    """Nodes are sets of vertices at one height; paths through regular ones are edges with the set `inner`."""
    level = nx.Graph((a, b) for a, b in contours.edges if flat[a] == flat[b])
    level.add_nodes_from(contours)
    part = {v: frozenset(c) for c in nx.connected_components(level) for v in c}
    graph = nx.DiGraph()
    graph.add_nodes_from(part.values())
    graph.add_edges_from(
        ((part[a], part[b]) for a, b in contours.edges if part[a] != part[b]), inner=frozenset()
    )
    for node in list(graph):
        if graph.in_degree(node) == graph.out_degree(node) == 1:
            (a, _, low), (_, b, high) = (
                *graph.in_edges(node, data="inner"),
                *graph.out_edges(node, data="inner"),
            )
            graph.remove_node(node)
            graph.add_edge(a, b, inner=node | low | high)
    return graph


def oracle(values: np.ndarray, near: dict[int, list[int]]) -> nx.DiGraph | None:
    flat = values.ravel()
    contours = carr(sorted(near, key=lambda v: (float(flat[v]), v)), near)
    return None if contours is None else flattened(contours, flat)


def assert_is(tree: ContourTree, graph: nx.DiGraph) -> None:
    part = {v: node for node in graph for v in node}
    nodes = [part[v] for v in tree.nodes.tolist()]
    assert Counter(nodes) == Counter(list(graph.nodes))
    arcs = [(nodes[a], nodes[b]) for a, b in tree.arcs.tolist()]
    assert Counter(arcs) == Counter(list(graph.edges))
    segments = tree.segments.ravel()
    inside = np.flatnonzero(np.isfinite(tree.values.ravel()))
    assert (segments[~np.isfinite(tree.values.ravel())] == -1).all()
    for vertex in inside.tolist():
        row = segments[vertex]
        if vertex not in part:
            assert vertex in graph.edges[arcs[row]]["inner"]
        elif graph.degree(part[vertex]):
            assert part[vertex] in arcs[row]
        else:
            assert row == -1


def assert_consistent(tree: ContourTree) -> None:
    """What holds for the result on any domain."""
    low, high = tree.node_values[tree.arcs].T
    assert (low < high).all()
    assert tree.arcs.tolist() == sorted(tree.arcs.tolist())
    order = list(zip(tree.node_values, tree.nodes, strict=True))
    assert order == sorted(order)
    upward, downward = (np.bincount(tree.arcs[:, side], minlength=tree.nodes.size) for side in (0, 1))
    assert not ((upward == 1) & (downward == 1)).any()
    np.testing.assert_array_equal(tree.kinds == "minimum", (downward == 0) & (upward > 0))
    np.testing.assert_array_equal(tree.kinds == "maximum", (downward > 0) & (upward == 0))
    np.testing.assert_array_equal(tree.kinds == "isolated", downward + upward == 0)
    graph = nx.Graph(tree.arcs.tolist())
    graph.add_nodes_from(range(tree.nodes.size))
    assert nx.is_forest(graph)
    assert set(tree.segments.ravel().tolist()) - {-1} <= set(range(len(tree.arcs)))
    np.testing.assert_array_equal(tree.values.ravel()[tree.nodes], tree.node_values)


def pairs(values: np.ndarray, kind: str, connectivity: "str | np.ndarray") -> list[tuple[float, float]]:
    found = merge_tree(values, kind=kind, connectivity=connectivity).pairs
    return sorted(zip(found["birth"].tolist(), found["death"].tolist(), strict=True))


def noise(shape: tuple[int, ...], flavour: str, seed: int) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    values = rng.normal(size=shape)
    if "ties" in flavour:
        values = rng.integers(0, 4, size=shape).astype(float)
    if "holes" in flavour:
        values[rng.random(shape) < 0.2] = rng.choice([np.nan, np.inf, -np.inf])
        values.flat[0] = 0.25
    return values


@pytest.mark.parametrize("flavour", ["noise", "ties", "holes", "ties and holes"])
@pytest.mark.parametrize("shape", [(1,), (40,), (6, 7), (1, 9), (2, 2), (4, 3, 4), (2, 3, 2, 3)], ids=str)
def test_every_vertex_as_a_node(shape, flavour):
    for seed in range(6):
        values = noise(shape, flavour, seed)
        expected = oracle(values, neighbours(values, "freudenthal"))
        if expected is None:
            with pytest.raises(ValueError, match="close around holes"):
                contour_tree(values)
            continue
        tree = contour_tree(values)
        assert_is(tree, expected)
        assert_consistent(tree)


def test_holes_seldom_stand_in_the_way():
    values = [noise((8, 8), "holes", seed) for seed in range(40)]
    defined = [oracle(v, neighbours(v, "freudenthal")) is not None for v in values]
    for v, works in zip(values, defined, strict=True):
        if works:
            contour_tree(v)
        else:
            with pytest.raises(ValueError, match="close around holes"):
                contour_tree(v)
    assert 0 < sum(defined) < 40


def test_random_graphs():
    refused = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        size = int(rng.integers(5, 10))
        edges = rng.integers(0, size, size=(int(rng.integers(4, 16)), 2))
        values = rng.integers(0, 12, size=size).astype(float)
        near: dict[int, list[int]] = {v: [] for v in range(size)}
        for a, b in edges.tolist():
            near[a].append(b)
            near[b].append(a)
        expected = oracle(values, near)
        if expected is None:
            refused += 1
            with pytest.raises(ValueError, match="not that of a triangulation"):
                contour_tree(values, connectivity=edges)
        else:
            tree = contour_tree(values, connectivity=edges)
            assert_is(tree, expected)
            assert_consistent(tree)
    assert 0 < refused < 20


def spread(tree: ContourTree) -> dict[str, list[float]]:
    """Values of the nodes of each kind."""
    return {
        kind: tree.node_values[tree.kinds == kind].round(6).tolist()
        for kind in ("minimum", "saddle", "maximum")
    }


def test_double_well():
    x = np.linspace(-2, 2, 41)
    tree = contour_tree(sampled(lambda a, b: (a**2 - 1) ** 2 + b**2, x, x))
    # Above the pass there is one contour, until it meets the box at x = +-1 (4), then at y = 0 (9).
    assert spread(tree) == {"minimum": [0, 0], "saddle": [1, 4, 9, 9], "maximum": [5, 5, 13, 13, 13, 13]}
    heights = [tuple(tree.node_values[arc].round(6).tolist()) for arc in tree.arcs]
    assert Counter(heights) == {(0, 1): 2, (1, 4): 1, (4, 5): 2, (4, 9): 2, (9, 13): 4}


@pytest.mark.parametrize(
    ("dimension", "minima", "saddles", "maxima"),
    [
        (1, [0, 0], [], [1, 9, 9]),
        (2, [0] * 4, [1, 9], [2] + [10] * 4 + [18] * 4),
        # Eight wells join at once; at 2 the contour closes around the hill in the middle.
        (3, [0] * 8, [1, 2, 10, 18], [3] + [11] * 6 + [19] * 12 + [27] * 8),
    ],
)
def test_sums_of_double_wells(dimension, minima, saddles, maxima):
    found = spread(contour_tree(wells(dimension, 21)))
    assert (found["minimum"], found["maximum"]) == (minima, maxima)
    assert sorted(set(found["saddle"])) == saddles


def test_himmelblau():
    tree = contour_tree(himmelblau(801)).simplify(1e-3, relative=True)
    found = spread(tree)
    assert found["minimum"] == pytest.approx([0] * 4, abs=0.01)
    # The others lie where contours meet the box.
    for height in (13.3119263, 67.7191501, 104.0151629, 178.3372392):
        assert np.abs(np.array(found["saddle"]) - height).min() < 0.01
    assert found["maximum"][0] == pytest.approx(181.6165215, abs=0.01)
    closing = tree.arcs[tree.arcs[:, 1] == np.flatnonzero(tree.kinds == "maximum")[0]]
    assert tree.node_values[closing[0, 0]] == pytest.approx(178.3372392, abs=0.01)


def test_six_hump_camel():
    found = spread(contour_tree(camel(601)).simplify(1e-3))
    assert found["minimum"] == pytest.approx([-1.0316285] * 2 + [-0.2154638] * 2 + [2.1042503] * 2, abs=1e-4)
    inside = [0, 0.5437186, 0.5437186, 2.2293572, 2.2293572, 2.2294708, 2.2294708]
    for height in inside:
        assert np.abs(np.array(found["saddle"]) - height).min() < 2e-3
    assert found["maximum"][:2] == pytest.approx([2.4962954] * 2, abs=1e-3)


def test_a_vertex_and_a_constant_are_isolated_nodes():
    values = np.array([[1.0, np.nan, 3.0, 3.0], [np.nan, np.nan, 3.0, 3.0]])
    tree = contour_tree(values)
    assert tree.kinds.tolist() == ["isolated", "isolated"]
    assert tree.node_values.tolist() == [1.0, 3.0]
    assert tree.arcs.shape == (0, 2)
    assert (tree.segments == -1).all()
    assert tree.simplify(np.inf).nodes.tolist() == tree.nodes.tolist()
    assert len(tree.to_networkx()) == 2


# Properties.

GRIDS = npst.arrays(
    np.float64, npst.array_shapes(min_dims=1, max_dims=3, max_side=6), elements=st.integers(-3, 3).map(float)
)
SEEDS = st.integers(0, 2**32)


def distinct(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape).astype(float)


def drawn(tree: ContourTree, sign: float = 1.0) -> nx.Graph:
    graph = nx.Graph(tree.arcs.tolist())
    graph.add_nodes_from((row, {"value": sign * v}) for row, v in enumerate(tree.node_values.tolist()))
    return graph


@settings(max_examples=40)
@given(GRIDS)
def test_merge_trees_live_in_the_contour_tree(values):
    tree = contour_tree(values)
    assert_consistent(tree)
    assert len(tree.arcs) == len(tree.nodes) - 1
    for kind in ("sublevel", "superlevel"):
        assert pairs(tree.node_values, kind, tree.arcs) == pairs(values, kind, "freudenthal")


@settings(max_examples=40)
@given(npst.array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=6), SEEDS)
def test_without_ties_extrema_are_leaves(shape, seed):
    tree = contour_tree(distinct(shape, seed))
    leaves = np.bincount(tree.arcs.ravel(), minlength=tree.nodes.size) == 1
    np.testing.assert_array_equal(leaves, np.isin(tree.kinds, ["minimum", "maximum"]))
    assert len(tree.minima) + len(tree.maxima) == leaves.sum()


@settings(max_examples=40)
@given(GRIDS)
def test_the_negative_has_the_tree_upside_down(values):
    tree, other = contour_tree(values), contour_tree(-values)
    assert Counter(tree.kinds.tolist()) == Counter(
        {"minimum": "maximum", "maximum": "minimum"}.get(kind, kind) for kind in other.kinds.tolist()
    )
    same = nx.algorithms.isomorphism.categorical_node_match("value", None)
    assert nx.is_isomorphic(drawn(tree), drawn(other, -1.0), node_match=same)


@settings(max_examples=30)
@given(GRIDS, st.sampled_from([0.5, 2.0, 8.0]), st.integers(-16, 16))
def test_scaling_and_shifting(values, a, b):
    tree, other = contour_tree(values), contour_tree(a * values + b)
    for name in ("nodes", "arcs", "segments", "kinds"):
        np.testing.assert_array_equal(getattr(other, name), getattr(tree, name))
    np.testing.assert_array_equal(other.node_values, a * tree.node_values + b)


@settings(max_examples=30)
@given(npst.array_shapes(min_dims=2, max_dims=3, max_side=6), SEEDS, st.data())
def test_permuted_axes_and_a_point_reflection(shape, seed, data):
    values = distinct(shape, seed)
    axes = data.draw(st.permutations(range(len(shape))))
    tree = contour_tree(values)
    vertices = np.arange(values.size).reshape(shape)
    for move in (lambda a: a.transpose(axes), np.flip):
        other = contour_tree(move(values))
        np.testing.assert_array_equal(move(vertices).ravel()[other.nodes], tree.nodes)
        np.testing.assert_array_equal(other.arcs, tree.arcs)
        regular = ~np.isin(vertices, tree.nodes)
        np.testing.assert_array_equal(other.segments[move(regular)], move(tree.segments)[move(regular)])


def test_a_single_flip_changes_the_triangulation():
    diagonal = np.where(np.eye(4), 0.0, 1.0)
    assert len(contour_tree(diagonal).minima) == 1
    assert len(contour_tree(diagonal[::-1]).minima) == 4


def pruned(tree: ContourTree, least: float) -> tuple[set[int], set[tuple[int, int]]]:
    """Nodes and arcs (as vertices) that stay, by looking at the whole tree before each cut."""
    graph = nx.DiGraph(tree.nodes[tree.arcs].tolist())
    graph.add_nodes_from(tree.nodes.tolist())
    flat = tree.values.ravel()
    while True:
        found = []
        for node in graph:
            above, below = list(graph.successors(node)), list(graph.predecessors(node))
            if above and not below:
                near = min(above, key=lambda v: flat[v])
                beside = graph.in_degree(near)
            elif below and not above:
                near = max(below, key=lambda v: flat[v])
                beside = graph.out_degree(near)
            else:
                continue
            length = abs(flat[near] - flat[node])
            if beside > 1 and length < least:
                found.append((length, flat[node], node, near))
        if not found:
            return set(graph), set(graph.edges)
        *_, node, near = min(found)
        graph.add_edges_from([(near, v) for v in graph.successors(node) if v != near])
        graph.add_edges_from([(v, near) for v in graph.predecessors(node) if v != near])
        graph.remove_node(node)
        if graph.in_degree(near) == graph.out_degree(near) == 1:
            graph.add_edge(*graph.predecessors(near), *graph.successors(near))
            graph.remove_node(near)


@pytest.mark.parametrize("shape", [(30,), (9, 9), (4, 5, 4)], ids=str)
@pytest.mark.parametrize("holes", [[], [1, 4, 6]], ids=["box", "dents"])
def test_leaves_go_shortest_first(shape, holes):
    for seed in range(4):
        values = noise(shape, "noise", seed)
        values.flat[holes] = np.nan
        tree = contour_tree(values)
        for threshold in (0.0, 0.4, 1.0, 2.0, np.inf):
            simple = tree.simplify(threshold)
            nodes, arcs = pruned(tree, threshold)
            assert set(simple.nodes.tolist()) == nodes
            assert set(map(tuple, simple.nodes[simple.arcs].tolist())) == arcs
            assert_consistent(simple)
            np.testing.assert_array_equal(simple.segments < 0, tree.segments < 0)
            if len(simple.arcs):
                own = simple.arcs[simple.segments.ravel()[simple.nodes]]
                alone = simple.kinds == "isolated"
                assert ((own == np.arange(simple.nodes.size)[:, None]).any(axis=1) | alone).all()


def random_tree(size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([(int(rng.integers(max(0, i - 4), i)), i) for i in range(1, size)])


@pytest.mark.parametrize("ties", [False, True])
def test_extrema_of_several_arcs_go_to_their_nearest_neighbour(ties):
    for seed in range(40):
        values = np.random.default_rng(seed).permutation(16).astype(float)
        values = values // 3 if ties else values
        tree = contour_tree(values, connectivity=random_tree(16, seed))
        for threshold in (1.5, 3.5, 6.5, np.inf):
            simple = tree.simplify(threshold)
            assert_consistent(simple)
            assert (simple.segments >= 0).all()
            if not ties:
                nodes, arcs = pruned(tree, threshold)
                assert set(simple.nodes.tolist()) == nodes
                assert set(map(tuple, simple.nodes[simple.arcs].tolist())) == arcs
        assert len(simple.nodes) == 2


@settings(max_examples=40)
@given(GRIDS, st.lists(st.sampled_from([0.5, 1.5, 2.5, 3.5, np.inf]), min_size=2, max_size=2))
def test_simplification(values, thresholds):
    low, high = sorted(thresholds)
    tree = contour_tree(values)
    assert tree.simplify(0) is tree
    simple = tree.simplify(high)
    assert_consistent(simple)
    twice = tree.simplify(low).simplify(high)
    for name in ("nodes", "arcs"):
        np.testing.assert_array_equal(getattr(twice, name), getattr(simple, name))
    if values.ndim > 1 and min(values.shape) > 1:
        np.testing.assert_array_equal(twice.segments, simple.segments)
    if high == np.inf:
        assert len(simple.nodes) == (1 if np.ptp(values) == 0 else 2)


def test_a_vertex_on_a_pruned_leaf_belongs_to_an_arc_at_its_saddle():
    pits = np.array([[9, 9, 9, 9, 9, 9, 9], [9, 1, 5, 3, 7, 2, 9], [9, 9, 9, 9, 9, 9, 9]])
    tree = contour_tree(pits)
    simple = tree.simplify(3)
    assert simple.node_values.tolist() == [1, 2, 7, 9]
    assert simple.arcs.tolist() == [[0, 2], [1, 2], [2, 3]]
    assert simple.segments[1, 1:6].tolist()[::2] == [0, 0, 1]
    assert set(simple.segments[[0, 2]].ravel().tolist()) == {2}


def test_noise_on_himmelblau_is_simplified_away_as_in_the_merge_tree():
    values = himmelblau(101) + np.random.default_rng(0).normal(scale=0.3, size=(101, 101))
    tree = contour_tree(values).simplify(5.0)
    minima = merge_tree(values, connectivity="freudenthal").simplify(5.0).minima
    assert sorted(tree.minima.tolist()) == sorted(minima.tolist())
    assert len(minima) == 4
    relative = contour_tree(values).simplify(5.0 / tree.range, relative=True)
    np.testing.assert_array_equal(relative.nodes, tree.nodes)


def test_thousands_of_pits_in_a_plateau():
    values = np.ones((101, 101))
    values[1::2, 1::2] = np.random.default_rng(0).random((50, 50))
    tree = contour_tree(values)
    assert len(tree.nodes) == 2501
    assert len(tree.simplify(0.5).nodes) == 1 + (values <= 0.5).sum()


def test_networkx():
    tree = contour_tree(himmelblau(31))
    graph = tree.to_networkx()
    assert list(graph) == tree.nodes.tolist()
    assert [graph.nodes[v]["kind"] for v in graph] == tree.kinds.tolist()
    assert [graph.nodes[v]["value"] for v in graph] == tree.node_values.tolist()
    assert {d: tree.nodes[tree.arcs[d]].tolist() for _, _, d in graph.edges(data="arc")} == {
        d: [a, b] for a, b, d in graph.edges(data="arc")
    }


def test_bad_input():
    for connectivity in ("full", "faces", "other"):
        with pytest.raises(ValueError, match=f"'{connectivity}': contours need a triangulation"):
            contour_tree(np.zeros((3, 3)), connectivity=connectivity)
    with pytest.raises(ValueError, match="no finite entry"):
        contour_tree([np.nan, np.inf])
    with pytest.raises(ValueError, match="name the vertex 7"):
        contour_tree([0.0, 1.0], connectivity=np.array([[0, 7]]))
    with pytest.raises(ValueError, match="threshold=-1"):
        contour_tree([0.0, 1.0]).simplify(-1)
    with pytest.raises(ValueError, match="threshold=nan"):
        contour_tree([0.0, 1.0]).simplify(np.nan)


def test_the_result_is_read_only_and_of_its_own():
    values, edges = np.array([0.0, 2.0, 1.0]), np.array([[0, 1], [1, 2]])
    tree = contour_tree(values, connectivity=edges)
    edges[:] = 0
    values[:] = 5
    assert tree.node_values.tolist() == [0.0, 1.0, 2.0]
    assert np.asarray(tree.connectivity).tolist() == [[0, 1], [1, 2]]
    for name in ("values", "nodes", "arcs", "segments", "connectivity"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(tree, name)[0] = 1
