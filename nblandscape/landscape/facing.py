"""From where to look at a surface."""

import numpy as np

DIAGONAL = 0.65  # yaw in radians: the eye stands at (sin, -cos) of it, near a corner of the window


def open_yaw(values: np.ndarray) -> float:
    """Yaw of the four diagonal views that has the low ground in front, so that no wall hides a valley.

    Parameters
    ----------
    values : np.ndarray, shape (n0, n1)
        NaN where unknown.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 5)
    >>> float(np.round(open_yaw(x[:, None] - x), 2))  # lowest at (-1, 1): the eye stands there
    -2.49
    """
    known = np.isfinite(values)
    x, y = (np.linspace(-1.0, 1.0, n) for n in values.shape)
    heights = np.where(known, values, 0.0) - (values[known].mean() if known.any() else 0.0) * known
    slopes = (heights * x[:, None]).sum(), (heights * y).sum()
    turns = np.array([0.0, 0.5, 1.0, -0.5]) * np.pi + DIAGONAL
    toward_eye = slopes[0] * np.sin(turns) - slopes[1] * np.cos(turns)
    yaw = float(turns[np.argmin(toward_eye)])
    return yaw - 2 * np.pi if yaw > np.pi else yaw
