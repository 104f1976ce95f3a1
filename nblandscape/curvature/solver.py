"""An eigensolver run: expand what is worst, first the wanted pairs, then the doubt that one is missing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.certificate import Doubt, Known, doubt_at, doubt_beyond
from nblandscape.curvature.krylov import Floats, KrylovBasis
from nblandscape.curvature.spectrum import Spectrum, distances, fix_signs

_RESOLVED = 0.1
_FAR = 10.0  # times the aim: a start with such residuals is dropped
_FREE_ROWS = 10
_SEARCH_AT_LEAST = 32  # products; they exhaust small spaces and suffice after a warm start
_NEGLIGIBLE = 0.01  # of the accepted probability: not looked at again
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
        last = largest + smallest if basis.half else 1  # products that confirm the result
        self._limit = max(1, max_products - last)
        self._confirm = max_products > last
        self._first_stage: int | None = None
        self._resolve_until = 0
        self._search_until: int | None = None
        self._miss = 1.0
        self._doubted: dict[tuple[int, int, int], Doubt] = {}  # by end, place (-1: beyond all), copies
        self._anew = False  # only what came after `forget` counts as random
        self._density: tuple[Floats, Floats] | None = None
        self._start = torch.empty((0, basis.operator.size))
        self._generator = torch.Generator().manual_seed(seed)

    @property
    def products(self) -> int:
        return self.basis.products

    def steps(self, start: torch.Tensor, cancel: CancelSignal | None) -> Iterator[None]:
        """Run until all is known; the confirmation is left to `confirmed_spectrum`."""
        yield from self._begin(start, cancel)
        while self._may_go_on():
            worst = self._worst_tail()
            if worst is None:
                worst = self._doubtful_tail()
                if worst is None:
                    break
            if self._make_room(free=1 if self.basis.tails else 2):
                worst = 0
            if self.basis.tails == 0 and not self._draw():
                break
            self._expand(self.basis.processed + worst, cancel)
            yield
        if self.basis.processed == self.basis.operator.size:
            self._miss = 0.0

    def _begin(self, start: torch.Tensor, cancel: CancelSignal | None) -> Iterator[None]:
        """Take the start, or else random vectors."""
        self._start = start
        admitted = sum(self.basis.admit(v) for v in start)
        while self.basis.processed < admitted and self._may_go_on():
            self._expand(None, cancel)
            yield
        if self._too_far() and self._may_go_on():
            self.basis.clear()
        if not self.basis.size:
            # Two vectors show double eigenvalues by themselves; without inner pairs no copy can be missing.
            alone = self._max_miss >= 1 or max(self.largest, self.smallest) < 2
            for _ in range(1 if alone else 2):
                self._draw()

    def spectrum(self) -> Spectrum:
        """Return what is known, with the residuals that the basis implies."""
        wanted, top = self._wanted()
        ritz = self.basis.ritz()
        vectors = self.basis.combine(ritz.coefficients[:, wanted])
        nodes, weights = self._density or self._quadrature()
        values, residuals, norm = ritz.values[wanted], ritz.residuals[wanted], self.basis.norm
        return Spectrum(
            values=values,
            vectors=fix_signs(vectors, self._start),
            residuals=residuals,
            gaps=distances(values, ritz.values),
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

        If that product contradicts the residuals, what it says of the worst pair replaces the smaller ones:
        with k pairs, the mean square of its own residual is a k-th of the sum of theirs.
        """
        result = self.spectrum()
        if not self._confirm:
            return result
        if self.basis.half:
            return self._refined(result)
        signs = torch.randint(0, 2, (len(result),), generator=self._generator).numpy() * 2.0 - 1.0
        seen = self.basis.confirm(result.vectors, result.values, signs)
        expected = float(result.residuals.sum()) / np.sqrt(len(result))
        fields = dict(vars(result), products=self.products)
        if seen > expected + self.basis.floor:
            residuals = np.maximum(result.residuals, seen * np.sqrt(len(result)))
            fields["residuals"] = residuals
            fields["converged"] = residuals <= self.tol * result.norm
            fields["resolved"] = residuals <= _RESOLVED * np.abs(result.values)
        return Spectrum(**fields)

    def _refined(self, result: Spectrum) -> Spectrum:
        """The pairs of the span of the result's vectors, with the residuals of their own products."""
        vectors = result.vectors
        values, residuals = self.basis.refine(vectors)
        norm = self.basis.norm
        fields = dict(vars(result), products=self.products, values=values, residuals=residuals, norm=norm)
        fields["vectors"] = fix_signs(vectors, self._start)
        fields["converged"] = residuals <= self.tol * norm
        fields["resolved"] = residuals <= _RESOLVED * np.abs(values)
        return Spectrum(**fields)

    def _too_far(self) -> bool:
        """Whether the start is so bad that as many chains as it has vectors cost more than two new ones."""
        if self.basis.processed < self.largest + self.smallest:
            return False
        wanted, _ = self._wanted()
        ritz = self.basis.ritz()
        return bool((ritz.residuals[wanted] > _FAR * self._limits(ritz.values[wanted])).any())

    def _limits(self, values: Floats) -> Floats:
        """Return the residuals that are aimed at."""
        fine = np.maximum(_RESOLVED * np.abs(values), self.basis.floor)
        limits: Floats = np.minimum(self.tol * self.basis.norm, fine)
        return limits

    def _worst_tail(self) -> int | None:
        """Return which tail to expand for the wanted pairs' sake; None if they are good."""
        basis, p = self.basis, self.basis.processed
        if p < self.largest + self.smallest:
            return 0
        if p % _stride(p):  # go on where the last one went
            return basis.tails - 1 if self._search_until is not None and self._anew else 0
        wanted, _ = self._wanted()
        ritz, coarse = basis.ritz(), self.tol * basis.norm
        values, residuals = ritz.values[wanted], ritz.residuals[wanted]
        fine = self._limits(values)
        if (residuals <= coarse).all():
            if self._first_stage is None:
                self._first_stage = self.products
                self._resolve_until = 2 * self.products
            if self.products >= self._resolve_until or (residuals <= fine).all():
                return None
        elif self._search_until is not None:  # something new has shown: it may take its time again
            self._resolve_until = self.products + (self._first_stage or 0)
            self._search_until, self._miss = None, 1.0
            self._doubted.clear()
        if basis.tails < 2:
            return 0
        bad = residuals > fine
        weights = np.where(bad, 1 / np.maximum(fine, np.finfo(float).tiny) ** 2, 0.0)
        return basis.leading_tail(ritz.coefficients[:, wanted], weights) - p

    def _doubtful_tail(self) -> int | None:
        """Return which tail to expand to see what may be hidden; None if the doubt is small enough."""
        basis = self.basis
        if self._max_miss >= 1:
            return None
        if self._search_until is None:
            self._search_until = self.products + max(self.products, _SEARCH_AT_LEAST)
        if self.products >= self._search_until:
            return None
        if basis.draws:
            C, draws, rows = basis.fresh()
            upper, lower = self._doubts(1, self.largest, C, draws), self._doubts(-1, self.smallest, C, draws)
            miss = sum(max((d.chance for d in end), default=0.0) for end in (upper, lower))
            self._miss = min(self._miss, miss)
            if self._miss <= self._max_miss:
                return None
            if not basis.full:
                worst = max([*upper, *lower], key=lambda doubt: doubt.chance)
                if worst.copies >= basis.draws and basis.size < basis.operator.size:
                    return self._newest_tail()
                tails = rows >= basis.processed
                if not tails.any():
                    return 0 if basis.tails else None
                return int(rows[tails][np.argmax(np.abs(worst.direction[tails]))]) - basis.processed
        # After a warm start or a restart, or without room: search what is orthogonal to all that is known.
        self._density = self._density or self._quadrature()
        self._make_room(free=basis.capacity // 2)
        basis.forget()
        self._anew = True
        self._doubted.clear()
        return self._newest_tail()

    def _newest_tail(self) -> int | None:
        """Draw a random vector; None if nothing of it lies outside of the basis."""
        return self.basis.tails - 1 if self._draw() else None

    def _doubts(self, sign: int, count: int, C: Floats, draws: Floats) -> list[Doubt]:
        """Look at the values of one end at which an eigenvalue could hide."""
        if not count:
            return []
        ritz, basis = self.basis.ritz(), self.basis
        ends = np.argsort(-sign * ritz.values)[:count]
        values, residuals = ritz.values[ends], np.maximum(ritz.residuals[ends], basis.floor)
        accuracy = np.minimum(self.tol * basis.norm, _RESOLVED * np.abs(values))
        margins = np.maximum(accuracy, residuals)
        limit = values[-1] + sign * margins[-1]
        outside = values[0] + sign * margins[0]
        known = Known(ritz.values, ritz.coefficients, ritz.residuals)
        if self._anew:  # what earlier vectors have shown counts for nothing here
            known, outside = Known.of(C), limit
        last = len(known.values) - 1
        doubts = [self._doubt((sign, -1, 0), lambda: doubt_beyond(C, draws, outside))]
        for i in np.flatnonzero(sign * (known.values - limit) > 0).tolist():
            place = sign, i if sign < 0 else last - i, int(known.same(i, basis.floor).sum())
            doubts.append(self._doubt(place, functools.partial(doubt_at, C, draws, known, i, basis.floor)))
        return doubts

    def _doubt(self, place: tuple[int, int, int], ask: Callable[[], Doubt]) -> Doubt:
        """Ask again, unless the answer was as good as certain; what is beyond all stays excluded."""
        before = self._doubted.get(place)
        if before is None or before.chance > _NEGLIGIBLE * self._max_miss:
            doubt = ask()
            if before is not None and place[1] < 0:
                doubt = doubt._replace(chance=min(before.chance, doubt.chance))
            self._doubted[place] = doubt
        return self._doubted[place]

    def _expand(self, row: int | None, cancel: CancelSignal | None) -> None:
        check(cancel)
        self.basis.expand(row)
        defect, norm = self.basis.symmetry_defect, self.basis.norm
        if defect > _TOLERATED_DEFECT * norm:
            raise ValueError(
                f"Hessian products contradict each other by {defect:.1e} (norm {norm:.1e}): the operator is "
                "not symmetric or not deterministic; use eval mode (no dropout), pinned batches, or "
                "dtype=torch.float64"
            )

    def _may_go_on(self) -> bool:
        return self.products < self._limit and self.basis.processed < self.basis.operator.size

    def _make_room(self, free: int = 1) -> bool:
        """Restart when fewer than so many rows are free (a basis as large as the space is never short)."""
        basis = self.basis
        if basis.capacity - basis.size >= free or basis.capacity == basis.operator.size:
            return False
        self._density = self._density or self._quadrature()
        self._anew = True
        self._doubted.clear()
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

    def _quadrature(self) -> tuple[Floats, Floats]:
        """Return Ritz values, and how much of the first random vectors lies on each Ritz vector."""
        if self._anew or not self.basis.draws:
            return np.empty(0), np.empty(0)
        ritz = self.basis.ritz()
        weights = ((self.basis.fresh()[1][: self.basis.processed].T @ ritz.coefficients) ** 2).sum(axis=0)
        return ritz.values, weights / weights.sum()

    def _draw(self) -> bool:
        """Admit a random vector."""
        wide = self.basis.operator.dtype == torch.float64
        dtype = torch.float64 if wide else torch.float32
        vector = torch.randn(self.basis.operator.size, generator=self._generator, dtype=dtype)
        return self.basis.admit(vector, drawn=True)


def _stride(p: int) -> int:
    """Solve the projected problem, p x p, so seldom that it stays cheaper than the products."""
    return max(1, p // 50)
