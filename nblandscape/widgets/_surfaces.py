"""What the worker does for a wanted view: its surface or volume, coarse to fine, with tree and paths."""

import math
from typing import Any

import numpy as np

from nblandscape.landscape.facing import open_yaw
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _eigenpairs, _volume, _wire
from nblandscape.widgets._landscape_source import LandscapeSource
from nblandscape.widgets._objective_source import ObjectiveSource
from nblandscape.widgets._paths import Paths
from nblandscape.widgets._results import Result
from nblandscape.widgets._shown import Shown
from nblandscape.widgets._sources import Source
from nblandscape.widgets._spec import Spec
from nblandscape.widgets._stream import SurfaceStream
from nblandscape.widgets._view import DEFAULT_VIEW
from nblandscape.widgets._volume import VolumeFunctionSource
from nblandscape.widgets._worker import Job, Steps


def compute(shown: Shown, source: Source, wire: dict[str, Any], paths: Paths | None, job: Job) -> Steps:
    """Show what a spec asks for; known results at once."""
    spec = Spec.from_wire(wire)
    _eigenpairs.show_wanted(shown, source, spec)
    if shown._shown_key == spec.key or isinstance(source, LandscapeSource):
        shown._set_status("surface", "done", spec.id)  # only the display changed
        return
    source = source.at(spec.origin)
    if isinstance(source, ObjectiveSource):
        source.origins.rest(but=spec.origin)
    known = shown._results.find(spec.key)
    if known is not None:
        commit(shown, spec, known, wire)
    elif isinstance(source, VolumeFunctionSource):
        yield from _volume_steps(shown, source, spec, wire, job)
    else:
        yield from _surface_steps(shown, source, spec, wire, job)
    if paths is not None and isinstance(source, ObjectiveSource):
        yield from _paths_steps(shown, source, spec, wire, paths, job)


def commit(shown: Shown, spec: Spec, result: Result, wire: dict[str, Any]) -> None:
    """Show a finished landscape, all of its traits at once."""
    surface = volume = None
    if result.landscape.dim == 3:
        volume = _volume.volume(result.landscape, spec.id)
    else:
        surface = _wire.surface(result.landscape, {**wire, "id": spec.id})
        _face(shown, result.landscape.values)
    tree = result.tree_wire(spec.id)
    with shown.state_lock, shown.hold_sync():
        if shown._source is None:  # closed meanwhile
            return
        shown._shown, shown._shown_key = result, spec.key
        if shown.spec is None:
            shown.spec = wire
        shown.source = shown._source.describe()  # a point's cost is known better now
        shown.surface, shown.volume, shown.tree = surface, volume, tree
        shown._set_status("surface", "done", spec.id, total=result.landscape.values.size)


def _surface_steps(shown: Shown, source: Source, spec: Spec, wire: dict[str, Any], job: Job) -> Steps:
    generation, spectrum = shown._results.generation, source.spectrum
    shown.source = source.describe()
    job.protected = True
    run = source.start(spec, job.stopped, tuned=True)
    stream = shown._streaming = SurfaceStream(spec, wire, run)
    shown._set_status("surface", "running", spec.id, total=stream.values.size, eta=run.seconds)
    shown.send(*stream.opening())
    while True:
        try:
            level, vertices, losses = next(run.chunks)
        except StopIteration as end:
            landscape: Landscape = end.value
            break
        if level != stream.level:
            job.protected = False
            _face(shown, stream.values)
            if (message := stream.tree()) is not None:
                shown.send(*message)
        shown.send(*stream.tile(level, vertices, losses))
        yield
    shown._streaming = None
    result = Result.of(landscape, spectrum)
    shown._results.check(generation)
    shown._results.keep(spec.key, result, generation)
    commit(shown, spec, result, wire)


def _volume_steps(
    shown: Shown, source: VolumeFunctionSource, spec: Spec, wire: dict[str, Any], job: Job
) -> Steps:
    """Level by level: each one is a volume of its own, with its tree."""
    shown._set_status("surface", "running", spec.id, total=math.prod((*spec.points, spec.points[0])))
    parts = source.parts(spec, job.stopped)
    while True:
        try:
            part = next(parts)
        except StopIteration as end:
            result = Result.of(end.value)
            break
        if part.landscape is not None:
            coarse = _volume.volume(part.landscape, spec.id, part.done / part.total)
            tree = Result.of(part.landscape).tree_wire(spec.id)
            with shown.state_lock, shown.hold_sync():
                if shown._source is None:
                    return
                shown.volume, shown.tree = coarse, tree
        eta = part.seconds / part.done * (part.total - part.done)
        progress = {"done": part.done, "total": part.total, "eta": eta}
        shown.send({"kind": "progress", "status": {**shown.status, **progress}})
        yield
    shown._results.keep(spec.key, result, shown._results.generation)
    commit(shown, spec, result, wire)


def _paths_steps(
    shown: Shown, source: ObjectiveSource, spec: Spec, wire: dict[str, Any], paths: Paths, job: Job
) -> Steps:
    """What was given to be drawn on the surface, projected on its plane."""
    generation, result = shown._results.generation, shown._shown
    spectrum = None if result is None else result.spectrum
    key = (generation, spec.plane, None if result is None else id(spectrum))
    found = yield from paths.steps(source.plane(spec, spectrum), key, wire, job)
    with shown.state_lock:
        if shown._source is not None:
            shown.paths = found


def _face(shown: Shown, values: np.ndarray) -> None:
    """Before anyone has turned the first surface, look at it from its low side."""
    with shown.state_lock:
        if shown._shown is None and shown.view == DEFAULT_VIEW:
            shown.view = {**shown.view, "yaw": open_yaw(values)}
