"""What the page can ask the kernel to do once: each call arrives exactly once and is answered."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from nblandscape.widgets import _eigenpairs, _points
from nblandscape.widgets._worker import Job

if TYPE_CHECKING:
    from nblandscape.widgets.explorer import Explorer

Answer: TypeAlias = tuple[Any, Sequence[bytes]]
ActionSteps: TypeAlias = Generator[None, None, Answer]


@dataclass(frozen=True)
class Action:
    """`message` says what goes on; `steps` returns what JSON can hold, and buffers."""

    message: str
    steps: "Callable[[Explorer, Mapping[str, Any], Job], ActionSteps]"


def _more_eigenpairs(explorer: "Explorer", params: Mapping[str, Any], job: Job) -> ActionSteps:
    source = explorer._shown_source()
    wanted = {name: int(params[name]) for name in ("largest", "smallest")}
    limit = source.objective.num_parameters
    for name, count in wanted.items():
        if not 0 <= count <= min(limit, 200):
            raise ValueError(f"{name}={count}: between 0 and {min(limit, 200)} eigenpairs can be shown.")
    pairs = {**explorer._pairs, **wanted}
    yield from _eigenpairs.find_more(explorer, source, pairs, job)
    explorer._pairs = pairs
    if explorer.spec is None:  # the first run was cancelled
        explorer._first_view(source)
    return None, []


def _polish(explorer: "Explorer", params: Mapping[str, Any], job: Job) -> ActionSteps:
    source, (landscape, plane) = explorer._shown_source(), explorer._shown_plane()
    point = yield from source.polish(landscape, plane, int(params["vertex"]), job.stopped)
    return point.to_dict(), []


def _trust(explorer: "Explorer", _params: Mapping[str, Any], job: Job) -> ActionSteps:
    source, (_, plane) = explorer._shown_source(), explorer._shown_plane()
    report = yield from source.trust(plane, job.stopped)
    return report.to_dict(), []


def _html(explorer: "Explorer", params: Mapping[str, Any], job: Job) -> ActionSteps:
    yield
    page = explorer._page(frames=params.get("frames"), cancel=job.stopped)
    return {"size": page.size, "frames": page.frames, "dropped": page.dropped}, [page.encode()]


ACTIONS: dict[str, Action] = {
    "eigenpairs": Action("eigenpairs", _more_eigenpairs),
    "html": Action("offline file", _html),
    "origin": Action("eigenpairs at the new origin", _points.new_origin),
    "polish": Action("critical point", _polish),
    "send": Action("sending to Python", _points.send),
    "trust": Action("what the slice can show", _trust),
}
