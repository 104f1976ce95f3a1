"""What a running computation tells the page: its grid, its tiles, the trees of its levels."""

import time
from typing import Any

import numpy as np

from nblandscape.landscape.grid import nested_levels
from nblandscape.widgets import _wire
from nblandscape.widgets._sources import Run
from nblandscape.widgets._spec import Spec

Message = tuple[dict[str, Any], list[bytes]]


class SurfaceStream:
    """Turns the chunks of one computation into messages (js/src/model/protocol.ts).

    Attributes
    ----------
    values : np.ndarray
        What is known so far; NaN elsewhere.
    level : int
        The level of the last chunk.
    """

    def __init__(self, spec: Spec, wire: dict[str, Any], run: Run) -> None:
        self._spec, self._wire, self._run = spec, wire, run
        self._levels = nested_levels(spec.points, coarsest=run.coarsest)
        self._order = np.concatenate([level.vertices for level in self._levels])
        self._ends = np.cumsum([len(level.vertices) for level in self._levels])  # of the levels, in `_order`
        self._started = time.perf_counter()
        self._done = 0
        self.values = np.full(spec.points, np.nan)
        self.level = 0

    def opening(self) -> Message:
        """Announce the grid."""
        x0, x1 = self._run.axes
        return {
            "kind": "begin",
            "id": self._spec.id,
            "spec": self._wire,
            "shape": list(self._spec.points),
            "base": self._run.base,
            "origin": self._run.origin,
            "labels": list(self._run.labels),
            "quantity": self._run.quantity,
            "x0": [float(x0[0]), float(x0[-1])],
            "x1": [float(x1[0]), float(x1[-1])],
        }, []

    def tile(self, level: int, vertices: np.ndarray, losses: np.ndarray) -> Message:
        """Take a chunk in and pass it on."""
        self.level = level
        self.values.flat[vertices] = losses
        self._done += len(vertices)
        return self._head(level, self._done), self._buffers(vertices, losses)

    def _head(self, level: int, done: int) -> dict[str, Any]:
        total, seconds = self.values.size, time.perf_counter() - self._started
        return {
            "kind": "tile",
            "id": self._spec.id,
            "level": level,
            "strides": list(self._levels[level].strides),
            "complete": done == int(self._ends[level]),  # the level: what lies between is drawn from it
            "done": done,
            "total": total,
            "eta": seconds / done * (total - done),
        }

    def tree(self) -> Message | None:
        """Merge tree of the subgrid that the present level has filled, if it is large enough for one."""
        found = _wire.coarse_tree(self.values, self._levels[self.level].strides, self._spec.id)
        if found is None:
            return None
        buffers = [found.pop(name) for name in _wire.COLUMNS]
        head = {"kind": "tree", "id": self._spec.id, "tree": found, "columns": list(_wire.COLUMNS)}
        return head, buffers

    def everything(self) -> list[Message]:
        """What a page that was reloaded in the middle has missed."""
        done = self._done
        whole = int(np.searchsorted(self._ends, done, side="right"))  # how many levels are complete
        known = int(self._ends[whole - 1]) if whole else 0
        parts = [(whole - 1, 0, known), (whole, known, done)]
        return [self.opening(), *(self._again(*part) for part in parts if part[1] < part[2])]

    def _again(self, level: int, begin: int, end: int) -> Message:
        """One tile of what lies between two places of the order."""
        vertices = self._order[begin:end]
        return self._head(level, end), self._buffers(vertices, self.values.flat[vertices])

    def _buffers(self, vertices: np.ndarray, losses: np.ndarray) -> list[bytes]:
        return [vertices.astype("<u4").tobytes(), _wire.heights(losses, self._run.base)]
