"""Wasserstein distance between merge trees: branches are matched, and so are the branches they hang on."""

from dataclasses import dataclass

import numpy as np

from nblandscape.topology.merge_tree import MergeTree

# Measured: a call of the solver, a step of it, an entry of a cost matrix (seconds).
_CALL, _STEP, _ENTRY = 3e-5, 1e-9, 1e-8
_ENTRIES = 50_000_000


@dataclass(frozen=True, eq=False)
class _Level:
    """Branches at one depth of a branch decomposition tree, siblings side by side."""

    rows: np.ndarray  # (n,)
    birth: np.ndarray  # (n,)
    death: np.ndarray  # (n,)
    first: np.ndarray  # (n + 1,) children of branch i are the places first[i]:first[i + 1] of the next level
    delete: np.ndarray  # (n,) cost of deleting a branch and all that hangs on it

    @property
    def children(self) -> np.ndarray:
        return np.diff(self.first)


def merge_tree_distance(a: MergeTree, b: MergeTree, order: float = 2.0, *, limit: float = 60.0) -> float:
    """Wasserstein distance between merge trees (Pont, Vidal, Delon and Tierny 2021).

    Nodes of a branch decomposition tree are pairs (birth, death); a pair hangs on its `parent`. A rooted
    partial isomorphism matches roots with roots and a child of p only with a child of the branch that p is
    matched with; what hangs on an unmatched branch is unmatched, too. The distance is the minimum over all of
    them of

        (sum over matched pairs of |x - x'|^q + |y - y'|^q + sum over the others of 2 ((y - x) / 2)^q)^(1/q)

    for births x, deaths y and q = `order`: unmatched branches go to the diagonal. Essential pairs, the roots,
    cost |x - x'|^q and are always matched; so the highest value of the landscape plays no part.

    Parameters
    ----------
    a, b : MergeTree
        Two sublevel or two superlevel trees, of landscapes of any shapes.
    order : float
        q >= 1.
    limit : float
        The most seconds that the computation may take by estimate.

    Returns
    -------
    float
        In units of the function; inf if the numbers of essential pairs differ.

    Raises
    ------
    ValueError
        The kinds of the trees differ, `order` is out of range, or the trees have too many branches.

    Notes
    -----
    A metric on branch decomposition trees: 0 only if births, deaths and the hierarchy agree. Never less than
    `wasserstein` of the same order, since every rooted partial isomorphism is a matching of the diagrams.

    Not stable: when two passes swap their order, or two minima do, a branch hangs on another one and may only
    be deleted, so that the distance jumps by up to its persistence while the landscape hardly moves. The
    authors' remedies (saddles closer than a threshold are merged, children are rescaled to their parent's
    height) are not applied. Simplify noisy trees first, and look at `bottleneck`, which is stable.

    One assignment problem per pair of branches with children at the same depth: at most O(n m k) steps for n
    and m branches with at most k children each.

    M. Pont, J. Vidal, J. Delon and J. Tierny, Wasserstein distances, geodesics and barycenters of merge
    trees, IEEE TVCG 28 (2022), here with any
    order and without their normalisation.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> a = merge_tree([0.0, 5.0, 1.0, 3.0, 2.0])
    >>> b = merge_tree([0.0, 5.0, 1.0, 4.0, 2.0])
    >>> merge_tree_distance(a, b), merge_tree_distance(a, b.simplify(3.0), order=1)
    (1.0, 1.0)
    """
    levels, scale = _prepared(a, b, order, limit)
    if levels is None:
        return np.inf
    costs = _costs(*levels, order)
    roots = _assignment(costs[0])
    return scale * float(costs[0][roots].sum() ** (1 / order))


def merge_tree_matching(a: MergeTree, b: MergeTree, order: float = 2.0, *, limit: float = 60.0) -> np.ndarray:
    """Branches that the optimum of `merge_tree_distance` matches.

    Parameters
    ----------
    a, b, order, limit
        See `merge_tree_distance`.

    Returns
    -------
    ndarray of int (k, 2)
        Rows of a and of b, ascending in a; rows that are absent are deleted.

    Raises
    ------
    ValueError
        As `merge_tree_distance` does, and also if the numbers of essential pairs differ.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> a = merge_tree([0.0, 5.0, 1.0, 3.0, 2.0])
    >>> merge_tree_matching(a, merge_tree([0.0, 4.5, 1.0])).tolist()
    [[0, 0], [1, 1]]
    """
    levels, _ = _prepared(a, b, order, limit)
    if levels is None:
        raise ValueError(
            f"a has {_roots(a)} essential pairs and b has {_roots(b)}: no matching of finite cost exists."
        )
    costs = _costs(*levels, order)
    places = np.column_stack(_assignment(costs[0]))
    found = []
    for depth, (of_a, of_b) in enumerate(zip(*levels, strict=False)):
        found.append(np.column_stack([of_a.rows[places[:, 0]], of_b.rows[places[:, 1]]]))
        if depth + 1 == len(costs):
            break
        below = costs[depth + 1], levels[0][depth + 1].delete, levels[1][depth + 1].delete
        nested = []
        for i, j in places.tolist():
            here, there = slice(*of_a.first[i : i + 2]), slice(*of_b.first[j : j + 2])
            rows, columns = partial_assignment(below[0][here, there], below[1][here], below[2][there])
            nested.append(np.column_stack([rows + here.start, columns + there.start]))
        places = np.concatenate(nested)
    matched = np.concatenate(found)
    return matched[np.argsort(matched[:, 0])]


def partial_assignment(
    cost: np.ndarray, delete_a: np.ndarray, delete_b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns that are matched when each may also be deleted, at the lowest total cost.

    Examples
    --------
    >>> partial_assignment(np.array([[1.0, 9.0]]), np.array([2.0]), np.array([3.0, 4.0]))
    (array([0]), array([0]))
    """
    gain = cost - delete_a[:, None] - delete_b
    if gain.size == 0 or gain.min() >= 0:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    rows, columns = _assignment(np.minimum(gain, 0))
    kept = gain[rows, columns] < 0
    return rows[kept], columns[kept]


def assignment_cost(cost: np.ndarray, delete_a: np.ndarray, delete_b: np.ndarray) -> float:
    """Lowest total cost of matching or deleting every row and every column.

    Summed from the terms themselves: a sum of gains would leave rounding errors where the cost is zero.
    """
    rows, columns = partial_assignment(cost, delete_a, delete_b)
    left_a, left_b = delete_a.copy(), delete_b.copy()
    left_a[rows] = left_b[columns] = 0
    return float(cost[rows, columns].sum() + left_a.sum() + left_b.sum())


def power_of_two(heights: np.ndarray) -> float:
    """Power of two (no rounding) near the range of heights: powers of their differences stay in range."""
    return float(2.0 ** np.frexp(np.ptp(heights))[1]) if heights.size else 1.0


def same_kind(a: MergeTree, b: MergeTree) -> None:
    """ValueError if one tree is of sublevel sets and the other one of superlevel sets."""
    if a.kind != b.kind:
        raise ValueError(f"a {a.kind} tree and a {b.kind} tree have no distance; build both of one kind.")


def check_order(order: float) -> None:
    """ValueError unless 1 <= order < inf."""
    if not 1 <= order < np.inf:
        raise ValueError(f"order={order} must be a number >= 1; for order = inf use bottleneck.")


def _assignment(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.optimize import linear_sum_assignment  # takes longer to import than this package

    rows, columns = linear_sum_assignment(costs)
    return rows, columns


def _prepared(
    a: MergeTree, b: MergeTree, order: float, limit: float
) -> tuple[tuple[list[_Level], list[_Level]] | None, float]:
    """Levels of both trees in units of `scale`, so that powers stay in range; None if the distance is inf."""
    check_order(order)
    same_kind(a, b)
    if _roots(a) != _roots(b):
        return None, np.inf
    scale = power_of_two(np.concatenate([h[np.isfinite(h)] for t in (a, b) for h in _heights(t)]))
    levels = _levels(a, order, scale), _levels(b, order, scale)
    _check_work(*levels, limit)
    return levels, scale


def _heights(tree: MergeTree) -> tuple[np.ndarray, np.ndarray]:
    """Births and deaths with the sign of sublevel sets."""
    sign = 1.0 if tree.kind == "sublevel" else -1.0
    return sign * tree.pairs["birth"], sign * tree.pairs["death"]


def _roots(tree: MergeTree) -> int:
    return int((tree.pairs["parent"] < 0).sum())


def _levels(tree: MergeTree, order: float, scale: float) -> list[_Level]:
    parent = tree.pairs["parent"]
    birth, death = (h / scale for h in _heights(tree))
    delete = 2 * ((death - birth) / 2) ** order
    place = np.empty(parent.size, dtype=np.intp)
    rows = np.flatnonzero(parent < 0)
    depth_rows, depth_first = [], []
    depth = np.zeros(parent.size, dtype=np.intp)
    above = parent.copy()
    while (inside := above >= 0).any():
        depth[inside] += 1
        above[inside] = parent[above[inside]]
    by_depth = np.split(np.argsort(depth, kind="stable"), np.cumsum(np.bincount(depth))[:-1])
    for below in [*by_depth[1:], np.empty(0, dtype=np.intp)]:
        place[rows] = np.arange(rows.size)
        hangs_on = place[parent[below]]
        depth_rows.append(rows)
        depth_first.append(np.append(0, np.cumsum(np.bincount(hangs_on, minlength=rows.size))))
        rows = below[np.argsort(hangs_on, kind="stable")]
    for rows in reversed(depth_rows[1:]):
        np.add.at(delete, parent[rows], delete[rows])
    return [
        _Level(rows, birth[rows], death[rows], first, delete[rows])
        for rows, first in zip(depth_rows, depth_first, strict=True)
    ]


def _costs(a: list[_Level], b: list[_Level], order: float) -> list[np.ndarray]:
    """Cost of matching the subtrees of two branches of the same depth, for all depths of both trees."""
    costs: list[np.ndarray] = []
    for depth in reversed(range(min(len(a), len(b)))):
        of_a, of_b = a[depth], b[depth]
        cost = np.abs(of_a.birth[:, None] - of_b.birth) ** order
        if depth:
            cost += np.abs(of_a.death[:, None] - of_b.death) ** order
        below_a, below_b = _deletions_below(a, depth), _deletions_below(b, depth)
        forests = _sums(of_a, below_a)[:, None] + _sums(of_b, below_b)
        if costs:
            cut_a, cut_b = of_a.first.tolist(), of_b.first.tolist()
            inner_b = np.flatnonzero(of_b.children).tolist()
            for i in np.flatnonzero(of_a.children).tolist():
                here = slice(cut_a[i], cut_a[i + 1])
                for j in inner_b:
                    there = slice(cut_b[j], cut_b[j + 1])
                    forests[i, j] = assignment_cost(costs[-1][here, there], below_a[here], below_b[there])
        costs.append(cost + forests)
    return costs[::-1]


def _deletions_below(levels: list[_Level], depth: int) -> np.ndarray:
    return levels[depth + 1].delete if depth + 1 < len(levels) else np.empty(0)


def _sums(level: _Level, below: np.ndarray) -> np.ndarray:
    """Cost of deleting all children, for every branch."""
    sums: np.ndarray = np.bincount(
        np.repeat(np.arange(level.rows.size), level.children), below, minlength=level.rows.size
    )
    return sums


def _check_work(a: list[_Level], b: list[_Level], limit: float) -> None:
    """ValueError if the estimate of time or memory is too high."""
    seconds = 0.0
    largest = 0
    for of_a, of_b in zip(a, b, strict=False):
        largest = max(largest, of_a.rows.size * of_b.rows.size)
        seconds += _ENTRY * of_a.rows.size * of_b.rows.size
        kinds_a, many_a = np.unique(of_a.children[of_a.children > 0], return_counts=True)
        kinds_b, many_b = np.unique(of_b.children[of_b.children > 0], return_counts=True)
        steps = kinds_a[:, None] * kinds_b * np.minimum(kinds_a[:, None], kinds_b)
        seconds += float((many_a[:, None] * many_b * (_CALL + _STEP * steps)).sum())
    if seconds > limit or largest > _ENTRIES:
        sizes = " and ".join(str(sum(level.rows.size for level in tree)) for tree in (a, b))
        raise ValueError(
            f"trees of {sizes} branches take about {seconds:.2g} s and {largest * 8 / 1e9:.2g} GB per matrix "
            f"(allowed: limit={limit:g} s, {_ENTRIES * 8 / 1e9:g} GB): simplify them first."
        )
