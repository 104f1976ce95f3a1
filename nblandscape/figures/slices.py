"""Three-dimensional landscapes on paper: slices through the lowest point, and the merge tree."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from nblandscape.figures.basins import basin_colors, quantity_of
from nblandscape.figures.plots import plot_merge_tree

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape
    from nblandscape.topology import MergeTree


def slices_figure(
    landscape: "Landscape", tree: "MergeTree", *, title: str = "", log: bool = False, width: float = 9.0
) -> Figure:
    """Draw the three axis planes through the lowest minimum, and the merge tree beside them.

    Parameters
    ----------
    landscape : Landscape, three-dimensional
    tree : MergeTree
        Of its values, simplified as wanted; minima that lie in a plane are marked.
    title : str
    log : bool
        Logarithmic loss, where all values are positive.
    width : float
        Inches.

    Raises
    ------
    ValueError
        The landscape has another dimension.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> x = np.linspace(-1, 1, 9)
    >>> ball = nbl.Landscape.from_array(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2, (x, x, x))
    >>> [axes.get_title() for axes in slices_figure(ball, ball.merge_tree()).axes[:3]]
    ['x2 = 0', 'x1 = 0', 'x0 = 0']
    """
    if landscape.dim != 3:
        raise ValueError(f"slices need a landscape of three dimensions; this one has {landscape.dim}.")
    low, high = float(np.nanmin(landscape.values)), float(np.nanmax(landscape.values))
    logarithmic = log and 0 < low < high
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    through = np.unravel_index(int(tree.minima[0]), landscape.shape)
    figure = Figure(figsize=(width, width * 0.3), layout="constrained")
    grid = figure.add_gridspec(1, 4, width_ratios=[1, 1, 1, 0.9])
    mesh: Any = None
    panels = []
    for place, axis in enumerate((2, 1, 0)):
        axes = figure.add_subplot(grid[0, place])
        mesh = _slice(axes, landscape, tree, axis, int(through[axis]), norm)
        panels.append(axes)
    bar = figure.colorbar(mesh, ax=panels, shrink=0.9, pad=0.01)
    bar.set_label(quantity_of(landscape), fontsize=7)
    bar.ax.tick_params(labelsize=6, which="both")
    plot_merge_tree(figure.add_subplot(grid[0, 3]), tree, log=log, ylabel=quantity_of(landscape))
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def _slice(
    axes: Axes, landscape: "Landscape", tree: "MergeTree", axis: int, index: int, norm: Normalize
) -> Any:
    first, second = (k for k in range(3) if k != axis)
    values = np.take(landscape.values, index, axis=axis)
    lines = landscape.axes[first], landscape.axes[second]
    mesh = axes.pcolormesh(*lines, values.T, cmap="viridis", norm=norm, shading="nearest")
    low, high = float(norm.vmin or 0.0), float(norm.vmax or 0.0)
    if high > low:
        levels = np.geomspace(low, high, 14) if isinstance(norm, LogNorm) else np.linspace(low, high, 14)
        axes.contour(*lines, values.T, levels=np.unique(levels[1:-1]), colors="white", linewidths=0.4)
    within = np.stack(np.unravel_index(tree.minima, landscape.shape), axis=1)
    near = np.flatnonzero(within[:, axis] == index)[::-1]  # the most persistent on top
    hues: Any = basin_colors(axes, len(tree.pairs))[near]  # matplotlib takes arrays, its annotations do not
    x, y = (line[within[near, k]] for line, k in zip(lines, (first, second), strict=True))
    axes.scatter(x, y, 40, hues, marker="v", edgecolors="white", linewidths=0.9, zorder=3)
    name = landscape.labels[axis].split(" (")[0]  # without the eigenvalue: three titles stand side by side
    axes.set_title(f"{name} = {landscape.axes[axis][index]:.4g}", fontsize=8)
    axes.set_xlabel(landscape.labels[first], fontsize=7)
    axes.set_ylabel(landscape.labels[second], fontsize=7)
    axes.tick_params(labelsize=6)
    return mesh
