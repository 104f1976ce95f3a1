"""Filling a grid with fewer evaluations: only where the surface is not yet known well enough."""

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import maximum_filter

from nblandscape.cancel import CancelSignal, check
from nblandscape.landscape.fill import CHUNK_SECONDS, Chunk
from nblandscape.landscape.grid import nested_levels

_COARSEST = 9
_CHECKS = 32
_CUBIC_POINTS = 4  # along every axis


@dataclass(frozen=True, eq=False)
class Filled:
    """A grid of which only a part was evaluated.

    Attributes
    ----------
    values : np.ndarray
        Evaluated, or interpolated (cubic) where `evaluated` is False; NaN in holes.
    evaluated : np.ndarray of bool
    error : float
        Largest difference between value and interpolation at random vertices that were evaluated for this
        purpose alone, afterwards; infinite if one of them is a hole, NaN if every vertex was evaluated.
    checks : int
        How many those were.
    share_beyond : float
        With 95 % confidence, at most this share of the interpolated vertices is further off than `error`:
        were it more, all the checks would have missed those at most once in twenty runs.
    """

    values: np.ndarray
    evaluated: np.ndarray
    error: float
    checks: int

    @property
    def share_beyond(self) -> float:
        """See the class."""
        return 1.0 - 0.05 ** (1.0 / self.checks) if self.checks else 0.0


def adaptive_fill(
    evaluate: Callable[[tuple[int, ...], np.ndarray], float],
    axes: tuple[np.ndarray, ...],
    *,
    tolerance: float,
    coarsest: int = _COARSEST,
    cancel: CancelSignal | None = None,
    chunk_seconds: float = CHUNK_SECONDS,
) -> Generator[Chunk, None, Filled]:
    """Yield chunks of evaluated vertices, coarse levels first; the return value has the whole grid.

    Two levels are evaluated in full. At each finer one every new vertex is first interpolated from the
    level before, and evaluated only if a neighbour's interpolation missed by more than `tolerance` times the
    range of the losses when it was evaluated. Around holes everything is evaluated.

    Parameters
    ----------
    evaluate : callable (index, coordinates) -> float
    axes : tuple of d arrays with odd lengths
    tolerance : float
        Relative to the range of the losses seen.
    coarsest : int
        Points per axis of the first level: 3, 5, 9, …
    cancel, chunk_seconds
        As in `fill`.

    Raises
    ------
    ValueError
        A tolerance outside of (0, 1).
    nblandscape.cancel.Cancelled

    Examples
    --------
    >>> def result_of(steps):
    ...     while True:
    ...         try:
    ...             next(steps)
    ...         except StopIteration as end:
    ...             return end.value
    >>> x = np.linspace(-1, 1, 65)
    >>> bowl = result_of(adaptive_fill(lambda index, at: float(at @ at), (x, x), tolerance=0.01))
    >>> bool(bowl.evaluated.mean() < 0.1), bool(bowl.error < 1e-4)
    (True, True)
    """
    if not 0 < tolerance < 1:
        raise ValueError(f"adaptive={tolerance}: a share of the range of the losses between 0 and 1.")
    shape = tuple(len(axis) for axis in axes)
    values, surplus = np.full(shape, np.nan), np.zeros(shape)
    evaluated = np.zeros(shape, dtype=bool)

    def measure(number: int, vertices: np.ndarray) -> Generator[Chunk, None, None]:
        begin, clock = 0, time.perf_counter()
        for i, vertex in enumerate(vertices):
            check(cancel)
            index = tuple(int(k) for k in np.unravel_index(vertex, shape))
            value = evaluate(index, np.array([axis[k] for axis, k in zip(axes, index, strict=True)]))
            values[index] = value if math.isfinite(value) else np.nan
            evaluated[index] = True
            if i == len(vertices) - 1 or time.perf_counter() - clock > chunk_seconds:
                chunk = vertices[begin : i + 1]
                yield number, chunk, values.reshape(-1)[chunk]
                begin, clock = i + 1, time.perf_counter()

    levels = nested_levels(shape, coarsest=coarsest)
    for number, level in enumerate(levels):
        if number == 0:
            yield from measure(number, level.vertices)
            continue
        strides = levels[number - 1].strides
        lines = [np.arange((n // 2) % s, n, s) for n, s in zip(shape, strides, strict=True)]
        lattice = np.ix_(*lines)
        indices = np.stack(np.unravel_index(level.vertices, shape), axis=1)
        guess = _interpolated(lines, values[lattice], indices)
        needed = np.ones(len(indices), dtype=bool)
        if number > 1:
            nearby = maximum_filter(surplus[lattice], size=3, mode="nearest")
            known = values[np.isfinite(values)]
            doubt = RegularGridInterpolator(lines, nearby, bounds_error=False, fill_value=None)(indices)
            needed = ~(doubt <= tolerance * float(np.ptp(known))) if known.size else needed
        needed |= ~np.isfinite(guess)
        yield from measure(number, level.vertices[needed])
        flat = values.reshape(-1)
        flat[level.vertices[~needed]] = guess[~needed]
        surplus[lattice] = 0.0  # judged once, by the level that they belong to
        missed = np.abs(flat[level.vertices[needed]] - guess[needed])
        surplus.reshape(-1)[level.vertices[needed]] = np.where(
            np.isfinite(missed), missed, np.finfo(float).max
        )
    left = np.flatnonzero(~evaluated)
    spots = np.sort(np.random.default_rng(0).permutation(left)[:_CHECKS])
    before = values.reshape(-1)[spots].copy()
    yield from measure(len(levels) - 1, spots)
    differences = np.abs(values.reshape(-1)[spots] - before)
    error = float(np.where(np.isnan(differences), np.inf, differences).max()) if len(spots) else math.nan
    return Filled(values, evaluated, error, len(spots))


def _interpolated(lines: list[np.ndarray], lattice: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Cubic interpolation where the lattice has no hole, linear (NaN beside holes) where it has."""
    whole = bool(np.isfinite(lattice).all()) and min(lattice.shape) >= _CUBIC_POINTS
    method: Literal["cubic", "linear"] = "cubic" if whole else "linear"
    interpolator = RegularGridInterpolator(lines, lattice, method=method, bounds_error=False, fill_value=None)
    return np.asarray(interpolator(indices))
