"""The explorer: spectrum, surface and merge tree of one source, linked, recomputed on request."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from nblandscape.cancel import Cancelled
from nblandscape.landscape.facing import open_yaw
from nblandscape.landscape.archive import write_archive
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _frames, _wire
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._pending import Pending
from nblandscape.widgets._picture import CellPicture, picture
from nblandscape.widgets._results import Result, Results, minima_table
from nblandscape.widgets._sources import LandscapeSource, ObjectiveSource, Source
from nblandscape.widgets._spec import Spec
from nblandscape.widgets._stream import SurfaceStream
from nblandscape.widgets._view import DEFAULT_VIEW
from nblandscape.widgets._worker import Job, Steps, shared_worker

if TYPE_CHECKING:
    import torch

    from nblandscape.curvature import Spectrum
    from nblandscape.topology import MergeTree

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
        self._changes = dict(spec_changes or {})
        Spec(1).changed(**self._changes)  # an error now rather than after the eigenvectors
        super().__init__(height=height)
        self._source: Source | None = source
        self._pairs = {"largest": 4, "smallest": 4, "tol": 1e-3, "seed": 0, **(eigenpairs or {})}
        self._results = Results()
        self._cancelled_upto = 0
        self._submitted = 0
        self._shown: Result | None = None
        self._shown_key: tuple[Any, ...] | None = None  # None also when what is shown is out of date
        self._streaming: SurfaceStream | None = None
        self.error: BaseException | None = None
        self._drawn: Any = None  # what the picture shows
        self._pending = Pending()
        self._slot = shared_worker().slot()
        self._picture = CellPicture()
        self.source = source.describe()
        self.on_msg(self._on_message)
        try:
            self._begin(source, spectrum, restored or {})
        except BaseException:
            self.close()
            raise

    def _begin(self, source: Source, spectrum: "Spectrum | None", restored: Mapping[str, Any]) -> None:
        if isinstance(source, LandscapeSource):
            saved = restored.get("spec")
            spec = (Spec.from_wire(saved) if saved else source.default_spec()).changed(**self._changes)
            self._commit(spec, Result(source.landscape, source.landscape.merge_tree()), spec.to_wire())
            for name in ("spectrum", "selection", "view"):
                if restored.get(name) is not None:
                    setattr(self, name, restored[name])
            self.observe(self._on_spec, names="spec")
            return
        self.observe(self._on_spec, names="spec")
        if isinstance(source, ObjectiveSource):
            if spectrum is None:
                self._find_spectrum(source)
                return
            self._take_spectrum(source, spectrum)
        self._first_view(source)

    def _first_view(self, source: Source) -> None:
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
            The spectrum is not known yet (see `wait`), or the explorer is closed.
        """
        if self._source is None:
            raise RuntimeError("This explorer is closed.")
        with self.state_lock:
            if self.spec is None:
                raise RuntimeError(
                    "The spectrum is not known yet: call explorer.wait(), or explorer.update() if its "
                    "computation was cancelled or failed."
                )
            present = Spec.from_wire(self.spec)
            self.spec = present.changed(**changes).changed(id=present.id + 1).to_wire()

    def cancel(self) -> None:
        """Stop everything that runs or waits."""
        self._cancelled_upto = max(self._cancelled_upto, self._submitted)
        self._slot.cancel()

    def wait(self, timeout: float | None = None) -> "Explorer":
        """Block until nothing runs or waits.

        Raises
        ------
        TimeoutError
        Exception
            That of the computation, if it failed.
        """
        if not self._pending.wait(timeout):
            raise TimeoutError(f"Still computing after {timeout} s: {self.status['message'] or self.status}")
        if self.error is not None:
            raise self.error
        return self

    def update(self) -> None:
        """Take the model's present weights and compute everything anew, starting from the old spectrum."""
        source = self._objective_source()
        source.objective.update()
        with self.state_lock:
            self._results.clear()
            self._shown_key = None
        self._slot.cancel("surface", "spectrum")
        self.source = source.describe()
        self._find_spectrum(source, start=source.spectrum)

    def _on_spec(self, change: Mapping[str, Any]) -> None:
        """Runs on any thread, perhaps beside the user's cell: hand over to the worker and return."""
        wire, source = change["new"], self._source
        if wire is None or source is None:
            return
        given = wire.get("id")
        number = given if isinstance(given, int) else self._submitted
        if number <= self._cancelled_upto:
            self._set_status("surface", "cancelled", number)
            return
        self._submitted = number
        self._set_status("surface", "queued", number)
        self._submit(
            "surface",
            lambda job: self._surface_steps(source, wire, job),
            lambda phase, error: self._finished("surface", number, phase, error),
        )

    def _submit(
        self,
        lane: str,
        make_steps: Callable[[Job], Steps],
        finish: Callable[[str, BaseException | None], None],
    ) -> None:
        def end(phase: str, error: BaseException | None) -> None:
            try:
                finish(phase, error)
            finally:
                self._pending.end(self._draw_picture)

        self._pending.begin()
        self._slot.submit(lane, make_steps, end)

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
        known = self._results.find(spec.key)
        if known is not None:
            self._commit(spec, known, wire)
            return
        generation, spectrum = self._results.generation, source.spectrum
        self.source = source.describe()
        job.protected = True
        run = source.start(spec, job.stopped, tuned=True)
        stream = self._streaming = SurfaceStream(spec, wire, run)
        self._set_status("surface", "running", spec.id, total=stream.values.size, eta=run.seconds)
        self.send(*stream.opening())
        while True:
            try:
                level, vertices, losses = next(run.chunks)
            except StopIteration as end:
                landscape: Landscape = end.value
                break
            if level != stream.level:
                job.protected = False
                self._face(stream.values)
                if (message := stream.tree()) is not None:
                    self.send(*message)
            self.send(*stream.tile(level, vertices, losses))
            yield
        self._streaming = None
        result = Result(landscape, landscape.merge_tree(), spectrum)
        self._check_generation(generation)
        self._results.keep(spec.key, result, generation)
        self._commit(spec, result, wire)

    def _check_generation(self, generation: int) -> None:
        if generation != self._results.generation:
            raise Cancelled("the model's weights were updated meanwhile")

    def _commit(self, spec: Spec, result: Result, wire: dict[str, Any]) -> None:
        surface = _wire.surface(result.landscape, {**wire, "id": spec.id})
        tree = _wire.tree(result.tree, spec.id)
        self._face(result.landscape.values)
        with self.state_lock, self.hold_sync():
            if self._source is None:  # closed meanwhile
                return
            self._shown, self._shown_key = result, spec.key
            if self.spec is None:
                self.spec = wire
            self.source = self._source.describe()  # a point's cost is known better now
            self.surface, self.tree = surface, tree
            self._set_status("surface", "done", spec.id, total=result.landscape.values.size)

    def _face(self, values: np.ndarray) -> None:
        """Before anyone has turned the first surface, look at it from its low side."""
        with self.state_lock:
            if self._shown is None and self.view == DEFAULT_VIEW:
                self.view = {**self.view, "yaw": open_yaw(values)}

    def _find_spectrum(self, source: ObjectiveSource, start: "Spectrum | None" = None) -> None:
        self._set_status("spectrum", "queued", 0)
        self._submit(
            "spectrum",
            lambda job: self._spectrum_steps(source, job, start),
            lambda phase, error: self._finished("spectrum", 0, phase, error),
        )

    def _spectrum_steps(self, source: ObjectiveSource, job: Job, start: "Spectrum | None") -> Steps:
        self._set_status("spectrum", "running", 0)
        generation, gradient = self._results.generation, source.objective.gradient()

        def show(partial: "Spectrum") -> None:
            wire = self._spectrum_wire(source, partial, gradient, False)
            self.send({"kind": "spectrum", "spectrum": wire})

        found = yield from source.eigenpairs(self._pairs, start, job.stopped, show)
        self._check_generation(generation)
        self._take_spectrum(source, found, gradient)
        if self.spec is None:
            self._first_view(source)
        else:
            self.spec = {**self.spec, "id": self.spec["id"] + 1}

    def _take_spectrum(
        self, source: ObjectiveSource, found: "Spectrum", gradient: "torch.Tensor | None" = None
    ) -> None:
        gradient = source.objective.gradient() if gradient is None else gradient
        source.spectrum = found
        wire = self._spectrum_wire(source, found, gradient, True)
        with self.state_lock:
            if self._source is not None:
                self.spectrum = wire

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

        def finish(phase: str, error: BaseException | None) -> None:
            if phase != "done":
                text = str(error) if error is not None else "cancelled"
                self.send({"kind": "reply", "id": call, "ok": False, "error": text})
            self._finished("action", self._submitted, phase, error)

        self._submit("action", lambda job: actions[method](call, params, job), finish)

    def _eigenpairs_steps(self, call: str, params: dict[str, Any], job: Job) -> Steps:
        source = self._objective_source()
        wanted = {name: int(params[name]) for name in ("largest", "smallest")}
        limit = source.objective.num_parameters
        for name, count in wanted.items():
            if not 0 <= count <= min(limit, 200):
                raise ValueError(f"{name}={count}: between 0 and {min(limit, 200)} eigenpairs can be shown.")
        pairs = {**self._pairs, **wanted}
        generation, gradient = self._results.generation, source.objective.gradient()
        self._set_status("action", "running", self._submitted, message="eigenpairs")
        found = yield from source.eigenpairs(pairs, source.spectrum, job.stopped)
        self._check_generation(generation)
        self._pairs = pairs
        self._take_spectrum(source, found, gradient)
        if self.spec is None:  # the first run was cancelled
            self._first_view(source)
        self.send({"kind": "reply", "id": call, "ok": True, "result": None})

    def _html_steps(self, call: str, _params: dict[str, Any], _job: Job) -> Steps:
        yield
        page = self.to_html()
        self.send({"kind": "reply", "id": call, "ok": True, "result": None}, [page.encode()])

    # ------------------------------------------------------------------ status

    def _set_status(
        self,
        lane: str,
        phase: str,
        number: int,
        *,
        total: int = 0,
        eta: float | None = None,
        message: str = "",
    ) -> None:
        done = total if phase == "done" else 0
        with self.state_lock:
            self.status = {
                "id": number,
                "lane": lane,
                "phase": phase,
                "done": done,
                "total": total,
                "eta": eta,
                "message": message,
            }

    def _finished(self, lane: str, number: int, phase: str, error: BaseException | None) -> None:
        if lane == "surface":
            self._streaming = None
        if self._source is None:
            return
        if lane != "surface" or number == self._submitted:
            self.error = error
            if phase == "error" and error is not None:
                self._set_status(lane, "error", number, message=f"{type(error).__name__}: {error}")
            # A surface's commit tells its end; the page waits for the end of every other lane.
            elif phase == "cancelled" or (phase == "done" and lane != "surface"):
                self._set_status(lane, phase, number)

    def _draw_picture(self) -> None:
        with self.state_lock:
            if self._source is None or self._shown is None or self.spec is None:
                return
            picture = (self._shown, self.spec["scale"], self.spec["threshold"], self.spectrum is None)
        if picture != self._drawn:
            self._drawn = picture
            self._picture.update(self._png)

    def _resend(self) -> None:
        """A page that was reloaded in the middle of a computation gets what it has missed."""
        for message in [] if self._streaming is None else self._streaming.everything():
            self.send(*message)

    # ------------------------------------------------------------------ results

    @property
    def landscape(self) -> Landscape | None:
        """The landscape that is shown."""
        return None if self._shown is None else self._shown.landscape

    @property
    def merge_tree(self) -> "MergeTree | None":
        """Its sublevel merge tree, simplified at the threshold of the slider."""
        if self._shown is None or self.spec is None:
            return None
        return self._shown.tree.simplify(float(self.spec["threshold"]))

    @property
    def eigenpairs(self) -> "Spectrum | None":
        """The eigenpairs that the sliders choose from."""
        return None if self._source is None else self._source.spectrum

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
        """State dict of the model at the selected point, as `Objective.parameters_at` gives it.

        Raises
        ------
        RuntimeError
            Nothing is selected, the surface is not yet that of the present weights, or there is no model
            behind the landscape.
        """
        source = self._objective_source()
        with self.state_lock:
            coordinates, shown, surface = self.selection.get("coordinates"), self._shown, self.surface
            out_of_date = self._shown_key is None
        if coordinates is None or shown is None or surface is None:
            raise RuntimeError("Nothing is selected: click a minimum, a saddle or a point of the surface.")
        if out_of_date:
            raise RuntimeError("The surface is that of earlier weights; call explorer.wait() first.")
        plane = source.plane(Spec.from_wire(surface["spec"]), shown.spectrum)
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
        return minima_table(landscape, tree)

    def save(self, path: str | Path) -> Path:
        """Write landscape, spectrum and view to one ``.npz`` file that `explore` opens without the model."""
        state = self.page_state()
        if self._shown is None or state["surface"] is None:
            raise RuntimeError(_NOT_YET)
        header, arrays = self._shown.landscape.to_archive()
        title = (state["source"] or {}).get("title", "")
        state = {name: state[name] for name in ("spec", "spectrum", "selection", "view")}
        return write_archive(path, {**header, "kind": "explorer", "state": state, "title": title}, arrays)

    def page_state(self) -> dict[str, Any]:
        """What is shown, even while something else is being computed."""
        with self.state_lock:
            state = super().page_state()
            if self.surface is not None and self.spec is not None:
                display = {name: self.spec[name] for name in ("scale", "threshold")}
                state["spec"] = {**self.surface["spec"], **display}
                state["status"] = {**_IDLE, "id": self.surface["id"], "phase": "done"}
        return state

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
        if state["spec"] is not None:
            spec = Spec.from_wire(state["spec"])
            if frames and self._source is not None:
                _frames.compute(self._source, self._results, spec, frames)
            state["frames"] = list(_frames.frames(self._results, spec))
        name = title or (self.source or {}).get("title", "Loss landscape")
        state["source"] = {**(state["source"] or {}), "title": name}
        return write_page(html_page(state, title=name, max_bytes=max_bytes), path)

    def save_png(self, path: str | Path, *, width: float = 10.0, dpi: int = 150) -> Path:
        """Write a picture of surface, merge tree and spectrum, drawn by matplotlib."""
        target = Path(path)
        target.write_bytes(self._png(width=width, dpi=dpi))
        return target

    def _png(self, *, width: float = 9.0, dpi: int = 90) -> bytes:
        shown = self._shown
        if shown is None or self.spec is None:
            raise RuntimeError(_NOT_YET)
        tree = shown.tree.simplify(float(self.spec["threshold"]))
        log = self.spec["scale"] == "log"
        return picture(
            shown.landscape,
            tree,
            self.spectrum,
            title=(self.source or {}).get("title", ""),
            log=log,
            width=width,
            dpi=dpi,
        )

    # ------------------------------------------------------------------ life in a notebook

    def __repr__(self) -> str:
        landscape = self.landscape
        size = "computing" if landscape is None else " × ".join(map(str, landscape.shape))
        return f"Explorer({(self.source or {}).get('title', 'closed')}: {size})"

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
        with self.state_lock:  # not in the middle of a commit
            self._source = None
            self._results.clear()
            self._shown = self._streaming = self._drawn = None
            if self.error is not None:  # whoever still holds it must not hold the arrays
                traceback.clear_frames(self.error.__traceback__)
            self.error = None
        self._slot.cancel()
        super().close()
        for name in ("surface", "tree", "spectrum", "source"):
            setattr(self, name, None)
        self.frames = []
