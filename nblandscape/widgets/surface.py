"""A surface alone."""

from typing import Any

import traitlets

from nblandscape.landscape.facing import open_yaw
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _wire
from nblandscape.widgets._landscape_view import LandscapeView


class SurfaceView(LandscapeView):
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
    surface = traitlets.Dict().tag(sync=True)

    def __init__(self, landscape: Landscape, *, scale: str = "linear", height: str = "480px") -> None:
        super().__init__(landscape, scale=scale, height=height, view={"yaw": open_yaw(landscape.values)})

    def _values(self, landscape: Landscape, spec: dict[str, Any]) -> dict[str, Any]:
        return {"surface": _wire.surface(landscape, spec)}
