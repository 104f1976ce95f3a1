"""Symmetric operators: the one thing an eigensolver may know about a loss."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch


@runtime_checkable
class SymmetricOperator(Protocol):
    """A symmetric n x n matrix known by its products."""

    @property
    def size(self) -> int:
        """Return n."""

    @property
    def dtype(self) -> torch.dtype:
        """Return the type of the vectors."""

    @property
    def device(self) -> torch.device:
        """Return where the vectors live."""

    def product(self, V: torch.Tensor) -> torch.Tensor:
        """Multiply every row of V, shape (k, n), by the matrix."""


@runtime_checkable
class HasHessian(Protocol):
    """What an objective must offer to have a spectrum."""

    @property
    def num_parameters(self) -> int:
        """Return the number of parameters, n."""

    @property
    def dtype(self) -> torch.dtype:
        """Return the type of the parameter vector."""

    @property
    def device(self) -> torch.device:
        """Return where the parameter vector lives."""

    def hvp(self, V: torch.Tensor) -> torch.Tensor:
        """Multiply every row of V, shape (k, n), by the Hessian of the loss."""


class HessianOperator:
    """The Hessian of an objective at its parameters.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(1, 1), torch.zeros(1, 1)))
    >>> HessianOperator(objective).product(torch.ones(1, 1))  # the loss is the weight squared
    tensor([[2.]])
    """

    def __init__(self, objective: HasHessian) -> None:
        self.objective = objective
        self.size = int(objective.num_parameters)
        self.dtype = objective.dtype
        self.device = torch.device(objective.device)

    def product(self, V: torch.Tensor) -> torch.Tensor:
        """Multiply every row of V, shape (k, n), by the Hessian."""
        return self.objective.hvp(V)


class DenseOperator:
    """A matrix that is held in memory: for lessons, tests and small problems.

    Examples
    --------
    >>> DenseOperator(torch.tensor([[2.0, 1.0], [1.0, 0.0]])).product(torch.tensor([[1.0, -1.0]]))
    tensor([[1., 1.]])
    """

    def __init__(self, matrix: torch.Tensor) -> None:
        self.matrix = matrix
        self.size = matrix.shape[0]
        self.dtype = matrix.dtype
        self.device = matrix.device

    def product(self, V: torch.Tensor) -> torch.Tensor:
        """Multiply every row of V, shape (k, n), by the matrix."""
        return V @ self.matrix


def as_operator(x: Any) -> SymmetricOperator:
    """Turn an objective, an operator or a symmetric matrix into an operator.

    Parameters
    ----------
    x
        An objective (``hvp``, ``num_parameters``, ``dtype``, ``device``), an operator (``product``, ``size``,
        ``dtype``, ``device``), or a symmetric matrix, shape (n, n): tensor, array or nested list.

    Raises
    ------
    ValueError
        If the matrix is empty, not square, not real or not symmetric, or the objective has no parameters.

    Examples
    --------
    >>> as_operator([[2.0, 1.0], [1.0, 0.0]]).product(torch.eye(2, dtype=torch.float64))
    tensor([[2., 1.],
            [1., 0.]], dtype=torch.float64)
    """
    operator: SymmetricOperator
    if isinstance(x, SymmetricOperator):
        operator = x
    elif isinstance(x, HasHessian):
        operator = HessianOperator(x)
    else:
        operator = DenseOperator(_symmetric(x))
    if operator.size < 1:
        raise ValueError("the objective has 0 parameters: pass parameters= that select at least one")
    return operator


def require_objective(x: Any, what: str) -> None:
    """Raise `ValueError` for what has products but no losses.

    Examples
    --------
    >>> require_objective([[1.0]], "sharpness")
    Traceback (most recent call last):
    ValueError: sharpness needs an Objective, not list: make one with Objective(model, loss, batches)
    """
    if getattr(x, "point", None) is None:
        raise ValueError(
            f"{what} needs an Objective, not {type(x).__name__}: "
            "make one with Objective(model, loss, batches)"
        )


def _symmetric(x: Any) -> torch.Tensor:
    try:
        matrix = x.detach() if isinstance(x, torch.Tensor) else torch.as_tensor(np.asarray(x))
    except TypeError as error:
        raise ValueError(
            f"a spectrum needs an objective, an operator or a symmetric matrix, not {type(x).__name__}"
        ) from error
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.numel() == 0:
        raise ValueError(f"a spectrum needs a square matrix, shape (n, n), not {tuple(matrix.shape)}")
    if matrix.is_complex():
        raise ValueError("the matrix is complex: pass a real symmetric one")
    if not matrix.is_floating_point():
        matrix = matrix.to(torch.float64)
    defect, scale = float((matrix - matrix.T).abs().max()), float(matrix.abs().max())
    if defect > torch.finfo(matrix.dtype).eps ** 0.5 * scale:
        raise ValueError(f"the matrix is not symmetric (defect {defect:.1e}): pass (A + A.T) / 2")
    return matrix
