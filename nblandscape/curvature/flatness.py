"""How sharp the loss is around the weights: the measures that people compare, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.lanczos import hessian_spectrum
from nblandscape.curvature.operator import require_objective
from nblandscape.curvature.probes import check_count

if TYPE_CHECKING:
    from nblandscape.curvature.spectrum import Spectrum
    from nblandscape.objective import Objective

_TOL = 1e-3


@dataclass(frozen=True, repr=False)
class Sharpness:
    """Sharpness measures of an objective at its weights.

    The two maxima are found by gradient ascent: they are lower bounds of the true ones.

    Attributes
    ----------
    loss, gradient_norm : float
    lambda_max, lambda_residual : float
        Largest eigenvalue of the Hessian H and the residual of its pair.
    scaled_lambda_max, scaled_residual : float
        Largest eigenvalue of T H T with T = diag(|theta|): invariant under rescaling of the parameters.
    sam : float
        L(theta + rho g / ||g||) - L(theta); 0 where the gradient g vanishes.
    sam_max : float
        Largest increase found in the ball of radius rho.
    asam : float
        L(theta + rho T^2 g / ||T g||) - L(theta).
    keskar : float
        100 (max L - L) / (1 + L) over the box |d_i| <= epsilon (|theta_i| + 1).
    rho, epsilon : float
    learning_rate : float or None
    products, gradients : int
        Hessian-vector products and gradients (or losses) spent.
    """

    loss: float
    gradient_norm: float
    lambda_max: float
    lambda_residual: float
    scaled_lambda_max: float
    scaled_residual: float
    sam: float
    sam_max: float
    asam: float
    keskar: float
    rho: float
    epsilon: float
    learning_rate: float | None
    products: int
    gradients: int

    @property
    def stability(self) -> float | None:
        """lambda_max over 2 / learning rate: gradient descent diverges above 1 (edge of stability)."""
        return None if self.learning_rate is None else self.lambda_max * self.learning_rate / 2

    def __repr__(self) -> str:
        rows = [
            ("loss", f"{self.loss:.6g}", f"||g|| = {self.gradient_norm:.3g}"),
            ("λ₁", f"{self.lambda_max:.6g}", f"± {self.lambda_residual:.1g}"),
            ("λ₁ of |θ| H |θ|", f"{self.scaled_lambda_max:.6g}", f"± {self.scaled_residual:.1g}"),
            ("SAM", f"{self.sam:.6g}", f"ρ = {self.rho:g}, along the gradient"),
            ("SAM, maximum", f"{self.sam_max:.6g}", f"ρ = {self.rho:g}, at least"),
            ("ASAM", f"{self.asam:.6g}", f"ρ = {self.rho:g}, ball scaled by |θ|"),
            ("Keskar", f"{self.keskar:.6g}", f"ε = {self.epsilon:g}, percent, at least"),
        ]
        if self.stability is not None and self.learning_rate is not None:
            error = self.lambda_residual * self.learning_rate / 2
            note = f"± {error:.1g}, η = {self.learning_rate:g}"
            rows.append(("λ₁ / (2 / η)", f"{self.stability:.3g}", note))
        table = "\n".join(f"{name:<16} {value:>12}  {note}" for name, value, note in rows)
        return f"Sharpness ({self.products} products, {self.gradients} gradients)\n{table}"


def sharpness(
    objective: Objective,
    *,
    rho: float = 0.05,
    epsilon: float = 1e-3,
    learning_rate: float | None = None,
    spectrum: Spectrum | None = None,
    ascent_steps: int = 10,
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> Sharpness:
    """Measure sharpness in the ways that are in use.

    Parameters
    ----------
    objective : Objective
    rho : float
        Radius of the balls of SAM and ASAM, in parameter units and relative to |theta|.
    epsilon : float
        Size of Keskar's box.
    learning_rate : float, optional
        To compare lambda_1 with 2 / learning rate.
    spectrum : Spectrum, optional
        Of this objective; saves products.
    ascent_steps : int
        Gradient steps of each maximisation and from each start.
    seed : int
    cancel : threading.Event or callable, optional

    Raises
    ------
    ValueError
        A size that is not positive, or a spectrum of another size or without a largest eigenvalue.
    nblandscape.cancel.Cancelled

    Notes
    -----
    SAM: Foret et al., arXiv 2010.01412, equation 2; ASAM: Kwon et al., arXiv 2102.11600, equation 5;
    Keskar et al., arXiv 1609.04836, metric 2.1; edge of stability: Cohen et al., arXiv 2103.00065.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.constant_(model.weight, 1.0)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(1, 1), torch.zeros(1, 1)))
    >>> result = sharpness(objective, rho=0.1, learning_rate=0.5)  # the loss is w squared
    >>> round(result.sam, 4), round(result.lambda_max, 4), round(result.stability, 4)
    (0.21, 2.0, 0.5)
    """
    require_objective(objective, "sharpness")
    for name, size in (("rho", rho), ("epsilon", epsilon), ("learning_rate", learning_rate)):
        if size is not None and not (size > 0 and math.isfinite(size)):
            raise ValueError(f"{name}={size} must be positive.")
    check_count(ascent_steps, 1, "ascent_steps")
    if spectrum is not None and spectrum.largest < 1:
        raise ValueError("The spectrum has no largest eigenvalue; compute it with largest >= 1.")
    if spectrum is not None and spectrum.vectors.shape[1] != objective.num_parameters:
        raise ValueError(
            f"The spectrum has vectors of length {spectrum.vectors.shape[1]}, not "
            f"{objective.num_parameters}; compute it from this objective."
        )
    spent = 0
    if spectrum is None:
        spectrum = hessian_spectrum(objective, largest=1, smallest=0, tol=_TOL, seed=seed, cancel=cancel)
        spent = spectrum.products
    origin, gradient = objective.origin(), objective.gradient()
    scale = origin.abs()
    scaled = hessian_spectrum(
        _Scaled(objective, scale), largest=1, smallest=0, tol=_TOL, seed=seed, cancel=cancel
    )
    climb = _Climb(objective, ascent_steps, cancel)
    norm, adaptive = _norm(gradient), _norm(scale * gradient)
    sam = asam = 0.0
    if norm > 0:
        sam = climb.loss(origin + rho / norm * gradient) - climb.start
    if adaptive > 0:
        asam = climb.loss(origin + rho / adaptive * scale**2 * gradient) - climb.start
    top = spectrum.vectors[0].to(origin)
    starts = [rho * top, -rho * top]
    starts += [rho / norm * gradient] if norm > 0 else []
    ball = climb.highest(
        starts, lambda d: d * min(1.0, rho / max(_norm(d), 1e-300)), lambda g: g * rho / max(_norm(g), 1e-300)
    )
    half = epsilon * (scale + 1)
    sides = [half * torch.sign(s) for s in (top, -top)]
    sides += [half * torch.sign(gradient)] if norm > 0 else []
    box = climb.highest(sides, lambda d: torch.clamp(d, -half, half), lambda g: half * torch.sign(g))
    return Sharpness(
        climb.start,
        norm,
        float(spectrum.values[0]),
        float(spectrum.residuals[0]),
        float(scaled.values[0]),
        float(scaled.residuals[0]),
        sam,
        max(ball - climb.start, sam),
        asam,
        100 * (box - climb.start) / (1 + climb.start),
        rho,
        epsilon,
        learning_rate,
        spent + scaled.products,
        climb.count + 1,  # the gradient at the weights
    )


class _Scaled:
    """The operator T H T for a diagonal T."""

    def __init__(self, objective: Objective, scale: torch.Tensor) -> None:
        self._objective, self._scale = objective, scale
        self.size, self.dtype, self.device = objective.num_parameters, objective.dtype, objective.device

    def product(self, V: torch.Tensor) -> torch.Tensor:
        return self._scale * self._objective.hvp(self._scale * V)


class _Climb:
    """Projected gradient ascent around an objective's weights."""

    def __init__(self, objective: Objective, steps: int, cancel: CancelSignal | None) -> None:
        self._objective, self._origin, self._steps, self._cancel = (
            objective,
            objective.origin(),
            steps,
            cancel,
        )
        self.start, self.count = objective.loss(), 1

    def loss(self, flat: torch.Tensor) -> float:
        check(self._cancel)
        self.count += 1
        return self._objective.point(flat).loss

    def highest(
        self,
        starts: list[torch.Tensor],
        project: Callable[[torch.Tensor], torch.Tensor],
        stride: Callable[[torch.Tensor], torch.Tensor],
    ) -> float:
        """Highest loss met from any start; each step goes half of `stride` along the gradient."""
        best = self.start
        for d in starts:
            for _ in range(self._steps):
                check(self._cancel)
                value, gradient = self._objective.value_and_gradient(self._origin + d)
                self.count += 1
                if not math.isfinite(value):
                    break
                best = max(best, value)
                following = project(d + 0.5 * stride(gradient))
                if torch.equal(following, d):
                    break
                d = following
        return best


def _norm(v: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(v.to(torch.float64)))
