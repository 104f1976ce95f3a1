"""The result of an eigensolver run: pairs from both ends, each with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

_PARALLEL = 0.5  # cosine


@dataclass(frozen=True, repr=False, eq=False)
class Spectrum:
    """Eigenpairs from both ends of a symmetric operator.

    Python indices count from the ends: 0, 1, ... from the largest value, -1, -2, ... from the smallest. A
    pair is `converged` if its residual is at most ``tol * norm``, and `resolved` if it is at most a tenth of
    its value's magnitude: a small eigenvalue may be converged and yet be known no better than its sign, or
    not even that.

    `gaps` tell where directions mean something: an eigenvector is known up to an angle of about residual
    over gap, and inside a cluster (gap not above the residual) any rotation of the vectors is as good.

    `density_nodes` and `density_weights` are a sample of the spectral density (Ritz values, and how much of
    the first random vectors lies on their vectors; stochastic Lanczos quadrature); empty after a warm start.

    `miss_probability` bounds the probability, over the random vectors drawn, that an eigenvalue beyond the
    last one returned at either end was overlooked (see `hessian_spectrum`).
    """

    values: NDArray[np.float64]  # (k,) descending
    vectors: torch.Tensor  # (k, n) orthonormal rows; signs fixed (`fix_signs`)
    residuals: NDArray[np.float64]  # (k,) ||H v - l v||
    gaps: NDArray[np.float64]  # (k,) distance to the nearest other value seen, returned or not
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
        rows = [f"{'index':>5}  {'eigenvalue':>13}  {'residual':>9}  {'gap':>9}"]
        for i in range(k):
            index = i if i < self.largest else i - k
            notes = [] if self.converged[i] else ["not converged"]
            notes += [] if self.resolved[i] else ["not resolved"]
            notes += [] if self.gaps[i] > self.residuals[i] else ["cluster: vector arbitrary"]
            line = f"{index:>5}  {self.values[i]:>13.6g}  {self.residuals[i]:>9.1e}  {self.gaps[i]:>9.1e}"
            rows.append(f"{line}  {', '.join(notes)}".rstrip())
        return "\n".join([head, *rows])


def fix_signs(vectors: torch.Tensor, like: torch.Tensor | None = None) -> torch.Tensor:
    """Flip rows, shape (k, n), in place so that two runs draw the same picture.

    A row points the way of the row of `like`, shape (j, n), that it is most parallel to, if their angle is
    below 60 degrees; else its component of largest magnitude is positive.

    Examples
    --------
    >>> fix_signs(torch.tensor([[1.0, -2.0], [3.0, 1.0]]))
    tensor([[-1.,  2.],
            [ 3.,  1.]])
    >>> fix_signs(torch.tensor([[1.0, -2.0], [3.0, 1.0]]), like=torch.tensor([[2.0, -4.0]]))
    tensor([[ 1., -2.],
            [ 3.,  1.]])
    """
    signs = torch.take_along_dim(vectors, vectors.abs().argmax(dim=1, keepdim=True), dim=1)[:, 0].sign()
    if like is not None and len(like):
        rows = torch.nn.functional.normalize(like.to(vectors), dim=1)
        cosines = rows @ torch.nn.functional.normalize(vectors, dim=1).T
        best = torch.take_along_dim(cosines, cosines.abs().argmax(dim=0, keepdim=True), dim=0)[0]
        signs = torch.where(best.abs() > _PARALLEL, best.sign(), signs)
    return vectors.mul_(torch.where(signs < 0, -1.0, 1.0).to(vectors)[:, None])


def distances(values: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each value is from the nearest other of the known ones, which contain it.

    Examples
    --------
    >>> distances(np.array([5.0, 1.0]), np.array([1.0, 4.0, 5.0]))
    array([1., 3.])
    """
    apart = np.sort(np.abs(values[:, None] - known), axis=1)
    return apart[:, 1] if apart.shape[1] > 1 else np.full(len(values), np.inf)
