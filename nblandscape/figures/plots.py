"""Matplotlib pictures of landscapes, merge trees and spectra, without pyplot's global state."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from nblandscape.figures.colors import palette
from nblandscape.landscape.facing import open_yaw

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape
    from nblandscape.topology import MergeTree

_MOST_BRANCHES = 60


def figure_of(
    landscape: "Landscape",
    tree: "MergeTree",
    spectrum: "dict[str, Any] | None" = None,
    *,
    title: str = "",
    log: bool = False,
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
    width : float
        Inches.

    Examples
    --------
    >>> import numpy as np, nblandscape as nbl
    >>> landscape = nbl.Landscape.from_array(np.random.default_rng(0).normal(size=(9, 9)))
    >>> len(figure_of(landscape, landscape.merge_tree()).axes)
    4
    """
    figure = Figure(figsize=(width, width * 0.42), layout="constrained")
    grid = figure.add_gridspec(2 if spectrum else 1, 3, width_ratios=[1.35, 1.1, 0.8])
    plot_surface(figure.add_subplot(grid[:, 0], projection="3d"), landscape, log=log)
    flat = figure.add_subplot(grid[:, 1])
    mesh = _contour_map(flat, landscape, tree, log=log)
    bar = figure.colorbar(mesh, ax=flat, shrink=0.9)
    bar.set_label(_quantity(landscape), fontsize=7)
    bar.ax.tick_params(labelsize=6, which="both")
    plot_merge_tree(figure.add_subplot(grid[0, 2]), tree, log=log, ylabel=_quantity(landscape))
    if spectrum:
        plot_spectrum(figure.add_subplot(grid[1, 2]), spectrum["values"], spectrum["residuals"])
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def plot_surface(axes: Axes, landscape: "Landscape", *, log: bool = False) -> None:
    """Draw a two-dimensional landscape on 3-D axes.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> axes = Figure().add_subplot(projection="3d")
    >>> plot_surface(axes, nbl.Landscape.from_array(np.eye(5), provenance={"quantity": "loss"}))
    >>> axes.get_title()
    'loss'
    """
    x, y = np.meshgrid(*landscape.axes, indexing="ij")
    heights = _shown(landscape.values, log)
    surface = axes.plot_surface  # type: ignore[attr-defined]
    surface(x, y, heights, cmap="viridis", rcount=80, ccount=80, linewidth=0, antialiased=True)
    axes.set_xlabel(landscape.labels[0], fontsize=7)
    axes.set_ylabel(landscape.labels[1], fontsize=7)
    quantity = _quantity(landscape)
    name = f"log₁₀ {quantity}" if heights is not landscape.values else quantity
    axes.set_title(name, fontsize=8)  # a label of the vertical axis would reach into the next picture
    axes.tick_params(labelsize=6)
    axes.view_init(elev=35, azim=np.degrees(open_yaw(landscape.values)) - 90)  # type: ignore[attr-defined]


def plot_merge_tree(axes: Axes, tree: "MergeTree", *, log: bool = False, ylabel: str = "value") -> None:
    """Draw a merge tree: branches stand side by side, each hangs on the one it merges into.

    Of many branches the most persistent are drawn, and the title says how many there are.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> wells = nbl.Landscape.from_array(np.cos(np.arange(0.0, 19)))
    >>> axes = Figure().add_subplot()
    >>> plot_merge_tree(axes, wells.merge_tree(), ylabel="loss")
    >>> axes.get_title(), axes.get_ylabel()
    ('merge tree: 3 minima', 'loss')
    """
    pairs = tree.pairs[:_MOST_BRANCHES]  # the most persistent come first, and parents before their children
    deaths = pairs["death"][np.isfinite(pairs["death"])]
    finite = tree.values[np.isfinite(tree.values)]
    low = float(pairs["birth"].min())
    high = float(deaths.max()) if deaths.size else float(finite.max())
    top = high + 0.08 * (high - low)
    places = _positions(pairs["parent"], pairs["death"])
    colors = palette(axes)
    for place, pair in zip(places, pairs, strict=True):
        death = pair["death"] if np.isfinite(pair["death"]) else top
        axes.plot([place, place], [pair["birth"], death], color=colors.ink, linewidth=1.6)
        if pair["parent"] >= 0:
            other = places[pair["parent"]]
            axes.plot([place, other], [death, death], color=colors.ink, linewidth=1.6)
            axes.plot(other, death, "x", color=colors.ink, markersize=6, markeredgewidth=1.6)
        axes.plot(place, pair["birth"], "v", color=colors.positive, markersize=7)
    axes.margins(x=0.15)
    if log and pairs["birth"].min() > 0:
        axes.set_yscale("log")
    axes.set_xticks([])
    axes.set_ylabel(ylabel, fontsize=7)
    count = len(tree.pairs)
    axes.set_title(f"merge tree: {count} minim{'um' if count == 1 else 'a'}", fontsize=8)
    axes.tick_params(labelsize=6)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


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


def _contour_map(axes: Axes, landscape: "Landscape", tree: "MergeTree", *, log: bool) -> Any:
    values = landscape.values
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    logarithmic = log and low > 0 and high > low
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    mesh = axes.pcolormesh(*landscape.axes, values.T, cmap="viridis", norm=norm, shading="nearest")
    if high > low:
        levels = np.geomspace(low, high, 14) if logarithmic else np.linspace(low, high, 14)
        axes.contour(*landscape.axes, values.T, levels=levels[1:-1], colors="white", linewidths=0.4)
    for vertices, marker, face in ((tree.minima, "v", "white"), (tree.saddles, "X", "#ffb74d")):
        points = np.array([landscape.coordinates(int(v)) for v in vertices]).reshape(-1, 2)
        axes.plot(points[:, 0], points[:, 1], marker, color="black", markerfacecolor=face, markersize=6)
    if landscape.origin is not None:
        axes.plot(
            *landscape.coordinates(landscape.origin),
            "*",
            color="black",
            markerfacecolor="#ff5252",
            markersize=9,
        )
    axes.set_xlabel(landscape.labels[0], fontsize=7)
    axes.set_ylabel(landscape.labels[1], fontsize=7)
    axes.tick_params(labelsize=6)
    return mesh


def _quantity(landscape: "Landscape") -> str:
    return str(landscape.provenance.get("quantity", "value"))


def _shown(values: np.ndarray, log: bool) -> np.ndarray:
    if not log:
        return values
    positive = values[values > 0]
    return np.log10(np.maximum(values, positive.min())) if positive.size else values


def _positions(parents: np.ndarray, deaths: np.ndarray) -> np.ndarray:
    """Horizontal places: children stand right of their parent, the later they merge the farther."""
    children: dict[int, list[int]] = {}
    for row, parent in enumerate(parents.tolist()):
        children.setdefault(parent, []).append(row)
    order: list[int] = []
    stack = sorted(children.get(-1, []), reverse=True)
    while stack:
        row = stack.pop()
        order.append(row)
        stack += sorted(children.get(row, []), key=lambda r: -deaths[r])
    places = np.empty(len(parents))
    places[order] = np.arange(len(order))
    return places
