"""A growing orthonormal basis and the exact record of what the operator does to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.curvature.operator import SymmetricOperator
from nblandscape.memory import free_memory

Floats = NDArray[np.float64]

_FIRST_ROWS = 32
_MAX_PASSES = 5
_COUPLED = 1e-6  # of the norm
HALF_FLOOR = 3e-4  # residual over ||H||: rounding a row to float16 takes off 2e-4 of it
_WIDE_ROWS = 2**15  # up to this length rows are kept in float64: they cost less memory than time


def row_dtype(operator: SymmetricOperator) -> torch.dtype:
    """Return the type in which a basis keeps its rows."""
    small = operator.size <= _WIDE_ROWS and operator.device.type == "cpu"
    return torch.float64 if small else operator.dtype


@dataclass(frozen=True)
class Ritz:
    """Ritz pairs of the processed part of a basis, ascending."""

    values: Floats  # (p,)
    coefficients: Floats  # (p, p), column i belongs to values[i]
    residuals: Floats  # (p,) ||H v - l v||


class KrylovBasis:
    """Orthonormal rows Q and coefficients C with H Q[:p]^T = Q[:m]^T C[:m, :p].

    The first p rows are *processed*: their products are known. The other m - p rows are *tails*: the
    directions in which the operator leaves the processed space. A Lanczos chain has one tail, a warm start
    one per vector, a thick restart keeps the form; in each case the residual of a Ritz pair can be read off
    C, and C[i, j] against C[j, i] compares two different products, which shows an operator that is not
    symmetric or not deterministic.

    A remainder shorter than ``breakdown * norm`` ends its chain: its direction would be mostly rounding
    error, and such a tail hides from a later random vector what it happens to hold. Its length counts in the
    residuals.

    The basis also remembers what random vectors it was given: `fresh` is the part of the record that came
    after the last `forget`, for the certificate.

    Sums and C are float64 whatever the type of the rows (float32 on devices that lack it). With `half`, rows
    are kept in float16, times the root of n, since the entries of a long unit vector are below what float16
    resolves. The record stays exact for the rows as they are kept but for what rounding takes off each new
    one, which is measured and counts in the residuals; that they are not quite orthonormal, `refine` mends.
    """

    def __init__(
        self, operator: SymmetricOperator, capacity: int, breakdown: float = 0.0, *, half: bool = False
    ) -> None:
        self.operator, self.half = operator, half
        self.capacity = min(capacity, operator.size)
        self.size = 0
        self.processed = 0
        self.products = 0
        self.norm = 0.0
        self.symmetry_defect = 0.0
        rows = min(_FIRST_ROWS, self.capacity)
        self._wide = torch.float32 if operator.device.type == "mps" else torch.float64
        self._eps = max(torch.finfo(operator.dtype).eps, HALF_FLOOR / 10 if half else 0.0)
        self._scale = math.sqrt(operator.size) if half else 1.0
        self._breakdown = max(breakdown, 10 * self._eps)
        dtype = torch.float16 if half else row_dtype(operator)
        self._rows = torch.empty((rows, operator.size), dtype=dtype, device=operator.device)
        self._coefficients = np.zeros((rows, rows))
        self._lost = np.zeros(rows)
        self._draws = np.zeros((rows, 0))
        self._known = np.zeros(rows, dtype=bool)
        self._ritz: Ritz | None = None

    @property
    def floor(self) -> float:
        """Return the length below which a vector that came out of a product is rounding error."""
        return 10 * self._eps * self.norm

    @property
    def tails(self) -> int:
        return self.size - self.processed

    @property
    def full(self) -> bool:
        """Whether a restart must come before the next product."""
        return self.size == self.capacity < self.operator.size

    @property
    def rows(self) -> torch.Tensor:
        """Return Q, shape (m, n)."""
        kept = self._rows[: self.size]
        return kept.to(self._wide) / self._scale if self.half else kept

    @property
    def coefficients(self) -> Floats:
        """Return C, shape (m, p)."""
        return self._coefficients[: self.size, : self.processed]

    @property
    def draws(self) -> int:
        """Return how many random vectors were admitted since the last `forget`."""
        return self._draws.shape[1]

    def fresh(self) -> tuple[Floats, Floats, NDArray[np.intp]]:
        """Return C and the random vectors on the rows since `forget`, and which rows these are."""
        rows = np.flatnonzero(~self._known[: self.size])
        columns = rows[rows < self.processed]
        return self._coefficients[np.ix_(rows, columns)], self._draws[rows], rows

    def forget(self) -> None:
        """Count all present rows as known: later random vectors search what is orthogonal to them."""
        self._known[: self.size] = True
        self._draws = np.zeros((len(self._draws), 0))

    def clear(self) -> None:
        """Drop all rows."""
        self._coefficients[:] = 0.0
        self._draws = np.zeros((len(self._draws), 0))
        self.size = self.processed = 0
        self._ritz = None

    def admit(self, vector: torch.Tensor, *, drawn: bool = False) -> bool:
        """Add a vector (a `drawn` one is random) as a tail; False if it lies in the basis."""
        w = vector.detach().to(self._wide).to(self.operator.device).clone()
        length = float(torch.linalg.vector_norm(w))
        if self.size == self.capacity or not length > 0:
            return False
        column, left = self._project_out(w)
        if left <= 10 * self._eps * length:
            return False
        self._append(w, left)
        if drawn:
            self._draws = np.column_stack([self._draws, np.zeros(len(self._draws))])
            self._draws[: self.size, -1] = np.append(column, left)
        return True

    def expand(self, row: int | None = None) -> tuple[float, float]:
        """Process a tail (default: the oldest); return its Rayleigh quotient and the new tail's length."""
        p = self.processed
        self._swap(p, p if row is None else row)
        w = self._product(self._row(p))
        column, left = self._project_out(w, self._nearest(p))
        length = math.hypot(float(np.linalg.norm(column)), left)
        self.norm = max(self.norm, length)
        known = self._coefficients[p, :p]
        self.symmetry_defect = max(self.symmetry_defect, float(np.abs(column[:p] - known).max(initial=0.0)))
        self._coefficients[: self.size, p] = column
        self.processed += 1
        self._ritz = None
        if left <= self._breakdown * self.norm or self.size == self.operator.size:
            self._lost[p] = left
            return float(column[p]), 0.0
        assert not self.full, "a full basis must be restarted before the next product"
        self._lost[p] = left * self._append(w, left)
        self._coefficients[self.size - 1, p] = left
        return float(column[p]), left

    def ritz(self) -> Ritz:
        """Solve the projected problem."""
        if self._ritz is None:
            p, C = self.processed, self.coefficients
            values, S = np.linalg.eigh((C[:p] + C[:p].T) / 2)
            R = C @ S
            R[:p] -= S * values
            residuals = np.linalg.norm(R, axis=0) + self._lost[:p] @ np.abs(S)
            self._ritz = Ritz(values, S, residuals)
            self.norm = max(self.norm, float(np.abs(values).max(initial=0.0)))
        return self._ritz

    def combine(self, S: Floats) -> torch.Tensor:
        """Return the rows S^T Q[:p], shape (k, n), for S of shape (p, k)."""
        p, k = S.shape
        out = torch.empty((k, self.operator.size), dtype=self.operator.dtype, device=self.operator.device)
        weights = self._tensor(S.T / self._scale)
        for span in self._spans(p):
            out[:, span] = (weights @ self._rows[:p, span].to(self._wide)).to(out.dtype)
        return out

    def leading_tail(self, S: Floats, weights: Floats) -> int:
        """Return the tail that carries most of the weighted squared residuals of Ritz vectors, S (p, k)."""
        return self.processed + int(np.argmax((self.coefficients[self.processed :] @ S) ** 2 @ weights))

    def restart(self, keep: NDArray[np.intp]) -> None:
        """Shrink to the chosen Ritz vectors and the tails they touch (thick restart, Wu & Simon 2000)."""
        p, m, k, C = self.processed, self.size, len(keep), self.coefficients
        S = self.ritz().coefficients[:, keep]
        U, sizes, _ = np.linalg.svd(C[p:] @ S, full_matrices=False)
        U = U[:, sizes > self._eps * self.norm]
        mix = np.zeros((k + U.shape[1], m))
        mix[:k, :p], mix[k:, p:] = S.T, U.T
        shrunk = mix @ C @ S
        weights = self._tensor(mix)
        off = torch.zeros(len(mix), dtype=self._wide, device=weights.device)
        for span in self._spans(m):
            mixed = weights @ self._rows[:m, span].to(self._wide)
            self._rows[: len(mix), span] = mixed.to(self._rows.dtype)
            if self.half:
                off += (self._rows[: len(mix), span].to(self._wide) - mixed).square().sum(dim=1)
        rounding = np.sqrt(off.cpu().numpy()) / self._scale
        self._coefficients[:] = 0.0
        self._coefficients[: len(mix), :k] = shrunk
        # A row that moved by d has an image that moved by up to ||H|| d; so have those it is made of.
        self._lost[:k] = self._lost[:p] @ np.abs(S) + self.norm * (
            rounding[:k] + rounding @ np.abs(shrunk / self.norm)
        )
        self.size, self.processed = len(mix), k
        self.forget()
        self._ritz = None

    def _row(self, i: int) -> torch.Tensor:
        row = self._rows[i]
        return row.to(self.operator.dtype) / self._scale if self.half else row

    def _product(self, q: torch.Tensor) -> torch.Tensor:
        self.products += 1
        w = self.operator.product(q[None].to(self.operator.dtype))[0].detach().to(self._wide, copy=True)
        if not math.isfinite(float(w.sum())) and (bad := int((~torch.isfinite(w)).sum())):
            raise FloatingPointError(
                f"Hessian product {self.products} has {bad} of {len(w)} entries that are NaN or inf: check "
                "the loss and its second derivative at these parameters (sqrt, log or norm at 0, overflow), "
                "or use dtype=torch.float64"
            )
        return w

    def confirm(self, U: torch.Tensor, values: Floats, signs: Floats) -> float:
        """Return the residual of a combination of pairs, U of shape (k, n), by one product."""
        c = self._tensor(signs / np.sqrt(len(signs)))
        image = self._product((c.to(U.dtype) @ U).to(U.dtype))
        for span in self._spans(len(values)):
            image[span] -= (c * self._tensor(values)) @ U[:, span].to(self._wide)
        return float(torch.linalg.vector_norm(image))

    def refine(self, U: torch.Tensor) -> tuple[Floats, Floats]:
        """Turn nearly orthonormal rows U (k, n), in place, into Ritz vectors of their span, by k products.

        Return values, descending, and residuals: of U in its own type, whatever the basis was kept in. The
        basis is given up before, so that the images need no further memory.
        """
        self.clear()
        self._rows = self._rows[:0].clone()
        self._mix(U, np.linalg.inv(np.linalg.cholesky(self._inner(U, U))))
        images = torch.empty_like(U)
        for image, u in zip(images, U, strict=True):
            image.copy_(self._product(u))
        T = self._inner(U, images)
        values, S = np.linalg.eigh((T + T.T) / 2)
        values, S = values[::-1].copy(), S[:, ::-1]
        squares, weights = np.zeros(len(U)), self._tensor(values)[:, None]
        self._mix(U, S.T)
        self._mix(images, S.T)
        for span in self._cut(len(U)):
            off = images[:, span].to(self._wide) - weights * U[:, span].to(self._wide)
            squares += off.square().sum(dim=1).cpu().numpy()
        self.norm = max(self.norm, float(np.abs(values).max()))
        return values, np.sqrt(squares)

    def _inner(self, U: torch.Tensor, V: torch.Tensor) -> Floats:
        total = np.zeros((len(U), len(V)))
        for span in self._cut(len(U)):
            total += (U[:, span].to(self._wide) @ V[:, span].to(self._wide).T).cpu().numpy()
        return total

    def _mix(self, U: torch.Tensor, weights: Floats) -> None:
        turn = self._tensor(weights)
        for span in self._cut(len(U)):
            U[:, span] = (turn @ U[:, span].to(self._wide)).to(U.dtype)

    def _nearest(self, p: int) -> int:
        """Return from which row on the product of row p has more than rounding error."""
        coupled = np.abs(self._coefficients[p, :p]) > _COUPLED * self.norm
        return int(np.argmax(coupled)) if coupled.any() else p

    def _project_out(self, w: torch.Tensor, near: int | None = None) -> tuple[Floats, float]:
        """Remove the basis from w in place: Gram-Schmidt twice, more often if w nearly vanishes.

        The first time it is enough to take the rows from `near` on that hold nearly all there is to remove.
        """
        m = self.size
        total = torch.zeros(m, dtype=self._wide, device=w.device)
        if near is not None:
            total[near:] = self._remove(w, near)
        before = float(torch.linalg.vector_norm(w))
        for attempt in range(near is not None, _MAX_PASSES):
            total += self._remove(w)
            after = float(torch.linalg.vector_norm(w))
            if attempt and (after > before / 2 or after == 0):
                break
            before = after
        return total.cpu().numpy().astype(np.float64), after

    def _remove(self, w: torch.Tensor, first: int = 0) -> torch.Tensor:
        """Subtract the components of w on the rows from `first` on, and return them."""
        rows = self._rows[first : self.size]
        spans = self._spans(len(rows))
        if len(spans) == 1:
            rows = rows.to(self._wide)
            h = rows @ w / self._scale
            w.addmv_(rows.T, h, alpha=-1 / self._scale)
            return h
        h = torch.zeros(len(rows), dtype=self._wide, device=w.device)
        for span in spans:
            h.addmv_(rows[:, span].to(self._wide), w[span])
        h /= self._scale
        for span in spans:
            w[span].addmv_(rows[:, span].to(self._wide).T, h, alpha=-1 / self._scale)
        return h

    def _append(self, w: torch.Tensor, length: float) -> float:
        """Add w over its length as a row; return what rounding takes off it, 0 where that is negligible."""
        if self.size == len(self._rows):
            self._grow(min(2 * self.size, self.capacity))
        row, rounded = self._rows[self.size], 0.0
        for span in self._spans(1):
            exact = w[span] * (self._scale / length)
            row[span] = exact.to(row.dtype)
            if self.half:
                rounded += float((row[span].to(self._wide) - exact).square().sum())
        self._coefficients[self.size] = 0.0
        self._draws[self.size] = 0.0
        self._known[self.size] = False
        self.size += 1
        return math.sqrt(rounded) / self._scale

    def _grow(self, rows: int) -> None:
        old, C = self._rows, self._coefficients
        self._rows = torch.empty((rows, old.shape[1]), dtype=old.dtype, device=old.device)
        self._rows[: len(old)] = old
        self._coefficients = np.zeros((rows, rows))
        self._coefficients[: len(C), : len(C)] = C
        more = rows - len(C)
        self._lost = np.append(self._lost, np.zeros(more))
        self._draws = np.vstack([self._draws, np.zeros((more, self.draws))])
        self._known = np.append(self._known, np.zeros(more, dtype=bool))

    def _swap(self, i: int, j: int) -> None:
        if i == j:
            return
        kept = self._rows[i].clone()
        self._rows[i] = self._rows[j]
        self._rows[j] = kept
        for of_rows in (self._coefficients, self._draws, self._known):
            of_rows[[i, j]] = of_rows[[j, i]]

    def _spans(self, rows: int) -> list[slice]:
        if self._rows.dtype == self._wide:
            return [slice(0, self.operator.size)]
        return self._cut(rows)

    def _cut(self, rows: int) -> list[slice]:
        """Cut the columns so that the float64 copy of a piece stays small (in cache on a CPU)."""
        n = self.operator.size
        elements = 2**18 if self.operator.device.type == "cpu" else 2**24
        step = max(1024, elements // max(rows, 1))
        return [slice(a, min(a + step, n)) for a in range(0, n, step)]

    def _tensor(self, x: Floats) -> torch.Tensor:
        return torch.as_tensor(np.ascontiguousarray(x)).to(self._wide).to(self.operator.device)


def default_basis_bytes(device: torch.device) -> int:
    """Return a quarter of the memory that is free on the device."""
    return int(free_memory(device)) // 4
