"""The wanted state of an explorer, checked: it comes from a page, a file or a user."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from nblandscape.landscape.grid import check_points


@dataclass(frozen=True)
class Spec:
    """See `Spec` in js/src/model/protocol.ts."""

    id: int
    axes: tuple[int, int] = (0, -1)
    offset_axis: int | None = None
    offset: float = 0.0
    span: tuple[float, float] = (1.0, 1.0)
    points: tuple[int, int] = (33, 33)
    scale: str = "linear"
    threshold: float = 0.0
    origin: int = 0

    def __post_init__(self) -> None:
        check_points(self.points, 2)
        if not all(math.isfinite(s) and s > 0 for s in self.span):
            raise ValueError(f"span={self.span}: half-widths must be positive.")
        if self.scale not in ("linear", "log", "symlog"):
            raise ValueError(f'scale={self.scale!r}; use "linear", "log" or "symlog".')
        if not (math.isfinite(self.threshold) and self.threshold >= 0):
            raise ValueError(f"threshold={self.threshold} must be zero or positive.")
        if not math.isfinite(self.offset):
            raise ValueError(f"offset={self.offset} must be finite.")
        if self.origin < 0:
            raise ValueError(f"origin={self.origin}: 0 is the model, 1, 2, … are the origins made since.")

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Spec":
        """Read the synced dict.

        Raises
        ------
        ValueError
            A part is missing or of the wrong kind.
        """
        try:
            offset = wire["offset"]
            return cls(
                int(wire["id"]),
                (int(wire["axes"][0]), int(wire["axes"][1])),
                None if offset["axis"] is None else int(offset["axis"]),
                float(offset["value"]),
                (float(wire["span"][0]), float(wire["span"][1])),
                (int(wire["points"][0]), int(wire["points"][1])),
                str(wire["scale"]),
                float(wire["threshold"]),
                int(wire.get("origin") or 0),
            )
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"Not a spec: {dict(wire)!r} ({error!r}).") from error

    def to_wire(self) -> dict[str, Any]:
        """The synced dict."""
        wire = asdict(self)
        wire["offset"] = {"axis": wire.pop("offset_axis"), "value": self.offset}
        if self.origin == 0:  # as in files of before there were origins
            del wire["origin"]
        return {k: list(v) if isinstance(v, tuple) else v for k, v in wire.items()}

    @property
    def key(self) -> tuple[Any, ...]:
        """What decides the values: equal keys need no new computation."""
        return (*self.plane, self.span, self.points)

    @property
    def plane(self) -> tuple[Any, ...]:
        """Which plane the window lies in."""
        moved = self.offset_axis is not None and self.offset != 0.0
        return (self.origin, self.axes, (self.offset_axis, self.offset) if moved else None)

    def changed(self, **changes: Any) -> "Spec":
        """A copy with the user's changes; `offset` is a dict of index to displacement."""
        if "offset" in changes:
            offset = dict(changes.pop("offset") or {})
            if len(offset) > 1:
                raise ValueError(f"offset={offset}: the explorer moves along one further eigenvector.")
            axis, value = next(iter(offset.items()), (None, 0.0))
            changes |= {"offset_axis": axis, "offset": float(value)}
        for name, kind in (("span", float), ("points", int)):
            if name in changes:
                value = changes[name]
                pair = (value, value) if isinstance(value, (int, float)) else tuple(value)
                if len(pair) != 2:
                    raise ValueError(f"{name}={value!r}: one number, or one per axis.")
                changes[name] = (kind(pair[0]), kind(pair[1]))
        if "origin" in changes:
            changes["origin"] = int(changes["origin"])
        if "axes" in changes:
            changes["axes"] = tuple(int(i) for i in changes["axes"])
        unknown = set(changes) - set(self.__dataclass_fields__)
        if unknown:
            raise TypeError(
                f"Unknown option {sorted(unknown)[0]!r}; use axes, offset, span, points, scale, threshold, "
                "origin."
            )
        return replace(self, **changes)
