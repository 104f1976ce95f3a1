"""Losses on the straight line between two sets of weights."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nblandscape.cancel import CancelSignal, check
from nblandscape.subspace.checkpoints import Located, Source, differing, flat, locate, state_of

if TYPE_CHECKING:
    from nblandscape.evaluation import Point
    from nblandscape.objective import Objective

_DRAWS = 2000


@dataclass(frozen=True)
class Rise:
    """The largest increase of the loss between two points of a line.

    Attributes
    ----------
    height : float
        0 for a loss that never increases.
    stderr : float
        Of the height, from the same batches at both points; NaN with one batch.
    start, end : float
        Fractions of the way between which the loss rises.
    p_value : float
        How often batch-to-batch noise alone makes a largest rise as high on a line of constant loss; NaN
        with one batch.
    """

    height: float
    stderr: float
    start: float
    end: float
    p_value: float


@dataclass(frozen=True)
class Barrier:
    """How far the loss on a line stands above the mean of its ends.

    Attributes
    ----------
    height : float
        0 if no point does.
    stderr : float
        From the same batches at the three points; NaN with one batch or for a metric.
    fraction : float
        Where.
    """

    height: float
    stderr: float
    fraction: float


@dataclass(frozen=True, eq=False, repr=False)
class Interpolation:
    """Losses at equidistant points of a line.

    Attributes
    ----------
    fractions : np.ndarray, (points,)
        From 0 (start) to 1 (end).
    losses : np.ndarray, (points,) float64
        NaN where not finite.
    batch_losses : np.ndarray, (points, b)
        Mean loss of every batch.
    batch_counts : np.ndarray, (b,)
    metrics : dict of name to array (points,)
    distance : float
        Euclidean distance of the two ends.
    rounding : float
        Differences of the loss below this are rounding.
    provenance : dict
    """

    fractions: np.ndarray
    losses: np.ndarray
    batch_losses: np.ndarray
    batch_counts: np.ndarray
    metrics: Mapping[str, np.ndarray] = field(default_factory=dict)
    distance: float = float("nan")
    rounding: float = 0.0
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stderr(self) -> np.ndarray:
        """Batch-to-batch standard error of the losses, (points,); NaN with one batch."""
        return _stderr(self.batch_losses, self.batch_counts)

    @property
    def rise(self) -> Rise:
        """The largest increase towards the end, with its paired standard error.

        Notes
        -----
        Lucas et al. 2021 (arXiv 2104.11044): a line is Delta-monotone if no later point is higher than an
        earlier one by Delta. The p-value draws the batches' deviations from their mean with random signs
        and sizes of the same covariance, and takes the largest rise of each draw over all pairs, so that
        looking for the largest is allowed for.
        """
        start, end, height = _largest_rise(self.losses)
        if height <= 0:
            return Rise(0.0, 0.0 if len(self.batch_counts) > 1 else np.nan, *self._ends(start, end), 1.0)
        pair = (self.batch_losses[end] - self.batch_losses[start])[None]
        error = float(_stderr(pair, self.batch_counts)[0])
        return Rise(height, error, *self._ends(start, end), self._chance_of_rise(height))

    @property
    def holes(self) -> int:
        """Points where the loss is not finite."""
        return int(np.isnan(self.losses).sum())

    @property
    def monotone(self) -> bool:
        """Whether the loss never rises by more than rounding and batch-to-batch noise (p > 0.05).

        False where a loss is not finite: `rise` and `barrier` only compare the finite ones.
        """
        if self.holes:
            return False
        rise = self.rise
        return bool(rise.height <= self.rounding or rise.p_value > 0.05)

    def barrier(self, metric: str | None = None) -> Barrier:
        """Height of the barrier, of the loss or of a metric.

        Notes
        -----
        Frankle et al. 2020 (arXiv 1912.05671): the largest value on the line minus the mean of the ends.

        Raises
        ------
        ValueError
            An unknown metric.

        Examples
        --------
        >>> losses = np.array([0.0, 3.0, 1.0])
        >>> line = Interpolation(np.linspace(0, 1, 3), losses, losses[:, None], np.ones(1))
        >>> line.barrier().height, line.barrier().fraction
        (2.5, 0.5)
        """
        if metric is not None and metric not in self.metrics:
            raise ValueError(f"metric={metric!r}; there are {sorted(self.metrics)}.")
        values = self.losses if metric is None else np.asarray(self.metrics[metric])
        if np.isnan(values).all():
            return Barrier(float("nan"), float("nan"), float("nan"))
        top = int(np.nanargmax(values))
        height = float(values[top] - (values[0] + values[-1]) / 2)
        batches = self.batch_losses
        paired = (batches[top] - (batches[0] + batches[-1]) / 2)[None]
        error = float(_stderr(paired, self.batch_counts)[0]) if metric is None else float("nan")
        height = height if np.isnan(height) else max(height, 0.0)  # an end that is not finite
        return Barrier(height, error, float(self.fractions[top]))

    def __repr__(self) -> str:
        rise, barrier = self.rise, self.barrier()
        kind = "monotone" if self.monotone else "not monotone"
        if self.holes:
            kind += f", {self.holes} not finite"
        return (
            f"Interpolation({len(self.losses)} points, {kind}: largest rise {rise.height:.3g} ± "
            f"{rise.stderr:.2g} (p = {rise.p_value:.2g}); "
            f"barrier {barrier.height:.3g} ± {barrier.stderr:.2g})"
        )

    def _ends(self, start: int, end: int) -> tuple[float, float]:
        return float(self.fractions[start]), float(self.fractions[end])

    def _chance_of_rise(self, height: float) -> float:
        b = len(self.batch_counts)
        if b < 2:
            return float("nan")
        known = np.isfinite(self.losses)
        weights = self.batch_counts / self.batch_counts.sum()
        spread = weights * (self.batch_losses[known] - self.losses[known, None]) * np.sqrt(b / (b - 1))
        rng = np.random.default_rng(0)
        noise = rng.standard_normal((_DRAWS, b)) @ spread.T  # (draws, points)
        noise *= np.sqrt((b - 1) / rng.chisquare(b - 1, size=_DRAWS))[:, None]  # the spread is an estimate
        lowest = np.minimum.accumulate(noise, axis=1)
        return float(np.mean((noise - lowest).max(axis=1) >= height))


def interpolate(
    objective: "Objective",
    start: Source,
    end: Source,
    *,
    points: int = 21,
    callback: Callable[[int, float], None] | None = None,
    cancel: CancelSignal | None = None,
) -> Interpolation:
    """Evaluate the loss on the straight line between two sets of weights.

    Parameters
    ----------
    objective : Objective
        Gives loss, data and architecture; its own weights play no part, except for what the ends lack.
    start, end : state dict, module, flat vector (n,), or file or folder of weights
        Buffers (batch-normalisation statistics) and frozen parameters that differ are interpolated, too.
    points : int
    callback : callable (number, loss), optional
    cancel : threading.Event or callable, optional
        Checked before every point.

    Returns
    -------
    Interpolation

    Raises
    ------
    ValueError
        Another architecture, identical ends, or fewer than three points.
    nblandscape.cancel.Cancelled

    Notes
    -----
    Goodfellow et al. 2015 (arXiv 1412.6544).

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(2, 1), torch.zeros(2, 1)))
    >>> line = interpolate(objective, torch.tensor([2.0]), torch.tensor([0.0]), points=5)
    >>> line.losses, line.monotone
    (array([4.  , 2.25, 1.  , 0.25, 0.  ]), True)
    """
    steps = iter_interpolate(objective, start, end, points=points, cancel=cancel)
    while True:
        try:
            number, loss = next(steps)
        except StopIteration as stop:
            result: Interpolation = stop.value
            return result
        if callback is not None:
            callback(number, loss)


def iter_interpolate(
    objective: "Objective",
    start: Source,
    end: Source,
    *,
    points: int = 21,
    cancel: CancelSignal | None = None,
) -> Generator[tuple[int, float], None, Interpolation]:
    """Yield ``(number, loss)`` for every point; the generator's return value is the `Interpolation`.

    Parameters and errors are those of `interpolate`, the checks at the call.
    """
    if points < 3:
        raise ValueError(f"points={points}; at least 3 are needed.")
    ends = locate(objective, [start, end])
    origin = flat(objective, ends[0])
    step = flat(objective, ends[1]) - origin
    others = sorted({name for checkpoint in ends for name in differing(objective, checkpoint)})
    if not bool(step.any()) and not others:
        raise ValueError("start and end are identical; there is no line between them.")
    return _run(objective, ends, origin, step, others, points, cancel)


def _run(
    objective: "Objective",
    ends: list[Located],
    origin: torch.Tensor,
    step: torch.Tensor,
    others: list[str],
    points: int,
    cancel: CancelSignal | None,
) -> Generator[tuple[int, float], None, Interpolation]:
    fractions = np.arange(points) / (points - 1)
    losses = np.full(points, np.nan)
    batch_losses = np.full((points, objective.num_batches), np.nan)
    metrics = {name: np.full(points, np.nan) for name in objective.metric_names}
    states = [state_of(objective, end) for end in ends] if others else None
    for i, fraction in enumerate(fractions):
        check(cancel)
        here = (origin + fraction * step).to(objective.device, objective.dtype)
        point = objective.point(here) if states is None else _with_buffers(objective, here, states, fraction)
        if point is not None:
            losses[i] = point.loss if np.isfinite(point.loss) else np.nan
            parts = point.counts if point.counts.any() else 1 / len(point.sums)  # a sum over the data
            batch_losses[i] = np.where(np.isfinite(point.sums), point.sums, np.nan) / parts
            for name, value in point.metrics.items():
                metrics[name][i] = value
        yield i, float(losses[i])
    largest = float(np.nanmax(np.abs(losses), initial=0.0))
    provenance = {
        "kind": "interpolation",
        "ends": [end.title if end.step is None else f"step {end.step}" for end in ends],
        "points": points,
        "interpolated_besides": others,
        "objective": objective.description,
    }
    return Interpolation(
        fractions,
        losses,
        batch_losses,
        objective.batch_counts,
        metrics,
        float(step.norm()),
        8 * torch.finfo(objective.dtype).eps * largest,
        provenance,
    )


def _with_buffers(
    objective: "Objective", here: torch.Tensor, states: list[dict[str, torch.Tensor]], fraction: float
) -> "Point | None":
    """Losses where buffers and frozen parameters move as well; None where they are not finite."""
    first, last = states
    blend = {}
    for name, a in first.items():
        b = last[name]
        if isinstance(a, torch.Tensor) and (a.is_floating_point() or a.is_complex()):
            wide = torch.promote_types(a.dtype, torch.float64)
            blend[name] = torch.lerp(a.to(wide), b.to(a.device, wide), float(fraction)).to(a.dtype)
        else:
            blend[name] = a if fraction < 0.5 else b
    try:
        return objective.at(blend).point(here)
    except ValueError:  # the loss is not finite there: a hole
        return None


def _largest_rise(values: np.ndarray) -> tuple[int, int, float]:
    """Indices of the pair of which the later stands highest above the earlier, and the height."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2:
        return 0, 0, 0.0
    lowest = np.minimum.accumulate(values[known])
    end = int(np.argmax(values[known] - lowest))
    start = int(np.argmin(values[known][: end + 1]))
    return int(known[start]), int(known[end]), float(values[known][end] - lowest[end])


def _stderr(batch_values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Standard error of the weighted mean over batches, (points,); NaN with one batch."""
    b = len(counts)
    if b < 2:
        return np.full(len(batch_values), np.nan)
    weights = counts / counts.sum()
    mean = batch_values @ weights
    squares = (weights**2 * (batch_values - mean[:, None]) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(squares * b / (b - 1)))
