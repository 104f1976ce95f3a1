"""A plain function, as an explorer looks at it."""

import math
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np

from nblandscape.cancel import CancelSignal
from nblandscape.landscape.fill import Chunk, fill
from nblandscape.landscape.grid import axis_coordinates
from nblandscape.landscape.landscape import Landscape, NothingFiniteError
from nblandscape.widgets._sources import POINTS_CHOICES, Fixed, Run, argument_names, coarsest
from nblandscape.widgets._spec import Spec

Bounds = tuple[tuple[float, float], tuple[float, float]]


class FunctionSource(Fixed):
    """A plain function of two numbers."""

    def __init__(
        self, function: Callable[[float, float], Any], bounds: Sequence[Sequence[float]], title: str | None
    ) -> None:
        super().__init__()
        self.function = function
        self.bounds = _check_bounds(bounds)
        self.title: str = title or str(getattr(function, "__name__", "function"))
        first, second = argument_names(function, ("a", "b"))
        self.labels = (first, second)
        self._cost = self._measure()

    @property
    def center(self) -> tuple[float, float]:
        """Return the middle of the bounds."""
        (a, b), (c, d) = self.bounds
        return (a + b) / 2, (c + d) / 2

    def _measure(self) -> float:
        begin = time.perf_counter()
        self._evaluate((0, 0), np.array(self.center))
        return time.perf_counter() - begin

    @property
    def cost(self) -> float:
        return self._cost

    def _evaluate(self, _index: tuple[int, ...], point: np.ndarray) -> float:
        value = self.function(float(point[0]), float(point[1]))
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{self.title}({point[0]:g}, {point[1]:g}) returned a {type(value).__name__}; "
                "it must return one number."
            ) from error

    def describe(self) -> dict[str, Any]:
        half = max((b - a) / 2 for a, b in self.bounds)
        return {
            "kind": "function",
            "title": self.title,
            "subtitle": f"a function of {self.labels[0]} and {self.labels[1]}",
            "variable": self.title if self.title.isidentifier() else "f",
            "can_choose_axes": False,
            "can_resample": True,
            "center": list(self.center),
            "span_limits": [half * 1e-2, half * 10],
            "points_choices": list(POINTS_CHOICES),
            "point_seconds": float(f"{self._cost:.2g}"),
            "notice": "",
        }

    def default_spec(self) -> Spec:
        (a, b), (c, d) = self.bounds
        affordable = [n for n in (17, 33, 65, 129) if n * n * self._cost <= 2.0]
        points = affordable[-1] if affordable else 9
        return Spec(1, axes=(0, 1), span=((b - a) / 2, (d - c) / 2), points=(points, points))

    def start(self, spec: Spec, cancel: CancelSignal | None, *, tuned: bool = False) -> Run:  # noqa: ARG002
        axes = tuple(
            axis_coordinates(s, n, c) for s, n, c in zip(spec.span, spec.points, self.center, strict=True)
        )
        base = self._evaluate((0, 0), np.array(self.center))
        first = coarsest(self._cost, spec.points)
        return Run(
            (axes[0], axes[1]),
            self.labels,
            base if math.isfinite(base) else 0.0,
            None,
            "value",
            first,
            self._cost * math.prod(spec.points),
            self._chunks((axes[0], axes[1]), spec, first, cancel),
        )

    def _chunks(
        self, axes: tuple[np.ndarray, np.ndarray], spec: Spec, first: int, cancel: CancelSignal | None
    ) -> Generator[Chunk, None, Landscape]:
        begin = time.perf_counter()
        values = yield from fill(self._evaluate, axes, coarsest=first, cancel=cancel)
        seconds = time.perf_counter() - begin
        self._cost = seconds / values.size
        if not np.isfinite(values).any():
            raise NothingFiniteError(f"{self.title} is not finite anywhere in the window.")
        return Landscape.from_array(
            values,
            axes,
            self.labels,
            provenance={
                "quantity": "value",
                "seconds": seconds,
                "function": self.title,
                "points": spec.points,
            },
        )


def _check_bounds(bounds: Sequence[Sequence[float]]) -> Bounds:
    try:
        (a, b), (c, d) = bounds
        low0, high0, low1, high1 = float(a), float(b), float(c), float(d)
    except (TypeError, ValueError) as error:
        raise ValueError(f"bounds={bounds!r}; expected ((a0, a1), (b0, b1)).") from error
    if not (low0 < high0 and low1 < high1 and np.isfinite([low0, high0, low1, high1]).all()):
        raise ValueError(f"bounds={bounds!r}: each pair must increase and be finite.")
    return (low0, high0), (low1, high1)
