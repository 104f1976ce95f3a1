"""Matplotlib pictures of what lies along lines: spectral density, paths, profiles, explained variance."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize

from nblandscape.figures.colors import palette

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape

_CURVE_POINTS = 600
_CONTOURS = 16


def plot_density(
    axes: Axes,
    density: Callable[[np.ndarray], np.ndarray],
    nodes: np.ndarray,
    *,
    eigenvalues: Sequence[float] | np.ndarray = (),
    floor: float = 1e-6,
) -> None:
    """Draw a spectral density on a logarithmic scale, the negative side in another colour.

    Parameters
    ----------
    axes : matplotlib Axes
    density : callable (m,) -> (m,)
        Smoothed density, for example `SpectralDensity.density`.
    nodes : np.ndarray
        Gauss nodes; they set the range.
    eigenvalues : sequence of float
        Certified eigenvalues, drawn as triangles at the bottom.
    floor : float
        The lowest density shown, relative to the highest.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().add_subplot()
    >>> plot_density(axes, lambda x: np.exp(-x * x), np.array([-1.0, 1.0]), eigenvalues=[1.5])
    >>> axes.get_xlabel(), axes.get_yscale()
    ('eigenvalue of the Hessian', 'log')
    """
    marks = np.asarray(eigenvalues, dtype=float)
    ends = np.concatenate([np.asarray(nodes, dtype=float).ravel(), marks])
    low, high = float(ends.min()), float(ends.max())
    margin = 0.06 * (high - low) or 1.0
    x = np.linspace(low - margin, high + margin, _CURVE_POINTS)
    y = np.asarray(density(x), dtype=float)
    bottom = floor * float(y.max())
    shown = np.maximum(y, bottom)
    colors = palette(axes)
    for part, color, name in ((x <= 0, colors.negative, "negative"), (x >= 0, colors.positive, "positive")):
        if part.any():
            axes.fill_between(x[part], bottom, shown[part], color=color, alpha=0.25, linewidth=0)
            axes.plot(x[part], shown[part], color=color, linewidth=1.2, label=name)
    axes.set_yscale("log")
    axes.set_ylim(bottom, 3 * float(y.max()))
    if marks.size:
        axes.plot(
            marks, np.full(marks.shape, 1.6 * bottom), "^", color=colors.ink, markersize=5, label="eigenpairs"
        )
    axes.axvline(0, color=colors.ink, linewidth=0.6)
    _label(axes, "eigenvalue of the Hessian", "density")
    axes.legend(fontsize=7, frameon=False, loc="upper right")


def plot_contours(
    axes: Axes,
    landscape: "Landscape",
    *,
    log: bool = False,
    limits: tuple[float, float] | None = None,
) -> ScalarMappable:
    """Draw contours of a two-dimensional landscape.

    Parameters
    ----------
    axes : matplotlib Axes
    landscape : Landscape, two-dimensional
    log : bool
        Logarithmic levels, where all values are positive.
    limits : tuple (low, high), optional
        Range of levels and colours, so that several pictures can be compared. Default: that of the values.

    Returns
    -------
    matplotlib.cm.ScalarMappable
        For a colour bar: ``figure.colorbar(result, ax=axes, label="loss")``.

    Raises
    ------
    ValueError
        A landscape that is not two-dimensional, or limits that do not increase.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> from matplotlib.figure import Figure
    >>> bowl = nbl.Landscape.from_array(np.add.outer(np.arange(-2.0, 3) ** 2, np.arange(-2.0, 3) ** 2))
    >>> axes = Figure().add_subplot()
    >>> plot_contours(axes, bowl, limits=(0, 20)).get_clim()
    (0.0, 20.0)
    """
    if landscape.dim != 2:
        raise ValueError(f"The landscape has {landscape.dim} dimensions; contours are drawn of two.")
    values = landscape.values
    low, high = (float(np.nanmin(values)), float(np.nanmax(values))) if limits is None else map(float, limits)
    if limits is not None and not low < high:
        raise ValueError(f"limits={limits}; the second must be larger.")
    logarithmic = log and low > 0 and high > low
    if high <= low:
        high = low + 1.0
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    levels = np.geomspace(low, high, _CONTOURS) if logarithmic else np.linspace(low, high, _CONTOURS)
    axes.contour(*landscape.axes, values.T, levels=levels, cmap="viridis", norm=norm, linewidths=0.8)
    _label(axes, landscape.labels[0], landscape.labels[1])
    return ScalarMappable(norm, "viridis")


def plot_path(
    axes: Axes,
    landscape: "Landscape",
    path: np.ndarray,
    *,
    distances: np.ndarray | None = None,
    log: bool = False,
    limits: tuple[float, float] | None = None,
) -> ScalarMappable:
    """Draw contours of a two-dimensional landscape with a training path on top.

    Parameters
    ----------
    axes : matplotlib Axes
    landscape : Landscape, two-dimensional
    path : np.ndarray, shape (T, 2)
        Projected checkpoints, in time; the last one is marked by a star.
    distances : np.ndarray, shape (T,), optional
        How far each checkpoint lies from the plane, in the units of the axes: the larger, the paler its
        mark, since the loss drawn under it is not its own.
    log, limits
        As in `plot_contours`.

    Returns
    -------
    matplotlib.cm.ScalarMappable
        For a colour bar: ``figure.colorbar(result, ax=axes, label="loss")``.

    Raises
    ------
    ValueError
        A landscape or a path that is not two-dimensional.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> from matplotlib.figure import Figure
    >>> bowl = nbl.Landscape.from_array(np.add.outer(np.arange(-2.0, 3) ** 2, np.arange(-2.0, 3) ** 2))
    >>> axes = Figure().add_subplot()
    >>> _ = plot_path(axes, bowl, np.array([[0.0, 0.0], [2.0, 2.0]]))
    >>> axes.get_xlabel()
    'x0'
    """
    if landscape.dim != 2:
        raise ValueError(f"The landscape has {landscape.dim} dimensions; a path is drawn on two.")
    points = np.asarray(path, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 1:
        raise ValueError(f"path has shape {points.shape}; expected (T, 2).")
    shown = plot_contours(axes, landscape, log=log, limits=limits)
    ink = palette(axes).ink
    axes.plot(points[:, 0], points[:, 1], color=ink, linewidth=1, zorder=3)
    shades = np.ones(len(points))
    if distances is not None and np.max(distances, initial=0.0) > 0:
        shades = 1 - 0.75 * np.asarray(distances, dtype=float) / np.max(distances)
    axes.scatter(
        points[:, 0], points[:, 1], s=14, color=ink, alpha=cast("Any", shades), zorder=4, linewidths=0
    )
    axes.plot(*points[-1], "*", color="black", markerfacecolor="#ff5252", markersize=10, zorder=5)
    return shown


def plot_profile(
    axes: Axes,
    x: np.ndarray,
    losses: np.ndarray,
    *,
    errors: np.ndarray | None = None,
    label: str = "",
    xlabel: str = "position on the segment",
    ylabel: str = "loss",
) -> None:
    """Draw losses along a line with a band of one standard error.

    Parameters
    ----------
    axes : matplotlib Axes
    x, losses : np.ndarray, shape (m,)
    errors : np.ndarray, shape (m,), optional
        Standard errors, from the spread between batches.
    label, xlabel, ylabel : str

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().add_subplot()
    >>> plot_profile(axes, np.arange(3.0), np.array([1.0, 0.5, 0.2]), errors=np.full(3, 0.1))
    >>> len(axes.lines), len(axes.collections)
    (1, 1)
    """
    (line,) = axes.plot(
        x, losses, color=palette(axes).positive if not axes.lines else None, linewidth=1.5, label=label
    )
    if errors is not None:
        band = (losses - errors, losses + errors)
        axes.fill_between(x, *band, color=line.get_color(), alpha=0.2, linewidth=0)
    _label(axes, xlabel, ylabel)
    if label:
        axes.legend(fontsize=7, frameon=False)


def plot_explained(axes: Axes, ratios: np.ndarray, null: np.ndarray) -> None:
    """Draw the explained variance of a trajectory's components beside that of a random walk.

    Parameters
    ----------
    axes : matplotlib Axes
    ratios, null : np.ndarray, shape (m,)
        Shares of the variance: of the trajectory, and of a random walk of as many steps.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().add_subplot()
    >>> plot_explained(axes, np.array([0.7, 0.2]), np.array([0.61, 0.15]))
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['random walk', 'trajectory']
    """
    ranks = np.arange(1, len(ratios) + 1)
    colors = palette(axes)
    axes.bar(ranks, ratios, width=0.6, color=colors.positive, alpha=0.85, label="trajectory")
    ends = [[(r - 0.4, v), (r + 0.4, v)] for r, v in zip(ranks, np.asarray(null, dtype=float), strict=True)]
    axes.add_collection(LineCollection(ends, colors=colors.ink, linewidths=2, label="random walk"))
    axes.set_xticks(ranks)
    axes.set_ylim(0, 1.05 * max(float(np.max(ratios)), float(np.max(null))))
    _label(axes, "principal component", "share of the variance")
    handles, labels = axes.get_legend_handles_labels()
    order = np.argsort(labels)
    axes.legend([handles[i] for i in order], [labels[i] for i in order], fontsize=7, frameon=False)


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(labelsize=7, which="both")
    axes.spines[["top", "right"]].set_visible(False)
