"""A surface alone."""

from typing import Any

import traitlets

from nblandscape.landscape.facing import open_yaw
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _wire
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._results import Result
from nblandscape.widgets._shown import NO_SELECTION
from nblandscape.widgets._sources import LandscapeSource
from nblandscape.widgets._view import DEFAULT_VIEW


class SurfaceView(NblWidget):
    """Rotatable surface of a two-dimensional landscape, with its critical points.

    Parameters
    ----------
    landscape : Landscape
    scale : {"linear", "log"}
    height : str
        CSS length.

    Examples
    --------
    >>> import numpy as np, nblandscape as nbl
    >>> view = nbl.SurfaceView(nbl.Landscape.from_array(np.random.default_rng(0).normal(size=(9, 9))))
    >>> view.surface["shape"]
    [9, 9]
    >>> view.close()
    """

    bundle = "surface"
    spec = traitlets.Dict().tag(sync=True, echo_update=False)
    source = traitlets.Dict().tag(sync=True)
    surface = traitlets.Dict().tag(sync=True)
    tree = traitlets.Dict().tag(sync=True)
    selection = traitlets.Dict(default_value=NO_SELECTION).tag(sync=True, echo_update=False)
    view = traitlets.Dict(default_value=DEFAULT_VIEW).tag(sync=True, echo_update=False)

    def __init__(self, landscape: Landscape, *, scale: str = "linear", height: str = "480px") -> None:
        source = LandscapeSource(landscape, None)
        spec: dict[str, Any] = source.default_spec().changed(scale=scale).to_wire()
        super().__init__(
            height=height,
            spec=spec,
            source=source.describe(),
            surface=_wire.surface(landscape, spec),
            tree=Result.of(landscape).tree_wire(spec["id"]),
            view={**DEFAULT_VIEW, "yaw": open_yaw(landscape.values)},
        )
