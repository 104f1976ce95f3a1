"""The spectral density of a Hessian by stochastic Lanczos quadrature."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.certificate import hidden_axes
from nblandscape.curvature.krylov import KrylovBasis
from nblandscape.curvature.operator import as_operator
from nblandscape.curvature.probes import check_count, probe
from nblandscape.curvature.trace import Estimate, mean_of

Floats = NDArray[np.float64]

_ROUNDING = 1e-6  # relative to the norm: a node closer to 0 has no sign
_SHARP = 1e-2  # residual over norm of a node that counts as an eigenvalue
_FEW = 10.0  # eigenvalues; more in one place are bulk
_APART = 0.05  # of the norm, between an outlier and the next eigenvalue


@dataclass(frozen=True, repr=False, eq=False)
class SpectralDensity:
    """Gauss quadrature of a spectral density: sum_i weights_i delta(x - nodes_i), total weight 1.

    Attributes
    ----------
    nodes, weights : np.ndarray, (m,)
        All probes together, nodes ascending.
    probes : tuple of (nodes, weights)
        Each random vector's own quadrature: their spread is the error.
    residuals : np.ndarray, (m,)
        ||H v - node v|| of each node's Ritz vector: small where a node is an eigenvalue.
    unresolved : np.ndarray, (probes,)
        Share of each probe that its products leave free to lie on either side of 0 (the Christoffel function
        at 0, which bounds it by the Chebyshev-Markov-Stieltjes inequalities).
    size : int
        n: a weight of 1/n is about one eigenvalue.
    products : int
    """

    nodes: Floats
    weights: Floats
    probes: tuple[tuple[Floats, Floats], ...]
    residuals: Floats
    unresolved: Floats
    size: int
    products: int

    @property
    def norm(self) -> float:
        """The largest node in magnitude, which bounds ||H|| from below."""
        return float(np.abs(self.nodes).max())

    @property
    def fraction_negative(self) -> Estimate:
        """Share of the eigenvalues below zero (by more than rounding).

        The error is that between probes and half of the share that is `unresolved`: eigenvalues that crowd
        around 0 have no sign until there are enough steps to tell them apart.
        """
        floor = -_ROUNDING * self.norm
        shares = np.array([float(w[x < floor].sum()) for x, w in self.probes])
        unresolved = float(self.unresolved.mean()) / 2
        return mean_of(shares, "quadrature", products=self.products, bias=unresolved)

    @property
    def trace(self) -> Estimate:
        """Trace of the Hessian: n times the mean of the density."""
        draws = np.array([self.size * float(w @ x) for x, w in self.probes])
        return mean_of(draws, "quadrature", products=self.products)

    @property
    def outliers(self) -> Floats:
        """Eigenvalues that stand apart from the bulk, descending, (k,).

        From each end inwards, as long as a node is an eigenvalue (residual at most 1 % of the norm, in every
        probe) of small multiplicity and the next one is at least 5 % of the norm away.
        """
        top, bottom = self._isolated(1.0), self._isolated(-1.0)
        if len(top):  # if no bulk is between, the way from below meets what was found from above
            bottom = bottom[bottom < top[-1] - _SHARP * self.norm]
        return np.concatenate([top, bottom[::-1]])

    @property
    def bulk(self) -> tuple[float, float]:
        """Smallest interval that holds every node which is not an outlier."""
        inside = np.ones(len(self.nodes), dtype=bool)
        for x in self.outliers:
            inside &= np.abs(self.nodes - x) > _SHARP * self.norm
        rest = self.nodes[inside] if inside.any() else self.nodes
        return float(rest.min()), float(rest.max())

    def _isolated(self, side: float) -> Floats:
        """Outliers of one end, from the end inwards."""
        order = np.argsort(-side * self.nodes, kind="stable")
        values, sharp = self.nodes[order], self.residuals[order] <= _SHARP * self.norm
        near = _SHARP * self.norm
        found: list[float] = []
        for i, x in enumerate(values):
            if found and abs(x - found[-1]) <= near:
                continue  # the same eigenvalue, seen by another probe
            beyond = values[i:][np.abs(values[i:] - x) > near]
            apart = len(beyond) > 0 and abs(beyond[0] - x) >= _APART * self.norm
            seen = all(np.abs(nodes - x).min() <= near for nodes, _ in self.probes)
            mass = float(self.weights[np.abs(self.nodes - x) <= near].sum()) * self.size
            if not (sharp[i] and seen and apart and mass <= _FEW):
                break
            found.append(float(x))
        return np.array(found)

    def density(self, x: Any, *, sigma: float | None = None) -> Floats:
        """Evaluate the density, smoothed by a Gaussian.

        Parameters
        ----------
        x : array, any shape
            Eigenvalues.
        sigma : float, optional
            Standard deviation of the Gaussian; 1 % of the range by default.

        Returns
        -------
        np.ndarray
            Per unit of eigenvalue; it integrates to 1.

        Raises
        ------
        ValueError
            `sigma` is not positive.
        """
        if sigma is not None and not 0 < sigma < math.inf:
            raise ValueError(f"sigma={sigma} must be positive; leave it out for 1 % of the range.")
        points = np.asarray(x, dtype=np.float64)
        width = sigma or 0.01 * (float(np.ptp(self.nodes)) or self.norm or 1.0)
        z = (points[..., None] - self.nodes) / width
        return np.asarray(np.exp(-0.5 * z * z) @ self.weights / (width * math.sqrt(2 * math.pi)))

    def quantile(self, q: float) -> float:
        """Eigenvalue below which the share `q` of all lies.

        Raises
        ------
        ValueError
            `q` outside of [0, 1].
        """
        if not 0 <= q <= 1:
            raise ValueError(f"q={q} is not a share between 0 and 1.")
        cumulated = np.cumsum(self.weights)
        return float(self.nodes[min(int(np.searchsorted(cumulated, q - 1e-12)), len(self.nodes) - 1)])

    def __repr__(self) -> str:
        low, high = self.bulk
        negative = self.fraction_negative
        return (
            f"SpectralDensity of {self.size} eigenvalues ({len(self.probes)} probes, "
            f"{self.products} products)\n"
            f"bulk [{low:.3g}, {high:.3g}], outliers {[float(f'{x:.4g}') for x in self.outliers]}\n"
            f"negative {negative.value:.1%} ± {negative.stderr:.1%}, trace {self.trace.value:.4g} "
            f"± {self.trace.stderr:.2g}"
        )


def spectral_density(
    objective: Any,
    *,
    probes: int = 4,
    steps: int = 64,
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> SpectralDensity:
    """Estimate the density of all eigenvalues of a Hessian.

    Parameters
    ----------
    objective
        An `Objective`, an operator or a symmetric matrix.
    probes : int
        Random vectors; their spread gives the errors.
    steps : int
        Products per vector, fewer if its Krylov space is exhausted.
    seed : int
        Of a private generator.
    cancel : threading.Event or callable, optional

    Raises
    ------
    ValueError
        Fewer than one probe or step.
    FloatingPointError
        A product is NaN or inf.
    nblandscape.cancel.Cancelled

    Notes
    -----
    Ghorbani, Krishnan and Xiao, arXiv 1901.10159, with full reorthogonalisation: the nodes have no ghosts.
    N. I. Akhiezer, The Classical Moment Problem (1965), section 2.5, for the bound on the unresolved share.

    Examples
    --------
    >>> import numpy as np
    >>> result = spectral_density(np.diag([1.0] * 8 + [-1.0] * 2), probes=2, steps=10)
    >>> result.products, sorted(set(result.nodes.round(6).tolist()))
    (4, [-1.0, 1.0])
    """
    check_count(probes, 1, "probes")
    check_count(steps, 1, "steps")
    operator = as_operator(objective)
    generator = torch.Generator().manual_seed(seed)
    runs: list[tuple[Floats, Floats]] = []
    records: list[Floats] = []
    residuals: list[Floats] = []
    products = 0
    for _ in range(probes):
        basis = KrylovBasis(operator, steps + 1, breakdown=1e-6)
        basis.admit(probe(operator, generator, "normal"))
        while basis.tails and basis.processed < steps:
            check(cancel)
            basis.expand()
        ritz = basis.ritz()
        runs.append((ritz.values, ritz.coefficients[0] ** 2))
        records.append(basis.coefficients)
        residuals.append(ritz.residuals)
        products += basis.products
    nodes = np.concatenate([x for x, _ in runs])
    order = np.argsort(nodes, kind="stable")
    weights = np.concatenate([w for _, w in runs]) / probes
    floor = -_ROUNDING * float(np.abs(nodes).max())
    return SpectralDensity(
        nodes[order],
        weights[order],
        tuple(runs),
        np.concatenate(residuals)[order],
        np.array([_christoffel(C, floor) for C in records]),
        operator.size,
        products,
    )


def _christoffel(C: Floats, x: float) -> float:
    """Return the largest mass that the probe behind a record C, shape (m, p), may have at x."""
    lengths, _ = hidden_axes(C, np.eye(len(C), 1), x)
    return float(lengths[0]) ** 2
