"""The symmetric logarithmic scale of losses, as the explorer draws it (js/src/gl/height-map.ts)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm

_LINEAR_SHARE = 1e-3
_LEAST_WIDTH = 1e-290  # losses over a smaller one could be too large for a number
SCALES = ("linear", "log", "symlog")


def linear_width(low: float, high: float) -> float:
    """Width about 0 within which the scale of losses between `low` and `high` is about linear.

    Examples
    --------
    >>> linear_width(-2.0, 50.0)
    0.05
    """
    largest = max(abs(low), abs(high))
    return max(_LINEAR_SHARE * largest, _LEAST_WIDTH) if largest > 0 else 1.0


def symlog(losses: np.ndarray | float, width: float) -> np.ndarray:
    """Odd, increasing, ``losses / width`` near 0 and logarithmic far from it.

    Examples
    --------
    >>> symlog(np.array([-np.expm1(2.0), 0.0, np.expm1(1.0)]), 1.0).round(12).tolist()
    [-2.0, 0.0, 1.0]
    """
    x = np.asarray(losses, dtype=np.float64)
    return np.asarray(np.sign(x) * np.log1p(np.abs(x) / width))


def inverse_symlog(values: np.ndarray | float, width: float) -> np.ndarray:
    """Inverse of `symlog`."""
    y = np.asarray(values, dtype=np.float64)
    return np.asarray(np.sign(y) * np.expm1(np.abs(y)) * width)


def symlog_norm(low: float, high: float) -> FuncNorm:
    """Norm of matplotlib for colours of losses between `low` and `high`."""
    width = linear_width(low, high)
    return FuncNorm((lambda x: symlog(x, width), lambda y: inverse_symlog(y, width)), low, high)


def symlog_heights(axes: Axes, low: float, high: float) -> None:
    """Make the heights of a picture those of losses between `low` and `high` on this scale."""
    width = linear_width(low, high)
    axes.set_yscale("function", functions=(lambda x: symlog(x, width), lambda y: inverse_symlog(y, width)))
