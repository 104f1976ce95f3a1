"""The result of an eigensolver run: pairs from both ends, each with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(frozen=True, repr=False, eq=False)
class Spectrum:
    """Eigenpairs from both ends of a symmetric operator.

    Python indices count from the ends: 0, 1, ... from the largest value, -1, -2, ... from the smallest. A
    pair is `converged` if its residual is at most ``tol * norm``, and `resolved` if it is at most a tenth of
    its value's magnitude: a small eigenvalue may be converged and yet be known no better than its sign, or
    not even that.

    `density_nodes` and `density_weights` are one sample of the spectral density (Ritz values and squared
    first components of the Lanczos run from a random vector, stochastic Lanczos quadrature); empty after a
    warm start.

    `miss_probability` bounds the probability, over the random vectors drawn, that an eigenvalue beyond the
    last one returned at either end was overlooked (see `hessian_spectrum`).
    """

    values: NDArray[np.float64]  # (k,) descending
    vectors: torch.Tensor  # (k, n) orthonormal rows; the component of largest magnitude is positive
    residuals: NDArray[np.float64]  # (k,) ||H v - l v||
    converged: NDArray[np.bool_]  # (k,)
    resolved: NDArray[np.bool_]  # (k,)
    largest: int  # how many values belong to the upper end
    smallest: int  # how many values belong to the lower end
    norm: float  # estimate of ||H||, from below
    tol: float
    products: int  # Hessian-vector products, everything counted
    symmetry_defect: float  # largest |u^T H v - v^T H u| / norm seen over orthonormal u, v
    miss_probability: float
    seed: int
    density_nodes: NDArray[np.float64]  # (j,) ascending
    density_weights: NDArray[np.float64]  # (j,) sum 1

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        k, n = self.vectors.shape
        head = (
            f"Spectrum: {self.largest} largest and {self.smallest} smallest of {n} eigenvalues\n"
            f"{self.products} products, norm {self.norm:.4g}, tol {self.tol:.0e}, "
            f"symmetry defect {self.symmetry_defect:.0e}, miss probability {self.miss_probability:.0e}"
        )
        rows = [f"{'index':>5}  {'eigenvalue':>13}  {'residual':>9}"]
        for i in range(k):
            index = i if i < self.largest else i - k
            notes = [] if self.converged[i] else ["not converged"]
            notes += [] if self.resolved[i] else ["not resolved"]
            line = f"{index:>5}  {self.values[i]:>13.6g}  {self.residuals[i]:>9.1e}  {', '.join(notes)}"
            rows.append(line.rstrip())
        return "\n".join([head, *rows])


def fix_signs(vectors: torch.Tensor) -> torch.Tensor:
    """Flip rows, shape (k, n), in place so that the component of largest magnitude is positive.

    Examples
    --------
    >>> fix_signs(torch.tensor([[1.0, -2.0], [3.0, 1.0]]))
    tensor([[-1.,  2.],
            [ 3.,  1.]])
    """
    for v in vectors:
        if v[v.abs().argmax()] < 0:
            v.neg_()
    return vectors
