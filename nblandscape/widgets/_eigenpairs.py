"""What the worker does for eigenpairs: those at an origin, more of them, those at a new origin."""

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from nblandscape.widgets import _wire
from nblandscape.widgets._objective_source import ObjectiveSource
from nblandscape.widgets._origins import Origin, Recipe, recipe_of
from nblandscape.widgets._shown import Shown
from nblandscape.widgets._sources import Source
from nblandscape.widgets._spec import Spec
from nblandscape.widgets._worker import Job, Steps

if TYPE_CHECKING:
    import torch

    from nblandscape.curvature import Spectrum


def find(
    shown: Shown, source: ObjectiveSource, pairs: Mapping[str, Any], start: "Spectrum | None", job: Job
) -> Steps:
    """Compute eigenpairs, on the page as they come."""
    shown._set_status("spectrum", "running", 0)
    generation, gradient = shown._results.generation, source.objective.gradient()
    show = _sender(shown, source, gradient)
    found = yield from source.eigenpairs(pairs, start, job.stopped, show)
    shown._results.check(generation)
    take(shown, source, found, gradient)


def find_more(shown: Shown, source: ObjectiveSource, pairs: Mapping[str, Any], job: Job) -> Steps:
    """Compute eigenpairs from those that are known, which stay on the page meanwhile."""
    generation, gradient = shown._results.generation, source.objective.gradient()
    found = yield from source.eigenpairs(pairs, source.spectrum, job.stopped)
    shown._results.check(generation)
    take(shown, source, found, gradient)


def move_origin(
    shown: Shown,
    pairs: Mapping[str, Any],
    kind: str,
    spec: Spec,
    coordinates: tuple[float, float],
    job: Job,
) -> Generator[None, None, Origin]:
    """Find the eigenvectors at a point of an earlier surface and note it as an origin."""
    generation = shown._results.generation
    result, source, plane = shown._known_plane(spec)
    parent = source.spectrum if result is None else result.spectrum
    there = source.moved(plane, coordinates)
    there.number = -1  # partial results belong to no origin that is shown
    yield
    gradient = there.objective.gradient()
    found = yield from there.eigenpairs(pairs, parent, job.stopped, _sender(shown, there, gradient))
    shown._results.check(generation)
    recipe = Recipe("given") if parent is None else recipe_of(parent)
    origin = source.origins.add(there, spec, kind, coordinates, recipe)
    take(shown, there, found, gradient)
    shown.source = there.describe()
    shown.send({"kind": "spectrum", "spectrum": there.spectra[origin.number]})  # before it is wanted
    return origin


def take(
    shown: Shown, source: ObjectiveSource, found: "Spectrum", gradient: "torch.Tensor | None" = None
) -> None:
    """Keep eigenpairs with their source, and show them if planes are wanted that start there."""
    gradient = source.objective.gradient() if gradient is None else gradient
    wire = _wire_of(source, found, gradient, True)
    with shown.state_lock:
        source.spectrum = found
        source.spectra[source.number] = wire
        wanted = 0 if shown.spec is None else int(shown.spec.get("origin") or 0)
        if shown._source is not None and wanted == source.number:
            shown.spectrum = wire


def show_wanted(shown: Shown, source: Source, spec: Spec) -> None:
    """Show the eigenvalues of the origin that is wanted, if others are shown."""
    with shown.state_lock:
        wire = source.spectra.get(spec.origin)
        if shown._source is not None and wire is not None and shown.spectrum is not wire:
            shown.spectrum = wire


def _sender(shown: Shown, source: ObjectiveSource, gradient: "torch.Tensor") -> "Callable[[Spectrum], None]":
    """Return what sends partial results to the page and notes how far they are."""
    shown._eigenpairs = 0, 0.0

    def send(partial: "Spectrum") -> None:
        shown._eigenpairs = partial.products, float(partial.converged.mean())
        shown.send({"kind": "spectrum", "spectrum": _wire_of(source, partial, gradient, False)})

    return send


def _wire_of(
    source: ObjectiveSource, found: "Spectrum", gradient: "torch.Tensor", complete: bool
) -> dict[str, Any]:
    import torch

    slopes = (found.vectors.to(torch.float64) @ gradient.to(torch.float64)).cpu().numpy()
    norm = float(torch.linalg.vector_norm(gradient.to(torch.float64)))
    wire = _wire.spectrum(found, slopes, source.objective.loss(), norm, complete)
    return wire | ({"origin": source.number} if source.number else {})
