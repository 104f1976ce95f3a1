"""Numbers over checkpoints: what a comparison of checkpoints returns."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.topology._numbers import table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nblandscape.landscape import Landscape

_NAN = float("nan")
_LANGUAGE = ("causal-lm", "masked-lm", "seq2seq-lm")


@dataclass(frozen=True)
class CheckpointRow:
    """Numbers of one checkpoint; NaN where not asked for, or not known.

    Attributes
    ----------
    title : str
    step : int or None
    loss, loss_stderr : float
        The error is that over batches.
    metrics, metrics_stderr : dict of name to float
        The error is that over batches.
    eigenvalue, residual : float
        Largest eigenvalue of the Hessian, and the residual of its pair.
    trace, trace_stderr : float
    minima, supported_minima : float
        Of the slice; supported are those that the batches and the grid speak for (see
        `nblandscape.topology.support`).
    persistence, smad : float
        Total persistence of the finite pairs, and the Saddle-Minimum Average Distance.
    minima_stderr, persistence_stderr, smad_stderr : float
        By the bootstrap over batches (`nblandscape.topology.numbers_stderr`).
    weights_norm : float
    seconds : float
    note : str
        Why numbers are missing.
    """

    title: str
    step: int | None
    loss: float = _NAN
    loss_stderr: float = _NAN
    metrics: Mapping[str, float] = field(default_factory=dict)
    metrics_stderr: Mapping[str, float] = field(default_factory=dict)
    eigenvalue: float = _NAN
    residual: float = _NAN
    trace: float = _NAN
    trace_stderr: float = _NAN
    minima: float = _NAN
    minima_stderr: float = _NAN
    supported_minima: float = _NAN
    persistence: float = _NAN
    persistence_stderr: float = _NAN
    smad: float = _NAN
    smad_stderr: float = _NAN
    weights_norm: float = _NAN
    seconds: float = 0.0
    note: str = ""


_NUMBERS = [
    name
    for name in CheckpointRow.__dataclass_fields__
    if name not in ("title", "step", "metrics", "metrics_stderr", "note")
]


@dataclass(frozen=True, eq=False, repr=False)
class CheckpointStudy:
    """Numbers over checkpoints, their slices, and the plane through them; `print` shows a table.

    Attributes
    ----------
    rows : tuple of CheckpointRow
        In the order of the checkpoints.
    total : int
        Checkpoints that were asked for.
    done : int
        Those whose rows are complete.
    rule : str
        How the slice of a checkpoint is made: the same for all of them.
    task : str or None
        Of a Transformers model.
    landscapes : tuple of Landscape or None
        The slice around each checkpoint.
    plane : Landscape or None
        Losses on the plane (or line) through the checkpoints.
    path : np.ndarray or None, shape (T, d)
        Coordinates of the checkpoints in it.
    off_plane : np.ndarray or None, shape (T,)
        Their distances from it.
    plane_note : str
        Why there is no plane.
    doing : str
        What is computed next, in a partial result.
    """

    rows: tuple[CheckpointRow, ...]
    total: int
    rule: str = ""
    task: str | None = None
    landscapes: "tuple[Landscape | None, ...]" = ()
    plane: "Landscape | None" = None
    path: np.ndarray | None = None
    off_plane: np.ndarray | None = None
    plane_note: str = ""
    done: int = 0
    doing: str = ""

    @property
    def steps(self) -> np.ndarray | None:
        """Training steps (T,), if all are known and increase; None: the rows are just named."""
        known = [row.step for row in self.rows if row.step is not None]
        rising = len(known) == len(self.rows) and all(a < b for a, b in itertools.pairwise(known))
        return np.array(known, dtype=np.int64) if known and rising else None

    @property
    def perplexity(self) -> np.ndarray | None:
        """exp(loss), (T,), of a language model; else None."""
        if self.task not in _LANGUAGE:
            return None
        return np.asarray(np.exp([row.loss for row in self.rows]))

    def to_frame(self) -> np.ndarray:
        """All numbers as a structured array, a row a checkpoint; ``pandas.DataFrame`` takes it.

        An unknown step is -1. The error of the perplexity is that of the loss times the perplexity.

        Examples
        --------
        >>> CheckpointStudy((CheckpointRow("base", None, 0.5),), 1).to_frame()[["title", "loss"]].tolist()
        [('base', 0.5)]
        """
        columns: dict[str, Any] = {
            "title": [row.title for row in self.rows],
            "step": [-1 if row.step is None else row.step for row in self.rows],
        }
        for name in _NUMBERS:
            columns[name] = [getattr(row, name) for row in self.rows]
            if name == "loss_stderr":
                if self.perplexity is not None:
                    columns["perplexity"] = self.perplexity
                    columns["perplexity_stderr"] = self.perplexity * columns["loss_stderr"]
                for metric in dict.fromkeys(key for row in self.rows for key in row.metrics):
                    column = f"metric_{metric}" if metric in {*_NUMBERS, "title", "step"} else metric
                    columns[column] = [row.metrics.get(metric, _NAN) for row in self.rows]
                    errors = [row.metrics_stderr.get(metric, _NAN) for row in self.rows]
                    columns[f"{column}_stderr"] = errors
        arrays = {name: np.asarray(values) for name, values in columns.items()}
        frame = np.empty(len(self.rows), dtype=[(name, array.dtype) for name, array in arrays.items()])
        for name, array in arrays.items():
            frame[name] = array
        return frame

    def plot(self) -> "Figure":
        """Loss and metrics, sharpness, roughness and minima over the checkpoints, with error bars."""
        from nblandscape.figures.checkpoints import checkpoints_figure

        return checkpoints_figure(self)

    def plot_plane(self, *, log: bool = False) -> "Figure":
        """The plane through the checkpoints with their path.

        Raises
        ------
        ValueError
            There is none; says why.
        """
        from nblandscape.figures.checkpoints import plane_figure

        return plane_figure(self, log=log)

    def __str__(self) -> str:
        frame = self.to_frame()
        shown = ["loss", *(n for n in ("perplexity", "accuracy") if n in frame.dtype.names)]  # type: ignore[operator]
        shown += [
            n
            for n in ("eigenvalue", "trace", "minima", "smad", "persistence")
            if not np.isnan(frame[n]).all()
        ]
        errors = {"eigenvalue": "residual"}
        lines = [("", *(name.replace("smad", "SMAD") for name in shown))]
        for number, row in enumerate(self.rows):
            cells = []
            for name in shown:
                error = errors.get(name, f"{name}_stderr")
                told = frame[error][number] if error in frame.dtype.names else _NAN  # type: ignore[operator]
                bar = f" ± {told:.1g}" if math.isfinite(told) and told > 0 else ""
                cells.append(f"{frame[name][number]:.4g}{bar}")
            lines.append((row.title + (f" ({row.note})" if row.note else ""), *cells))
        told_after = [self.rule] if self.rule else []
        if self.plane_note:
            told_after.append(self.plane_note)
        if self.doing:
            told_after.append(f"{self.done} of {self.total} checkpoints; next: {self.doing}")
        return "\n".join([*table(lines), *told_after])

    __repr__ = __str__
