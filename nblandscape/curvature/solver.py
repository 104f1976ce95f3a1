"""The stages of an eigensolver run: converge, probe for what a single vector cannot show, confirm."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.certificate import hidden_weight, miss_probability
from nblandscape.curvature.krylov import Floats, KrylovBasis
from nblandscape.curvature.spectrum import Spectrum, fix_signs

_RESOLVED = 0.1
_FREE_ROWS = 10
_PROBE_AT_LEAST, _PROBE_BUDGET = 4, 16  # products; the first exhausts small spaces, where 1 % is seen
_TOLERATED_DEFECT = 0.05


class Solver:
    """One run over one basis; every step of `steps` is one product."""

    def __init__(
        self,
        basis: KrylovBasis,
        *,
        largest: int,
        smallest: int,
        tol: float,
        max_products: int,
        max_miss: float,
        seed: int,
    ) -> None:
        self.basis = basis
        self.largest, self.smallest = largest, smallest
        self.tol, self.seed = tol, seed
        self._max_miss = max_miss
        self._limit = max(1, max_products - 1)
        self._confirm = max_products > 1
        self._first_stage: int | None = None
        self._resolve_until = 0
        self._miss = 1.0
        self._first_chain: list[tuple[float, float]] = []
        self._first_open = False
        self._generator = torch.Generator().manual_seed(seed)

    @property
    def products(self) -> int:
        return self.basis.products

    def steps(self, start: torch.Tensor, cancel: CancelSignal | None) -> Iterator[None]:
        """Run all stages but the confirmation."""
        admitted = sum(self.basis.admit(v) for v in start)
        self._first_open = not admitted
        if self._first_open:
            self.basis.admit(self._random_vector())
        while self.basis.processed < admitted and self._may_go_on():
            self._expand(None, cancel)
            yield
        while True:
            yield from self._converge(cancel)
            self._first_open = False
            if self.basis.processed == self.basis.operator.size:
                self._miss = 0.0
            if self._max_miss >= 1 or not self._may_go_on():
                return
            if (yield from self._probe(cancel)):
                return
            self._resolve_until = self.products + (self._first_stage or 0)

    def spectrum(self) -> Spectrum:
        """Return what is known, with the residuals that the basis implies."""
        wanted, top = self._wanted()
        ritz = self.basis.ritz()
        vectors = self.basis.combine(ritz.coefficients[:, wanted])
        nodes, weights = self._density()
        values, residuals, norm = ritz.values[wanted], ritz.residuals[wanted], self.basis.norm
        return Spectrum(
            values=values,
            vectors=fix_signs(vectors),
            residuals=residuals,
            converged=residuals <= self.tol * norm,
            resolved=residuals <= _RESOLVED * np.abs(values),
            largest=top,
            smallest=len(wanted) - top,
            norm=norm,
            tol=self.tol,
            products=self.products,
            symmetry_defect=self.basis.symmetry_defect / norm if norm > 0 else 0.0,
            miss_probability=self._miss,
            seed=self.seed,
            density_nodes=nodes,
            density_weights=weights,
        )

    def confirmed_spectrum(self) -> Spectrum:
        """Return the result after one product on a random combination of its vectors.

        If that product contradicts the residuals, its own defect replaces the smaller ones.
        """
        result = self.spectrum()
        if not self._confirm:
            return result
        signs = torch.randint(0, 2, (len(result),), generator=self._generator).numpy() * 2.0 - 1.0
        seen = self.basis.confirm(result.vectors, result.values, signs)
        expected = float(result.residuals.sum()) / np.sqrt(len(result))
        fields = dict(vars(result), products=self.products)
        if seen > expected + self.basis.floor:
            residuals = np.maximum(result.residuals, seen)
            fields["residuals"] = residuals
            fields["converged"] = residuals <= self.tol * result.norm
            fields["resolved"] = residuals <= _RESOLVED * np.abs(result.values)
        return Spectrum(**fields)

    def _converge(self, cancel: CancelSignal | None) -> Iterator[None]:
        """Expand the basis by the residual of the worst wanted pair until all are good."""
        while self._may_go_on():
            p = self.basis.processed
            row = None
            if p and (p % _stride(p) == 0 or self.basis.tails != 1):
                urgency = self._urgency()
                if not urgency.any():
                    return
                wanted, _ = self._wanted()
                if self.basis.tails > 1:
                    s = self.basis.ritz().coefficients[:, wanted[int(np.argmax(urgency))]]
                    row = self.basis.leading_tail(s)
            if self._make_room():
                row = None
            if self.basis.tails == 0:
                self._first_open = False
                if not self.basis.admit(self._random_vector()):
                    return
                self._make_room()
            self._expand(row, cancel)
            yield

    def _probe(self, cancel: CancelSignal | None) -> Generator[None, None, bool]:
        """Search what is orthogonal to the basis; True if nothing better than the wanted pairs is there."""
        self._make_room(free=self.basis.capacity // 2)
        free_dimension = self.basis.operator.size - self.basis.size
        if not self.basis.admit(self._random_vector()):
            self._miss = 0.0
            return True
        (upper, lower), (upper_margin, lower_margin) = self._last_values()
        alphas: list[float] = []
        betas: list[float] = []
        budget = max(self.products, _PROBE_BUDGET)
        self._miss = 1.0
        while len(alphas) < budget and self._may_go_on():
            if self.basis.full:
                break
            alpha, beta = self._expand(self.basis.size - 1, cancel)
            alphas.append(alpha)
            betas.append(beta)
            yield
            above = hidden_weight(alphas, betas, upper + upper_margin) if self.largest else 0.0
            below = hidden_weight([-a for a in alphas], betas, lower_margin - lower) if self.smallest else 0.0
            miss = min(1.0, miss_probability(above, free_dimension) + miss_probability(below, free_dimension))
            self._miss = min(self._miss, miss)
            certain = beta == 0 or (miss <= self._max_miss and len(alphas) >= _PROBE_AT_LEAST)
            if certain or len(alphas) % _stride(self.basis.processed) == 0:
                now_upper, now_lower = self._last_values()[0]
                if now_upper > upper + upper_margin or now_lower < lower - lower_margin:
                    self._miss = 1.0
                    return False
            if certain:
                break
        return not self._urgency().any()

    def _expand(self, row: int | None, cancel: CancelSignal | None) -> tuple[float, float]:
        check(cancel)
        alpha, beta = self.basis.expand(row)
        defect, norm = self.basis.symmetry_defect, self.basis.norm
        if defect > _TOLERATED_DEFECT * norm:
            raise ValueError(
                f"Hessian products contradict each other by {defect:.1e} (norm {norm:.1e}): the operator is "
                "not symmetric or not deterministic; use eval mode (no dropout), pinned batches, or "
                "dtype=torch.float64"
            )
        if self._first_open:
            self._first_chain.append((alpha, beta))
        return alpha, beta

    def _may_go_on(self) -> bool:
        return self.products < self._limit and self.basis.processed < self.basis.operator.size

    def _make_room(self, free: int = 1) -> bool:
        """Restart when fewer than so many rows are free (a basis as large as the space is never short)."""
        basis = self.basis
        if basis.capacity - basis.size >= free or basis.capacity == basis.operator.size:
            return False
        self._first_open = False
        wanted, top = self._wanted()
        p, k = basis.processed, len(wanted)
        spare = max(0, min((basis.capacity - k) // 6, (basis.capacity - _FREE_ROWS - k - basis.tails) // 2))
        upper = min(top + spare, p)
        lower = min(k - top + spare, p - upper)
        basis.restart(np.concatenate([np.arange(lower), np.arange(p - upper, p)]))
        return True

    def _wanted(self) -> tuple[NDArray[np.intp], int]:
        """Return indices of the wanted Ritz pairs, descending, and how many of them are of the upper end."""
        p = self.basis.processed
        top = min(self.largest, p - min(self.smallest, p // 2))
        bottom = min(self.smallest, p - top)
        return np.concatenate([np.arange(p - 1, p - 1 - top, -1), np.arange(bottom - 1, -1, -1)]), top

    def _urgency(self) -> Floats:
        """Return how far each wanted pair is from good enough, 0 when nothing is left to do for it."""
        wanted, _ = self._wanted()
        ritz = self.basis.ritz()
        values, residuals, norm = ritz.values[wanted], ritz.residuals[wanted], self.basis.norm
        if len(wanted) < self.largest + self.smallest:
            return np.maximum(residuals, np.finfo(float).tiny)
        urgency: Floats = np.where(residuals > self.tol * norm, residuals, 0.0)
        if not urgency.any():
            if self._first_stage is None:
                self._first_stage = self.products
                self._resolve_until = 2 * self.products
            if self.products < self._resolve_until:
                vague = residuals > np.maximum(_RESOLVED * np.abs(values), self.basis.floor)
                urgency = np.where(vague, residuals, 0.0)
        return urgency

    def _last_values(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the innermost wanted value of each end, and the accuracy asked of it."""
        wanted, top = self._wanted()
        ritz, scale = self.basis.ritz(), self.tol * self.basis.norm
        values, residuals = ritz.values[wanted], ritz.residuals[wanted]
        upper = (values[top - 1], residuals[top - 1]) if top else (np.inf, 0.0)
        lower = (values[top], residuals[top]) if top < len(values) else (-np.inf, 0.0)
        margins = [max(min(scale, _RESOLVED * abs(v)), r, self.basis.floor) for v, r in (upper, lower)]
        return (float(upper[0]), float(lower[0])), (margins[0], margins[1])

    def _density(self) -> tuple[Floats, Floats]:
        if not self._first_chain:
            return np.empty(0), np.empty(0)
        diagonal, beside = np.array(self._first_chain).T
        nodes, S = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
        return nodes, S[0] ** 2

    def _random_vector(self) -> torch.Tensor:
        wide = self.basis.operator.dtype == torch.float64
        dtype = torch.float64 if wide else torch.float32
        return torch.randn(self.basis.operator.size, generator=self._generator, dtype=dtype)


def _stride(p: int) -> int:
    """Solve the projected problem, p x p, so seldom that it stays cheaper than the products."""
    return max(1, p // 25)
