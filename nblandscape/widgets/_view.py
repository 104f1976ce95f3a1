"""How a surface is looked at before anyone has turned it."""

from typing import Any

from nblandscape.landscape.facing import DIAGONAL

DEFAULT_VIEW: dict[str, Any] = {
    "yaw": DIAGONAL,
    "pitch": 0.65,
    "zoom": 1.0,
    "pan": [0.0, 0.0],
    "exaggeration": 1.0,
    "colormap": "viridis",
    "contours": True,
}
