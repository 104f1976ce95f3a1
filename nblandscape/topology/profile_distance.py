"""Distance between landscapes by the volumes of the components of their sublevel sets."""

from dataclasses import dataclass

import numpy as np

from nblandscape.topology.merge_tree import MergeTree
from nblandscape.topology.tree_distance import same_kind

# Entries of a table of volumes, heights times components, that is held at a time; and of all of them.
_TABLE, _ENTRIES = 2_000_000, 1_000_000_000


@dataclass(frozen=True, eq=False)
class _Growth:
    """Volumes of components as step functions of the height; a component belongs to its eldest branch."""

    birth: np.ndarray  # (m,)
    death: np.ndarray  # (m,)
    first: np.ndarray  # (m + 1,) steps of branch i are first[i]:first[i + 1]
    height: np.ndarray  # (k,) ascending within a branch
    volume: np.ndarray  # (k,) volume of the component from that height on


def profile_distance(a: MergeTree, b: MergeTree) -> float:
    """Area between the volume profiles of two landscapes.

    v_1(h) >= v_2(h) >= ... are the volumes of the components of {f <= h}, as fractions of the finite domain
    (0 beyond the last one). The distance is

        integral over h of sum over k of |v_k(h) - v'_k(h)|,

    equally the integral over heights h and volumes s of the difference between the numbers of components of
    {f <= h} and {f' <= h} that are larger than s.

    Parameters
    ----------
    a, b : MergeTree
        Two sublevel or two superlevel trees, of landscapes of any shapes. Their `volumes` weigh the vertices.

    Returns
    -------
    float
        In units of the function, since volumes are fractions; inf if the domains have components of different
        volumes, which stay apart at every height.

    Raises
    ------
    ValueError
        The kinds of the trees differ, or there are too many components.

    Notes
    -----
    A pseudometric: 0 for landscapes whose basins have the same volumes at every height, wherever they lie and
    whichever of them merge. Exact for the sampled function: volumes are constant between two values of f.
    Compares what topological landscape profiles draw (widths at every height). Simplified trees count the
    volume of a branch that was removed with the basin that it spilled into.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> f = np.array([0.0, 5.0, 1.0, 3.0, 2.0])
    >>> profile_distance(merge_tree(f), merge_tree(f[::-1]))
    0.0
    >>> profile_distance(merge_tree([0.0, 1.0]), merge_tree([0.0, 3.0]))  # half the volume, 2 higher
    1.0
    """
    same_kind(a, b)
    growths = _growth(a), _growth(b)
    heights = np.unique(np.concatenate([g.height for g in growths]))
    if heights.size * max(g.birth.size for g in growths) > _ENTRIES:
        raise ValueError(
            f"trees of {a.pairs.size} and {b.pairs.size} branches on {heights.size} heights are too many: "
            "simplify them first."
        )
    last = _difference(*growths, heights[-1:])
    # Volumes are sums of fractions: equal ones may differ by rounding.
    if last[0] > 1e-9:
        return np.inf
    chunk = max(1, _TABLE // max(g.birth.size for g in growths))
    total = 0.0
    for start in range(0, heights.size - 1, chunk):
        here = heights[start : min(start + chunk, heights.size - 1)]
        width = heights[start + 1 : start + 1 + here.size] - here
        total += float(_difference(*growths, here) @ width)
    return total


def _growth(tree: MergeTree) -> _Growth:
    sign = 1.0 if tree.kind == "sublevel" else -1.0
    birth, death = sign * tree.pairs["birth"], sign * tree.pairs["death"]
    inside = np.flatnonzero(tree.basins.ravel() >= 0)
    basin = tree.basins.ravel()[inside]
    height = sign * tree.values.ravel()[inside]
    volume = np.ones(inside.size) if tree.volumes is None else tree.volumes.ravel()[inside].astype(float)
    volume = volume / volume.sum()

    owner = basin.astype(np.intp)
    above = np.append(tree.pairs["parent"], -1)
    while (merged := death[owner] <= height).any():
        owner[merged] = above[owner[merged]]

    # A branch hands everything over to its parent where it dies; children come after their parents.
    whole = np.bincount(owner, volume, minlength=birth.size)
    parent = tree.pairs["parent"]
    for row in np.flatnonzero(parent >= 0)[::-1].tolist():
        whole[parent[row]] += whole[row]
    child = np.flatnonzero(parent >= 0)
    owner = np.concatenate([owner, parent[child]])
    height = np.concatenate([height, death[child]])
    volume = np.concatenate([volume, whole[child]])
    order = np.lexsort((height, owner))
    first = np.append(0, np.cumsum(np.bincount(owner, minlength=birth.size)))
    grown = np.cumsum(volume[order])
    before = np.append(0.0, grown)[first[:-1]]
    grown -= np.repeat(before, np.diff(first))
    return _Growth(birth, death, first, height[order], grown)


def _difference(a: _Growth, b: _Growth, heights: np.ndarray) -> np.ndarray:
    """Sum over k of |v_k - v'_k| at every height."""
    tables = [_volumes(g, heights) for g in (a, b)]
    wide = max(t.shape[1] for t in tables)
    first, second = (np.pad(t, ((0, 0), (wide - t.shape[1], 0))) for t in tables)
    difference: np.ndarray = np.abs(np.sort(first, axis=1) - np.sort(second, axis=1)).sum(axis=1)
    return difference


def _volumes(growth: _Growth, heights: np.ndarray) -> np.ndarray:
    """Volumes (heights, branches) of the components, 0 where a branch is not alive."""
    alive = np.flatnonzero((growth.birth <= heights[-1]) & (growth.death > heights[0]))
    table = np.zeros((heights.size, alive.size))
    for column, row in enumerate(alive.tolist()):
        steps = slice(growth.first[row], growth.first[row + 1])
        begin = np.searchsorted(heights, growth.birth[row])
        end = np.searchsorted(heights, growth.death[row])
        at = np.searchsorted(growth.height[steps], heights[begin:end], side="right") - 1
        table[begin:end, column] = growth.volume[steps][at]
    return table
