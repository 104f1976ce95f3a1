"""What an explorer shows, and what Python reads of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from nblandscape.landscape.archive import write_archive
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _frames
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._picture import picture
from nblandscape.widgets._results import Result, Results, minima_table
from nblandscape.widgets._sources import ObjectiveSource, Source
from nblandscape.widgets._spec import Spec
from nblandscape.widgets._view import DEFAULT_VIEW

if TYPE_CHECKING:
    import torch

    from nblandscape.curvature import Spectrum
    from nblandscape.landscape.critical_point import CriticalPoint
    from nblandscape.subspace import Subspace
    from nblandscape.topology import MergeTree, Support

NO_SELECTION: dict[str, Any] = {"kind": "none", "vertex": None, "coordinates": None, "loss": None}
_NOT_YET = "Nothing has been computed yet; call explorer.wait() first."
_NO_MODEL = "There is no model behind this landscape; explore its objective instead."
IDLE = {"id": 0, "lane": "surface", "phase": "idle", "done": 0, "total": 0, "eta": None, "message": ""}


class Shown(NblWidget):
    """The synced state of an explorer and the results behind it; `Explorer` computes them."""

    spec: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True, echo_update=False)
    source: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    spectrum: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    surface: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    tree: Any = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    status = traitlets.Dict(default_value=IDLE).tag(sync=True)
    selection = traitlets.Dict(default_value=NO_SELECTION).tag(sync=True, echo_update=False)
    view = traitlets.Dict(default_value=DEFAULT_VIEW).tag(sync=True, echo_update=False)
    frames: "traitlets.List[Any]" = traitlets.List(default_value=[]).tag(sync=True)

    def __init__(self, source: Source, *, height: str) -> None:
        super().__init__(height=height)
        self._source: Source | None = source
        self._results = Results()
        self._shown: Result | None = None
        self._shown_key: tuple[Any, ...] | None = None  # None also when what is shown is out of date

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
    def support(self) -> "Support | None":
        """Error bars of the tree before it is simplified: which minima the data support."""
        return None if self._shown is None else self._shown.support

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
        coordinates = self.selection.get("coordinates")
        if coordinates is None:
            raise RuntimeError("Nothing is selected: click a minimum, a saddle or a point of the surface.")
        return source.objective.parameters_at(self._shown_plane()[1], coordinates)

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

        source, (landscape, plane) = self._objective_source(), self._shown_plane()
        vertex, coordinates = self.selection.get("vertex"), self.selection.get("coordinates")
        if coordinates is None:
            raise RuntimeError("Nothing is selected: click a minimum or a saddle.")
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
        return shown.landscape, source.plane(Spec.from_wire(surface["spec"]), shown.spectrum)

    def to_frame(self) -> Any:
        """Minima of the shown tree: coordinates, loss, persistence and its error, share of the window.

        Returns
        -------
        numpy.ndarray
            Structured, one row per minimum, lowest first; ``pandas.DataFrame(...)`` takes it.
        """
        shown, tree = self._shown, self.merge_tree
        if shown is None or tree is None:
            raise RuntimeError(_NOT_YET)
        return minima_table(shown.landscape, tree, shown.support)

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
                state["status"] = {**IDLE, "id": self.surface["id"], "phase": "done"}
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

    def _objective_source(self) -> ObjectiveSource:
        if self._source is None:
            raise RuntimeError("This explorer is closed.")
        if not isinstance(self._source, ObjectiveSource):
            raise RuntimeError(_NO_MODEL)  # noqa: TRY004 - not the argument's type
        return self._source
