"""The explorer: spectrum, surface and merge tree of one source, linked, recomputed on request."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from nblandscape.landscape.grid import nested_levels
from nblandscape.landscape.landscape import Landscape, write_archive
from nblandscape.widgets import _wire
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._picture import CellPicture, picture
from nblandscape.widgets._sources import LandscapeSource, ObjectiveSource, Source, coarsest
from nblandscape.widgets._spec import Spec
from nblandscape.widgets._view import DEFAULT_VIEW, open_yaw
from nblandscape.widgets._worker import Job, Steps, shared_worker

if TYPE_CHECKING:
    import torch

    from nblandscape.curvature import Spectrum
    from nblandscape.topology import MergeTree

_KEPT_BYTES = 64e6  # of earlier results, so that going back costs nothing
NO_SELECTION: dict[str, Any] = {"kind": "none", "vertex": None, "coordinates": None, "loss": None}
_NOT_YET = "Nothing has been computed yet; call explorer.wait() first."
_NO_MODEL = "There is no model behind this landscape; explore its objective instead."
_IDLE = {"id": 0, "lane": "surface", "phase": "idle", "done": 0, "total": 0, "eta": None, "message": ""}


class Explorer(NblWidget):
    """Linked views of a landscape; made by `nblandscape.explore`.

    The synced traits `spec`, `source`, `spectrum`, `surface`, `tree`, `status`, `selection` and `view`
    hold everything that the page draws (js/src/model/protocol.ts); the properties and methods below
    are for Python.

    Attributes
    ----------
    selection : dict
        What was clicked: ``kind`` ("none", "minimum", "saddle", "point" or "model"), ``vertex``,
        ``coordinates`` and ``loss``. Observable: ``explorer.observe(f, names="selection")``.
    error : BaseException or None
        Of the last computation.
    """

    bundle: ClassVar[str] = "explorer"
    spec: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True, echo_update=False)
    source: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    spectrum: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    surface: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    tree: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    status = traitlets.Dict(default_value=_IDLE).tag(sync=True)
    selection = traitlets.Dict(default_value=NO_SELECTION).tag(sync=True, echo_update=False)
    view = traitlets.Dict(default_value=DEFAULT_VIEW).tag(sync=True, echo_update=False)
    frames: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)

    def __init__(
        self,
        source: Source,
        *,
        spec_changes: Mapping[str, Any] | None = None,
        spectrum: "Spectrum | None" = None,
        eigenpairs: Mapping[str, Any] | None = None,
        height: str = "640px",
        restored: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(height=height)
        self._source: Source | None = source
        self._changes = dict(spec_changes or {})
        self._pairs = {"largest": 4, "smallest": 4, "tol": 1e-3, "seed": 0, **(eigenpairs or {})}
        self._results: OrderedDict[Any, tuple[Landscape, MergeTree]] = OrderedDict()
        self._cancelled_upto = 0
        self._submitted = 0
        self._shown: tuple[Landscape, MergeTree] | None = None
        self._shown_key: tuple[Any, ...] | None = None
        self._streaming: dict[str, Any] | None = None
        self.error: BaseException | None = None
        self._settled = threading.Event()
        self._slot = shared_worker().slot()
        self._picture = CellPicture()
        self.source = source.describe()
        self.on_msg(self._on_message)
        self._begin(source, spectrum, restored or {})

    def _begin(self, source: Source, spectrum: "Spectrum | None", restored: Mapping[str, Any]) -> None:
        if isinstance(source, LandscapeSource):
            spec = restored.get("spec") or source.default_spec().changed(**self._changes).to_wire()
            self._commit(Spec.from_wire(spec), source.landscape, spec)
            for name in ("spectrum", "selection", "view"):
                if restored.get(name) is not None:
                    setattr(self, name, restored[name])
            self._settled.set()
            self.observe(self._on_spec, names="spec")
            return
        self.observe(self._on_spec, names="spec")
        if isinstance(source, ObjectiveSource):
            if spectrum is None:
                self._find_spectrum(source)
                return
            self._take_spectrum(source, spectrum)
        self.spec = source.default_spec().changed(**self._changes).to_wire()

    # ------------------------------------------------------------------ requests

    def request(self, **changes: Any) -> None:
        """Ask for another view, as the sliders do; returns at once.

        Parameters
        ----------
        axes : (int, int)
            Eigenvectors: 0, 1, … from the largest, -1, -2, … from the smallest eigenvalue.
        offset : dict of index to displacement
            Moves the plane along a further eigenvector; ``{}`` moves it back.
        span : float or (float, float)
            Half-width along each axis.
        points : odd int or (int, int)
        scale : {"linear", "log"}
        threshold : float
            Minima of smaller persistence are merged into their parents.

        Raises
        ------
        RuntimeError
            The spectrum is still being computed (see `wait`), or the explorer is closed.
        """
        if self._source is None:
            raise RuntimeError("This explorer is closed.")
        if self.spec is None:
            raise RuntimeError("The spectrum is still being computed; call explorer.wait() first.")
        present = Spec.from_wire(self.spec)
        self.spec = present.changed(**changes).changed(id=present.id + 1).to_wire()

    def cancel(self) -> None:
        """Stop everything that runs or waits."""
        self._cancelled_upto = max(self._cancelled_upto, self.spec["id"] if self.spec else 0)
        self._slot.cancel()

    def wait(self, timeout: float | None = None) -> "Explorer":
        """Block until nothing runs or waits.

        Raises
        ------
        TimeoutError
        Exception
            That of the computation, if it failed.
        """
        if not self._settled.wait(timeout):
            raise TimeoutError(f"Still computing after {timeout} s: {self.status['message'] or self.status}")
        if self.error is not None:
            raise self.error
        return self

    def update(self) -> None:
        """Take the model's present weights and compute everything anew, starting from the old spectrum."""
        source = self._objective_source()
        source.objective.update()
        self._results.clear()
        self._shown_key = None
        self.source = source.describe()
        self._find_spectrum(source, start=source.spectrum)

    def _on_spec(self, change: Mapping[str, Any]) -> None:
        """Runs on any thread, perhaps beside the user's cell: hand over to the worker and return."""
        wire, source = change["new"], self._source
        if wire is None or source is None:
            return
        number = int(wire.get("id", 0))
        if number <= self._cancelled_upto:
            self._set_status("surface", "cancelled", number)
            return
        self._submitted = number
        self._settled.clear()
        self._set_status("surface", "queued", number)
        self._slot.submit(
            "surface",
            lambda job: self._surface_steps(source, wire, job),
            lambda phase, error: self._finished("surface", number, phase, error),
        )

    def _on_message(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        kind = content.get("kind")
        if kind == "cancel":
            self._cancelled_upto = max(self._cancelled_upto, int(content.get("upto", 0)))
            self._slot.cancel()
        elif kind == "resync":
            self._resend()
        elif kind == "rpc":
            self._call(str(content.get("id")), str(content.get("method")), dict(content.get("params") or {}))

    # ------------------------------------------------------------------ computing

    def _surface_steps(self, source: Source, wire: dict[str, Any], job: Job) -> Steps:
        spec = Spec.from_wire(wire)
        if self._shown_key == spec.key or isinstance(source, LandscapeSource):
            self._set_status("surface", "done", spec.id)  # only the display changed
            return
        known = self._results.get(spec.key)
        if known is not None:
            self._results.move_to_end(spec.key)
            self._commit(spec, known[0], wire)
            return
        self.source = source.describe()
        job.protected = True
        levels = nested_levels(spec.points, coarsest=coarsest(source.cost, spec.points))
        run = source.start(spec, job.stopped)
        values = np.full(spec.points, np.nan)
        total, done, begin, current = values.size, 0, time.perf_counter(), 0
        opening = self._announce(spec, wire, run.axes, run.base, run.origin, run.labels, run.quantity)
        chunks = run.chunks
        while True:
            try:
                level, vertices, losses = next(chunks)
            except StopIteration as end:
                landscape: Landscape = end.value
                break
            if level != current:
                current, job.protected = level, False
                self._face(values)
                self._send_tree(values, levels[level - 1].strides, spec.id)
            values.flat[vertices] = losses
            done += len(vertices)
            complete = level == len(levels) - 1 and done == total
            eta = (time.perf_counter() - begin) / done * (total - done)
            tile = {
                "kind": "tile",
                "id": spec.id,
                "level": level,
                "strides": list(levels[level].strides),
                "complete": complete,
                "done": done,
                "total": total,
                "eta": eta,
            }
            self._streaming = {"opening": opening, "tile": tile, "values": values, "base": run.base}
            self.send(tile, [vertices.astype("<u4").tobytes(), _wire.heights(losses, run.base)])
            yield
        self._streaming = None
        self._commit(spec, landscape, wire)

    def _announce(
        self,
        spec: Spec,
        wire: dict[str, Any],
        axes: Sequence[np.ndarray],
        base: float,
        origin: int | None,
        labels: tuple[str, str],
        quantity: str,
    ) -> dict[str, Any]:
        opening = {
            "kind": "begin",
            "id": spec.id,
            "spec": wire,
            "shape": list(spec.points),
            "base": base,
            "origin": origin,
            "labels": list(labels),
            "quantity": quantity,
            "x0": [float(axes[0][0]), float(axes[0][-1])],
            "x1": [float(axes[1][0]), float(axes[1][-1])],
        }
        self._set_status("surface", "running", spec.id, total=int(np.prod(spec.points)))
        self.send(opening)
        return opening

    def _send_tree(self, values: np.ndarray, strides: tuple[int, ...], number: int) -> None:
        tree = _wire.coarse_tree(values, strides, number)
        if tree is not None:
            buffers = [tree.pop(name) for name in _wire.COLUMNS]
            self.send({"kind": "tree", "id": number, "tree": tree, "columns": list(_wire.COLUMNS)}, buffers)

    def _commit(self, spec: Spec, landscape: Landscape, wire: dict[str, Any]) -> None:
        tree = landscape.merge_tree()
        source = self._source
        if source is not None and not isinstance(source, LandscapeSource):
            self._keep(spec, landscape, tree)
        self._face(landscape.values)
        with self.state_lock, self.hold_sync():
            self._shown, self._shown_key = (landscape, tree), spec.key
            if self.spec is None:
                self.spec = wire
            self.surface = _wire.surface(landscape, {**wire, "id": spec.id})
            self.tree = _wire.tree(tree, spec.id)
            self._set_status("surface", "done", spec.id, total=landscape.values.size)

    def _face(self, values: np.ndarray) -> None:
        """Before anyone has turned the first surface, look at it from its low side."""
        with self.state_lock:
            if self._shown is None and self.view == DEFAULT_VIEW:
                self.view = {**self.view, "yaw": open_yaw(values)}

    def _keep(self, spec: Spec, landscape: Landscape, tree: "MergeTree") -> None:
        self._results[spec.key] = (landscape, tree)
        while (
            len(self._results) > 1
            and sum(a.values.nbytes * 2 for a, _ in self._results.values()) > _KEPT_BYTES
        ):
            self._results.popitem(last=False)

    def _find_spectrum(self, source: ObjectiveSource, start: "Spectrum | None" = None) -> None:
        self._settled.clear()
        self._set_status("spectrum", "queued", 0)
        self._slot.submit(
            "spectrum",
            lambda job: self._spectrum_steps(source, job, start),
            lambda phase, error: self._finished("spectrum", 0, phase, error),
        )

    def _spectrum_steps(self, source: ObjectiveSource, job: Job, start: "Spectrum | None") -> Steps:
        from nblandscape.curvature import iter_spectrum

        self._set_status("spectrum", "running", 0)
        gradient = source.objective.gradient()
        found: Spectrum | None = None
        for partial in iter_spectrum(source.objective, start=start, cancel=job.stopped, **self._pairs):
            found = partial
            self.send({"kind": "spectrum", "spectrum": self._spectrum_wire(source, found, gradient, False)})
            yield
        if found is None:
            raise RuntimeError("The eigensolver returned nothing.")
        self._take_spectrum(source, found, gradient)
        if self.spec is None:
            self.spec = source.default_spec().changed(**self._changes).to_wire()
        else:
            self.spec = {**self.spec, "id": self.spec["id"] + 1}

    def _take_spectrum(
        self, source: ObjectiveSource, found: "Spectrum", gradient: "torch.Tensor | None" = None
    ) -> None:
        gradient = source.objective.gradient() if gradient is None else gradient
        source.spectrum = found
        with self.state_lock:
            self.spectrum = self._spectrum_wire(source, found, gradient, True)

    def _spectrum_wire(
        self, source: ObjectiveSource, found: "Spectrum", gradient: "torch.Tensor", complete: bool
    ) -> dict[str, Any]:
        import torch

        slopes = (found.vectors.to(torch.float64) @ gradient.to(torch.float64)).cpu().numpy()
        norm = float(torch.linalg.vector_norm(gradient.to(torch.float64)))
        return _wire.spectrum(found, slopes, source.objective.loss(), norm, complete)

    # ------------------------------------------------------------------ actions

    def _call(self, call: str, method: str, params: dict[str, Any]) -> None:
        actions = {"eigenpairs": self._eigenpairs_steps, "html": self._html_steps}
        if method not in actions:
            self.send({"kind": "reply", "id": call, "ok": False, "error": f"Unknown action {method!r}."})
            return
        self._settled.clear()

        def finish(phase: str, error: BaseException | None) -> None:
            if phase != "done":
                text = str(error) if error is not None else "cancelled"
                self.send({"kind": "reply", "id": call, "ok": False, "error": text})
            self._finished("action", self._submitted, phase, error)

        self._slot.submit("action", lambda job: actions[method](call, params, job), finish)

    def _eigenpairs_steps(self, call: str, params: dict[str, Any], job: Job) -> Steps:
        from nblandscape.curvature import iter_spectrum

        source = self._objective_source()
        wanted = {name: int(params[name]) for name in ("largest", "smallest")}
        limit = source.objective.num_parameters
        for name, count in wanted.items():
            if not 0 <= count <= min(limit, 200):
                raise ValueError(f"{name}={count}: between 0 and {min(limit, 200)} eigenpairs can be shown.")
        pairs = {**self._pairs, **wanted}
        gradient = source.objective.gradient()
        self._set_status("action", "running", self._submitted, message="eigenpairs")
        found: Spectrum | None = None
        for partial in iter_spectrum(source.objective, start=source.spectrum, cancel=job.stopped, **pairs):
            found = partial
            yield
        if found is not None:
            self._pairs = pairs
            self._take_spectrum(source, found, gradient)
        self.send({"kind": "reply", "id": call, "ok": True, "result": None})

    def _html_steps(self, call: str, _params: dict[str, Any], _job: Job) -> Steps:
        yield
        page = self.to_html()
        self.send({"kind": "reply", "id": call, "ok": True, "result": None}, [page.encode()])

    # ------------------------------------------------------------------ status

    def _set_status(self, lane: str, phase: str, number: int, *, total: int = 0, message: str = "") -> None:
        done = total if phase == "done" else 0
        with self.state_lock:
            self.status = {
                "id": number,
                "lane": lane,
                "phase": phase,
                "done": done,
                "total": total,
                "eta": None,
                "message": message,
            }

    def _finished(self, lane: str, number: int, phase: str, error: BaseException | None) -> None:
        if self._source is None:
            self._settled.set()
            return
        if lane == "surface":
            self._streaming = None
        newest = lane != "surface" or number == self._submitted
        if newest:
            self.error = error
            if phase == "error" and error is not None:
                self._set_status(lane, "error", number, message=f"{type(error).__name__}: {error}")
            # A surface's commit tells its end; the page waits for the end of every other lane.
            elif phase == "cancelled" or (phase == "done" and lane != "surface"):
                self._set_status(lane, phase, number)
        if self._slot.idle:
            self._settle()

    def _settle(self) -> None:
        if self._shown is not None:
            self._picture.update(self._png)
        self._settled.set()

    def _resend(self) -> None:
        """A page that was reloaded in the middle of a computation gets what it has missed."""
        state = self._streaming
        if state is None:
            return
        values: np.ndarray = state["values"].reshape(-1)
        known = np.flatnonzero(np.isfinite(values))
        self.send(state["opening"])
        self.send(state["tile"], [known.astype("<u4").tobytes(), _wire.heights(values[known], state["base"])])

    # ------------------------------------------------------------------ results

    @property
    def landscape(self) -> Landscape | None:
        """The landscape that is shown."""
        return None if self._shown is None else self._shown[0]

    @property
    def merge_tree(self) -> "MergeTree | None":
        """Its sublevel merge tree, simplified at the threshold of the slider."""
        if self._shown is None or self.spec is None:
            return None
        return self._shown[1].simplify(float(self.spec["threshold"]))

    @property
    def eigenpairs(self) -> "Spectrum | None":
        """The eigenpairs that the sliders choose from."""
        return self._source.spectrum if isinstance(self._source, ObjectiveSource) else None

    def select_minimum(self, number: int = 0) -> None:
        """Select a minimum of the shown tree, as a click does: 0 is the lowest, then by falling persistence.

        Raises
        ------
        RuntimeError
            Nothing has been computed yet.
        IndexError
            There are fewer minima.
        """
        tree, landscape = self.merge_tree, self.landscape
        if tree is None or landscape is None:
            raise RuntimeError(_NOT_YET)
        if not 0 <= number < len(tree.minima):
            raise IndexError(f"minimum {number}: the tree has {len(tree.minima)} at this threshold.")
        vertex = int(tree.minima[number])
        self.selection = {
            "kind": "minimum",
            "vertex": vertex,
            "coordinates": list(landscape.coordinates(vertex)),
            "loss": float(landscape.values.flat[vertex]),
        }

    def selected_state_dict(self) -> "dict[str, torch.Tensor]":
        """State dict of the model at the selected point, for ``model.load_state_dict``.

        Raises
        ------
        RuntimeError
            Nothing is selected, or there is no model behind the landscape.
        """
        source = self._objective_source()
        coordinates = self.selection.get("coordinates")
        if coordinates is None or self.surface is None:
            raise RuntimeError("Nothing is selected: click a minimum, a saddle or a point of the surface.")
        plane = source.plane(Spec.from_wire(self.surface["spec"]))
        return source.objective.parameters_at(plane, coordinates)

    def to_frame(self) -> Any:
        """Minima of the shown tree as a table: coordinates, loss, persistence, share of the window.

        Returns
        -------
        numpy.ndarray
            Structured, one row per minimum, lowest first; ``pandas.DataFrame(...)`` takes it.
        """
        landscape, tree = self.landscape, self.merge_tree
        if landscape is None or tree is None:
            raise RuntimeError(_NOT_YET)
        kinds = [("x0", "f8"), ("x1", "f8"), ("loss", "f8"), ("persistence", "f8"), ("share", "f8")]
        table = np.zeros(len(tree.minima), dtype=kinds)
        sizes = np.bincount(tree.basins[tree.basins >= 0], minlength=len(table))
        for i, vertex in enumerate(tree.minima):
            x0, x1 = landscape.coordinates(int(vertex))
            table[i] = (x0, x1, landscape.values.flat[vertex], tree.persistence[i], sizes[i] / sizes.sum())
        return np.sort(table, order="loss")

    def save(self, path: str | Path) -> Path:
        """Write landscape, spectrum and view to one ``.npz`` file that `explore` opens without the model."""
        landscape = self.landscape
        if landscape is None or self.spec is None:
            raise RuntimeError(_NOT_YET)
        header, arrays = landscape.to_archive()
        spectrum = None if self.spectrum is None else dict(self.spectrum)
        state = {"spec": self.spec, "spectrum": spectrum, "selection": self.selection, "view": self.view}
        title = (self.source or {}).get("title", "")
        return write_archive(path, {**header, "kind": "explorer", "state": state, "title": title}, arrays)

    def to_html(
        self,
        path: str | Path | None = None,
        *,
        title: str | None = None,
        frames: Sequence[Mapping[str, Any]] | None = None,
        max_bytes: float = 20e6,
    ) -> str:
        """One offline HTML file with this explorer; its sliders show the precomputed frames.

        Parameters
        ----------
        path : path, optional
            Where to write; without it only the text is returned.
        title : str, optional
        frames : sequence of dicts, optional
            Changes as for `request`, each computed now (in this thread). Default: what was looked at
            so far.
        max_bytes : float
            An error instead of a larger file.

        Returns
        -------
        str
            The page.

        Raises
        ------
        ValueError
            The page is larger than `max_bytes`.
        """
        from nblandscape.widgets._export import html_page, write_page

        state = self.page_state()
        state["frames"] = list(self._frames(frames))
        name = title or (self.source or {}).get("title", "Loss landscape")
        return write_page(html_page(state, title=name, max_bytes=max_bytes), path)

    def _frames(self, wanted: Sequence[Mapping[str, Any]] | None) -> Iterator[dict[str, Any]]:
        if self.spec is None or self._source is None:
            return
        present = Spec.from_wire(self.spec)
        if wanted is not None:
            for changes in wanted:
                spec = present.changed(**changes)
                if spec.key not in self._results:
                    run = self._source.start(spec, None)
                    landscape = _exhaust(run.chunks)
                    self._keep(spec, landscape, landscape.merge_tree())
        for key, (landscape, tree) in list(self._results.items()):
            axes, offset, span, points = key
            spec = present.changed(axes=axes, span=span, points=points)
            spec = spec.changed(offset={} if offset is None else {offset[0]: offset[1]})
            wire = spec.to_wire()
            yield {"spec": wire, "surface": _wire.surface(landscape, wire), "tree": _wire.tree(tree, spec.id)}

    def save_png(self, path: str | Path, *, width: float = 10.0, dpi: int = 150) -> Path:
        """Write a picture of surface, merge tree and spectrum, drawn by matplotlib."""
        target = Path(path)
        target.write_bytes(self._png(width=width, dpi=dpi))
        return target

    def _png(self, *, width: float = 9.0, dpi: int = 90) -> bytes:
        shown = self._shown
        if shown is None or self.spec is None:
            raise RuntimeError(_NOT_YET)
        tree = shown[1].simplify(float(self.spec["threshold"]))
        log = self.spec["scale"] == "log"
        return picture(
            shown[0],
            tree,
            self.spectrum,
            title=(self.source or {}).get("title", ""),
            log=log,
            width=width,
            dpi=dpi,
        )

    # ------------------------------------------------------------------ life in a notebook

    def _ipython_display_(self, **_: Any) -> None:
        self._picture.show(self)

    def _objective_source(self) -> ObjectiveSource:
        if self._source is None:
            raise RuntimeError("This explorer is closed.")
        if not isinstance(self._source, ObjectiveSource):
            raise RuntimeError(_NO_MODEL)  # noqa: TRY004 - not the argument's type
        return self._source

    def close(self) -> None:
        """Stop computing, drop all data and the connection to the page."""
        if "_slot" not in self.__dict__:  # the constructor failed before there was anything
            super().close()
            return
        self.unobserve_all()
        self._source = None
        self._slot.cancel()
        self._results.clear()
        self._shown = self._streaming = None
        super().close()
        for name in ("surface", "tree", "spectrum", "source"):
            setattr(self, name, None)
        self.frames = []
        self._settled.set()


def _exhaust(chunks: Any) -> Landscape:
    while True:
        try:
            next(chunks)
        except StopIteration as end:
            result: Landscape = end.value
            return result
