"""What an explorer has computed so far, kept so that going back costs nothing."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.cancel import Cancelled
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets import _wire

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum
    from nblandscape.topology import MergeTree, Proposal, Support

_KEPT_BYTES = 64e6


# Up to so many vertices, a merge tree for each of 200 resamples takes less than about half a second.
_RESAMPLED = 5000


@dataclass(frozen=True, eq=False)
class Result:
    """A landscape, its topology, and the eigenvectors whose plane it lies in (None without a model)."""

    landscape: Landscape
    tree: "MergeTree"
    support: "Support"
    proposal: "Proposal"
    spectrum: "Spectrum | None" = None

    @classmethod
    def of(cls, landscape: Landscape, spectrum: "Spectrum | None" = None) -> "Result":
        """Find tree, error bars and the threshold that they suggest."""
        from nblandscape.topology import propose_threshold

        # Isosurfaces are those of Freudenthal's triangulation: they merge where this tree says.
        tree = landscape.merge_tree(connectivity="freudenthal" if landscape.dim > 2 else "full")
        bars = landscape.support(tree, frequency=landscape.values.size <= _RESAMPLED)
        return cls(landscape, tree, bars, propose_threshold(tree, bars), spectrum)

    def tree_wire(self, number: int) -> dict[str, Any]:
        """`TreeData` (js/src/model/protocol.ts)."""
        return _wire.tree(self.tree, number, self.support, self.proposal)


def minima_table(landscape: Landscape, tree: "MergeTree", support: "Support") -> np.ndarray:
    """Structured array of a simplified tree's minima, lowest first; see `Explorer.to_frame`."""
    places = [f"x{k}" for k in range(landscape.dim)]
    numbers = (*places, "loss", "persistence", "stderr", "share")
    of_saddle = [f"saddle_{name}" for name in (*places, "loss")]
    dtype = [*((name, "f8") for name in numbers), ("supported", "?"), *((name, "f8") for name in of_saddle)]
    table = np.zeros(len(tree.minima), dtype=dtype)
    saddles = tree.pairs["death_vertex"]
    ends = saddles >= 0
    for name, axis, lowest, pass_ in zip(
        places,
        landscape.axes,
        np.unravel_index(tree.minima, landscape.shape),
        np.unravel_index(np.where(ends, saddles, 0), landscape.shape),
        strict=True,
    ):
        table[name] = axis[lowest]
        table[f"saddle_{name}"] = np.where(ends, axis[pass_], np.nan)
    table["saddle_loss"] = np.where(ends, landscape.values.flat[np.where(ends, saddles, 0)], np.nan)
    table["loss"], table["persistence"] = landscape.values.flat[tree.minima], tree.persistence
    # Rows that stay when a tree is simplified are the first ones.
    for name in ("stderr", "supported"):
        table[name] = getattr(support, name)[: len(table)]
    table["share"] = tree.basin_volumes / tree.basin_volumes.sum()
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

    def check(self, generation: int) -> None:
        """Give a computation up that was started before everything became out of date."""
        if generation != self.generation:
            raise Cancelled("the model's weights were updated meanwhile")

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
