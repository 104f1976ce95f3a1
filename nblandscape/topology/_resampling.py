"""Batches drawn with replacement: standard errors of height differences, and pairs that recur."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nblandscape.topology.merge_tree import MergeTree, merge_tree

_ENTRIES = 1 << 22  # numbers held at once beside the arrays of the caller


class Batches(NamedTuple):
    """Batch losses in the type they came in; `rows` makes float64 of what is needed."""

    flat: np.ndarray  # (vertices, batches)
    columns: np.ndarray  # batches that hold samples
    counts: np.ndarray  # (columns,)

    def rows(self, vertices: np.ndarray | slice) -> np.ndarray:
        part = self.flat[vertices]
        if self.columns.size < self.flat.shape[1]:
            part = part[:, self.columns]
        return part.astype(np.float64)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        for rows in _blocks(len(self.flat), self.flat.shape[1]):
            yield rows, self.rows(rows)

    def weights(self, rounds: int, seed: int) -> np.ndarray:
        """Weights (rounds, columns) of batches drawn with replacement."""
        size = self.counts.size
        drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), rounds) * self.counts
        weights: np.ndarray = drawn / drawn.sum(axis=1, keepdims=True)
        return weights


def unmasked(losses: np.ndarray) -> np.ndarray:
    """Plain array, masked entries as NaN."""
    if isinstance(losses, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(losses), np.nan, losses.data)
    return np.asarray(losses)


def checked_batches(batch_losses: np.ndarray, counts: np.ndarray | None, shape: tuple[int, ...]) -> Batches:
    losses = unmasked(batch_losses)
    if losses.dtype.kind not in "fiu":
        raise ValueError(f"batch_losses of type {losses.dtype} are not real numbers.")
    if losses.ndim != len(shape) + 1 or losses.shape[:-1] != shape or not losses.shape[-1]:
        raise ValueError(
            f"batch_losses have shape {losses.shape}; expected {(*shape, 'B')}: the tree's values {shape}, "
            "then one entry for each batch."
        )
    size = losses.shape[-1]
    weights = np.ones(size) if counts is None else np.asarray(counts, dtype=np.float64)
    if weights.shape != (size,):
        raise ValueError(f"counts have shape {weights.shape}; batch_losses have {size} batches.")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError(f"counts={weights.tolist()} must be positive (0 leaves a batch out), not all 0.")
    columns = np.flatnonzero(weights)
    return Batches(losses.reshape(-1, size), columns, weights[columns])


def check_mean(batches: Batches, values: np.ndarray) -> bool:
    """Whether every vertex has batch losses; ValueError unless their means are the tree's values."""
    flat, weights = values.ravel(), batches.counts / batches.counts.sum()
    worst, excess, missing, inside = -1, 0.0, 0, 0
    allowance = (
        max(1e-5, 16 * float(np.finfo(batches.flat.dtype).eps)) if batches.flat.dtype.kind == "f" else 1e-5
    )
    for rows, block in batches.blocks():
        wanted = np.isfinite(flat[rows])
        block, expected = block[wanted], flat[rows][wanted]
        known = np.isfinite(block).all(axis=1)
        partial = ~known & ~np.isnan(block).all(axis=1)
        if partial.any():
            vertex = rows.start + int(np.flatnonzero(wanted)[partial][0])
            raise ValueError(
                f"Some batch losses of vertex {vertex} are not finite, while its value is {flat[vertex]}: "
                "make the value NaN (a hole) or all its batch losses NaN (not evaluated)."
            )
        missing, inside = missing + int((~known).sum()), inside + known.size
        block, expected = block[known], expected[known]
        if not expected.size:
            continue
        off = np.abs(block @ weights - expected)
        beyond = off - allowance * (np.abs(block) @ weights)
        if beyond.max() > excess:
            excess = float(beyond.max())
            place = int(np.argmax(beyond))
            worst, largest = rows.start + int(np.flatnonzero(wanted)[known][place]), float(off[place])
    if missing == inside:
        raise ValueError("No vertex has batch losses: all of them are NaN.")
    if worst >= 0:
        raise ValueError(
            f"The weighted mean of the batch losses is not the tree's function: they differ by {largest:.3g} "
            f"at vertex {worst}, where the function is {flat[worst]:.6g}. Give the batch losses and counts "
            "that the values were made of."
        )
    return missing == 0


def paired_stderr(batches: Batches, weights: np.ndarray, birth: np.ndarray, death: np.ndarray) -> np.ndarray:
    found = np.empty(birth.size)
    for rows in _blocks(birth.size, sum(weights.shape)):
        difference = batches.rows(death[rows]) - batches.rows(birth[rows])
        found[rows] = (difference @ weights.T).std(axis=1, ddof=1)
    size = batches.counts.size
    found *= np.sqrt(size / (size - 1))
    return found


def recurrence(tree: MergeTree, batches: Batches, weights: np.ndarray) -> np.ndarray:
    """Share of the resamples in which a barrier divides the catchments of a row and of its parent."""
    sign = 1.0 if tree.kind == "sublevel" else -1.0
    finite = np.flatnonzero(tree.pairs["parent"] >= 0)
    if not finite.size:
        return np.ones(len(tree.pairs))
    parent = tree.pairs["parent"].tolist()
    heirs = _heirs(tree.beside.tolist(), finite.size)
    basins = _Members(tree.basins.ravel(), len(parent))
    hits = np.zeros(finite.size)
    for rounds in _blocks(len(weights), tree.values.size):
        resampled = np.empty((len(weights[rounds]), tree.values.size))
        for rows, block in batches.blocks():
            resampled[:, rows] = sign * (weights[rounds] @ block.T)
        resampled[:, ~np.isfinite(tree.values.ravel())] = np.nan
        lowest = np.empty((len(parent), len(resampled)))
        leaf = np.empty(lowest.shape, dtype=np.intp)
        trees = [merge_tree(g.reshape(tree.values.shape), connectivity=tree.connectivity) for g in resampled]
        for r, other in enumerate(trees):
            vertices = basins.lowest(resampled[r])
            lowest[:, r], leaf[:, r] = resampled[r, vertices], other.basins.ravel()[vertices]
        heights = np.empty((2, finite.size, len(resampled)))
        leaves = np.empty(heights.shape, dtype=np.intp)
        # From the last row to the first: basins grow to what they are in the tree of rows 0 .. row.
        for row in finite[::-1].tolist():
            place, up, heir = row - finite[0], parent[row], heirs[row]
            heights[:, place], leaves[:, place] = lowest[[row, up]], leaf[[row, up]]
            lower = lowest[row] < lowest[heir]
            np.copyto(lowest[heir], lowest[row], where=lower)
            np.copyto(leaf[heir], leaf[row], where=lower)
        for r, other in enumerate(trees):
            higher = heights[:, :, r].max(axis=0)
            barrier = _merge_heights(other, *leaves[:, :, r]) - higher
            hits += barrier >= tree.persistence[finite] / 2
    share = np.ones(len(parent))
    share[finite] = hits / len(weights)
    return share


def _heirs(beside: list[int], finite: int) -> dict[int, int]:
    """Row whose basin takes in that of each finite row, if rows vanish from the last to the first."""
    heirs: dict[int, int] = {}
    for row in range(len(beside) - 1, len(beside) - finite - 1, -1):
        heir = beside[row]
        while heir in heirs:
            heir = heirs[heir]
        heirs[row] = heir
    return heirs


class _Members:
    """Vertices of each basin, side by side, to find the lowest of each in other functions."""

    def __init__(self, labels: np.ndarray, count: int) -> None:
        order = np.argsort(labels, kind="stable")
        self.vertices = order[np.searchsorted(labels[order], 0) :]
        self.sizes = np.bincount(labels[self.vertices], minlength=count)
        self.starts = np.cumsum(self.sizes) - self.sizes

    def lowest(self, heights: np.ndarray) -> np.ndarray:
        inside = heights[self.vertices]
        lowest = np.minimum.reduceat(inside, self.starts)
        places = np.flatnonzero(inside == np.repeat(lowest, self.sizes))
        first = places[np.searchsorted(places, self.starts)]
        found: np.ndarray = self.vertices[first]
        return found


def _merge_heights(tree: MergeTree, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Height at which leaves of a sublevel tree meet; -inf for a leaf and itself."""
    a, b = first.copy(), second.copy()
    death, parent = tree.pairs["death"], tree.pairs["parent"]
    height = np.full(a.size, -np.inf)
    while (apart := np.flatnonzero(a != b)).size:
        ending = death[a[apart]] <= death[b[apart]]
        row = np.where(ending, a[apart], b[apart])
        height[apart] = np.maximum(height[apart], death[row])
        a[apart] = np.where(ending, parent[row], a[apart])
        b[apart] = np.where(ending, b[apart], parent[row])
    return height


def _blocks(length: int, width: int) -> Iterator[slice]:
    step = max(1, _ENTRIES // max(width, 1))
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))
