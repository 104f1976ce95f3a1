"""Subspaces of Hessian eigenvectors."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from nblandscape.subspace.subspace import Subspace

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum
    from nblandscape.objective import Objective

_SUBSCRIPTS = str.maketrans("0123456789-", "₀₁₂₃₄₅₆₇₈₉₋")


def eigenvector_label(index: int, value: float | None = None) -> str:
    """v₁ is the direction of the largest, v₋₁ that of the smallest eigenvalue.

    Examples
    --------
    >>> eigenvector_label(0), eigenvector_label(-2, -0.125)
    ('v₁', 'v₋₂ (λ = −0.125)')
    """
    name = "v" + str(index + 1 if index >= 0 else index).translate(_SUBSCRIPTS)
    return name if value is None else f"{name} (λ = {f'{value:.3g}'.replace('-', '−')})"


def hessian_subspace(
    objective: "Objective", spectrum: "Spectrum", indices: Sequence[int], offset: Mapping[int, float]
) -> Subspace:
    """See `Subspace.hessian`."""
    count = len(spectrum.values)
    if spectrum.vectors.shape[1] != objective.num_parameters:
        raise ValueError(
            f"The spectrum has vectors of length {spectrum.vectors.shape[1]}; "
            f"the objective has {objective.num_parameters} parameters."
        )
    rows: dict[int, int] = {}
    for index in (*indices, *offset):
        if not -count <= index < count:
            raise ValueError(f"Eigenvector index {index} is outside the spectrum of {count} pairs.")
        row = index % count
        if row in rows.values():
            raise ValueError(
                f"Eigenvector index {index} is used twice among axes {tuple(indices)} and offset; "
                f"the spectrum has {count} in all."
            )
        rows[index] = row
    chosen = torch.as_tensor([rows[i] for i in indices], device=spectrum.vectors.device)
    values = tuple(float(spectrum.values[rows[i]]) for i in indices)
    plane = Subspace(
        objective.origin(),
        spectrum.vectors[chosen].to(objective.device, objective.dtype),
        tuple(eigenvector_label(i, v) for i, v in zip(indices, values, strict=True)),
        values,
        provenance={"kind": "hessian", "indices": [int(i) for i in indices], "eigenvalues": list(values)},
    )
    for index, amount in offset.items():
        label = eigenvector_label(index, float(spectrum.values[rows[index]]))
        plane = plane.shifted(spectrum.vectors[rows[index]], float(amount), label)
    return plane
