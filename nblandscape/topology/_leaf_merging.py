"""From the two merge trees of a function to its contour tree, leaf by leaf over the nodes."""

from dataclasses import dataclass

import numpy as np

from nblandscape.topology.merge_tree import MergeTree, merge_tree


@dataclass(frozen=True, eq=False)
class Merged:
    """Arcs in the order in which leaves were moved, and which arc took each piece of the merge trees."""

    arcs: np.ndarray  # (a, 2) lower and upper node
    # Of a node's successors in the sublevel tree that are no nodes: the arc that took them, a if none.
    lower_arc: np.ndarray  # (n,)
    upper_arc: np.ndarray  # (n,) the same in the superlevel tree


def _branches(tree: MergeTree, vertices: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Branch that the component of each vertex belongs to when the sweep has come to a height."""
    death, parent = tree.pairs["death"], tree.pairs["parent"].astype(np.intp)
    parent = np.where(parent < 0, np.arange(parent.size), parent)
    branch: np.ndarray = tree.basins.ravel()[vertices].astype(np.intp)
    climbing = np.flatnonzero(death[branch] <= heights)
    if climbing.size:
        at, level = branch[climbing], heights[climbing]
        # Deaths rise along a chain of parents: jumps of 2^k parents, the largest first, reach the last death.
        jumps = [parent]
        while not np.array_equal(further := jumps[-1][jumps[-1]], jumps[-1]):
            jumps.append(further)
        for jump in reversed(jumps):
            at = np.where(death[jump[at]] <= level, jump[at], at)
        branch[climbing] = parent[at]
    return branch


def _places(tree: MergeTree, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Branch on which each vertex lies, and a key that sorts by branch, then height."""
    heights = tree.values.ravel()[vertices]
    branch = _branches(tree, vertices, heights)
    return branch, branch * (2 * tree.values.size) + heights.astype(np.intp)


def links(tree: MergeTree, nodes: np.ndarray) -> np.ndarray:
    """Row of the node that a sweep meets next in the tree, for each node; -1 = last of its component."""
    branch, key = _places(tree, nodes)
    row = np.full(tree.values.size + 1, -1)
    row[nodes] = np.arange(nodes.size)
    following: np.ndarray = row[tree.pairs["death_vertex"]][
        branch
    ]  # of an essential branch -1, the last entry
    by_key = np.argsort(key)
    here, after = by_key[:-1], by_key[1:]
    same = branch[here] == branch[after]
    following[here[same]] = after[same]
    return following


def nearest(tree: MergeTree, nodes: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Row of the last node that a sweep has met in the tree when it comes to each vertex."""
    key = _places(tree, nodes)[1]
    by_key = np.argsort(key)
    return by_key[np.searchsorted(key[by_key], _places(tree, vertices)[1], side="right") - 1]


def agree(arcs: np.ndarray, join: np.ndarray, split: np.ndarray) -> bool:
    """Whether the merge trees of a graph on nodes in rising order are the two given."""
    rank = np.arange(join.size)
    trees = (merge_tree(heights, connectivity=arcs) for heights in (rank, -rank))
    return all(
        np.array_equal(links(tree, rank), given) for tree, given in zip(trees, (join, split), strict=True)
    )


def follow(tree: MergeTree, vertices: np.ndarray, ends: np.ndarray) -> bool:
    """Whether each vertex lies in the component of another one, which the sweep met before."""
    heights = tree.values.ravel()[vertices]
    return np.array_equal(_branches(tree, ends, heights), _branches(tree, vertices, heights))


class _Links:
    """A merge tree of nodes that can lose leaves and nodes with one child."""

    def __init__(self, parent: np.ndarray) -> None:
        linked = np.flatnonzero(parent >= 0)
        self.parent: list[int] = parent.tolist()
        self.degree: list[int] = np.bincount(parent[linked], minlength=parent.size).tolist()
        # The sum of a node's children is its child where it has one: no lists of children are needed.
        children = np.zeros(parent.size, dtype=np.intp)
        np.add.at(children, parent[linked], linked)
        self.children: list[int] = children.tolist()

    def drop_leaf(self, node: int) -> int:
        parent = self.parent[node]
        self.degree[parent] -= 1
        self.children[parent] -= node
        return parent

    def bypass(self, node: int) -> int:
        parent, child = self.parent[node], self.children[node]
        self.parent[child] = parent
        if parent >= 0:
            self.children[parent] += child - node
        return child


def merge_by_leaves(join: np.ndarray, split: np.ndarray) -> Merged:
    """Contour tree of two merge trees on the same nodes, numbered in rising order.

    Always ends with a forest; where no tree has the two merge trees, it is not a meaningful one.
    """
    trees = _Links(join), _Links(split)
    count = join.size
    degrees = trees[0].degree, trees[1].degree
    leaves: list[int] = []
    saddles: list[int] = []
    sides: list[int] = []
    heirs = list(range(count)), list(range(count))
    # One neighbour in all: a minimum of what is left that no contour splits at, or such a maximum.
    waiting = [node for node in range(count) if degrees[0][node] + degrees[1][node] == 1]
    while waiting:
        leaf = waiting.pop()
        if degrees[0][leaf] + degrees[1][leaf] == 0:
            continue
        side = degrees[0][leaf]
        near = trees[side].drop_leaf(leaf)
        heirs[1 - side][leaf] = trees[1 - side].bypass(leaf)
        leaves.append(leaf)
        saddles.append(near)
        sides.append(side)
        if degrees[0][near] + degrees[1][near] == 1:
            waiting.append(near)
    which = np.array(sides, dtype=np.intp)
    moved = np.array([leaves, saddles], dtype=np.intp)
    took = np.full((2, count), which.size)
    took[which, moved[0]] = np.arange(which.size)
    lower, upper = (_owned(took[side], np.array(heirs[side], dtype=np.intp)) for side in (0, 1))
    return Merged(np.where(which == 0, moved, moved[::-1]).T, lower, upper)


def _owned(took: np.ndarray, heir: np.ndarray) -> np.ndarray:
    while not np.array_equal(further := heir[heir], heir):
        heir = further
    owned: np.ndarray = took[heir]
    return owned
