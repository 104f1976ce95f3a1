"""Numbers of one merge tree, and how they are written down."""

from dataclasses import dataclass, fields

import numpy as np

from nblandscape.topology.merge_tree import MergeTree
from nblandscape.topology.smad import smad


@dataclass(frozen=True)
class Numbers:
    """Numbers of one merge tree. Persistence here is that of finite pairs; 0.0 where there is none.

    Attributes
    ----------
    minima : int
        Leaves, essential ones included (maxima of a superlevel tree).
    saddles : int
        Vertices at which branches merge. A saddle that closes a loop merges nothing and is not among them.
    smad, smad_normalized, smad_weighted, smad_weighted_normalized : float
        See `nblandscape.topology.smad`.
    average_persistence, total_persistence, largest_persistence : float
        Of the finite pairs, elder rule. The essential class, whose persistence would be the range of the
        picture, is left out.
    entropy : float
        Persistence entropy -sum p_i log p_i with p_i = persistence_i / total (Atienza, Gonzalez-Diaz and
        Rucco, 2019), in nats: 0 for one pair, log k for k alike.
    entropy_normalized : float
        entropy / log k, between 0 and 1; 0 for fewer than two pairs.
    """

    minima: int
    saddles: int
    smad: float
    smad_normalized: float
    smad_weighted: float
    smad_weighted_normalized: float
    average_persistence: float
    total_persistence: float
    largest_persistence: float
    entropy: float
    entropy_normalized: float


def numbers_of(tree: MergeTree) -> Numbers:
    finite = tree.persistence[np.isfinite(tree.persistence)]
    total, entropy = float(finite.sum()), 0.0
    if total > 0:
        share = finite / total
        entropy = float(-(share * np.log(share, where=share > 0, out=np.zeros_like(share))).sum()) + 0.0
    return Numbers(
        len(tree.pairs),
        len(tree.saddles),
        smad(tree),
        smad(tree, normalize=True),
        smad(tree, weighted=True),
        smad(tree, normalize=True, weighted=True),
        total / max(finite.size, 1),
        total,
        float(finite.max(initial=0.0)),
        entropy,
        entropy / float(np.log(finite.size)) if finite.size > 1 else 0.0,
    )


def items(numbers: Numbers) -> list[tuple[str, float]]:
    return [(f.name, getattr(numbers, f.name)) for f in fields(numbers)]


def words(name: str) -> str:
    return name.replace("_", " ").replace("smad", "SMAD")


def table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    ]
