"""A trust report as a picture: this slice among the random ones."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from nblandscape.figures.colors import palette

if TYPE_CHECKING:
    from nblandscape.curvature.trust import TrustReport


def plot_trust(axes: Axes, report: "TrustReport") -> None:
    """Draw the two principal curvatures of random slices, and of this one, in the plane that they span.

    Parameters
    ----------
    axes : matplotlib Axes
    report : TrustReport

    Notes
    -----
    A slice shows a saddle where the lower curvature is negative and the upper positive: the upper left
    quarter. Curvatures are per unit length of the directions.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> from matplotlib.figure import Figure
    >>> report = nbl.trust_report(np.diag([1.0] * 9 + [-1.0] * 9), probes=5)
    >>> axes = Figure().add_subplot()
    >>> plot_trust(axes, report)
    >>> axes.get_xlabel()
    'lower curvature of the slice'
    """
    colors = palette(axes)
    cloud = report.random.curvatures
    axes.plot(*cloud.T, "o", color=colors.pale, markersize=3, alpha=0.6, label="random slices", zorder=2)
    axes.plot(*report.random.expected, "+", color=colors.ink, markersize=11, markeredgewidth=1.6,
              label="their expected mean", zorder=3)  # fmt: skip
    points = [cloud, np.array([report.random.expected])]
    if report.curvatures is not None:
        own = report.curvatures[[0, -1]]
        axes.plot(
            *own, "*", color="black", markerfacecolor="#ff5252", markersize=13, label="this slice", zorder=4
        )
        points.append(own[None])
    x, y = np.concatenate(points).T
    left, right, bottom, top = _limits(x, y)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    corners = {"saddle": (left, 0, 0, top), "minimum": (0, right, 0, top), "maximum": (left, 0, bottom, 0)}
    spots = {"saddle": (0.02, 0.98, "left", "top"), "minimum": (0.98, 0.98, "right", "top"),
             "maximum": (0.02, 0.02, "left", "bottom")}  # fmt: skip
    for name in corners:
        color = getattr(colors, name)
        x0, x1, y0, y1 = corners[name]
        axes.fill_between([x0, x1], y0, y1, color=color, alpha=0.07, linewidth=0, zorder=0)
        share = report.random.probability[name]
        x, y, horizontal, vertical = spots[name]
        between = ": " if name == "maximum" else "\n"  # below the legend
        text = f"{name}{between}P = {share.value:.2f} ± {share.stderr:.2f}"
        axes.text(x, y, text, transform=axes.transAxes, ha=horizontal, va=vertical, fontsize=7, color=color)
    axes.plot([max(left, bottom), min(right, top)], [max(left, bottom), min(right, top)], color=colors.pale,
              linewidth=0.6, zorder=1)  # fmt: skip
    axes.axhline(0, color=colors.ink, linewidth=0.6)
    axes.axvline(0, color=colors.ink, linewidth=0.6)
    axes.set_xlabel("lower curvature of the slice", fontsize=8)
    axes.set_ylabel("upper curvature of the slice", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.ticklabel_format(scilimits=(-3, 4))
    for line in (axes.xaxis, axes.yaxis):
        line.get_offset_text().set_fontsize(7)
    axes.legend(fontsize=7, frameon=False, loc="lower right", bbox_to_anchor=(1, 0.05), labelspacing=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _limits(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    """Room for all points, the axes through 0 and the texts in the corners."""
    left, right = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    bottom, top = min(float(y.min()), 0.0), max(float(y.max()), 0.0)
    wide, high = (right - left) or 1.0, (top - bottom) or 1.0
    left, right = min(left - 0.1 * wide, -0.35 * wide), max(right + 0.1 * wide, 0.4 * wide)
    return left, right, min(bottom - 0.1 * high, -0.4 * high), top + 0.3 * high
