"""Morse-Smale segmentation: basins, mountains, and the cells in which one meets the other."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nblandscape.topology._branches import branches
from nblandscape.topology._cells import components, first_passes, ranks
from nblandscape.topology.critical_points import critical_points
from nblandscape.topology.merge_tree import MergeTree, frozen, merge_tree

PASS = np.dtype([("first", "i8"), ("second", "i8"), ("vertex", "i8"), ("value", "f8")])
CELL = np.dtype([("basin", "i8"), ("mountain", "i8"), ("volume", "f8")])


@dataclass(frozen=True, eq=False)
class MorseSmale:
    """Where water runs down to, where a climber ends, and the critical points between them.

    All arrays are read-only. Everything but the trees is computed when it is first asked for.

    Attributes
    ----------
    basin_tree : MergeTree
        Sublevel tree with Freudenthal connectivity. Its rows number the basins, its pairs join minima and
        saddles of index 1.
    mountain_tree : MergeTree
        Superlevel tree with the same connectivity. Its rows number the mountains, its pairs join maxima and
        saddles of index d - 1. Equal values are ordered by falling vertex, the exact reverse of `basin_tree`
        (unlike in `merge_tree(values, kind="superlevel")`), so that both trees speak of one function.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 21)
    >>> wells = ((x**2 - 1) ** 2)[:, None] + (x**2 - 1) ** 2  # four wells around a hill
    >>> found = morse_smale(wells)
    >>> len(found.basin_tree.pairs), len(found.mountain_tree.pairs)
    (4, 9)
    >>> found.basin_passes["value"].round(6).tolist()  # the last one crosses the shoulder of the hill
    [1.0, 1.0, 1.0, 1.0, 1.9216]
    >>> simple = found.simplify(1.5)
    >>> int(simple.basins.max()), int(simple.mountains.max())  # one basin, and mountains in the four corners
    (0, 3)
    """

    basin_tree: MergeTree
    mountain_tree: MergeTree
    _whole: "MorseSmale | None" = None

    @property
    def values(self) -> np.ndarray:
        """The sampled function."""
        return self.basin_tree.values

    @property
    def basins(self) -> np.ndarray:
        """Row of `basin_tree` that each vertex belongs to by steepest descent; -1 in holes."""
        return self.basin_tree.basins

    @property
    def mountains(self) -> np.ndarray:
        """Row of `mountain_tree` that each vertex belongs to by steepest ascent; -1 in holes."""
        return self.mountain_tree.basins

    @cached_property
    def cells(self) -> np.ndarray:
        """Cell of each vertex, int32 in the shape of `values`; -1 in holes.

        A cell is a connected component of the vertices with one basin and one mountain. Cells are numbered
        in the order (basin, mountain, first vertex).
        """
        pair = self.basins.astype(np.int64) * len(self.mountain_tree.pairs) + self.mountains
        pair[self.basins < 0] = -1
        return frozen(components(pair))

    @cached_property
    def cell_table(self) -> np.ndarray:
        """Structured array (c,): `basin`, `mountain` and `volume` of each cell.

        The volume is the sum of the trees' `volumes`, or the number of vertices.
        """
        inside = self.cells >= 0
        labels, volumes = self.cells[inside], self.basin_tree.volumes
        _, first = np.unique(labels, return_index=True)
        table = np.empty(first.size, dtype=CELL)
        table["basin"], table["mountain"] = self.basins[inside][first], self.mountains[inside][first]
        table["volume"] = np.bincount(labels, None if volumes is None else volumes[inside])
        return frozen(table)

    @cached_property
    def basin_passes(self) -> np.ndarray:
        """Which basins touch, and where: the lowest pass of each pair of neighbours.

        Structured array (p,): `first` < `second` (rows of `basin_tree`), `vertex` (upper end of the lowest
        edge between them, in the order (value, vertex)) and its `value`; lowest first. Water spills from one
        to the other directly only at passes that are saddles of the tree: on the way to another pass there
        may be a lower one into a third basin.
        """
        return frozen(_passes(self.basin_tree, self._order))

    @cached_property
    def mountain_passes(self) -> np.ndarray:
        """Which mountains touch, and where: the highest pass of each pair; highest first."""
        return frozen(_passes(self.mountain_tree, self._order[::-1]))

    @cached_property
    def critical_points(self) -> np.ndarray:
        """Critical points that the trees' branches stand for, rows as in `topology.critical_points`.

        - Index 0 and d: the minima and the maxima of the two trees, also those on the border.
        - d = 2, saddles: the vertices where basins or mountains merge, with the number of branches that end
          there in either tree as multiplicity, but at most that of the lower link.
        - d >= 3, index 1 and d - 1: the multiplicity of the lower link less the number of branches that ended
          there and have been cancelled. What closes a loop or a void is paired with no minimum and no
          maximum, hence with no branch, and stays.
        - 2 <= index <= d - 2: all, whatever the threshold.

        Branches of zero persistence are always cancelled, so that a plateau of a function of one or two
        variables is one critical point or none; in more dimensions it may keep pairs of saddles.
        At the border and around holes, indices below d / 2 take the outside as higher, those above as lower,
        d / 2 both; so the alternating sum over all rows need not be the Euler characteristic. Interior rows
        of a function without ties are those of `topology.critical_points` before simplification.
        """
        whole = self._whole or self
        rows = whole._points
        d, vertex, index = self.values.ndim, rows["vertex"], rows["index"]
        left = rows["multiplicity"].copy()
        left[(index == 0) & ~np.isin(vertex, self.basin_tree.minima)] = 0
        left[(index == d) & ~np.isin(vertex, self.mountain_tree.minima)] = 0
        below, above = (self._deaths(t)[vertex] for t in (self.basin_tree.pairs, self.mountain_tree.pairs))
        if d == 2:
            left = np.where(index == 1, np.minimum(left, below + above), left)
        elif d > 2:
            all_below, all_above = whole._all_deaths
            left -= np.where(index == 1, all_below[vertex] - below, 0)
            left -= np.where(index == d - 1, all_above[vertex] - above, 0)
        points = rows[left > 0]
        points["multiplicity"] = left[left > 0]
        return frozen(points)

    def simplify(self, threshold: float, relative: bool = False) -> "MorseSmale":
        """Complex without the pairs less persistent than a threshold, in both trees at once.

        Minima with the saddles of index 1 above them and maxima with the saddles of index d - 1 below them
        cancel, and their basins, mountains and cells merge. Pairs of two saddles (d >= 3) do not cancel.

        Parameters
        ----------
        threshold : float
            Branches of either tree with persistence < threshold vanish.
        relative : bool
            The threshold is a fraction of the range of the finite values.

        Returns
        -------
        MorseSmale
            Simplifying at t and then at u >= t is simplifying at u.

        Raises
        ------
        ValueError
            The threshold is negative or NaN.

        Examples
        --------
        >>> found = morse_smale([0.0, 5.0, 1.0, 9.0, 2.0, 3.0, 2.5])
        >>> found.critical_points["vertex"].tolist(), found.cells.tolist()
        ([0, 2, 4, 6, 5, 1, 3], [0, 0, 3, 3, 1, 2, 4])
        >>> simple = found.simplify(1.5)
        >>> simple.critical_points["vertex"].tolist(), simple.cells.tolist()
        ([0, 2, 4, 1, 3], [0, 0, 2, 2, 1, 1, 1])
        """
        return MorseSmale(
            self.basin_tree.simplify(threshold, relative),
            self.mountain_tree.simplify(threshold, relative),
            self._whole or self,
        )

    def restrict(self, basins: np.ndarray, mountains: np.ndarray) -> "MorseSmale":
        """Complex of some of the branches, for instance those that the error bars support.

        Parameters
        ----------
        basins, mountains : ndarray of bool (m,)
            Which rows of the two trees stay; see `MergeTree.restrict`.

        Returns
        -------
        MorseSmale
            Cells, passes and critical points follow as they do in `simplify`.

        Raises
        ------
        ValueError
            Not one bool for each row.

        Examples
        --------
        >>> found = morse_smale([0.0, 5.0, 1.0, 9.0, 2.0])
        >>> lone = found.restrict(np.array([True, False, False]), np.array([True, True]))
        >>> lone.basins.tolist(), lone.critical_points["vertex"].tolist()
        ([0, 0, 0, 0, 0], [0, 1, 3])
        """
        return MorseSmale(
            self.basin_tree.restrict(basins), self.mountain_tree.restrict(mountains), self._whole or self
        )

    @cached_property
    def _order(self) -> np.ndarray:
        """Vertices in the order (value, vertex), holes last."""
        if self._whole is not None:
            return self._whole._order
        flat = self.values.ravel()
        return np.argsort(np.where(np.isfinite(flat), flat, np.inf), kind="stable")

    @cached_property
    def _points(self) -> np.ndarray:
        """Critical points before anything is cancelled."""
        below, above = critical_points(self.values), critical_points(self.values, kind="superlevel")
        d = self.values.ndim
        upper = (2 * above["index"] > d) | ((2 * above["index"] == d) & ~above["interior"])
        rows = np.concatenate([below[2 * below["index"] <= d], above[upper]])
        key = ranks(self._order)[rows["vertex"]] * (d + 1) + rows["index"]
        sweep = np.argsort(key)
        rows, key = rows[sweep], key[sweep]
        twins = np.flatnonzero(key[1:] == key[:-1])
        multiplicity = rows["multiplicity"]
        multiplicity[twins] = np.maximum(multiplicity[twins], multiplicity[twins + 1])
        return np.delete(rows, twins + 1)

    @cached_property
    def _all_deaths(self) -> tuple[np.ndarray, np.ndarray]:
        """How many branches end at each vertex in the two trees, those of zero persistence included."""
        counts = []
        for tree, index in ((self.basin_tree, 0), (self.mountain_tree, self.values.ndim)):
            pairs: np.ndarray = tree.pairs
            if np.count_nonzero(self._points["index"] == index) > len(pairs):
                pairs = _every_branch(tree)
            counts.append(self._deaths(pairs))
        return counts[0], counts[1]

    def _deaths(self, pairs: np.ndarray) -> np.ndarray:
        vertex = pairs["death_vertex"]
        return np.bincount(vertex[vertex >= 0], minlength=self.values.size)


def morse_smale(values: np.ndarray, *, volumes: np.ndarray | None = None) -> MorseSmale:
    """Morse-Smale segmentation of a function sampled on a grid.

    Every vertex belongs to one basin (steepest descent leads to its minimum) and to one mountain (steepest
    ascent leads to its maximum) along the edges of Freudenthal's triangulation; where one basin and one
    mountain overlap, each connected piece is a cell. Within a cell the function rises from one minimum to one
    maximum: there it looks monotone.

    Parameters
    ----------
    values : array_like
        Samples on a grid of dimension d >= 1, indexed `ij`. NaN and +-inf are holes, outside the domain.
    volumes : array_like, shape of `values`, optional
        Volume that each vertex stands for (`cell_volumes` of a grid's axes); without it, 1 each.

    Returns
    -------
    MorseSmale
        Basins, mountains, cells, passes between neighbours, critical points.

    Raises
    ------
    ValueError
        The array has no axis, no element or no finite value, is not real, or the volumes do not fit.
        `MorseSmale.critical_points` needs d <= 6.

    Notes
    -----
    Edelsbrunner, Harer and Zomorodian (2003), Discrete Comput. Geom. 30; segmentation by steepest paths as in
    Gerber, Bremer, Pascucci and Whitaker (2010), IEEE TVCG 16. Basins and mountains consist of vertices:
    where one ends is known to one grid step, and steepest paths prefer the directions of the grid's edges.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 9)
    >>> saddle = morse_smale(x[:, None] ** 2 - x**2)
    >>> saddle.critical_points[["index", "interior"]].tolist()
    [(0, False), (0, False), (1, True), (2, False), (2, False)]
    """
    basin_tree = merge_tree(values, connectivity="freudenthal", volumes=volumes)
    return MorseSmale(basin_tree, _mountain_tree(basin_tree))


def _mountain_tree(basin_tree: MergeTree) -> MergeTree:
    """Superlevel tree whose order of vertices is the reverse of that of the sublevel tree.

    Reflection in a point maps Freudenthal's triangulation onto itself and reverses the order of ties.
    """
    samples = basin_tree.values
    mirror = (slice(None, None, -1),) * samples.ndim
    tree = merge_tree(samples[mirror], kind="superlevel", connectivity="freudenthal")
    pairs = tree.pairs.copy()
    for name in ("birth_vertex", "death_vertex"):
        pairs[name] = np.where(pairs[name] < 0, -1, samples.size - 1 - pairs[name])
    # Rows of equal height stand in the order of their vertices again.
    essential = pairs["parent"] < 0
    heights = np.where(essential, -pairs["birth"], -tree.persistence)
    row = np.lexsort((pairs["birth_vertex"], heights, ~essential))
    number = np.append(ranks(row), -1)
    pairs["parent"] = number[pairs["parent"]]
    return replace(
        tree,
        values=samples,
        pairs=frozen(pairs[row]),
        basins=frozen(number.astype(np.int32)[np.ascontiguousarray(tree.basins[mirror])]),
        beside=frozen(number[tree.beside][row]),
        volumes=basin_tree.volumes,
    )


def _every_branch(tree: MergeTree) -> np.ndarray:
    """Death vertices of all branches, those of zero persistence included."""
    upwards = tree.kind == "superlevel"
    heights = np.where(np.isfinite(tree.values), -tree.values if upwards else tree.values, np.inf)
    if upwards:
        heights = heights[(slice(None, None, -1),) * heights.ndim]
    vertex = branches(np.ascontiguousarray(heights), "freudenthal").death_vertex
    rows = np.empty(vertex.size, dtype=[("death_vertex", "i8")])
    rows["death_vertex"] = np.where(vertex < 0, -1, heights.size - 1 - vertex) if upwards else vertex
    return rows


def _passes(tree: MergeTree, order: np.ndarray) -> np.ndarray:
    sides, vertex = first_passes(tree.basins, order)
    rows = np.empty(vertex.size, dtype=PASS)
    rows["first"], rows["second"], rows["vertex"] = *sides.T, vertex
    rows["value"] = tree.values.ravel()[vertex]
    return rows
