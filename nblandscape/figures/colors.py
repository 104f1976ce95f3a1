"""Colours that can be seen on the background that a figure has."""

from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba


@dataclass(frozen=True)
class Palette:
    """Colours of lines and marks; `positive` and `negative` are also told apart by shape."""

    ink: str
    pale: str
    positive: str
    negative: str
    saddle: str
    minimum: str
    maximum: str


LIGHT = Palette("#37474f", "#78909c", "#00695c", "#b71c1c", "#c62828", "#1565c0", "#6a1b9a")
DARK = Palette("#cfd8dc", "#90a4ae", "#4db6ac", "#ef9a9a", "#ef9a9a", "#90caf9", "#ce93d8")


def palette(axes: Axes) -> Palette:
    """Light or dark colours, by what is behind the axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> palette(Figure(facecolor="black").add_subplot(facecolor="none")).ink
    '#cfd8dc'
    """
    for patch in (axes.patch, axes.get_figure(root=True).patch):  # type: ignore[union-attr]
        red, green, blue, opacity = to_rgba(patch.get_facecolor())
        if opacity > 0.5:
            return LIGHT if _brightness(red, green, blue) > 0.5 else DARK
    text = to_rgba(mpl.rcParams["text.color"])  # a transparent figure: made for its text's background
    return DARK if _brightness(*text[:3]) > 0.5 else LIGHT


def _brightness(red: float, green: float, blue: float) -> float:
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
