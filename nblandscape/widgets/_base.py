"""What all widgets share: a checked constructor, thread-safe traits, a picture for saved notebooks."""

import threading
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nblandscape.widgets._bundle import script


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

    def to_html(self, path: str | Path | None = None, *, title: str | None = None) -> str:
        """One offline HTML file with this view; see `Explorer.to_html`."""
        from nblandscape.widgets._export import html_page, write_page

        page = html_page(self.page_state(), title=title or type(self).__name__)
        return write_page(page, path)

    def page_state(self) -> dict[str, Any]:
        """Traits that the front end draws from."""
        names = [n for n in self.keys if not n.startswith("_") and n not in ("layout", "tooltip", "tabbable")]
        with self.state_lock:
            return {name: getattr(self, name) for name in names}
