"""Which vertices are neighbours, on grids and graphs, and the lowest one around each vertex."""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product
from typing import Literal, get_args

import numpy as np

Connectivity = Literal["full", "faces", "freudenthal"]
Neighbours = Connectivity | np.ndarray  # a stencil of a grid, or edges (e, 2) between vertices of any graph

Slices = tuple[slice, ...]


def forward_offsets(dimension: int, connectivity: Connectivity = "full") -> list[tuple[int, ...]]:
    """Half of a stencil: the steps that lead to neighbours of a higher index in C order.

    Parameters
    ----------
    dimension : int
        Dimension d of the grid.
    connectivity : {"full", "faces", "freudenthal"}
        `"full"`: all 3^d - 1 vertices of the surrounding box, diagonals included. `"faces"`: the 2d vertices
        one step along one axis. `"freudenthal"`: the 2 (2^d - 1) vertices joined to it by edges of
        Freudenthal's triangulation (Freudenthal 1942), i.e. steps whose components are all in {0, 1} or all
        in {0, -1}.

    Returns
    -------
    list of tuple of int
        Steps of d components each, ascending in the order of the vertices they lead to.

    Raises
    ------
    ValueError
        The connectivity is not one of the three.

    Examples
    --------
    >>> forward_offsets(2)
    [(0, 1), (1, -1), (1, 0), (1, 1)]
    >>> [len(forward_offsets(3, c)) for c in ("full", "faces", "freudenthal")]
    [13, 3, 7]
    """
    zero = (0,) * dimension
    if connectivity == "full":
        return [step for step in product((-1, 0, 1), repeat=dimension) if step > zero]
    if connectivity == "freudenthal":
        return [step for step in product((0, 1), repeat=dimension) if step > zero]
    if connectivity == "faces":
        return [step for step in product((0, 1), repeat=dimension) if sum(step) == 1]
    raise ValueError(f"connectivity={connectivity!r} is not one of {', '.join(get_args(Connectivity))}.")


def shifted(step: tuple[int, ...]) -> tuple[Slices, Slices]:
    """Two views of a grid, such that the second holds the neighbours `step` away from the first.

    Examples
    --------
    >>> here, there = shifted((1, -1))
    >>> grid = np.arange(6).reshape(2, 3)
    >>> grid[here].tolist(), grid[there].tolist()
    ([[1, 2]], [[3, 4]])
    """
    return tuple(_cut(s) for s in step), tuple(_cut(-s) for s in step)


def checked_edges(edges: np.ndarray, size: int) -> np.ndarray:
    """Edges (e, 2) as intp in C order.

    Raises
    ------
    ValueError
        Not pairs of integers, or vertices outside 0 .. size - 1.

    Examples
    --------
    >>> checked_edges(np.array([[0, 1], [1, 2]]), size=3).shape
    (2, 2)
    """
    pairs = np.asarray(edges)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs.size and pairs.dtype.kind not in "iu"):
        raise ValueError(
            f"edges have shape {pairs.shape} and type {pairs.dtype}; expected vertex pairs (e, 2)."
        )
    outside = pairs[(pairs < 0) | (pairs >= size)]
    if outside.size:
        raise ValueError(f"edges name the vertex {outside[0]}; there are {size}, numbered from 0.")
    return np.ascontiguousarray(pairs, dtype=np.intp)


def crossings(labels: np.ndarray, neighbours: Neighbours) -> Iterator[np.ndarray]:
    """Edges between vertices of different labels >= 0, as arrays (2, e) of C-order indices, in portions.

    Examples
    --------
    >>> [edges.tolist() for edges in crossings(np.array([0, 0, 1, -1]), "full")]
    [[[1], [2]]]
    >>> [edges.tolist() for edges in crossings(np.array([0, 0, 1, 1]), np.array([[0, 3], [2, 3]]))]
    [[[0], [3]]]
    """
    if isinstance(neighbours, np.ndarray):
        a, b = labels.ravel()[neighbours.T]
        yield np.ascontiguousarray(neighbours[(a != b) & ((a | b) >= 0)].T)
        return
    index = np.arange(labels.size).reshape(labels.shape)
    for step in forward_offsets(labels.ndim, neighbours):
        here, there = shifted(step)
        a, b = labels[here], labels[there]
        edges = np.flatnonzero((a != b) & ((a | b) >= 0))
        yield np.stack([index[here].ravel()[edges], index[there].ravel()[edges]])


def cell_volumes(axes: Sequence[np.ndarray]) -> np.ndarray:
    """Volume that each vertex of a grid stands for: its dual cell, cut off at the border of the domain.

    Parameters
    ----------
    axes : sequence of d arrays
        Increasing coordinates, n_i >= 2 each.

    Returns
    -------
    ndarray, shape (n_0, ..., n_{d-1})
        The volumes sum to that of the box.

    Raises
    ------
    ValueError
        There is no axis, or one has fewer than two coordinates or does not increase.

    Examples
    --------
    >>> cell_volumes([np.array([0.0, 1.0, 3.0])]).tolist()
    [0.5, 1.5, 1.0]
    """
    if not len(axes):
        raise ValueError("axes is empty; a grid needs at least one axis.")
    widths = []
    for number, line in enumerate(axes):
        axis = np.asarray(line, dtype=np.float64)
        if axis.ndim != 1 or axis.size < 2:
            raise ValueError(
                f"axes[{number}] has shape {axis.shape}: every axis needs two coordinates or more."
            )
        if not (np.isfinite(axis).all() and (np.diff(axis) > 0).all()):
            raise ValueError(f"axes[{number}] must be finite and increase strictly.")
        borders = np.concatenate([axis[:1], (axis[1:] + axis[:-1]) / 2, axis[-1:]])
        widths.append(np.diff(borders))
    volumes: np.ndarray = reduce(np.multiply.outer, widths)
    return volumes


def lowest_neighbours(heights: np.ndarray, connectivity: Neighbours = "full") -> np.ndarray:
    """Lowest vertex among each vertex and its neighbours, in the order (height, index).

    Parameters
    ----------
    heights : ndarray
        Heights without NaN; +inf is outside the domain.
    connectivity : {"full", "faces", "freudenthal"} or ndarray (e, 2)
        See `forward_offsets`; or the edges of a graph.

    Returns
    -------
    ndarray of intp, same shape
        C-order indices of vertices. A local minimum points at itself, and so does a vertex outside the domain
        that has no neighbour inside.

    Examples
    --------
    >>> lowest_neighbours(np.array([2.0, 1.0, 3.0, 3.0, 0.0])).tolist()
    [1, 1, 1, 4, 4]
    """
    if isinstance(connectivity, np.ndarray):
        return _lowest_along(heights, connectivity)
    if connectivity == "full":
        return _lowest_in_box(heights)
    lowest = np.full_like(heights, np.inf)
    index = np.arange(heights.size).reshape(heights.shape)
    down = index.copy()
    # From the lowest index upwards: then "strictly lower" also settles ties.
    for here, there in _stencil(heights.ndim, connectivity):
        _replace(lowest[here], down[here], heights[there], index[there])
    return down


def _lowest_along(heights: np.ndarray, edges: np.ndarray) -> np.ndarray:
    order = np.argsort(heights, axis=None, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    lowest = rank.copy()
    a, b = edges.T
    np.minimum.at(lowest, a, rank[b])
    np.minimum.at(lowest, b, rank[a])
    down: np.ndarray = order[lowest].reshape(heights.shape)
    return down


def _lowest_in_box(heights: np.ndarray) -> np.ndarray:
    """Minimum over the box axis by axis: 2 d comparisons instead of 3^d - 1.

    From the last axis to the first, so that of two equal heights the one met first has the lower index.
    """
    lowest = heights
    down = np.arange(heights.size).reshape(heights.shape)
    for axis in reversed(range(heights.ndim)):
        if heights.shape[axis] == 1:
            continue
        before, here = (_along(axis, part, heights.ndim) for part in (slice(None, -1), slice(1, None)))
        source, origin = lowest, down
        lowest, down = source.copy(), origin.copy()
        later = source[here] >= source[before]
        np.copyto(lowest[here], source[before], where=later)
        np.copyto(down[here], origin[before], where=later)
        _replace(lowest[before], down[before], source[here], origin[here])
    return down


def _stencil(dimension: int, connectivity: Connectivity) -> Iterator[tuple[Slices, Slices]]:
    forward = forward_offsets(dimension, connectivity)
    backward = [tuple(-s for s in step) for step in reversed(forward)]
    for step in [*backward, (0,) * dimension, *forward]:
        yield shifted(step)


def _replace(lowest: np.ndarray, down: np.ndarray, height: np.ndarray, index: np.ndarray) -> None:
    lower = height < lowest
    np.copyto(lowest, height, where=lower)
    np.copyto(down, index, where=lower)


def _cut(step: int) -> slice:
    return slice(max(-step, 0), -step if step > 0 else None)


def _along(axis: int, part: slice, dimension: int) -> Slices:
    return tuple(part if a == axis else slice(None) for a in range(dimension))
