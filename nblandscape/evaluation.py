"""Losses at other points: the shell whose parameters move."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import nn

from nblandscape import channels_last
from nblandscape.batched import Batched, can_be_batched
from nblandscape.graphs import parameters_of
from nblandscape.losses import BatchLoss
from nblandscape.replica import Layout, as_reals, evaluation_shell, own_statistics, recalibrate
from nblandscape.seeded_rows import SeededRows

Statistics = Mapping[
    str, tuple[torch.Tensor, torch.Tensor]
]  # buffer's name to origin and directions (d, ...)


class Point:
    """Losses at one point: sums (b,) and counts (b,) per batch, slopes (d,) if asked for.

    `measured` has the same two of every metric.
    """

    __slots__ = ("counts", "gradient", "measured", "sums")

    def __init__(
        self,
        sums: np.ndarray,
        counts: np.ndarray,
        measured: Mapping[str, tuple[np.ndarray, np.ndarray]],
        gradient: np.ndarray | None = None,
    ) -> None:
        self.sums, self.counts, self.measured, self.gradient = sums, counts, measured, gradient

    @property
    def loss(self) -> float:
        """Mean over all samples."""
        return math.fsum(self.sums) / (math.fsum(self.counts) or 1.0)

    @property
    def metrics(self) -> dict[str, float]:
        """Means over all samples."""
        return {
            name: math.fsum(sums) / (math.fsum(counts) or 1.0)
            for name, (sums, counts) in self.measured.items()
        }


class Evaluation:
    """Forward passes at any parameters; not thread-safe, the objective's lock guards it."""

    def __init__(
        self,
        graph_shell: nn.Module,
        layout: Layout,
        batch_loss: BatchLoss,
        metrics: Mapping[str, BatchLoss],
        batches: Sequence[Any],
        context: Callable[..., AbstractContextManager[None]],
        *,
        recalibrated: bool = False,
    ) -> None:
        self._recalibrated = recalibrated
        self._layout, self._batch_loss, self._metrics = layout, batch_loss, metrics
        self._batches, self._context = batches, context
        self._forward_batches = batches  # the same in the layout for passes without gradients
        self._buffers = layout.buffers()
        views = zip((slot.name for slot in layout.slots), layout.views(self._buffers), strict=True)
        self._shell = evaluation_shell(graph_shell, dict(views))
        self._own_statistics = recalibrated
        if recalibrated:
            own_statistics(self._shell)
        self._parameters = parameters_of(self._shell, layout)
        self._needs_grad = False

    def probe(self, weights: Sequence[torch.Tensor]) -> None:
        """Find out whether the loss differentiates inside (physics-informed networks): it needs gradients.

        Otherwise, find out whether forward passes can have their images in channels-last.
        """
        with torch.no_grad():
            for view, weight in zip(self._layout.views(self._buffers), weights, strict=True):
                view.copy_(weight)
        self._settle()
        operations = channels_last.Operations()
        try:
            with operations:
                self._try_first_batch()
        except RuntimeError:
            self._needs_grad = True
            self._try_first_batch()
        else:
            if operations.gain(self._batches):
                self._try_channels_last()

    def _try_first_batch(self) -> None:
        with self._context(gradients=self._needs_grad):
            for function in (self._batch_loss, *self._metrics.values()):
                function(self._shell, self._batches[0])

    def _try_channels_last(self) -> None:
        """Use images in channels-last if the model takes them and its losses stay the same."""
        try:
            # In another shell: a pass that fails half-way may leave traces in its own.
            shell = evaluation_shell(self._shell, dict(self._shell.named_parameters()))
            batches = channels_last.converted(self._batches)
            with self._context(gradients=False):
                for function in (self._batch_loss, *self._metrics.values()):
                    for number in channels_last.kinds(self._batches):
                        plain = function(shell, self._batches[number])
                        if not channels_last.same(plain, function(shell, batches[number])):
                            return
        except Exception:  # noqa: BLE001 - from the middle of the user's code, which does take plain images
            return
        self._forward_batches = batches

    def line(
        self,
        origin: torch.Tensor | Sequence[torch.Tensor],
        directions: torch.Tensor,
        *,
        gradients: bool = False,
        statistics: Statistics | None = None,
    ) -> Callable[[torch.Tensor], Point]:
        """Return a function from coordinates (d,) float64 to losses, always starting from the origin.

        That is flat, (n,), or tensors in slot order, which are not copied.

        With `gradients`, one backward pass per batch adds the slopes along the directions. With `statistics`,
        buffers move too; the point is a hole where a variance would be negative. `no_grad` rather than
        `inference_mode`, whose tensors would poison caches that later graphs need.
        """
        displace = self._displacement(origin, directions.detach())
        wide = directions.to(torch.float64) if gradients else None

        def evaluate(alpha: torch.Tensor) -> Point:
            displace(self._buffers, alpha)
            self._settle()
            if wide is not None:
                return self._with_slopes(wide)
            with self._context(gradients=self._needs_grad):
                return self._evaluate()

        def with_statistics(alpha: torch.Tensor) -> Point:
            assert statistics is not None
            with self._moved_statistics(statistics, alpha) as possible:
                point = evaluate(alpha)
            if possible:
                return point
            holes = np.full_like(point.sums, np.nan)
            return Point(holes, point.counts, {name: (holes, c) for name, (_, c) in point.measured.items()})

        return with_statistics if statistics else evaluate

    def regenerated_line(
        self, weights: Sequence[torch.Tensor], rows: SeededRows
    ) -> Callable[[torch.Tensor], Point]:
        """Return `line` for directions that are drawn anew at every point, and never exist as a whole."""
        views = self._layout.views(self._buffers)

        def evaluate(alpha: torch.Tensor) -> Point:
            with torch.no_grad():
                for number, (view, weight) in enumerate(zip(views, weights, strict=True)):
                    view.copy_(weight)
                    rows.add_to(view, number, alpha.tolist())
            self._settle()
            with self._context(gradients=self._needs_grad):
                return self._evaluate()

        return evaluate

    def block(
        self, origin: torch.Tensor | Sequence[torch.Tensor], directions: torch.Tensor
    ) -> Callable[[torch.Tensor], list[Point]] | None:
        """Return `line` for many coordinates (k, d) at once, None where that cannot be."""
        if self._recalibrated or self._needs_grad or not can_be_batched(self._shell):
            return None
        displace = self._displacement(origin, directions.detach())
        views = zip(
            (slot.name for slot in self._layout.slots), self._layout.views(self._buffers), strict=True
        )
        functions = (self._batch_loss, *self._metrics.values())
        batched = Batched(evaluation_shell(self._shell, dict(views)), self._layout, functions, self._context)

        def evaluate(alphas: torch.Tensor) -> list[Point]:
            buffers = self._layout.buffers(len(alphas))
            for number, alpha in enumerate(alphas):  # the very weights of `line`
                displace({dtype: rows[number] for dtype, rows in buffers.items()}, alpha)
            found = [[batched(i, batch, buffers) for batch in self._batches] for i in range(len(functions))]
            (sums, counts), *others = (
                (np.stack([s for s, _ in parts], axis=1), np.array([c for _, c in parts])) for parts in found
            )
            named = dict(zip(self._metrics, others, strict=True))
            return [
                Point(sums[k], counts, {name: (s[k], c) for name, (s, c) in named.items()})
                for k in range(len(alphas))
            ]

        return evaluate

    def _displacement(
        self, origin: torch.Tensor | Sequence[torch.Tensor], directions: torch.Tensor
    ) -> Callable[[Mapping[torch.dtype, torch.Tensor], torch.Tensor], None]:
        """Return what sets buffers to the origin plus coordinates (d,) times the directions.

        Runs of slots that lie together in a flat origin and in a buffer are moved in one piece. Parts of the
        origin and of the directions that have a buffer's type are views.
        """
        if isinstance(origin, torch.Tensor):
            flat = origin.detach()
            places = [(*run, flat[run[1] : run[1] + run[3]]) for run in self._layout.runs()]
        else:
            slots = zip(self._layout.slots, origin, strict=True)
            places = [(s.dtype, s.start, s.offset, s.length, as_reals(w.detach())) for s, w in slots]
        pieces = [
            (dtype, offset, length, part.to(dtype), directions[:, start : start + length].T.to(dtype))
            for dtype, start, offset, length, part in places
        ]

        def displace(buffers: Mapping[torch.dtype, torch.Tensor], alpha: torch.Tensor) -> None:
            with torch.no_grad():
                for dtype, offset, length, start, columns in pieces:
                    target = buffers[dtype][offset : offset + length]
                    torch.addmv(start, columns, alpha.to(target.device, dtype), out=target)

        return displace

    @contextlib.contextmanager
    def _moved_statistics(self, statistics: Statistics, alpha: torch.Tensor) -> Iterator[bool]:
        """Set buffers to their values at coordinates, then back; whether all variances are possible."""
        if not self._own_statistics:
            own_statistics(self._shell)
            self._own_statistics = True
        buffers = dict(self._shell.named_buffers())
        kept = {name: buffers[name].clone() for name in statistics}
        possible = True
        try:
            with torch.no_grad():
                for name, (start, rows) in statistics.items():
                    value = start + torch.tensordot(alpha.to(rows), rows, dims=1)
                    possible = possible and not (name.endswith("running_var") and bool((value < 0).any()))
                    buffers[name].copy_(value)
            yield possible
        finally:
            with torch.no_grad():
                for name, value in kept.items():
                    buffers[name].copy_(value)

    def _with_slopes(self, directions: torch.Tensor) -> Point:
        sums, counts, gradient = self._sums_and_gradient()
        with self._context(gradients=self._needs_grad):
            measured = self._measured()
        slopes = directions @ gradient / (math.fsum(counts) or 1.0)
        return Point(np.array(sums), np.array(counts), measured, np.asarray(slopes.cpu()))

    def at(self, flat: torch.Tensor) -> Point:
        """Losses at parameters (n,)."""
        self._move(flat)
        with self._context(gradients=self._needs_grad):
            return self._evaluate()

    def value_and_gradient(self, flat: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Summed loss and its gradient (n,) float64 at parameters (n,)."""
        self._move(flat)
        sums, _, gradient = self._sums_and_gradient()
        return math.fsum(sums), gradient

    def _sums_and_gradient(self) -> tuple[list[float], list[float], torch.Tensor]:
        sums, counts = [], []
        gradient = torch.zeros(self._layout.size, dtype=torch.float64, device=self._layout.device)
        for parameter in self._parameters:
            parameter.requires_grad_(True)
        try:
            for batch in self._batches:
                with self._context(gradients=True):
                    total, count = self._batch_loss(self._shell, batch)
                    parts = torch.autograd.grad(total, self._parameters, materialize_grads=True)
                sums.append(float(total.detach()))
                counts.append(float(count))
                gradient += self._layout.gather(parts).to(torch.float64)
        finally:
            for parameter in self._parameters:
                parameter.requires_grad_(False)
        return sums, counts, gradient

    def state_at(
        self, flat: torch.Tensor, statistics: Statistics | None = None, alpha: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """State dict at parameters (n,); its parameters are overwritten by the next evaluation."""
        self._move(flat)
        state: dict[str, torch.Tensor] = self._shell.state_dict()
        for name, (start, rows) in (statistics or {}).items():
            assert alpha is not None
            state[name] = (start + torch.tensordot(alpha.to(rows), rows, dims=1)).to(state[name])
        return state

    def _move(self, flat: torch.Tensor) -> None:
        for dtype, start, offset, length in self._layout.runs():
            self._buffers[dtype][offset : offset + length].copy_(flat[start : start + length])
        self._settle()

    def _settle(self) -> None:
        """Re-estimate BatchNorm statistics at the new weights, if that is the policy."""
        if self._recalibrated:
            with self._context(gradients=False):
                recalibrate(self._shell, self._pass)

    def _pass(self) -> None:
        for batch in self._forward_batches:
            self._batch_loss(self._shell, batch)

    def _evaluate(self) -> Point:
        return Point(*self._parts(self._batch_loss), self._measured())

    def _measured(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        return {name: self._parts(function) for name, function in self._metrics.items()}

    def _parts(self, function: BatchLoss) -> tuple[np.ndarray, np.ndarray]:
        """Sums and counts of every batch."""
        sums, counts = [], []
        for batch in self._forward_batches:
            total, count = function(self._shell, batch)
            sums.append(float(total.detach()))
            counts.append(float(count))
        return np.array(sums), np.array(counts)
