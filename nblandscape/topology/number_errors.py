"""Standard errors of a tree's numbers over batches, the tree made anew for every resample."""

import numpy as np

from nblandscape.topology._numbers import items, numbers_of
from nblandscape.topology._resampling import check_mean, checked_batches
from nblandscape.topology.merge_tree import MergeTree, merge_tree


def numbers_stderr(
    tree: MergeTree,
    batch_losses: np.ndarray | None,
    counts: np.ndarray | None = None,
    *,
    rounds: int = 100,
    seed: int = 0,
) -> dict[str, float]:
    """Standard errors of the numbers of `summary`, by the bootstrap over batches.

    Batches are drawn with replacement, the same ones at all vertices; the tree of their mean is made anew,
    so that minima may come and go. The spread is multiplied by sqrt(B / (B - 1)) as in `support`.

    Parameters
    ----------
    tree : MergeTree
        Of the weighted mean of the batch losses, not simplified.
    batch_losses, counts
        As in `support`.
    rounds : int
        Resamples, at least 2.
    seed : int

    Returns
    -------
    dict of name to float
        NaN with fewer than two batches, and where a vertex has no batch losses.

    Raises
    ------
    ValueError
        Too few rounds, or what `support` says about batch losses.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 41)
    >>> tilts = np.array([-0.1, 0.0, 0.1])
    >>> losses = ((x**2 - 1) ** 2)[:, None] + tilts * x[:, None]
    >>> errors = numbers_stderr(merge_tree(losses.mean(axis=1)), losses)
    >>> errors["minima"], round(errors["total_persistence"], 2)
    (0.0, 0.03)
    """
    if rounds < 2:
        raise ValueError(f"rounds={rounds}: a standard error needs at least 2 resamples.")
    names = [name for name, _ in items(numbers_of(tree))]
    unknown = dict.fromkeys(names, float("nan"))
    if batch_losses is None:
        return unknown
    batches = checked_batches(batch_losses, counts, tree.values.shape)
    size = batches.counts.size
    if not check_mean(batches, tree.values) or size < 2:
        return unknown
    holes = ~np.isfinite(tree.values.ravel())
    drawn = []
    for weights in batches.weights(rounds, seed):
        values = np.concatenate([block @ weights for _, block in batches.blocks()])
        values[holes] = np.nan
        other = merge_tree(
            values.reshape(tree.values.shape),
            kind=tree.kind,
            connectivity=tree.connectivity,
            volumes=tree.volumes,
        )
        drawn.append([value for _, value in items(numbers_of(other))])
    spread = np.std(drawn, axis=0, ddof=1) * np.sqrt(size / (size - 1))
    return dict(zip(names, spread.tolist(), strict=True))
