"""What a computation will take, before it starts: seconds and memory."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from nblandscape.landscape.grid import check_points

if TYPE_CHECKING:
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

_REPEATS = 5
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
        Memory beyond what the model itself takes now, the activations of one batch excluded.
    parts : dict of name to bytes
    """

    calls: int
    seconds: float
    bytes: int
    parts: Mapping[str, int]
    unit: str = "points"

    def __repr__(self) -> str:
        return f"{self.calls:,} {self.unit}, about {_duration(self.seconds)}, {_size(self.bytes)}"


def predict_cost(
    objective: Objective, subspace: Subspace, points: int | Sequence[int] = 33, *, gradients: bool = False
) -> Cost:
    """Predict what `sample` will take, from a few evaluations at the origin.

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
    vector = _vector(objective)
    columns = objective.num_batches + len(objective.metric_names) + (subspace.dim if gradients else 0)
    parts = {
        "replica": vector,
        "moving weights": vector,
        "directions": (subspace.dim + 1) * vector,
        "gradient": 2 * 8 * objective.num_parameters if gradients else 0,
        "results": 8 * total * (columns + 1),
    }
    return Cost(total, total * _seconds(lambda: at(origin)), sum(parts.values()), parts)


def predict_spectrum_cost(objective: Objective, *, products: int = _BASIS_ROWS) -> Cost:
    """Predict what `hessian_spectrum` will take with so many products (60 is usual).

    The first product is slower: it builds the graphs that later ones use.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(2, 1)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    >>> predict_spectrum_cost(objective).parts["basis"]  # 60 vectors of 3 parameters, 4 bytes each
    720
    """
    v = torch.ones(objective.num_parameters, dtype=objective.dtype, device=objective.device)
    objective.hvp(v)
    vector = _vector(objective)
    parts = {
        "replica": vector,
        "basis": products * vector,
        "float64 vectors": 3 * 8 * objective.num_parameters,
        "graphs": objective.graph_memory(),
    }
    return Cost(
        products, products * _seconds(lambda: objective.hvp(v)), sum(parts.values()), parts, "products"
    )


def _vector(objective: Objective) -> int:
    """Bytes of one flat vector."""
    return objective.num_parameters * objective.dtype.itemsize


def _seconds(call: Callable[[], object]) -> float:
    """Median duration of a call that is warm already."""
    durations = []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        call()
        durations.append(time.perf_counter() - begin)
    return statistics.median(durations)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
