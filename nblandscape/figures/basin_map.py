"""Basins of a landscape on the map, as a matplotlib picture."""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from nblandscape.figures.basins import (
    NUMBERED,
    background,
    basin_colors,
    label_axes,
    quantity_of,
    supported,
    thinned,
    write_number,
)
from nblandscape.figures.colors import palette
from nblandscape.figures.scales import SCALES, symlog_norm

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape
    from nblandscape.topology import MergeTree
    from nblandscape.topology.support import Support

_CONTOURS = 12


def plot_basin_map(
    axes: Axes,
    landscape: "Landscape",
    tree: "MergeTree",
    *,
    support: "Support | None" = None,
    log: bool = False,
    scale: str | None = None,
    limits: tuple[float, float] | None = None,
    legend: bool = True,
) -> ScalarMappable:
    """Draw the basins of a landscape of one or two dimensions, with their minima and merging saddles.

    The hue says which basin, its strength how deep. Contours run at regular levels (thin) and, of at most
    six, through the merging saddles (thick). Holes are hatched.

    Parameters
    ----------
    axes : matplotlib Axes
    landscape : Landscape, one- or two-dimensional
    tree : MergeTree
        Of its values, simplified as wanted. Numbers are rows of `tree.pairs`.
    support : Support, optional
        Of this tree: marks of pairs that it does not support are hollow.
    log : bool
        Logarithmic levels, where all values are positive.
    scale : {"linear", "log", "symlog"}, optional
        Of the levels, in place of `log`.
    limits : tuple (low, high), optional
        Range of levels and shades, so that several pictures can be compared.
    legend : bool

    Returns
    -------
    matplotlib.cm.ScalarMappable
        For a colour bar of the shades: ``figure.colorbar(result, ax=axes, label="loss")``.

    Raises
    ------
    ValueError
        Three or more dimensions, a tree of another grid, an unknown scale, or limits that do not increase.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> x = np.linspace(-2, 2, 41)
    >>> wells = nbl.Landscape.from_array((x[:, None] ** 2 - 1) ** 2 + x**2, (x, x), ("a", "b"))
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().add_subplot()
    >>> plot_basin_map(axes, wells, wells.merge_tree()).get_clim()
    (0.0, 13.0)
    """
    if landscape.dim > 2:
        raise ValueError(f"The landscape has {landscape.dim} dimensions; basins are drawn on one or two. "
                         "Draw its profile or its tree.")  # fmt: skip
    if tree.basins.shape != landscape.shape:
        raise ValueError(f"The tree has shape {tree.basins.shape}, the landscape {landscape.shape}.")
    values = landscape.values
    if limits is not None and not limits[0] < limits[1]:
        raise ValueError(f"limits={limits}; the second must be larger.")
    low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if limits is None else map(float, limits)
    norm = _norm(low, high, scale or ("log" if log else "linear"))
    if landscape.dim == 1:
        _line(axes, landscape, tree)
    else:
        _plane(axes, landscape, tree, norm)
    _marks(axes, landscape, tree, supported(tree, support))
    if legend:
        _legend(axes, landscape, tree, support)
    strong, weak = _strengths(tree)
    ramp = [tuple(thinned(axes, s)) for s in np.linspace(strong, weak, 9)]
    return ScalarMappable(norm, LinearSegmentedColormap.from_list("depth", ramp))


def _norm(low: float, high: float, scale: str) -> Normalize:
    if scale not in SCALES:
        raise ValueError(f"scale={scale!r}; use one of {', '.join(SCALES)}.")
    if scale == "log" and 0 < low < high:
        return LogNorm(low, high)
    if scale == "symlog" and low < high:
        return symlog_norm(low, high)
    return Normalize(low, high if high > low else low + 1)


def _line(axes: Axes, landscape: "Landscape", tree: "MergeTree") -> None:
    x, values = landscape.axes[0], landscape.values
    hues = basin_colors(axes, len(tree.pairs))
    edge = np.concatenate([x[:1], (x[1:] + x[:-1]) / 2, x[-1:]])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    size = (high - low) or 1.0
    bottom = low - 9 * size  # the picture may be given another range
    for row in range(min(len(tree.pairs), NUMBERED)):
        own = tree.basins == row
        for first, last in np.flatnonzero(np.diff(np.pad(own, 1).astype(np.int8))).reshape(-1, 2):
            place = np.concatenate([edge[first : first + 1], x[first:last], edge[last : last + 1]])
            height = np.interp(place, x[np.isfinite(values)], values[np.isfinite(values)])
            axes.fill_between(place, bottom, height, color=hues[row], alpha=0.3, linewidth=0)
    axes.plot(x, values, color=palette(axes).ink, linewidth=1.4)
    for first, last in np.flatnonzero(np.diff(np.pad(tree.basins < 0, 1).astype(np.int8))).reshape(-1, 2):
        axes.axvspan(
            edge[first], edge[last], facecolor="none", edgecolor=palette(axes).pale, hatch="////", linewidth=0
        )
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(low - 0.12 * size, high + 0.05 * size)
    label_axes(axes, landscape.labels[0], quantity_of(landscape))


def _plane(axes: Axes, landscape: "Landscape", tree: "MergeTree", norm: Normalize) -> None:
    values, colors = landscape.values, palette(axes)
    strong, weak = _strengths(tree)
    low, high = cast("tuple[float, float]", (norm.vmin, norm.vmax))
    depth: np.ndarray = np.asarray(
        norm(np.clip(np.nan_to_num(values, nan=high), low, high)), dtype=np.float64
    )
    shade = (strong + (weak - strong) * depth)[..., None]
    hues = basin_colors(axes, len(tree.pairs))[np.maximum(tree.basins, 0), :3]
    picture = np.concatenate(
        [background(axes) * (1 - shade) + hues * shade, (tree.basins >= 0)[..., None]], axis=-1
    )
    if landscape.holes:
        ground = Rectangle((0, 0), 1, 1, transform=axes.transAxes, zorder=0)
        ground.set(facecolor="none", edgecolor=colors.pale, hatch="////", linewidth=0)
        axes.add_patch(ground)
    axes.pcolormesh(*landscape.axes, picture.transpose(1, 0, 2), shading="nearest", zorder=1, rasterized=True)
    if len(tree.pairs) <= NUMBERED:
        borders = LineCollection(list(_borders(landscape, tree.basins)), linestyles=(0, (3, 2)), zorder=2)
        borders.set(colors=colors.ink, linewidths=0.7)
        axes.add_collection(borders)
        # Evenly spaced in shade, whatever the scale.
        levels = np.asarray(norm.inverse(np.linspace(0, 1, _CONTOURS)))
        merges = tree.pairs["death"][np.isfinite(tree.pairs["death"])]
        merges = merges if merges.size <= 6 else merges[:0]
        for heights, width, opacity in ((levels[1:-1], 0.4, 0.5), (np.unique(merges), 0.9, 0.8)):
            if heights.size and np.nanmin(values) < np.nanmax(values):
                style: dict[str, Any] = {
                    "linewidths": width,
                    "linestyles": "solid",
                    "alpha": opacity,
                    "zorder": 3,
                }
                axes.contour(*landscape.axes, values.T, levels=heights, colors=colors.ink, **style)
    label_axes(axes, landscape.labels[0], landscape.labels[1])


def _borders(landscape: "Landscape", labels: np.ndarray) -> np.ndarray:
    """Sides (k, 2, 2) of the cells around vertices across which the basin changes."""
    x, y = (np.concatenate([a[:1], (a[1:] + a[:-1]) / 2, a[-1:]]) for a in landscape.axes)
    i, j = np.nonzero((labels[1:] != labels[:-1]) & (labels[1:] >= 0) & (labels[:-1] >= 0))
    upright = np.stack([np.column_stack([x[i + 1], y[j]]), np.column_stack([x[i + 1], y[j + 1]])], axis=1)
    i, j = np.nonzero((labels[:, 1:] != labels[:, :-1]) & (labels[:, 1:] >= 0) & (labels[:, :-1] >= 0))
    level = np.stack([np.column_stack([x[i], y[j + 1]]), np.column_stack([x[i + 1], y[j + 1]])], axis=1)
    return np.concatenate([upright, level])


def _marks(axes: Axes, landscape: "Landscape", tree: "MergeTree", firm: np.ndarray) -> None:
    """Minima with numbers and merging saddles of the numbered rows, and where the directions start."""
    hues = basin_colors(axes, len(tree.pairs))
    rim, paper = palette(axes).ink, tuple(background(axes))
    shown = min(len(tree.pairs), NUMBERED)
    few = len(tree.pairs) <= NUMBERED
    leaf = "v" if tree.kind == "sublevel" else "^"
    saddles = tree.pairs["death_vertex"][:shown]
    for row in np.flatnonzero(saddles >= 0).tolist():
        place = _place(landscape, int(saddles[row]))
        axes.plot(*place, "X", color=rim, markersize=5.5 if few else 4, markeredgewidth=0.7, zorder=4,
                  markerfacecolor="#ffb74d" if firm[row] else paper)  # fmt: skip
    for row in range(shown):
        place = _place(landscape, int(tree.minima[row]))
        axes.plot(*place, leaf, color=rim, markersize=6.5 if few else 5, markeredgewidth=0.8, zorder=5,
                  markerfacecolor=tuple(hues[row]) if firm[row] else paper)  # fmt: skip
        if few or row < 8:
            write_number(axes, str(row), *place, above=_room_above(landscape, tree, place), size=7)
    if landscape.origin is not None:
        place = _place(landscape, landscape.origin)
        axes.plot(*place, "*", color="black", markerfacecolor="#ff5252", markersize=9, zorder=5)


def _room_above(landscape: "Landscape", tree: "MergeTree", place: tuple[float, float]) -> bool:
    """Whether a number stands above its mark: at the flat side of a maximum's, and near the lower rim."""
    if landscape.dim == 1:
        return tree.kind == "superlevel"
    y = landscape.axes[1]
    share = (place[1] - y[0]) / (y[-1] - y[0])
    return bool(share < 0.05 or (tree.kind == "superlevel" and share < 0.95))


def _place(landscape: "Landscape", vertex: int) -> tuple[float, float]:
    if landscape.dim == 1:
        return float(landscape.axes[0][vertex]), float(landscape.values[vertex])
    x, y = landscape.coordinates(vertex)
    return x, y


def _legend(axes: Axes, landscape: "Landscape", tree: "MergeTree", support: "Support | None") -> None:
    rim = palette(axes).ink
    leaf, name = ("v", "minimum") if tree.kind == "sublevel" else ("^", "maximum")
    shared: dict[str, Any] = {"linestyle": "", "color": rim, "markersize": 5, "markeredgewidth": 0.8}
    paper = tuple(background(axes))
    handles: list[Line2D | Patch] = [
        Line2D(
            [],
            [],
            marker=leaf,
            markerfacecolor=tuple(basin_colors(axes, 1)[0]),
            label=f"{name}, row of the pair",
            **shared,
        ),
    ]
    if len(tree.pairs) > 1:
        handles.append(
            Line2D([], [], marker="X", markerfacecolor="#ffb74d", label="merging saddle", **shared)
        )
    if support is not None:
        handles.append(Line2D([], [], marker=leaf, markerfacecolor=paper, label="not supported", **shared))
    if landscape.origin is not None:
        star = {**shared, "color": "black", "markersize": 7}
        handles.append(Line2D([], [], marker="*", markerfacecolor="#ff5252", label="origin", **star))
    if landscape.holes:
        handles.append(
            Patch(facecolor="none", edgecolor=palette(axes).pale, hatch="////", linewidth=0, label="hole")
        )
    below: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "borderaxespad": 5}
    axes.legend(
        handles=handles, fontsize=6.5, frameon=False, ncols=3, handletextpad=0.3, columnspacing=1.2, **below
    )


def _strengths(tree: "MergeTree") -> tuple[float, float]:
    """Share of the hue at the lowest and at the highest value: minima are deep colours, so are maxima."""
    return (0.85, 0.12) if tree.kind == "sublevel" else (0.12, 0.85)
