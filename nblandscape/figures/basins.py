"""One colour and one number for a basin in every picture."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from nblandscape.figures.colors import DARK, palette

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape
    from nblandscape.topology import MergeTree
    from nblandscape.topology.support import Support

NUMBERED = 30  # basins with a colour and a number; the others are grey

# Any two of a set are at least 16 apart in CIELAB, also with each kind of colour blindness (as simulated by
# Machado, Oliveira and Fernandes, 2009), and have a contrast of at least 3 with white and with black.
_LIGHT_HUES = ("#0072b2", "#c37b0b", "#9c195c", "#602e15", "#fa537c", "#063396", "#92652c", "#2693f7")
_DARK_HUES = ("#56b4e9", "#d38f18", "#a6d3a4", "#ce5044", "#6271e6", "#39faf4", "#f3e386", "#9e6890")


def basin_colors(axes: Axes, count: int) -> np.ndarray:
    """Colours (count, 4) of rows of a merge tree; the first ones differ, also for the colour-blind.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> colors = basin_colors(Figure(facecolor="white").add_subplot(), 40)
    >>> colors.shape, len(np.unique(colors[:8], axis=0)), len(np.unique(colors[30:], axis=0))
    ((40, 4), 8, 1)
    """
    scheme = palette(axes)
    hues = _DARK_HUES if scheme is DARK else _LIGHT_HUES
    named = [to_rgba(hues[row % len(hues)]) for row in range(min(count, NUMBERED))]
    return np.array(named + [to_rgba(scheme.pale)] * max(count - NUMBERED, 0)).reshape(-1, 4)


def background(axes: Axes) -> np.ndarray:
    """What is behind the axes, as an opaque RGB colour (3,)."""
    for patch in (axes.patch, axes.get_figure(root=True).patch):  # type: ignore[union-attr]
        red, green, blue, opacity = to_rgba(patch.get_facecolor())
        if opacity > 0.5:
            return np.array([red, green, blue])
    return np.zeros(3) if palette(axes) is DARK else np.ones(3)


def write_number(axes: Axes, text: str, x: float, y: float, *, above: bool, size: float = 6.5) -> None:
    """Write the number of a basin beside its mark, with a rim so that it is read on any colour."""
    axes.annotate(
        text,
        (x, y),
        xytext=(0, 5 if above else -5),
        textcoords="offset points",
        ha="center",
        va="bottom" if above else "top",
        fontsize=size,
        color=palette(axes).ink,
        path_effects=[withStroke(linewidth=1.6, foreground=tuple(background(axes)))],
        zorder=6,
    )


def free(points: np.ndarray, width: float, height: float) -> list[int]:
    """Points (k, 2) that have room for a number of a size, in the same units; the first ones first.

    Examples
    --------
    >>> free(np.array([[0.0, 0.0], [0.01, 0.0], [0.5, 0.0]]), 0.05, 0.05)
    [0, 2]
    """
    taken: list[int] = []
    for number, point in enumerate(points):
        if not (np.abs(points[taken] - point) < (width, height)).all(axis=1).any():
            taken.append(number)
    return taken


def supported(tree: "MergeTree", support: "Support | None") -> np.ndarray:
    """Which rows (m,) are supported; all of them if nothing is known.

    Raises
    ------
    ValueError
        The support is that of another tree.
    """
    if support is None:
        return np.ones(len(tree.pairs), dtype=bool)
    support.check(tree)
    return support.supported


def span(*trees: "MergeTree") -> tuple[float, float]:
    """Lowest and highest birth or merge, with room for what never ends; of the values if none merges.

    Raises
    ------
    ValueError
        Sublevel and superlevel trees have no common picture.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> span(merge_tree([0.0, 9.0, 1.0, 3.0, 2.0]), merge_tree([-1.0, 5.0]))
    (-1.0, 10.0)
    """
    if len({tree.kind for tree in trees}) > 1:
        raise ValueError("Sublevel and superlevel trees cannot share a scale; draw them apart.")
    sign = 1 if trees[0].kind == "sublevel" else -1
    first = min(float((sign * tree.pairs["birth"]).min()) for tree in trees)
    deaths = np.concatenate([tree.pairs["death"][np.isfinite(tree.pairs["death"])] for tree in trees])
    if deaths.size:
        last = float((sign * deaths).max())
        last += 0.1 * (last - first)
    else:
        last = max(float(np.nanmax(np.where(np.isfinite(t.values), sign * t.values, np.nan))) for t in trees)
    low, high = sorted((sign * first, sign * last))
    return low, high


def extrema(tree: "MergeTree", count: int | None = None) -> str:
    """How many leaves there are, in words.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> extrema(merge_tree([1.0, 2.0, 0.0])), extrema(merge_tree([1.0, 2.0, 0.0], kind="superlevel"))
    ('2 minima', '1 maximum')
    """
    number = len(tree.pairs) if count is None else count
    return f"{number} {'min' if tree.kind == 'sublevel' else 'max'}im{'um' if number == 1 else 'a'}"


def thinned(axes: Axes, share: float) -> np.ndarray:
    """Ink thinned with the background."""
    return background(axes) * (1 - share) + np.array(to_rgb(palette(axes).ink)) * share


def quantity_of(landscape: "Landscape") -> str:
    """What the values of a landscape are, in words."""
    return str(landscape.provenance.get("quantity", "value"))


def label_axes(axes: Axes, x: str, y: str) -> None:
    """Labels, small type, no frame above and at the right."""
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(labelsize=7, which="both")
    axes.spines[["top", "right"]].set_visible(False)


def strength_bar(figure: Figure, shades: ScalarMappable, axes: "Axes | list[Axes]", quantity: str) -> None:
    """Colour bar of a map in which the strength of the hue is the height."""
    bar = figure.colorbar(shades, ax=axes, shrink=0.8, aspect=28, pad=0.02)
    bar.set_label(f"{quantity} (strength of the colour)", fontsize=7)
    bar.ax.tick_params(labelsize=6, which="both")
