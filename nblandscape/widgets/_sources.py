"""What an explorer looks at: an objective, a plain function, or a landscape that is already there."""

import copy
import inspect
import math
import time
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nblandscape.cancel import CancelSignal
from nblandscape.landscape.fill import Chunk, fill
from nblandscape.landscape.grid import axis_coordinates
from nblandscape.landscape.landscape import Landscape, NothingFiniteError
from nblandscape.widgets._origins import Origins, Recipe, model_place, note_recipe, recipe_of
from nblandscape.widgets._spec import Spec

if TYPE_CHECKING:
    from typing import Self

    from nblandscape.curvature import Spectrum, TrustReport
    from nblandscape.landscape.critical_point import CriticalPoint
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

_spectra: "weakref.WeakKeyDictionary[Objective, dict[Any, Spectrum]]" = weakref.WeakKeyDictionary()
POINTS_CHOICES = (9, 17, 33, 65, 129)
Bounds = tuple[tuple[float, float], tuple[float, float]]

_THREADS_SECONDS = 0.05  # about what measuring thread counts may take of a job, one evaluation each at least
_THREADS_VALID = 10.0  # seconds; the moves of a slider measure once


@dataclass(frozen=True)
class Run:
    """A computation about to start: what its grid will be, and the generator that fills it.

    `coarsest` is the number of points per axis of its first level, `seconds` what it is predicted to take.
    """

    axes: tuple[np.ndarray, np.ndarray]
    labels: tuple[str, str]
    base: float
    origin: int | None
    quantity: str
    coarsest: int
    seconds: float
    chunks: Generator[Chunk, None, Landscape]


class Source(Protocol):
    """What the explorer asks of a source."""

    spectrum: "Spectrum | None"
    spectra: dict[int, dict[str, Any]]

    def describe(self) -> dict[str, Any]:
        """Return `SourceData` (js/src/model/protocol.ts)."""

    def default_spec(self) -> Spec:
        """Return the first view."""

    def start(self, spec: Spec, cancel: CancelSignal | None, *, tuned: bool = False) -> Run:
        """Prepare the computation of a spec; raises before any point of it is evaluated.

        `tuned`: with the number of threads that a short measurement chooses. For the worker: in the user's
        own thread it would change the last bits of a result from run to run.
        """

    def at(self, number: int) -> "Source":
        """Return what is explored from an origin; 0 is where it began.

        Raises
        ------
        ValueError
            There is no such origin.
        """

    @property
    def cost(self) -> float:
        """Seconds per point, as measured so far."""


class ObjectiveSource:
    """Planes of Hessian eigenvectors of an objective, through the model or through a point made the origin.

    Attributes
    ----------
    number : int
        Of the origin; 0 is the model.
    origins : Origins
        Those of the explorer, shared by its sources.
    spectra : dict
        `SpectrumData` by number of the origin, shared as well.
    """

    def __init__(self, objective: "Objective", title: str | None, variable: str) -> None:
        self.objective, self.variable = objective, variable
        self.title = title or objective.description["model"]
        self.number, self.origins, self._root = 0, Origins(), self
        self.spectra: dict[int, dict[str, Any]] = {}
        self.spectrum: Spectrum | None = None
        self._weights = float(objective.origin().norm()) or 1.0
        self._cost = self._measure()
        self._known_cost = False  # from a run rather than from single points
        self._threads: int | None = None
        self._threads_until = 0.0

    def at(self, number: int) -> "ObjectiveSource":
        """Return the source whose planes start from an origin; see `Origins.find`."""
        return self._root if number == 0 else self.origins.find(number)

    def moved(self, plane: "Subspace", coordinates: Sequence[float]) -> "ObjectiveSource":
        """Return the source at a point of one of the planes; no origin yet, see `Origins.add`.

        Raises
        ------
        ValueError
            The loss is not finite there.
        """
        there = copy.copy(self)
        state = self.objective.parameters_at(plane, coordinates, exact=True)
        try:
            there.objective = self.objective.at(state)
        except ValueError as error:
            at = ", ".join(f"{c:.4g}" for c in coordinates)
            raise ValueError(f"No plane can start at ({at}): {error}") from error
        there.spectrum = None
        return there

    @property
    def weights(self) -> str:
        """Hash of the model's weights."""
        return str(self._root.objective.description["weights_sha256"])

    def distance(self) -> float:
        """Norm of the displacement of this origin from the model."""
        import torch

        away = self.objective.origin().to(torch.float64) - self._root.objective.origin().to(torch.float64)
        return float(torch.linalg.vector_norm(away))

    def _measure(self) -> float:
        evaluate = self._one_point()
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            evaluate()
            times.append(time.perf_counter() - begin)
        return min(times)

    def _one_point(self) -> Callable[[], object]:
        from nblandscape.subspace import Subspace

        evaluate = self.objective.evaluator(Subspace.random(self.objective, 1, normalize="unit"))
        return lambda: evaluate(np.zeros(1))

    def _tuned_threads(self) -> int:
        """How many threads of one operation pay off now, on busy cores perhaps one."""
        import torch

        from nblandscape.threads import thread_times

        present = torch.get_num_threads()
        if present == 1 or self.objective.device.type != "cpu":
            return present
        if self._threads is None or time.monotonic() > self._threads_until:
            repeats = int(min(max(_THREADS_SECONDS / (2 * max(self._cost, 1e-9)), 1), 5))
            times = thread_times(self._one_point(), repeats=repeats)
            self._threads = min(times, key=lambda count: times[count])
            self._threads_until = time.monotonic() + _THREADS_VALID
            if not self._known_cost:
                self._cost = times[self._threads]
        return self._threads

    @property
    def cost(self) -> float:
        return self._cost

    def describe(self) -> dict[str, Any]:
        o = self._root.objective
        batches = "" if o.num_batches == 1 else f" in {o.num_batches} batches"
        stale = "The model has changed since; explorer.update() takes its present weights."
        return {
            "kind": "objective",
            "title": self.title,
            "subtitle": f"{o.num_parameters:,} parameters · {o.description['loss']} · "
            f"{o.num_samples:,} samples{batches}",
            "variable": self.variable,
            "can_choose_axes": True,
            "can_resample": True,
            "center": [0.0, 0.0],
            "span_limits": [1e-3 * self._weights, 10 * self._weights],
            "points_choices": list(POINTS_CHOICES),
            "point_seconds": float(f"{self._cost:.2g}"),
            "notice": stale if o.stale else "",
            "origins": self.origins.to_wire(),
        }

    def default_spec(self) -> Spec:
        from nblandscape.landscape.span import half_widths

        plane = self.plane(Spec(1))
        widths = half_widths(None, plane, self.objective.loss())
        affordable = [n for n in (17, 33, 65) if n * n * self._cost <= 4.0]
        points = affordable[-1] if affordable else 9
        return Spec(1, span=(widths[0], widths[1]), points=(points, points))

    def plane(self, spec: Spec, spectrum: "Spectrum | None" = None) -> "Subspace":
        """Return the subspace that a spec asks for, of the given or the present eigenvectors."""
        from nblandscape.subspace import Subspace

        vectors = spectrum or self.spectrum
        if vectors is None:
            raise RuntimeError("The spectrum is not known yet.")
        offset = {} if spec.offset_axis is None or spec.offset == 0.0 else {spec.offset_axis: spec.offset}
        return Subspace.hessian(self.objective, vectors, spec.axes, offset=offset)

    def eigenpairs(
        self,
        pairs: Mapping[str, Any],
        start: "Spectrum | None",
        cancel: CancelSignal,
        show: "Callable[[Spectrum], None] | None" = None,
    ) -> "Generator[None, None, Spectrum]":
        """Compute eigenpairs, unless an explorer of this objective has done so with the same settings."""
        from nblandscape.curvature import iter_spectrum
        from nblandscape.threads import in_steps

        settings = self._settings(pairs)
        found = _spectra.get(self.objective, {}).get(settings)
        if found is not None:
            return found
        recipe = self._recipe(start).then(pairs)
        run = iter_spectrum(self.objective, start=start, cancel=cancel, **pairs)
        for partial in in_steps(run, self._tuned_threads()):
            found = partial
            if show is not None:
                show(partial)
            yield
        if found is None:
            raise RuntimeError("The eigensolver returned nothing.")
        note_recipe(found, recipe)
        if settings == self._settings(pairs):  # else the weights were updated meanwhile
            _spectra[self.objective] = {settings: found}
        return found

    def polish(
        self, landscape: Landscape, plane: "Subspace", vertex: int, cancel: CancelSignal
    ) -> "Generator[None, None, CriticalPoint]":
        """Make a critical point of the slice exact and see what it is of the loss."""
        from nblandscape.landscape.polish import iter_polish
        from nblandscape.threads import in_steps

        run = iter_polish(self.objective, plane, vertex, landscape, cancel=cancel)
        return in_steps(run, self._tuned_threads())

    def trust(self, plane: "Subspace", cancel: CancelSignal) -> "Generator[None, None, TrustReport]":
        """Say what a slice can show, from the present eigenpairs where they have both ends."""
        from nblandscape.curvature.trust import iter_trust_report
        from nblandscape.threads import in_steps

        known = self.spectrum
        both = known is not None and known.largest > 0 and known.smallest > 0
        run = iter_trust_report(self.objective, plane, spectrum=known if both else None, cancel=cancel)
        return in_steps(run, self._tuned_threads())

    def _recipe(self, start: "Spectrum | None") -> Recipe:
        """How the vectors to start from were made."""
        if start is None:
            return Recipe()
        if start is not self.spectrum:
            return Recipe("parent")
        return recipe_of(start)

    def _settings(self, pairs: Mapping[str, Any]) -> tuple[Any, ...]:
        return (self.objective.description["weights_sha256"], *sorted(pairs.items()))

    def start(self, spec: Spec, cancel: CancelSignal | None, *, tuned: bool = False) -> Run:
        from nblandscape.landscape.sampler import iter_sample
        from nblandscape.threads import in_steps

        threads = self._tuned_threads() if tuned else None
        plane, first = self.plane(spec), coarsest(self._cost, spec.points)
        chunks = iter_sample(
            self.objective, plane, span=spec.span, points=spec.points, coarsest=first, cancel=cancel
        )
        axes = tuple(axis_coordinates(s, n) for s, n in zip(spec.span, spec.points, strict=True))
        origin = (spec.points[0] // 2) * spec.points[1] + spec.points[1] // 2
        return Run(
            (axes[0], axes[1]),
            (plane.labels[0], plane.labels[1]),
            self.objective.loss(),
            origin if plane.contains_model and self.number == 0 else None,
            "loss",
            first,
            self._cost * math.prod(spec.points),
            self._told(chunks if threads is None else in_steps(chunks, threads), plane, self.spectrum),
        )

    def _told(
        self, chunks: Generator[Chunk, None, Landscape], plane: "Subspace", spectrum: "Spectrum | None"
    ) -> Generator[Chunk, None, Landscape]:
        """Note what a point costs, where the model lies, and how the directions were made."""
        result = yield from chunks
        self._cost = result.provenance["seconds"] / result.values.size
        self._known_cost = True
        place = model_place(plane, self._root.objective, at_origin=plane.contains_model and self.number == 0)
        recipe = None if spectrum is None else recipe_of(spectrum).to_wire()
        told = {"origin_number": self.number, "model_place": place, "recipe": recipe}
        return replace(result, provenance={**result.provenance, **told})


class Fixed:
    """What has no other origin than the one that it was given with."""

    spectrum: "Spectrum | None" = None

    def __init__(self) -> None:
        self.spectra: dict[int, dict[str, Any]] = {}

    def at(self, number: int) -> "Self":
        """Return this source."""
        if number != 0:
            raise ValueError(f"origin={number}: only planes of a model's objective can start somewhere else.")
        return self


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


class LandscapeSource(Fixed):
    """A landscape that was computed before: nothing can be recomputed, everything can be looked at."""

    def __init__(
        self, landscape: Landscape, title: str | None, origins: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        if landscape.dim not in (2, 3):
            raise ValueError(
                f"The explorer shows landscapes of two or three dimensions; this one has {landscape.dim}. "
                + _other_ways(landscape.dim)
            )
        if landscape.holes == landscape.values.size:
            raise NothingFiniteError("No value of the landscape is finite; there is nothing to show.")
        super().__init__()
        self.landscape = landscape
        self.origins = [{**origin, "kept": False} for origin in origins]
        self.title = title or str(landscape.provenance.get("objective", {}).get("model", "landscape"))

    @property
    def cost(self) -> float:
        return 0.0

    def describe(self) -> dict[str, Any]:
        about = self.landscape.provenance.get("objective", {})
        size = f"{' × '.join(map(str, self.landscape.shape))} values"
        made = [f"{about['parameters']:,} parameters", about["loss"]] if about else []
        widths = [float(axis[-1] - axis[0]) / 2 for axis in self.landscape.axes]
        return {
            "kind": "landscape",
            "title": self.title,
            "subtitle": " · ".join([*made, size]),
            "variable": "landscape",
            "can_choose_axes": False,
            "can_resample": False,
            "center": [float(axis[0] + axis[-1]) / 2 for axis in self.landscape.axes[:2]],
            "span_limits": [min(widths), max(widths)],
            "points_choices": [],
            "point_seconds": 0.0,
            "notice": "",
            "origins": self.origins,
        }

    def default_spec(self) -> Spec:
        widths = [float(axis[-1] - axis[0]) / 2 for axis in self.landscape.axes]
        return Spec(1, axes=(0, 1), span=(widths[0], widths[1]))

    def start(self, spec: Spec, cancel: CancelSignal | None, *, tuned: bool = False) -> Run:  # noqa: ARG002
        raise RuntimeError("A finished landscape cannot be sampled again; explore its objective instead.")


def coarsest(cost: float, points: tuple[int, int]) -> int:
    """Points per axis of the first level: the most of 9, 5, 3 that is predicted to take 150 ms."""
    for n in (9, 5):
        if n <= min(points) and n * n * cost <= 0.15:
            return n
    return 3


def _check_bounds(bounds: Sequence[Sequence[float]]) -> Bounds:
    try:
        (a, b), (c, d) = bounds
        low0, high0, low1, high1 = float(a), float(b), float(c), float(d)
    except (TypeError, ValueError) as error:
        raise ValueError(f"bounds={bounds!r}; expected ((a0, a1), (b0, b1)).") from error
    if not (low0 < high0 and low1 < high1 and np.isfinite([low0, high0, low1, high1]).all()):
        raise ValueError(f"bounds={bounds!r}: each pair must increase and be finite.")
    return (low0, high0), (low1, high1)


def argument_names(function: Callable[..., Any], default: tuple[str, ...]) -> tuple[str, ...]:
    """Names of a function's first arguments, or the default ones where it does not tell as many."""
    try:
        names = tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = ()
    return names[: len(default)] if len(names) >= len(default) else default


def _other_ways(dimension: int) -> str:
    views = "MergeTreeView(landscape.merge_tree()) and landscape.profile() show it in any dimension."
    if dimension == 1:
        return f"Plot its values; {views}"
    cut = ":, :, :" + ", k" * (dimension - 3)
    return f"Keep three axes, e.g. Landscape.from_array(landscape.values[{cut}]); {views}"
