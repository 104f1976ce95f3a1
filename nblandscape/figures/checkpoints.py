"""Numbers over checkpoints with their errors, and the plane through them with the path."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nblandscape.figures.basins import label_axes
from nblandscape.figures.colors import palette
from nblandscape.figures.curves import plot_path, plot_profile

if TYPE_CHECKING:
    from nblandscape.checkpoints import CheckpointStudy

_FEW_NAMES = 6  # that stand level under an axis


def checkpoints_figure(study: "CheckpointStudy", *, width: float = 9.0) -> Figure:
    """Draw loss, sharpness, roughness and minima over checkpoints, in four panels with error bars.

    A bar is one standard error over batches; that of an eigenvalue is the residual, that of a trace the
    error of its samples. Panels of what was not measured say so.

    Parameters
    ----------
    study : CheckpointStudy
        Partial ones too.
    width : float
        Inches.

    Examples
    --------
    >>> from nblandscape.checkpoints import CheckpointRow, CheckpointStudy
    >>> rows = (CheckpointRow("a", 0, 2.0, 0.1), CheckpointRow("b", 100, 1.0, 0.1))
    >>> figure = checkpoints_figure(CheckpointStudy(rows, 2))
    >>> [axes.get_title() for axes in figure.axes]
    ['loss', 'sharpness', 'roughness of the slice', 'minima of the slice']
    """
    figure = Figure(figsize=(width, 0.62 * width), layout="constrained")
    panels = figure.subplots(2, 2)
    frame = study.to_frame()
    names = frame.dtype.names or ()
    series = _Series(study)
    series.draw(panels[0, 0], frame, "loss", "loss_stderr", 0)
    beside = next((name for name in ("accuracy", "perplexity") if name in names), None)
    if beside is not None:
        series.draw(_right(panels[0, 0], beside), frame, beside, f"{beside}_stderr", 1)
    series.draw(panels[0, 1], frame, "eigenvalue", "residual", 0, label="largest eigenvalue")
    if not np.isnan(frame["trace"]).all():
        series.draw(_right(panels[0, 1], "trace"), frame, "trace", "trace_stderr", 1)
    series.draw(panels[1, 0], frame, "smad", "smad_stderr", 0, label="SMAD")
    series.draw(panels[1, 0], frame, "persistence", "persistence_stderr", 1, label="total persistence")
    series.draw(panels[1, 1], frame, "minima", "minima_stderr", 0, label="all")
    series.draw(panels[1, 1], frame, "supported_minima", None, 1, label="supported")
    panels[1, 1].yaxis.set_major_locator(MaxNLocator(6, integer=True))
    titles = ("loss", "sharpness", "roughness of the slice", "minima of the slice")
    sides = ("loss", "largest eigenvalue", "loss", "number")
    for axes, title, side in zip(panels.flat, titles, sides, strict=True):
        axes.set_title(title, fontsize=9)
        series.finish(axes, side)
    for axes in panels[1]:
        if axes.lines:
            axes.legend(fontsize=7, frameon=False)
    return figure


def plane_figure(study: "CheckpointStudy", *, log: bool = False, width: float = 5.5) -> Figure:
    """Draw the plane (or line) through the checkpoints with their path; paler marks lie off the plane.

    Parameters
    ----------
    study : CheckpointStudy
    log : bool
        Logarithmic levels.
    width : float
        Inches.

    Raises
    ------
    ValueError
        The study has no plane; says why.

    Examples
    --------
    >>> from nblandscape.checkpoints import CheckpointStudy
    >>> plane_figure(CheckpointStudy((), 0, plane_note="no plane: they are identical"))
    Traceback (most recent call last):
    ValueError: no plane: they are identical
    """
    if study.plane is None or study.path is None or study.off_plane is None:
        raise ValueError(study.plane_note or "The study has no plane; compare checkpoints with through=True.")
    figure = Figure(figsize=(width, 0.8 * width), layout="constrained")
    axes = figure.add_subplot()
    known = np.isfinite(study.path).all(axis=1)
    path, away = study.path[known], study.off_plane[known]
    titles = [row.title for row, there in zip(study.rows, known, strict=True) if there]
    if study.plane.dim == 1:
        losses = np.array([row.loss for row, there in zip(study.rows, known, strict=True) if there])
        plot_profile(axes, study.plane.axes[0], study.plane.values, xlabel=study.plane.labels[0])
        axes.plot(path[:, 0], losses, "o", color=palette(axes).ink, markersize=5)
        places = np.column_stack([path[:, 0], losses])
    else:
        shades = plot_path(axes, study.plane, path, distances=away, log=log)
        figure.colorbar(shades, ax=axes, label="loss")
        places = path
    shown = range(len(titles)) if len(titles) <= _FEW_NAMES else (0, len(titles) - 1)
    for number in shown:
        axes.annotate(
            titles[number],
            places[number],
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=8,
            color=palette(axes).ink,
            bbox={
                "boxstyle": "round,pad=0.15",
                "facecolor": axes.get_facecolor(),
                "alpha": 0.7,
                "linewidth": 0,
            },
        )
    if away.max(initial=0.0) > 0:
        axes.set_title(f"checkpoints lie up to {away.max():.3g} off the plane", fontsize=8)
    return figure


class _Series:
    """Lines over the steps, or over names where there are none."""

    def __init__(self, study: "CheckpointStudy") -> None:
        self._steps = study.steps
        self._names = [row.title for row in study.rows]
        self._x = np.arange(len(study.rows)) if self._steps is None else self._steps

    def draw(
        self,
        axes: Axes,
        frame: np.ndarray,
        name: str,
        error: str | None,
        number: int,
        *,
        label: str | None = None,
    ) -> None:
        values = frame[name]
        if np.isnan(values).all():
            return
        colors = palette(axes)
        known = error is not None and error in (frame.dtype.names or ())
        bars = np.nan_to_num(frame[error]) if known and error is not None else None
        axes.errorbar(
            self._x,
            values,
            yerr=bars,
            color=(colors.minimum, colors.saddle)[number],
            marker=("o", "s")[number],
            linestyle=("-", "--")[number] if self._steps is not None else "",
            markersize=4,
            linewidth=1.3,
            capsize=2.5,
            elinewidth=0.9,
            label=label or name,
        )

    def finish(self, axes: Axes, side: str) -> None:
        if not axes.lines and not axes.collections:
            axes.text(
                0.5, 0.5, "not measured", ha="center", transform=axes.transAxes, color=palette(axes).pale
            )
        label_axes(axes, "step" if self._steps is not None else "", side)
        if self._steps is None:
            slant = 0 if len(self._names) <= _FEW_NAMES else 60
            axes.set_xticks(self._x, self._names, rotation=slant, fontsize=7)
            axes.set_xlim(-0.5, len(self._names) - 0.5)


def _right(axes: Axes, name: str) -> Axes:
    """A second scale for a second line; each is named at its side, in the colour of its line."""
    other = axes.twinx()
    other.tick_params(labelsize=7, which="both")
    other.spines["top"].set_visible(False)
    other.set_ylabel(f"{name} (squares)", fontsize=8, color=palette(axes).saddle)
    axes.yaxis.label.set_color(palette(axes).minimum)
    return other
