"""Places of the branches of a merge tree side by side, such that nothing crosses."""

import numpy as np


def planar_order(
    parent: np.ndarray, death: np.ndarray, vertex: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Order of the branches of a merge tree in which nothing crosses.

    Parameters
    ----------
    parent : ndarray of int (m,)
        Row that each branch merges into, a lower one; -1 for a root.
    death : ndarray (m,)
        Height of the merge along the sweep (for a superlevel tree, the negative).
    vertex : ndarray of int (m,), optional
        Order of branches that merge into one at the same height.

    Returns
    -------
    side : ndarray of int (m,)
        Whether the branch stands left (-1) or right (1) of its parent; 0 for a root.
    order : ndarray of int (m,)
        Rows from left to right.

    Examples
    --------
    >>> side, order = planar_order(np.array([-1, 0, 0, 1]), np.array([np.inf, 3.0, 2.0, 1.0]))
    >>> side.tolist(), order.tolist()
    ([0, -1, 1, 1], [1, 3, 0, 2])
    """
    count = parent.size
    parents = parent.tolist()
    leaves = [1] * count
    for row in range(count - 1, -1, -1):
        if parents[row] >= 0:
            leaves[parents[row]] += leaves[row]
    side, inner = [0] * count, [0] * count
    beside: dict[int, list[int]] = {-1: [0] * count, 1: [0] * count}
    for child in np.lexsort((np.arange(count) if vertex is None else vertex, death)).tolist():
        if (here := parents[child]) >= 0:
            side[child] = which = 1 if beside[1][here] <= beside[-1][here] else -1
            inner[child] = beside[which][here]
            beside[which][here] += leaves[child]
    slot, roots = [0] * count, 0
    for row in range(count):
        if parents[row] < 0:
            slot[row] = roots + beside[-1][row]
            roots += leaves[row]
        else:
            slot[row] = slot[parents[row]] + side[row] * (1 + inner[row] + beside[-side[row]][row])
    return np.array(side), np.argsort(slot)
