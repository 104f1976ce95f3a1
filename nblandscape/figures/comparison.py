"""Several landscapes side by side on one scale."""

from dataclasses import fields, replace
from textwrap import fill, shorten
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec, SubplotSpec

from nblandscape.figures.basin_map import plot_basin_map
from nblandscape.figures.basins import quantity_of, span, strength_bar
from nblandscape.figures.colors import palette
from nblandscape.figures.diagrams import plot_persistence_diagram
from nblandscape.figures.plots import plot_merge_tree
from nblandscape.figures.scales import symlog_heights
from nblandscape.topology.smad import smad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nblandscape.landscape.landscape import Landscape
    from nblandscape.topology import MergeTree
    from nblandscape.topology.support import Support


def comparison_figure(
    landscapes: "Mapping[str, Landscape | str]",
    *,
    threshold: float = 0.0,
    support: "Mapping[str, Support] | None" = None,
    log: bool = False,
    scale: str | None = None,
    clip: float | None = None,
    width: float | None = None,
) -> Figure:
    """Draw maps, merge trees, diagrams and numbers of several landscapes side by side on one scale.

    Shades, heights and the threshold of simplification are the same in every column.

    Parameters
    ----------
    landscapes : dict of str to Landscape or str
        Columns. Maps are drawn where all have one or all have two dimensions. A text stands where there is no
        landscape, to say why.
    threshold : float
        Branches less persistent are left out (in units of the values).
    support : dict of str to Support, optional
        Error bars of ``landscape.merge_tree()`` for some or all of the names. SMAD and average persistence
        of these columns are those of the supported pairs.
    log : bool
        Logarithmic shades of the maps and heights of the trees, where all values are positive.
    scale : {"linear", "log", "symlog"}, optional
        Of shades and heights, in place of `log`.
    clip : float, optional
        Value at which shades and heights end, where a spike would flatten all the rest.
    width : float, optional
        Inches; 3.2 for each column by default.

    Returns
    -------
    Figure
        Numbers with +- have a standard error over the batches of the landscape, minima and saddles held
        fixed.

    Raises
    ------
    ValueError
        There is no landscape, the threshold is negative, the scale is unknown, or a support is that of
        another tree.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> x = np.linspace(-2, 2, 41)
    >>> wells = nbl.Landscape.from_array((x[:, None] ** 2 - 1) ** 2 + x**2, (x, x))
    >>> bowl = nbl.Landscape.from_array(x[:, None] ** 2 + x**2, (x, x))
    >>> figure = comparison_figure({"two wells": wells, "bowl": bowl})
    >>> [text.get_text() for text in figure.axes[-3].texts][1::2]
    ['2', '1', '1', '1']
    """
    names = list(landscapes)
    reasons = {name: reason for name, reason in landscapes.items() if isinstance(reason, str)}
    drawn = {name: landscape for name, landscape in landscapes.items() if not isinstance(landscape, str)}
    if not drawn:
        raise ValueError("landscapes is empty; give at least one landscape, by name.")
    trees = {name: landscape.merge_tree().simplify(threshold) for name, landscape in drawn.items()}
    bars = {name: _of_rows(drawn[name], known, trees[name]) for name, known in (support or {}).items()}
    dims = {landscape.dim for landscape in drawn.values()}
    mapped = dims in ({1}, {2})
    width = 3.2 * len(names) + 0.6 if width is None else width
    column = width / (len(names) + 0.2)
    heights = [0.95 * mapped, 0.75, 0.85, 0.36]
    figure = Figure(figsize=(width, column * sum(heights) + 0.5), layout="constrained")
    grid = figure.add_gridspec(3 + mapped, len(names), height_ratios=heights[1 - mapped :])
    panels = np.array([[figure.add_subplot(cell) for cell in line] for line in _cells(grid)])
    low, high = _range(drawn, clip)
    shared = span(*trees.values())
    if high == clip:
        shared = shared[0], min(shared[1], high)
    scale = scale or ("log" if log else "linear")
    for place, name in enumerate(names):
        if name in reasons:
            _instead(panels[:, place], name, reasons[name], column)
            continue
        landscape, tree, known = drawn[name], trees[name], bars.get(name)
        quantity = quantity_of(landscape)
        if mapped:
            limits = (low, high) if low < high else None
            shades = plot_basin_map(
                panels[0, place], landscape, tree, support=known, scale=scale, limits=limits, legend=False
            )
        limits = shared if shared[0] < shared[1] else None
        plot_merge_tree(
            panels[-3, place], tree, log=scale == "log", ylabel=quantity, support=known, limits=limits
        )
        if scale == "symlog":
            symlog_heights(panels[-3, place], low, high)
        plot_persistence_diagram(panels[-2, place], tree, known, quantity=quantity, limits=limits)
        _table(panels[-1, place], _numbers(landscape, tree, known))
        _in_column(panels[:, place], first=name == next(iter(drawn)), small=column < 2.6)
        _name(panels[0, place], name, column)
    if mapped and dims == {2}:
        strength_bar(figure, shades, list(panels[0]), quantity)
    elif mapped:
        for axes in panels[0]:
            axes.set_ylim(low - 0.12 * (high - low), high + 0.03 * (high - low))
    told = _told(drawn, threshold, clip if high == clip else None)
    figure.supxlabel(fill(told, int(22 * width)), fontsize=6.5)
    return figure


def _instead(panels: np.ndarray, name: str, reason: str, column: float) -> None:
    """A column without a landscape: its name, and why."""
    for axes in panels:
        axes.set_axis_off()
    _name(panels[0], name, column)
    text = fill(shorten(reason, 400, placeholder=" …"), int(13 * column))
    color = palette(panels[0]).negative
    panels[0].text(0.5, 0.9, text, ha="center", va="top", fontsize=7.5, color=color, parse_math=False)


def _name(axes: Axes, name: str, column: float) -> None:
    axes.set_title(name, fontsize=8 if column < 2.6 else 10, fontweight="bold", parse_math=False)


def _range(landscapes: "Mapping[str, Landscape]", clip: float | None) -> tuple[float, float]:
    """Lowest and highest value of all; the highest is `clip` where that cuts something off."""
    low = min(float(np.nanmin(landscape.values)) for landscape in landscapes.values())
    high = max(float(np.nanmax(landscape.values)) for landscape in landscapes.values())
    return low, high if clip is None or not low < clip < high else clip


def _told(landscapes: "Mapping[str, Landscape]", threshold: float, cut: float | None) -> str:
    told = "One scale in every row. Numbers at minima are rows of the pairs."
    if threshold > 0:
        told += f" Branches less persistent than {threshold:g} are left out."
    if cut is not None:
        told += f" Cut off above {cut:g}."
    if any(landscape.batch_losses is not None for landscape in landscapes.values()):
        told += " ± one standard error over batches, minima and saddles held fixed."
    return told


def _cells(grid: GridSpec) -> list[list[SubplotSpec]]:
    return [[grid[line, column] for column in range(grid.ncols)] for line in range(grid.nrows)]


def _of_rows(landscape: "Landscape", support: "Support", tree: "MergeTree") -> "Support":
    """Error bars of the rows that simplification has left, which are the first ones."""
    support.check(landscape.merge_tree())
    count = len(tree.pairs)
    arrays: dict[str, Any] = {
        field.name: value[:count]
        for field in fields(support)
        if isinstance(value := getattr(support, field.name), np.ndarray)
    }
    return replace(support, **arrays)


def _numbers(landscape: "Landscape", tree: "MergeTree", support: "Support | None") -> list[tuple[str, str]]:
    """Names and numbers; with error bars, gaps are those of the supported pairs."""
    firm = tree if support is None else tree.restrict(support.supported)
    counts = [f"{len(tree.pairs)}", f"{len(tree.saddles)}"]
    suffix = ""
    if support is not None:
        counts = [
            f"{counts[0]} ({len(firm.pairs)} supported)",
            f"{counts[1]} ({len(firm.saddles)} supported)",
        ]
        suffix = ", supported"
    rows, merges = _first_merges(firm)
    pairs = firm.pairs[firm.pairs["parent"] >= 0]
    average = float(np.abs(pairs["death"] - pairs["birth"]).mean()) if pairs.size else 0.0
    return [
        ("minima" if tree.kind == "sublevel" else "maxima", counts[0]),
        ("merging saddles", counts[1]),
        (f"SMAD{suffix}", _with_error(smad(firm), landscape, firm.minima[rows], merges)),
        (
            f"avg. persistence{suffix}",
            _with_error(average, landscape, pairs["birth_vertex"], pairs["death_vertex"]),
        ),
    ]


def _first_merges(tree: "MergeTree") -> tuple[np.ndarray, np.ndarray]:
    """Rows that merge, and the vertices at which they first do."""
    dying = np.flatnonzero(tree.pairs["parent"] >= 0)
    rows = np.concatenate([dying, tree.pairs["parent"][dying]])
    vertices = np.tile(tree.pairs["death_vertex"][dying], 2)
    heights = np.tile(tree.pairs["death"][dying], 2) * (1 if tree.kind == "sublevel" else -1)
    order = np.lexsort((heights, rows))
    found, first = np.unique(rows[order], return_index=True)
    return found, vertices[order][first]


def _with_error(value: float, landscape: "Landscape", low: np.ndarray, high: np.ndarray) -> str:
    """A mean difference of heights, with its standard error where there are batches to tell it."""
    losses, counts = landscape.batch_losses, landscape.batch_counts
    if losses is None or losses.shape[-1] < 2 or not low.size:
        return f"{value:.4g}"
    batches = losses.reshape(-1, losses.shape[-1]).astype(np.float64)
    gaps = (batches[high] - batches[low]).mean(axis=0)
    weights = np.ones(gaps.size) if counts is None else np.asarray(counts, dtype=np.float64)
    weights = weights / weights.sum()
    used = int((weights > 0).sum())
    if used < 2:
        return f"{value:.4g}"
    spread = weights**2 @ (gaps - weights @ gaps) ** 2
    return f"{value:.4g} ± {np.sqrt(spread * used / (used - 1)):.2g}"


def _in_column(panels: np.ndarray, *, first: bool, small: bool) -> None:
    """What the first column says is not repeated, and titles are as short as a column is wide."""
    panels[-3].set_title("merge tree" if first else "", fontsize=7)
    panels[-2].set_title("persistence diagram" if first else "", fontsize=7)
    for axes in panels[:-1]:
        if not first:
            axes.set_ylabel("")
            if (legend := axes.get_legend()) is not None:
                legend.remove()
        if small:
            axes.xaxis.label.set_fontsize(6)
            axes.yaxis.label.set_fontsize(6)
            axes.tick_params(labelsize=5.5)
    if small:
        panels[-2].set_xlabel("birth")
        panels[-2].set_ylabel("death" if first else "")
        for text in panels[-1].texts:
            text.set_fontsize(5.5)


def _table(axes: Axes, lines: list[tuple[str, str]]) -> None:
    axes.set_axis_off()
    for place, (name, value) in enumerate(lines):
        y = 0.9 - 0.26 * place
        for x, text, side in ((0.5, name, "right"), (0.54, value, "left")):
            weight = "bold" if side == "left" else "normal"
            axes.text(x, y, text, ha=side, va="top", fontsize=7.5, fontweight=weight, color=palette(axes).ink)
