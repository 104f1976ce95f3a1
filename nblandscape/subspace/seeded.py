"""Subspaces of random directions that are kept as seeds."""

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from nblandscape.batches import update_digest
from nblandscape.replica import as_reals
from nblandscape.seeded_rows import SeededRows
from nblandscape.subspace.normalization import (
    Normalization,
    OneDimensional,
    block_norms,
    factors,
    filter_views,
    norms,
    nothing_moves,
)
from nblandscape.subspace.weights import WeightsSubspace

if TYPE_CHECKING:
    from nblandscape.objective import Objective

_INDEPENDENT = 1e-4  # least eigenvalue of the directions' cosines: half of the digits are lost below it


class SeededSubspace(WeightsSubspace):
    """A subspace of random directions that are never stored; see `Subspace.random` with ``stored=False``.

    `origin` and `directions` are made anew, as tensors of n and d n numbers, whenever they are asked for.
    Sampling losses does not ask.

    Attributes
    ----------
    rows : SeededRows
    """

    rows: SeededRows
    _gram: np.ndarray

    def __init__(self, objective: "Objective", rows: SeededRows, provenance: dict[str, Any]) -> None:
        gram = rows.turn @ rows.gram() @ rows.turn.T
        labels = tuple(f"random {i + 1}" for i in range(len(gram)))
        self._set(objective, rows=rows, labels=labels, provenance=provenance, _gram=gram)

    @property
    def directions(self) -> torch.Tensor:
        """The directions (d, n), a new tensor."""
        return torch.stack([self.rows.vector(row, self.weights[0]) for row in np.eye(self.dim)]).to(
            self.layout.dtype
        )

    @property
    def seeded(self) -> "SeededSubspace":
        """The subspace itself."""
        return self

    @property
    def dim(self) -> int:
        """Number of directions d."""
        return len(self.labels)

    @property
    def gram(self) -> np.ndarray:
        """Inner products of the directions, (d, d) float64."""
        return self._gram.copy()

    @property
    def lengths(self) -> np.ndarray:
        """Norms of the directions, (d,) float64."""
        return np.sqrt(np.diag(self._gram))

    def at(self, coordinates: Sequence[float] | np.ndarray) -> torch.Tensor:
        """Parameters (n,) at coordinates (d,)."""
        origin = self.origin
        return origin.add_(self.rows.vector(np.asarray(coordinates, dtype=np.float64), origin))

    def feed(self, digest: "hashlib._Hash") -> None:
        """Give a digest what decides the points of the subspace."""
        for weight in self.weights:
            update_digest(digest, as_reals(weight))
        digest.update(json.dumps([dict(self.provenance), self._gram.tolist()], sort_keys=True).encode())


def seeded_subspace(
    objective: "Objective",
    dim: int,
    normalize: Normalization | None,
    distribution: Literal["normal", "rademacher"],
    one_dimensional: OneDimensional,
    seed: int,
) -> SeededSubspace:
    """See `Subspace.random` with ``stored=False``."""
    rows = objective.random_rows(dim, distribution, seed)
    if normalize in ("filter", "layer"):
        _match(objective, rows, dim, normalize, one_dimensional)
    elif normalize == "unit":
        rows.turn = _orthonormalizing(rows.gram(), objective.num_parameters)
    provenance = {"kind": "random", "normalize": normalize, "distribution": distribution, "seed": seed}
    if normalize == "filter":
        provenance["one_dimensional"] = one_dimensional
    return SeededSubspace(objective, rows, {**provenance, "stored": False})


def _match(
    objective: "Objective",
    rows: SeededRows,
    dim: int,
    how: Literal["filter", "layer"],
    one_dimensional: OneDimensional,
) -> None:
    """Give each filter or tensor of the rows the norm that it has in the weights."""
    moves = False
    for number, view in enumerate(filter_views(objective, how, one_dimensional)):
        if view is None:
            for row in range(dim):
                rows.scales[row][number] = None
            continue
        rows.views[number] = view
        target = norms(view, as_reals(objective._snapshot.weights[number].detach())).cpu()
        moves = moves or bool(target.any())
        for row in range(dim):
            size = block_norms(view, (block for _, _, block in rows.blocks(row, number)))
            rows.scales[row][number] = factors(target, size).to(torch.float32)
    if not moves:
        raise ValueError(nothing_moves(how))


def _orthonormalizing(gram: np.ndarray, n: int) -> np.ndarray:
    """What turns rows with these inner products into orthonormal ones: the inverse of the Cholesky factor."""
    lengths = np.sqrt(np.diag(gram))
    cosines = gram / np.outer(lengths, lengths)
    if np.linalg.eigvalsh(cosines)[0] < _INDEPENDENT:
        raise ValueError(
            f"{len(gram)} random directions of {n} parameters are too nearly dependent to be turned without "
            "storing them; use stored=True, or fewer."
        )
    return np.asarray(np.linalg.inv(np.linalg.cholesky(gram)))
