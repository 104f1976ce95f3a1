"""Distances between landscapes by their persistence diagrams, and matrices of any distance."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nblandscape.topology.merge_tree import MergeTree
from nblandscape.topology.persistence import Diagram
from nblandscape.topology.profile_distance import profile_distance
from nblandscape.topology.tree_distance import (
    assignment_cost,
    check_order,
    merge_tree_distance,
    power_of_two,
    same_kind,
)

Metric = str | Callable[..., float]

_ENTRIES = 50_000_000


def bottleneck(a: MergeTree | Diagram, b: MergeTree | Diagram) -> float:
    """Bottleneck distance between persistence diagrams.

    The least d such that pairs can be matched, each pair with at most one, so that births and deaths of
    matched ones differ by at most d and the others have persistence <= 2 d. Essential classes are matched
    with one another by their births: the distance of f and f + c is |c|.

    Parameters
    ----------
    a, b : MergeTree or Diagram
        Trees stand for their diagrams of dimension 0. Both of sublevel or both of superlevel sets.

    Returns
    -------
    float
        In units of the function; inf if the numbers of essential classes differ.

    Raises
    ------
    ValueError
        One argument is of sublevel sets and the other of superlevel sets.

    Notes
    -----
    Stable: at most the largest |f - g| over a common grid (Cohen-Steiner, Edelsbrunner and Harer 2007).
    Computed by GUDHI; its last bits, which may be wrong, are set right.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> f = np.array([0.0, 5.0, 1.0, 3.0, 2.0])
    >>> bottleneck(merge_tree(f), merge_tree(f + 10))
    10.0
    >>> bottleneck(merge_tree(f), merge_tree([0.0, 5.0, 1.0]))  # (2, 3) goes to the diagonal
    0.5
    """
    first, second = _diagrams(a, b)
    if first.essential.size != second.essential.size:
        return np.inf
    finite = _exact_bottleneck(first.finite, second.finite)
    # On a line the sorted matching is the best one, for the largest difference as for any sum of powers.
    return float(np.abs(first.essential - second.essential).max(initial=finite))


def wasserstein(a: MergeTree | Diagram, b: MergeTree | Diagram, order: float = 1.0) -> float:
    """Wasserstein distance between persistence diagrams.

    The minimum, over all partial matchings, of

        (sum over matched pairs of |x - x'|^q + |y - y'|^q + sum over the others of 2 ((y - x) / 2)^q)^(1/q)

    for births x, deaths y and q = `order`; unmatched pairs go to the diagonal. Essential classes are matched
    with one another and cost |x - x'|^q each.

    Parameters
    ----------
    a, b : MergeTree or Diagram
        Trees stand for their diagrams of dimension 0. Both of sublevel or both of superlevel sets.
    order : float
        q >= 1, also the exponent of the norm in the plane (that of Cohen-Steiner et al. 2010 is the largest
        difference instead, which gives at most this and at least 2^(-1/q) of it).

    Returns
    -------
    float
        In units of the function; inf if the numbers of essential classes differ.

    Raises
    ------
    ValueError
        `order` is out of range, the kinds differ, or there are too many pairs for the exact assignment.

    Notes
    -----
    Many small pairs add up: unlike `bottleneck`, it is not bounded by the largest |f - g|.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> f, g = [0.0, 5.0, 1.0, 3.0, 2.0], [0.0, 4.0, 1.0]
    >>> wasserstein(merge_tree(f), merge_tree(g))  # the pair (1, 5) goes to (1, 4), (2, 3) to the diagonal
    2.0
    """
    check_order(order)
    first, second = _diagrams(a, b)
    if first.essential.size != second.essential.size:
        return np.inf
    if len(first.finite) * len(second.finite) > _ENTRIES:
        raise ValueError(
            f"diagrams of {len(first.finite)} and {len(second.finite)} pairs are too many for an exact "
            f"assignment (product at most {_ENTRIES}): simplify the trees first."
        )
    scale = power_of_two(np.concatenate([part.ravel() for part in (*first, *second)]))
    (points_a, roots_a), (points_b, roots_b) = ((f / scale, e / scale) for f, e in (first, second))
    cost = sum(np.abs(points_a[:, None, k] - points_b[:, k]) ** order for k in (0, 1))
    delete_a, delete_b = (2 * ((p[:, 1] - p[:, 0]) / 2) ** order for p in (points_a, points_b))
    total = assignment_cost(np.asarray(cost), delete_a, delete_b) + (np.abs(roots_a - roots_b) ** order).sum()
    return scale * float(total ** (1 / order))


METRICS: Mapping[str, Callable[..., float]] = {
    "bottleneck": bottleneck,
    "wasserstein": wasserstein,
    "merge_tree": merge_tree_distance,
    "profile": profile_distance,
}


def distance_matrix(
    trees: Sequence[MergeTree | Diagram], metric: Metric = "bottleneck", **options: float
) -> np.ndarray:
    """Distances between all pairs of landscapes.

    Parameters
    ----------
    trees : sequence of MergeTree (or Diagram, where the metric takes it)
        n landscapes.
    metric : {"bottleneck", "wasserstein", "merge_tree", "profile"} or callable
        A callable is given two of the trees and `options`.
    **options
        For the metric, e.g. `order=2`.

    Returns
    -------
    ndarray (n, n)
        Symmetric, zero on the diagonal.

    Raises
    ------
    ValueError
        The metric has no such name, or it refuses a pair.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> distance_matrix([merge_tree([0.0, h, 1.0]) for h in (3.0, 4.0, 6.0)]).tolist()
    [[0.0, 1.0, 2.5], [1.0, 0.0, 2.0], [2.5, 2.0, 0.0]]
    """
    if isinstance(metric, str):
        if metric not in METRICS:
            raise ValueError(f"metric={metric!r} is not one of {', '.join(METRICS)}, nor a function.")
        metric = METRICS[metric]
    matrix = np.zeros((len(trees), len(trees)))
    for i, a in enumerate(trees):
        for j, b in enumerate(trees[:i]):
            matrix[i, j] = matrix[j, i] = metric(a, b, **options)
    return matrix


def _exact_bottleneck(a: np.ndarray, b: np.ndarray) -> float:
    import gudhi

    near = float(gudhi.bottleneck_distance(a, b))
    # The distance is a difference of two births or two deaths, or half a persistence: the nearest of these.
    costs = [(a[:, 1] - a[:, 0]) / 2, (b[:, 1] - b[:, 0]) / 2]
    costs += [_differences_near(np.sort(a[:, k]), np.sort(b[:, k]), near) for k in (0, 1)]
    candidates = np.append(np.concatenate(costs), 0.0)
    return float(candidates[np.abs(candidates - near).argmin()])


def _differences_near(x: np.ndarray, y: np.ndarray, size: float) -> np.ndarray:
    """Differences |x_i - y_j| of ascending numbers, among them the one nearest to a size."""
    if not y.size:
        return y
    after = np.searchsorted(y, np.concatenate([x - size, x + size]))
    beside = np.clip(np.concatenate([after - 1, after]), 0, y.size - 1)
    differences: np.ndarray = np.abs(np.tile(x, 4) - y[beside])
    return differences


def _diagrams(a: MergeTree | Diagram, b: MergeTree | Diagram) -> tuple[Diagram, Diagram]:
    """Diagrams with births below deaths and sorted essential classes."""
    if isinstance(a, MergeTree) and isinstance(b, MergeTree):
        same_kind(a, b)
    signs = {_sign(a), _sign(b)} - {0}
    if len(signs) > 1:
        raise ValueError("one diagram is of sublevel sets and the other one of superlevel sets: no distance.")
    sign = signs.pop() if signs else 1
    first, second = (_oriented(x, sign) for x in (a, b))
    return first, second


def _sign(x: MergeTree | Diagram) -> int:
    """1: sublevel, -1: superlevel, 0: a diagram without finite pairs fits either."""
    if isinstance(x, MergeTree):
        return 1 if x.kind == "sublevel" else -1
    signs = np.unique(np.sign(x.finite[:, 1] - x.finite[:, 0]))
    if signs.size > 1:
        raise ValueError("a diagram has births both below and above deaths: sublevel or superlevel?")
    return int(signs[0]) if signs.size else 0


def _oriented(x: MergeTree | Diagram, sign: int) -> Diagram:
    if isinstance(x, MergeTree):
        essential = x.pairs["parent"] < 0
        pairs = x.pairs[~essential]
        x = Diagram(np.column_stack([pairs["birth"], pairs["death"]]), x.pairs["birth"][essential])
    return Diagram(sign * np.asarray(x.finite).reshape(-1, 2), np.sort(sign * np.asarray(x.essential)))
