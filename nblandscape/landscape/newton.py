"""Newton steps to a critical point of a slice, in cells of its grid around the start."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal, check

if TYPE_CHECKING:
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

Floats = NDArray[np.float64]

_DIGITS = 4  # times the rounding of a number: a smaller difference is none
_PRODUCT_DIGITS = 16  # a product is a longer sum
_STALLED = 0.05  # cells: a Newton step that short counts where rounding allows no better
_FALL = 0.05  # least share of the predicted fall


class Look:
    """What is known at one point u = (coordinates - start) / cells.

    Attributes
    ----------
    loss : float
    gradient : torch.Tensor, (n,) float64
        In the full space.
    slope : np.ndarray, (d,)
        In cells.
    values, axes : np.ndarray, (d,) ascending, (d, d)
        Eigenpairs of the slice's Hessian in cells, vectors as columns.
    slope_noise, curvature_noise : np.ndarray, (d,)
        Rounding errors along the eigenvectors.
    objective : Objective
        At this point.
    images : torch.Tensor, (d, n) float64
        Products of the full Hessian with the directions.
    """

    values: Floats
    axes: Floats
    slope_noise: Floats
    curvature_noise: Floats
    objective: Objective
    images: torch.Tensor

    def __init__(self, u: Floats, loss: float, gradient: torch.Tensor, slope: Floats) -> None:
        self.u, self.loss, self.gradient, self.slope = u, loss, gradient, slope

    @property
    def finite(self) -> bool:
        """Whether loss and slopes are."""
        return math.isfinite(self.loss) and bool(np.isfinite(self.slope).all())

    @property
    def index(self) -> int:
        """Number of curvatures that are negative beyond rounding."""
        return int((self.values < -self.curvature_noise).sum())

    @property
    def slopes(self) -> Floats:
        """Slopes (d,) along the eigenvectors."""
        along: Floats = self.axes.T @ self.slope
        return along

    def critical(self, tol: float) -> bool:
        """Whether the Newton step is shorter than `tol`, or the slope rounding, along every eigenvector."""
        limits = np.maximum(tol * np.abs(self.values), self.slope_noise)
        return bool((np.abs(self.slopes) <= limits).all())


class Slice:
    """The loss over a slice; counts gradients and products."""

    def __init__(
        self,
        objective: Objective,
        subspace: Subspace,
        start: Floats,
        cells: Floats,
        cancel: CancelSignal | None,
    ) -> None:
        self.objective, self.subspace, self.start, self.cells = objective, subspace, start, cells
        self.cancel = cancel
        self.directions = subspace.directions.to(objective.device, torch.float64)
        self.eps = torch.finfo(objective.dtype).eps
        exact = objective.description["products"] == "exact"
        self._product_eps = self.eps if exact else 1e-7 if objective.dtype == torch.float64 else 1e-3
        self.gradients = self.products = 0

    def coordinates(self, u: Floats) -> Floats:
        """Coordinates (d,) in the slice."""
        point: Floats = self.start + self.cells * u
        return point

    def weights(self, u: Floats) -> torch.Tensor:
        """Parameters (n,), from the origin in one step."""
        alpha = torch.as_tensor(self.coordinates(u), device=self.directions.device)
        origin = self.subspace.origin.to(self.directions.device, torch.float64)
        return (origin + self.directions.T @ alpha).to(self.objective.dtype)

    def look(self, u: Floats) -> Look:
        """Loss and gradient."""
        check(self.cancel)
        self.gradients += 1
        loss, gradient = self.objective.value_and_gradient(self.weights(u))
        gradient = gradient.to(torch.float64)
        return Look(u, loss, gradient, self.cells * np.asarray((self.directions @ gradient).cpu()))

    def bend(self, look: Look) -> None:
        """Add the curvatures."""
        check(self.cancel)
        weights = self.weights(look.u)
        look.objective = _moved(self.objective, weights)
        rows = self.directions.to(self.objective.dtype)
        look.images = torch.cat([look.objective.hvp(row[None]) for row in rows]).to(torch.float64)
        self.products += len(rows)
        H = np.asarray((self.directions @ look.images.T).cpu()) * np.outer(self.cells, self.cells)
        look.values, look.axes = np.linalg.eigh((H + H.T) / 2)
        turn = torch.as_tensor(look.axes.T * self.cells).to(look.images)
        lengths, images = _norms(turn @ self.directions), _norms(turn @ look.images)
        size = float((_norms(look.images) / self.subspace.lengths).max())  # ||H||, from below
        # Rounding moves every weight by a share of it, and the gradient by H times that.
        moved = self.eps * float(torch.linalg.vector_norm(weights.to(torch.float64)))
        rounded = self.eps * float(torch.linalg.vector_norm(look.gradient))
        look.slope_noise = _DIGITS * (images * moved + lengths * rounded)
        look.curvature_noise = _PRODUCT_DIGITS * self._product_eps * size * lengths**2


def search(
    plane: Slice, here: Look, index: int, reach: float, steps: int, tol: float
) -> Generator[None, None, tuple[Look, str]]:
    """Go from a point with known curvatures to a critical point of an index; return why the steps ended.

    Pauses after every evaluation. "converged" is said of any critical point on the way to a saddle or
    maximum; a minimum is insisted on.
    """
    radius, name = 1.0, kind_of(index, len(here.u))
    for _ in range(steps):
        if here.critical(tol) and (index > 0 or here.index == 0):
            return here, "converged"
        step, predicted = _step(here, index, radius)
        length = float(np.linalg.norm(step))
        if np.abs(here.u + step).max() > reach:
            radius = length / 2
            if radius < _STALLED:
                return here, f"there is no {name} within {reach:g} cells of the start"
            continue
        if length < 1e-9:
            break
        there = plane.look(here.u + step)
        yield
        if there.finite and (_lower(there, here, predicted, plane.eps) if index == 0 else True):
            plane.bend(there)
            yield
            if index == 0 or here.index != index or _closer(there, here, index):
                here, radius = there, min(1.0, 2 * radius)
                continue
        radius = length / 4
    if here.critical(_STALLED) and (index > 0 or here.index == 0):
        return here, "converged"
    return here, f"{steps} steps did not lead to a {name}"


def _lower(there: Look, here: Look, predicted: float, eps: float) -> bool:
    """Whether the loss falls as it should; where rounding hides that, whether the slope shrinks."""
    fallen, floor = here.loss - there.loss, _DIGITS * eps * abs(here.loss)
    if predicted > floor:
        return fallen > _FALL * predicted
    return fallen >= -floor and float(np.linalg.norm(there.slope)) < float(np.linalg.norm(here.slope))


def _closer(there: Look, here: Look, index: int) -> bool:
    """Whether the slope shrinks and the index stays."""
    return there.index == index and float(np.linalg.norm(there.slope)) < float(np.linalg.norm(here.slope))


def _step(here: Look, index: int, radius: float) -> tuple[Floats, float]:
    """Step (d,) in cells, and the fall of the loss that the quadratic predicts for it."""
    slopes, values = here.slopes, here.values
    if index == 0:
        p = trust_region_step(slopes, values, radius)
    else:
        climbs = np.arange(len(values)) < index
        sizes = np.maximum(np.abs(values), 1e-12 * max(float(np.abs(values).max()), 1e-300))
        p = np.where(climbs, slopes, -slopes) / sizes
        p = p * min(1.0, radius / max(float(np.linalg.norm(p)), 1e-300))
    return here.axes @ p, float(-(slopes @ p + values @ p**2 / 2))


def trust_region_step(slopes: Floats, values: Floats, radius: float) -> Floats:
    """Minimise s·p + sum(values p^2) / 2 over ||p|| <= radius; `values` (d,) ascend.

    Conn, Gould & Toint, Trust-Region Methods (2000), section 7.3.

    Examples
    --------
    >>> trust_region_step(np.array([1.0, 4.0]), np.array([1.0, 2.0]), 9.0)
    array([-1., -2.])
    >>> trust_region_step(np.array([0.0, 0.0]), np.array([-1.0, 2.0]), 0.5)  # nothing pulls off the ridge
    array([-0.5,  0. ])
    """
    lowest = float(values[0])
    scale = max(float(np.abs(values).max()), float(np.linalg.norm(slopes)) / radius, 1e-300)
    if lowest > 1e-14 * scale:
        newton: Floats = -slopes / values
        if np.linalg.norm(newton) <= radius:
            return newton
    low, high = max(0.0, -lowest) + 1e-14 * scale, max(0.0, -lowest) + 2 * scale
    p: Floats = -slopes / (values + low)
    if np.linalg.norm(p) <= radius:
        if lowest < 0:
            p[0] = math.copysign(math.sqrt(radius**2 - float(p[1:] @ p[1:])), -slopes[0])
        return p + 0.0
    for _ in range(100):
        middle = (low + high) / 2
        p = -slopes / (values + middle)
        low, high = (middle, high) if np.linalg.norm(p) > radius else (low, middle)
    return p


def kind_of(index: int, dim: int) -> Literal["minimum", "saddle", "maximum"]:
    """Name of a critical point with so many negative curvatures of `dim`.

    Examples
    --------
    >>> [kind_of(i, 2) for i in (0, 1, 2)]
    ['minimum', 'saddle', 'maximum']
    """
    return "minimum" if index == 0 else "maximum" if index == dim else "saddle"


def _moved(objective: Objective, weights: torch.Tensor) -> Objective:
    """The objective at other weights (n,), in its own precision: the user's types may round them."""
    with objective._lock:
        return objective.at(objective._snapshot.evaluation.state_at(weights))


def _norms(rows: torch.Tensor) -> Floats:
    return np.asarray(torch.linalg.vector_norm(rows, dim=1).cpu())
