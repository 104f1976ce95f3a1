"""Mean distances within and between groups of landscapes, with confidence intervals over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from nblandscape.topology.distance import Metric, distance_matrix
from nblandscape.topology.merge_tree import MergeTree
from nblandscape.topology.persistence import Diagram


@dataclass(frozen=True, eq=False)
class GroupDistances:
    """Mean distances within and between groups of landscapes, e.g. seeds of one training recipe.

    Attributes
    ----------
    names : tuple of str (g,)
        Groups, in the order of rows and columns.
    mean : ndarray (g, g)
        Mean over all pairs of one landscape of each group; on the diagonal over all pairs of two different
        ones. NaN for a group of one.
    low, high : ndarray (g, g)
        Confidence interval of the mean over seeds. NaN where the seeds cannot tell: fewer than three on the
        diagonal, fewer than two in either group elsewhere, and where distances are infinite.
    pairs : ndarray of int (g, g)
        How many distances the mean is over.
    distances : ndarray (n, n)
        All distances, groups one after the other.
    group : ndarray of int (n,)
        Group of every row of `distances`.
    """

    names: tuple[str, ...]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    pairs: np.ndarray
    distances: np.ndarray
    group: np.ndarray


def group_distances(
    groups: Mapping[str, Sequence[MergeTree | Diagram]],
    metric: Metric = "bottleneck",
    *,
    rounds: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    **options: float,
) -> GroupDistances:
    """Mean distances within and between groups of landscapes, with confidence intervals over seeds.

    Distances that share a landscape are not independent: the bootstrap draws landscapes, not distances. A
    landscape that is drawn twice is not compared with itself. The interval is mean +- t s, where s is the
    bootstrap's standard error times sqrt(n / (n - 1)) and t the quantile of Student's distribution with n - 1
    degrees of freedom, n the size of the smaller group: with few seeds a bootstrap's own quantiles are far
    too narrow.

    Parameters
    ----------
    groups : mapping of str to sequence of MergeTree
        Landscapes of every group, one per seed.
    metric, **options
        See `distance_matrix`.
    rounds : int
        Bootstrap samples, at least 50.
    seed : int
        Seed of the bootstrap.
    confidence : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    GroupDistances

    Raises
    ------
    ValueError
        No group, an empty group, or an option out of range.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> low = [merge_tree([0.0, h, 1.0]) for h in (3.0, 3.1, 3.3)]
    >>> high = [merge_tree([0.0, h, 1.0]) for h in (6.0, 6.3)]
    >>> found = group_distances({"low": low, "high": high})
    >>> found.mean.round(3).tolist()
    [[0.2, 2.575], [2.575, 0.3]]
    >>> np.isnan(found.low).tolist()  # two seeds have one distance: no interval
    [[False, False], [False, True]]
    """
    if not groups or any(len(trees) == 0 for trees in groups.values()):
        given = {name: len(trees) for name, trees in groups.items()}
        raise ValueError(f"groups={given}: at least one group, and each needs at least one tree.")
    if rounds < 50 or not 0 < confidence < 1:
        raise ValueError(f"rounds={rounds} must be at least 50 and confidence={confidence} in (0, 1).")
    distances = distance_matrix([tree for trees in groups.values() for tree in trees], metric, **options)
    sizes = np.array([len(trees) for trees in groups.values()])
    group = np.repeat(np.arange(sizes.size), sizes)
    mean, low, high = np.full((3, sizes.size, sizes.size), np.nan)
    rng = np.random.default_rng(seed)
    # How often each landscape was drawn, (rounds, size): means become bilinear forms.
    drawn = [rng.multinomial(size, np.full(size, 1 / size), size=rounds).astype(float) for size in sizes]
    for i, j in np.ndindex(mean.shape):
        block = distances[np.ix_(group == i, group == j)]
        enough = min(sizes[i], sizes[j]) >= (3 if i == j else 2)
        if i > j or (i == j and sizes[i] == 1):
            continue
        mean[i, j] = _mean(block, np.ones((1, sizes[i])), np.ones((1, sizes[j])), i == j)[0]
        if enough and np.isfinite(block).all():
            size = min(sizes[i], sizes[j])
            spread = np.nanstd(_mean(block, drawn[i], drawn[j], i == j)) * np.sqrt(size / (size - 1))
            margin = special.stdtrit(size - 1, (1 + confidence) / 2) * spread
            low[i, j], high[i, j] = max(mean[i, j] - margin, 0), mean[i, j] + margin
    for matrix in (mean, low, high):
        below = np.tril_indices(sizes.size, -1)
        matrix[below] = matrix.T[below]
    pairs = np.outer(sizes, sizes)
    np.fill_diagonal(pairs, sizes * (sizes - 1) // 2)
    return GroupDistances(tuple(groups), mean, low, high, pairs, distances, group)


def _mean(block: np.ndarray, weights_a: np.ndarray, weights_b: np.ndarray, same: bool) -> np.ndarray:
    """Weighted means (rounds,) of a block of distances; within a group without those of a tree to itself."""
    total = (weights_a @ block * weights_b).sum(axis=1)
    count = weights_a.sum(axis=1) * weights_b.sum(axis=1)
    if same:
        count = count - (weights_a**2).sum(axis=1)
    # One landscape drawn n times has no distance: no number.
    means: np.ndarray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means
