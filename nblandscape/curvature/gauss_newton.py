"""Curvature matrices beside the Hessian: Gauss–Newton and the empirical Fisher matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from nblandscape.curvature.operator import require_objective

if TYPE_CHECKING:
    from nblandscape.objective import Objective


class GaussNewtonOperator:
    """The Gauss–Newton matrix J^T L'' J: the Hessian without the curvature of the model itself.

    J is the derivative of the model's outputs and L'' the second derivative of the loss in the outputs.
    Positive semidefinite for a convex loss; for a linear model it is the Hessian, for softmax
    cross-entropy the Fisher matrix.

    Parameters
    ----------
    objective : Objective
        Made with ``loss(output, target)``, and a model whose output is one tensor.

    Notes
    -----
    N. N. Schraudolph, Neural Computation 14 (2002) 1723, equation 11.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    >>> v = torch.tensor([[1.0, 2.0]])
    >>> bool(torch.allclose(GaussNewtonOperator(objective).product(v), objective.hvp(v)))
    True
    """

    def __init__(self, objective: Objective) -> None:
        require_objective(objective, type(self).__name__)
        self.objective = objective
        self.size, self.dtype, self.device = objective.num_parameters, objective.dtype, objective.device

    def product(self, V: torch.Tensor) -> torch.Tensor:
        """Multiply every row of V, shape (k, n), by the matrix."""
        return self.objective.gnvp(V)


class FisherOperator:
    """The empirical Fisher matrix: the mean of g_i g_i^T over the gradients of the samples' losses.

    Parameters
    ----------
    objective : Objective
        Made with ``loss(output, target)``.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.ones_(model.weight)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(3, 1), torch.zeros(3, 1)))
    >>> FisherOperator(objective).product(torch.ones(1, 1))  # every sample's gradient is 2
    tensor([[4.]])
    """

    def __init__(self, objective: Objective) -> None:
        require_objective(objective, type(self).__name__)
        self.objective = objective
        self.size, self.dtype, self.device = objective.num_parameters, objective.dtype, objective.device

    def product(self, V: torch.Tensor) -> torch.Tensor:
        """Multiply every row of V, shape (k, n), by the matrix."""
        return self.objective.fvp(V)
