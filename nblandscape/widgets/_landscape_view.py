"""What the views of one finished landscape share."""

from typing import Any

import traitlets

from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._landscape_source import LandscapeSource
from nblandscape.widgets._picture import picture
from nblandscape.widgets._results import Result
from nblandscape.widgets._shown import NO_SELECTION
from nblandscape.widgets._view import DEFAULT_VIEW


class LandscapeView(NblWidget):
    """A panel that shows a landscape with its critical points."""

    spec = traitlets.Dict().tag(sync=True, echo_update=False)
    source = traitlets.Dict().tag(sync=True)
    tree = traitlets.Dict().tag(sync=True)
    selection = traitlets.Dict(default_value=NO_SELECTION).tag(sync=True, echo_update=False)
    view = traitlets.Dict(default_value=DEFAULT_VIEW).tag(sync=True, echo_update=False)

    def __init__(self, landscape: Landscape, *, scale: str, height: str, view: dict[str, Any]) -> None:
        source = LandscapeSource(landscape, None)
        spec: dict[str, Any] = source.default_spec().changed(scale=scale).to_wire()
        self._result = Result.of(landscape)
        super().__init__(
            height=height,
            spec=spec,
            source=source.describe(),
            tree=self._result.tree_wire(spec["id"]),
            view={**DEFAULT_VIEW, **view},
            **self._values(landscape, spec),
        )

    def _values(self, landscape: Landscape, spec: dict[str, Any]) -> dict[str, Any]:
        """Return the trait that carries the losses."""
        raise NotImplementedError

    def _png(self, *, width: float = 9.0, dpi: int = 90) -> bytes:
        tree = self._result.tree.simplify(float(self.spec["threshold"]))
        title, scale = self.source.get("title", ""), self.spec["scale"]
        return picture(self._result.landscape, tree, None, title=title, scale=scale, width=width, dpi=dpi)
