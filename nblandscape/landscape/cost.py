"""What a computation will take, before it starts: seconds and memory."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from nblandscape.curvature import iter_spectrum
from nblandscape.curvature.krylov import KrylovBasis, row_dtype
from nblandscape.curvature.operator import as_operator
from nblandscape.landscape.grid import check_points
from nblandscape.landscape.sampler import iter_sample
from nblandscape.memory import in_words, malloc_keeps, peak_bytes
from nblandscape.replica import PIECE
from nblandscape.subspace.weights import WeightsSubspace

if TYPE_CHECKING:
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

TRIAL_SECONDS = 0.3  # of the very work, whose rest is taken to go on at that rate
_TRIAL_ROWS = 24  # of the basis in a trial
_MEAN_TRIAL_ROWS = 17  # with its restarts
_TIMED_ROWS = 4
_BASIS_ROWS = 60  # products of a usual run; each adds a vector


@dataclass(frozen=True, repr=False)
class Cost:
    """A prediction.

    Attributes
    ----------
    calls : int
        Points or products.
    seconds : float
    bytes : int
        Memory beyond what the model itself takes, the objective and the subspace included; on a CPU also
        freed memory that malloc does not give back.
    parts : dict of name to bytes
    """

    calls: int
    seconds: float
    bytes: int
    parts: Mapping[str, int]
    unit: str = "points"

    def __repr__(self) -> str:
        return f"{self.calls:,} {self.unit}, about {duration(self.seconds)}, {in_words(self.bytes)}"


def predict_cost(
    objective: Objective, subspace: Subspace, points: int | Sequence[int] = 33, *, gradients: bool = False
) -> Cost:
    """Predict what `sample` will take, from the first points of the very grid: about 0.3 s, or 3 points.

    Parameters
    ----------
    objective : Objective
    subspace : Subspace
    points : odd int, or one per axis
    gradients : bool
        As in `sample`.

    Raises
    ------
    ValueError
        Even or too few points.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(2, 1)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    >>> predict_cost(objective, nbl.Subspace.random(objective, 2), 33).calls
    1089
    """
    shape = check_points(points, subspace.dim)
    total = math.prod(shape)
    at = objective.evaluator(subspace, gradients=gradients)
    origin = np.zeros(subspace.dim)
    at(origin)
    wide = subspace.dim * 8 * objective.num_parameters
    products = min(wide, subspace.dim * 8 * PIECE)  # inner products of the directions, a piece at a time
    vector = _vector(objective)
    start = 0 if isinstance(subspace, WeightsSubspace) else vector
    stored = 0 if subspace.seeded is not None else subspace.dim * vector + start
    columns = objective.num_batches + len(objective.metric_names) + (subspace.dim if gradients else 0)
    parts = {
        "replica": vector,
        "moving weights": vector,
        "directions": stored,
        "directions, float64": wide if gradients else 0,
        "one point": max(peak_bytes(lambda: at(origin)), products),
        "kept by malloc": malloc_keeps(lambda: at(origin), objective.device),
        "results": 8 * total * (columns + 1),
    }
    steps = iter_sample(objective, subspace, points=points, gradients=gradients)
    seconds = _extrapolated((len(vertices) for _, vertices, _ in steps), total)
    return Cost(total, seconds, sum(parts.values()), parts)


def predict_spectrum_cost(objective: Objective, *, products: int = _BASIS_ROWS) -> Cost:
    """Predict what `hessian_spectrum` will take with so many products (60 is usual).

    The first product builds the graphs that later ones use; then the run itself is timed for 0.3 s.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(2, 1)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    >>> predict_spectrum_cost(objective).parts["basis"]  # 3 vectors of 3 parameters, in float64
    72
    """
    n = objective.num_parameters
    v = torch.ones(n, dtype=objective.dtype, device=objective.device)
    objective.hvp(v)
    vector = _vector(objective)
    parts = {
        "replica": vector,
        "moving weights": vector,
        "basis": min(products + 2, n) * n * row_dtype(as_operator(objective)).itemsize,
        "eigenvectors": 4 * vector,
        "float64 vectors": 3 * 8 * n,
        "graphs": objective.graph_memory(),
        "one product": peak_bytes(lambda: objective.hvp(v)),
        "kept by malloc": malloc_keeps(lambda: objective.hvp(v), objective.device),
    }
    counted = _Counted(_products(objective))
    seconds = _extrapolated(counted, products)
    # A trial's basis is shorter than that of the run, of which every product passes over all rows.
    longer = min(products, n) / 2 - min(counted.total / 2, _MEAN_TRIAL_ROWS)
    seconds += products * max(longer, 0.0) * _row_seconds(objective)
    return Cost(products, seconds, sum(parts.values()), parts, "products")


def _vector(objective: Objective) -> int:
    """Bytes of one flat vector."""
    return objective.num_parameters * objective.dtype.itemsize


def _products(objective: Objective) -> Iterable[int]:
    """How many products a run has made since the last time, after each of its steps."""
    known = 0
    rows = _TRIAL_ROWS * _vector(objective)
    for partial in iter_spectrum(objective, max_products=10**6, basis_bytes=rows):
        yield partial.products - known
        known = partial.products


class _Counted:
    """Counts what passes."""

    def __init__(self, steps: Iterable[int]) -> None:
        self._steps, self.total = steps, 0

    def __iter__(self) -> Iterator[int]:
        for made in self._steps:
            self.total += made
            yield made


def _row_seconds(objective: Objective) -> float:
    """Seconds by which a product takes longer with another row in the basis: timed on a few rows."""
    n = objective.num_parameters
    basis = KrylovBasis(as_operator(objective), 3 * _TIMED_ROWS)
    if basis.capacity < 3 * _TIMED_ROWS:
        return 0.0
    generator = torch.Generator().manual_seed(0)
    times = []
    for _ in range(2 * _TIMED_ROWS):
        v = torch.randn(n, generator=generator)
        begin = time.perf_counter()
        basis.admit(v)
        times.append(time.perf_counter() - begin)
    half = _TIMED_ROWS // 2
    first, last = float(np.median(times[1 : half + 1])), float(np.median(times[-half:]))
    return max(last - first, 0.0) / (2 * _TIMED_ROWS - half) / 2  # `admit` passes over the rows twice


def _extrapolated(steps: Iterable[int], total: int) -> float:
    """Seconds for so many calls, from a run that tells how many each of its steps has made.

    The first step counts as it is: it may hold a trial that is made once.
    """
    begin = time.perf_counter()
    first, after_first, done = 0, 0.0, 0
    passed = 0.0
    for made in steps:
        passed = time.perf_counter() - begin
        done += made
        if first == 0:
            first, after_first = done, passed
        if done >= total or (passed > TRIAL_SECONDS and done >= min(3, total)):
            break
    if done > first:
        return after_first + (total - first) * (passed - after_first) / (done - first)
    return total * passed / max(done, 1)


def duration(seconds: float) -> str:
    """Seconds in words, two digits.

    Examples
    --------
    >>> duration(0.25), duration(300), duration(7200)
    ('0.25 s', '5 min', '2.0 h')
    """
    if seconds < 90:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
