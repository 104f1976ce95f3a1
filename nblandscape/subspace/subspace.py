"""A subspace: an origin and directions, in which coordinates are true parameter displacements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum
    from nblandscape.objective import Objective

Normalization = Literal["filter", "layer", "unit"]


@dataclass(frozen=True, eq=False)
class Subspace:
    """Points theta = origin + sum_i alpha_i directions_i.

    Attributes
    ----------
    origin : torch.Tensor, shape (n,)
    directions : torch.Tensor, shape (d, n)
        As they are: unit length for Hessian directions, the user's own length otherwise.
    labels : tuple of d str
    curvatures : tuple of d floats or None
        Second derivative along each direction, where known.
    contains_model : bool
        Whether the origin is the model itself.
    provenance : dict
        How the subspace was made.
    """

    origin: torch.Tensor
    directions: torch.Tensor
    labels: tuple[str, ...]
    curvatures: tuple[float, ...] | None = None
    contains_model: bool = True
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.directions.ndim != 2 or self.directions.shape[1] != self.origin.numel():
            raise ValueError(
                f"directions have shape {tuple(self.directions.shape)}; expected (d, {self.origin.numel()})."
            )
        if len(self.labels) != len(self.directions):
            raise ValueError(f"{len(self.labels)} labels for {len(self.directions)} directions.")
        if not bool(torch.isfinite(self.directions).all()):
            raise ValueError("A direction holds NaN or inf.")
        norms = self.lengths
        if (norms == 0).any():
            raise ValueError(f"Direction {int(np.flatnonzero(norms == 0)[0])} is zero.")

    @property
    def dim(self) -> int:
        """Number of directions d."""
        return len(self.directions)

    @property
    def gram(self) -> np.ndarray:
        """Inner products of the directions, (d, d) float64: the identity if they are orthonormal."""
        d = self.directions.to(torch.float64)
        return np.asarray((d @ d.T).cpu())

    @property
    def lengths(self) -> np.ndarray:
        """Norms of the directions, (d,) float64."""
        return np.asarray(torch.linalg.vector_norm(self.directions.to(torch.float64), dim=1).cpu())

    def at(self, coordinates: Sequence[float] | np.ndarray) -> torch.Tensor:
        """Parameters (n,) at coordinates (d,).

        Examples
        --------
        >>> import torch
        >>> plane = Subspace(torch.zeros(3), torch.eye(3)[:2], ("a", "b"))
        >>> plane.at([1.0, 2.0])
        tensor([1., 2., 0.])
        """
        alpha = torch.as_tensor(
            np.asarray(coordinates), dtype=self.directions.dtype, device=self.directions.device
        )
        return torch.addmv(self.origin, self.directions.T, alpha)

    def shifted(self, direction: torch.Tensor, amount: float, label: str) -> "Subspace":
        """The parallel subspace through origin + amount * direction."""
        if amount == 0.0:
            return self
        moved = self.origin + amount * direction.to(self.origin)
        provenance = {**self.provenance, "offset": {"label": label, "amount": amount}}
        return Subspace(moved, self.directions, self.labels, self.curvatures, False, provenance)

    @classmethod
    def hessian(
        cls,
        objective: "Objective",
        spectrum: "Spectrum",
        indices: Sequence[int] = (0, -1),
        *,
        offset: Mapping[int, float] | None = None,
    ) -> "Subspace":
        """Span Hessian eigenvectors: the slice that shows a saddle as a saddle.

        Parameters
        ----------
        objective : Objective
        spectrum : Spectrum
            Of this objective.
        indices : sequence of int
            0, 1, … count from the largest eigenvalue, -1, -2, … from the smallest.
        offset : dict of index to displacement, optional
            Moves the plane along further eigenvectors.

        Raises
        ------
        ValueError
            An index outside the spectrum, one used twice, or a spectrum of another model.

        Notes
        -----
        Böttcher & Wheeler, arXiv 2208.13219: projections along the eigenvectors of the largest and
        smallest curvature.
        """
        from nblandscape.subspace.hessian import hessian_subspace

        return hessian_subspace(objective, spectrum, indices, offset or {})

    @classmethod
    def random(
        cls,
        objective: "Objective",
        dim: int = 2,
        *,
        normalize: Normalization | None = "filter",
        distribution: Literal["normal", "rademacher"] = "normal",
        seed: int = 0,
    ) -> "Subspace":
        """Span zero-mean random directions.

        Parameters
        ----------
        objective : Objective
        dim : int
        normalize : {"filter", "layer", "unit"} or None
            "filter": each output filter (row) has the norm of the weights' filter, one-dimensional
            parameters are left out (Li et al. 2018, section 4); "layer": each tensor the norm of the
            weights' tensor; "unit": the whole direction length 1, orthogonal to the others.
        distribution : {"normal", "rademacher"}
        seed : int
            Of a private generator.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(4, 3)
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(2, 4), torch.ones(2, 3)))
        >>> plane = nbl.Subspace.random(objective, 2, normalize="unit")
        >>> bool(abs(plane.gram - [[1, 0], [0, 1]]).max() < 1e-6)
        True
        """
        from nblandscape.subspace.randomized import random_subspace

        return random_subspace(objective, dim, normalize, distribution, seed)

    @classmethod
    def from_directions(
        cls,
        objective: "Objective",
        directions: torch.Tensor | Iterable[torch.Tensor | Mapping[str, torch.Tensor]],
        labels: Sequence[str] | None = None,
    ) -> "Subspace":
        """Span any directions, as they are.

        Parameters
        ----------
        objective : Objective
        directions : (d, n) tensor, or d flat vectors (n,) or mappings of parameter name to tensor
        labels : sequence of d str, optional

        Raises
        ------
        ValueError
            Wrong sizes, unknown or missing names, zero or non-finite directions.
        """
        rows = [_flatten(objective, direction, i) for i, direction in enumerate(directions)]
        if not rows:
            raise ValueError("No directions were given.")
        names = tuple(labels) if labels is not None else tuple(f"direction {i + 1}" for i in range(len(rows)))
        return cls(objective.origin(), torch.stack(rows), names, provenance={"kind": "directions"})


def _flatten(
    objective: "Objective", direction: torch.Tensor | Mapping[str, torch.Tensor], number: int
) -> torch.Tensor:
    if isinstance(direction, Mapping):
        names = objective.parameter_names
        missing, unknown = [n for n in names if n not in direction], [n for n in direction if n not in names]
        if missing or unknown:
            raise ValueError(
                f"Direction {number}: names {missing[:3]} are missing, {unknown[:3]} are unknown."
            )
        direction = objective.flatten({name: direction[name] for name in names})
    if direction.numel() != objective.num_parameters:
        raise ValueError(
            f"Direction {number} has {direction.numel()} entries; "
            f"the objective has {objective.num_parameters} parameters."
        )
    return direction.detach().reshape(-1).to(objective.device, objective.dtype)
