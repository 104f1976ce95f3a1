"""Gradient graphs of the pinned batches, kept so that a Hessian product costs one more backward pass."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from nblandscape.losses import BatchLoss
from nblandscape.replica import Layout

_SHARE = 0.25  # of the free memory may be taken by kept graphs


class GradientGraphs:
    """First and second derivatives of the summed loss at a shell's fixed weights."""

    def __init__(
        self,
        shell: nn.Module,
        batch_loss: BatchLoss,
        batches: Sequence[Any],
        layout: Layout,
        context: Callable[..., AbstractContextManager[None]],
    ) -> None:
        named = dict(shell.named_parameters())
        self._parameters = [named[slot.name] for slot in layout.slots]
        self._shell, self._batch_loss, self._batches = shell, batch_loss, batches
        self._layout, self._context = layout, context
        self._kept: list[tuple[torch.Tensor, ...]] | None = None

    def clear(self) -> None:
        """Drop the kept graphs: the weights are about to change."""
        self._kept = None

    def gradient(self) -> torch.Tensor:
        """Gradient of the summed loss, (n,) float64."""
        total = self._zeros()
        for gradients in self._graphs():
            total += self._layout.gather([g.detach() for g in gradients]).to(torch.float64)
        return total

    def product(self, vector: torch.Tensor) -> torch.Tensor:
        """Hessian of the summed loss times a vector (n,), float64."""
        outputs = self._layout.split(vector)
        total = self._zeros()
        for gradients in self._graphs():
            total += self._pullback(gradients, outputs)
        return total

    def batch_slopes(self, vectors: torch.Tensor) -> torch.Tensor:
        """Gradient of each batch's summed loss along the vectors (k, n): (k, b) float64."""
        wide = vectors.to(torch.float64)
        columns = [
            wide @ self._layout.gather([g.detach() for g in gradients]).to(torch.float64)
            for gradients in self._graphs()
        ]
        return torch.stack(columns, dim=1)

    def batch_curvatures(self, vectors: torch.Tensor) -> torch.Tensor:
        """Quadratic forms v H_b v of each batch's summed loss, (k, b) float64."""
        outputs = [self._layout.split(vector) for vector in vectors]
        wide = vectors.to(torch.float64)
        columns = []
        for gradients in self._graphs():
            rows = [self._pullback(gradients, out) @ v for out, v in zip(outputs, wide, strict=True)]
            columns.append(torch.stack(rows))
        return torch.stack(columns, dim=1)

    def _pullback(self, gradients: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """One batch's product, (n,) float64."""
        linked = [(g, v) for g, v in zip(gradients, outputs, strict=True) if g.requires_grad]
        if not linked:  # the loss is linear in the parameters
            return self._zeros()
        result = torch.autograd.grad(
            [g for g, _ in linked],
            self._parameters,
            [v for _, v in linked],
            retain_graph=True,
            materialize_grads=True,
        )
        return self._layout.gather(result).to(torch.float64)

    def _zeros(self) -> torch.Tensor:
        return torch.zeros(self._layout.size, dtype=torch.float64, device=self._layout.device)

    def _graphs(self) -> Iterator[tuple[torch.Tensor, ...]]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[tuple[torch.Tensor, ...]] | None = []
        for batch in self._batches:
            if kept == [] and self._size_of(batch) * len(self._batches) > _SHARE * _free_memory(
                self._layout.device
            ):
                kept = None
            gradients = self._graph_of(batch)
            if kept is not None:
                kept.append(gradients)
            yield gradients
        self._kept = kept

    def _graph_of(self, batch: Any) -> tuple[torch.Tensor, ...]:
        with self._context(gradients=True):
            total, _ = self._batch_loss(self._shell, batch)
            return torch.autograd.grad(total, self._parameters, create_graph=True, materialize_grads=True)

    def _size_of(self, batch: Any) -> int:
        """Bytes of the distinct tensors that a graph keeps alive, from building one and dropping it."""
        storages: dict[int, int] = {}

        def note(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
            return tensor.detach()

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            gradients = self._graph_of(batch)
        for tensor in gradients:
            note(tensor)
        return sum(storages.values())


def leaves_of(output: torch.Tensor) -> Iterator[torch.Tensor]:
    """Tensors that a graph would accumulate gradients into."""
    seen: set[Any] = set()
    stack = [output.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        stack.extend(parent for parent, _ in node.next_functions)


def _free_memory(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    with contextlib.suppress(OSError, ValueError), open("/proc/meminfo") as lines:  # noqa: PTH123
        for line in lines:
            if line.startswith("MemAvailable"):
                return float(line.split()[1]) * 1024
    return 4e9
