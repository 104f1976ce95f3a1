"""A landscape that is already there, as an explorer looks at it."""

from collections.abc import Mapping, Sequence
from typing import Any

from nblandscape.cancel import CancelSignal
from nblandscape.landscape.landscape import Landscape, NothingFiniteError
from nblandscape.widgets._sources import Fixed, Run
from nblandscape.widgets._spec import Spec


class LandscapeSource(Fixed):
    """A landscape that was computed before: nothing can be recomputed, everything can be looked at."""

    def __init__(
        self, landscape: Landscape, title: str | None, origins: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        if landscape.dim not in (2, 3):
            raise ValueError(
                f"The explorer shows landscapes of two or three dimensions; this one has {landscape.dim}. "
                + _other_ways(landscape.dim)
            )
        if landscape.holes == landscape.values.size:
            raise NothingFiniteError("No value of the landscape is finite; there is nothing to show.")
        super().__init__()
        self.landscape = landscape
        self.origins = [{**origin, "kept": False} for origin in origins]
        self.title = title or str(landscape.provenance.get("objective", {}).get("model", "landscape"))

    @property
    def cost(self) -> float:
        return 0.0

    def describe(self) -> dict[str, Any]:
        about = self.landscape.provenance.get("objective", {})
        size = f"{' × '.join(map(str, self.landscape.shape))} values"
        made = [f"{about['parameters']:,} parameters", about["loss"]] if about else []
        widths = [float(axis[-1] - axis[0]) / 2 for axis in self.landscape.axes]
        return {
            "kind": "landscape",
            "title": self.title,
            "subtitle": " · ".join([*made, size]),
            "variable": "landscape",
            "can_choose_axes": False,
            "can_resample": False,
            "center": [float(axis[0] + axis[-1]) / 2 for axis in self.landscape.axes[:2]],
            "span_limits": [min(widths), max(widths)],
            "points_choices": [],
            "point_seconds": 0.0,
            "notice": "",
            "origins": self.origins,
        }

    def default_spec(self) -> Spec:
        widths = [float(axis[-1] - axis[0]) / 2 for axis in self.landscape.axes]
        return Spec(1, axes=(0, 1), span=(widths[0], widths[1]))

    def start(self, spec: Spec, cancel: CancelSignal | None, *, tuned: bool = False) -> Run:  # noqa: ARG002
        raise RuntimeError("A finished landscape cannot be sampled again; explore its objective instead.")


def _other_ways(dimension: int) -> str:
    views = "MergeTreeView(landscape.merge_tree()) and landscape.profile() show it in any dimension."
    if dimension == 1:
        return f"Plot its values; {views}"
    cut = ":, :, :" + ", k" * (dimension - 3)
    return f"Keep three axes, e.g. Landscape.from_array(landscape.values[{cut}]); {views}"
