"""Losses at many points in one call, by `torch.func.vmap`, where a short measurement says that it pays.

It pays where starting kernels takes longer than computing: on a GPU. On a CPU it would pay for models of a
few hundred parameters, but there a run repeats to the last bit, and must not hang on a stopwatch. There, and
for whatever vmap cannot run, points are evaluated one by one.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, vmap

from nblandscape.graphs import Context
from nblandscape.losses import BatchLoss
from nblandscape.memory import free_memory, peak_bytes
from nblandscape.replica import Layout

if TYPE_CHECKING:
    from nblandscape.objective import Objective

TRIAL = 8  # points evaluated one by one first, whose losses vmap has to reproduce
ONE_BY_ONE = frozenset({"cpu"})  # kinds of devices
GAIN = 2.0  # times as fast as one by one, or it is not worth other rounding
ROUNDING = 200  # units of the dtype's eps, relative to the largest loss of the trial
MOST = 1024  # points in one call
SHARE = 0.25  # of the free memory


class Batched:
    """Sums (k,) and counts of losses at k points, in a shell of its own: vmap may leave traces in it."""

    def __init__(
        self, shell: nn.Module, layout: Layout, functions: Sequence[BatchLoss], context: Context
    ) -> None:
        self._layout, self._context = layout, context
        self._parts = [_Part(shell, function) for function in functions]
        self._names = [f"shell.{slot.name}" for slot in layout.slots]

    def __call__(self, which: int, batch: Any, buffers: Mapping[torch.dtype, torch.Tensor]) -> Any:
        """Apply one of the functions to a batch at buffers (k, length): sums (k,) and the count."""
        counts: list[float] = []

        def one(rows: Mapping[torch.dtype, torch.Tensor]) -> torch.Tensor:
            views = dict(zip(self._names, self._layout.views(rows), strict=True))
            total, count = functional_call(self._parts[which], views, (batch,))
            counts.append(float(count))  # an error if it depends on the point
            result: torch.Tensor = total.reshape(())
            return result

        with self._context(gradients=False):
            totals = vmap(one)(dict(buffers))
        return np.asarray(totals.to(torch.float64).cpu()), counts[0]


class _Part(nn.Module):
    def __init__(self, shell: nn.Module, function: BatchLoss) -> None:
        super().__init__()
        self.shell, self.function = shell, function

    def forward(self, batch: Any) -> tuple[torch.Tensor, float]:
        return self.function(self.shell, batch)


def can_be_batched(shell: nn.Module) -> bool:
    """Whether parameters can be replaced for a call: `functional_call` cannot in modules that occur twice."""
    modules = [id(module) for _, module in shell.named_modules(remove_duplicate=False)]
    return len(modules) == len(set(modules))


class _Losses(Protocol):
    sums: np.ndarray


class Ahead:
    """Evaluates points of a known order: the next one, or the next few in one call.

    Parameters
    ----------
    one : callable (d,) -> Point
    make : callable, or None
        Returns a function (k, d) -> list of k Points, or None; called where a trial may pay.
    objective : Objective
    seconds : float
        About how long one call may take, so that it can be stopped.

    Attributes
    ----------
    size : int
        How many points the next call takes, at most.
    used : int
        The most that one call has taken.
    """

    def __init__(
        self,
        one: Callable[[np.ndarray], Any],
        make: Callable[[], Callable[[np.ndarray], list[Any]] | None] | None,
        objective: "Objective",
        seconds: float,
    ) -> None:
        self._one, self._make, self._device, self._seconds = one, make, objective.device, seconds
        self._many: Callable[[np.ndarray], list[Any]] | None = None
        self._vector_bytes = objective.num_parameters * objective.dtype.itemsize
        self._eps = torch.finfo(objective.dtype).eps
        self._tried: list[tuple[np.ndarray, _Losses, float]] = []
        self._alone = 0.0  # seconds of a point by itself
        self._most = MOST
        self.size = self.used = 1

    def __call__(self, coordinates: np.ndarray) -> list[Any]:
        """Evaluate the first of the coordinates (k, d), or all of them."""
        if self.size > 1 and len(coordinates) > 1:
            points = self._together(coordinates)
            if points is not None:
                return points
        begin = time.perf_counter()
        point = self._one(coordinates[0])
        if self._make is not None:
            self._tried.append((coordinates[0], point, time.perf_counter() - begin))
            if len(self._tried) == TRIAL:
                self._decide(self._make)
                self._make = None
        return [point]

    def _decide(self, make: Callable[[], Callable[[np.ndarray], list[Any]] | None]) -> None:
        """Time the same points in one call, unless that cannot pay; what they should be is known."""
        where, expected, seconds = zip(*self._tried, strict=True)
        self._alone = float(np.median(seconds))
        self._many = make()
        if self._many is None:
            self._stop()
            return
        each = self._vector_bytes + peak_bytes(lambda: self._one(where[0]))
        self._most = min(self._most, int(SHARE * free_memory(self._device) / each))
        block = np.concatenate([np.stack(where)] * 2)
        if self._most < len(block):
            self._stop()
            return
        durations: list[float] = []
        points: list[Any] | None = None
        for _ in range(3):
            begin = time.perf_counter()
            points = self._guarded(block)
            durations.append((time.perf_counter() - begin) / len(block))
        if points is None:
            return
        right = np.stack([point.sums for point in expected])
        found = np.stack([point.sums for point in points[:TRIAL]])
        scale = np.abs(right[np.isfinite(right)]).max(initial=0.0)
        same = np.allclose(found, right, rtol=0, atol=ROUNDING * self._eps * scale, equal_nan=True)
        if same and min(durations) * GAIN < self._alone:
            self.size = len(block)
        else:
            self._stop()

    def _together(self, coordinates: np.ndarray) -> list[Any] | None:
        begin = time.perf_counter()
        points = self._guarded(coordinates)
        if points is None:
            return None
        seconds = time.perf_counter() - begin
        self.used = max(self.used, len(points))
        if len(points) == self.size:
            if self._slower(seconds, len(points)):
                self._stop()
            elif 2 * seconds < self._seconds:
                self.size = min(2 * self.size, self._most)
        return points

    def _slower(self, seconds: float, count: int) -> bool:
        return seconds > count * self._alone

    def _guarded(self, coordinates: np.ndarray) -> list[Any] | None:
        """Points in one call, or none; an error of the model's own comes again where they are one by one."""
        if self._many is None:
            return None
        try:
            return self._many(coordinates)
        except torch.OutOfMemoryError:
            self._most = self.size = len(coordinates) // 2
            if self.size < TRIAL:
                self._stop()
        except Exception:  # noqa: BLE001 - vmap raises all sorts, from the middle of the user's code
            self._stop()
        return None

    def _stop(self) -> None:
        self._many, self.size = None, 1
        self._tried.clear()
