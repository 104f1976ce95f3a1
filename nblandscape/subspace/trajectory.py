"""Principal components of the checkpoints of a training run."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nblandscape.cancel import CancelSignal, check
from nblandscape.subspace.checkpoints import (
    Checkpoints,
    Located,
    locate,
    pieces,
    read_piece,
    sources_of,
    warn_of_held,
)
from nblandscape.subspace.explained import Explained, random_walk
from nblandscape.subspace.subspace import Origin, Subspace

if TYPE_CHECKING:
    from nblandscape.objective import Objective

_PIECE = 2**23  # float64 numbers of all checkpoints together that are held at once: 64 MB
_SHOWN = 10  # leading components whose variance is reported


def trajectory_subspace(
    objective: "Objective",
    checkpoints: Checkpoints,
    dim: int,
    origin: Origin,
    steps: Sequence[int] | None,
    callback: Callable[[int, int], None] | None,
    cancel: CancelSignal | None,
) -> Subspace:
    """See `Subspace.trajectory`."""
    found = locate(objective, sources_of(checkpoints))
    count = len(found)
    if dim < 1 or count < dim + 1:
        raise ValueError(
            f"dim={dim}: {count} checkpoints span at most {max(count - 1, 0)} dimensions. "
            "Record more of them, or ask for fewer dimensions."
        )
    times = _times(found, steps)
    size = max(1, _PIECE // count)
    parts = list(pieces(objective, size))
    done = 0

    def progress() -> None:
        nonlocal done
        done += 1
        if callback is not None:
            callback(done, 2 * len(parts))
        check(cancel)

    home = objective.origin().cpu().to(torch.float64)
    gram = np.zeros((count, count))  # of the differences to the checkpoints' mean
    away = np.zeros(count)  # and their products with the way from the objective's weights to that mean
    begin, norm = 0, 0.0
    for part in parts:
        block, mean = _about_mean(found, part)
        here = slice(begin, begin + len(mean))
        gram += (block @ block.T).numpy()
        away += (block @ (mean - home[here])).numpy()
        norm += float(mean.square().sum())
        begin = here.stop
        progress()
    mix, explained = _components(gram, dim, objective.num_parameters, _floor(objective, found, norm), times)
    weights = anchor_weights(origin, count)
    rows = torch.empty(dim, objective.num_parameters, dtype=objective.dtype)
    start = home.to(objective.dtype)
    path = gram @ mix.T  # up to rounding of the directions
    path -= weights @ path if origin != "objective" else -(mix @ away)
    cross, own, rest = np.zeros((count, dim)), np.zeros((dim, dim)), np.zeros(count)
    begin = 0
    for part in parts:
        block, mean = _about_mean(found, part)
        here = slice(begin, begin + len(mean))
        rows[:, here] = (torch.from_numpy(mix) @ block).to(rows.dtype)
        if origin == "objective":
            block += mean - home[here]
        else:
            shift = torch.from_numpy(weights) @ block
            start[here] = (mean + shift).to(start.dtype)
            block -= shift
        stored = rows[:, here].to(torch.float64)  # as they are, rounded: coordinates belong to these
        cross += (block @ stored.T).numpy()
        own += (stored @ stored.T).numpy()
        rest += (block - torch.from_numpy(path) @ stored).square().sum(dim=1).numpy()
        begin = here.stop
        progress()
    path = np.linalg.solve(own, cross.T).T
    off_plane = np.sqrt(rest)
    held = warn_of_held(objective, [found[0], found[-1]])
    provenance: dict[str, Any] = {
        "kind": "trajectory",
        "checkpoints": count,
        "steps": [int(t) for t in times],
        "origin": origin,
        "explained": explained.ratios.tolist(),
        "random_walk": explained.null.tolist(),
        "path": path.tolist(),
        "off_plane": off_plane.tolist(),
        "held": held,
    }
    return Subspace(
        start.to(objective.device),
        rows.to(objective.device),
        tuple(f"PC {i + 1} ({100 * r:.3g} %)" for i, r in enumerate(explained.ratios[:dim])),
        contains_model=origin == "objective",
        provenance=provenance,
        path=path,
        off_plane=off_plane,
        explained=explained,
    )


def anchor_weights(origin: Origin, count: int) -> np.ndarray:
    """How the origin is made of `count` checkpoints' differences to the objective's weights, (count,).

    Raises
    ------
    ValueError
        An unknown origin.
    """
    weights = np.zeros(count)
    if origin == "mean":
        weights[:] = 1 / count
    elif origin in ("first", "last"):
        weights[0 if origin == "first" else -1] = 1
    elif origin != "objective":
        raise ValueError(f'origin={origin!r}; use "objective", "first", "last" or "mean".')
    return weights


def rounding_of(objective: "Objective", checkpoints: Sequence[Located]) -> float:
    """Relative rounding error of the coarsest checkpoint."""
    probe = objective.parameter_names[0]
    own = [objective.dtype, *(c.read([probe])[probe].dtype for c in (checkpoints[0], checkpoints[-1]))]
    return max(torch.finfo(dtype).eps for dtype in own)


def _floor(objective: "Objective", found: Sequence[Located], squared_norm: float) -> float:
    """Variance below which a component is the rounding of the checkpoints."""
    return (0.5 * rounding_of(objective, found)) ** 2 * squared_norm


def _times(found: Sequence[Located], steps: Sequence[int] | None) -> np.ndarray:
    """Training steps of the checkpoints, or their numbers."""
    if steps is not None:
        times = np.asarray(steps, dtype=np.int64)
        if times.shape != (len(found),) or (np.diff(times) <= 0).any():
            raise ValueError(f"steps must be {len(found)} increasing numbers, one per checkpoint.")
        return times
    known = np.array([-1 if c.step is None else c.step for c in found])
    return known if (known >= 0).all() and (np.diff(known) > 0).all() else np.arange(len(found))


def _about_mean(
    found: Sequence[Located], part: Sequence[tuple[str, slice]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of the checkpoints about their mean in one piece, (T, m) float64, and the mean.

    Not about the objective's weights: where these are far, products would lose the digits that matter.
    """
    rows = []
    for checkpoint in found:
        row = read_piece(checkpoint, part)
        if not bool(torch.isfinite(row).all()):
            raise ValueError(f"{checkpoint.title} holds NaN or inf: the training diverged. Leave it out.")
        rows.append(row)
    block = torch.stack(rows)
    mean = block.mean(dim=0)
    block -= mean
    return block, mean


def _components(
    gram: np.ndarray, dim: int, n: int, floor: float, times: np.ndarray
) -> tuple[np.ndarray, Explained]:
    """Combinations (d, T) of the differences that are the principal directions, and their variance."""
    count = len(gram)
    centred = gram - gram.mean(axis=0)
    centred -= centred.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh((centred + centred.T) / 2)
    values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1]
    floor = max(floor, 1e-14 * float(values[0]))
    rank = int((values > floor).sum())
    if rank == 0:
        raise ValueError(f"The {count} checkpoints are identical up to rounding: there is no trajectory.")
    if rank < dim:
        shape = "on a line" if rank == 1 else f"in {rank} dimensions"
        raise ValueError(
            f"The {count} checkpoints lie {shape} up to rounding; dim={dim} has no further direction. "
            f"Use dim={rank}."
        )
    mix = vectors[:, :dim].T / np.sqrt(values[:dim, None])
    mix -= mix.mean(axis=1, keepdims=True)  # exact already, but for rounding
    scores = vectors[:, :dim] * np.sqrt(values[:dim])  # of the checkpoints about their mean
    largest = np.abs(scores).max(axis=0)
    leads = np.where(
        np.abs(scores[0]) > 1e-3 * largest, scores[0], scores[np.abs(scores).argmax(axis=0), range(dim)]
    )
    mix *= np.where(leads < 0, -1.0, 1.0)[:, None]  # the first checkpoint has positive scores: no flips
    shown = min(count - 1, max(_SHOWN, dim))
    null, spread = random_walk(times, n, shown)
    return mix, Explained(values[:shown] / values.sum(), null, spread)
