"""Random directions."""

from typing import TYPE_CHECKING, Literal

import torch

from nblandscape.subspace.subspace import Normalization, Subspace

if TYPE_CHECKING:
    from nblandscape.objective import Objective


def random_subspace(
    objective: "Objective",
    dim: int,
    normalize: Normalization | None,
    distribution: Literal["normal", "rademacher"],
    seed: int,
) -> Subspace:
    """See `Subspace.random`."""
    n = objective.num_parameters
    if not 1 <= dim <= n:
        raise ValueError(f"dim={dim}; it must be between 1 and the {n} parameters.")
    if normalize not in ("filter", "layer", "unit", None):
        raise ValueError(f'normalize={normalize!r}; use "filter", "layer", "unit" or None.')
    generator = torch.Generator(device="cpu").manual_seed(seed)
    if distribution == "normal":
        rows = torch.randn(dim, n, generator=generator, dtype=torch.float32)
    elif distribution == "rademacher":
        rows = torch.randint(0, 2, (dim, n), generator=generator).to(torch.float32) * 2 - 1
    else:
        raise ValueError(f'distribution={distribution!r}; use "normal" or "rademacher".')
    rows = rows.to(objective.device, objective.dtype)
    if normalize == "unit":
        rows = torch.linalg.qr(rows.to(torch.float64).T).Q.T.to(objective.dtype)
    elif normalize is not None:
        weights = objective.unflatten(objective.origin())
        rows = torch.stack([_matched(objective, row, weights, normalize) for row in rows])
    labels = tuple(f"random {i + 1}" for i in range(dim))
    provenance = {"kind": "random", "normalize": normalize, "distribution": distribution, "seed": seed}
    return Subspace(objective.origin(), rows, labels, provenance=provenance)


def _matched(
    objective: "Objective", row: torch.Tensor, weights: dict[str, torch.Tensor], normalize: Normalization
) -> torch.Tensor:
    pieces = objective.unflatten(row)
    for name, piece in pieces.items():
        weight = weights[name]
        if normalize == "filter" and weight.ndim < 2:
            piece.zero_()
            continue
        dims = tuple(range(1, weight.ndim)) if normalize == "filter" else tuple(range(weight.ndim))
        size = torch.linalg.vector_norm(piece, dim=dims, keepdim=True)
        target = torch.linalg.vector_norm(weight, dim=dims, keepdim=True)
        piece.mul_(torch.where(size > 0, target / size.clamp(min=torch.finfo(size.dtype).tiny), 0))
    flat = objective.flatten(pieces)
    if not bool(flat.any()):
        raise ValueError(
            f'normalize="{normalize}" leaves nothing to move: all analysed parameters are one-dimensional '
            'or zero. Use normalize="layer" or "unit".'
        )
    return flat
