"""Topological landscape profile: a terrain over a line with the merge tree and volumes of any function."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nblandscape.topology.merge_tree import MergeTree, merge_tree
from nblandscape.topology.planar_order import planar_order


@dataclass(frozen=True, eq=False)
class Profile:
    """A terrain over a line: its basins merge as those of the function do and are as wide as these are large.

    At height h, every component of the sublevel set is an interval of the terrain; its length is the volume
    of the component. The outline of the terrain consists of arcs, one from each minimum or merge to the next
    merge above. Points i of arc a are those from `offsets[a]` to `offsets[a + 1]`; they start at the lower
    end and run along the sweep. At its start an arc is as wide as what has merged there and what enters at
    that height. All arrays are read-only.

    Attributes
    ----------
    tree : MergeTree
        Where it comes from.
    row : ndarray of int (a,)
        Row of `tree.pairs` that each arc belongs to: of what has merged, the branch that lives on.
    parent : ndarray of int (a,)
        Arc that each arc merges into; -1 at the top.
    offsets : ndarray of int (a + 1,)
        First point of each arc.
    heights, left, right : ndarray of float64 (p,)
        Outline: the component lies between `left` and `right` from this height up to that of the next point.
    order : ndarray of int (m,)
        Rows of `tree.pairs` from left to right, as a drawing of the tree without crossings has them.
    total : float
        Volume of the domain: what all is wide.

    Examples
    --------
    >>> profile_ = profile(merge_tree([3.0, 0.0, 2.0, 1.0, 5.0]))
    >>> profile_.volume_at(0, [0.0, 1.9, 2.0, 5.0]).tolist(), profile_.volume_at(1, 1.5)
    ([1.0, 1.0, 3.0, 5.0], 1.0)
    >>> profile_.row_at(2.0, 0.5), profile_.row_at(3.5, 1.5), profile_.row_at(0.5, 1.5)
    (0, 1, -1)
    """

    tree: MergeTree
    row: np.ndarray
    parent: np.ndarray
    offsets: np.ndarray
    heights: np.ndarray
    left: np.ndarray
    right: np.ndarray
    order: np.ndarray
    total: float

    def arc(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Heights, left and right ends (k,) of the points of one arc."""
        points = slice(self.offsets[number], self.offsets[number + 1])
        return self.heights[points], self.left[points], self.right[points]

    def volume_at(self, row: int, height: float | np.ndarray) -> float | np.ndarray:
        """Volume of the component of the sublevel set {f <= height} that holds a minimum.

        Parameters
        ----------
        row : int
            Row of `tree.pairs`.
        height : float or ndarray
            Where the branch has ended, its component is that of the branch which it has merged into.

        Returns
        -------
        float, or ndarray of the shape of `height`
            0 below the minimum.

        Raises
        ------
        IndexError
            There is no such row.
        """
        if not 0 <= row < len(self.tree.pairs):
            raise IndexError(f"row={row}: the tree has the rows 0 .. {len(self.tree.pairs) - 1}.")
        sign = _sign(self.tree)
        levels = sign * np.atleast_1d(np.asarray(height, dtype=np.float64))
        death, parent = sign * self.tree.pairs["death"], self.tree.pairs["parent"]
        rows = np.full(levels.shape, row)
        while (dead := (death[rows] <= levels) & (parent[rows] >= 0)).any():
            rows = np.where(dead, parent[rows], rows)
        first = np.searchsorted(self.row, np.arange(len(self.tree.pairs) + 1))
        volumes = np.zeros(levels.shape)
        for here in np.unique(rows).tolist():
            points = slice(self.offsets[first[here]], self.offsets[first[here + 1]])
            widths = np.append(0.0, self.right[points] - self.left[points])
            found = np.searchsorted(sign * self.heights[points], levels, side="right")
            volumes = np.where(rows == here, widths[found], volumes)
        return volumes if np.ndim(height) else float(volumes[0])

    def row_at(self, position: float, height: float) -> int:
        """Row of `tree.pairs` whose basin lies at a place of the picture; -1 under the terrain."""
        level = _sign(self.tree) * height
        heights = _sign(self.tree) * self.heights
        reached = np.where(heights <= level, np.arange(heights.size), -1)
        last = np.maximum.reduceat(reached, self.offsets[:-1])
        alive = (last >= self.offsets[:-1]) & ((last + 1 < self.offsets[1:]) | (self.parent < 0))
        hit = alive & (self.left[last] <= position) & (position <= self.right[last])
        return int(self.row[np.argmax(hit)]) if hit.any() else -1


class _Outline(NamedTuple):
    """Points in the order of arcs, each along the sweep."""

    arc: np.ndarray
    row: np.ndarray
    height: np.ndarray
    left: np.ndarray
    right: np.ndarray


def profile(tree: MergeTree) -> Profile:
    """Topological landscape profile of a function of any dimension, with true volumes as widths.

    Parameters
    ----------
    tree : MergeTree
        Sublevel or superlevel tree. Its `volumes` are the widths of the vertices (`cell_volumes` of the
        grid's axes), 1 each without them. In a simplified tree, what belongs to a branch left out enters
        where that branch ends: widths are still the volumes of components of the sublevel sets of the
        function itself. Only where `restrict` has kept a branch without its parent, it counts as part of the
        ancestor that stays from its own end on, though the components meet higher.

    Returns
    -------
    Profile
        Components of a domain that holes split stand side by side.

    Notes
    -----
    Oesterling, Heine, Weber and Scheuermann (2013), Visualizing nD point clouds as topological landscape
    profiles. A vertex enters on the branch that is alive at its height in its component; half of what enters
    lies to the left of what is there, half to the right. Subtrees stand beside the branch they merge into,
    those that merge later farther out, on the side with fewer leaves.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 401)
    >>> wells = profile(merge_tree((x**2 - 1) ** 2, volumes=np.full(401, 0.01)))
    >>> round(wells.total, 6), len(wells.row)
    (4.01, 3)
    >>> round(wells.volume_at(1, 0.25), 2)  # where 1/2 <= x**2 <= 3/2: from 0.707 to 1.225
    0.52
    """
    sign = _sign(tree)
    parent, death = tree.pairs["parent"].astype(np.intp), sign * tree.pairs["death"]
    inside = np.flatnonzero(tree.basins.ravel() >= 0)
    rows, heights = _entries(tree, inside)
    volumes = np.ones(inside.size) if tree.volumes is None else tree.volumes.ravel()[inside]
    totals = np.bincount(rows, volumes, parent.size)
    for branch in range(parent.size - 1, -1, -1):
        if parent[branch] >= 0:
            totals[parent[branch]] += totals[branch]
    side, order = planar_order(parent, death, tree.minima)

    # Events of every row: a child joins, or a vertex enters; of the same height, children first.
    merging = np.flatnonzero(parent >= 0)
    merging = merging[np.lexsort((tree.minima[merging], death[merging]))]
    child = np.concatenate([merging, np.full(inside.size, -1)])
    row, height = np.concatenate([parent[merging], rows]), np.concatenate([death[merging], heights])
    sweep = np.lexsort((height, row))  # stable: children came first
    grown_left, grown_right = (
        np.concatenate([np.where(side[merging] == which, totals[merging], 0.0), volumes / 2])[sweep]
        for which in (-1, 1)
    )
    child, row, height = child[sweep], row[sweep], height[sweep]
    left, right = _sums_within(grown_left, row), _sums_within(grown_right, row)

    joins = np.flatnonzero(child >= 0)
    inner = np.zeros(parent.size)  # how far the parent reaches to the child's side when it joins
    before = np.where(side[child] < 0, left - grown_left, right - grown_right)
    inner[child[joins]] = before[joins]
    ends = np.searchsorted(row, np.arange(parent.size), side="right") - 1
    axis = _axes(parent, side, totals, inner, left[ends], right[ends])

    last = np.flatnonzero(np.append((row[1:] != row[:-1]) | (height[1:] != height[:-1]), True))
    first = np.append(0, last[:-1] + 1)
    starts = (child[first] >= 0) | np.append(True, row[first[1:]] != row[first[:-1]])
    outline = _closed(
        _Outline(
            np.cumsum(starts) - 1,
            row[last],
            height[last],
            axis[row[last]] - left[last],
            axis[row[last]] + right[last],
        ),
        death,
    )
    arc_row = row[first[starts]]
    offsets = np.searchsorted(outline.arc, np.arange(arc_row.size + 1))
    above = _arcs_above(arc_row, outline.height[offsets[:-1]], parent, death)
    for array in (arc_row, above, offsets, heights := sign * outline.height, *outline, order):
        array.flags.writeable = False
    total = float(totals[parent < 0].sum())
    return Profile(tree, arc_row, above, offsets, heights, outline.left, outline.right, order, total)


def _entries(tree: MergeTree, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row that each vertex inside enters on, and its height along the sweep at that moment."""
    whole = merge_tree(tree.values, kind=tree.kind, connectivity=tree.connectivity)
    sign = _sign(tree)
    parent, death = whole.pairs["parent"].astype(np.intp), sign * whole.pairs["death"]
    parent = np.where(parent < 0, np.arange(parent.size), parent)
    ancestors = [parent]
    while not np.array_equal(further := ancestors[-1][ancestors[-1]], ancestors[-1]):
        ancestors.append(further)

    def climb(rows: np.ndarray, heights: np.ndarray) -> np.ndarray:
        # Deaths rise from a branch to its parent, so that halving steps find the last dead ancestor.
        for up in reversed(ancestors):
            ancestor = up[rows]
            rows = np.where(death[ancestor] <= heights, ancestor, rows)
        return np.where(death[rows] <= heights, parent[rows], rows)

    number = np.full(tree.values.size, -1)
    number[tree.minima] = np.arange(tree.minima.size)
    kept = number[whole.minima]  # row in `tree`; -1: left out
    target, delay = np.arange(parent.size), np.full(parent.size, -np.inf)
    moving = np.flatnonzero(kept < 0)
    while moving.size:
        delay[moving] = death[target[moving]]
        target[moving] = climb(target[moving], delay[moving])
        moving = moving[kept[target[moving]] < 0]

    heights = sign * tree.values.ravel()[inside]
    rows = climb(whole.basins.ravel()[inside].astype(np.intp), heights)
    return kept[target[rows]], np.maximum(heights, delay[rows])


def _sums_within(growth: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Running sums that start afresh with every row."""
    sums = np.cumsum(growth)
    before = np.append(0.0, sums)[np.searchsorted(row, row)]
    within: np.ndarray = sums - before
    return within


def _axes(
    parent: np.ndarray,
    side: np.ndarray,
    totals: np.ndarray,
    inner: np.ndarray,
    reach_left: np.ndarray,
    reach_right: np.ndarray,
) -> np.ndarray:
    """Place (m,) of each minimum, such that the leftmost component starts at 0."""
    axis, start = np.empty(parent.size), 0.0
    for row, (above, which) in enumerate(zip(parent.tolist(), side.tolist(), strict=True)):
        if above < 0:
            axis[row] = start + reach_left[row]
            start += totals[row]
        elif which > 0:
            axis[row] = axis[above] + inner[row] + reach_left[row]
        else:
            axis[row] = axis[above] - inner[row] - reach_right[row]
    return axis


def _closed(points: _Outline, death: np.ndarray) -> _Outline:
    """Outline in which every arc that merges has an end at the height of the merge."""
    final = np.flatnonzero(np.append(points.arc[1:] != points.arc[:-1], True))
    following = np.minimum(final + 1, points.row.size - 1)
    goes_on = (points.row[following] == points.row[final]) & (following > final)
    top = np.where(goes_on, points.height[following], death[points.row[final]])
    final, top = final[np.isfinite(top)], top[np.isfinite(top)]
    arc, row, left, right = (
        np.insert(a, final + 1, a[final]) for a in (points.arc, points.row, points.left, points.right)
    )
    return _Outline(arc, row, np.insert(points.height, final + 1, top), left, right)


def _arcs_above(row: np.ndarray, start: np.ndarray, parent: np.ndarray, death: np.ndarray) -> np.ndarray:
    """Arc that each arc merges into: the next one of its row, or the one of the parent that starts there."""
    count = row.size
    above = np.full(count, -1)
    above[:-1] = np.where(row[1:] == row[:-1], np.arange(1, count), -1)
    final = np.flatnonzero((above < 0) & (parent[row] >= 0))
    heir, height = parent[row[final]], death[row[final]]
    # Rows with their starts are in lexicographic order: the arc wanted is found among them by sorting.
    asking = np.append(np.zeros(count), np.ones(final.size))
    sweep = np.lexsort((asking, np.append(start, height), np.append(row, heir)))
    asked = sweep >= count
    found = np.cumsum(~asked) - 1
    above[final[sweep[asked] - count]] = found[asked]
    return above


def _sign(tree: MergeTree) -> int:
    return 1 if tree.kind == "sublevel" else -1
