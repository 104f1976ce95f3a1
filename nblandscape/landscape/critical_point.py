"""What a critical point of a slice is, there and in the full space."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nblandscape.curvature.extremes import Extreme

Floats = NDArray[np.float64]
Kind = Literal["minimum", "saddle", "maximum", "degenerate", "not converged"]
Point = Literal["minimum", "saddle", "maximum", "not a critical point", "undecided"]

SURE = ("significant", "noise unknown")  # verdicts of an eigenvalue that stands


@dataclass(frozen=True, eq=False, repr=False)
class CriticalPoint:
    """See `nblandscape.polish`.

    Attributes
    ----------
    coordinates : np.ndarray, (d,)
        In the slice.
    moved : float
        Distance from the start in cells of the grid.
    loss_before, loss : float
        At the start and at the point.
    slice_gradient : float
        Norm of the gradient's projection on the slice, in parameter units.
    slice_eigenvalues : np.ndarray, (d,)
        Of the Hessian projected on the slice, for unit directions; ascending.
    kind : str
        What the point is in the slice: "minimum", "saddle", "maximum", "degenerate" (rounding hides the sign
        of a curvature) or "not converged".
    index : int
        Negative eigenvalues in the slice.
    reason : str
        Why the steps ended.
    point : str or None
        What the point is in the full space: "minimum", "saddle", "maximum", "not a critical point" or
        "undecided"; None without the check, as are all that follow.
    gradient, gradient_outside : float or None
        Norm of the full gradient, and of its part out of the slice.
    gradient_noise : float or None
        Norm that the spread of the batches' gradients alone would give their mean; None for one batch.
    gain : float or None
        ||g||^2 / (2 lambda): how much a step along the gradient would gain, lambda the largest eigenvalue.
    largest, smallest : Extreme or None
        Extreme eigenvalues of the full Hessian with residual and batch noise.
    gradients, products : int
        Cost: gradients and Hessian-vector products, everything counted.
    """

    coordinates: Floats
    moved: float
    loss_before: float
    loss: float
    slice_gradient: float
    slice_eigenvalues: Floats
    kind: Kind
    index: int
    reason: str
    point: Point | None = None
    gradient: float | None = None
    gradient_outside: float | None = None
    gradient_noise: float | None = None
    gain: float | None = None
    largest: Extreme | None = None
    smallest: Extreme | None = None
    gradients: int = 0
    products: int = 0

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        what = f"{self.kind} of the slice" if self.kind != "degenerate" else "degenerate point of the slice"
        if self.kind == "not converged":
            return f"No critical point of the slice was reached: {self.reason}."
        if self.point is None:
            return f"A {what}; not checked in the full space."
        if self.point == "not a critical point":
            return (
                f"A {what}; not a critical point of the loss: the gradient is {self.gradient:.3g} there, of "
                f"which {self.gradient_outside:.3g} points out of the slice{self._batch_noise()}."
            )
        assert self.smallest is not None
        low = f"the smallest Hessian eigenvalue is {self.smallest.value:.3g} ± {self.smallest.error:.1g}"
        if self.point == "undecided":
            known = "" if self.smallest.verdict in SURE else f", {self.smallest.verdict}"
            return (
                f"A {what}; what it is of the loss is undecided: the gradient is {self.gradient:.3g}"
                f"{self._batch_noise()}, {low}{known}."
            )
        both = "and of the loss" if self.point == self.kind else f"but a {self.point} of the loss"
        return f"A {what}, {both}: {low}."

    def _batch_noise(self) -> str:
        noise = self.gradient_noise
        return "" if noise is None else f" (the spread of the batches alone would make {noise:.2g})"

    def to_dict(self) -> dict[str, Any]:
        """Numbers and words for JSON."""
        told = asdict(self) | {
            "coordinates": self.coordinates.tolist(),
            "slice_eigenvalues": self.slice_eigenvalues.tolist(),
            "verdict": self.verdict,
        }
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in told.items()}

    def __repr__(self) -> str:
        where = ", ".join(f"{c:.6g}" for c in self.coordinates)
        values = ", ".join(f"{v:.4g}" for v in self.slice_eigenvalues)
        return (
            f"CriticalPoint at ({where}), {self.moved:.2g} cells from the start: loss {self.loss_before:.6g} "
            f"-> {self.loss:.6g}\nslice: gradient {self.slice_gradient:.2g}, eigenvalues {values}\n"
            f"{self.verdict}\n{self.gradients} gradients, {self.products} Hessian products"
        )
