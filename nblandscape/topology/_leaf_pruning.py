"""Cutting the short leaves of contour trees."""

from heapq import heapify, heappop, heappush

import numpy as np

Entry = tuple[float, int, int, int, int]  # length, extremum, neighbour, arc, 0 for minima and 1 for maxima


def prune_leaves(arcs: np.ndarray, heights: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Arcs left when extrema closer than `least` to their neighbours go; for each arc the row that took it.

    Where a leaf is the only arc of its extremum, its saddle just loses an arc. An extremum of more arcs (on a
    line, or where holes pinch the domain) is moved to its nearest neighbour with all of them.
    """
    tree = _Pruned(arcs, heights, least)
    tree.run()
    into = np.array(tree.into, dtype=np.intp)
    kept = np.flatnonzero(into == np.arange(len(arcs)))
    while not np.array_equal(further := into[into], into):
        into = further
    return np.array(tree.ends, dtype=np.intp).reshape(-1, 2)[kept], np.searchsorted(kept, into)


class _Pruned:
    """Contour tree that loses its extrema in the order (distance to the nearest neighbour, node)."""

    def __init__(self, arcs: np.ndarray, heights: np.ndarray, least: float) -> None:
        self.ends: list[list[int]] = arcs.tolist()
        self.level: list[float] = heights.tolist()
        self.least = least
        self.near: tuple[list[set[int]], ...] = tuple([set() for _ in self.level] for _ in (0, 1))  # up, down
        for arc, (low, high) in enumerate(self.ends):
            self.near[0][low].add(arc)
            self.near[1][high].add(arc)
        self.into = list(range(len(self.ends)))
        self.queue = [entry for arc in range(len(self.ends)) for entry in self.entries(arc)]
        self.blocked: dict[int, list[Entry]] = {}

    def run(self) -> None:
        heapify(self.queue)
        while self.queue:
            entry = heappop(self.queue)
            length, leaf, saddle, arc, side = entry
            # Entries of the past: what an arc has been since has an entry of its own.
            if self.into[arc] != arc or entry not in self.entries(arc):
                continue
            if length > min(map(self.length, self.near[side][leaf])):
                # A nearer neighbour, where it cannot go yet.
                self.blocked.setdefault(leaf, []).append(entry)
                continue
            self.contract(arc, saddle, leaf)

    def length(self, arc: int) -> float:
        low, high = self.ends[arc]
        return self.level[high] - self.level[low]

    def entries(self, arc: int) -> "list[Entry]":
        """The arc as a way out for the extremum at its lower end (side 0), and at its upper end (side 1)."""
        length = self.length(arc)
        if not length < self.least:
            return []
        low, high = self.ends[arc]
        return [
            (length, leaf, saddle, arc, side)
            for side, leaf, saddle in ((0, low, high), (1, high, low))
            if not self.near[1 - side][leaf] and len(self.near[1 - side][saddle]) > 1
        ]

    def contract(self, arc: int, kept: int, gone: int) -> None:
        """One node of the two ends of an arc, and of all others that come to lie at one height by this."""
        level = [(arc, gone)]
        grown = False
        while level:
            arc, gone = level.pop()
            moved = self.move(arc, kept, gone)
            level += [(other, self.ends[other][1 - end]) for end, other in moved if self.length(other) == 0]
            grown = grown or bool(moved)
        up, down = self.near[0][kept], self.near[1][kept]
        if len(up) == len(down) == 1:
            self.splice(up.pop(), down.pop())
        elif grown:
            self.touch(up | down)

    def move(self, arc: int, kept: int, gone: int) -> list[tuple[int, int]]:
        """Arcs of a node that goes, with the end at which they hang now on the one that stays."""
        side = self.ends[arc].index(gone)
        self.near[side][gone].remove(arc)
        self.near[1 - side][kept].remove(arc)
        moved = [(end, other) for end in (0, 1) for other in self.near[end][gone]]
        for end, other in moved:
            self.near[end][gone].remove(other)
            self.near[end][kept].add(other)
            self.ends[other][end] = kept
        self.into[arc] = min(self.near[1][kept] or self.near[0][kept])
        return moved

    def splice(self, upper: int, lower: int) -> None:
        top = self.ends[upper][1]
        self.into[upper] = lower
        self.ends[lower][1] = top
        self.near[1][top].remove(upper)
        self.near[1][top].add(lower)
        self.touch({lower})

    def touch(self, arcs: set[int]) -> None:
        """Arcs whose ends have changed, or have got arcs, may be ways out now."""
        for arc in arcs:
            for entry in self.entries(arc):
                heappush(self.queue, entry)
            for node in self.ends[arc]:
                for entry in self.blocked.pop(node, ()):
                    heappush(self.queue, entry)
