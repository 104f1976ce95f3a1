"""The picture beside a live view: what a saved notebook shows where no widget can run."""

import contextlib
import io
import os
import uuid
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nblandscape.landscape.landscape import Landscape
    from nblandscape.topology import MergeTree
    from nblandscape.widgets.comparison import Comparison
    from nblandscape.widgets.explorer import Explorer

_shown: "dict[str, tuple[str, list[weakref.ref[Any]]]]" = {}  # cell -> (execution, explorers)


def picture(
    landscape: "Landscape",
    tree: "MergeTree",
    spectrum: dict[str, Any] | None,
    *,
    title: str,
    scale: str,
    width: float,
    dpi: int,
) -> bytes:
    """PNG of `nblandscape.figures.figure_of`."""
    from nblandscape.figures import figure_of, slices_figure

    if landscape.dim == 3:
        figure = slices_figure(landscape, tree, title=title, log=scale == "log", width=width)
    else:
        figure = figure_of(landscape, tree, spectrum, title=title, scale=scale, width=width)
    return png_of(figure, dpi)


def png_of(figure: "Figure", dpi: int) -> bytes:
    """PNG of a figure, marked as one of ours."""
    buffer = io.BytesIO()
    # The page finds the picture by this mark and hides it while a live view stands above it.
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": "nblandscape"})
    return buffer.getvalue()


class CellPicture:
    """The second output of a cell: its own display id, updated when a computation ends."""

    def __init__(self) -> None:
        self._display_id: str | None = None

    def show(self, explorer: "Explorer | Comparison") -> None:
        """Display the widget, then the picture; close what an earlier run of this cell showed."""
        from IPython.display import publish_display_data

        _close_predecessors(explorer)
        if os.environ.get("NBLANDSCAPE_WAIT") == "1":
            explorer._finish()
        bundle = explorer._repr_mimebundle_()
        if bundle is not None:
            data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
            publish_display_data(data, metadata)  # type: ignore[no-untyped-call]
        display_id = uuid.uuid4().hex
        png = explorer._png() if explorer.landscape is not None else None
        publish_display_data(  # type: ignore[no-untyped-call]
            _data(png), {}, transient={"display_id": display_id}
        )
        self._display_id = display_id  # only now: an update must not overtake the first picture
        if png is None and explorer.landscape is not None:
            self.update(explorer._png)

    def update(self, draw: Callable[[], bytes]) -> None:
        """Replace the picture, if the explorer was displayed."""
        if self._display_id is None:
            return
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
        if shell is None:
            return
        with contextlib.suppress(Exception):  # a picture must never break a result
            shell.display_pub.publish(
                data=_data(draw()),
                metadata={},
                transient={"display_id": self._display_id},
                update=True,
            )


def _data(png: bytes | None) -> dict[str, Any]:
    text = "A picture of this landscape appears here when it has been computed."
    return {"text/plain": text} if png is None else {"image/png": png, "text/plain": "Loss landscape"}


def _close_predecessors(explorer: "Explorer | Comparison") -> None:
    cell, execution = _current_cell()
    if cell is None:
        return
    before, explorers = _shown.get(cell, (execution, []))
    if before != execution:
        for reference in explorers:
            old = reference()
            if old is not None and old is not explorer:
                old.close()
        explorers = []
    _shown[cell] = (execution, [*explorers, weakref.ref(explorer)])


def _current_cell() -> tuple[str | None, str]:
    """Id of the running cell and of this execution, where the front end tells them."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    parent: dict[str, Any] = {}
    if shell is not None and hasattr(shell, "get_parent"):
        parent = shell.get_parent() or {}
    cell = (parent.get("metadata") or {}).get("cellId")
    return (None if cell is None else str(cell)), str((parent.get("header") or {}).get("msg_id", ""))
