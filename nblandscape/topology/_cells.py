"""Cells and passes of a segmentation: connected pieces of one label, and where two labels touch."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from nblandscape.topology.neighbours import crossings, forward_offsets, shifted


def components(labels: np.ndarray) -> np.ndarray:
    """Components of equal neighbours, numbered in the order (label, first vertex); -1 stays -1."""
    starts = np.ones(labels.shape, dtype=bool)
    np.not_equal(labels[..., 1:], labels[..., :-1], out=starts[..., 1:])
    # Runs along the last axis instead of vertices: a much smaller graph where the function is smooth.
    run = (np.cumsum(starts) - 1).reshape(labels.shape).astype(np.int32)
    label_of = labels[starts]
    part: np.ndarray = np.arange(label_of.size)
    for a, b in _portions(_touching(labels, run), labels.size):
        ones = np.ones(a.size, dtype=bool)
        _, merged = connected_components(coo_array((ones, (part[a], part[b])), shape=(part.max() + 1,) * 2))
        part = merged[part]
    runs = np.flatnonzero(label_of >= 0)
    _, first = np.unique(part[runs], return_index=True)
    first = runs[first]
    number = np.full(part.max() + 1, -1, dtype=np.int32)
    number[part[first[np.lexsort((first, label_of[first]))]]] = np.arange(first.size)
    numbers: np.ndarray = np.where(label_of >= 0, number[part], -1).astype(np.int32)
    return numbers[run]


def _touching(labels: np.ndarray, run: np.ndarray) -> Iterator[np.ndarray]:
    """Runs of one label that touch, as arrays (2, e), for every step but that along the runs."""
    for step in forward_offsets(labels.ndim, "freudenthal")[1:]:
        here, there = shifted(step)
        same = (labels[here] == labels[there]) & (labels[here] >= 0)
        ends = np.stack([run[here][same], run[there][same]])
        fresh = np.ones(ends.shape[1], dtype=bool)
        fresh[1:] = (ends[:, 1:] != ends[:, :-1]).any(axis=0)
        yield ends[:, fresh]


def _portions(parts: Iterator[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same arrays, put together until a portion exceeds four times the size."""
    waiting: list[np.ndarray] = []
    for part in parts:
        waiting.append(part)
        if sum(p.shape[1] for p in waiting) > 4 * size:
            yield np.concatenate(waiting, axis=1)
            waiting = []
    if waiting:
        yield np.concatenate(waiting, axis=1)


def first_passes(labels: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (p, 2) of neighbouring labels and the vertex (p,) of the first pass between the two.

    An edge opens when a sweep, which meets the vertices in that order, has met both ends.
    """
    count = int(labels.max()) + 1
    rank = ranks(order)
    keys, opened = np.empty((2, 0), dtype=np.int64)
    for edges in crossings(labels, "freudenthal"):
        ends = labels.ravel()[edges].astype(np.int64)
        key = ends.min(axis=0) * count + ends.max(axis=0)
        keys, number = np.unique(np.concatenate([keys, key]), return_inverse=True)
        earlier, opened = np.concatenate([opened, rank[edges].max(axis=0)]), np.full(keys.size, order.size)
        np.minimum.at(opened, number, earlier)
    sweep = np.lexsort((keys, opened))
    return np.stack(np.divmod(keys[sweep], count), axis=1), order[opened[sweep]]


def ranks(order: np.ndarray) -> np.ndarray:
    """Place of every vertex in an order of the vertices."""
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return rank
