"""Minima over checkpoints: where they come from and into which others they go."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from nblandscape.figures.basins import basin_colors, label_axes
from nblandscape.figures.colors import palette

if TYPE_CHECKING:
    from nblandscape.topology import Tracks


def plot_tracks(axes: Axes, tracks: "Tracks", *, quantity: str = "value", step: str = "step") -> None:
    """Draw the value of every tracked minimum over the steps, with merges and splits.

    Lines are as wide as the minima are persistent in their landscapes; dotted lines lead from a minimum that
    has ended to the one whose basin it lies in now (merge), and to a new one from the basin that it lay in
    before (split). A cross is a minimum that has ended, a ring one that has begun.

    Parameters
    ----------
    axes : matplotlib Axes
    tracks : Tracks
    quantity, step : str
        Labels of the axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from nblandscape.topology import merge_tree, track
    >>> fields = [0.0, 5.0, 1.0, 2.0], [0.0, 5.0, 3.0, 2.0], [0.0, 5.0, 6.0, 7.0]
    >>> axes = Figure().add_subplot()
    >>> plot_tracks(axes, track([merge_tree(field) for field in fields]), quantity="loss")
    >>> axes.get_title()
    '2 minima over 3 steps: 1 merge'
    """
    colors, paths = palette(axes), tracks.paths
    finite = tracks.points["persistence"][np.isfinite(tracks.points["persistence"])]
    largest = float(finite.max(initial=0.0)) or 1.0
    # What never ends is drawn like the most persistent of the others.
    strengths = [np.minimum(path["persistence"], largest) for path in paths]
    order = np.argsort([-strength.max() for strength in strengths], kind="stable")
    hues = np.empty((len(paths), 4))
    hues[order] = basin_colors(axes, len(paths))
    for path, strength, hue in zip(paths, strengths, hues, strict=True):
        x, y = tracks.steps[path["step"]], path["value"]
        widths = 0.8 + 2.4 * np.sqrt(strength / largest)
        for i in range(len(path) - 1):
            axes.plot(x[i : i + 2], y[i : i + 2], color=hue, linewidth=widths[i], solid_capstyle="round")
        axes.plot(x, y, "o", color=hue, markersize=2.5, linestyle="")
    counts: dict[str, int] = {}
    for at, kind, ended, other, _ in tracks.events.tolist():
        counts[kind] = counts.get(kind, 0) + 1
        begins = kind in ("split", "birth")
        first, last = (other, ended) if begins else (ended, other)
        mark = _place(tracks, ended, at if begins else at - 1)
        shape, face = ("o", "none") if begins else ("X", hues[ended])
        axes.plot(
            *mark,
            color=hues[ended],
            marker=shape,
            markerfacecolor=face,
            markeredgecolor=colors.ink,
            markersize=6,
            zorder=4,
        )
        if other >= 0:
            ends = np.array([_place(tracks, first, at - 1), _place(tracks, last, at)])
            axes.plot(*ends.T, color=colors.pale, linewidth=0.9, linestyle=":", zorder=1)
    leaf = "minim" if tracks.trees[0].kind == "sublevel" else "maxim"
    leaf += "um" if len(paths) == 1 else "a"
    told = ", ".join(f"{n} {kind if n == 1 else f'{kind}s'}" for kind, n in counts.items())
    steps = f"{len(tracks.trees)} step{'s' * (len(tracks.trees) > 1)}"
    axes.set_title(f"{len(paths)} {leaf} over {steps}: {told or 'no events'}", fontsize=8)
    label_axes(axes, step, quantity)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=bool(tracks.steps.dtype.kind in "iu")))


def _place(tracks: "Tracks", number: int, step: int) -> tuple[float, float]:
    path = tracks.paths[number]
    point = path[path["step"] == step][0]
    return float(tracks.steps[step]), float(point["value"])
