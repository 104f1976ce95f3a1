"""Contour trees of functions sampled on grids or triangulations."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from nblandscape.topology._leaf_merging import agree, follow, links, merge_by_leaves, nearest
from nblandscape.topology._leaf_pruning import prune_leaves
from nblandscape.topology.merge_tree import frozen, merge_tree, real_samples
from nblandscape.topology.neighbours import Neighbours, checked_edges

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, eq=False)
class ContourTree:
    """How the contours {f = h} of a sampled function appear, join, split and vanish as h rises.

    A point of the tree is one connected contour. All arrays are read-only.

    Attributes
    ----------
    values : ndarray of float64
        The sampled function.
    connectivity : "freudenthal" or ndarray of int (e, 2)
        Which vertices are neighbours.
    nodes : ndarray of int (n,)
        Vertices (C-order indices) at which contours appear, join, split or vanish, ascending in the order
        (value, vertex). Of a flat region that is one node, one vertex stands for all.
    arcs : ndarray of int (a, 2)
        Rows of `nodes`, lower end first, sorted. A component of the finite domain with k nodes has k - 1
        arcs.
    segments : ndarray of int32, shape of `values`
        Row of the arc on which the contour through each vertex lies. Vertices of nodes count to one of the
        arcs that meet there. -1 in holes and in components of one value, which have no arc.

    Examples
    --------
    >>> tree = contour_tree([[9, 9, 9, 9, 9], [9, 1, 5, 2, 9], [9, 9, 9, 9, 9]])
    >>> tree.node_values.tolist(), tree.kinds.tolist()
    ([1.0, 2.0, 5.0, 9.0], ['minimum', 'minimum', 'saddle', 'maximum'])
    >>> tree.arcs.tolist(), tree.segments[1].tolist()
    ([[0, 2], [1, 2], [2, 3]], [2, 0, 0, 1, 2])
    """

    values: np.ndarray
    connectivity: Neighbours
    nodes: np.ndarray
    arcs: np.ndarray
    segments: np.ndarray

    @cached_property
    def node_values(self) -> np.ndarray:
        """Value (n,) at each node."""
        values: np.ndarray = self.values.ravel()[self.nodes]
        return values

    @cached_property
    def kinds(self) -> np.ndarray:
        """Kind (n,) of each node.

        `"minimum"`: nothing below; `"maximum"`: nothing above; `"saddle"`: contours join or split;
        `"isolated"`: the only node of a component of one value.
        """
        upward, downward = _degrees(self.arcs, self.nodes.size)
        kinds = np.full(self.nodes.size, "saddle", dtype="U8")
        kinds[downward == 0] = "minimum"
        kinds[upward == 0] = "maximum"
        kinds[(upward == 0) & (downward == 0)] = "isolated"
        return kinds

    @property
    def minima(self) -> np.ndarray:
        """Vertices of the minima, lowest first."""
        return self._vertices("minimum")

    @property
    def maxima(self) -> np.ndarray:
        """Vertices of the maxima, lowest first."""
        return self._vertices("maximum")

    @property
    def saddles(self) -> np.ndarray:
        """Vertices at which contours join or split, lowest first."""
        return self._vertices("saddle")

    @cached_property
    def range(self) -> float:
        """Difference between the highest and the lowest finite value."""
        return float(np.ptp(self.values[np.isfinite(self.values)]))

    def simplify(self, threshold: float, relative: bool = False) -> "ContourTree":
        """Tree without short leaves: the shortest is cut off first, until none is shorter than a threshold.

        A leaf is cut only where another arc leaves its saddle in the same direction: the function that is
        flattened there has the smaller tree. Saddles that are left with one arc on each side are no nodes
        any more. Simplifying twice, at t and then at u >= t, gives the tree simplified at u.

        Parameters
        ----------
        threshold : float
            Leaves shorter (in height) than it vanish. 0 changes nothing.
        relative : bool
            The threshold is a fraction of `range`.

        Returns
        -------
        ContourTree
            `segments` of a vertex on a leaf that is gone is an arc at the leaf's saddle.

        Raises
        ------
        ValueError
            The threshold is negative or NaN.

        Notes
        -----
        Carr, Snoeyink and van de Panne (2004), with height as the measure of a leaf. Leaves go at the
        persistence that they have in the merge trees, unless the tree zigzags between an extremum and the
        saddle at which its branch ends (W-structures: Hristov and Carr 2021): take numbers from merge trees.

        Examples
        --------
        >>> tree = contour_tree([[9, 9, 9, 9, 9], [9, 1, 5, 2, 9], [9, 9, 9, 9, 9]])
        >>> tree.simplify(4).node_values.tolist()  # the pit of depth 3 is gone
        [1.0, 9.0]
        """
        if not threshold >= 0:
            raise ValueError(f"threshold={threshold} must be a number >= 0 (a difference of heights).")
        least = threshold * self.range if relative else threshold
        arcs, heir = prune_leaves(self.arcs, self.node_values, least)
        if len(arcs) == len(self.arcs):
            return self
        # A component keeps its last arc, so that only isolated nodes have none.
        stay = (self.kinds == "isolated") | np.isin(np.arange(self.nodes.size), arcs)
        row = np.cumsum(stay) - 1
        arcs, number = _sorted_arcs(row[arcs])
        segments = np.append(number[heir], -1).astype(np.int32)[self.segments]
        return replace(self, nodes=frozen(self.nodes[stay]), arcs=frozen(arcs), segments=frozen(segments))

    def to_networkx(self) -> "nx.DiGraph":
        """Tree as a directed graph, lower -> upper.

        Returns
        -------
        networkx.DiGraph
            Nodes are vertices with attributes `kind` and `value`; edges have the attribute `arc`, their row
            in `arcs`.

        Examples
        --------
        >>> graph = contour_tree([[9, 9, 9, 9, 9], [9, 1, 5, 2, 9], [9, 9, 9, 9, 9]]).to_networkx()
        >>> list(graph.edges), graph.nodes[7]
        ([(6, 7), (8, 7), (7, 14)], {'kind': 'saddle', 'value': 5.0})
        """
        import networkx as nx

        graph = nx.DiGraph()
        rows = zip(self.nodes.tolist(), self.kinds.tolist(), self.node_values.tolist(), strict=True)
        graph.add_nodes_from((vertex, {"kind": kind, "value": value}) for vertex, kind, value in rows)
        ends = self.nodes[self.arcs].tolist()
        graph.add_edges_from((low, high, {"arc": row}) for row, (low, high) in enumerate(ends))
        return graph

    def _vertices(self, kind: str) -> np.ndarray:
        vertices: np.ndarray = self.nodes[self.kinds == kind]
        return vertices


def contour_tree(values: np.ndarray, *, connectivity: Neighbours = "freudenthal") -> ContourTree:
    """Contour tree of a function sampled on a grid or a triangulation.

    The sublevel and the superlevel merge tree are reduced to the vertices that are critical in one of them,
    and merged by moving leaf after leaf into the contour tree. Both sweeps go through the vertices in one
    order, (value, vertex), up and down, as if a small slope broke all ties; arcs of no height, which are an
    effect of that order, are contracted, so that a flat region is a single node or none.

    Parameters
    ----------
    values : array_like
        Samples f(x) on a grid of dimension d >= 1, indexed `ij`. NaN and +-inf (and masked entries of a
        masked array) are holes, outside the domain: each component of the rest has a tree of its own.
    connectivity : "freudenthal" or ndarray of int (e, 2)
        Freudenthal's triangulation of a grid (cubes cut into d! simplices along their main diagonals): it
        stays the same when axes are permuted or all of them flipped, not when some are. Or the edges of any
        simply connected triangulation (`nblandscape.topology.scattered.neighbour_graph`, Delaunay), as pairs
        of C-order indices of `values`.

    Returns
    -------
    ContourTree
        Nodes, arcs, segments.

    Raises
    ------
    ValueError
        The array has no axis, no element or no finite value, or is not real; edges do not fit; or no tree has
        both merge trees of f, which happens where contours close around a hole, or on graphs without
        triangles. `"full"` and `"faces"` are refused: where diagonals cross or are missing, the sublevel
        and the superlevel sets of those neighbours are not sets of one continuous function, and no contours
        lie between them.

    Notes
    -----
    Carr, Snoeyink and Axen (2003): the contour tree is the only tree whose merge trees are those of f.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 41)
    >>> wells = ((x**2 - 1) ** 2)[:, None] + (x**2 - 1) ** 2
    >>> tree = contour_tree(wells)
    >>> [int((tree.kinds == kind).sum()) for kind in ("minimum", "saddle", "maximum")]
    [4, 2, 9]
    >>> below = merge_tree(tree.node_values, connectivity=tree.arcs)  # merge trees live in the contour tree
    >>> below.pairs["death"].round(6).tolist()
    [inf, 1.0, 1.0, 1.0]
    """
    samples = real_samples(values)
    if not isinstance(connectivity, str):
        connectivity = frozen(checked_edges(connectivity, samples.size).copy())
    elif connectivity != "freudenthal":
        raise ValueError(
            f"connectivity={connectivity!r}: contours need a triangulation, which has neither crossing nor "
            f'missing diagonals; take "freudenthal", or the edges of a triangulation.'
        )
    order = _order(samples.ravel())
    ranks = np.full(samples.size, np.inf)
    ranks[order] = np.arange(order.size)
    heights = ranks.reshape(samples.shape)
    below, above = (merge_tree(h, connectivity=connectivity) for h in (heights, -heights))
    critical = np.concatenate([below.minima, below.saddles, above.minima, above.saddles])
    nodes = order[np.unique(ranks[critical]).astype(np.intp)]
    join, split = links(below, nodes), links(above, nodes)
    found = merge_by_leaves(join, split)
    segments = np.full(samples.size, -1)
    segments[order] = np.minimum(
        found.lower_arc[nearest(below, nodes, order)], found.upper_arc[nearest(above, nodes, order)]
    )
    whole_box = isinstance(connectivity, str) and order.size == samples.size
    if not whole_box:
        between = np.setdiff1d(order, nodes, assume_unique=True)
        on = segments[between]
        if not (
            (on < len(found.arcs)).all()
            and agree(found.arcs, join, split)
            and follow(below, between, nodes[found.arcs[on, 0]])
            and follow(above, between, nodes[found.arcs[on, 1]])
        ):
            raise ValueError(
                "no tree has both merge trees of this function: contours close around holes, or the graph is "
                "not that of a triangulation. Use merge_tree of both kinds, or fill the holes."
            )
    return _contracted(samples, connectivity, nodes, found.arcs, segments)


def _order(flat: np.ndarray) -> np.ndarray:
    """Vertices of the finite domain in the order (value, vertex)."""
    inside = np.flatnonzero(np.isfinite(flat))
    return inside[np.argsort(flat[inside], kind="stable")]


def _contracted(
    samples: np.ndarray, connectivity: Neighbours, nodes: np.ndarray, arcs: np.ndarray, segments: np.ndarray
) -> ContourTree:
    """Tree without arcs of no height, and without the nodes that this leaves with one arc on each side."""
    count = nodes.size
    flat = np.equal(*samples.ravel()[nodes[arcs]].T)
    clusters, cluster = connected_components(
        coo_array((np.ones(flat.sum()), arcs[flat].T), shape=(count, count)), directed=False
    )
    ends = cluster[arcs]
    steep = np.flatnonzero(~flat)
    upward, downward = _degrees(ends[steep], clusters)
    regular = (upward == 1) & (downward == 1)
    chain = np.arange(len(arcs))
    arriving = np.empty(clusters, dtype=np.intp)
    arriving[ends[steep, 1]] = steep
    inner = steep[regular[ends[steep, 0]]]
    chain[inner] = arriving[ends[inner, 0]]
    while not np.array_equal(further := chain[chain], chain):
        chain = further
    upper = steep[~regular[ends[steep, 1]]]
    tops, bottoms = ends[upper, 1], ends[chain[upper], 0]

    stands = np.full(clusters, -1)
    stands[cluster] = np.arange(count)  # the last assignment stands: the highest
    lowest = np.full(clusters, -1)
    lowest[cluster[::-1]] = np.arange(count)[::-1]
    stands[upward > 0] = lowest[upward > 0]
    kept = np.sort(stands[~regular])
    row = np.searchsorted(kept, stands)
    new, number = _sorted_arcs(row[np.stack([bottoms, tops], axis=1)])
    heir = np.full(len(arcs), -1)
    heir[chain[upper]] = number
    heir[steep] = heir[chain[steep]]
    touching = np.full(clusters, -1)
    for side in (0, 1):
        touching[ends[steep, side]] = heir[steep]
    heir[flat] = touching[ends[flat, 0]]
    labels = np.append(heir, -1).astype(np.int32)[segments]
    labels[nodes] = touching[cluster]
    return ContourTree(
        frozen(samples),
        connectivity,
        frozen(nodes[kept]),
        frozen(new),
        frozen(labels.reshape(samples.shape)),
    )


def _degrees(arcs: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of arcs upward and downward of each node."""
    return np.bincount(arcs[:, 0], minlength=count), np.bincount(arcs[:, 1], minlength=count)


def _sorted_arcs(arcs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Arcs in the order of their rows, and the new number of each."""
    order = np.lexsort(arcs.T[::-1])
    number = np.empty(len(arcs), dtype=np.intp)
    number[order] = np.arange(len(arcs))
    return arcs[order], number
