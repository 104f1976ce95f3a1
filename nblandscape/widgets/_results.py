"""What an explorer has computed so far, kept so that going back costs nothing."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.landscape.landscape import Landscape

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum
    from nblandscape.topology import MergeTree

_KEPT_BYTES = 64e6


@dataclass(frozen=True, eq=False)
class Result:
    """A landscape, its tree, and the eigenvectors whose plane it lies in (None without a model)."""

    landscape: Landscape
    tree: "MergeTree"
    spectrum: "Spectrum | None" = None


def minima_table(landscape: Landscape, tree: "MergeTree") -> np.ndarray:
    """Structured array of the tree's minima, lowest first; see `Explorer.to_frame`."""
    kinds = [("x0", "f8"), ("x1", "f8"), ("loss", "f8"), ("persistence", "f8"), ("share", "f8")]
    table = np.zeros(len(tree.minima), dtype=kinds)
    sizes = np.bincount(tree.basins[tree.basins >= 0], minlength=len(table))
    for i, vertex in enumerate(tree.minima):
        x0, x1 = landscape.coordinates(int(vertex))
        table[i] = (x0, x1, landscape.values.flat[vertex], tree.persistence[i], sizes[i] / sizes.sum())
    return np.sort(table, order="loss")


class Results:
    """The latest results by `Spec.key`; used from the worker's and the user's thread.

    Attributes
    ----------
    generation : int
        Counts the times that everything became out of date. A computation notes it when it starts.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, Result] = OrderedDict()

    def find(self, key: Any) -> Result | None:
        """Return what is known under a key, as the latest used."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Any, result: Result, generation: int) -> None:
        """Store a result unless it is out of date; forget the oldest ones when there are too many."""
        with self._lock:
            if generation != self.generation:
                return
            self._kept[key] = result
            while len(self._kept) > 1 and self._bytes() > _KEPT_BYTES:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything, also what is being computed."""
        with self._lock:
            self.generation += 1
            self._kept.clear()

    def items(self) -> list[tuple[Any, Result]]:
        """Everything, oldest first."""
        with self._lock:
            return list(self._kept.items())

    def _bytes(self) -> float:
        return sum(2.0 * result.landscape.values.nbytes for result in self._kept.values())
