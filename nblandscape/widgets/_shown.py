"""What an explorer shows, and what Python reads of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from nblandscape.landscape.archive import write_archive
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _frames
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._objective_source import ObjectiveSource
from nblandscape.widgets._origins import Origin, Recipe
from nblandscape.widgets._picture import picture
from nblandscape.widgets._random_plane import RandomPlaneSource
from nblandscape.widgets._results import Result, Results, minima_table
from nblandscape.widgets._sources import Source
from nblandscape.widgets._spec import Spec
from nblandscape.widgets._stream import SurfaceStream
from nblandscape.widgets._view import DEFAULT_VIEW

if TYPE_CHECKING:
    import torch

    from nblandscape.cancel import CancelSignal
    from nblandscape.curvature import Spectrum
    from nblandscape.landscape.critical_point import CriticalPoint
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace
    from nblandscape.topology import MergeTree, Support
    from nblandscape.widgets._export import Page

NO_SELECTION: dict[str, Any] = {"kind": "none", "vertex": None, "coordinates": None, "loss": None}
NOTHING_SELECTED = "Nothing is selected: click a minimum, a saddle or a point of the surface."
_NOT_YET = "Nothing has been computed yet; call explorer.wait() first."
_NO_MODEL = "There is no model behind this landscape; explore its objective instead."
IDLE = {"id": 0, "lane": "surface", "phase": "idle", "done": 0, "total": 0, "eta": None, "message": ""}


class Shown(NblWidget):
    """The synced state of an explorer and the results behind it; `Explorer` computes them."""

    spec: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True, echo_update=False)
    source: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    spectrum: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    surface: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    volume: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    tree: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    status = traitlets.Dict(default_value=IDLE).tag(sync=True)
    selection = traitlets.Dict(default_value=NO_SELECTION).tag(sync=True, echo_update=False)
    view = traitlets.Dict(default_value=DEFAULT_VIEW).tag(sync=True, echo_update=False)
    paths: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    frames: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)
    sent: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)

    def __init__(self, source: Source, *, height: str) -> None:
        super().__init__(height=height)
        self._source: Source | None = source
        self._results = Results()
        self._shown: Result | None = None
        self._shown_key: tuple[Any, ...] | None = None  # None also when what is shown is out of date
        self._streaming: SurfaceStream | None = None  # what is being computed
        self._eigenpairs = 0, 0.0  # while they are computed: products, share of the pairs that are good

    @property
    def landscape(self) -> Landscape | None:
        """The landscape that is shown."""
        return None if self._shown is None else self._shown.landscape

    @property
    def merge_tree(self) -> "MergeTree | None":
        """Its sublevel merge tree, simplified at the threshold of the slider.

        That of a three-dimensional landscape has Freudenthal's connectivity, as its isosurfaces have.
        """
        if self._shown is None or self.spec is None:
            return None
        return self._shown.tree.simplify(float(self.spec["threshold"]))

    @property
    def support(self) -> "Support | None":
        """Error bars of the tree before it is simplified: which minima the data support."""
        return None if self._shown is None else self._shown.support

    @property
    def eigenpairs(self) -> "Spectrum | None":
        """The eigenpairs that the sliders choose from: those at the origin that is shown."""
        with self.state_lock:
            return None if self._source is None else self._present_source(self._source).spectrum

    @property
    def objective(self) -> "Objective":
        """The objective at the origin that is shown: that of the model, or a sibling with other weights.

        Raises
        ------
        RuntimeError
            There is no model behind the landscape.
        """
        if isinstance(self._source, RandomPlaneSource):
            return self._source.objective
        return self._shown_source().objective

    @property
    def origins(self) -> list[Origin]:
        """What planes can start from: 0, the model, then every point that was made the origin.

        Raises
        ------
        RuntimeError
            There is no model behind the landscape.
        """
        source = self._objective_source()
        plane: dict[str, Any] = {"origin": 0, "axes": (), "offset": {}}
        loss = source.objective.loss()
        return [Origin(0, "model", (), plane, loss, 0.0, {}, Recipe()), *source.origins.known()]

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
        self._objective_source()
        return self.state_dict_at(self._selected()[0])

    def _selected(self) -> "tuple[Sequence[float], int | None]":
        """Coordinates and vertex of what is selected, in the plane that is shown."""
        with self.state_lock:
            selection, wanted, surface = self.selection, self.spec, self.surface
        if selection.get("coordinates") is None:
            raise RuntimeError(NOTHING_SELECTED)
        if wanted and surface and Spec.from_wire(wanted).plane != Spec.from_wire(surface["spec"]).plane:
            raise RuntimeError(
                "The plane of the selected point is not shown yet; call explorer.wait() first."
            )
        return selection["coordinates"], selection.get("vertex")

    def state_dict_at(self, point: "Sequence[float] | Mapping[str, Any]") -> "dict[str, torch.Tensor]":
        """State dict of the model at a point.

        Parameters
        ----------
        point : two floats, or an entry of `sent`
            Coordinates in the plane that is shown; an entry of `sent` knows the plane that it was sent from.

        Returns
        -------
        dict of name to tensor
            As `Objective.parameters_at` gives it, for ``model.load_state_dict``.

        Raises
        ------
        RuntimeError
            The surface is not yet that of the present weights, or there is no model behind the landscape.
        ValueError
            Not two finite numbers, or a plane that is no longer known.
        """
        if not isinstance(point, Mapping):
            plane = self._shown_plane()[1]
            return self._shown_source().objective.parameters_at(plane, point)
        if point.get("weights") not in (None, self._objective_source().weights):
            raise ValueError("The point was sent from a surface of other weights; select it anew.")
        _, source, plane = self._known_plane(Spec.from_wire(point["spec"]))
        return source.objective.parameters_at(plane, point["coordinates"])

    def polish_selected(self, **options: Any) -> "CriticalPoint":
        """Make the selected minimum or saddle exact in the slice, and see what it is of the loss.

        Parameters
        ----------
        **options
            Of `nblandscape.polish`.

        Returns
        -------
        CriticalPoint
            ``print`` shows it; a minimum of the slice need not be one of the loss.

        Raises
        ------
        RuntimeError
            As `selected_state_dict`.
        """
        from nblandscape.landscape.polish import polish

        source, (landscape, plane) = self._shown_source(), self._shown_plane()
        coordinates, vertex = self._selected()
        start = coordinates if vertex is None else vertex
        return polish(source.objective, plane, start, landscape, **options)

    def _shown_plane(self) -> "tuple[Landscape, Subspace]":
        """What is shown and the plane that it was sampled over."""
        source = self._objective_source()
        with self.state_lock:
            shown, surface, out_of_date = self._shown, self.surface, self._shown_key is None
        if shown is None or surface is None:
            raise RuntimeError(_NOT_YET)
        if out_of_date:
            raise RuntimeError("The surface is that of earlier weights; call explorer.wait() first.")
        spec = Spec.from_wire(surface["spec"])
        return shown.landscape, source.at(spec.origin).plane(spec, shown.spectrum)

    def _shown_source(self) -> ObjectiveSource:
        """The source at the origin that is shown."""
        source = self._objective_source()
        with self.state_lock:
            return source.at(Spec.from_wire(self.surface["spec"]).origin if self.surface else 0)

    def _present_source(self, source: Source) -> Source:
        """The source at the origin that is wanted, or at the model if that origin is lost."""
        number = 0 if self.spec is None else int(self.spec.get("origin") or 0)
        try:
            return source.at(number)
        except ValueError:
            return source

    def _known_plane(self, spec: Spec) -> "tuple[Result | None, ObjectiveSource, Subspace]":
        """The plane of an earlier surface, of the very eigenvectors that it was sampled along."""
        source = self._objective_source().at(spec.origin)
        with self.state_lock:
            shown = self._shown if self._shown_key == spec.key else None
        result = shown or self._results.find(spec.key)
        return result, source, source.plane(spec, None if result is None else result.spectrum)

    def to_frame(self) -> Any:
        """Minima of the shown tree: coordinates, loss, persistence and its error, share of the window.

        Returns
        -------
        numpy.ndarray
            Structured, one row per minimum, lowest first; ``pandas.DataFrame(...)`` takes it. The saddle of a
            row is that at which it joins a deeper minimum: NaN where there is none. The page's "Numbers as a
            table" has the same columns.
        """
        shown, tree = self._shown, self.merge_tree
        if shown is None or tree is None:
            raise RuntimeError(_NOT_YET)
        return minima_table(shown.landscape, tree, shown.support)

    def save(self, path: str | Path) -> Path:
        """Write landscape, spectrum and view to one ``.npz`` file that `explore` opens without the model."""
        state = self.page_state()
        if self._shown is None or (state["surface"] is None and state["volume"] is None):
            raise RuntimeError(_NOT_YET)
        header, arrays = self._shown.landscape.to_archive()
        title = (state["source"] or {}).get("title", "")
        origins = (state["source"] or {}).get("origins", [])
        state = {name: state[name] for name in ("spec", "spectrum", "selection", "view", "sent")}
        state["origins"] = origins
        return write_archive(path, {**header, "kind": "explorer", "state": state, "title": title}, arrays)

    def page_state(self) -> dict[str, Any]:
        """What is shown, even while something else is being computed."""
        with self.state_lock:
            state = super().page_state()
            if self.surface is not None and self.spec is not None:
                display = {name: self.spec[name] for name in ("scale", "threshold")}
                state["spec"] = {**self.surface["spec"], **display}
                state["status"] = {**IDLE, "id": self.surface["id"], "phase": "done"}
                spectra = {} if self._source is None else self._source.spectra
                state["spectrum"] = spectra.get(self.surface["spec"].get("origin", 0), self.spectrum)
            elif self.volume is not None:
                state["status"] = {**IDLE, "id": self.volume["id"], "phase": "done"}
        return state

    def to_html(
        self,
        path: str | Path | None = None,
        *,
        title: str | None = None,
        frames: _frames.Frames = None,
        max_bytes: float = 20e6,
        theme: str | None = None,
    ) -> "Page":
        """One offline HTML file with this explorer; its sliders show the precomputed frames.

        Parameters
        ----------
        path : path, optional
            Where to write; without it only the text is returned.
        title : str, optional
        frames : "sliders" or sequence of dicts, optional
            Changes as for `request`, each computed now (in this thread; what is computed when it is
            interrupted is kept). "sliders" chooses up to 23 that the sliders lead to: other windows,
            neighbouring eigenvectors, offsets. Default: what was looked at so far.
        max_bytes : float
            Of the frames, as many are written as fit, with a warning if some do not: the present view, then
            those of `frames` in their order, then what was looked at, the most alike first.
        theme : {"light", "dark"}, optional
            By default the page follows the reader's system.

        Returns
        -------
        Page
            The text, with its ``size`` in bytes, the number of ``frames`` and of ``dropped`` ones.

        Raises
        ------
        ValueError
            The present view alone is larger than `max_bytes`.
        RuntimeError
            Nothing has been computed yet.

        Examples
        --------
        >>> import nblandscape as nbl
        >>> explorer = nbl.explore(lambda x, y: x**2 - y**2, bounds=((-1, 1), (-1, 1)), points=9, wait=True)
        >>> explorer.to_html(frames="sliders").frames
        5
        >>> explorer.close()
        """
        from nblandscape.widgets._export import write_page

        page = self._page(title=title, frames=frames, max_bytes=max_bytes, theme=theme)
        return write_page(page, path)

    def _page(
        self,
        *,
        title: str | None = None,
        height: str | None = None,
        frames: _frames.Frames = None,
        cancel: "CancelSignal | None" = None,
        **options: Any,
    ) -> "Page":
        from nblandscape.widgets._export import html_page

        state = self.page_state()
        if state["surface"] is None and state["volume"] is None:
            raise RuntimeError(_NOT_YET)
        if state["spec"] is not None:
            spec, first = Spec.from_wire(state["spec"]), []
            if frames and self._source is not None:
                wanted = _frames.changes(self._source, spec, frames)
                first = _frames.compute(self._source, self._results, spec, wanted, cancel)
            spectra = {} if self._source is None else self._source.spectra
            state["frames"] = list(_frames.frames(self._results, spec, spectra, first))
        name = title or (self.source or {}).get("title", "Loss landscape")
        state["source"] = {**(state["source"] or {}), "title": name}
        if height is not None:
            state["height"] = height
        return html_page(state, title=name, **options)

    def _png(self, *, width: float = 9.0, dpi: int = 90) -> bytes:
        shown = self._shown
        if shown is None or self.spec is None:
            raise RuntimeError(_NOT_YET)
        tree = shown.tree.simplify(float(self.spec["threshold"]))
        number = 0 if self.surface is None else int(self.surface["spec"].get("origin") or 0)
        title = (self.source or {}).get("title", "") + (f", origin {number}" if number else "")
        spectra = {} if self._source is None else self._source.spectra
        return picture(
            shown.landscape,
            tree,
            spectra.get(number, self.spectrum),
            title=title,
            scale=self.spec["scale"],
            width=width,
            dpi=dpi,
        )

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

    def _objective_source(self) -> ObjectiveSource:
        if self._source is None:
            raise RuntimeError("This explorer is closed.")
        if not isinstance(self._source, ObjectiveSource):
            raise RuntimeError(_NO_MODEL)  # noqa: TRY004 - not the argument's type
        return self._source
