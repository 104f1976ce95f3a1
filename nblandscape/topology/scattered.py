"""Neighbourhood graphs and volumes of scattered points."""

from itertools import combinations
from math import factorial
from typing import Literal, get_args

import numpy as np
from scipy.spatial import Delaunay, KDTree, QhullError

PointGraph = Literal["delaunay", "gabriel", "knn"]

# Above it, Qhull's triangulation has more simplices than n points have pairs worth testing.
_TRIANGULATED = 4
# A point counts as lying in a ball up to this part of its radius outside: lattices are not exact in floats.
_ROUNDING = 1e-9
_CHUNK = 1 << 22


def neighbour_graph(
    points: np.ndarray, kind: PointGraph = "delaunay", *, k: int | None = None, mutual: bool = False
) -> np.ndarray:
    """Which of a set of scattered points are neighbours: the edges for `merge_tree(..., connectivity=edges)`.

    Parameters
    ----------
    points : array_like (n, d)
        Distinct coordinates. Distances mix the axes: bring them to one unit first.
    kind : {"delaunay", "gabriel", "knn"}
        `"delaunay"`: edges of the Delaunay triangulation, practical up to 5 or 6 dimensions; the graph for
        contour trees. `"gabriel"`: two points are neighbours if no other lies in the closed ball that has
        their segment as diameter. This is a connected part of Delaunay's graph, and on a regular grid the
        2 d neighbours along the axes. With so few edges, steep slopes have more spurious shallow minima than
        with Delaunay's. `"knn"`: a point and its k nearest ones; it may fall into components.
    k : int, optional
        Number of nearest points for `"knn"`, 1 <= k < n; without it the lesser of 4 d and n - 1.
    mutual : bool
        For `"knn"`: each of the two points must be among the k nearest of the other, not only one of them.

    Returns
    -------
    ndarray of intp (e, 2)
        Edges as rows of `points`, first < second, sorted, each once.

    Raises
    ------
    ValueError
        Coordinates are not finite real numbers, points coincide, there are fewer than two (for `"delaunay"`
        fewer than d + 1), all lie in a plane of lower dimension (`"delaunay"`), or an option is unknown, out
        of range or of no meaning for this kind.

    Notes
    -----
    Gabriel and Sokal (1969); mutual neighbours with k = 4 d: arXiv 2411.12136. Where more than d + 1 points
    lie on one sphere, as on a regular grid, the Delaunay triangulation is not unique, and k nearest points
    are not where distances are equal; grids have better neighbours of their own (see `merge_tree`).

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> points = np.random.default_rng(0).uniform(-5, 5, size=(3000, 2))
    >>> x, y = points.T
    >>> values = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2  # Himmelblau's function: four minima
    >>> tree = merge_tree(values, connectivity=neighbour_graph(points))
    >>> sorted(points[tree.simplify(5.0).minima].round(0).tolist())
    [[-4.0, -3.0], [-3.0, 3.0], [3.0, 2.0], [4.0, -2.0]]
    """
    if kind not in get_args(PointGraph):
        raise ValueError(f"kind={kind!r} is not one of {', '.join(get_args(PointGraph))}.")
    if kind != "knn" and (k is not None or mutual):
        raise ValueError(f'k={k} and mutual={mutual} have no meaning for kind="{kind}"; only for "knn".')
    places = _checked(points)
    if kind == "delaunay":
        return _delaunay_edges(places)
    if kind == "gabriel":
        return _gabriel_edges(places)
    return _nearest_edges(places, k, mutual)


def simplices(points: np.ndarray) -> np.ndarray:
    """Delaunay triangulation of scattered points.

    Parameters
    ----------
    points : array_like (n, d)
        Distinct coordinates, n > d, not all in a plane of lower dimension.

    Returns
    -------
    ndarray of intp (s, d + 1)
        Rows of `points` that are the corners of each simplex.

    Raises
    ------
    ValueError
        As `neighbour_graph` for `"delaunay"`.

    Notes
    -----
    Qhull (Barber, Dobkin and Huhdanpaa 1996).

    Examples
    --------
    >>> simplices([[0.0], [2.0], [1.0]]).tolist()
    [[0, 2], [2, 1]]
    """
    return _triangulated(_checked(points))


def point_volumes(points: np.ndarray) -> np.ndarray:
    """Volume that each scattered point stands for: its equal share of the Delaunay simplices around it.

    Parameters
    ----------
    points : array_like (n, d)
        As for `simplices`.

    Returns
    -------
    ndarray of float64 (n,)
        Volumes, in units of the coordinates to the power d; they sum to the volume of the convex hull. With
        them a sum over points is the integral of the function that is linear on each simplex.

    Raises
    ------
    ValueError
        As `neighbour_graph` for `"delaunay"`.

    Examples
    --------
    >>> point_volumes([[0, 0], [2, 0], [0, 2], [2, 2], [1, 1]]).round(6).tolist()
    [0.666667, 0.666667, 0.666667, 0.666667, 1.333333]
    """
    places = _checked(points)
    corners = _triangulated(places)
    edges = places[corners[:, 1:]] - places[corners[:, :1]]
    dimension = places.shape[1]
    share = np.abs(np.linalg.det(edges)) / factorial(dimension + 1)
    return np.bincount(corners.ravel(), np.repeat(share, dimension + 1), minlength=len(places))


def _checked(points: np.ndarray) -> np.ndarray:
    places = np.asarray(points)
    if places.dtype.kind not in "fiub":
        raise ValueError(f"points of type {places.dtype} are not real numbers.")
    if places.ndim != 2 or places.shape[1] == 0:
        raise ValueError(f"points have shape {places.shape}; expected (n, d), one row for each point.")
    places = places.astype(np.float64)
    if len(places) < 2:
        raise ValueError(f"{len(places)} points have no neighbours; at least 2 are needed.")
    bad = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if bad.size:
        raise ValueError(
            f"{bad.size} points have coordinates that are not finite, the first in row {bad[0]}: leave them "
            f"out, with their values."
        )
    order = np.lexsort(places.T)
    same = np.flatnonzero((places[order[1:]] == places[order[:-1]]).all(axis=1))
    if same.size:
        first, second = order[same[0] : same[0] + 2]
        raise ValueError(
            f"points {first} and {second} coincide ({same.size} such pairs): keep one of them, with the mean "
            f"or the lower of their values."
        )
    return places


def _triangulated(places: np.ndarray) -> np.ndarray:
    count, dimension = places.shape
    if count <= dimension:
        raise ValueError(
            f"{count} points in {dimension} dimensions have no triangulation; at least {dimension + 1} are "
            f'needed. kind="gabriel" and "knn" can do with fewer.'
        )
    if dimension == 1:
        order = np.argsort(places[:, 0])
        return np.stack([order[:-1], order[1:]], axis=1)
    # Moved and scaled to one size: Qhull's tolerances are absolute in part.
    centred = places - places.mean(axis=0)
    try:
        found = Delaunay(centred / np.abs(centred).max())
    except QhullError as error:
        raise ValueError(
            f"the {count} points lie (nearly) in a plane of dimension {np.linalg.matrix_rank(centred)} of "
            f'{dimension}: give their coordinates in that plane, or take kind="gabriel" or "knn".'
        ) from error
    if len(found.coplanar):
        raise ValueError(
            f"{len(found.coplanar)} points are too close to others to be triangulated, the first in row "
            f"{found.coplanar[0, 0]}: leave them out."
        )
    return found.simplices.astype(np.intp)


def _delaunay_edges(places: np.ndarray) -> np.ndarray:
    corners = _triangulated(places)
    pairs = [corners[:, list(pair)] for pair in combinations(range(corners.shape[1]), 2)]
    return _edges(np.concatenate(pairs), len(places))


def _gabriel_edges(places: np.ndarray) -> np.ndarray:
    count, dimension = places.shape
    try:
        candidates = _delaunay_edges(places) if dimension <= _TRIANGULATED else _unblocked(places)
    except ValueError:  # flat, or fewer points than a simplex has
        candidates = _unblocked(places)
    first, second = candidates.T
    middle = (places[first] + places[second]) / 2
    radius = np.linalg.norm(places[first] - places[second], axis=1) / 2
    # Of the three nearest points to the middle, two may be the ends.
    nearest, distance = _nearest(places, middle, min(3, count))
    third = (nearest != first[:, None]) & (nearest != second[:, None])
    closest = np.where(third, distance, np.inf).min(axis=1)
    edges: np.ndarray = candidates[closest > radius * (1 + _ROUNDING)]
    return edges


def _unblocked(places: np.ndarray) -> np.ndarray:
    """Pairs whose ball holds none of the points near its first end: a few times as many as Gabriel's."""
    count = len(places)
    near = _nearest(places, places, min(count, 1 + 4 * places.shape[1]))[0][:, 1:]
    rows = max(1, _CHUNK // (count * near.shape[1]))
    found = []
    for start in range(0, count, rows):
        here = np.arange(start, min(start + rows, count))
        arms = places[near[here]] - places[here, None]
        others = places[None] - places[here, None]
        # r lies in the ball over p and q if (r - p)(r - q) <= 0, that is |r - p|^2 <= (r - p)(q - p).
        reach = arms @ others.swapaxes(1, 2)
        inside = reach >= (arms**2).sum(axis=2)[..., None] * (1 + _ROUNDING)
        np.put_along_axis(inside, near[here][..., None], values=False, axis=2)
        first, second = np.nonzero(~inside.any(axis=1))
        found.append(np.stack([here[first], second], axis=1))
    pairs = np.concatenate(found)
    return _edges(pairs[pairs[:, 0] != pairs[:, 1]], count)


def _nearest_edges(places: np.ndarray, k: int | None, mutual: bool) -> np.ndarray:
    count, dimension = places.shape
    number = min(4 * dimension, count - 1) if k is None else k
    if not 1 <= number < count:
        raise ValueError(f"k={k} is outside 1 .. {count - 1} for {count} points.")
    near = _nearest(places, places, number + 1)[0][:, 1:]
    pairs = np.stack([np.repeat(np.arange(count), number), near.ravel()], axis=1)
    return _edges(pairs, count, least=2 if mutual else 1)


def _nearest(places: np.ndarray, middles: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (m, number) of the points nearest to each place, nearest first, and their distances."""
    distance, rows = KDTree(places).query(middles, k=np.arange(1, number + 1))
    return np.asarray(rows), np.asarray(distance)


def _edges(pairs: np.ndarray, count: int, least: int = 1) -> np.ndarray:
    """Pairs that occur at least so many times, in either order."""
    key, times = np.unique(pairs.min(axis=1) * count + pairs.max(axis=1), return_counts=True)
    return np.stack(np.divmod(key[times >= least], count), axis=1)
