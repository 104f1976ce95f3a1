"""Interleaved timing: what is compared runs in turn, and only ratios of neighbours are reported."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import io
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median and quartiles of one quantity."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{digits(self.median)} ({digits(self.low)}–{digits(self.high)})"


@dataclasses.dataclass(frozen=True)
class Timings:
    """Seconds of each task in each round, wall clock and processor."""

    wall: Mapping[str, Sequence[float]]
    cpu: Mapping[str, Sequence[float]]

    def seconds(self, name: str) -> Spread:
        return spread(self.wall[name])

    def ratio(self, name: str, reference: str, *, scale: float = 1.0) -> Spread:
        """Wall-clock ratio round by round, so that a slow phase of the machine hits both sides."""
        pairs = zip(self.wall[name], self.wall[reference], strict=True)
        return spread([scale * a / b for a, b in pairs])

    def as_dict(self) -> dict[str, dict[str, list[float]]]:
        return {
            "wall": {name: list(values) for name, values in self.wall.items()},
            "cpu": {name: list(values) for name, values in self.cpu.items()},
        }


def spread(values: Sequence[float]) -> Spread:
    if len(values) < 2:
        return Spread(values[0], values[0], values[0])
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(statistics.median(values), low, high)


def digits(x: float) -> str:
    """Three significant digits without an exponent where one can avoid it."""
    if x == 0 or not abs(x) < float("inf"):
        return f"{x:g}"
    return f"{x:.1e}" if not 1e-3 <= abs(x) < 1e5 else f"{x:.3g}" if abs(x) < 1000 else f"{x:.0f}"


def interleave(tasks: Mapping[str, Callable[[], object]], rounds: int, *, warm_up: int = 1) -> Timings:
    """Run every task once per round, each round beginning with another one."""
    names = list(tasks)
    for _ in range(warm_up):
        for name in names:
            tasks[name]()
    wall: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            with without_collection():
                w, c = time.perf_counter(), time.process_time()
                tasks[name]()
                wall[name].append(time.perf_counter() - w)
                cpu[name].append(time.process_time() - c)
    return Timings(wall, cpu)


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Swallow progress bars and prints, whose terminal output would be timed."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
