"""Autograd graphs of the pinned batches, kept so that a product costs one more backward pass."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from nblandscape.batches import batch_size
from nblandscape.losses import BatchLoss
from nblandscape.memory import free_memory
from nblandscape.replica import Layout

_SHARE = 0.25  # of the free memory may be taken by kept graphs

T = TypeVar("T")
Context = Callable[..., AbstractContextManager[None]]


class KeptGraphs(Generic[T]):
    """What `build` makes of every batch: kept for as many batches as fit into a budget, else built anew.

    The size of a graph is measured on the first batch and scaled by the number of samples for the others.
    """

    def __init__(
        self, build: Callable[[Any], T], batches: Sequence[Any], device: torch.device, budget: int | None
    ) -> None:
        self._build, self._batches, self._device, self._budget = build, batches, device, budget
        self._kept: dict[int, T] = {}
        self._bytes_per_sample: float | None = None

    def __iter__(self) -> Iterator[T]:
        left = self._left()
        for number, batch in enumerate(self._batches):
            if number in self._kept:
                yield self._kept[number]
                continue
            graph = self._build(batch)
            if left > 0:
                left -= self.bytes_of(batch)
                if left >= 0:
                    self._kept[number] = graph
            yield graph

    @property
    def kept(self) -> int:
        """Number of batches whose graph is kept."""
        return len(self._kept)

    def bytes_of(self, batch: Any) -> float:
        """Predicted size of a batch's graph."""
        if self._bytes_per_sample is None:
            first = self._batches[0]
            self._bytes_per_sample = self._measured(first) / (batch_size(first) or 1)
        return self._bytes_per_sample * (batch_size(batch) or 1)

    def total_bytes(self) -> int:
        """Predicted size of all batches' graphs."""
        return int(sum(self.bytes_of(batch) for batch in self._batches))

    def clear(self) -> None:
        """Drop the kept graphs: the weights are about to change."""
        self._kept = {}

    def _left(self) -> float:
        """Bytes that may still be taken."""
        if len(self._kept) == len(self._batches) or self._budget == 0:
            return 0.0
        spent = sum(self.bytes_of(self._batches[number]) for number in self._kept)
        whole = _SHARE * (free_memory(self._device) + spent) if self._budget is None else self._budget
        return whole - spent

    def _measured(self, batch: Any) -> int:
        """Bytes of the distinct tensors that a graph keeps alive, from building one and dropping it."""
        storages: dict[int, int] = {}

        def note(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
            return tensor.detach()

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            graph = self._build(batch)
        for tensor in graph if isinstance(graph, tuple) else ():
            note(tensor)
        return sum(storages.values())


class GradientGraphs:
    """First and second derivatives of the summed loss at a shell's fixed weights."""

    def __init__(
        self,
        shell: nn.Module,
        batch_loss: BatchLoss,
        batches: Sequence[Any],
        layout: Layout,
        context: Context,
        budget: int | None = None,
    ) -> None:
        self._parameters = parameters_of(shell, layout)
        self._layout = layout
        # Not a method of this object: a cycle would keep the shell until a garbage collection.
        build = partial(_graph_of, shell, batch_loss, self._parameters, context)
        self.graphs = KeptGraphs(build, batches, layout.device, budget)

    def clear(self) -> None:
        """Drop the kept graphs: the weights are about to change."""
        self.graphs.clear()

    def gradient(self) -> torch.Tensor:
        """Gradient of the summed loss, (n,) float64."""
        total = self._zeros()
        for gradients in self.graphs:
            total += self._layout.gather([g.detach() for g in gradients]).to(torch.float64)
        return total

    def product(self, vectors: torch.Tensor) -> torch.Tensor:
        """Hessian of the summed loss times the rows of (k, n), float64.

        Row by row: a batched backward pass (`is_grads_batched`) took 1.2 to 2.3 times as long on a CPU.
        """
        outputs = [self._layout.split(vector) for vector in vectors]
        total = torch.zeros(vectors.shape, dtype=torch.float64, device=self._layout.device)
        for gradients in self.graphs:
            for row, out in zip(total, outputs, strict=True):
                row += self._pullback(gradients, out)
        return total

    def batch_slopes(self, vectors: torch.Tensor) -> torch.Tensor:
        """Gradient of each batch's summed loss along the vectors (k, n): (k, b) float64."""
        wide = vectors.to(torch.float64)
        columns = [
            wide @ self._layout.gather([g.detach() for g in gradients]).to(torch.float64)
            for gradients in self.graphs
        ]
        return torch.stack(columns, dim=1)

    def batch_curvatures(self, vectors: torch.Tensor) -> torch.Tensor:
        """Quadratic forms v H_b v of each batch's summed loss, (k, b) float64."""
        outputs = [self._layout.split(vector) for vector in vectors]
        wide = vectors.to(torch.float64)
        columns = []
        for gradients in self.graphs:
            rows = [self._pullback(gradients, out) @ v for out, v in zip(outputs, wide, strict=True)]
            columns.append(torch.stack(rows))
        return torch.stack(columns, dim=1)

    def _pullback(self, gradients: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """One batch's product, (n,) float64."""
        linked = [(g, v) for g, v in zip(gradients, outputs, strict=True) if g.requires_grad]
        if not linked:  # the loss is linear in the parameters
            return self._zeros()
        with _second_derivatives():
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


def _graph_of(
    shell: nn.Module, batch_loss: BatchLoss, parameters: Sequence[torch.Tensor], context: Context, batch: Any
) -> tuple[torch.Tensor, ...]:
    """Gradient of one batch's summed loss, with its graph."""
    with context(gradients=True):
        total, _ = batch_loss(shell, batch)
        with _second_derivatives():
            return torch.autograd.grad(total, parameters, create_graph=True, materialize_grads=True)


@contextlib.contextmanager
def _second_derivatives() -> Iterator[None]:
    """Name the remedy when an operation has no second derivative."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, NotImplementedError) as error:
        raise RuntimeError(
            f"The loss cannot be differentiated twice: {str(error).splitlines()[0]} Replace the operation, "
            'or make the objective with products="finite-difference", which needs first derivatives only.'
        ) from error


def parameters_of(shell: nn.Module, layout: Layout) -> list[torch.Tensor]:
    """The analysed parameters of a shell in slot order."""
    named = dict(shell.named_parameters())
    return [named[slot.name] for slot in layout.slots]


def nodes_of(output: torch.Tensor) -> Iterator[Any]:
    """Nodes of the graph behind an output."""
    seen: set[Any] = set()
    stack = [output.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        stack.extend(parent for parent, _ in node.next_functions)
