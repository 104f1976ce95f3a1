"""Matplotlib pictures of landscapes, merge trees and spectra, without pyplot's global state."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from nblandscape.figures.basins import (
    NUMBERED,
    background,
    basin_colors,
    extrema,
    span,
    supported,
    write_number,
)
from nblandscape.figures.colors import palette
from nblandscape.figures.scales import (
    SCALES,
    inverse_symlog,
    linear_width,
    symlog,
    symlog_heights,
    symlog_norm,
)
from nblandscape.landscape.facing import open_yaw
from nblandscape.topology.planar_order import planar_order

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape
    from nblandscape.topology import MergeTree
    from nblandscape.topology.support import Support


def figure_of(
    landscape: "Landscape",
    tree: "MergeTree",
    spectrum: "dict[str, Any] | None" = None,
    *,
    title: str = "",
    log: bool = False,
    scale: str | None = None,
    width: float = 9.0,
) -> Figure:
    """Draw surface, contour map, merge tree and (if given) eigenvalues on one figure.

    Parameters
    ----------
    landscape : Landscape, two-dimensional
    tree : MergeTree
        Of its values, simplified as wanted.
    spectrum : dict, optional
        With ``values`` and ``residuals``.
    title : str
    log : bool
        Logarithmic loss.
    scale : {"linear", "log", "symlog"}, optional
        Of the loss, in place of `log`; "symlog" is linear about 0 and logarithmic beyond, on both sides.
    width : float
        Inches.

    Examples
    --------
    >>> import numpy as np, nblandscape as nbl
    >>> landscape = nbl.Landscape.from_array(np.random.default_rng(0).normal(size=(9, 9)))
    >>> len(figure_of(landscape, landscape.merge_tree()).axes)
    4
    """
    scale = scale or ("log" if log else "linear")
    if scale not in SCALES:
        raise ValueError(f"scale={scale!r}; use one of {', '.join(SCALES)}.")
    figure = Figure(figsize=(width, width * 0.42), layout="constrained")
    grid = figure.add_gridspec(2 if spectrum else 1, 3, width_ratios=[1.35, 1.1, 0.8])
    plot_surface(figure.add_subplot(grid[:, 0], projection="3d"), landscape, scale=scale)
    flat = figure.add_subplot(grid[:, 1])
    mesh = _contour_map(flat, landscape, tree, scale)
    bar = figure.colorbar(mesh, ax=flat, shrink=0.9)
    bar.set_label(_quantity(landscape), fontsize=7)
    bar.ax.tick_params(labelsize=6, which="both")
    heights = figure.add_subplot(grid[0, 2])
    plot_merge_tree(heights, tree, log=scale == "log", ylabel=_quantity(landscape))
    if scale == "symlog":
        symlog_heights(heights, float(np.nanmin(landscape.values)), float(np.nanmax(landscape.values)))
    if spectrum:
        plot_spectrum(figure.add_subplot(grid[1, 2]), spectrum["values"], spectrum["residuals"])
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def plot_surface(axes: Axes, landscape: "Landscape", *, log: bool = False, scale: str | None = None) -> None:
    """Draw a two-dimensional landscape on 3-D axes; `scale` as in `figure_of`.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> axes = Figure().add_subplot(projection="3d")
    >>> plot_surface(axes, nbl.Landscape.from_array(np.eye(5), provenance={"quantity": "loss"}))
    >>> axes.get_title()
    'loss'
    """
    x, y = np.meshgrid(*landscape.axes, indexing="ij")
    scale = scale or ("log" if log else "linear")
    heights = _shown(landscape.values, scale)
    surface = axes.plot_surface  # type: ignore[attr-defined]
    surface(x, y, heights, cmap="viridis", rcount=80, ccount=80, linewidth=0, antialiased=True)
    axes.set_xlabel(landscape.labels[0], fontsize=7)
    axes.set_ylabel(landscape.labels[1], fontsize=7)
    quantity = _quantity(landscape)
    drawn = quantity if scale == "symlog" else f"log₁₀ {quantity}"
    name = drawn if heights is not landscape.values else quantity
    if scale == "symlog":
        low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
        places = np.linspace(low, high, 6)
        width = linear_width(float(np.nanmin(landscape.values)), float(np.nanmax(landscape.values)))
        axes.set_zticks(places, [f"{loss:.2g}" for loss in inverse_symlog(places, width)])  # type: ignore[attr-defined]
        name = f"{quantity} (symlog)"
    axes.set_title(name, fontsize=8)  # a label of the vertical axis would reach into the next picture
    axes.tick_params(labelsize=6)
    axes.view_init(elev=35, azim=np.degrees(open_yaw(landscape.values)) - 90)  # type: ignore[attr-defined]


def plot_merge_tree(
    axes: Axes,
    tree: "MergeTree",
    *,
    log: bool = False,
    ylabel: str = "value",
    support: "Support | None" = None,
    most: int = 60,
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw a merge tree: branches stand side by side, each hangs on the one it merges into.

    Nothing crosses. Numbers are rows of `tree.pairs`. Of many branches the most persistent are drawn; the
    others are one grey body, as wide at each height as there are branches alive.

    Parameters
    ----------
    axes : matplotlib Axes
    tree : MergeTree
        Sublevel or superlevel.
    log : bool
        Logarithmic heights, if all are positive.
    ylabel : str
    support : Support, optional
        Of this tree: branches that it does not support are dotted and have hollow ends.
    most : int
        Branches drawn as lines.
    limits : tuple (low, high), optional
        Heights between which the tree is drawn, so that several pictures can be compared.

    Raises
    ------
    ValueError
        `most` is less than 1, limits do not increase, or the support is that of another tree.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> wells = nbl.Landscape.from_array(np.cos(np.arange(0.0, 19)))
    >>> axes = Figure().add_subplot()
    >>> plot_merge_tree(axes, wells.merge_tree(), ylabel="loss")
    >>> axes.get_title(), axes.get_ylabel()
    ('merge tree: 3 minima', 'loss')
    """
    if most < 1:
        raise ValueError(f"most={most} branches; at least 1 must be drawn.")
    if limits is not None and not limits[0] < limits[1]:
        raise ValueError(f"limits={limits}; the second must be larger.")
    firm = supported(tree, support)
    pairs = tree.pairs[:most]  # the most persistent come first, and parents before their children
    sign = 1 if tree.kind == "sublevel" else -1
    parent, birth = pairs["parent"], pairs["birth"]
    low, high = span(tree) if limits is None else limits
    top = high if sign > 0 else low
    end = np.where(np.isfinite(pairs["death"]), pairs["death"], top)
    _, order = planar_order(parent, sign * pairs["death"], pairs["birth_vertex"])
    place = np.argsort(order).astype(float)
    colors = palette(axes)
    hues: Any = basin_colors(axes, len(pairs))  # matplotlib takes arrays, its annotations do not
    upright = np.stack([np.column_stack([place, birth]), np.column_stack([place, end])], axis=1)
    child = np.flatnonzero(parent >= 0)
    joint = np.column_stack([place[parent[child]], pairs["death"][child]])
    across = np.stack([np.column_stack([place[child], pairs["death"][child]]), joint], axis=1)
    width = 1.6 if len(pairs) <= NUMBERED else 0.9
    for known, style in ((True, "solid"), (False, "dotted")):
        lines = [*upright[firm[:most] == known], *across[firm[child] == known]]
        axes.add_collection(LineCollection(lines, colors=colors.ink, linewidths=width, linestyles=style))
    axes.plot(*joint.T, "x", color=colors.ink, markersize=5, markeredgewidth=1.4)
    faces = np.where(firm[:most, None], hues, [*background(axes), 1.0])
    size = 34 if len(pairs) <= NUMBERED else 16
    axes.scatter(place, birth, size, faces, marker="v" if sign > 0 else "^", edgecolors=hues, zorder=3)
    crowd = 0.16 * most + 1 if len(tree.pairs) > most else 0.0
    if crowd:
        _crowd(axes, tree, most, len(pairs) + crowd / 2, crowd)
    points = 72 * axes.get_position().width * axes.get_figure(root=True).get_figwidth()  # type: ignore[union-attr]
    type_size = min(0.7 * points / (len(pairs) + crowd), 6.5)
    count, type_size = (len(pairs), type_size) if type_size > 3.5 else (min(len(pairs), 8), 6.0)
    for row in range(count):
        write_number(axes, str(row), place[row], birth[row], above=sign < 0, size=type_size)
    axes.set_xlim(-0.9, len(pairs) - 0.1 + 1.1 * crowd)
    margin = 0.13 * (high - low) or 0.5
    axes.set_ylim(*((low - margin, high) if sign > 0 else (low, high + margin)))
    if log and 0 < low < high:
        axes.set_yscale("log")
        axes.set_ylim(
            *((low * (low / high) ** 0.13, high) if sign > 0 else (low, high * (high / low) ** 0.13))
        )
    axes.set_xticks([])
    axes.set_ylabel(ylabel, fontsize=7)
    told = extrema(tree) + (f", {most} drawn" if len(tree.pairs) > most else "")
    if support is not None:
        told += f", {int(firm.sum())} supported"
    axes.set_title(f"merge tree: {told}", fontsize=8)
    axes.tick_params(labelsize=6)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _crowd(axes: Axes, tree: "MergeTree", most: int, place: float, width: float) -> None:
    """One body for all branches that are not drawn: as wide, at each height, as there are branches alive."""
    low, high = np.sort([tree.pairs["birth"][most:], tree.pairs["death"][most:]], axis=0)
    heights = np.linspace(float(low.min()), float(high.max()), 200)
    alive = np.searchsorted(np.sort(low), heights, side="right") - np.searchsorted(np.sort(high), heights)
    half = width / 2 * alive / max(int(alive.max()), 1)
    axes.fill_betweenx(heights, place - half, place + half, color=palette(axes).pale, alpha=0.6, linewidth=0)
    above = tree.kind == "superlevel"
    text = f"{low.size}\nmore"
    write_number(axes, text, place, heights[-1 if above else 0], above=above)


def plot_spectrum(axes: Axes, values: Any, residuals: Any) -> None:
    """Draw eigenvalues as stems with their residuals; negative ones are hollow squares.

    Examples
    --------
    >>> axes = Figure().add_subplot()
    >>> plot_spectrum(axes, [3.0, -1.0], [0.1, 0.2])
    >>> axes.get_title()
    'Hessian eigenvalues'
    """
    colors = palette(axes)
    numbers = np.asarray(values, dtype=float)
    ranks = np.arange(len(numbers))
    for sign, marker, color in ((numbers >= 0, "o", colors.positive), (numbers < 0, "s", colors.negative)):
        axes.vlines(ranks[sign], 0, numbers[sign], color=color, linewidth=1)
        face = color if marker == "o" else axes.get_facecolor()
        axes.errorbar(ranks[sign], numbers[sign], yerr=np.asarray(residuals)[sign], fmt=marker, markersize=4,
                      color=color, markerfacecolor=face)  # fmt: skip
    axes.axhline(0, color=colors.ink, linewidth=0.6)
    axes.set_xticks([])
    axes.set_title("Hessian eigenvalues", fontsize=8)
    axes.tick_params(labelsize=6)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _contour_map(axes: Axes, landscape: "Landscape", tree: "MergeTree", scale: str) -> Any:
    values = landscape.values
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    logarithmic = scale == "log" and low > 0 and high > low
    symmetric = scale == "symlog" and high > low
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    mesh = axes.pcolormesh(*landscape.axes, values.T, cmap="viridis", norm=norm, shading="nearest")
    if high > low:
        levels = np.geomspace(low, high, 14) if logarithmic else np.linspace(low, high, 14)
        if symmetric:
            norm = symlog_norm(low, high)
            levels = np.asarray(norm.inverse(np.linspace(0, 1, 14)))
        axes.contour(*landscape.axes, values.T, levels=levels[1:-1], colors="white", linewidths=0.4)
    places = [
        np.array([landscape.coordinates(int(v)) for v in vertices]).reshape(-1, 2)
        for vertices in (tree.minima[::-1], tree.saddles)
    ]
    hues: Any = basin_colors(axes, len(tree.pairs))[::-1]  # the most persistent on top
    axes.scatter(
        places[0][:, 0], places[0][:, 1], 40, hues, marker="v", edgecolors="white", linewidths=0.9, zorder=2
    )
    axes.plot(*places[1].T, "X", color="black", markerfacecolor="#ffb74d", markersize=6, zorder=3)
    if landscape.origin is not None:
        axes.plot(
            *landscape.coordinates(landscape.origin),
            "*",
            color="black",
            markerfacecolor="#ff5252",
            markersize=9,
            zorder=4,
        )
    axes.set_xlabel(landscape.labels[0], fontsize=7)
    axes.set_ylabel(landscape.labels[1], fontsize=7)
    axes.tick_params(labelsize=6)
    return mesh


def _quantity(landscape: "Landscape") -> str:
    return str(landscape.provenance.get("quantity", "value"))


def _shown(values: np.ndarray, scale: str) -> np.ndarray:
    if scale == "linear":
        return values
    if scale == "symlog":
        return symlog(values, linear_width(float(np.nanmin(values)), float(np.nanmax(values))))
    positive = values[values > 0]
    return np.log10(np.maximum(values, positive.min())) if positive.size else values
