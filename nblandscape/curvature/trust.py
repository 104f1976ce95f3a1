"""What a slice of a loss landscape can show and what it cannot: a report with errors and a verdict."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.extremes import Extreme, judge_ends, look_along
from nblandscape.curvature.lanczos import iter_spectrum
from nblandscape.curvature.operator import as_operator
from nblandscape.curvature.slices import (
    COLUMNS,
    KINDS,
    Probes,
    RandomSlices,
    classify,
    draw_probes,
    random_slices,
)
from nblandscape.curvature.trace import Estimate, mean_of
from nblandscape.steps import returned

if TYPE_CHECKING:
    from nblandscape.curvature.spectrum import Spectrum
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

Floats = NDArray[np.float64]

PROBES = 12
"""Random vectors of a report."""

_CRITICAL = 1e-3  # share of the loss that a Newton step along the gradient may still gain at a critical point
_DOMINANT = 0.1


@dataclass(frozen=True, repr=False, eq=False)
class TrustReport:
    """See `trust_report`.

    Attributes
    ----------
    random : RandomSlices
        Trace, Frobenius norm and the law of random slices.
    largest, smallest : Extreme
    curvatures : np.ndarray or None, (d,)
        Principal curvatures of this slice for unit directions, ascending.
    labels : tuple of str
        Of the slice's directions.
    filter_curvature : Estimate or None
        For filter-normalised slices: the mean curvature that such a slice shows,
        sum_f ||theta_f||^2 / n_f tr(H_ff), which is not tr H.
    gradient_norm, loss : float or None
    gain : float or None
        Share of the loss that a step along the gradient would gain, ||g||^2 / (2 lambda L), lambda being the
        largest eigenvalue (|smallest| if none is positive).
    point : str
        What the centre is in the full space: "minimum", "saddle", "maximum", "not a critical point" or
        "undecided".
    products : int
        Hessian-vector products, all counted.
    """

    random: RandomSlices
    largest: Extreme
    smallest: Extreme
    curvatures: Floats | None = None
    labels: tuple[str, ...] = ()
    filter_curvature: Estimate | None = None
    gradient_norm: float | None = None
    loss: float | None = None
    gain: float | None = None
    point: str = "undecided"
    products: int = 0
    warnings: tuple[str, ...] = field(default_factory=tuple)

    @property
    def shown(self) -> str | None:
        """What this slice shows at its centre: "saddle", "minimum" or "maximum"."""
        if self.curvatures is None:
            return None
        return KINDS[int(classify(self.curvatures[None], self.random.rounding)[0])]

    @property
    def dominance(self) -> float:
        """Share of ||H||_F^2 that the largest and the smallest eigenvalue hold, between 0 and 1."""
        ends = self.largest.value**2 + self.smallest.value**2
        return min(1.0, ends / max(self.random.frobenius_squared.value, 1e-300))

    @property
    def formula_applies(self) -> bool:
        """Whether no eigenvalue dominates, so that the closed formula for P(saddle) may be used."""
        return self.dominance < _DOMINANT

    @property
    def verdict(self) -> str:
        """The report in words."""
        p = self.random.probability
        parts = []
        if self.shown is not None:
            likely = p[self.shown]
            parts.append(
                f"This slice shows a {self.shown}; a random slice would with probability "
                f"{likely.value:.2f} ± {likely.stderr:.2f}."
            )
        else:
            parts.append(
                f"A random slice shows a saddle with probability {p['saddle'].value:.2f} ± "
                f"{p['saddle'].stderr:.2f}, a minimum with {p['minimum'].value:.2f}."
            )
        low = self.smallest
        if low.value < 0 and low.verdict == "significant":
            parts.append(
                f"There is negative curvature, λ₋₁ = {low.value:.3g} ± {low.error:.1g}"
                + (f", {low.sight}." if low.sight else ".")
            )
        elif low.value < 0:
            parts.append(f"The negative curvature λ₋₁ = {low.value:.3g} is not established ({low.verdict}).")
        parts.append(
            {
                "minimum": "In all directions together the centre is a minimum.",
                "saddle": "In all directions together the centre is a saddle.",
                "maximum": "In all directions together the centre is a maximum.",
                "not a critical point": "The centre is no critical point: the gradient there is not 0.",
            }.get(self.point, "What the centre is in all directions together is undecided.")
        )
        return " ".join([*parts, *self.warnings])

    def to_dict(self) -> dict[str, Any]:
        """Numbers and words for JSON."""
        r = self.random
        return {
            "trace": _number(r.trace),
            "mean_curvature": _number(r.mean_curvature),
            "frobenius": _number(r.frobenius),
            "probability": {name: _number(e) for name, e in r.probability.items()},
            "saddle_formula": r.saddle_formula,
            "expected_curvatures": list(r.expected),
            "largest": asdict(self.largest),
            "smallest": asdict(self.smallest),
            "curvatures": None if self.curvatures is None else self.curvatures.tolist(),
            "filter_curvature": None if self.filter_curvature is None else _number(self.filter_curvature),
            "gradient_norm": self.gradient_norm,
            "gain": self.gain if self.gain is None or math.isfinite(self.gain) else None,
            "point": self.point,
            "products": self.products,
            "shown": self.shown,
            "formula_applies": self.formula_applies,
            "warnings": list(self.warnings),
            "verdict": self.verdict,
        }

    def __repr__(self) -> str:
        r, low, high = self.random, self.smallest, self.largest
        rows = [
            ("tr H / N", f"{r.mean_curvature.value:.4g} ± {r.mean_curvature.stderr:.1g}", f"N = {r.size}"),
            ("‖H‖_F", f"{r.frobenius.value:.4g} ± {r.frobenius.stderr:.1g}", ""),
            ("λ₁", f"{high.value:.4g} ± {high.error:.1g}", high.verdict),
            (
                "λ₋₁",
                f"{low.value:.4g} ± {low.error:.1g}",
                ", ".join(s for s in (low.verdict, low.sight) if s),
            ),
        ]
        rows += [
            (f"P({name})", f"{e.value:.3f} ± {e.stderr:.3f}", "of a random slice")
            for name, e in r.probability.items()
        ]
        rows.append(("P(saddle), formula", f"{r.saddle_formula:.3f}",
                     "" if self.formula_applies else "does not apply: few eigenvalues dominate"))  # fmt: skip
        if self.curvatures is not None:
            values = ", ".join(f"{c:.4g}" for c in self.curvatures)
            rows.append(("this slice", values, f"expected of a random one {_pair(r.expected)}"))
        if self.filter_curvature is not None:
            rows.append(
                ("filter-weighted trace", repr(self.filter_curvature), "what this kind of slice measures")
            )
        if self.gradient_norm is not None:
            rows.append(("‖g‖", f"{self.gradient_norm:.3g}", f"the centre: {self.point}"))
        width = max(len(row[1]) for row in rows)
        table = "\n".join(f"{a:<22}{b:<{width}}  {c}".rstrip() for a, b, c in rows)
        return f"Trust report ({self.products} products)\n{table}\n{self.verdict}"


def trust_report(
    objective: Any,
    subspace: Subspace | None = None,
    *,
    spectrum: Spectrum | None = None,
    held_out: Objective | None = None,
    probes: int = PROBES,
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> TrustReport:
    """Say what a slice can show of the loss around its centre.

    Parameters
    ----------
    objective
        An `Objective`; an operator or a matrix gives the parts that need products only.
    subspace : Subspace, optional
        The slice; without it the report is about random slices.
    spectrum : Spectrum, optional
        Of this objective, with both ends; saves products.
    held_out : Objective, optional
        The same weights on other data (``objective.on(batches)``): an eigenvector is chosen to be extreme
        on its own data, so its curvature there is biased.
    probes : int
        Random vectors, at least 3; all their pairs are slices.
    seed : int
    cancel : threading.Event or callable, optional

    Returns
    -------
    TrustReport
        ``print(report)`` is a table, ``report.verdict`` the words, ``report.to_dict()`` the numbers.

    Raises
    ------
    ValueError
        Too few probes, a slice or spectrum of another size, or a spectrum without both ends.
    nblandscape.cancel.Cancelled

    Notes
    -----
    Böttcher & Wheeler, arXiv 2208.13219: random projections and their expected curvature. What a
    filter-normalised direction d measures follows from its construction: E[d H d] =
    sum_f ||theta_f||^2 / n_f tr(H_ff).

    Examples
    --------
    Half of the curvatures up, half down: a saddle that most random slices show as one.

    >>> import numpy as np
    >>> report = trust_report(np.diag([1.0] * 50 + [-1.0] * 50), probes=12)
    >>> report.random.probability["saddle"].value > 0.5, round(report.smallest.value, 6)
    (True, -1.0)
    """
    return returned(
        iter_trust_report(
            objective,
            subspace,
            spectrum=spectrum,
            held_out=held_out,
            probes=probes,
            seed=seed,
            cancel=cancel,
        )
    )


def iter_trust_report(
    objective: Any,
    subspace: Subspace | None = None,
    *,
    spectrum: Spectrum | None = None,
    held_out: Objective | None = None,
    probes: int = PROBES,
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> Generator[None, None, TrustReport]:
    """Do what `trust_report` does, pausing after every product; returns the report. Arguments as there."""
    operator = as_operator(objective)
    _check(operator.size, subspace, spectrum, held_out)
    products = 0
    if spectrum is None:
        for partial in iter_spectrum(objective, largest=1, smallest=1, seed=seed, cancel=cancel):
            spectrum = partial
            yield
        assert spectrum is not None
        products += spectrum.products
    drawn = yield from draw_probes(operator, probes, seed, cancel)
    law = random_slices(drawn)
    products += probes
    is_objective = callable(getattr(objective, "point", None))
    gradient = objective.gradient().to(torch.float64) if is_objective else None
    ends, spent = judge_ends(objective, spectrum, held_out, gradient)
    yield
    products += spent
    if is_objective and ends[1].value < 0:
        ends[1] = yield from look_along(objective, spectrum.vectors[-1], ends[1], cancel)
    curvatures = None
    if subspace is not None:
        Q = torch.linalg.qr(subspace.directions.to(operator.device, torch.float64).T).Q.T
        images = []
        for q in Q:
            check(cancel)
            images.append(operator.product(q.to(operator.dtype)[None])[0].to(torch.float64))
            yield
        products += len(Q)
        form = np.asarray((Q @ torch.stack(images).T).cpu())
        curvatures = np.linalg.eigvalsh((form + form.T) / 2)
    norm = loss = gain = None
    if gradient is not None:
        loss, norm = objective.loss(), float(torch.linalg.vector_norm(gradient))
        gain = _gain(norm, ends[0].value if ends[0].value > 0 else abs(ends[1].value), abs(loss))
    filtered = subspace is not None and subspace.provenance.get("normalize") == "filter"
    return TrustReport(
        law,
        ends[0],
        ends[1],
        curvatures,
        () if subspace is None else subspace.labels,
        _filter_curvature(objective, drawn) if filtered and is_objective else None,
        norm,
        loss,
        gain,
        _point(ends[0], ends[1], gain),
        products,
        _warnings(subspace, curvatures),
    )


def _check(n: int, subspace: Subspace | None, spectrum: Spectrum | None, held_out: Objective | None) -> None:
    if subspace is not None and subspace.directions.shape[1] != n:
        raise ValueError(f"The slice has directions of length {subspace.directions.shape[1]}, not {n}.")
    if spectrum is not None and (spectrum.largest < 1 or spectrum.smallest < 1):
        raise ValueError("The spectrum needs both ends; compute it with largest >= 1 and smallest >= 1.")
    if spectrum is not None and spectrum.vectors.shape[1] != n:
        raise ValueError(f"The spectrum has vectors of length {spectrum.vectors.shape[1]}, not {n}.")
    if held_out is not None and held_out.num_parameters != n:
        raise ValueError(f"held_out has {held_out.num_parameters} parameters, not {n}.")


def _gain(norm: float, curvature: float, loss: float) -> float:
    """Return the share of a loss that a step along a gradient of this norm would gain."""
    if norm == 0:
        return 0.0
    scale = 2 * curvature * loss
    return norm**2 / scale if scale > 0 else math.inf


def _filter_curvature(objective: Objective, probes: Probes) -> Estimate:
    """Mean curvature of filter-normalised directions, from the probes' own products: E[(s^2 v) . H v]."""
    scales = {}
    for name, weight in objective.unflatten(objective.origin()).items():
        scale = torch.zeros_like(weight, dtype=torch.float64)
        if weight.ndim > 1:
            dims = tuple(range(1, weight.ndim))
            squares = (weight.abs().to(torch.float64) ** 2).sum(dim=dims, keepdim=True)
            scale += squares / weight[0].numel()
        scales[name] = scale.to(weight.dtype)
    squared = torch.split(objective.flatten(scales).to(torch.float64), COLUMNS)
    parts = [(v * w) @ s for (v, w), s in zip(probes.pieces(), squared, strict=True)]
    draws = np.asarray(torch.stack(parts).sum(dim=0).cpu())
    return mean_of(draws, "hutchinson", products=len(draws))


def _point(largest: Extreme, smallest: Extreme, gain: float | None) -> str:
    if gain is not None and gain > _CRITICAL:
        return "not a critical point"
    sure = {"significant", "noise unknown"}
    up = largest.value > 0 and largest.verdict in sure
    down = smallest.value < 0 and smallest.verdict in sure
    if up and down:
        return "saddle"
    if up and smallest.value > 0 and smallest.verdict in sure:
        return "minimum"
    if down and largest.value < 0 and largest.verdict in sure:
        return "maximum"
    return "undecided"


def _warnings(subspace: Subspace | None, curvatures: Floats | None) -> tuple[str, ...]:
    found = []
    if subspace is not None and not subspace.contains_model:
        found.append("The slice does not pass through the weights; its curvatures are those at the weights.")
    if curvatures is not None and len(curvatures) > 2:
        found.append("Probabilities are those of two-dimensional slices.")
    return tuple(found)


def _number(e: Estimate) -> dict[str, float]:
    return {"value": e.value, "stderr": e.stderr, "samples": e.samples}


def _pair(values: tuple[float, float]) -> str:
    return f"({values[0]:.3g}, {values[1]:.3g})"
