"""The frames of an offline page: every result that its sliders can show without a kernel."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nblandscape.steps import returned
from nblandscape.widgets import _wire
from nblandscape.widgets._results import Result, Results
from nblandscape.widgets._sources import Source
from nblandscape.widgets._spec import Spec


def compute(source: Source, results: Results, present: Spec, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Bring the wanted changes of the present spec among the results, in this thread."""
    for changes in wanted:
        spec = present.changed(**changes)
        if results.find(spec.key) is None:
            generation, there = results.generation, source.at(spec.origin)
            spectrum = there.spectrum
            landscape = returned(there.start(spec, None).chunks)
            results.keep(spec.key, Result.of(landscape, spectrum), generation)


def frames(
    results: Results, present: Spec, spectra: Mapping[int, dict[str, Any]] | None = None
) -> Iterator[dict[str, Any]]:
    """All results as `Frame` (js/src/model/protocol.ts); `spectra` are the eigenvalues at each origin."""
    for (origin, axes, offset, span, points), result in results.items():
        if result.landscape.dim != 2:
            continue
        spec = present.changed(axes=axes, span=span, points=points, origin=origin)
        spec = spec.changed(offset={} if offset is None else {offset[0]: offset[1]})
        wire = spec.to_wire()
        frame = {
            "spec": wire,
            "surface": _wire.surface(result.landscape, wire),
            "tree": result.tree_wire(spec.id),
        }
        if origin != present.origin and origin in (spectra or {}):
            frame["spectrum"] = (spectra or {})[origin]
        yield frame
