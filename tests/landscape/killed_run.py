"""A sampling run in a process of its own that logs its evaluations: ``killed_run.py STORE LOG OUT``."""

import os
import sys
import time

import numpy as np
import torch
from torch import nn

import nblandscape as nbl


def objective_of(log: str, pause: float = 0.0) -> nbl.Objective:
    """Every evaluation of a batch adds a dot to the log and takes at least `pause` seconds."""
    torch.manual_seed(0)
    model = nn.Linear(4, 1).double()
    x = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(6, 4)
    out = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def batch_loss(moving, batch):
        os.write(out, b".")
        time.sleep(pause)
        return moving(batch).sin().sum(), len(batch)

    return nbl.Objective.from_batch_loss(model, batch_loss, [x[:2], x[2:]])


def sampled(objective: nbl.Objective, store: str | None = None) -> nbl.Landscape:
    plane = nbl.Subspace.random(objective, 2, seed=1)
    return nbl.sample(objective, plane, span=2.0, points=17, store=store)


if __name__ == "__main__":
    store, log, out = sys.argv[1:]
    # Slow enough to be killed in the middle.
    np.save(out, sampled(objective_of(log, pause=0.01), store).batch_losses)
