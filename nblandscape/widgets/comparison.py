"""Several landscapes side by side: on one scale, seen from one place."""

import math
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from nblandscape.landscape.landscape import Landscape
from nblandscape.landscape.stderr import standard_errors
from nblandscape.topology import smad
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._failed import FailedSource
from nblandscape.widgets._function_source import FunctionSource
from nblandscape.widgets._landscape_source import LandscapeSource
from nblandscape.widgets._objective_source import ObjectiveSource
from nblandscape.widgets._picture import CellPicture, png_of
from nblandscape.widgets._sources import Source
from nblandscape.widgets._view import DEFAULT_VIEW
from nblandscape.widgets.explorer import Explorer

if TYPE_CHECKING:
    from nblandscape.widgets._export import Page

MOST = 12
_SHARED = ("spec", "source", "spectrum", "surface", "tree", "status", "selection")
_NUMBERS = (
    "loss",
    "largest",
    "largest_residual",
    "smallest",
    "smallest_residual",
    "minima",
    "smad",
    "lowest",
)


class Member(Explorer):
    """An explorer without a page of its own: a `Comparison` carries what it shows."""

    bundle = ""

    def __init__(self, comparison: "Comparison", number: int, source: Source, **options: Any) -> None:
        self._comparison, self._number = comparison, number
        super().__init__(source, **options)
        self.observe(self._tell, names=list(_SHARED))
        for name in _SHARED:
            self._tell({"name": name, "new": getattr(self, name)})

    def _new_lock(self) -> "threading.RLock":
        # One for all: the page takes it before a member's, the worker after.
        return self._comparison.state_lock

    def open(self) -> None:
        """Open no connection to a page."""

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send to the member's place in the comparison."""
        self._comparison.send({"kind": "member", "number": self._number, "content": content}, buffers)

    def _tell(self, change: Mapping[str, Any]) -> None:
        name, value = change["name"], change["new"]
        if name == "surface" and value is not None and self._shown is not None:
            errors = standard_errors(self._shown.landscape)
            if errors is not None:
                value = {**value, "stderr": errors.astype("<f4").tobytes()}
        self._comparison._take(self._number, name, value)

    def _draw_picture(self) -> None:
        self._comparison._member_ended(self)


class Comparison(NblWidget):
    """Linked surfaces of several models, functions or landscapes; made by ``nblandscape.explore(dict)``.

    All have the same axes (each its own eigenvectors), window, resolution, scale and threshold, are drawn on
    one scale of heights and colours, and turn together. Each is computed as in an `Explorer` of its own; the
    error of one does not keep the others from being shown.

    Attributes
    ----------
    names : list of str
    """

    bundle = "comparison"
    names: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)
    specs: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True, echo_update=False)
    sources: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)
    spectra: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)
    surfaces: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)
    trees: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)
    statuses: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)
    selections: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True, echo_update=False)
    view = traitlets.Dict(default_value=DEFAULT_VIEW).tag(sync=True, echo_update=False)
    cameras: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True, echo_update=False)

    def __init__(
        self,
        sources: Mapping[str, tuple[Source, Mapping[str, Any]]],
        *,
        spec_changes: Mapping[str, Any] | None = None,
        eigenpairs: Mapping[str, Any] | None = None,
        height: str = "740px",
    ) -> None:
        _check(sources)
        # The page asks for the names as soon as there is a model.
        places: dict[str, Any] = {_plural(name): [None] * len(sources) for name in _SHARED}
        super().__init__(height=height, names=list(sources), **places)
        self._picture = CellPicture()
        self._members: list[Member] = []
        self._drawn: Any = None  # what the picture shows
        changes = dict(spec_changes or {})
        try:
            for number, (name, (source, restored)) in enumerate(sources.items()):
                own = _possible(source, changes)
                try:
                    member = Member(
                        self,
                        number,
                        source,
                        spec_changes=own,
                        eigenpairs=eigenpairs,
                        restored=restored if isinstance(source, LandscapeSource) else None,
                    )
                except Exception as error:
                    raise named_error(name, error) from error
                self._members.append(member)
        except BaseException:
            self.close()
            raise
        self._common_span = "span" not in changes
        self._align()
        self.observe(self._on_specs, names="specs")
        self.observe(self._on_selections, names="selections")
        self.on_msg(self._on_message)

    # ------------------------------------------------------------------ members

    def __getitem__(self, name: str) -> Explorer:
        try:
            return self._members[self.names.index(name)]
        except ValueError:
            raise KeyError(f"{name!r}; there are {', '.join(map(repr, self.names))}.") from None

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def _take(self, number: int, name: str, value: Any) -> None:
        with self.state_lock:
            plural = _plural(name)
            values = list(getattr(self, plural))
            if number < len(values) and values[number] is not value:
                values[number] = value
                setattr(self, plural, values)
        if name == "spec" and value is not None:
            self._align()

    def _align(self) -> None:
        """Give all that choose their window themselves one window, once all have chosen."""
        with self.state_lock:
            free = [m for m in self._members if isinstance(m._source, ObjectiveSource)]
            if not self.__dict__.get("_common_span") or len(free) < 2 or len(self._members) < len(self.names):
                return
            if any(m.spec is None and m.error is None for m in free):
                return
            self._common_span = False
        free = [m for m in free if m.spec is not None]
        if len(free) < 2:
            return
        spans = np.median([m.spec["span"] for m in free], axis=0)
        points = min(m.spec["points"][0] for m in free)
        for member in free:
            if tuple(member.spec["span"]) != tuple(spans) or member.spec["points"][0] != points:
                member.request(span=(float(spans[0]), float(spans[1])), points=points)

    def _on_specs(self, change: Mapping[str, Any]) -> None:
        for member, spec in zip(self._members, change["new"], strict=False):
            if spec is not None and spec != member.spec:
                member.spec = spec

    def _on_selections(self, change: Mapping[str, Any]) -> None:
        for member, selection in zip(self._members, change["new"], strict=False):
            if selection is not None and selection != member.selection:
                member.selection = selection

    def _on_message(self, _: Any, content: Mapping[str, Any], buffers: Any) -> None:
        if content.get("kind") == "member":
            member = self._members[int(content["number"])]
            member._on_message(member, content.get("content") or {}, buffers)

    # ------------------------------------------------------------------ for Python

    def request(self, **changes: Any) -> None:
        """Ask all members for another view; see `Explorer.request`.

        Finished landscapes change scale and threshold only.
        """
        for member in self._members:
            if own := _possible(member._source, changes):
                member.request(**own)

    def cancel(self) -> None:
        """Stop everything that runs or waits."""
        for member in self._members:
            member.cancel()

    def wait(self, timeout: float | None = None) -> "Comparison":
        """Block until nothing runs or waits.

        Raises
        ------
        TimeoutError
        Exception
            That of the first member whose computation failed, with its name, when the others are finished.
        """
        self._wait(timeout)
        for name, member in zip(self.names, self._members, strict=True):
            if member.error is not None:
                raise named_error(name, member.error) from member.error
        return self

    def _wait(self, timeout: float | None = None) -> None:
        end = math.inf if timeout is None else time.monotonic() + timeout
        # The last one to choose its window may ask the others for another one.
        while any(member._pending.any for member in self._members):
            for name, member in zip(self.names, self._members, strict=True):
                left = None if timeout is None else max(0.0, end - time.monotonic())
                if not member._pending.wait(left):
                    raise TimeoutError(f"{name!r} is still computing after {timeout} s.")

    @property
    def landscapes(self) -> dict[str, Landscape]:
        """Those that are computed, by name."""
        found = {name: member.landscape for name, member in zip(self.names, self._members, strict=True)}
        return {name: landscape for name, landscape in found.items() if landscape is not None}

    def to_frame(self) -> np.ndarray:
        """Numbers of the members, NaN where there is none.

        Returns
        -------
        numpy.ndarray
            Structured, one row per member: ``name``, ``loss`` at the origin, ``largest`` and ``smallest``
            eigenvalue with their residuals, ``minima`` and ``smad`` at the chosen threshold, and the
            ``lowest`` loss of the window.
        """
        kinds = [("name", "U80"), *((name, "f8") for name in _NUMBERS)]
        table = np.full(len(self._members), np.nan, dtype=kinds)
        for row, name, member in zip(table, self.names, self._members, strict=True):
            row["name"] = name
            landscape, tree, spectrum = member.landscape, member.merge_tree, member.spectrum
            if landscape is not None and tree is not None:
                row["lowest"] = np.nanmin(landscape.values)
                row["minima"], row["smad"] = len(tree.minima), smad(tree)
                if landscape.origin is not None:
                    row["loss"] = landscape.values.flat[landscape.origin]
            if spectrum is not None and spectrum["values"]:
                row["largest"], row["smallest"] = spectrum["values"][0], spectrum["values"][-1]
                row["largest_residual"] = spectrum["residuals"][0]
                row["smallest_residual"] = spectrum["residuals"][-1]
        return table

    def page_state(self) -> dict[str, Any]:
        """What is shown, even while something else is being computed."""
        state = super().page_state()
        shown = [s and s["spec"] for s in state["surfaces"]]
        state["specs"] = [
            spec
            if seen is None or spec is None
            else {**seen, "scale": spec["scale"], "threshold": spec["threshold"]}
            for seen, spec in zip(shown, state["specs"], strict=True)
        ]
        return state

    def _finish(self) -> None:
        self._wait()  # one that failed is shown with its error, beside the others

    def _page(self, *, title: str | None = None, **options: Any) -> "Page":
        if not self.landscapes:
            raise RuntimeError("Nothing has been computed yet; call comparison.wait() first.")
        return super()._page(title=title or " · ".join(self.names), **options)

    @property
    def landscape(self) -> Landscape | None:
        """The first that is computed."""
        return next(iter(self.landscapes.values()), None)

    def _png(self, *, width: float = 9.0, dpi: int = 90) -> bytes:
        from nblandscape.figures import comparison_figure

        if not self.landscapes:
            raise RuntimeError("Nothing has been computed yet; call comparison.wait() first.")
        spec = next(m.spec for m in self._members if m.spec is not None)
        figure = comparison_figure(
            {name: _drawable(member) for name, member in zip(self.names, self._members, strict=True)},
            threshold=float(spec["threshold"]),
            scale=spec["scale"],
            clip=self.view.get("clip"),
            width=width,
        )
        return png_of(figure, dpi)

    def _member_ended(self, member: Member) -> None:
        """Draw the picture for saved notebooks when the last one has ended, if it shows something new."""
        self._align()  # one that has failed no longer chooses
        members = list(self._members)
        if len(members) < len(self.names) or any(m._pending.any for m in members if m is not member):
            return
        drawn = [(m._shown, m.spec and (m.spec["scale"], m.spec["threshold"])) for m in members]
        drawn.append((None, self.view.get("clip")))
        if self.landscapes and drawn != self._drawn:
            self._drawn = drawn
            self._picture.update(self._png)

    def __repr__(self) -> str:
        return f"Comparison({', '.join(self.names)})"

    def _ipython_display_(self, **_: Any) -> None:
        self._picture.show(self)

    def close(self) -> None:
        """Stop computing, drop all data and the connection to the page."""
        if "_members" not in self.__dict__:  # the constructor failed before there was anything
            super().close()
            return
        self.unobserve_all()
        for member in self._members:
            member.unobserve_all()
            member.close()
        self._drawn = None
        super().close()
        for name in _SHARED:
            setattr(self, _plural(name), [])


def _check(sources: Mapping[str, tuple[Source, Mapping[str, Any]]]) -> None:
    for name, (source, _) in sources.items():
        if isinstance(source, LandscapeSource):
            if source.landscape.dim != 2:
                raise ValueError(
                    f"{name!r} has {source.landscape.dim} dimensions; surfaces of two are compared."
                )
        elif not isinstance(source, (ObjectiveSource, FunctionSource, FailedSource)):
            raise TypeError(f"{name!r} cannot be compared: it is no surface over two axes.")


def _drawable(member: Member) -> "Landscape | str":
    """What is computed, or why there is nothing."""
    if member.landscape is not None:
        return member.landscape
    return (
        "nothing computed yet" if member.error is None else f"{type(member.error).__name__}: {member.error}"
    )


def named_error(name: object, error: BaseException) -> BaseException:
    """Return the error of a member with its name, of the same type where that takes a text."""
    text = f"{name!r}: {error}"
    try:
        return type(error)(text)
    except Exception:  # noqa: BLE001 - types differ in what their constructors take
        return RuntimeError(text)


def _possible(source: Source | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Of the changes those that a source can follow: a finished landscape only looks different."""
    fixed = isinstance(source, (LandscapeSource, FailedSource))
    return {name: value for name, value in changes.items() if not fixed or name in ("scale", "threshold")}


def _plural(name: str) -> str:
    return {"spectrum": "spectra", "status": "statuses"}.get(name, f"{name}s")
