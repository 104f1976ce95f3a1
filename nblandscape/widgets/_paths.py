"""Checkpoints and whole training runs, projected on the plane that is shown."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.cancel import check
from nblandscape.widgets._worker import Job

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape
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
            items.append(_item(label, kind, steps, points, losses, distances))
        wire = {"spec": spec, "items": items}
        self._last = (key, wire)
        return wire


def own_paths(landscape: "Landscape", spec: Wire) -> Wire | None:
    """Return the trait `paths` of a finished landscape: the checkpoints that its plane was made of.

    Their places are known, and their distances from the plane; their own losses are not, and stay NaN.
    """
    about = landscape.provenance.get("subspace", {})
    if landscape.dim != 2:
        return None
    if about.get("kind") == "trajectory":
        chosen = _thinned(len(about["path"]))
        points, steps, off = (np.asarray(about[name])[chosen] for name in ("path", "steps", "off_plane"))
        item = _item("trajectory", "trajectory", steps.tolist(), points, np.full(len(chosen), np.nan), off)
        return {"spec": spec, "items": [item]}
    if about.get("kind") == "through":
        named = zip(about["checkpoints"], about["anchors"], strict=True)
        return {
            "spec": spec,
            "items": [_item(name, "checkpoint", [0], [at], [np.nan], [0.0]) for name, at in named],
        }
    return None


def _item(label: str, kind: str, steps: list[int], points: Any, losses: Any, distance: Any) -> Wire:
    arrays = {"points": points, "losses": losses, "distance": distance}
    packed = {name: np.asarray(array).astype("<f8").tobytes() for name, array in arrays.items()}
    return {"label": label, "kind": kind, "steps": steps, **packed}


def _thinned(count: int) -> np.ndarray:
    """Which of so many checkpoints are drawn."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST)).round().astype(int))


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
            sources = [sources[i] for i in _thinned(len(sources))]
        found = locate(objective, sources)
    except (ValueError, TypeError, FileNotFoundError) as error:
        raise type(error)(f"paths[{label!r}]: {error}") from error
    if not found:
        raise ValueError(f"paths[{label!r}] holds no checkpoint.")
    return ("checkpoint" if single else "trajectory"), found
