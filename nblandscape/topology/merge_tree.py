"""Merge trees of functions sampled on a grid of any dimension, or on any graph."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from nblandscape.topology._branches import Branches, branches
from nblandscape.topology.neighbours import Neighbours, checked_edges

if TYPE_CHECKING:
    import networkx as nx

Kind = Literal["sublevel", "superlevel"]

PAIR = np.dtype(
    [("birth_vertex", "i8"), ("death_vertex", "i8"), ("birth", "f8"), ("death", "f8"), ("parent", "i8")]
)


@dataclass(frozen=True, eq=False)
class MergeTree:
    """Which basins of a sampled function merge at which height, and into which other ones.

    Rows of `pairs` are minima (maxima of a superlevel tree); row i means minimum i in every attribute.
    All arrays are read-only.

    Attributes
    ----------
    values : ndarray of float64
        The sampled function.
    kind : {"sublevel", "superlevel"}
        What grows: {f <= h} for rising h, or {f >= h} for falling h.
    connectivity : {"full", "faces", "freudenthal"} or ndarray of int (e, 2)
        Which vertices are neighbours: a stencil, or edges.
    pairs : structured ndarray (m,)
        `birth_vertex`, `death_vertex` (C-order indices), `birth`, `death` (values there) and `parent`, the
        row of the branch that lives on: of all branches that meet at the death vertex, the one born first
        (elder rule). First the essential pairs, one per component of the finite domain, deepest first
        (`death` = inf, -inf for superlevel; `death_vertex` = `parent` = -1), then the others by falling
        persistence, ties by birth vertex.
    basins : ndarray of int32, shape of `values`
        Row of the minimum that each vertex belongs to by steepest descent; -1 in holes.
    beside : ndarray of int (m,)
        Row of the basin on the other side of the death pass; -1 if essential. Water that spills over the
        pass runs there, while `parent` may lie elsewhere: simplified basins follow it and stay connected.
    volumes : ndarray of float64, shape of `values`, or None
        Volume that each vertex stands for; None: 1.

    Examples
    --------
    >>> tree = merge_tree([3.0, 0.0, 2.0, 1.0, 5.0])
    >>> tree.minima.tolist(), tree.saddles.tolist(), tree.persistence.tolist()
    ([1, 3], [2], [inf, 1.0])
    >>> tree.basins.tolist()
    [0, 0, 0, 1, 1]
    >>> tree.simplify(1.5).basins.tolist()
    [0, 0, 0, 0, 0]
    """

    values: np.ndarray
    kind: Kind
    connectivity: Neighbours
    pairs: np.ndarray
    basins: np.ndarray
    beside: np.ndarray
    volumes: np.ndarray | None = None

    @property
    def minima(self) -> np.ndarray:
        """Vertices (m,) of the minima (of a superlevel tree: the maxima), C-order indices."""
        vertices: np.ndarray = self.pairs["birth_vertex"]
        return vertices

    @cached_property
    def saddles(self) -> np.ndarray:
        """Vertices (s,) at which branches merge, each once, in the order in which a sweep meets them."""
        finite = self.pairs[self.pairs["death_vertex"] >= 0]
        vertices, first = np.unique(finite["death_vertex"], return_index=True)
        heights = self._sign * finite["death"][first]
        return vertices[np.argsort(heights, kind="stable")]

    @cached_property
    def persistence(self) -> np.ndarray:
        """Height difference (m,) between death and birth, positive for both kinds; inf if essential."""
        height: np.ndarray = self.pairs["death"] - self.pairs["birth"]
        return self._sign * height

    @cached_property
    def first_merges(self) -> np.ndarray:
        """Height (m,) at which each leaf first meets another one: its parent saddle in the tree.

        A branch that outlives others meets them before it dies itself. inf (-inf for superlevel) for a leaf
        that is alone in its component.
        """
        heights = self._sign * self.pairs["death"]
        finite = self.pairs["parent"] >= 0
        np.minimum.at(heights, self.pairs["parent"][finite], heights[finite])
        return self._sign * heights

    @cached_property
    def basin_volumes(self) -> np.ndarray:
        """Volume (m,) of each basin: the sum of `volumes` over it, or the number of its vertices."""
        inside = self.basins >= 0
        weights = None if self.volumes is None else self.volumes[inside]
        return np.bincount(self.basins[inside], weights, minlength=len(self.pairs)).astype(np.float64)

    @cached_property
    def range(self) -> float:
        """Difference between the highest and the lowest finite value."""
        finite = self.values[np.isfinite(self.values)]
        return float(finite.max() - finite.min())

    def simplify(self, threshold: float, relative: bool = False) -> "MergeTree":
        """Tree without the branches less persistent than a threshold; their basins spill over their passes.

        A parent is never less persistent than its children, so simplifying twice, at t and then at u >= t,
        gives the tree simplified at u.

        Parameters
        ----------
        threshold : float
            Branches with persistence < threshold vanish. 0 changes nothing.
        relative : bool
            The threshold is a fraction of `range`.

        Returns
        -------
        MergeTree
            The rows that stay keep their numbers, since they come first.

        Raises
        ------
        ValueError
            The threshold is negative or NaN.

        Examples
        --------
        >>> tree = merge_tree([0.0, 9.0, 1.0, 3.0, 2.0])
        >>> tree.simplify(0.5, relative=True).pairs.tolist()
        [(0, -1, 0.0, inf, -1), (2, 1, 1.0, 9.0, 0)]
        """
        if not threshold >= 0:
            raise ValueError(f"threshold={threshold} must be a number >= 0 (a difference of heights).")
        return self.restrict(self.persistence >= (threshold * self.range if relative else threshold))

    def restrict(self, keep: np.ndarray) -> "MergeTree":
        """Tree of some of the branches; the basins of the others spill over their passes.

        Parameters
        ----------
        keep : ndarray of bool (m,)
            Which rows stay. Essential rows always do. A branch whose parent goes merges into its parent's
            nearest ancestor that stays, at its own height.

        Returns
        -------
        MergeTree
            Basins are connected as long as no branch stays without its parent. Where one does, as `simplify`
            never lets happen, a basin may hold vertices lower than its minimum, and may lie on two sides of
            one that stays.

        Raises
        ------
        ValueError
            `keep` is not one bool for each row.

        Examples
        --------
        >>> tree = merge_tree([0.0, 9.0, 1.0, 3.0, 2.0])
        >>> tree.pairs["parent"].tolist()
        [-1, 0, 1]
        >>> tree.restrict(np.array([True, False, True])).pairs.tolist()
        [(0, -1, 0.0, inf, -1), (4, 3, 2.0, 3.0, 0)]
        """
        wanted = np.asarray(keep)
        if wanted.shape != self.beside.shape or wanted.dtype != np.bool_:
            raise ValueError(
                f"keep has shape {wanted.shape} and type {wanted.dtype}; expected one bool for each of the "
                f"{self.beside.size} rows of pairs."
            )
        wanted = wanted | (self.pairs["parent"] < 0)
        if wanted.all():
            return self
        number = np.cumsum(wanted) - 1
        heir = number[_last(np.where(wanted, -1, self.pairs["parent"]))]
        spill = number[_last(np.where(wanted, -1, self.beside))]
        pairs = self.pairs[wanted]
        pairs["parent"] = _lookup(heir, pairs["parent"])
        return replace(
            self,
            pairs=frozen(pairs),
            basins=frozen(_lookup(spill, self.basins)),
            beside=frozen(_lookup(spill, self.beside[wanted]).astype(np.intp)),
        )

    def to_networkx(self) -> "nx.DiGraph":
        """Tree as a directed graph: leaves -> saddles -> root, one root per component of the finite domain.

        Returns
        -------
        networkx.DiGraph
            Nodes are pairs (kind, vertex) with attributes `kind`, `vertex` and `value`. The kinds are
            `"minimum"` (`"maximum"` for superlevel), `"saddle"` and `"root"`, the last vertex of the
            component. Branches that die at the same vertex share its saddle.

        Examples
        --------
        >>> graph = merge_tree([3.0, 0.0, 2.0, 1.0, 5.0]).to_networkx()
        >>> list(graph.edges)
        [(('minimum', 1), ('saddle', 2)), (('minimum', 3), ('saddle', 2)), (('saddle', 2), ('root', 4))]
        """
        import networkx as nx

        graph = nx.DiGraph()
        flat = self.values.ravel()

        def add(kind: str, vertex: int) -> tuple[str, int]:
            node = (kind, vertex)
            graph.add_node(node, kind=kind, vertex=vertex, value=float(flat[vertex]))
            return node

        leaf = "minimum" if self.kind == "sublevel" else "maximum"
        tops = [add(leaf, vertex) for vertex in self.minima.tolist()]
        dying = np.flatnonzero(self.pairs["parent"] >= 0)
        order = np.lexsort((self.pairs["death_vertex"][dying], self._sign * self.pairs["death"][dying]))
        for row in dying[order].tolist():
            parent = int(self.pairs["parent"][row])
            saddle = add("saddle", int(self.pairs["death_vertex"][row]))
            for branch in (row, parent):
                if tops[branch] != saddle:
                    graph.add_edge(tops[branch], saddle)
                    tops[branch] = saddle
        for row, vertex in self._roots().items():
            graph.add_edge(tops[row], add("root", vertex))
        return graph

    @property
    def _sign(self) -> int:
        return 1 if self.kind == "sublevel" else -1

    def _roots(self) -> dict[int, int]:
        """Last vertex of a sweep, for each essential row."""
        whole = self.simplify(np.inf)
        component = whole.basins.ravel()
        inside = np.flatnonzero(component >= 0)
        last = np.zeros(len(whole.pairs), dtype=np.intp)
        sweep = inside[np.argsort(self._sign * self.values.ravel()[inside], kind="stable")]
        last[component[sweep]] = sweep  # the last assignment stands
        return dict(enumerate(last.tolist()))


def merge_tree(
    values: np.ndarray,
    *,
    kind: Kind = "sublevel",
    connectivity: Neighbours = "full",
    volumes: np.ndarray | None = None,
) -> MergeTree:
    """Merge tree of a function sampled on a grid or a graph, with persistence pairs and basins.

    Basins are found by steepest descent; of all edges between two basins only the lowest pass matters, and of
    these only a minimum spanning tree of the graph of basins. Equal values are ordered by vertex, as if a
    small slope broke the tie, and branches of zero persistence, which are an effect of that order, are left
    out: a plateau is one minimum or none.

    Parameters
    ----------
    values : array_like
        Samples f(x) on a grid of dimension d >= 1, indexed `ij`. NaN and +-inf (and masked entries of a
        masked array) are holes: they belong to no basin and no path leads through them.
    kind : {"sublevel", "superlevel"}
        The superlevel tree is the sublevel tree of -f with its signs turned back; rows correspond.
    connectivity : {"full", "faces", "freudenthal"} or ndarray of int (e, 2)
        Neighbours of a vertex: `"full"` all 3^d - 1 of the surrounding box, `"faces"` the 2 d along the axes,
        `"freudenthal"` those of Freudenthal's triangulation. With `"faces"`, narrow valleys that run
        diagonally fall into chains of spurious minima. Or the edges of any graph, as pairs of C-order
        indices of `values`: see `nblandscape.topology.scattered.neighbour_graph`.
    volumes : array_like, shape of `values`, optional
        Volume that each vertex stands for (`cell_volumes` of a grid's axes); without it, 1 each.

    Returns
    -------
    MergeTree
        Pairs, basins, saddles.

    Raises
    ------
    ValueError
        The array has no axis, no element or no finite value, is not real, its values are so large that
        differences overflow, an option is unknown, edges name vertices that do not exist, or volumes do not
        fit, are negative or all 0.

    Notes
    -----
    Dimension-0 persistence with the elder rule: Edelsbrunner and Harer, Computational Topology (2010), VII.1.
    Merge trees of loss landscapes: arXiv 2411.09807, arXiv 2602.07135.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 41)
    >>> wells = ((x**2 - 1) ** 2)[:, None] + x**2
    >>> tree = merge_tree(wells)
    >>> [np.unravel_index(v, wells.shape) for v in tree.minima.tolist()] == [(10, 20), (30, 20)]
    True
    >>> tree.pairs["death"].round(6).tolist()
    [inf, 1.0]
    >>> ring = np.array([[0, 1], [1, 2], [2, 3], [3, 0]])
    >>> merge_tree([0.0, 3.0, 1.0, 2.0], connectivity=ring).saddles.tolist()
    [3]
    """
    if kind not in ("sublevel", "superlevel"):
        raise ValueError(f'kind={kind!r} is neither "sublevel" nor "superlevel".')
    samples = real_samples(values)
    if not isinstance(connectivity, str):
        connectivity = frozen(checked_edges(connectivity, samples.size).copy())
    sizes = None if volumes is None else frozen(_checked_volumes(volumes, samples.shape))
    sign = 1.0 if kind == "sublevel" else -1.0
    heights = sign * samples
    heights[~np.isfinite(heights)] = np.inf
    found = branches(heights, connectivity)
    order, number = _order(found)
    pairs = np.empty(order.size, dtype=PAIR)
    pairs["birth_vertex"], pairs["death_vertex"] = found.birth_vertex[order], found.death_vertex[order]
    pairs["birth"], pairs["death"] = sign * found.birth[order], sign * found.death[order]
    parent = found.parent[order]
    pairs["parent"] = np.where(parent < 0, -1, number[parent])
    beside = found.beside[order]
    beside = np.where(beside < 0, -1, number[beside])
    basins = _lookup(number, found.labels)
    return MergeTree(
        frozen(samples), kind, connectivity, frozen(pairs), frozen(basins), frozen(beside), sizes
    )


def real_samples(values: np.ndarray) -> np.ndarray:
    """Own float64 copy in C order, masked entries as NaN; ValueError if it cannot be a sampled function."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.where(np.ma.getmaskarray(values), np.nan, values.data)
    raw = np.asarray(values)
    if raw.dtype.kind not in "fiub":
        raise ValueError(f"values of type {raw.dtype} are not real numbers; convert them to float64.")
    samples = np.array(raw, dtype=np.float64, order="C")
    if samples.ndim == 0:
        raise ValueError("values is a single number; a grid needs at least one axis.")
    if samples.size == 0:
        raise ValueError(f"values is empty, its shape is {samples.shape}; a grid needs at least one vertex.")
    finite = np.isfinite(samples)
    if not finite.any():
        raise ValueError(f"values has no finite entry ({samples.size} holes): check what computed them.")
    inside = samples if finite.all() else samples[finite]
    low, high = float(inside.min()), float(inside.max())
    if not np.isfinite(high - low):
        raise ValueError(
            f"values run from {low:.3g} to {high:.3g}: differences of such numbers are infinite in float64. "
            "Divide them by a constant, or make the largest of them NaN (holes)."
        )
    return samples


def _order(found: Branches) -> tuple[np.ndarray, np.ndarray]:
    """Branches that become rows, in the order of rows, and for every branch the row of its vertices."""
    essential = found.parent < 0
    keep = essential | (found.death > found.birth)
    # A basin on a plateau flows on across its pass, so that basins are connected.
    branch = _last(np.where(keep, -1, found.beside))
    finite = np.flatnonzero(keep & ~essential)
    persistence = found.death[finite] - found.birth[finite]
    finite = finite[np.lexsort((found.birth_vertex[finite], -persistence))]
    order = np.concatenate([np.flatnonzero(essential), finite])
    row = np.empty(keep.size, dtype=np.intp)
    row[order] = np.arange(order.size)
    return order, row[branch]


def _last(following: np.ndarray) -> np.ndarray:
    """Where the way from every row ends; -1 = nothing follows."""
    end = np.where(following < 0, np.arange(following.size), following)
    while not np.array_equal(further := end[end], end):
        end = further
    return end


def _checked_volumes(volumes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    sizes = np.array(volumes, dtype=np.float64)
    if sizes.shape != shape:
        raise ValueError(f"volumes have shape {sizes.shape}; the values have {shape}.")
    wrong = np.flatnonzero(~(np.isfinite(sizes) & (sizes >= 0)))
    if wrong.size:
        raise ValueError(
            f"volumes must be finite and not negative; that of vertex {wrong[0]} is {sizes.flat[wrong[0]]}."
        )
    if not sizes.any():
        raise ValueError("volumes are all 0: leave them out, and every vertex stands for 1.")
    return sizes


def _lookup(number: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """New number of every label; -1 stays -1."""
    table = np.append(number, -1).astype(np.int32)
    rows: np.ndarray = table[labels]  # -1 reads the last entry
    return rows


def frozen(array: np.ndarray) -> np.ndarray:
    """Make an array read-only and return it."""
    array.flags.writeable = False
    return array
