"""The explorer: spectrum, surface and merge tree of one source, linked, recomputed on request."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.widgets import _eigenpairs, _surfaces
from nblandscape.widgets._actions import ACTIONS
from nblandscape.widgets._landscape_source import LandscapeSource
from nblandscape.widgets._objective_source import ObjectiveSource
from nblandscape.widgets._origins import Recipe, note_recipe
from nblandscape.widgets._paths import Paths, own_paths
from nblandscape.widgets._pending import Pending
from nblandscape.widgets._picture import CellPicture
from nblandscape.widgets._results import Result
from nblandscape.widgets._shown import NO_SELECTION, Shown
from nblandscape.widgets._sources import Source
from nblandscape.widgets._spec import Spec
from nblandscape.widgets._volume import VolumeFunctionSource
from nblandscape.widgets._worker import Job, Steps, shared_worker

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum


class Explorer(Shown):
    """Linked views of a landscape; made by `nblandscape.explore`.

    The synced traits `spec`, `source`, `spectrum`, `surface` (of three dimensions: `volume`), `tree`,
    `status`, `selection` and `view` hold everything that the page draws (js/src/model/protocol.ts); the
    properties and methods below are for Python.

    Attributes
    ----------
    selection : dict
        What was clicked: ``kind`` ("none", "minimum", "saddle", "point" or "model"), ``vertex``,
        ``coordinates`` and ``loss``. Observable: ``explorer.observe(f, names="selection")``.
    sent : list of dict
        Points that the reader has sent to Python, with ``kind``, ``label``, ``coordinates``, ``loss``,
        ``metrics``, ``distance`` from the model and the ``spec`` of their plane. Observable; see `on_send`
        and `state_dict_at`.
    error : BaseException or None
        Of the last computation.
    plan : object or None
        What `nblandscape.inspect` found out before it began.
    """

    bundle = "explorer"
    plan: Any = None

    def __init__(
        self,
        source: Source,
        *,
        spec_changes: Mapping[str, Any] | None = None,
        spectrum: "Spectrum | None" = None,
        eigenpairs: Mapping[str, Any] | None = None,
        height: str = "740px",
        paths: Paths | None = None,
        restored: Mapping[str, Any] | None = None,
    ) -> None:
        self._changes = dict(spec_changes or {})
        Spec(1).changed(**self._changes)  # an error now rather than after the eigenvectors
        finished = isinstance(source, LandscapeSource) and source.landscape.dim == 3
        if finished or isinstance(source, VolumeFunctionSource):
            self.bundle = "volume_explorer"
        super().__init__(source, height=height)
        self._pairs = {"largest": 4, "smallest": 4, "tol": 1e-3, "seed": 0, **(eigenpairs or {})}
        self._paths = paths
        self._cancelled_upto = 0
        self._submitted = 0
        self.error: BaseException | None = None
        self._drawn: Any = None  # what the picture shows
        self._pending = Pending()
        self._on_send: list[Callable[[dict[str, Any]], Any]] = []
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
            _surfaces.commit(self, spec, Result.of(source.landscape), spec.to_wire())
            self.paths = own_paths(source.landscape, spec.to_wire())
            for name in ("spectrum", "selection", "view", "sent"):
                if restored.get(name) is not None:
                    setattr(self, name, restored[name])
            self.observe(self._on_spec, names="spec")
            return
        self.observe(self._on_spec, names="spec")
        if isinstance(source, ObjectiveSource):
            if spectrum is None:
                self._find_spectrum(source)
                return
            _eigenpairs.take(self, source, spectrum)
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
        scale : {"linear", "log", "symlog"}
            Of the loss; "symlog" is linear about 0 and logarithmic beyond, on both sides.
        threshold : float
            Minima of smaller persistence are merged into their parents.
        origin : int
            0 starts from the model, n from the n-th origin; see `new_origin` and `origins`.

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
            wanted = present.changed(**changes).changed(id=present.id + 1)
            if wanted.plane != present.plane:  # the same coordinates would be another point
                self.selection = NO_SELECTION
            self.spec = wanted.to_wire()

    def new_origin(self, point: "Sequence[float] | None" = None) -> None:
        """Make a point the origin of further planes; returns at once.

        The eigenvectors are computed anew there, starting from those that are shown; then
        ``request(origin=...)`` shows the planes that they span. The user's model is not touched.

        Parameters
        ----------
        point : two floats, optional
            Coordinates in the plane that is shown; by default what is selected.

        Raises
        ------
        RuntimeError
            Nothing is selected or computed yet, or there is no model behind the landscape.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.ones(2, 1)))
        >>> explorer = nbl.explore(objective, points=9, largest=1, smallest=1, wait=True)
        >>> explorer.new_origin((0.5, 0.0))
        >>> _ = explorer.wait()
        >>> explorer.spec["origin"], round(explorer.origins[1].distance, 6)
        (1, 0.5)
        >>> explorer.close()
        """
        self._shown_plane()
        with self.state_lock:
            kind = self.selection["kind"] if point is None else "point"
            coordinates = self._selected()[0] if point is None else point
            spec = Spec.from_wire(self.surface["spec"])
        place = float(coordinates[0]), float(coordinates[1])

        def steps(job: Job) -> Steps:
            self._set_status("action", "running", self._submitted, message=ACTIONS["origin"].message)
            origin = yield from _eigenpairs.move_origin(self, self._pairs, kind, spec, place, job)
            self.request(origin=origin.number, offset={})

        self._submit(
            "action", steps, lambda phase, error: self._finished("action", self._submitted, phase, error)
        )

    def on_send(self, callback: "Callable[[dict[str, Any]], Any]") -> None:
        """Call a function with every point that the reader sends to Python.

        Parameters
        ----------
        callback : callable (dict)
            Gets what is appended to `sent`; runs on the thread that computes.
        """
        self._on_send.append(callback)

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

    def progress(self) -> tuple[str, float]:
        """What is being computed, and which share is done of its points, or of the eigenpairs."""
        stream, status = self._streaming, self.status
        if stream is not None:
            return "landscape", float(np.isfinite(stream.values).mean())
        if status["lane"] == "spectrum" and status["phase"] == "running":
            products, share = self._eigenpairs
            return f"eigenpairs, {products} products", share
        return str(status["message"] or status["lane"]), 0.0

    def _finish(self) -> None:
        self.wait()

    def update(self) -> None:
        """Take the model's present weights and compute everything anew, starting from the old spectrum."""
        source = self._objective_source()
        source.objective.update()
        with self.state_lock:
            self._results.clear()
            self._shown_key = None
            source.origins.forget()
            source.spectra.clear()
            if source.spectrum is not None:
                note_recipe(source.spectrum, Recipe("earlier"))
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
            lambda job: _surfaces.compute(self, source, wire, self._paths, job),
            lambda phase, error: self._finished("surface", number, phase, error),
        )

    def _find_spectrum(self, source: ObjectiveSource, start: "Spectrum | None" = None) -> None:
        """Find eigenpairs; then ask for the first view, or for the same one along the new eigenvectors."""

        def steps(job: Job) -> Steps:
            yield from _eigenpairs.find(self, source, self._pairs, start, job)
            if self.spec is None:
                self._first_view(source)
            else:
                self.spec = {**self.spec, "id": self.spec["id"] + 1, "origin": source.number}

        self._set_status("spectrum", "queued", 0)
        self._submit("spectrum", steps, lambda phase, error: self._finished("spectrum", 0, phase, error))

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

    # ------------------------------------------------------------------ actions

    def _call(self, call: str, method: str, params: Mapping[str, Any]) -> None:
        action = ACTIONS.get(method)
        if action is None:
            self.send({"kind": "reply", "id": call, "ok": False, "error": f"Unknown action {method!r}."})
            return

        def steps(job: Job) -> Steps:
            self._set_status("action", "running", self._submitted, message=action.message)
            result, buffers = yield from action.steps(self, params, job)
            self.send({"kind": "reply", "id": call, "ok": True, "result": result}, list(buffers))

        def finish(phase: str, error: BaseException | None) -> None:
            if phase != "done":
                text = str(error) if error is not None else "cancelled"
                self.send({"kind": "reply", "id": call, "ok": False, "error": text})
            self._finished("action", self._submitted, phase, error)

        self._submit("action", steps, finish)

    # ------------------------------------------------------------------ status

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

    # ------------------------------------------------------------------ life in a notebook

    def __repr__(self) -> str:
        landscape = self.landscape
        size = "computing" if landscape is None else " × ".join(map(str, landscape.shape))
        return f"Explorer({(self.source or {}).get('title', 'closed')}: {size})"

    def _ipython_display_(self, **_: Any) -> None:
        self._picture.show(self)

    def close(self) -> None:
        """Stop computing, drop all data and the connection to the page."""
        if "_slot" not in self.__dict__:  # the constructor failed before there was anything
            super().close()
            return
        self.unobserve_all()
        self._on_send.clear()
        with self.state_lock:  # not in the middle of a commit
            self._source = None
            self._results.clear()
            self._shown = self._streaming = self._drawn = None
            if self.error is not None:  # whoever still holds it must not hold the arrays
                traceback.clear_frames(self.error.__traceback__)
            self.error = None
        self._paths = None
        self._slot.cancel()
        super().close()
        for name in ("surface", "volume", "tree", "spectrum", "source"):
            setattr(self, name, None)
        self.frames = []
