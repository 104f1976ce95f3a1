"""Whether the largest and the smallest eigenvalue are to be believed, and whether a slice can show them."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal, check

if TYPE_CHECKING:
    from nblandscape.curvature.spectrum import Spectrum
    from nblandscape.objective import Objective

Floats = NDArray[np.float64]

_SIGMAS = 3.0
LOOKS = 8
"""Distances at which the loss is looked at, on both sides."""

_DIGITS = 4  # times the rounding of the loss: a smaller difference is none


@dataclass(frozen=True)
class Extreme:
    """The largest or the smallest eigenvalue, and whether it is to be believed.

    Attributes
    ----------
    value, residual : float
        Of the certified eigenpair.
    noise : float or None
        Standard error of v H v between batches; None with a single batch.
    held_out : float or None
        v H v on other data, if given: free of the bias that v was chosen on the same data.
    slope : float or None
        g v, the gradient along the eigenvector.
    verdict : str
        "significant", "below residual", "below batch noise", or "noise unknown" (a single batch).
    sight : str or None
        For negative values of an objective: "visible" if there is a distance at which the loss, averaged
        over both sides, lies below the centre by more than the slope changes it; "hidden by the slope";
        "hidden by higher orders" if the loss curves upwards at all distances tried; "hidden by rounding" if
        it differs nowhere from the centre by more than its last digits.
    distance : float or None
        Where it is seen best, in parameter units.
    """

    value: float
    residual: float
    noise: float | None = None
    held_out: float | None = None
    slope: float | None = None
    verdict: str = "noise unknown"
    sight: str | None = None
    distance: float | None = None

    @property
    def error(self) -> float:
        """Residual and batch noise together."""
        return math.hypot(self.residual, self.noise or 0.0)


def judge_ends(
    objective: Any, spectrum: Spectrum, held_out: Objective | None, gradient: torch.Tensor | None
) -> tuple[list[Extreme], int]:
    """Return the largest and the smallest eigenvalue, judged, and the products that it took."""
    ends = [0, -1]
    values, residuals = spectrum.values[ends].tolist(), spectrum.residuals[ends].tolist()
    V = spectrum.vectors[ends]
    noises: list[float | None] = [None, None]
    others: list[float | None] = [None, None]
    slopes: list[float | None] = [None, None]
    products = 0
    if held_out is not None:
        products += 2
        others = [weighted_mean(row, held_out.batch_counts)[0] for row in held_out.batch_curvatures(V)]
    if gradient is not None:
        slopes = (V.to(torch.float64) @ gradient).tolist()
        if objective.num_batches > 1:
            products += 2
            noises = [weighted_mean(row, objective.batch_counts)[1] for row in objective.batch_curvatures(V)]
    judged = []
    for value, residual, noise, other, slope in zip(values, residuals, noises, others, slopes, strict=True):
        verdict = _verdict(value, residual, noise, other)
        if verdict == "noise unknown" and gradient is None:
            verdict = "significant"  # a matrix is known exactly
        judged.append(Extreme(value, residual, noise, other, slope, verdict))
    return judged, products


def look_along(
    objective: Objective, v: torch.Tensor, extreme: Extreme, cancel: CancelSignal | None
) -> Generator[None, None, Extreme]:
    """Look along the eigenvector whether the loss is lower on both sides together than the slope hides.

    Pauses after every distance; returns the eigenvalue with its sight.
    """
    origin, center = objective.origin(), objective.loss()
    slope = abs(extreme.slope or 0.0)
    reach = max(float(torch.linalg.vector_norm(origin.to(torch.float64))), 1.0)
    floor = _DIGITS * torch.finfo(objective.dtype).eps * abs(center)
    best, where, curved, seen = 0.0, None, False, False
    for t in np.geomspace(1e-3 * reach, 0.5 * reach, LOOKS):
        check(cancel)
        ends = [objective.point(origin + float(s * t) * v.to(origin)).loss for s in (1, -1)]
        yield
        drop = center - (ends[0] + ends[1]) / 2
        if not math.isfinite(drop):
            continue
        curved, seen = curved or drop > floor, seen or abs(drop) > floor
        if drop > max(slope * t, floor, best):
            best, where = drop, float(t)
    sight = "hidden by the slope" if curved else "hidden by higher orders" if seen else "hidden by rounding"
    return replace(extreme, sight="visible" if where is not None else sight, distance=where)


def _verdict(value: float, residual: float, noise: float | None, held_out: float | None) -> str:
    if abs(value) <= _SIGMAS * residual:
        return "below residual"
    if noise is None:
        return "noise unknown"
    contradicted = held_out is not None and held_out * value < 0
    clear = abs(value) > _SIGMAS * math.hypot(residual, noise) and not contradicted
    return "significant" if clear else "below batch noise"


def weighted_mean(values: Floats, counts: Floats) -> tuple[float, float]:
    """Mean over batches and its standard error."""
    weights = counts / counts.sum()
    mean = float(weights @ values)
    b = len(values)
    if b < 2:
        return mean, math.inf
    return mean, math.sqrt(float((weights**2) @ (values - mean) ** 2) * b / (b - 1))
