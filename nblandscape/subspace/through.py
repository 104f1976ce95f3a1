"""The segment or plane through checkpoints."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from nblandscape.subspace.checkpoints import Source, flat, locate, warn_of_held
from nblandscape.subspace.statistics import moving_statistics
from nblandscape.subspace.subspace import Origin, Subspace
from nblandscape.subspace.trajectory import anchor_weights, rounding_of

if TYPE_CHECKING:
    from nblandscape.objective import Objective


def through_subspace(
    objective: "Objective", checkpoints: Sequence[Source], origin: Origin, statistics: bool = False
) -> Subspace:
    """See `Subspace.through`."""
    if not checkpoints:
        raise ValueError("No checkpoints were given.")
    found = locate(objective, checkpoints)
    home = objective.origin().cpu().to(torch.float64)
    weights = anchor_weights(origin, len(found))
    points = torch.stack([flat(objective, c) for c in found])
    start = home + torch.from_numpy(weights) @ (points - home)
    start = start.to(objective.dtype).to(torch.float64)  # as it will be stored
    away = points - start
    names = [c.title if c.step is None else f"step {c.step}" for c in found]
    slack = 4 * rounding_of(objective, found) * max(float(points.norm(dim=1).max()), float(start.norm()))
    basis, labels = _basis(names, points, away, origin == "objective", slack)
    rows = torch.stack(basis).to(objective.dtype)
    stored = rows.to(torch.float64)
    anchors = torch.linalg.solve(stored @ stored.T, stored @ away.T).T.numpy()
    provenance: dict[str, Any] = {
        "kind": "through",
        "checkpoints": names,
        "origin": origin,
        "anchors": anchors.tolist(),
    }
    moving = moving_statistics(objective, found, weights, anchors) if statistics else None
    provenance["held"] = warn_of_held(objective, found, moving or ())
    if moving is not None:
        provenance["statistics"] = "interpolated"
    return Subspace(
        start.to(objective.device, objective.dtype),
        rows.to(objective.device),
        tuple(labels),
        contains_model=bool(torch.equal(start, home)),
        provenance=provenance,
        anchors=anchors,
        statistics=moving,
    )


def _basis(
    names: Sequence[str], points: torch.Tensor, away: torch.Tensor, with_home: bool, slack: float
) -> tuple[list[torch.Tensor], list[str]]:
    """Orthonormal directions, each towards the next checkpoint that leaves the span of those before."""
    for i, point in enumerate(points):
        for j in range(i):
            if float((point - points[j]).norm()) <= slack:
                raise ValueError(f"{names[j]} and {names[i]} are identical up to rounding.")
    outside = [i for i, vector in enumerate(away) if float(vector.norm()) > slack]
    own = " and the objective's weights" if with_home and len(outside) == len(points) else ""
    count = len(points) + bool(own)
    if count > 3:
        raise ValueError(
            f"{len(points)} checkpoints{own} are {count} points; at most three make a plane. "
            'For the plane through three checkpoints pass origin="first" or "mean".'
        )
    if not outside:
        raise ValueError(
            f"{names[0]} is identical with the origin up to rounding: there is no direction. "
            "Pass another checkpoint."
        )
    basis: list[torch.Tensor] = []
    labels: list[str] = []
    for i in outside:
        left = away[i].clone()
        for row in basis * 2:  # twice is enough
            left -= row * (row @ left)
        if float(left.norm()) > slack:
            basis.append(left / left.norm())
            labels.append(f"towards {names[i]}" + (" ⟂" if labels else ""))
    if len(basis) < count - 1:
        raise ValueError(
            f"The {count} points ({', '.join(names)}{own}) lie on a line up to rounding, so that they make "
            "no plane. Leave one out for the segment."
        )
    return basis, labels
