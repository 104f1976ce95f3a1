"""Eigenpairs from both ends of a Hessian in one Lanczos run."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.krylov import HALF_FLOOR, KrylovBasis, default_basis_bytes, row_dtype
from nblandscape.curvature.operator import as_operator
from nblandscape.curvature.probes import check_count
from nblandscape.curvature.solver import Solver
from nblandscape.curvature.spectrum import Spectrum

Basis = Literal["full", "half"]

PARTIAL_SECONDS = 0.1
"""Between partial spectra: as often as they can be looked at."""

_PARTIAL_SHARE = 0.1  # of the time goes into partial spectra at most: their vectors pass over the whole basis
_MAX_PRODUCTS = 1000


def hessian_spectrum(
    objective: Any,
    *,
    largest: int = 2,
    smallest: int = 2,
    tol: float = 1e-3,
    max_products: int | None = None,
    max_miss: float = 0.05,
    seed: int = 0,
    start: Spectrum | torch.Tensor | None = None,
    basis_bytes: int | None = None,
    basis: Basis = "full",
    callback: Callable[[Spectrum], object] | None = None,
    cancel: CancelSignal | None = None,
) -> Spectrum:
    """Compute the largest and the smallest (algebraically) eigenvalues of a Hessian with their eigenvectors.

    One Krylov run from two random vectors serves both ends. It expands what is worst: first the wanted pairs,
    until every residual is at most ``tol * norm`` (and a tenth of the value, for at most up to twice the
    products spent so far); then the doubt that an eigenvalue is missing. Two vectors see double eigenvalues;
    where the run shows as many equal copies as it has random vectors, it draws another one. It ends when the
    probability of a miss is at most `max_miss`, at the latest after as many products as have been spent
    before: `Spectrum.miss_probability` is the bound that was reached. One last product on a random
    combination of the returned vectors confirms their residuals.

    What the bound covers, over the random vectors drawn, is that a given eigenvalue was overlooked that is
    (1) beyond all that were found, by more than the accuracy of the outermost pair, or (2) a further copy of
    a found value beyond the last returned one. The accuracy of a pair is the smaller of ``tol * norm`` and a
    tenth of its value, or its residual if that is larger. Not covered is a distinct value between found ones
    of which the random vectors held very little. After a warm start or a restart the bound is that of a
    random vector orthogonal to all that was known then, for eigenvectors that are orthogonal to it too.

    Parameters
    ----------
    objective
        An `Objective`, a `SymmetricOperator`, or a symmetric matrix, shape (n, n).
    largest, smallest
        How many eigenvalues of each end; all n are returned once if they overlap.
    tol
        Accepted residual relative to ||H||.
    max_products
        Limit on Hessian-vector products, the confirmation included (default 1000); when it is reached, what
        is known is returned with a `RuntimeWarning`.
    max_miss
        Accepted probability of a miss; smaller values cost products, 0.01 about a tenth more. 1 runs from one
        vector and does not search (fewest products, one copy of each eigenvalue).
    seed
        Of the private random generator; the global one is neither read nor changed.
    start
        Vectors to begin with, shape (n,) or (k, n), or the spectrum of a nearby Hessian (the next checkpoint,
        more data): fewer products, and eigenvectors that point the same way.
    basis_bytes
        Memory for the basis (default: a quarter of what is free); when it is full, the run restarts from the
        best vectors (thick restart). Room for ``2 * (largest + smallest) + 10`` vectors is always taken.
    basis : {"full", "half"}
        How the basis is kept. "half": in float16, half the memory of float32. The returned pairs are made
        anew from their span by a product each, so that their residuals are those of full precision; rounding
        leaves vectors with residuals of about 3e-4 ||H||, the least `tol` then.
    callback
        Called with partial spectra, the last of them the result.
    cancel
        A `threading.Event` or a function that returns True when the run shall stop.

    Returns
    -------
    Spectrum
        values (k,), vectors (k, n), residuals (k,) and flags.

    Raises
    ------
    nblandscape.cancel.Cancelled
        If `cancel` asked for it.
    FloatingPointError
        If a product is NaN or inf.
    ValueError
        If an argument is out of range, `tol` is below what the type of the parameters can certify, or the
        products show that the operator is not symmetric or not deterministic.

    Notes
    -----
    Lanczos with full reorthogonalisation (B. N. Parlett, The Symmetric Eigenvalue Problem, chapter 13); thick
    restart: K. Wu and H. Simon, SIAM J. Matrix Anal. Appl. 22 (2000) 602, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> s = hessian_spectrum(np.diag([5.0, 5.0, 1.0, 0.0, -2.0]), largest=2, smallest=1)
    >>> s.values.round(6).tolist(), s.converged.all()
    ([5.0, 5.0, -2.0], np.True_)
    """
    for result in iter_spectrum(
        objective,
        largest=largest,
        smallest=smallest,
        tol=tol,
        max_products=max_products,
        max_miss=max_miss,
        seed=seed,
        start=start,
        basis_bytes=basis_bytes,
        basis=basis,
        cancel=cancel,
        every=math.inf if callback is None else PARTIAL_SECONDS,
    ):
        if callback is not None:
            callback(result)
    return result


def iter_spectrum(
    objective: Any,
    *,
    largest: int = 2,
    smallest: int = 2,
    tol: float = 1e-3,
    max_products: int | None = None,
    max_miss: float = 0.05,
    seed: int = 0,
    start: Spectrum | torch.Tensor | None = None,
    basis_bytes: int | None = None,
    basis: Basis = "full",
    cancel: CancelSignal | None = None,
    every: float = PARTIAL_SECONDS,
) -> Iterator[Spectrum]:
    """Yield partial spectra while `hessian_spectrum` works; the last one is the result.

    A partial spectrum comes after every product that ends `every` seconds or more after the previous one,
    less often where making one takes more than a tenth of that; with infinity there is the result alone. It
    has the same fields, holds fewer pairs while there are fewer products than wanted pairs, and stays
    valid after a cancellation. Other arguments, errors and guarantees are those of `hessian_spectrum`.

    Examples
    --------
    >>> *partial, result = iter_spectrum([[2.0, 0.0], [0.0, -1.0]], largest=1, smallest=1)
    >>> result.values.round(6).tolist()
    [2.0, -1.0]
    """
    operator = as_operator(objective)
    n = operator.size
    if basis not in ("full", "half"):
        raise ValueError(f'basis={basis!r}; use "full" or "half" (float16).')
    half = basis == "half"
    floor = max(10 * torch.finfo(operator.dtype).eps, HALF_FLOOR if half else 0.0)
    _check_arguments(largest, smallest, tol, floor, operator.dtype, max_products, max_miss)
    vectors = _start_rows(start, n)
    top, wanted = min(largest, n), min(largest + smallest, n)
    rows = default_basis_bytes(operator.device) if basis_bytes is None else basis_bytes
    rows //= n * (2 if half else row_dtype(operator).itemsize)
    capacity = max(rows, 2 * max(wanted, len(vectors)) + 10)
    solver = Solver(
        KrylovBasis(operator, capacity, breakdown=0.01 * tol, half=half),
        largest=top,
        smallest=wanted - top,
        tol=tol,
        max_products=_MAX_PRODUCTS if max_products is None else max_products,
        max_miss=max_miss,
        seed=seed,
    )
    last, pause = time.monotonic(), every
    for _ in solver.steps(vectors, cancel):
        begin = time.monotonic()
        if begin - last >= pause:
            partial = solver.spectrum()
            pause = max(every, (time.monotonic() - begin) / _PARTIAL_SHARE)
            yield partial
            last = time.monotonic()
    check(cancel)
    result = solver.confirmed_spectrum()
    _warn(result, wanted)
    yield result


def check_pairs(largest: int, smallest: int) -> None:
    """Check how many eigenvalues of either end are asked for.

    Raises
    ------
    ValueError
        None at all, or less.
    """
    check_count(largest, 0, "largest")
    check_count(smallest, 0, "smallest")
    if largest + smallest < 1:
        raise ValueError(f"largest={largest} and smallest={smallest}: one of them must be at least 1")


def _check_arguments(
    largest: int,
    smallest: int,
    tol: float,
    floor: float,
    dtype: torch.dtype,
    max_products: int | None,
    max_miss: float,
) -> None:
    check_pairs(largest, smallest)
    if max_products is not None:
        check_count(max_products, 1, "max_products")
    if not 0 < max_miss <= 1:
        raise ValueError(f"max_miss={max_miss}: use a probability above 0, or 1 to run without the search")
    if not floor <= tol < 1:
        if floor == HALF_FLOOR:
            raise ValueError(
                f'tol={tol:g} is not between {floor:.0e}, what basis="half" can reach, and 1: use another '
                'tol, or basis="full"'
            )
        raise ValueError(
            f"tol={tol:g} is not between {floor:.0e}, what {dtype} products can certify, and 1: "
            "use another tol, or an objective with dtype=torch.float64"
        )


def _start_rows(start: Spectrum | torch.Tensor | None, n: int) -> torch.Tensor:
    if start is None:
        return torch.empty((0, n))
    rows = start.vectors if isinstance(start, Spectrum) else torch.as_tensor(start).detach()
    rows = rows[None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or rows.shape[1] != n:
        raise ValueError(f"start has shape {tuple(rows.shape)}, but the operator has {n} parameters")
    if not bool(torch.isfinite(rows).all()):
        raise ValueError("start holds NaN or inf: leave it out or pass finite vectors")
    return rows


def _warn(result: Spectrum, wanted: int) -> None:
    if len(result) < wanted or not result.converged.all():
        warnings.warn(
            f"only {int(result.converged.sum())} of {wanted} eigenpairs have a residual below tol * norm = "
            f"{result.tol * result.norm:.1e} after {result.products} products: raise max_products or tol",
            RuntimeWarning,
            stacklevel=3,
        )
