"""From heights to branches: basins, passes, spanning tree, elder rule."""

from dataclasses import dataclass

import numpy as np

from nblandscape.topology.neighbours import Neighbours, crossings, lowest_neighbours


@dataclass(frozen=True, eq=False)
class Branches:
    """Branches in the order (height, vertex) of their minima, those of zero persistence included."""

    birth_vertex: np.ndarray  # (m,)
    death_vertex: np.ndarray  # (m,) -1 = essential
    birth: np.ndarray  # (m,) ascending
    death: np.ndarray  # (m,) inf = essential
    parent: np.ndarray  # (m,) the eldest branch that meets at the death vertex; -1 = essential
    beside: np.ndarray  # (m,) the branch whose basin lies on the other side of the death pass; -1 = essential
    labels: np.ndarray  # branch of every vertex, shape of the grid; -1 = hole


@dataclass(frozen=True, eq=False)
class Passes:
    """Edges between basins in the order (height, vertex) of their upper end."""

    vertex: np.ndarray  # (e,) upper end
    first: np.ndarray  # (e,) basin of one end
    second: np.ndarray  # (e,) basin of the other end


def branches(heights: np.ndarray, connectivity: Neighbours) -> Branches:
    """Branches of the sublevel sets of `heights`; +inf is outside the domain, NaN is not allowed."""
    flat = heights.ravel()
    minima, labels = _basins(heights, connectivity)
    death_vertex, parent, beside = np.full((3, minima.size), -1, dtype=np.intp)
    death = np.full(minima.size, np.inf)
    if minima.size > 1:
        passes = _lowest_passes(heights, labels, minima.size, connectivity)
        merged, parents, others = _elder_rule(passes, minima.size)
        death_vertex[merged], parent[merged], beside[merged] = passes.vertex, parents, others
        death[merged] = flat[passes.vertex]
    return Branches(minima, death_vertex, flat[minima], death, parent, beside, labels)


def _basins(heights: np.ndarray, connectivity: Neighbours) -> tuple[np.ndarray, np.ndarray]:
    """Minima in the order (height, vertex), and the number of the minimum below every vertex."""
    flat = heights.ravel()
    down = lowest_neighbours(heights, connectivity).ravel()
    inside = np.isfinite(flat)
    minima = np.flatnonzero(inside & (down == np.arange(down.size)))
    minima = minima[np.argsort(flat[minima], kind="stable")]
    # Pointer jumping: the length of every path doubles in each round.
    while not np.array_equal(further := down[down], down):
        down = further
    number = np.empty(flat.size, dtype=np.int32)
    number[minima] = np.arange(minima.size, dtype=np.int32)
    labels = number[down]
    labels[~inside] = -1
    return minima, labels.reshape(heights.shape)


def _lowest_passes(heights: np.ndarray, labels: np.ndarray, count: int, connectivity: Neighbours) -> Passes:
    """Minimum spanning forest of the basins, joined by the grid's edges between two of them."""
    flat, found = heights.ravel(), labels.ravel()
    waiting: list[Passes] = []
    for low, high in crossings(labels, connectivity):
        upper = np.where((flat[high] > flat[low]) | ((flat[high] == flat[low]) & (high > low)), high, low)
        waiting.append(Passes(upper, found[low], found[high]))
        # Hundreds of steps in six dimensions: only the forest of what has been seen is needed.
        if sum(p.vertex.size for p in waiting) > 8 * flat.size:
            waiting = [_spanning_tree(_sorted(waiting, flat), count)]
    return _spanning_tree(_sorted(waiting, flat), count)


def _sorted(parts: list[Passes], flat: np.ndarray) -> Passes:
    vertex = np.concatenate([p.vertex for p in parts])
    order = _by_height(vertex, flat)
    first, second = (np.concatenate([getattr(p, name) for p in parts]) for name in ("first", "second"))
    return Passes(vertex[order], first[order], second[order])


def _by_height(vertex: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Order of edges by (height, index) of a vertex; much faster than `lexsort` when there are millions."""
    present = np.zeros(flat.size, dtype=bool)
    present[vertex] = True
    vertices = np.flatnonzero(present)
    height = flat[vertices]
    sweep = np.argsort(height)
    in_order = height[sweep]
    if (in_order[1:] == in_order[:-1]).any():
        sweep = np.argsort(height, kind="stable")
    rank = np.empty(flat.size, dtype=np.int64)
    rank[vertices[sweep]] = np.arange(sweep.size)
    # One integer holds rank and place: sorting numbers is several times faster than sorting places.
    key = rank[vertex] * vertex.size + np.arange(vertex.size)
    key.sort()
    places: np.ndarray = key % vertex.size
    return places


def _spanning_tree(passes: Passes, basins: int) -> Passes:
    """Minimum spanning forest by Boruvka's rounds: every component takes its lowest pass.

    The place in the order of passes is a strict order, so that two components which take the same pass are
    the only cycles.
    """
    edge = np.arange(passes.vertex.size)
    a, b = passes.first.astype(np.intp), passes.second.astype(np.intp)
    taken = np.zeros(edge.size, dtype=bool)
    while edge.size:
        lowest = np.full(basins, -1)
        backwards = slice(None, None, -1)
        place = np.arange(edge.size)[backwards]
        lowest[a[backwards]] = place  # the last assignment stands: the lowest place
        other = np.full(basins, edge.size)
        other[b[backwards]] = place
        lowest = np.where(lowest < 0, other, np.minimum(lowest, other))
        active = np.flatnonzero(lowest < edge.size)
        chosen = lowest[active]
        taken[edge[chosen]] = True
        target = np.arange(basins)
        target[active] = a[chosen] + b[chosen] - active
        mutual = (target[target] == np.arange(basins)) & (target > np.arange(basins))
        target[mutual] = np.flatnonzero(mutual)
        while not np.array_equal(further := target[target], target):
            target = further
        a, b = target[a], target[b]
        between = np.flatnonzero(a != b)
        edge, a, b = edge[between], a[between], b[between]
    return Passes(passes.vertex[taken], passes.first[taken], passes.second[taken])


def _elder_rule(passes: Passes, basins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Branches that end at the passes, their parents, and the basins on the other side of the passes."""
    root = list(range(basins))
    ends, heirs, beside = [], [], []
    for first, second in zip(passes.first.tolist(), passes.second.tolist(), strict=True):
        a, b = first, second
        while root[a] != a:
            root[a] = a = root[root[a]]
        while root[b] != b:
            root[b] = b = root[root[b]]
        elder, younger = (a, b) if a < b else (b, a)
        root[younger] = elder
        ends.append(younger)
        heirs.append(elder)
        beside.append(second if younger == a else first)
    merged, parent, others = (np.array(column, dtype=np.intp) for column in (ends, heirs, beside))
    # Where several branches meet at one vertex, an heir may end there too: then its own heir is the eldest.
    at = np.full(basins, -1)
    heir = np.arange(basins)
    at[merged], heir[merged] = passes.vertex, parent
    while (ending := at[parent] == passes.vertex).any():
        parent = np.where(ending, heir[parent], parent)
    return merged, parent, others
