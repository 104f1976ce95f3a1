"""Planes of Hessian eigenvectors, as an explorer looks at them."""

import copy
import math
import time
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.cancel import CancelSignal
from nblandscape.landscape.fill import Chunk
from nblandscape.landscape.grid import axis_coordinates
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets._origins import Origins, Recipe, model_place, note_recipe, recipe_of
from nblandscape.widgets._sources import POINTS_CHOICES, Run, coarsest
from nblandscape.widgets._spec import Spec

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum, TrustReport
    from nblandscape.landscape.critical_point import CriticalPoint
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

_spectra: "weakref.WeakKeyDictionary[Objective, dict[Any, Spectrum]]" = weakref.WeakKeyDictionary()

_THREADS_SECONDS = 0.05  # about what measuring thread counts may take of a job, one evaluation each at least
_THREADS_VALID = 10.0  # seconds; the moves of a slider measure once


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
