"""Slow and plain: vertices enter one by one in the order (value, vertex). Shares no code with the package."""

from itertools import product
from typing import NamedTuple

import numpy as np


class Oracle(NamedTuple):
    pairs: dict[
        int, tuple[int, float, float, int]
    ]  # birth vertex -> death vertex, birth, death, heir's birth vertex
    basins: dict[
        int, int
    ]  # vertex -> birth vertex, by walking down step by step; not where that ends on a plateau
    first_merges: dict[int, float]


def steps(dimension: int, connectivity: str) -> list[tuple[int, ...]]:
    box = [s for s in product((-1, 0, 1), repeat=dimension) if any(s)]
    if connectivity == "faces":
        return [s for s in box if sum(map(abs, s)) == 1]
    if connectivity == "freudenthal":
        return [s for s in box if min(s) >= 0 or max(s) <= 0]
    return box


def neighbours(values: np.ndarray, connectivity: str) -> dict[int, list[int]]:
    shape, found = values.shape, {}
    for index in np.ndindex(*shape):
        if not np.isfinite(values[index]):
            continue
        here = int(np.ravel_multi_index(index, shape))
        found[here] = []
        for step in steps(values.ndim, connectivity):
            other = tuple(i + s for i, s in zip(index, step, strict=True))
            if all(0 <= i < n for i, n in zip(other, shape, strict=True)) and np.isfinite(values[other]):
                found[here].append(int(np.ravel_multi_index(other, shape)))
    return found


def sweep(values: np.ndarray, connectivity: str) -> Oracle:
    flat = np.ascontiguousarray(values, dtype=float).ravel()
    near = neighbours(values, connectivity)

    def order(vertex: int) -> tuple[float, int]:
        return float(flat[vertex]), vertex

    component: dict[int, set[int]] = {}
    oldest: dict[int, int] = {}
    pairs: dict[int, tuple[int, float, float, int]] = {}
    first: dict[int, float] = {}
    plateau: set[int] = set()  # what dies at its own height is no minimum
    for vertex in sorted(near, key=order):
        meeting = {id(component[u]): component[u] for u in near[vertex] if u in component}
        births = sorted((oldest[i] for i in meeting), key=order)
        for late in births[1:]:
            if flat[vertex] > flat[late]:
                pairs[late] = (vertex, float(flat[late]), float(flat[vertex]), births[0])
                first.setdefault(late, float(flat[vertex]))
                first.setdefault(births[0], float(flat[vertex]))
            else:
                plateau.add(late)
        union = {vertex}.union(*meeting.values())
        for u in union:
            component[u] = union
        oldest[id(union)] = births[0] if births else vertex
    for birth in {oldest[id(c)] for c in component.values()}:
        pairs[birth] = (-1, float(flat[birth]), np.inf, -1)
        first.setdefault(birth, np.inf)

    basins = {}
    for start in near:
        at = start
        while (down := min([at, *near[at]], key=order)) != at:
            at = down
        if at not in plateau:
            basins[start] = at
    return Oracle(pairs, basins, first)
