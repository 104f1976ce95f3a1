"""Losses at other points: the shell whose parameters move."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import nn

from nblandscape.losses import BatchLoss
from nblandscape.replica import Layout, evaluation_shell


class Point:
    """Losses at one point: sums (b,) and counts (b,) per batch, and metrics."""

    __slots__ = ("counts", "metrics", "sums")

    def __init__(self, sums: np.ndarray, counts: np.ndarray, metrics: dict[str, float]) -> None:
        self.sums, self.counts, self.metrics = sums, counts, metrics

    @property
    def loss(self) -> float:
        """Mean over all samples."""
        return math.fsum(self.sums) / (math.fsum(self.counts) or 1.0)


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
    ) -> None:
        self._layout, self._batch_loss, self._metrics = layout, batch_loss, metrics
        self._batches, self._context = batches, context
        self._buffers = layout.buffers()
        views = zip((slot.name for slot in layout.slots), layout.views(self._buffers), strict=True)
        self._shell = evaluation_shell(graph_shell, dict(views))
        named = dict(self._shell.named_parameters())
        self._parameters = [named[slot.name] for slot in layout.slots]
        self._needs_grad = False

    def probe(self, flat: torch.Tensor) -> None:
        """Find out whether the loss differentiates inside (physics-informed networks): it needs gradients."""
        self._move(flat)
        try:
            self._try_first_batch()
        except RuntimeError:
            self._needs_grad = True
            self._try_first_batch()

    def _try_first_batch(self) -> None:
        with self._context(gradients=self._needs_grad):
            for function in (self._batch_loss, *self._metrics.values()):
                function(self._shell, self._batches[0])

    def line(self, origin: torch.Tensor, directions: torch.Tensor) -> Callable[[torch.Tensor], Point]:
        """Return a function from coordinates (d,) float64 to losses, always starting from the origin.

        `no_grad` rather than `inference_mode`, whose tensors would poison caches that later graphs need.
        """
        starts = self._layout.scatter(origin)
        columns = {dtype: rows.T for dtype, rows in self._layout.scatter(directions).items()}

        def evaluate(alpha: torch.Tensor) -> Point:
            with self._context(gradients=self._needs_grad):
                with torch.no_grad():
                    for dtype, buffer in self._buffers.items():
                        torch.addmv(starts[dtype], columns[dtype], alpha.to(buffer.device, dtype), out=buffer)
                return self._evaluate()

        return evaluate

    def at(self, flat: torch.Tensor) -> Point:
        """Losses at parameters (n,)."""
        self._move(flat)
        with self._context(gradients=self._needs_grad):
            return self._evaluate()

    def value_and_gradient(self, flat: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Summed loss and its gradient (n,) float64 at parameters (n,)."""
        self._move(flat)
        sums = []
        gradient = torch.zeros(self._layout.size, dtype=torch.float64, device=self._layout.device)
        for parameter in self._parameters:
            parameter.requires_grad_(True)
        try:
            for batch in self._batches:
                with self._context(gradients=True):
                    total, _ = self._batch_loss(self._shell, batch)
                    parts = torch.autograd.grad(total, self._parameters, materialize_grads=True)
                sums.append(float(total.detach()))
                gradient += self._layout.gather(parts).to(torch.float64)
        finally:
            for parameter in self._parameters:
                parameter.requires_grad_(False)
        return math.fsum(sums), gradient

    def state_at(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """State dict at parameters (n,); its tensors are overwritten by the next evaluation."""
        self._move(flat)
        state: dict[str, torch.Tensor] = self._shell.state_dict()
        return state

    def _move(self, flat: torch.Tensor) -> None:
        for dtype, buffer in self._layout.scatter(flat).items():
            self._buffers[dtype].copy_(buffer)

    def _evaluate(self) -> Point:
        sums, counts = [], []
        for batch in self._batches:
            total, count = self._batch_loss(self._shell, batch)
            sums.append(float(total.detach()))
            counts.append(float(count))
        metrics = {}
        for name, function in self._metrics.items():
            parts = [function(self._shell, batch) for batch in self._batches]
            metrics[name] = sum(float(p.detach()) for p, _ in parts) / (sum(c for _, c in parts) or 1.0)
        return Point(np.array(sums), np.array(counts), metrics)
