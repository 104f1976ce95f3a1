"""All views of the topology of a landscape on one page."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from nblandscape.figures.basin_map import plot_basin_map
from nblandscape.figures.basins import quantity_of, strength_bar
from nblandscape.figures.diagrams import plot_barcode, plot_persistence_diagram
from nblandscape.figures.plots import plot_merge_tree
from nblandscape.figures.terrain import plot_topological_profile
from nblandscape.topology.profile import profile

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape
    from nblandscape.topology import MergeTree
    from nblandscape.topology.support import Support


def topology_figure(
    landscape: "Landscape",
    tree: "MergeTree | None" = None,
    support: "Support | None" = None,
    *,
    log: bool = False,
    title: str = "",
    width: float = 12.0,
) -> Figure:
    """Draw map, merge tree, profile, diagram and barcode of a landscape on one page.

    One basin has one number, its row of `tree.pairs`, and one colour in all panels.

    Parameters
    ----------
    landscape : Landscape
        Of three and more dimensions there is no map.
    tree : MergeTree, optional
        Of its values, simplified as wanted; `landscape.merge_tree()` by default.
    support : Support, optional
        Of this tree.
    log : bool
        Logarithmic shades of the map and heights of the tree, where all values are positive.
    title : str
    width : float
        Inches; below 9 panels stand in two columns, below 5.5 in one.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> x = np.linspace(-2, 2, 41)
    >>> wells = nbl.Landscape.from_array((x[:, None] ** 2 - 1) ** 2 + x**2, (x, x))
    >>> [axes.get_title() for axes in topology_figure(wells).axes if axes.get_title()][:2]
    ['merge tree: 2 minima', 'landscape profile, 34% of the volume']
    """
    tree = landscape.merge_tree() if tree is None else tree
    quantity = quantity_of(landscape)
    mapped = landscape.dim <= 2
    figure, places = _page(width, mapped)
    if mapped:
        plane = figure.add_subplot(places[0])
        shades = plot_basin_map(plane, landscape, tree, support=support, log=log)
        if landscape.dim == 2:
            strength_bar(figure, shades, plane, quantity)
    panels = [figure.add_subplot(place) for place in places[-4:]]
    plot_merge_tree(panels[0], tree, log=log, ylabel=quantity, support=support)
    plot_topological_profile(
        panels[1], profile(tree), quantity=quantity, support=support, upto=_above_merges(tree)
    )
    plot_persistence_diagram(panels[2], tree, support, quantity=quantity)
    plot_barcode(panels[3], tree, support, quantity=quantity)
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def _above_merges(tree: "MergeTree") -> float | None:
    """Height some way beyond the last merge; None if nothing merges."""
    deaths = tree.pairs["death"][np.isfinite(tree.pairs["death"])]
    if not deaths.size:
        return None
    sign = 1 if tree.kind == "sublevel" else -1
    last, first = float((sign * deaths).max()), float((sign * tree.pairs["birth"]).min())
    return sign * (last + 0.4 * (last - first))


def _page(width: float, mapped: bool) -> tuple[Figure, list[SubplotSpec]]:
    """Figure with places for the map, if there is one, and four panels."""
    if width < 5.5:
        heights = [1.0, 0.6, 0.6, 0.75, 0.65][1 - mapped :]
        figure = Figure(figsize=(width, width * sum(heights)), layout="constrained")
        grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
        return figure, [grid[line, 0] for line in range(len(heights))]
    if width < 9:
        figure = Figure(figsize=(width, width * (1.6 if mapped else 0.8)), layout="constrained")
        grid = figure.add_gridspec(2 + mapped, 2, height_ratios=[1.4, 1, 1][1 - mapped :])
        first = [grid[0, :]] if mapped else []
        return figure, [*first, *(grid[mapped + line, column] for line in (0, 1) for column in (0, 1))]
    figure = Figure(figsize=(width, width * 0.5), layout="constrained")
    grid = figure.add_gridspec(2, 2 + mapped, width_ratios=[1.35, 1, 1][1 - mapped :])
    first = [grid[:, 0]] if mapped else []
    return figure, [*first, *(grid[line, mapped + column] for line in (0, 1) for column in (0, 1))]
