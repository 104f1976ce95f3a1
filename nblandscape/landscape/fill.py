"""Filling a grid level by level: the loop shared by objectives and plain functions."""

import math
import time
from collections.abc import Callable, Generator

import numpy as np

from nblandscape.cancel import CancelSignal, check
from nblandscape.landscape.grid import nested_levels

Chunk = tuple[int, np.ndarray, np.ndarray]  # level, vertices (m,) int64, values (m,) float64

CHUNK_SECONDS = 0.05


def fill(
    evaluate: Callable[[tuple[int, ...], np.ndarray], float],
    axes: tuple[np.ndarray, ...],
    *,
    coarsest: int = 3,
    cancel: CancelSignal | None = None,
    chunk_seconds: float = CHUNK_SECONDS,
) -> Generator[Chunk, None, np.ndarray]:
    """Yield chunks of new values, coarse levels first; the return value is the whole array.

    Parameters
    ----------
    evaluate : callable (index, coordinates) -> float
    axes : tuple of d arrays with odd lengths
    coarsest : int
        Points per axis of the first level.
    cancel : optional
        Checked before every point.
    chunk_seconds : float
        About how long a chunk takes.

    Raises
    ------
    nblandscape.cancel.Cancelled
    """
    shape = tuple(len(axis) for axis in axes)
    values = np.full(shape, np.nan)
    flat = values.reshape(-1)
    for number, level in enumerate(nested_levels(shape, coarsest=coarsest)):
        indices = np.stack(np.unravel_index(level.vertices, shape), axis=1)
        points = np.stack([axis[i] for axis, i in zip(axes, indices.T, strict=True)], axis=1)
        last, begin, clock = len(indices) - 1, 0, time.perf_counter()
        for i, (vertex, index, point) in enumerate(
            zip(level.vertices, indices.tolist(), points, strict=True)
        ):
            check(cancel)
            value = evaluate(tuple(index), point)
            if math.isfinite(value):
                flat[vertex] = value
            if i == last or time.perf_counter() - clock > chunk_seconds:
                chunk = level.vertices[begin : i + 1]
                yield number, chunk, flat[chunk]
                begin, clock = i + 1, time.perf_counter()
    return values
