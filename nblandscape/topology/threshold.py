"""At which persistence to simplify a merge tree: the curve, and a proposal with its reason."""

from typing import NamedTuple

import numpy as np

from nblandscape.topology.merge_tree import MergeTree
from nblandscape.topology.support import Support

_APART = 10.0  # a gap is one between scales, not within one
_WIDER = 2.0  # than any other gap, both as logarithms


class Curve(NamedTuple):
    """Minima that are left when all less persistent than a threshold are gone."""

    thresholds: np.ndarray  # (k,) 0, then the distinct finite persistences, ascending
    counts: np.ndarray  # (k,) minima left for thresholds above this one, up to and including the next


class Proposal(NamedTuple):
    """A threshold for `MergeTree.simplify`, and why."""

    value: float
    reason: str


def persistence_curve(tree: MergeTree) -> Curve:
    """Number of minima left at each persistence threshold: a step function that falls to the essential ones.

    Parameters
    ----------
    tree : MergeTree

    Returns
    -------
    Curve
        `counts[j]` is ``len(tree.simplify(t).minima)`` for thresholds[j] < t <= thresholds[j + 1]; the last
        one holds for all larger t. Drawn as a step function that changes after each threshold ("post").

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> curve = persistence_curve(merge_tree([0.0, 9.0, 1.0, 3.0, 2.0, 4.0, 3.0]))
    >>> curve.thresholds.tolist(), curve.counts.tolist()
    ([0.0, 1.0, 8.0], [4, 2, 1])
    """
    finite = tree.persistence[np.isfinite(tree.persistence)]
    steps, gone = np.unique(finite, return_counts=True)
    counts = len(tree.pairs) - np.cumsum(np.concatenate([[0], gone]))
    return Curve(np.concatenate([[0.0], steps]), counts)


def propose_threshold(tree: MergeTree, support: Support | None = None) -> Proposal:
    """Propose a persistence threshold that rests on the data, never on a fixed fraction of the range.

    With error bars: just above the most persistent pair that is not supported, so that whatever stays is.
    Without: the middle of the widest gap between neighbouring persistences on a logarithmic scale, if it
    stands out, i.e. it spans at least a factor of 10 and is at least twice as wide as any other; else 0.

    Parameters
    ----------
    tree : MergeTree
    support : Support, optional
        Error bars of this very tree.

    Returns
    -------
    Proposal
        `value` for `MergeTree.simplify`; `reason` is one sentence for the reader.

    Raises
    ------
    ValueError
        The error bars have another number of rows.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> value, reason = propose_threshold(merge_tree([0.0, 4.0, 0.0, 2.0, 1.99, 5.0, 0.0]))
    >>> round(value, 6)
    0.2
    >>> reason
    'The pairs fall into two groups: 2 of persistence >= 4 and 1 of <= 0.01, a factor of 400 apart.'
    """
    if support is not None:
        return _just_above_noise(tree, support)
    finite = np.sort(tree.persistence[np.isfinite(tree.persistence)])
    if finite.size < 2:
        pairs = "one finite pair" if finite.size else "no finite pair"
        return Proposal(
            0.0, f"There is {pairs}, so there are no two groups to tell apart: nothing is removed."
        )
    gaps = np.diff(np.log(finite))
    place = int(np.argmax(gaps))
    below, above = finite[place : place + 2].tolist()
    widest, second = float(gaps[place]), float(np.delete(gaps, place).max(initial=0.0))
    found = f"a factor of {np.exp(widest):.3g}"
    if widest < np.log(_APART):
        told = f"The widest gap between persistences ({below:.3g} and {above:.3g}) is {found}"
        return Proposal(0.0, f"{told}, less than {_APART:g}: nothing is removed.")
    if widest < _WIDER * second:
        told = f"The widest gap between persistences is {found}, but another one is {np.exp(second):.3g}"
        return Proposal(0.0, f"{told}: no gap stands out, and nothing is removed.")
    return Proposal(
        float(np.sqrt(below) * np.sqrt(above)),
        f"The pairs fall into two groups: {finite.size - place - 1} of persistence >= {above:.3g} and "
        f"{place + 1} of <= {below:.3g}, {found} apart.",
    )


def _just_above_noise(tree: MergeTree, support: Support) -> Proposal:
    support.check(tree)
    finite = np.isfinite(tree.persistence)
    doubtful = tree.persistence[finite & ~support.supported]
    total = int(finite.sum())
    if not doubtful.size:
        few = {0: "There is no finite pair", 1: "The only finite pair is supported"}
        told = few.get(total, f"All {total} finite pairs are supported")
        return Proposal(0.0, f"{told}: nothing is removed.")
    largest = float(doubtful.max())
    kept = int((finite & (tree.persistence > largest)).sum())
    lost = int((finite & support.supported).sum()) - kept
    told = (
        f"{doubtful.size} of {total} finite pairs {'is' if doubtful.size == 1 else 'are'} not supported, the "
        f"most persistent of them {largest:.3g}: {kept or 'none'} above it stay{'s' if kept == 1 else ''}"
    )
    if lost:
        also = "one supported pair below it goes" if lost == 1 else f"{lost} supported pairs below it go"
        told += f", but {also}, too (restrict the tree to support.supported to keep all supported pairs)"
    return Proposal(float(np.nextafter(largest, np.inf)), told + ".")
