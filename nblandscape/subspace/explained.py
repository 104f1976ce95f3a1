"""How much of a trajectory its principal components hold, beside what a random walk would show."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Explained:
    """Explained variance of principal components, and of those of a random walk.

    A random walk in many dimensions looks like a curve in its first components and gives them most of
    its variance, without any structure in the loss. Ratios near `null` are therefore no finding.

    Attributes
    ----------
    ratios : np.ndarray, (m,)
        Fractions of the checkpoints' variance about their mean, descending; m >= d leading ones.
    null : np.ndarray, (m,)
        The same for an isotropic random walk with as many checkpoints at the same steps.
    null_spread : np.ndarray, (m,)
        Standard deviation of the null's ratios in n dimensions. The noise of real training fills fewer.
    """

    ratios: np.ndarray
    null: np.ndarray
    null_spread: np.ndarray

    def __repr__(self) -> str:
        shown = ", ".join(f"{r:.3f} ({w:.3f})" for r, w in list(zip(self.ratios, self.null, strict=True))[:4])
        return f"Explained(variance ratios, random walk in brackets: {shown})"


def random_walk(
    steps: np.ndarray, dimensions: float, count: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Explained variance ratios of an isotropic random walk seen at given steps, with their spread.

    Parameters
    ----------
    steps : np.ndarray, (T,)
        Increasing times of the checkpoints; the variance between two is their difference.
    dimensions : float
        n, of the space in which it walks; the ratios are exact for n much larger than T.
    count : int, optional
        How many leading ratios. Default: all T - 1.

    Returns
    -------
    ratios, spread : np.ndarray, (count,)
        The spread is the standard deviation of the ratios, to first order in 1/n.

    Notes
    -----
    Antognini & Sohl-Dickstein 2018 (arXiv 1806.08805): 6 / (pi^2 k^2) for many equidistant steps. For T
    equidistant checkpoints the covariance is the pseudo-inverse of a path's Laplacian, hence
    3 / (2 (T^2 - 1) sin^2(pi k / 2T)); other steps by its eigenvalues.

    Examples
    --------
    >>> random_walk(np.arange(1000), 1e6, 4)[0].round(3)
    array([0.608, 0.152, 0.068, 0.038])
    """
    times = np.asarray(steps, dtype=np.float64)
    covariance = np.minimum.outer(times, times)
    covariance -= covariance.mean(axis=0)
    covariance -= covariance.mean(axis=1, keepdims=True)
    values = np.clip(np.linalg.eigvalsh(covariance)[::-1][: len(times) - 1], 0, None)
    ratios = values / values.sum()
    spread = ratios * np.sqrt(2 / dimensions * np.maximum(1 - 2 * ratios + (ratios**2).sum(), 0))
    return ratios[:count], spread[:count]
