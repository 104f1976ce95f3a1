"""Nested grids: every level contains the one before, so nothing is evaluated twice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Level:
    """One resolution of a nested grid.

    Attributes
    ----------
    strides : tuple of d int
        Vertex steps along each axis, counted from the centre.
    vertices : np.ndarray, (m,) int64
        Flat indices (C order) that this level adds, from the centre outwards.
    """

    strides: tuple[int, ...]
    vertices: np.ndarray


def check_points(points: int | Sequence[int], dim: int) -> tuple[int, ...]:
    """Odd numbers of points, one per axis.

    Raises
    ------
    ValueError
        An even number (the origin would not be a vertex), fewer than 3, or a wrong count of axes.

    Examples
    --------
    >>> check_points(5, 2)
    (5, 5)
    >>> check_points(10, 2)
    Traceback (most recent call last):
    ValueError: points=10 is even, so the origin would not be a grid point; use 9 or 11.
    """
    shape = (int(points),) * dim if isinstance(points, (int, np.integer)) else tuple(int(p) for p in points)
    if len(shape) != dim:
        raise ValueError(f"points={points} names {len(shape)} axes; the subspace has {dim}.")
    for p in shape:
        if p < 3:
            raise ValueError(f"points={p}: at least 3 per axis are needed.")
        if p % 2 == 0:
            raise ValueError(
                f"points={p} is even, so the origin would not be a grid point; use {p - 1} or {p + 1}."
            )
    return shape


def axis_coordinates(half_width: float, points: int, center: float = 0.0) -> np.ndarray:
    """Equidistant coordinates (points,) whose middle one is exactly `center`.

    Examples
    --------
    >>> axis_coordinates(1.0, 5)
    array([-1. , -0.5,  0. ,  0.5,  1. ])
    """
    half = points // 2
    return center + half_width * np.arange(-half, half + 1) / half


def nested_levels(shape: Sequence[int], *, coarsest: int = 3) -> list[Level]:
    """Levels with strides 2^l, ..., 2, 1 counted from the centre.

    Parameters
    ----------
    shape : sequence of odd int
    coarsest : int
        The first level has at most about so many points along its longest axis: 3, 5, 9, …

    Returns
    -------
    list of Level
        Together they hold every vertex once.

    Examples
    --------
    >>> [(level.strides, len(level.vertices)) for level in nested_levels((5, 5))]
    [((2, 2), 9), ((1, 1), 16)]
    """
    shape = tuple(shape)
    tops = [_top_exponent(n, coarsest) for n in shape]
    done = np.zeros(shape, dtype=bool)
    levels = []
    for step in range(max(tops), -1, -1):
        strides = tuple(2 ** min(step, top) for top in tops)
        lines = [np.arange((n // 2) % s, n, s) for n, s in zip(shape, strides, strict=True)]
        wanted = np.zeros(shape, dtype=bool)
        wanted[np.ix_(*lines)] = True
        vertices = np.flatnonzero((wanted & ~done).ravel())
        done |= wanted
        if len(vertices):
            levels.append(Level(strides, _outwards(vertices, shape)))
    return levels


def _top_exponent(n: int, coarsest: int) -> int:
    """Largest k for which stride 2^k still leaves `coarsest` vertices, or 3 if that is too many."""
    k = 0
    while (n // 2) // 2 ** (k + 1) >= max(1, coarsest // 2):
        k += 1
    return k


def _outwards(vertices: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    distance = np.zeros(len(vertices))
    for index, n in zip(np.unravel_index(vertices, shape), shape, strict=True):
        distance = np.maximum(distance, np.abs(index - n // 2) / n)
    return vertices[np.argsort(distance, kind="stable")]
