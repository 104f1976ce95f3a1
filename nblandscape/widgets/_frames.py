"""The frames of an offline page: every result that its sliders can show without a kernel."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nblandscape.cancel import CancelSignal, check
from nblandscape.steps import returned
from nblandscape.widgets import _wire
from nblandscape.widgets._results import Result, Results
from nblandscape.widgets._sources import Source
from nblandscape.widgets._spec import Spec

MOST = 24  # frames of `sliders`

Frames = str | Sequence[Mapping[str, Any]] | None


def compute(
    source: Source,
    results: Results,
    present: Spec,
    wanted: Sequence[Mapping[str, Any]],
    cancel: CancelSignal | None = None,
) -> list[Any]:
    """Bring the wanted changes of the present spec among the results, in this thread; returns their keys.

    What was computed before it is interrupted or cancelled stays among the results.
    """
    keys = []
    for changes in wanted:
        check(cancel)
        spec = present.changed(**changes)
        if results.find(spec.key) is None:
            generation, there = results.generation, source.at(spec.origin)
            spectrum = there.spectrum
            landscape = returned(there.start(spec, cancel).chunks)
            results.keep(spec.key, Result.of(landscape, spectrum), generation)
        keys.append(spec.key)
    return keys


def changes(
    source: Source, present: Spec, given: str | Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The changes that a user's `frames` stand for."""
    if isinstance(given, str):
        if given != "sliders":
            raise ValueError(
                f'frames={given!r}; use "sliders" or a list of changes such as [{{"span": 2.0}}].'
            )
        return list(sliders(source, present))
    return list(given)


def sliders(source: Source, present: Spec) -> list[dict[str, Any]]:
    """Changes that the sliders lead to from the present spec, the likeliest first, `MOST` at most.

    In turn: half and twice the window, then a quarter and four times; the next eigenvector along either axis,
    then further ones; two steps to either side along the first eigenvector that is not shown. Loss, heights
    and colours need none, as the page computes them.

    Parameters
    ----------
    source : Source
        Its `describe` says what can be changed.
    present : Spec
    """
    about = source.describe()
    if not about["can_resample"]:
        return []
    low, high = about["span_limits"]
    found: list[dict[str, Any]] = []

    def spans(*factors: float) -> None:
        for factor in factors:
            span = tuple(s * factor for s in present.span)
            if low <= min(span) and max(span) <= high:
                found.append({"span": span})

    spans(0.5, 2.0)
    count = len(source.at(present.origin).spectrum or ()) if about["can_choose_axes"] else 0
    pairs, offsets = ([], []) if count == 0 else _planes(present, count)
    found += pairs[:4]
    found += offsets[:2]
    spans(0.25, 4.0)
    found += offsets[2:]
    found += pairs[4:]
    return found[: MOST - 1]  # the present one is there already


def _planes(present: Spec, count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Neighbouring pairs of eigenvectors, nearest first, and offsets along one more."""
    at = [axis if axis >= 0 else count + axis for axis in present.axes]

    def named(index: int) -> int:
        return index if index < (count + 1) // 2 else index - count

    pairs = []
    for step in sorted((d for d in range(-count, count) if d), key=lambda d: (abs(d), d < 0)):
        for which in (0, 1):
            moved = list(at)
            moved[which] += step
            if 0 <= moved[which] < count and moved[0] != moved[1]:
                pairs.append({"axes": (named(moved[0]), named(moved[1]))})
    others = [index for index in range(count) if index not in at]
    offsets: list[dict[str, Any]] = []
    if others:
        axis = named(others[0]) if present.offset_axis is None else present.offset_axis
        size = math.sqrt(present.span[0] * present.span[1])
        offsets = [{"offset": {axis: share * size}} for share in (0.25, -0.25, 0.5, -0.5)]
    return pairs, offsets


def frames(
    results: Results,
    present: Spec,
    spectra: Mapping[int, dict[str, Any]] | None = None,
    first: Sequence[Any] = (),
) -> Iterator[dict[str, Any]]:
    """All results as `Frame` (js/src/model/protocol.ts); `spectra` are the eigenvalues at each origin.

    In the order of their importance: the present one, those under the keys `first`, then by likeness to the
    present one.
    """
    rank = {key: place for place, key in enumerate([present.key, *first])}
    known = [item for item in results.items() if item[1].landscape.dim == 2]
    for key, result in sorted(
        known, key=lambda item: (rank.get(item[0], len(rank)), _unlike(item[0], present))
    ):
        origin, axes, offset, span, points = key
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


def _unlike(key: Any, present: Spec) -> tuple[Any, ...]:
    origin, axes, offset, span, points = key
    octaves = sum(abs(math.log2(a / b)) for a, b in zip(span, present.span, strict=True))
    moved = (0, 0.0) if offset is None else offset
    away = abs(moved[1] - present.offset) if offset is None or moved[0] == present.offset_axis else math.inf
    changed = sum(a != b for a, b in zip(axes, present.axes, strict=True))
    return (origin != present.origin, changed, away, octaves, origin, axes, moved, span, points)
