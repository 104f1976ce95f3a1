"""Checkpoints and whole training runs, projected on the plane that is shown."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.cancel import check
from nblandscape.widgets._worker import Job

if TYPE_CHECKING:
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace
    from nblandscape.subspace.checkpoints import Located

_MOST = 200  # checkpoints of one path that are drawn, first and last among them

Wire = dict[str, Any]
Steps = Generator[None, None, Wire]


class Paths:
    """Named checkpoints (one state each) and trajectories (many) of one model.

    The losses of the checkpoints are those of their own parameters on the objective's data, each evaluated
    once; the projections are kept for the plane that was asked for last.

    Raises
    ------
    ValueError
        A checkpoint that cannot be read or is of another architecture; says under which name.
    TypeError
        Something that is no checkpoint.
    """

    def __init__(self, objective: "Objective", given: Any) -> None:
        self._objective = objective
        named = given if _is_named(given) else {"path": given}
        if not named:
            raise ValueError("paths is empty; leave it out, or name at least one checkpoint.")
        self._items = [
            (str(label), *_located(objective, str(label), value)) for label, value in named.items()
        ]
        self._losses: dict[tuple[int, int], float] = {}
        self._last: tuple[Any, Wire] | None = None

    def steps(self, plane: "Subspace", key: Any, spec: Wire, job: Job) -> Steps:
        """Project every checkpoint, pausing after each; returns the trait `paths` for the page.

        `key` tells planes apart; with that of the last call nothing is computed again.
        """
        import torch

        if self._last is not None and self._last[0] == key:
            return {**self._last[1], "spec": spec}
        from nblandscape.subspace.checkpoints import flat

        directions = plane.directions.detach().cpu().to(torch.float64)
        origin = plane.origin.detach().cpu().to(torch.float64)
        gram = (directions @ directions.T).numpy()
        items = []
        for number, (label, kind, checkpoints) in enumerate(self._items):
            points, losses, distances = [], [], []
            for index, checkpoint in enumerate(checkpoints):
                check(job.stopped)
                parameters = flat(self._objective, checkpoint)
                apart = parameters - origin
                along = (directions @ apart).numpy()
                coordinates = np.linalg.solve(gram, along)
                rest = float(apart @ apart) - float(along @ coordinates)
                if (number, index) not in self._losses:
                    here = parameters.to(self._objective.origin())
                    self._losses[number, index] = self._objective.point(here).loss
                points.append(coordinates)
                losses.append(self._losses[number, index])
                distances.append(np.sqrt(max(rest, 0.0)))
                yield
            steps = [index if c.step is None else c.step for index, c in enumerate(checkpoints)]
            items.append(
                {
                    "label": label,
                    "kind": kind,
                    "steps": steps,
                    "points": np.array(points).astype("<f8").tobytes(),
                    "losses": np.array(losses).astype("<f8").tobytes(),
                    "distance": np.array(distances).astype("<f8").tobytes(),
                }
            )
        wire = {"spec": spec, "items": items}
        self._last = (key, wire)
        return wire


def _is_named(given: Any) -> bool:
    """Whether a mapping holds names of paths rather than of parameters."""
    import torch

    return isinstance(given, Mapping) and not any(isinstance(v, torch.Tensor) for v in given.values())


def _located(objective: "Objective", label: str, value: Any) -> tuple[str, "list[Located]"]:
    import torch
    from torch import nn

    from nblandscape.subspace.checkpoints import locate, sources_of

    single = isinstance(value, (Mapping, nn.Module, torch.Tensor))
    if isinstance(value, (str, Path)) and not Path(value).is_dir():
        single = True
    try:
        sources = [value] if single else list(sources_of(value))
        if len(sources) > _MOST:
            chosen = np.unique(np.linspace(0, len(sources) - 1, _MOST).round().astype(int))
            sources = [sources[i] for i in chosen]
        found = locate(objective, sources)
    except (ValueError, TypeError, FileNotFoundError) as error:
        raise type(error)(f"paths[{label!r}]: {error}") from error
    if not found:
        raise ValueError(f"paths[{label!r}] holds no checkpoint.")
    return ("checkpoint" if single else "trajectory"), found
