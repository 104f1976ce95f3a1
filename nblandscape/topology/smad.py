"""Saddle-Minimum Average Distance of a merge tree."""

import numpy as np

from nblandscape.topology.merge_tree import MergeTree


def smad(tree: MergeTree, *, normalize: bool = False, weighted: bool = False) -> float:
    """Saddle-Minimum Average Distance: how far, on average, a leaf lies below its first merge.

    SMAD = mean over all leaves i of |s_i - f_i|, where f_i is the value of the leaf and s_i that of its
    immediate parent saddle in the tree. All leaves count, the deepest too, and the elder rule plays no part:
    this is not the mean persistence. Shallow leaves count fully; simplify the tree first to leave them out.

    Parameters
    ----------
    tree : MergeTree
        Sublevel or superlevel tree. Leaves that are alone in their component never merge and are left out.
    normalize : bool
        Divide by the range of the finite values.
    weighted : bool
        Weigh leaves by the volume (number of vertices) v_i of their basins: sum(v_i |s_i - f_i|) / sum(v_i).

    Returns
    -------
    float
        In units of the function, or a fraction if normalised; 0.0 if nothing merges.

    Notes
    -----
    arXiv 2602.07135 (Landscaper). Its release 1.3.1 calls sum(v_i |s_i - f_i|) / (m sum(v)) weighted, which
    falls with the number m of leaves even if all wells are alike; here it is a weighted mean.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> tree = merge_tree([9.0, 0.0, 4.0, 3.0, 9.0])
    >>> smad(tree), smad(tree, normalize=True)
    (2.5, 0.2777777777777778)
    >>> smad(tree, weighted=True)  # basins of 3 and 2 vertices
    2.8
    >>> smad(tree.simplify(2.0))
    0.0
    """
    gaps = np.abs(tree.first_merges - tree.pairs["birth"])
    merging = np.isfinite(gaps)
    if not merging.any():
        return 0.0
    weights = None
    if weighted:
        weights = np.bincount(tree.basins[tree.basins >= 0], minlength=gaps.size)[merging]
    mean = float(np.average(gaps[merging], weights=weights))
    return mean / tree.range if normalize else mean
