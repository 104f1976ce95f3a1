"""What random two-dimensional slices of a loss show, by Monte Carlo over pairs of a few probes."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.operator import SymmetricOperator
from nblandscape.curvature.probes import check_count, probe
from nblandscape.curvature.trace import Estimate, mean_of, quadratic_form

Floats = NDArray[np.float64]

COLUMNS = 2**20  # of products that are in float64 at a time
_ROUNDING = 1e-12  # of the other curvature, at least
_DIGITS = 4.0  # times the rounding of a product
_UNSEEN = 1.14  # -ln(1 - 0.68)

KINDS = ("saddle", "minimum", "maximum")


@dataclass(frozen=True, repr=False, eq=False)
class RandomSlices:
    """The law of the principal curvatures of slices along two independent Gaussian directions.

    Attributes
    ----------
    trace, frobenius_squared : Estimate
        tr H and ||H||_F^2, from the same products.
    curvatures : np.ndarray, (pairs, 2)
        Principal curvatures (lower, upper) of every pair of probes, per unit length of the directions.
    probability : dict of {"saddle", "minimum", "maximum"} to Estimate
        How probably one random slice shows which; the error is a jackknife over the probes.
    size : int
        Number of parameters N.
    products : int
    rounding : float
        Relative to the other curvature: below, a curvature has no sign.
    """

    trace: Estimate
    frobenius_squared: Estimate
    curvatures: Floats
    probability: dict[str, Estimate]
    size: int
    products: int
    rounding: float = _ROUNDING

    @property
    def frobenius(self) -> Estimate:
        """||H||_F."""
        square = self.frobenius_squared
        root = math.sqrt(square.value)
        return Estimate(root, square.stderr / (2 * root or 1.0), square.samples, square.method)

    @property
    def mean_curvature(self) -> Estimate:
        """Curvature that a random unit direction shows on average, tr H / N."""
        t = self.trace
        return Estimate(t.value / self.size, t.stderr / self.size, t.samples, t.method, t.products)

    @property
    def expected(self) -> tuple[float, float]:
        """Means (tr H -+ ||H||_F sqrt(pi/2)) / N of both curvatures, if no eigenvalue stands out."""
        middle, spread = self.trace.value, self.frobenius.value * math.sqrt(math.pi / 2)
        return (middle - spread) / self.size, (middle + spread) / self.size

    @property
    def saddle_formula(self) -> float:
        """exp(-(tr H)^2 / (4 ||H||_F^2)) / sqrt 2: P(saddle) if many eigenvalues are alike; 0 if H is 0."""
        square = self.frobenius_squared.value
        return math.exp(-(self.trace.value**2) / (4 * square)) / math.sqrt(2) if square > 0 else 0.0

    def rank(self, curvatures: Floats) -> tuple[float, float]:
        """Shares of random slices whose lower, and whose upper curvature lie below those given, (2,)."""
        below = (self.curvatures < np.asarray(curvatures)[[0, -1]]).mean(axis=0)
        return float(below[0]), float(below[1])


@dataclass(frozen=True, eq=False)
class Probes:
    """Gaussian vectors and their products, (p, n) each."""

    vectors: torch.Tensor
    images: torch.Tensor

    def pieces(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield both in float64, some columns at a time: whole copies would double the memory."""
        for v, w in zip(*(torch.split(x, COLUMNS, dim=1) for x in (self.vectors, self.images)), strict=True):
            yield v.to(torch.float64), w.to(torch.float64)


def draw_probes(
    operator: SymmetricOperator, count: int, seed: int, cancel: CancelSignal | None = None
) -> Generator[None, None, Probes]:
    """Multiply so many Gaussian vectors by the operator, pausing after every product; returns the probes.

    Raises
    ------
    ValueError
        Fewer than three probes: there would be no error of a probability.
    """
    check_count(count, 3, "probes")
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.empty(count, operator.size, dtype=operator.dtype, device=operator.device)
    images = torch.empty_like(vectors)
    for vector, image in zip(vectors, images, strict=True):
        check(cancel)
        vector.copy_(probe(operator, generator, "normal"))
        image.copy_(quadratic_form(operator, vector)[1])
        yield
    return Probes(vectors, images)


def random_slices(probes: Probes) -> RandomSlices:
    """Estimate traces and the law of random slices from products that are already there.

    Source: Böttcher & Wheeler, arXiv 2208.13219, sections 3 and 4, for the law.

    Examples
    --------
    >>> from nblandscape.curvature.operator import as_operator
    >>> from nblandscape.steps import returned
    >>> H = as_operator(np.diag([1.0] * 40 + [-1.0] * 40))
    >>> law = random_slices(returned(draw_probes(H, 12, seed=0)))
    >>> round(law.saddle_formula, 3) > 0.4, law.products
    (True, 12)
    """
    p, n = probes.vectors.shape
    forms, squares, lengths = np.zeros((p, p)), np.zeros(p), np.zeros(p)
    for v, w in probes.pieces():
        forms += np.asarray((v @ w.T).cpu())
        squares += np.asarray((w**2).sum(dim=1).cpu())
        lengths += np.asarray((v**2).sum(dim=1).cpu())
    forms, lengths = (forms + forms.T) / 2, np.sqrt(lengths)
    pairs = np.array(list(combinations(range(p), 2)))
    unit = forms / np.outer(lengths, lengths)
    i, j = pairs.T
    curvatures = principal_curvatures(unit[i, i], unit[i, j], unit[j, j])
    rounding = max(_ROUNDING, _DIGITS * torch.finfo(probes.images.dtype).eps)
    kinds = classify(curvatures, rounding)
    probability = {}
    for number, name in enumerate(KINDS):
        hits = kinds == number
        left_out = np.array([hits[(pairs != k).all(axis=1)].mean() for k in range(p)])
        error = math.sqrt((p - 1) / p * float(((left_out - left_out.mean()) ** 2).sum()))
        # All or none is no proof: p/2 pairs are independent, and 68 % would see an event of this probability.
        error = error or _UNSEEN / (p / 2)
        probability[name] = Estimate(float(hits.mean()), error, len(pairs), "pairs of probes", p)
    return RandomSlices(
        mean_of(np.diag(forms).copy(), "hutchinson", products=p),
        mean_of(squares, "squared products", products=p),
        curvatures,
        probability,
        n,
        p,
        rounding,
    )


def principal_curvatures(A: Floats, B: Floats, C: Floats) -> Floats:
    """Eigenvalues (m, 2) of [[A, B], [B, C]], ascending.

    Examples
    --------
    >>> principal_curvatures(np.array([1.0]), np.array([2.0]), np.array([1.0]))
    array([[-1.,  3.]])
    """
    middle, radius = (A + C) / 2, np.hypot((A - C) / 2, B)
    return np.column_stack([middle - radius, middle + radius])


def classify(curvatures: Floats, rounding: float = _ROUNDING) -> NDArray[np.int64]:
    """Index into `KINDS` for every row (lower, upper).

    What is 0 up to rounding, relative to the other one, has no sign: a valley with a flat floor is a
    minimum, and so is a plane.

    Examples
    --------
    >>> [KINDS[k] for k in classify(np.array([[-1.0, 1.0], [1.0, 2.0], [-2.0, -1.0], [-1e-16, 1.0]]))]
    ['saddle', 'minimum', 'maximum', 'minimum']
    """
    lower, upper = curvatures[:, 0], curvatures[:, -1]
    floor = rounding * np.maximum(np.abs(lower), np.abs(upper))
    return np.where(lower >= -floor, 1, np.where(upper <= floor, 2, 0))
