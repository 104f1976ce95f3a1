"""Landscapes of three dimensions: what the page draws of them, and functions of three numbers."""

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nblandscape.cancel import CancelSignal
from nblandscape.landscape.fill import fill
from nblandscape.landscape.grid import axis_coordinates, nested_levels
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _wire
from nblandscape.widgets._sources import Fixed, Run, argument_names
from nblandscape.widgets._spec import Spec

POINTS = (17, 33, 65)
_SHOWN_FROM = 9  # points per axis from which a level is worth a picture
_COARSEST = 9


def volume(landscape: Landscape, number: int, known: float = 1.0) -> dict[str, Any]:
    """`VolumeData` (js/src/model/volume-data.ts) of a three-dimensional landscape.

    `known` is the share of the points that have been computed: less than 1 for a level of a running job.
    """
    base = _wire.base_of(landscape)
    wire = {
        "id": number,
        "shape": list(landscape.shape),
        **{f"x{k}": axis.astype("<f8").tobytes() for k, axis in enumerate(landscape.axes)},
        "values": _wire.heights(landscape.values, base),
        "base": base,
        "origin": landscape.origin,
        "labels": list(landscape.labels),
        "quantity": str(landscape.provenance.get("quantity", "value")),
        "holes": landscape.holes,
        "concerns": [str(concern) for concern in landscape.warnings()] if known == 1.0 else [],
        "known": known,
        "seconds": float(landscape.provenance.get("seconds", 0.0)),
    }
    return wire | _wire.around(landscape)


@dataclass(frozen=True)
class Part:
    """A moment of a running computation; `landscape` is there when a level has been filled."""

    done: int
    total: int
    seconds: float
    landscape: Landscape | None


class VolumeFunctionSource(Fixed):
    """A plain function of three numbers."""

    def __init__(
        self, function: Callable[..., Any], bounds: Sequence[Sequence[float]], title: str | None
    ) -> None:
        super().__init__()
        self.function = function
        self.bounds = _checked(bounds)
        self.title: str = title or str(getattr(function, "__name__", "function"))
        self.labels = argument_names(function, ("a", "b", "c"))
        begin = time.perf_counter()
        self._evaluate((), np.array(self._center))
        self._cost = time.perf_counter() - begin

    @property
    def _center(self) -> tuple[float, ...]:
        return tuple((low + high) / 2 for low, high in self.bounds)

    @property
    def cost(self) -> float:
        """Seconds per point, as measured so far."""
        return self._cost

    def _evaluate(self, _index: tuple[int, ...], point: np.ndarray) -> float:
        value = self.function(*map(float, point))
        try:
            return float(value)
        except (TypeError, ValueError) as error:
            place = ", ".join(f"{x:g}" for x in point)
            raise TypeError(
                f"{self.title}({place}) returned a {type(value).__name__}; it must return one number."
            ) from error

    def describe(self) -> dict[str, Any]:
        """`SourceData`: a finished volume to the page, which has no controls for its window."""
        half = [(high - low) / 2 for low, high in self.bounds]
        return {
            "kind": "function",
            "title": self.title,
            "subtitle": f"a function of {', '.join(self.labels[:2])} and {self.labels[2]}",
            "variable": self.title if self.title.isidentifier() else "f",
            "can_choose_axes": False,
            "can_resample": False,
            "center": list(self._center[:2]),
            "span_limits": [min(half) * 1e-2, max(half) * 10],
            "points_choices": [],
            "point_seconds": float(f"{self._cost:.2g}"),
            "notice": "",
            "bounds": [list(pair) for pair in self.bounds],
        }

    def default_spec(self) -> Spec:
        """As many points per axis as take about two seconds."""
        (a, b), (c, d), _ = self.bounds
        affordable = [n for n in POINTS if n**3 * self._cost <= 2.0]
        points = affordable[-1] if affordable else 9
        return Spec(1, axes=(0, 1), span=((b - a) / 2, (d - c) / 2), points=(points, points))

    def start(self, spec: Spec, cancel: CancelSignal | None, *, tuned: bool = False) -> Run:  # noqa: ARG002
        """Refused: a plane has no place here; see `parts`."""
        raise RuntimeError("A function of three numbers is sampled as a volume, not as a plane.")

    def parts(self, spec: Spec, cancel: CancelSignal | None) -> Generator[Part, None, Landscape]:
        """Sample coarse to fine; the third axis has as many points as the first.

        Raises
        ------
        ValueError
            Nothing is finite.
        nblandscape.cancel.Cancelled
        """
        low, high = self.bounds[2]
        half, points = (*spec.span, (high - low) / 2), (*spec.points, spec.points[0])
        axes = tuple(axis_coordinates(s, n, c) for s, n, c in zip(half, points, self._center, strict=True))
        levels = nested_levels(points, coarsest=_COARSEST)
        ends = set(np.cumsum([len(level.vertices) for level in levels])[:-1].tolist())
        values, done, total = np.full(points, np.nan), 0, math.prod(points)
        begin = time.perf_counter()
        run = fill(self._evaluate, axes, coarsest=_COARSEST, cancel=cancel)
        while True:
            try:
                level, vertices, losses = next(run)
            except StopIteration:
                break
            values.flat[vertices] = losses
            done += len(vertices)
            whole = self._subgrid(values, axes, levels[level].strides) if done in ends else None
            yield Part(done, total, time.perf_counter() - begin, whole)
        seconds = time.perf_counter() - begin
        self._cost = seconds / total
        if not np.isfinite(values).any():
            raise ValueError(f"{self.title} is not finite anywhere in the window.")
        return self._landscape(values, axes, seconds)

    def _subgrid(
        self, values: np.ndarray, axes: tuple[np.ndarray, ...], strides: tuple[int, ...]
    ) -> Landscape | None:
        cut = tuple(slice((n // 2) % s, None, s) for n, s in zip(values.shape, strides, strict=True))
        part = values[cut]
        if min(part.shape) < _SHOWN_FROM or not np.isfinite(part).any():
            return None
        return self._landscape(part, tuple(axis[c] for axis, c in zip(axes, cut, strict=True)), 0.0)

    def _landscape(self, values: np.ndarray, axes: tuple[np.ndarray, ...], seconds: float) -> Landscape:
        about = {"quantity": "value", "seconds": seconds, "function": self.title, "points": values.shape}
        return Landscape.from_array(values, axes, self.labels, provenance=about)


def _checked(bounds: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    try:
        pairs = tuple((float(low), float(high)) for low, high in bounds)
    except (TypeError, ValueError) as error:
        raise ValueError(f"bounds={bounds!r}; expected ((a0, a1), (b0, b1), (c0, c1)).") from error
    if not all(low < high and math.isfinite(low) and math.isfinite(high) for low, high in pairs):
        raise ValueError(f"bounds={bounds!r}: each pair must increase and be finite.")
    return pairs
