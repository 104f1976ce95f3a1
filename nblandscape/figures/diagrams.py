"""Matplotlib pictures of persistence: diagram, barcode, curve."""

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from nblandscape.figures.basins import (
    NUMBERED,
    background,
    basin_colors,
    extrema,
    free,
    label_axes,
    span,
    supported,
)
from nblandscape.figures.colors import palette
from nblandscape.topology.threshold import persistence_curve

if TYPE_CHECKING:
    from nblandscape.topology import MergeTree
    from nblandscape.topology.support import Support
    from nblandscape.topology.threshold import Proposal


def plot_persistence_diagram(
    axes: Axes,
    tree: "MergeTree",
    support: "Support | None" = None,
    *,
    quantity: str = "value",
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw the pairs of a merge tree as points (birth, death).

    Parameters
    ----------
    axes : matplotlib Axes
    tree : MergeTree
        Essential branches, which never die, lie on a line of their own, marked with an infinity sign. Numbers
        are rows of `tree.pairs`.
    support : Support, optional
        Of this tree. Pairs that it does not support are hollow. The bar at a point is what its persistence
        has to exceed (`factor` standard errors and the interpolation residual): a pair is supported if its
        bar ends before the diagonal. The band is as high as the median of the bars.
    quantity : str
        What the values are, for the labels of the axes.
    limits : tuple (low, high), optional
        Of both axes, so that several pictures can be compared.

    Raises
    ------
    ValueError
        Limits do not increase, or the support is that of another tree.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from nblandscape.topology import merge_tree
    >>> axes = Figure().add_subplot()
    >>> plot_persistence_diagram(axes, merge_tree([3.0, 0.0, 2.0, 1.0, 5.0]), quantity="loss")
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('birth: loss at the minimum', 'death: loss at the merge')
    """
    if limits is not None and not limits[0] < limits[1]:
        raise ValueError(f"limits={limits}; the second must be larger.")
    firm = supported(tree, support)
    colors = palette(axes)
    hues: Any = basin_colors(axes, len(tree.pairs))  # matplotlib takes arrays, its annotations do not
    sign = 1 if tree.kind == "sublevel" else -1
    birth, death = tree.pairs["birth"], tree.pairs["death"]
    essential = ~np.isfinite(death)
    low, high = span(tree) if limits is None else limits
    room = 0.06 * (high - low) or 1.0
    low, high = low - room, high + room
    never = high + room if sign > 0 else low - room
    axes.plot([low, high], [low, high], color=colors.ink, linewidth=0.9, zorder=1)
    axes.axhline(never, color=colors.pale, linewidth=0.8, linestyle="dashed", zorder=1)
    axes.annotate("∞" if sign > 0 else "−∞", (1.01, never), xycoords=("axes fraction", "data"), va="center",
                  fontsize=9, color=colors.ink, annotation_clip=False)  # fmt: skip
    if support is not None:
        _errors(axes, tree, support, (low, high), hues)
        _legend(axes, support, upper=sign > 0)
    rest = np.flatnonzero(~essential & (np.arange(birth.size) >= NUMBERED))
    faces = np.where(firm[:, None], hues, [*background(axes), 1.0])
    if rest.size:
        size = 10 if rest.size < 300 else 4
        for known in (True, False):
            part = rest[firm[rest] == known]
            axes.scatter(birth[part], death[part], size, faces[part], edgecolors=hues[part], alpha=0.5,
                         linewidths=0 if known else 0.5, zorder=2)  # fmt: skip
    named = np.flatnonzero(~essential)[:NUMBERED]
    named = named[named < NUMBERED][::-1]  # the most persistent on top
    axes.scatter(
        birth[named], death[named], 26, faces[named], edgecolors=hues[named], linewidths=1.1, zorder=4
    )
    top = np.flatnonzero(essential)
    axes.scatter(
        birth[top], np.full(top.size, never), 34, hues[top], marker="^" if sign > 0 else "v", zorder=4
    )
    _names(axes, np.column_stack([birth, np.where(essential, never, death)])[:NUMBERED], high - low)
    axes.set_xlim(low, high)
    axes.set_ylim(*((low, never + room) if sign > 0 else (never - room, high)))
    count = int((~essential).sum())
    told = f"{count} finite pair{'' if count == 1 else 's'}"
    if support is not None:
        told += f", {int(firm[~essential].sum())} supported"
    axes.set_title(f"persistence diagram: {told}", fontsize=8)
    leaf = "minimum" if sign > 0 else "maximum"
    label_axes(axes, f"birth: {quantity} at the {leaf}", f"death: {quantity} at the merge")
    axes.xaxis.set_major_locator(MaxNLocator(5))


def plot_barcode(
    axes: Axes,
    tree: "MergeTree",
    support: "Support | None" = None,
    *,
    quantity: str = "value",
    most: int = 40,
) -> None:
    """Draw every pair of a merge tree as a bar from its birth to its death, the longest on top.

    Parameters
    ----------
    axes : matplotlib Axes
    tree : MergeTree
        Bars of essential branches end in arrows. Numbers are rows of `tree.pairs`.
    support : Support, optional
        Of this tree. Bars that it does not support are hollow.
    quantity : str
        What the values are, for the label of the axis.
    most : int
        Bars drawn. The others are one grey body below, as high at each value as there are bars over it.

    Raises
    ------
    ValueError
        `most` is less than 1, or the support is that of another tree.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from nblandscape.topology import merge_tree
    >>> axes = Figure().add_subplot()
    >>> plot_barcode(axes, merge_tree(np.random.default_rng(0).normal(size=(40, 40))), most=20)
    >>> axes.texts[-1].get_text()
    '161 more, persistence ≤ 1.82'
    """
    if most < 1:
        raise ValueError(f"most={most} bars; at least 1 must be drawn.")
    firm = supported(tree, support)[:most]
    colors = palette(axes)
    hues: Any = basin_colors(axes, len(tree.pairs))[:most]
    pairs = tree.pairs[:most]
    sign = 1 if tree.kind == "sublevel" else -1
    start, top = pairs["birth"], span(tree)[sign > 0]
    end = np.where(np.isfinite(pairs["death"]), pairs["death"], top)
    rank = np.arange(len(pairs))
    faces = np.where(firm[:, None], hues, [*background(axes), 1.0])
    thickness = 0.66 if len(pairs) > 8 else 0.4
    axes.barh(rank, end - start, thickness, start, color=faces, edgecolor=hues, linewidth=0.9, zorder=2)
    endless = np.flatnonzero(~np.isfinite(pairs["death"]))
    reach = 0.04 * float(np.ptp(np.concatenate([start, end])) or 1.0) * sign
    for row in endless:
        arrow = {"arrowstyle": "-|>", "color": hues[row], "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (end[row] + reach, row), (end[row], row), zorder=3, arrowprops=arrow)
    edges = np.concatenate([start, end, end[endless] + 1.3 * reach])
    bottom = max(len(pairs), 4) - 0.4
    if len(tree.pairs) > most:
        bottom = _others(axes, tree, most)
    margin = 0.03 * float(np.ptp(edges)) or 0.5
    axes.set_xlim(edges.min() - margin, edges.max() + margin)
    axes.set_ylim(bottom, -0.7)
    step = 1 if len(pairs) <= 15 else 5
    axes.set_yticks(rank[::step])
    told = extrema(tree)
    if support is not None:
        told += f", {int(support.supported.sum())} supported"
    axes.set_title(f"barcode: {told}", fontsize=8)
    label_axes(axes, quantity, "row of the pair")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(axis="x", color=colors.pale, linewidth=0.4, alpha=0.5, zorder=0)
    axes.set_axisbelow(True)


def plot_persistence_curve(
    axes: Axes, tree: "MergeTree", proposal: "Proposal | None" = None, *, quantity: str = "value"
) -> None:
    """Draw how many minima are left after simplification, over the threshold.

    A long level stretch means that no threshold in it changes the tree.

    Parameters
    ----------
    axes : matplotlib Axes
    tree : MergeTree
    proposal : Proposal, optional
        A threshold with its reason (`propose_threshold`), drawn as a line.
    quantity : str
        What the values are, for the label of the axis.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from nblandscape.topology import merge_tree
    >>> axes = Figure().add_subplot()
    >>> plot_persistence_curve(axes, merge_tree(np.random.default_rng(0).normal(size=(40, 40))))
    >>> axes.get_xscale(), axes.get_ylabel()
    ('log', 'minima left')
    """
    colors = palette(axes)
    thresholds, counts = persistence_curve(tree)
    if thresholds.size > 1:
        # Counts hold above each threshold: what is as persistent as the threshold stays.
        low, high = thresholds[1] / 2, 2 * thresholds[-1]
        if proposal is not None and proposal.value > 0:
            low, high = min(low, proposal.value / 2), max(high, 2 * proposal.value)
        x, y = np.append(low, [*thresholds[1:], high]), np.append(counts, counts[-1])
        axes.plot(x, y, color=colors.positive, linewidth=1.5, drawstyle="steps-post")
        axes.set_xscale("log")
        axes.set_xlim(low, high)
    else:
        axes.axhline(counts[0], color=colors.positive, linewidth=1.5)
    if len(tree.pairs) > 60:
        axes.set_yscale("log")
    else:
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(0, 1.05 * len(tree.pairs) + 0.5)
    if proposal is not None:
        kept = int((tree.persistence >= proposal.value).sum())
        if proposal.value > 0:
            axes.axvline(proposal.value, color=colors.saddle, linewidth=1.1, linestyle="dashed",
                         label=f"proposed: {proposal.value:.3g}, {kept} left")  # fmt: skip
            axes.legend(fontsize=7, frameon=False, loc="upper right")
        below: dict[str, Any] = {
            "xytext": (0, -30),
            "textcoords": "offset points",
            "ha": "center",
            "va": "top",
        }
        told = fill(proposal.reason, 56)
        axes.annotate(told, (0.5, 0), xycoords="axes fraction", fontsize=6, color=colors.ink, **below)
    axes.set_title(f"persistence curve: {extrema(tree)}", fontsize=8)
    leaf = "minima" if tree.kind == "sublevel" else "maxima"
    label_axes(axes, f"threshold ({quantity})", f"{leaf} left")


def _errors(
    axes: Axes, tree: "MergeTree", support: "Support", limits: tuple[float, float], hues: np.ndarray
) -> None:
    """What the persistence of each pair has to exceed, as bars and as a band along the diagonal."""
    needed = support.factor * np.nan_to_num(support.stderr) + np.nan_to_num(support.residual)
    finite = np.flatnonzero(tree.pairs["parent"] >= 0)
    if not finite.size:
        return
    sign = 1 if tree.kind == "sublevel" else -1
    ends_ = np.array(limits)
    typical = sign * float(np.median(needed[finite]))
    axes.fill_between(
        ends_, ends_, ends_ + typical, color=palette(axes).pale, alpha=0.25, linewidth=0, zorder=0
    )
    shown = finite[finite < NUMBERED]
    birth, death = tree.pairs["birth"][shown], tree.pairs["death"][shown]
    bars = np.stack(
        [np.column_stack([birth, death]), np.column_stack([birth, death - sign * needed[shown]])], axis=1
    )
    axes.add_collection(LineCollection(list(bars), colors=hues[shown], linewidths=0.9, zorder=3))


def _names(axes: Axes, points: np.ndarray, size: float) -> None:
    for row in free(points / size, 0.06, 0.045):
        axes.annotate(str(row), tuple(points[row]), xytext=(4, 2), textcoords="offset points", fontsize=6.5,
                      color=palette(axes).ink, zorder=6)  # fmt: skip


def _legend(axes: Axes, support: "Support", upper: bool) -> None:
    ink = palette(axes).ink
    told = f"{support.factor:g} standard errors + residual" if support.batches > 1 else "residual"
    handles = [
        Line2D([], [], marker="o", color=ink, linestyle="", markersize=4, label="supported"),
        Line2D([], [], marker="o", color=ink, linestyle="", markersize=4,
               markerfacecolor=tuple(background(axes)), label="not supported"),
        Line2D([], [], color=ink, linewidth=0.9, label=told),
    ]  # fmt: skip
    axes.legend(handles=handles, fontsize=6, frameon=False, loc="lower right" if upper else "upper left")


def _others(axes: Axes, tree: "MergeTree", most: int) -> float:
    """Bars that are not drawn, as one body; returns where it ends."""
    low, high = np.sort([tree.pairs["birth"][most:], tree.pairs["death"][most:]], axis=0)
    x = np.linspace(float(low.min()), float(high.max()), 300)
    over = np.searchsorted(np.sort(low), x, side="right") - np.searchsorted(np.sort(high), x)
    height = 0.22 * most + 1
    base = most + 0.6 + height
    colors = palette(axes)
    axes.fill_between(x, base, base - height * over / max(int(over.max()), 1), color=colors.pale, alpha=0.6,
                      linewidth=0, zorder=2)  # fmt: skip
    longest = float(tree.persistence[most])
    told = f"{low.size} more, persistence ≤ {longest:.3g}"
    axes.text(0.5, base + 0.1 * height, told, ha="center", va="top", fontsize=7, color=colors.ink,
              transform=axes.get_yaxis_transform())  # fmt: skip
    return base + 0.65 * height
