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
            generation, spectrum = results.generation, source.spectrum
            landscape = returned(source.start(spec, None).chunks)
            results.keep(spec.key, Result.of(landscape, spectrum), generation)


def frames(results: Results, present: Spec) -> Iterator[dict[str, Any]]:
    """All results as `Frame` (js/src/model/protocol.ts)."""
    for (axes, offset, span, points), result in results.items():
        spec = present.changed(axes=axes, span=span, points=points)
        spec = spec.changed(offset={} if offset is None else {offset[0]: offset[1]})
        wire = spec.to_wire()
        yield {
            "spec": wire,
            "surface": _wire.surface(result.landscape, wire),
            "tree": result.tree_wire(spec.id),
        }
