"""All numbers of one checkpoint, by a rule that is the same for all of them."""

import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nblandscape.cancel import CancelSignal
from nblandscape.checkpoints.stages import Stage
from nblandscape.checkpoints.study import CheckpointRow
from nblandscape.curvature import hessian_spectrum, hessian_trace
from nblandscape.curvature.extremes import weighted_mean
from nblandscape.landscape import Landscape, iter_sample
from nblandscape.landscape.span import Span, half_widths
from nblandscape.objective import Objective
from nblandscape.steps import returned
from nblandscape.subspace import Subspace
from nblandscape.subspace.checkpoints import Located, state_of

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum

Plane = Literal["random", "hessian", "trajectory"]

_NAN = float("nan")


class Measure:
    """All numbers of one checkpoint, one after another."""

    def __init__(
        self,
        slices: "Slices",
        curvature: bool,
        trace_samples: int,
        tol: float,
        seed: int,
        cancel: CancelSignal | None,
    ) -> None:
        self.slices, self.curvature, self.trace_samples = slices, curvature, trace_samples
        self.tol, self.seed, self.cancel = tol, seed, cancel

    def __call__(
        self, objective: Objective, stage: Stage, located: Located
    ) -> Generator[tuple[CheckpointRow, Landscape | None, str], None, None]:
        """Yield what is known so far, and what comes next."""
        begin = time.perf_counter()
        row = CheckpointRow(stage.title, stage.step)
        try:
            here = objective.at(state_of(objective, located))
        except ValueError as error:  # names and shapes were checked before: the loss is not finite
            yield (
                replace(row, note=str(error).split(" Check ")[0], seconds=time.perf_counter() - begin),
                None,
                "",
            )
            return
        origin = here.origin()
        point = here.point(origin)
        row = replace(
            row,
            loss=here.loss(),
            loss_stderr=_stderr(point.sums, point.counts),
            metrics=point.metrics,
            metrics_stderr={name: _stderr(*parts) for name, parts in point.measured.items()},
            weights_norm=float(origin.double().norm()),
        )
        if here.metric_names:  # they are for the checkpoints, not for every point of the slices
            here = with_metrics(here, {})
        spectrum = None
        if self.curvature:
            yield row, None, "eigenvalue"
            both = int(self.slices.plane == "hessian")
            spectrum = hessian_spectrum(
                here, largest=1, smallest=both, tol=self.tol, seed=self.seed, cancel=self.cancel
            )
            row = replace(row, eigenvalue=float(spectrum.values[0]), residual=float(spectrum.residuals[0]))
        if self.curvature and self.trace_samples:
            yield row, None, "trace"
            trace = hessian_trace(here, samples=self.trace_samples, seed=self.seed, cancel=self.cancel)
            row = replace(row, trace=trace.value, trace_stderr=trace.stderr)
        landscape = None
        if self.slices.plane is not None:
            yield row, None, "slice"
            here.release_graphs()
            landscape = self.slices.around(here, spectrum, self.cancel)
            row = _with_topology(row, landscape)
        yield replace(row, seconds=time.perf_counter() - begin), landscape, ""


class Slices:
    """The one rule by which the slice around a checkpoint is made."""

    def __init__(self, plane: Plane | None, span: Span | None, points: int, seed: int) -> None:
        self.plane, self.points, self.seed, self._span = plane, points, seed, span
        self.axes: Subspace | None = None  # of a trajectory

    @property
    def span(self) -> Span:
        """As asked for, or the default of the kind of plane."""
        if self._span is not None:
            return self._span
        if self.axes is not None:
            return half_widths(None, self.axes, 1.0)
        return ("relative", 0.1 if self.plane == "hessian" else 0.5)

    @property
    def rule(self) -> str:
        """In words."""
        if self.plane is None:
            return ""
        kind = {
            "random": f"two random directions of seed {self.seed} with the filter norms of its own weights",
            "hessian": "its own eigenvectors of the largest and the smallest eigenvalue",
            "trajectory": "the first two principal components of the run, the same for all",
        }[self.plane]
        return (
            f"slice around each checkpoint: {kind}; half-width {_in_words(self.span)}, {self.points}² points"
        )

    def around(self, here: Objective, spectrum: "Spectrum | None", cancel: CancelSignal | None) -> Landscape:
        """The slice around a checkpoint."""
        if self.axes is not None:
            subspace = Subspace.from_directions(here, self.axes.directions, self.axes.labels)
        elif spectrum is not None and self.plane == "hessian":
            subspace = Subspace.hessian(here, spectrum, (0, -1))
        else:
            subspace = Subspace.random(here, 2, seed=self.seed)
        return sampled(here, subspace, self.span, self.points, cancel)


def sampled(
    here: Objective, subspace: Subspace, span: Span | None, points: int, cancel: CancelSignal | None
) -> Landscape:
    return returned(iter_sample(here, subspace, span=span, points=points, cancel=cancel))


def with_metrics(objective: Objective, metrics: Mapping[str, Any] | None) -> Objective:
    """The same objective with other metrics; None: those of its task."""
    from nblandscape.huggingface.tasks import TaskLoss, metrics_of

    model, problem, *names = objective.parts()
    if metrics is None:
        loss = problem.batch_loss
        metrics = metrics_of(loss) if isinstance(loss, TaskLoss) else {}
    return Objective.from_parts((model, replace(problem, metrics=metrics), *names))


def _stderr(sums: np.ndarray, counts: np.ndarray) -> float:
    """Standard error of a mean over batches; NaN for fewer than two."""
    used = counts > 0
    if used.sum() < 2:
        return _NAN
    return weighted_mean(sums[used] / counts[used], counts[used])[1]


def _with_topology(row: CheckpointRow, landscape: Landscape) -> CheckpointRow:
    numbers = landscape.summary()
    errors = landscape.summary_stderr()
    supported = numbers.supported
    return replace(
        row,
        minima=float(numbers.all.minima),
        minima_stderr=errors["minima"],
        supported_minima=_NAN if supported is None else float(supported.minima),
        persistence=numbers.all.total_persistence,
        persistence_stderr=errors["total_persistence"],
        smad=numbers.all.smad,
        smad_stderr=errors["smad"],
    )


def _in_words(span: Span) -> str:
    if isinstance(span, tuple) and len(span) == 2 and isinstance(span[0], str):
        units = {"relative": " ‖θ‖ of the checkpoint", "distance": ""}
        return f"{span[1]:g}{units[span[0]]}" if span[0] in units else f"by the rule {span}"
    if isinstance(span, (int, float)):
        return f"{span:g}"
    return " × ".join(_in_words(item) for item in span)
