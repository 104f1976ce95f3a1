"""Saddle-Minimum Average Distance of a merge tree."""

import numpy as np

from nblandscape.topology.merge_tree import MergeTree, merge_tree
from nblandscape.topology.support import Support


def smad(
    tree: MergeTree, *, normalize: bool = False, weighted: bool = False, support: Support | None = None
) -> float:
    """Saddle-Minimum Average Distance: how far, on average, a leaf lies below its first merge.

    SMAD = mean over all leaves i of |s_i - f_i|, where f_i is the value of the leaf and s_i that of its
    immediate parent saddle in the tree. All leaves count, the deepest too, and the elder rule plays no part:
    this is not the mean persistence. Shallow leaves count fully, so that one of them, of any depth, can
    change the mean a lot: leave them out by `support`, or simplify the tree first.

    Parameters
    ----------
    tree : MergeTree
        Sublevel or superlevel tree. Leaves that are alone in their component never merge and are left out.
    normalize : bool
        Divide by the range of the finite values.
    weighted : bool
        Weigh leaves by the volumes v_i of their basins (`MergeTree.basin_volumes`):
        sum(v_i |s_i - f_i|) / sum(v_i).
    support : Support, optional
        Error bars of this tree: only supported pairs count, that is SMAD of
        ``tree.restrict(support.supported)``.

    Returns
    -------
    float
        In units of the function, or a fraction if normalised; 0.0 if nothing merges.

    Raises
    ------
    ValueError
        The error bars have another number of rows.

    Notes
    -----
    arXiv 2602.07135 (Landscaper). For the numbers of its code see `landscaper_smad`.

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
    if support is not None:
        support.check(tree)
        tree = tree.restrict(support.supported)
    gaps = np.abs(tree.first_merges - tree.pairs["birth"])
    merging = np.isfinite(gaps)
    weights = tree.basin_volumes[merging] if weighted else np.ones(int(merging.sum()))
    total = weights.sum()
    if not total:
        return 0.0
    mean = float(weights @ gaps[merging] / total)
    return mean / tree.range if normalize else mean


def landscaper_smad(values: np.ndarray, *, normalize: bool = False, weighted: bool = False) -> float:
    """SMAD as Landscaper's code computes it, to compare with numbers made by it.

    It differs from `smad` in two ways. Vertices are neighbours along the axes only (the Gabriel graph of a
    grid), so that narrow diagonal valleys fall into many leaves, which all count. And `weighted` is no
    weighted mean: gaps are multiplied by v_i / N, N the number of samples, and averaged over the m leaves,
    sum(v_i |s_i - f_i|) / (N m), which falls with the number of leaves even if all wells are alike.

    Parameters
    ----------
    values : array_like
        Samples on a grid.
    normalize : bool
        Divide by the range.
    weighted : bool
        See above.

    Returns
    -------
    float
        0.0 if nothing merges.

    Raises
    ------
    ValueError
        There are holes (Landscaper fills them with noise, never the same), or what `merge_tree` refuses.

    Notes
    -----
    After release 1.3.1, with the merge tree that its repository takes since 2026-07-24 (releases before took
    a contour tree). Its float32 trees break ties in no stated order: on plateaus its numbers are its own.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 41)
    >>> wells = ((x**2 - 1) ** 2)[:, None] + x**2  # two wells of depth 1
    >>> landscaper_smad(wells), round(landscaper_smad(wells, weighted=True), 6)
    (1.0, 0.5)
    """
    tree = merge_tree(values, connectivity="faces")
    holes = int((tree.basins < 0).sum())
    if holes:
        raise ValueError(
            f"{holes} values are not finite. Landscaper replaces such values at random, which cannot be "
            "reproduced; use smad(merge_tree(values)), which leaves them out."
        )
    mean = smad(tree, normalize=normalize, weighted=weighted)
    return mean / len(tree.pairs) if weighted else mean
