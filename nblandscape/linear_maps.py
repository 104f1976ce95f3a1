"""The derivative of an output z(theta) as a linear map, from one kept graph: J v and its transpose.

J v is a derivative of the transpose, d/du (J^T u) . v at any u, so that no forward-mode rule is needed and
attention and custom operations work that have a backward of a backward only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from nblandscape.losses import OutputLoss
from nblandscape.replica import Layout


@dataclass(frozen=True, eq=False)
class LinearMap:
    """The Jacobian J of one batch's output, and the inner factor G of the product J^T G J.

    Attributes
    ----------
    output : torch.Tensor
        z, with its graph.
    parameters : sequence of tensors
    inner : callable
        G applied to something of the shape of z.
    """

    output: torch.Tensor
    parameters: Sequence[torch.Tensor]
    dummy: torch.Tensor
    transposed: tuple[torch.Tensor, ...]  # J^T u with its graph in u
    inner: Callable[[torch.Tensor], torch.Tensor]

    @classmethod
    def of(
        cls,
        output: torch.Tensor,
        parameters: Sequence[torch.Tensor],
        inner: Callable[[torch.Tensor], torch.Tensor],
    ) -> "LinearMap":
        """Linearise an output."""
        dummy = torch.zeros_like(output, requires_grad=True)
        transposed = torch.autograd.grad(output, parameters, dummy, create_graph=True, materialize_grads=True)
        return cls(output, parameters, dummy, transposed, inner)

    def product(self, vector: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """J^T G J times a vector, given and returned as tensors of the parameters' shapes."""
        linked = [(t, v) for t, v in zip(self.transposed, vector, strict=True) if t.requires_grad]
        if not linked:
            return tuple(torch.zeros_like(p) for p in self.parameters)
        (forward,) = torch.autograd.grad(
            [t for t, _ in linked], self.dummy, [v for _, v in linked], retain_graph=True
        )
        return torch.autograd.grad(
            self.output, self.parameters, self.inner(forward), retain_graph=True, materialize_grads=True
        )


def gauss_newton_map(
    loss: OutputLoss, output: Any, target: Any, parameters: Sequence[torch.Tensor]
) -> LinearMap:
    """J of the model's output and G, the Hessian of the summed loss with respect to it.

    Raises
    ------
    TypeError
        The output is not one tensor.
    """
    if not isinstance(output, torch.Tensor):
        raise TypeError(
            f"The model's output is a {type(output).__name__}; a Gauss–Newton product needs one tensor."
        )
    fixed = output.detach().requires_grad_(True)
    total, _ = loss.of(fixed, target)
    (slope,) = torch.autograd.grad(total, fixed, create_graph=True)

    def inner(z: torch.Tensor) -> torch.Tensor:
        if not slope.requires_grad:  # the loss is linear in the output
            return torch.zeros_like(z)
        return torch.autograd.grad(slope, fixed, z, retain_graph=True, materialize_grads=True)[0]

    return LinearMap.of(output, parameters, inner)


def fisher_map(loss: OutputLoss, output: Any, target: Any, parameters: Sequence[torch.Tensor]) -> LinearMap:
    """J of the samples' losses with G = 1: J^T J is the sum of the outer products of their gradients."""
    return LinearMap.of(loss.per_sample(output, target), parameters, lambda z: z)


def product_of(maps: Any, vectors: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Sum over the batches of J^T G J times the rows of (k, n), float64."""
    outputs = [layout.split(vector) for vector in vectors]
    total = torch.zeros(vectors.shape, dtype=torch.float64, device=layout.device)
    for linear in maps:
        for row, out in zip(total, outputs, strict=True):
            row += layout.gather(linear.product(out)).to(torch.float64)
    return total
