"""Every other row shifted by a cell: the trace of a sampler that scans in serpentines."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 9  # rows and columns: fewer show parity by chance
_MANY = 17  # rows, from which a weaker fall of the roughness is no chance either
_FALL, _CLEAR_FALL = 0.7, 0.5  # of the roughness, with many rows and with few
_ROWS = 0.8  # share of the rows that become smoother
_SHEAR = 1.2  # a slanted valley becomes as smooth when every row is shifted further than the one before
_LARGEST = 2**18  # vertices looked at


def odd_shift(values: Floats, axis: int, along: int) -> tuple[float, int, float] | None:
    """Find a shift of the odd rows, by one cell, that takes most of the roughness across rows away.

    Parameters
    ----------
    values : array of two or more dimensions, NaN in holes
    axis : int
        That counts the rows.
    along : int
        Axis along which the odd ones may be shifted.

    Returns
    -------
    (ratio, shift, share) or None
        Roughness after over before; the shift, 1 or -1; the share of the rows that become smoother.

    Examples
    --------
    >>> rows = np.add.outer(np.arange(9.0) ** 2, (np.arange(9.0) - 3) ** 2)
    >>> odd_shift(rows, 0, 1) is None
    True
    >>> rows[1::2, 1:] = rows[1::2, :-1].copy()
    >>> odd_shift(rows, 0, 1)[1:]
    (-1, 1.0)
    """
    f = np.moveaxis(values, (axis, along), (0, 1))
    f = f.reshape(*f.shape[:2], -1)
    f = f[..., :: max(1, math.ceil(f.size / _LARGEST))]
    f = f / (np.nanmax(np.abs(f), initial=0.0) or 1.0)  # squares neither overflow nor vanish
    squares = np.stack(
        [
            _second_differences(f, 0),
            *(_second_differences(f, s) for s in (1, -1)),
            *(_sheared(f, s) for s in (1, -1)),
        ]
    )
    squares = np.where(np.isfinite(squares).all(axis=0), squares**2, 0.0)
    rows = squares.sum(axis=(2, 3))
    plain, plus, minus, *shears = rows.sum(axis=1)
    if plain <= 0:
        return None
    limit = _FALL if len(f) >= _MANY else _CLEAR_FALL
    for shift, number, right, wrong in ((1, 1, plus, minus), (-1, 2, minus, plus)):
        rough = rows[0] > 0
        share = float((rows[number][rough] < rows[0][rough]).mean())
        if right <= limit * plain and share >= _ROWS and wrong > plain and min(shears) > _SHEAR * right:
            return float(right / plain), shift, share
    return None


def _second_differences(f: Floats, shift: int) -> Floats:
    """Across rows, (rows - 2, ...), after a shift of the odd ones."""
    g = f.copy()
    g[1::2] = _shifted(f[1::2], shift)
    return np.asarray(g[:-2] - 2 * g[1:-1] + g[2:])


def _sheared(f: Floats, shift: int) -> Floats:
    """Second differences across rows, each shifted further than the one before."""
    return np.asarray(_shifted(f[:-2], shift) - 2 * f[1:-1] + _shifted(f[2:], -shift))


def _shifted(rows: Floats, shift: int) -> Floats:
    """Rows moved by `shift` cells along the second axis; NaN comes in."""
    if shift == 0:
        return rows
    moved = np.full_like(rows, np.nan)
    if shift > 0:
        moved[:, shift:] = rows[:, :-shift]
    else:
        moved[:, :shift] = rows[:, -shift:]
    return moved
