"""What the page asks of a selected point: make it the origin of further planes, send it to Python."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _eigenpairs, _wire
from nblandscape.widgets._objective_source import ObjectiveSource
from nblandscape.widgets._origins import distance_at
from nblandscape.widgets._spec import Spec
from nblandscape.widgets._worker import Job

if TYPE_CHECKING:
    from nblandscape.widgets._actions import ActionSteps
    from nblandscape.widgets.explorer import Explorer

KINDS = ("minimum", "saddle", "point", "model")


def new_origin(explorer: "Explorer", params: Mapping[str, Any], job: Job) -> "ActionSteps":
    """Make a point the origin of further planes; the answer is its number."""
    kind, spec, coordinates = _read(params)
    origin = yield from _eigenpairs.move_origin(explorer, explorer._pairs, kind, spec, coordinates, job)
    return origin.number, []


def send(explorer: "Explorer", params: Mapping[str, Any], _job: Job) -> "ActionSteps":
    """Append a point to `Explorer.sent`; the answer is its position."""
    kind, spec, coordinates = _read(params)
    yield
    entry = {
        "kind": kind,
        "label": str(params.get("label") or kind),
        "coordinates": list(coordinates),
        **_numbers(explorer, spec, coordinates, params.get("vertex")),
        "spec": spec.to_wire(),
        "weights": None,
    }
    source = explorer._source
    if isinstance(source, ObjectiveSource):
        entry["weights"] = source.weights
    with explorer.state_lock:
        explorer.sent = [*explorer.sent, entry]
        number = len(explorer.sent) - 1
    for callback in list(explorer._on_send):
        callback(dict(entry))
    return number, []


def _read(params: Mapping[str, Any]) -> tuple[str, Spec, tuple[float, float]]:
    """Kind, plane and place of the point that a message is about.

    Raises
    ------
    ValueError
        It is not about a point.
    """
    kind, given = params.get("kind"), params.get("coordinates")
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: nothing is selected; select a minimum, a saddle or a point.")
    try:
        first, second = given  # type: ignore[misc]
        coordinates = float(first), float(second)
    except (TypeError, ValueError) as error:
        raise ValueError(f"coordinates={given!r}: a point of the plane has two numbers.") from error
    if not all(map(math.isfinite, coordinates)):
        raise ValueError(f"coordinates={given!r} must be finite.")
    return kind, Spec.from_wire(params.get("spec") or {}), coordinates


def _numbers(
    explorer: "Explorer", spec: Spec, coordinates: Sequence[float], vertex: int | None
) -> dict[str, Any]:
    """Loss, metrics and distance from the model, of the surface that the point was selected on."""
    with explorer.state_lock:
        shown, key = explorer._shown, explorer._shown_key
    result = shown if key == spec.key or key is None else explorer._results.find(spec.key)
    if result is None:
        raise ValueError("The surface of this point is no longer known; select the point again.")
    landscape = result.landscape
    place = _wire.model_place(landscape)
    read = {name: value_at(landscape, grid, coordinates, vertex) for name, grid in landscape.metrics.items()}
    return {
        "loss": value_at(landscape, landscape.values, coordinates, vertex),
        "metrics": read,
        "distance": None if place is None else distance_at(place, coordinates),
    }


def value_at(
    landscape: Landscape, grid: np.ndarray, coordinates: Sequence[float], vertex: int | None = None
) -> float | None:
    """A grid's value at a vertex, or between vertices by multilinear interpolation; None next to a hole.

    Examples
    --------
    >>> landscape = Landscape.from_array([[0.0, 1.0], [2.0, 3.0]])
    >>> value_at(landscape, landscape.values, (0.5, 0.25)), value_at(landscape, landscape.values, (1, 1), 3)
    (1.25, 3.0)
    """
    if vertex is not None and 0 <= vertex < grid.size and landscape.coordinates(vertex) == tuple(coordinates):
        return _finite(float(grid.flat[vertex]))
    corners, shares = [], []
    for axis, x in zip(landscape.axes, coordinates, strict=True):
        cell = int(np.clip(np.searchsorted(axis, x, side="right") - 1, 0, len(axis) - 2))
        corners.append(cell)
        shares.append(float(np.clip((x - axis[cell]) / (axis[cell + 1] - axis[cell]), 0.0, 1.0)))
    total = 0.0
    for step in itertools.product((0, 1), repeat=len(corners)):
        weight = math.prod(s if up else 1 - s for up, s in zip(step, shares, strict=True))
        if weight > 0:
            total += weight * float(grid[tuple(c + up for c, up in zip(corners, step, strict=True))])
    return _finite(total)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
