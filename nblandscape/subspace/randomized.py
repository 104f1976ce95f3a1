"""Random directions."""

from typing import TYPE_CHECKING, Literal

import torch

from nblandscape.subspace.normalization import Normalization, OneDimensional, match
from nblandscape.subspace.seeded import seeded_subspace
from nblandscape.subspace.subspace import Subspace
from nblandscape.subspace.weights import WeightsSubspace

if TYPE_CHECKING:
    from nblandscape.objective import Objective


def random_subspace(
    objective: "Objective",
    dim: int,
    normalize: Normalization | None,
    distribution: Literal["normal", "rademacher"],
    one_dimensional: OneDimensional,
    seed: int,
    stored: bool,
) -> Subspace:
    """See `Subspace.random`."""
    n = objective.num_parameters
    if not 1 <= dim <= n:
        raise ValueError(f"dim={dim}; it must be between 1 and the {n} parameters.")
    check_normalization(normalize, one_dimensional)
    if not stored:
        return seeded_subspace(objective, dim, normalize, distribution, one_dimensional, seed)
    rows = random_rows(dim, n, distribution, seed).to(objective.device, objective.dtype)
    if normalize == "unit":
        rows = torch.linalg.qr(rows.to(torch.float64).T).Q.T.to(objective.dtype)
    elif normalize is not None:
        for row in rows:
            match(objective, row, normalize, one_dimensional)
    provenance = {"kind": "random", "normalize": normalize, "distribution": distribution, "seed": seed}
    if normalize == "filter":
        provenance["one_dimensional"] = one_dimensional
    labels = tuple(f"random {i + 1}" for i in range(dim))
    return WeightsSubspace(objective, rows, labels, provenance)


def random_rows(dim: int, n: int, distribution: str, seed: int) -> torch.Tensor:
    """Zero-mean rows (dim, n) of variance 1, from a private generator."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    if distribution == "normal":
        return torch.randn(dim, n, generator=generator, dtype=torch.float32)
    if distribution == "rademacher":
        return torch.randint(0, 2, (dim, n), generator=generator).to(torch.float32) * 2 - 1
    raise ValueError(f'distribution={distribution!r}; use "normal" or "rademacher".')


def normalized_subspace(
    subspace: Subspace,
    objective: "Objective",
    normalize: Normalization,
    one_dimensional: OneDimensional,
) -> Subspace:
    """See `Subspace.normalized`."""
    check_normalization(normalize, one_dimensional)
    kind = subspace.provenance.get("kind")
    if kind not in ("random", "directions"):
        raise ValueError(
            f"These directions are of kind {kind!r}; rescaling parts of them would turn them into others. "
            "Only random directions are normalised."
        )
    rows = subspace.directions.clone()
    if normalize == "unit":
        rows /= torch.as_tensor(subspace.lengths).to(rows)[:, None]
    else:
        for row in rows:
            match(objective, row, normalize, one_dimensional)
    provenance = {**subspace.provenance, "normalize": normalize}
    if normalize == "filter":
        provenance["one_dimensional"] = one_dimensional
    return Subspace(
        subspace.origin, rows, subspace.labels, contains_model=subspace.contains_model, provenance=provenance
    )


def check_normalization(normalize: str | None, one_dimensional: str) -> None:
    """Raise `ValueError` for names that do not exist."""
    if normalize not in ("filter", "layer", "unit", None):
        raise ValueError(f'normalize={normalize!r}; use "filter", "layer", "unit" or None.')
    if one_dimensional not in ("zero", "norm"):
        raise ValueError(f'one_dimensional={one_dimensional!r}; use "zero" or "norm".')
