"""What all widgets share: a checked constructor, thread-safe traits, a picture for saved notebooks."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from nblandscape.widgets._bundle import script

if TYPE_CHECKING:
    from nblandscape.widgets._embed import Embedded
    from nblandscape.widgets._export import Page


class NblWidget(anywidget.AnyWidget):
    """Base of the package's widgets.

    Unknown keywords raise; traits may be set from the worker's thread while a comm handler runs on
    another; `close` takes the layout along, so that a cell that is run again leaves nothing behind.
    """

    bundle: str
    _esm = traitlets.Unicode().tag(sync=True)
    height = traitlets.Unicode("640px").tag(sync=True)

    def __init__(self, **options: Any) -> None:
        unknown = [name for name in options if not self.has_trait(name)]
        if unknown:
            known = sorted(n for n in self.class_trait_names() if not n.startswith("_"))
            raise TypeError(f"{type(self).__name__} has no option {unknown[0]!r}; it has {', '.join(known)}.")
        self.state_lock = self._new_lock()
        super().__init__(_esm=script(self.bundle) if self.bundle else "", **options)

    def _new_lock(self) -> "threading.RLock":
        return threading.RLock()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take a change from the page; not while the worker commits a result."""
        with self.state_lock:
            super().set_state(sync_data)

    def __enter__(self) -> "NblWidget":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection to the page, and that of the layout, which ipywidgets would keep."""
        layout = self._trait_values.get("layout")
        super().close()
        if layout is not None:
            layout.close()

    def to_html(
        self,
        path: str | Path | None = None,
        *,
        title: str | None = None,
        max_bytes: float = 20e6,
        theme: str | None = None,
    ) -> "Page":
        """One offline HTML file with this view; see `Explorer.to_html`."""
        from nblandscape.widgets._export import write_page

        return write_page(self._page(title=title, max_bytes=max_bytes, theme=theme), path)

    def embed(self, height: str | float | None = None, **options: Any) -> "Embedded":
        """Show the offline page in a frame, for books and reports in which no widget can run.

        Waits until what is being computed is there.

        Parameters
        ----------
        height : float or str, optional
            Of the frame: pixels, or a CSS length; by default that of this view.
        **options
            Of `to_html`: ``title``, ``theme``, ``max_bytes``, and ``frames`` where it takes them. The theme
            is "light" by default, as most reports are; None follows the reader's system.

        Returns
        -------
        Embedded
            As the last line of a cell it is drawn in JupyterLab and in what ``nbconvert``, Quarto and MyST
            write, without a kernel and without the network.

        Raises
        ------
        ValueError
            The height is no length, or as `to_html`.

        Examples
        --------
        >>> import numpy as np, nblandscape as nbl
        >>> explorer = nbl.explore(np.add.outer(np.arange(9.0) ** 2, np.arange(9.0)), title="slope")
        >>> explorer.embed(height=600)._repr_html_()[:73]
        '<iframe class="nblandscape-embedded" sandbox="allow-scripts" title="slope'
        >>> explorer.close()
        """
        from nblandscape.widgets import _embed

        given = None if height is None else _embed.css_height(height)
        self._finish()
        page = self._page(**{"theme": "light", **options}, height=None if given is None else _embed.FILLING)
        return _embed.Embedded(page, given or _embed.height_around(self.height))

    def save_png(self, path: str | Path, *, width: float = 10.0, dpi: int = 150) -> Path:
        """Write a picture of what is shown, drawn by matplotlib.

        Parameters
        ----------
        path : str or Path
        width : float
            Inches.
        dpi : int

        Returns
        -------
        Path

        Raises
        ------
        RuntimeError
            Nothing has been computed yet.
        """
        target = Path(path)
        target.write_bytes(self._png(width=width, dpi=dpi))
        return target

    def _png(self, *, width: float = 9.0, dpi: int = 90) -> bytes:
        raise NotImplementedError

    def _finish(self) -> None:
        """Wait for what is being computed."""

    def _page(self, *, title: str | None = None, height: str | None = None, **options: Any) -> "Page":
        from nblandscape.widgets._export import html_page

        state = self.page_state()
        if height is not None:
            state["height"] = height
        return html_page(state, title=title or type(self).__name__, **options)

    def page_state(self) -> dict[str, Any]:
        """Traits that the front end draws from."""
        names = [n for n in self.keys if not n.startswith("_") and n not in ("layout", "tooltip", "tabbable")]
        with self.state_lock:
            return {name: getattr(self, name) for name in names}
