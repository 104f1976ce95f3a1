"""BatchNorm statistics that move with the weights between checkpoints."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from nblandscape.objective import Objective
    from nblandscape.subspace.checkpoints import Located

Moving = dict[str, tuple[torch.Tensor, torch.Tensor]]


def moving_statistics(
    objective: "Objective", checkpoints: Sequence["Located"], weights: np.ndarray, anchors: np.ndarray
) -> Moving:
    """Means and variances at the origin and along the directions, as the checkpoints have them.

    Parameters
    ----------
    objective : Objective
    checkpoints : sequence of m Located
    weights : np.ndarray, (m,)
        The origin is the objective's weights plus this combination of the differences to them.
    anchors : np.ndarray, (m, d)
        The checkpoints' coordinates.

    Raises
    ------
    ValueError
        No statistics, or an objective that uses others.
    """
    from nblandscape.subspace.checkpoints import state_of

    policy = objective.description["batchnorm"]
    if policy != "eval":
        raise ValueError(f'statistics=True is for batchnorm="eval"; the objective has batchnorm="{policy}".')
    shell = objective._snapshot.shell  # read only
    names = [
        f"{path}.{name}".removeprefix(".")
        for path, module in shell.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
        for name in ("running_mean", "running_var")
    ]
    if not names:
        raise ValueError("statistics=True: the model has no BatchNorm layer with running statistics.")
    home = shell.state_dict()
    states = [state_of(objective, checkpoint) for checkpoint in checkpoints]
    inverse = torch.from_numpy(np.linalg.pinv(anchors))  # (d, m)
    result: Moving = {}
    for name in names:
        own = home[name].to("cpu", torch.float64)
        away = torch.stack([state[name].to("cpu", torch.float64) for state in states]) - own
        start = torch.tensordot(torch.from_numpy(np.asarray(weights, dtype=np.float64)), away, dims=1)
        rows = torch.tensordot(inverse, away - start, dims=1)
        result[name] = ((own + start).to(objective.device), rows.to(objective.device))
    return result


def turned(statistics: Mapping[str, tuple[torch.Tensor, torch.Tensor]], triangle: np.ndarray) -> Moving:
    """The same statistics in the coordinates triangle @ old."""
    back = torch.from_numpy(np.linalg.inv(triangle).T.copy())
    return {
        name: (start, torch.tensordot(back.to(rows), rows, dims=1))
        for name, (start, rows) in statistics.items()
    }
