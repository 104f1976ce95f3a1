"""Sampling: coarse levels first, in chunks that can be watched and stopped."""

import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import torch

import nblandscape
from nblandscape.cancel import CancelSignal
from nblandscape.landscape.fill import CHUNK_SECONDS, Chunk, fill
from nblandscape.landscape.grid import axis_coordinates, check_points
from nblandscape.landscape.landscape import Landscape
from nblandscape.landscape.span import Span, half_widths
from nblandscape.objective import Objective
from nblandscape.subspace import Subspace

Callback = Callable[[int, np.ndarray, np.ndarray], None]


def sample(
    objective: Objective,
    subspace: Subspace,
    *,
    span: Span | None = None,
    points: int | Sequence[int] = 33,
    callback: Callback | None = None,
    cancel: CancelSignal | None = None,
) -> Landscape:
    """Sample the loss on a grid over a subspace.

    Parameters
    ----------
    objective : Objective
    subspace : Subspace
        Any dimension.
    span : float, rule, or one per axis, optional
        Half-widths; see `nblandscape.landscape.span.half_widths`.
    points : odd int, or one per axis
        The origin is always a grid point.
    callback : callable (level, vertices, values), optional
        Called with every chunk: vertex numbers (C order) and their losses.
    cancel : threading.Event or callable, optional
        Checked before every point.

    Returns
    -------
    Landscape
        NaN where the loss is not finite.

    Raises
    ------
    ValueError
        Even or too few points, a span that is not positive.
    nblandscape.cancel.Cancelled
        Stopped on request.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> _ = torch.nn.init.zeros_(model.weight)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    >>> plane = nbl.Subspace.from_directions(objective, torch.eye(2))
    >>> nbl.sample(objective, plane, span=1.0, points=3).values
    array([[1. , 0.5, 1. ],
           [0.5, 0. , 0.5],
           [1. , 0.5, 1. ]])
    """
    steps = iter_sample(objective, subspace, span=span, points=points, cancel=cancel)
    while True:
        try:
            level, vertices, values = next(steps)
        except StopIteration as end:
            result: Landscape = end.value
            return result
        if callback is not None:
            callback(level, vertices, values)


def iter_sample(
    objective: Objective,
    subspace: Subspace,
    *,
    span: Span | None = None,
    points: int | Sequence[int] = 33,
    coarsest: int = 3,
    cancel: CancelSignal | None = None,
    chunk_seconds: float = CHUNK_SECONDS,
) -> Generator[Chunk, None, Landscape]:
    """Yield ``(level, vertices, values)`` while sampling; the generator's return value is the landscape.

    Parameters are those of `sample`; further:

    coarsest : int
        Points per axis of the first level: 3, 5, 9, …
    chunk_seconds : float
        About how long a chunk takes.

    Raises
    ------
    As `sample`, the checks at the call, before any point is evaluated.
    """
    shape = check_points(points, subspace.dim)
    widths = half_widths(span, subspace, objective.loss())
    axes = tuple(axis_coordinates(w, n) for w, n in zip(widths, shape, strict=True))
    return _run(objective, subspace, axes, coarsest, cancel, chunk_seconds)


def _run(
    objective: Objective,
    subspace: Subspace,
    axes: tuple[np.ndarray, ...],
    coarsest: int,
    cancel: CancelSignal | None,
    chunk_seconds: float,
) -> Generator[Chunk, None, Landscape]:
    shape = tuple(len(axis) for axis in axes)
    at = objective.evaluator(subspace)
    batch_losses = np.full((*shape, objective.num_batches), np.nan)
    metrics = {name: np.full(shape, np.nan) for name in objective.metric_names}
    counts = np.zeros(objective.num_batches)

    def evaluate(index: tuple[int, ...], coordinates: np.ndarray) -> float:
        point = at(coordinates)
        counts[:] = point.counts
        batch_losses[index] = point.sums
        for name, value in point.metrics.items():
            metrics[name][index] = value
        return point.loss

    started = time.perf_counter()
    values = yield from fill(evaluate, axes, coarsest=coarsest, cancel=cancel, chunk_seconds=chunk_seconds)
    if counts.any():  # else the loss is a sum over the data
        batch_losses /= np.where(counts > 0, counts, np.nan)
    center = np.ravel_multi_index(tuple(n // 2 for n in shape), shape)
    provenance: dict[str, Any] = {
        "nblandscape": nblandscape.__version__,
        "torch": torch.__version__,
        "objective": objective.description,
        "subspace": dict(subspace.provenance),
        "gram": subspace.gram.tolist(),
        "spans": [float(axis[-1]) for axis in axes],
        "points": list(shape),
        "origin": int(center) if subspace.contains_model else None,
        "quantity": "loss",
        "seconds": time.perf_counter() - started,
        "holes": int(np.isnan(values).sum()),
    }
    return Landscape(values, axes, subspace.labels, metrics, batch_losses, counts, provenance)
