"""Matrices with prescribed spectra, and the recomputation of every returned pair."""

from collections.abc import Sequence

import numpy as np
import torch

from nblandscape.curvature import Spectrum, SymmetricOperator


class Diagonal:
    """A diagonal operator that counts its products."""

    def __init__(self, values: Sequence[float] | np.ndarray, dtype: torch.dtype = torch.float64) -> None:
        self.values = torch.as_tensor(np.asarray(values, dtype=float)).to(dtype)
        self.size, self.dtype, self.device = len(self.values), dtype, torch.device("cpu")
        self.count = 0

    def product(self, V: torch.Tensor) -> torch.Tensor:
        assert V.shape[1:] == (self.size,)
        assert V.dtype == self.dtype
        self.count += len(V)
        return V * self.values


def rotated(values: Sequence[float] | np.ndarray, seed: int = 0) -> torch.Tensor:
    """Return a float64 matrix with these eigenvalues in a random orthogonal basis."""
    n = len(values)
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))
    matrix = basis * np.asarray(values, dtype=float) @ basis.T
    return torch.as_tensor((matrix + matrix.T) / 2)


def ends(values: Sequence[float] | np.ndarray, largest: int, smallest: int) -> np.ndarray:
    """Return the wanted values, descending."""
    ordered = np.sort(np.asarray(values, dtype=float))[::-1]
    return (
        ordered
        if largest + smallest >= len(ordered)
        else np.r_[ordered[:largest], ordered[len(ordered) - smallest :]]
    )


def outliers_and_bulk(seed: int = 0) -> np.ndarray:
    """Return the reference problem: 10 + 5 outliers and 2985 values near zero."""
    rng = np.random.default_rng(seed)
    bulk = np.r_[np.abs(rng.normal(0, 0.3, 1500)), rng.normal(0, 0.02, 1485)]
    return np.r_[np.linspace(7, 100, 10), np.linspace(-3, -1.5, 5), bulk]


def true_residuals(operator: SymmetricOperator, spectrum: Spectrum) -> np.ndarray:
    """Recompute ||H v - l v|| for every returned pair in float64."""
    image = operator.product(spectrum.vectors).double()
    defect = image - torch.as_tensor(spectrum.values)[:, None] * spectrum.vectors.double()
    return torch.linalg.vector_norm(defect, dim=1).numpy()


def assert_certified(operator: SymmetricOperator, spectrum: Spectrum) -> None:
    """Every pair: below tol * ||H||, as reported, orthonormal, sign fixed, ordered."""
    eps = torch.finfo(operator.dtype).eps
    true = true_residuals(operator, spectrum)
    rounding = 50 * eps * spectrum.norm
    assert spectrum.converged.all()
    assert (true <= spectrum.tol * spectrum.norm + rounding).all()
    assert (true <= spectrum.residuals + rounding).all()
    V = spectrum.vectors.double()
    assert (V @ V.T - torch.eye(len(V), dtype=torch.float64)).abs().max() < 100 * eps
    assert (V[torch.arange(len(V)), V.abs().argmax(dim=1)] > 0).all()
    assert (np.diff(spectrum.values) <= 0).all()
