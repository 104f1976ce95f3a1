"""Graphs of scattered points: brute force, lattices, functions with known minima, bad input."""

import networkx as nx
import numpy as np
import pytest
from grid_functions import sampled
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from nblandscape.topology import merge_tree
from nblandscape.topology.contour_tree import contour_tree
from nblandscape.topology.neighbours import forward_offsets
from nblandscape.topology.scattered import neighbour_graph, point_volumes, simplices


def cloud(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, count, dimension]).normal(size=(count, dimension))


def lattice(*axes: np.ndarray) -> np.ndarray:
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def edges_of_grid(shape: tuple[int, ...]) -> list[list[int]]:
    index = np.arange(np.prod(shape)).reshape(shape)
    found = []
    for step in forward_offsets(len(shape), "faces"):
        low = index[tuple(slice(None, n - s) for n, s in zip(shape, step, strict=True))]
        high = index[tuple(slice(s, None) for s in step)]
        found += zip(low.ravel().tolist(), high.ravel().tolist(), strict=True)
    return sorted(map(list, found))


def gabriel_by_hand(points: np.ndarray) -> list[list[int]]:
    found = []
    for a in range(len(points)):
        for b in range(a + 1, len(points)):
            dots = ((points - points[a]) * (points - points[b])).sum(axis=1)
            dots[[a, b]] = 1
            blocked = (dots <= 0).any()
            if not blocked:
                found.append([a, b])
    return found


@pytest.mark.parametrize(
    ("count", "dimension"), [(40, 1), (60, 2), (50, 3), (40, 4), (40, 5), (30, 6), (4, 6), (2, 3)]
)
def test_gabriel_by_hand(count, dimension):
    for seed in range(3):
        points = cloud(count, dimension, seed) * 1e-3 + 7
        assert neighbour_graph(points, "gabriel").tolist() == gabriel_by_hand(points)


@pytest.mark.parametrize(("count", "dimension"), [(80, 2), (60, 3), (50, 4)])
def test_gabriel_without_and_with_a_triangulation(count, dimension, monkeypatch):
    points = cloud(count, dimension)
    expected = neighbour_graph(points, "gabriel")
    monkeypatch.setattr("nblandscape.topology.scattered._TRIANGULATED", 0)
    np.testing.assert_array_equal(neighbour_graph(points, "gabriel"), expected)
    monkeypatch.setattr("nblandscape.topology.scattered._CHUNK", 100)
    np.testing.assert_array_equal(neighbour_graph(points, "gabriel"), expected)


@pytest.mark.parametrize(
    "shape", [(9,), (21, 21), (13, 7), (5, 6, 4), (3, 4, 3, 3), (3, 3, 2, 2, 3)], ids=str
)
def test_gabriel_graph_of_a_grid_is_its_graph_along_the_axes(shape):
    points = lattice(*[np.linspace(-0.7, 1.1 + n, n) for n in shape])
    assert neighbour_graph(points, "gabriel").tolist() == edges_of_grid(shape)


@settings(max_examples=30)
@given(st.integers(3, 60), st.integers(2, 4), st.integers(0, 2**32))
def test_gabriel_is_a_connected_part_of_delaunay(count, dimension, seed):
    points = cloud(count + dimension, dimension, seed)
    gabriel, delaunay = (neighbour_graph(points, kind) for kind in ("gabriel", "delaunay"))
    for edges in (gabriel, delaunay):
        assert edges.dtype == np.intp
        assert (edges[:, 0] < edges[:, 1]).all()
        assert [tuple(e) for e in edges.tolist()] == sorted(set(map(tuple, edges.tolist())))
        assert nx.is_connected(nx.Graph(edges.tolist()))
        assert set(edges.ravel().tolist()) == set(range(len(points)))
    assert set(map(tuple, gabriel.tolist())) <= set(map(tuple, delaunay.tolist()))


@pytest.mark.parametrize(("count", "dimension"), [(50, 2), (40, 3), (30, 4)])
def test_spheres_of_delaunay_are_empty(count, dimension):
    points = cloud(count, dimension)
    cells = simplices(points)
    for corners in cells:
        edges = points[corners[1:]] - points[corners[0]]
        centre = points[corners[0]] + np.linalg.solve(2 * edges, (edges**2).sum(axis=1))
        distance = np.linalg.norm(points - centre, axis=1)
        assert distance.min() == pytest.approx(distance[corners[0]])
    expected = {tuple(sorted((a, b))) for c in cells.tolist() for a in c for b in c if a != b}
    assert neighbour_graph(points).tolist() == [list(e) for e in sorted(expected)]


@pytest.mark.parametrize("mutual", [False, True])
@pytest.mark.parametrize(("count", "dimension", "k"), [(30, 2, 3), (30, 3, None), (5, 2, None), (9, 6, 8)])
def test_nearest_neighbours_by_hand(count, dimension, k, mutual):
    points = cloud(count, dimension)
    number = min(4 * dimension, count - 1) if k is None else k
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    near = np.zeros((count, count), dtype=bool)
    for row in range(count):
        near[row, np.argsort(distance[row])[1 : number + 1]] = True
    graph = near & near.T if mutual else near | near.T
    expected = np.argwhere(np.triu(graph)).tolist()
    assert neighbour_graph(points, "knn", k=k, mutual=mutual).tolist() == expected


@pytest.mark.parametrize("dimension", [2, 3, 4])
def test_volumes_sum_to_the_hull_and_integrate_linear_functions(dimension):
    points = 3 * cloud(60, dimension) + 100
    volumes = point_volumes(points)
    assert (volumes > 0).all()
    assert volumes.sum() == pytest.approx(ConvexHull(points).volume)
    corners = lattice(*[np.linspace(0, 2, 4)] * dimension)
    # Over [0, 2]^d the integral of 3 + sum(x) is 2^d (3 + d).
    assert point_volumes(corners) @ (3 + corners.sum(axis=1)) == pytest.approx(2**dimension * (3 + dimension))


def test_volumes_on_a_line():
    assert point_volumes([[4.0], [0.0], [1.0]]) == pytest.approx([1.5, 0.5, 2.0])
    assert neighbour_graph([[4.0], [0.0], [1.0]]).tolist() == [[0, 2], [1, 2]]


def himmelblau_at(points: np.ndarray) -> np.ndarray:
    x, y = points.T
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@pytest.mark.parametrize(
    ("kind", "options"),
    [("delaunay", {}), ("gabriel", {}), ("knn", {}), ("knn", {"k": 14, "mutual": True})],
)
def test_the_four_minima_of_himmelblau(kind, options):
    points = np.random.default_rng(1).uniform(-5, 5, size=(4000, 2))
    tree = merge_tree(himmelblau_at(points), connectivity=neighbour_graph(points, kind, **options))
    places = points[tree.simplify(10.0).minima]
    known = np.array([(3, 2), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)])
    distance = np.linalg.norm(places[:, None] - known, axis=2)
    assert len(places) == 4
    assert sorted(distance.argmin(axis=1).tolist()) == [0, 1, 2, 3]
    assert distance.min(axis=1).max() < 0.25
    assert tree.persistence[1:4] == pytest.approx([104.015, 67.719, 13.312], abs=6)


def test_a_contour_tree_of_scattered_points():
    points = np.random.default_rng(1).uniform(-5, 5, size=(4000, 2))
    tree = contour_tree(himmelblau_at(points), connectivity=neighbour_graph(points)).simplify(2.0)
    top = np.linalg.norm(points[tree.maxima] - (-0.270845, -0.923039), axis=1).argmin()
    assert tree.minima.size == 4
    assert np.linalg.norm(points[tree.maxima[top]] - (-0.270845, -0.923039)) < 0.2


def test_scattered_samples_of_a_grid_have_the_tree_of_the_grid():
    x = np.linspace(-2, 2, 15)
    values = sampled(lambda a, b: (a**2 - 1) ** 2 + b**2 + a / 5, x, x)
    graph = neighbour_graph(lattice(x, x), "gabriel")
    np.testing.assert_array_equal(
        merge_tree(values, connectivity=graph).pairs, merge_tree(values, connectivity="faces").pairs
    )


@pytest.mark.parametrize("function", [neighbour_graph, simplices, point_volumes])
@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([0.0, 1.0], r"shape \(2,\); expected \(n, d\)"),
        (np.zeros((3, 0)), "expected"),
        ([[0.0, 0.0]], "1 points have no neighbours"),
        (np.zeros((0, 2)), "0 points have no neighbours"),
        ([[0.0, 1.0], [1.0, np.nan], [np.inf, 0.0]], "2 points have .* not finite, the first in row 1"),
        ([[0.0, 1.0], [3.0, 1.0], [0.0, 1.0], [5, 5]], r"points 0 and 2 coincide \(1 such pairs\)"),
        ([[0.0, 1.0], [3.0, 1.0]], "2 points in 2 dimensions have no triangulation; at least 3"),
        ([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 4.0]], "plane of dimension 1 of 2"),
        ([["a", "b"]], "not real numbers"),
        ([[1j, 0]], "not real numbers"),
    ],
)
def test_refused_points(function, points, message):
    with pytest.raises(ValueError, match=message):
        function(points)


def test_points_too_close_for_a_triangulation_are_named():
    points = np.vstack([cloud(30, 2), cloud(30, 2)[:1] + 1e-15])
    with pytest.raises(ValueError, match="too close to others"):
        neighbour_graph(points)


def test_points_in_a_plane_still_have_nearest_and_gabriel_neighbours():
    line = [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    assert neighbour_graph(line, "gabriel").tolist() == [[0, 1], [1, 2], [2, 3]]
    assert neighbour_graph(line, "knn", k=1, mutual=False).shape[1] == 2


def test_refused_options():
    points = cloud(6, 2)
    with pytest.raises(ValueError, match="kind='voronoi' is not one of delaunay, gabriel, knn"):
        neighbour_graph(points, "voronoi")
    for k in (0, 6, -1):
        with pytest.raises(ValueError, match=rf"k={k} is outside 1 \.\. 5 for 6 points"):
            neighbour_graph(points, "knn", k=k)
    with pytest.raises(ValueError, match='no meaning for kind="gabriel"'):
        neighbour_graph(points, "gabriel", k=3)
    with pytest.raises(ValueError, match='no meaning for kind="delaunay"'):
        neighbour_graph(points, mutual=True)
