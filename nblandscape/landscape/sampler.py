"""Sampling: coarse levels first, in chunks that can be watched and stopped."""

import hashlib
import math
import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch

import nblandscape
from nblandscape.batched import ONE_BY_ONE, Ahead
from nblandscape.cancel import CancelSignal, check
from nblandscape.evaluation import Point
from nblandscape.landscape.adaptive import Filled, adaptive_fill
from nblandscape.landscape.fill import CHUNK_SECONDS, Chunk, fill
from nblandscape.landscape.grid import Level, axis_coordinates, check_points, nested_levels
from nblandscape.landscape.landscape import Landscape
from nblandscape.landscape.span import Span, half_widths
from nblandscape.landscape.spread import spread
from nblandscape.landscape.store import Store, mean_losses
from nblandscape.objective import Objective
from nblandscape.subspace import Subspace

_WORTH_A_TRIAL = 64  # points

Callback = Callable[[int, np.ndarray, np.ndarray], None]


def sample(
    objective: Objective,
    subspace: Subspace,
    *,
    span: Span | None = None,
    points: int | Sequence[int] = 33,
    callback: Callback | None = None,
    cancel: CancelSignal | None = None,
    store: "str | os.PathLike[str] | None" = None,
    executor: Executor | None = None,
    gradients: bool = False,
    adaptive: float | None = None,
    progress: bool = False,
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
    store : path, optional
        A Zarr folder that grows with the computation (extra ``store``). After an interruption, even a
        killed process, the same call goes on where it ended; `open_store` reads it at any time.
    executor : concurrent.futures.Executor, optional
        Spreads the points over threads, processes or a cluster (``client.get_executor()`` of Dask). Workers
        that are processes run one thread each.
    gradients : bool
        Keep the slopes along the directions at every point, `Landscape.gradients`: one backward pass each.
    adaptive : float, optional
        Evaluate only where interpolation from the coarser level may miss by more than this share of the
        range of the losses (0.02 is a good start); the rest is interpolated. ``provenance["adaptive"]``
        has the number of evaluated points, the largest error seen at random others, and the share of the
        interpolated ones that may be further off (95 % confidence); batch losses, metrics and gradients are
        NaN where nothing was evaluated.
    progress : bool
        Draw a bar, whose text says before the first point what `predict_cost` found: points, seconds of
        one process and memory.

    Returns
    -------
    Landscape
        NaN where the loss is not finite.

    Raises
    ------
    ValueError
        Even or too few points, a span that is not positive, or a store of another run.
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
    steps = iter_sample(
        objective,
        subspace,
        span=span,
        points=points,
        cancel=cancel,
        store=store,
        executor=executor,
        gradients=gradients,
        adaptive=adaptive,
    )
    bar_of = _bar(objective, subspace, points, gradients, adaptive, cancel) if progress else nullcontext()
    with bar_of as bar:
        while True:
            try:
                level, vertices, values = next(steps)
            except StopIteration as end:
                result: Landscape = end.value
                return result
            if bar is not None:
                bar.update(len(vertices))
            if callback is not None:
                callback(level, vertices, values)


def _bar(
    objective: Objective,
    subspace: Subspace,
    points: int | Sequence[int],
    gradients: bool,
    adaptive: float | None,
    cancel: CancelSignal | None,
) -> Any:
    """Return a progress bar over the points that tells the predicted cost; its context closes it."""
    from tqdm.auto import tqdm

    from nblandscape.landscape.cost import predict_cost

    check(cancel)
    cost = predict_cost(objective, subspace, points, gradients=gradients)
    text = str(cost) if adaptive is None else f"at most {cost}"
    return tqdm(total=cost.calls, desc=text, unit="point")


def iter_sample(
    objective: Objective,
    subspace: Subspace,
    *,
    span: Span | None = None,
    points: int | Sequence[int] = 33,
    coarsest: int = 3,
    cancel: CancelSignal | None = None,
    chunk_seconds: float = CHUNK_SECONDS,
    store: "str | os.PathLike[str] | None" = None,
    executor: Executor | None = None,
    gradients: bool = False,
    adaptive: float | None = None,
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
    if adaptive is not None:
        if not 0 < adaptive < 1:
            raise ValueError(f"adaptive={adaptive}: a share of the range of the losses between 0 and 1.")
        if store is not None or executor is not None:
            raise ValueError("adaptive= decides point by point; it does not go with store= or executor=.")
    return _run(
        objective, subspace, axes, coarsest, cancel, chunk_seconds, store, executor, gradients, adaptive
    )


def _run(
    objective: Objective,
    subspace: Subspace,
    axes: tuple[np.ndarray, ...],
    coarsest: int,
    cancel: CancelSignal | None,
    chunk_seconds: float,
    store: "str | os.PathLike[str] | None",
    executor: Executor | None,
    gradients: bool,
    adaptive: float | None,
) -> Generator[Chunk, None, Landscape]:
    shape = tuple(len(axis) for axis in axes)
    rows = _Rows(shape, objective, subspace.dim if gradients else None)
    levels = nested_levels(shape, coarsest=coarsest)
    kept: Store | None = None
    if store is not None:
        order = np.concatenate([level.vertices for level in levels])
        settings = _settings(objective, subspace, axes, gradients)
        rows.counts[:] = settings["batch_counts"]
        kept = rows.store = Store(store, settings, order, rows.columns)
        rows.take(kept.arrays, order, kept.done)
    started = time.perf_counter()
    part: Filled | None = None
    at_once = 1  # more where vmap pays
    try:
        if executor is None:
            alone = gradients or adaptive is not None or objective.device.type in ONE_BY_ONE
            many = None if alone else _block(objective, subspace, shape)
            at = objective.evaluator(subspace, gradients=gradients)
            evaluate = _Evaluate(Ahead(at, many, objective, chunk_seconds), rows, levels, axes)
            if adaptive is None:
                yield from fill(evaluate, axes, coarsest=coarsest, cancel=cancel, chunk_seconds=chunk_seconds)
                at_once = evaluate.ahead.used
            else:
                part = yield from adaptive_fill(
                    evaluate, axes, tolerance=adaptive, cancel=cancel, chunk_seconds=chunk_seconds
                )
        else:
            yield from _spread(objective, subspace, axes, levels, rows, executor, gradients, cancel)
    finally:
        if kept is not None:
            kept.flush(force=True)
    values = rows.losses().reshape(shape) if part is None else part.values
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
        "model_loss": objective.loss() if subspace.contains_model else None,
        "weights_norm": subspace.weights_norm,
        "quantity": "loss",
        "seconds": time.perf_counter() - started,
        "points_at_once": at_once,
        "holes": int(np.isnan(values).sum()),
    }
    if part is not None:
        provenance["adaptive"] = {
            "tolerance": adaptive,
            "evaluated": int(part.evaluated.sum()),
            "error": None if math.isnan(part.error) else part.error,
            "checks": part.checks,
            "share_beyond": part.share_beyond,
        }
    if kept is not None:
        kept.finish(provenance)
    return rows.landscape(values, axes, subspace.labels, provenance)


def _block(
    objective: Objective, subspace: Subspace, shape: tuple[int, ...]
) -> Callable[[], Callable[[np.ndarray], list[Point]] | None] | None:
    """What makes many points at once, on grids that are large enough for a trial."""
    if math.prod(shape) < _WORTH_A_TRIAL:
        return None
    return lambda: objective.block_evaluator(subspace)


class _Evaluate:
    """Losses by vertex: those that are known, or the next few in the order of the levels at once."""

    def __init__(
        self, ahead: Ahead, rows: "_Rows", levels: list[Level], axes: tuple[np.ndarray, ...]
    ) -> None:
        self.ahead, self._rows, self._axes = ahead, rows, axes
        self._shape = tuple(len(axis) for axis in axes)
        self._steps = [math.prod(self._shape[i + 1 :]) for i in range(len(axes))]
        self._order = np.concatenate([level.vertices for level in levels])
        self._position = np.empty(len(self._order), dtype=np.int64)
        self._position[self._order] = np.arange(len(self._order))

    def __call__(self, index: tuple[int, ...], coordinates: np.ndarray) -> float:
        vertex = sum(i * step for i, step in zip(index, self._steps, strict=True))
        rows = self._rows
        if not rows.done[vertex]:
            if self.ahead.size == 1:
                rows.put(vertex, self.ahead(coordinates[None])[0])
            else:
                self._several(vertex)
        return rows.loss(vertex)

    def _several(self, vertex: int) -> None:
        begin = self._position[vertex]
        following = self._order[begin : begin + self.ahead.size]
        vertices = following[~self._rows.done[following]]
        lines = zip(self._axes, np.unravel_index(vertices, self._shape), strict=True)
        points = self.ahead(np.stack([axis[i] for axis, i in lines], axis=1))
        for other, point in zip(vertices.tolist(), points, strict=False):  # fewer if it did not work
            self._rows.put(other, point)


class _Rows:
    """What has been evaluated, a row a vertex."""

    def __init__(self, shape: tuple[int, ...], objective: Objective, slopes: int | None) -> None:
        self._shape, self._names = shape, objective.metric_names
        size = math.prod(shape)
        self.columns: dict[str, tuple[int, ...]] = {"batch_sums": (objective.num_batches,)}
        self.columns |= {f"metric_{i}": () for i in range(len(self._names))}
        if slopes is not None:
            self.columns["gradients"] = (slopes,)
        self.arrays = {name: np.full((size, *part), np.nan) for name, part in self.columns.items()}
        self.done = np.zeros(size, dtype=bool)
        self.counts = np.zeros(objective.num_batches)
        self.store: Store | None = None

    def take(self, arrays: dict[str, np.ndarray], order: np.ndarray, done: np.ndarray) -> None:
        """Rows that a store has, in its order."""
        for name, array in arrays.items():
            self.arrays[name][order[done]] = array[done]
        self.done[order[done]] = True

    def put(self, vertex: int, point: Point) -> None:
        self.counts[:] = point.counts
        row: dict[str, Any] = {"batch_sums": point.sums}
        for i, name in enumerate(self._names):
            row[f"metric_{i}"] = point.metrics[name]
        if point.gradient is not None:
            row["gradients"] = point.gradient
        for name, value in row.items():
            self.arrays[name][vertex] = value
        self.done[vertex] = True
        if self.store is not None:
            self.store.put(vertex, row)
            self.store.flush()

    def loss(self, vertex: int) -> float:
        """As `losses`, of one vertex."""
        sums = self.arrays["batch_sums"][vertex].tolist()
        if not all(map(math.isfinite, sums)):
            return math.nan
        return math.fsum(sums) / (math.fsum(self.counts.tolist()) or 1.0)

    def losses(self, vertices: Sequence[int] | np.ndarray | slice = slice(None)) -> np.ndarray:
        """Mean losses, NaN where they are not finite."""
        return mean_losses(self.arrays["batch_sums"][vertices], self.counts)

    def landscape(
        self,
        values: np.ndarray,
        axes: tuple[np.ndarray, ...],
        labels: tuple[str, ...],
        provenance: dict[str, Any],
    ) -> Landscape:
        grids = {name: rows.reshape(*self._shape, *rows.shape[1:]) for name, rows in self.arrays.items()}
        batch_losses = grids["batch_sums"]
        if self.counts.any():  # else the loss is a sum over the data
            batch_losses = batch_losses / np.where(self.counts > 0, self.counts, np.nan)
        metrics = {name: grids[f"metric_{i}"] for i, name in enumerate(self._names)}
        slopes = grids.get("gradients")
        return Landscape(values, axes, labels, metrics, batch_losses, self.counts, provenance, slopes)


def _spread(
    objective: Objective,
    subspace: Subspace,
    axes: tuple[np.ndarray, ...],
    levels: list[Level],
    rows: _Rows,
    executor: Executor,
    gradients: bool,
    cancel: CancelSignal | None,
) -> Generator[Chunk, None, None]:
    """Yield chunks from an executor: first what a store has, then what the workers send."""
    shape = tuple(len(axis) for axis in axes)
    number = np.concatenate([np.full(len(level.vertices), i) for i, level in enumerate(levels)])
    order = np.concatenate([level.vertices for level in levels])
    for i, level in enumerate(levels):
        known = level.vertices[rows.done[level.vertices]]
        if len(known):
            yield i, known, rows.losses(known)
    missing = ~rows.done[order]
    number, order = number[missing], order[missing]
    indices = np.unravel_index(order, shape)
    coordinates = np.stack([axis[i] for axis, i in zip(axes, indices, strict=True)], axis=1)
    for positions, points in spread(
        executor, objective, subspace, coordinates, gradients=gradients, cancel=cancel
    ):
        for position, point in zip(positions, points, strict=True):
            rows.put(int(order[position]), point)
        for i in np.unique(number[positions]):
            vertices = order[positions[number[positions] == i]]
            yield int(i), vertices, rows.losses(vertices)


def _settings(
    objective: Objective, subspace: Subspace, axes: tuple[np.ndarray, ...], gradients: bool
) -> dict[str, Any]:
    """What decides the values, for a store: functions cannot be hashed, so two losses stand for them."""
    digest = hashlib.sha256()
    subspace.feed(digest)
    at = objective.evaluator(subspace)
    origin = at(np.zeros(subspace.dim))
    spot = np.random.default_rng(0).uniform(-0.5, 0.5, subspace.dim) * [axis[-1] for axis in axes]
    described = {k: v for k, v in objective.description.items() if k != "device"}
    return {
        **described,
        "subspace_sha256": digest.hexdigest()[:16],
        "labels": list(subspace.labels),
        "axes": [axis.tolist() for axis in axes],
        "metrics": objective.metric_names,
        "gradients": gradients,
        "batch_counts": origin.counts.tolist(),
        "origin_loss": origin.loss,
        "probe_loss": at(spot).loss,
    }
