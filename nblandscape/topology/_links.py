"""Homology of lower links in Freudenthal's triangulation.

The link of a vertex in d dimensions is the boundary of a d-simplex, subdivided once: its vertices are the
non-empty proper subsets A of {0, .., d}, its simplices the chains of subsets. A step along the axes S is
A = S, a step back along S is the complement of S. What is lower is a family of subsets; its order complex is
the lower link. Families are handled many at a time, one bit each.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

# So many families at a time stay in the cache of the processor.
_CHUNK = 1 << 15
_WORD = 64


def steps(dimension: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Forward steps of the link with their subsets; the step back is the complement."""
    for subset in range(1, 1 << dimension):
        yield subset, tuple(subset >> axis & 1 for axis in reversed(range(dimension)))


def complement(subset: int, dimension: int) -> int:
    """Everything in {0, .., d} that is not in the subset."""
    return (2 << dimension) - 1 - subset


def multiplicities(codes: np.ndarray, dimension: int) -> np.ndarray:
    """How often families of link vertices count as critical of each index.

    codes: unsigned (w, n), one column per family; bit A - 1, counted through the words, says whether the
    subset A is in. Returns int16 (n, d + 1): entry k is the reduced Betti number k - 1 of the order complex.
    """
    parts = [_chunk(codes[:, at : at + _CHUNK], dimension) for at in range(0, codes.shape[1], _CHUNK)]
    return np.concatenate(parts)


def _chunk(codes: np.ndarray, dimension: int) -> np.ndarray:
    members = _members(codes, dimension)
    count = members.shape[1]
    packed = _packed(members)
    lower, upper = _components(packed, count, dimension), _components(~packed, count, dimension)
    found = np.zeros((count, dimension + 1), dtype=np.int16)
    if dimension > 1:
        # Alexander duality in the sphere: b_(d-2) of the lower part is b_0 of the upper one.
        found[:, 1] = np.maximum(lower - 1, 0)
        found[:, -2] = np.maximum(upper - 1, 0)
    proper = np.flatnonzero((lower > 0) & (upper > 0))
    if dimension == 4:
        # chi = b_0 - b_1 + b_2
        found[proper, 2] = (found[:, 1] + found[:, 3] - _euler(members, dimension))[proper]
    elif dimension > 4:
        found[proper, 2:-2] = _middle(members.take(proper, axis=1), dimension)
    found[:, 0], found[:, -1] = lower == 0, upper == 0
    return found


def _members(codes: np.ndarray, dimension: int) -> np.ndarray:
    """Bool (2^(d+1), n): row A says which families contain the subset A; the improper subsets are in none."""
    members = np.zeros((2 << dimension, codes.shape[1]), dtype=bool)
    bits = 8 * codes.itemsize
    for place in range((2 << dimension) - 2):
        members[place + 1] = codes[place // bits] >> codes.dtype.type(place % bits) & codes.dtype.type(1)
    return members


def _packed(members: np.ndarray) -> np.ndarray:
    missing = -members.shape[1] % _WORD
    return np.packbits(np.pad(members, ((0, 0), (0, missing))), axis=1).view(np.uint64)


def _unpacked(packed: np.ndarray, count: int) -> np.ndarray:
    return np.unpackbits(packed.view(np.uint8), axis=-1, count=count)


@cache
def _comparable(dimension: int) -> list[np.ndarray]:
    """For every subset the others that contain it or that it contains (empty for the two improper ones)."""
    full = (2 << dimension) - 1
    return [
        np.array([b for b in range(1, full) if a != b and 0 < a < full and a & b in (a, b)], dtype=np.intp)
        for a in range(full + 1)
    ]


def _components(packed: np.ndarray, count: int, dimension: int) -> np.ndarray:
    """Number of connected components of each family, by flooding one component after the other."""
    near = _comparable(dimension)
    subsets = range(1, len(near) - 1)
    components = np.zeros(count, dtype=np.int16)
    left = packed.copy()
    left[[0, -1]] = 0
    while left.any():
        wet = np.zeros_like(left)
        seeded = np.zeros_like(left[0])
        for a in subsets:
            wet[a] = left[a] & ~seeded
            seeded |= left[a]
        components += _unpacked(seeded, count)
        before = np.zeros_like(wet)
        while not np.array_equal(before, wet):
            before = wet.copy()
            for a in (*subsets, *reversed(subsets)):
                wet[a] |= left[a] & np.bitwise_or.reduce(wet[near[a]], axis=0)
        left &= ~wet
    return components


def _euler(members: np.ndarray, dimension: int) -> np.ndarray:
    """Reduced Euler characteristic of each family's complex: the Moebius function of the family (P. Hall)."""
    near = _comparable(dimension)
    moebius = np.zeros(members.shape, dtype=np.int16)
    for a in range(1, len(near) - 1):
        below = near[a][near[a] < a]
        moebius[a] = np.where(members[a], -1 - moebius[below].sum(axis=0, dtype=np.int16), 0)
    total: np.ndarray = -1 - moebius.sum(axis=0, dtype=np.int16)
    return total


def _middle(members: np.ndarray, dimension: int) -> np.ndarray:
    """Betti numbers 1 .. d - 3 over Z/2 of families that are neither empty nor complete."""
    cores = _unpacked(_collapsed(_packed(members), dimension), members.shape[1])
    found = np.zeros((members.shape[1], dimension - 3), dtype=np.int16)
    open_ = np.flatnonzero(cores[1:-1].sum(axis=0) > 1)
    # One string of bytes per core: many families share one.
    keys = np.packbits(cores[:, open_].T, axis=1)
    _, first, which = np.unique(
        keys.view(f"V{keys.shape[1]}").ravel(), return_index=True, return_inverse=True
    )
    betti = [_betti(np.flatnonzero(cores[1:-1, family]) + 1, dimension) for family in open_[first].tolist()]
    if betti:
        found[open_] = np.array(betti, dtype=np.int16)[which]
    return found


def _collapsed(packed: np.ndarray, dimension: int) -> np.ndarray:
    """Families without dominated vertices: a vertex goes if its link is a cone (Barmak and Minian 2012)."""
    packed = packed.copy()
    packed[[0, -1]] = 0
    before = np.zeros_like(packed)
    while not np.array_equal(before, packed):
        before = packed.copy()
        for a, b, apart in _dominations(dimension):
            packed[a] &= ~packed[b] | np.bitwise_or.reduce(packed[apart], axis=0)
    return packed


@cache
def _dominations(dimension: int) -> list[tuple[int, int, np.ndarray]]:
    """Subsets a, b such that b dominates a in the families without any of the third, for every pair."""
    near = _comparable(dimension)
    return [
        (a, b, np.setdiff1d(near[a], [*near[b], b]))
        for a in range(1, len(near) - 1)
        for b in near[a].tolist()
    ]


def _betti(family: np.ndarray, dimension: int) -> list[int]:
    import gudhi

    a, b = np.triu_indices(family.size, k=1)
    meet = family[a] & family[b]
    edges = np.flatnonzero((meet == family[a]) | (meet == family[b]))
    complex_ = gudhi.SimplexTree()
    complex_.insert_batch(np.arange(family.size)[None, :], np.zeros(family.size))
    complex_.insert_batch(np.stack([a[edges], b[edges]]), np.zeros(edges.size))
    complex_.collapse_edges(nb_iterations=2)
    complex_.expansion(dimension - 2)
    complex_.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
    betti = complex_.betti_numbers()
    return [betti[k] if k < len(betti) else 0 for k in range(1, dimension - 2)]
