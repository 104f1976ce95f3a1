"""A three-dimensional landscape alone."""

from typing import Any

import traitlets

from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _volume
from nblandscape.widgets._landscape_view import LandscapeView


class VolumeView(LandscapeView):
    """Isosurface and slices of a three-dimensional landscape, with its critical points.

    Inside the isosurface the loss is at most the level of the slider: at the loss of a saddle two parts of it
    merge, as the tree with Freudenthal's connectivity says.

    Parameters
    ----------
    landscape : Landscape, three-dimensional
        Up to 129 points per axis.
    level : float, optional
        Loss of the isosurface; by default one at which the two deepest basins are still apart.
    slices : (float or None, float or None, float or None), optional
        Coordinate of the slicing plane along each axis; None: no plane.
    scale : {"linear", "log"}
    height : str
        CSS length.

    Raises
    ------
    ValueError
        The landscape has another dimension, or a level or slice is no finite number.

    Examples
    --------
    >>> import numpy as np, nblandscape as nbl
    >>> x = np.linspace(-1, 1, 9)
    >>> ball = nbl.Landscape.from_array(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2, (x, x, x))
    >>> view = nbl.VolumeView(ball, level=0.5)
    >>> view.volume["shape"], view.view["volume"]["level"]
    ([9, 9, 9], 0.5)
    >>> view.close()
    """

    bundle = "volume"
    volume = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        landscape: Landscape,
        *,
        level: float | None = None,
        slices: tuple[float | None, float | None, float | None] | None = None,
        scale: str = "linear",
        height: str = "480px",
    ) -> None:
        if landscape.dim != 3:
            raise ValueError(
                f"VolumeView shows landscapes of three dimensions; this one has {landscape.dim}. "
                "Use SurfaceView for two."
            )
        shown: dict[str, Any] = {}
        if level is not None:
            shown["level"] = _finite("level", level)
        if slices is not None:
            if len(slices) != 3:
                raise ValueError(f"slices={slices!r}: one coordinate or None per axis, three in all.")
            shown["slices"] = [None if at is None else _finite("slices", at) for at in slices]
        super().__init__(landscape, scale=scale, height=height, view={"volume": shown} if shown else {})

    def _values(self, landscape: Landscape, spec: dict[str, Any]) -> dict[str, Any]:
        return {"volume": _volume.volume(landscape, spec["id"])}


def _finite(name: str, value: float) -> float:
    number = float(value)
    if number - number != 0:
        raise ValueError(f"{name}={value!r} must be finite.")
    return number
