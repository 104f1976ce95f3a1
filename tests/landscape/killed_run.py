"""A sampling run in a process of its own that logs every evaluation: ``python killed_run.py STORE LOG``."""

import os
import sys

import numpy as np
import torch
from torch import nn

import nblandscape as nbl


def slow_objective(log: str) -> nbl.Objective:
    torch.manual_seed(0)
    model = nn.Linear(4, 1).double()
    x = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(6, 4)
    out = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def batch_loss(moving, batch):
        os.write(out, b".")
        for _ in range(15):  # slow enough to be killed in the middle
            torch.linalg.qr(torch.ones(120, 120))
        return moving(batch).sin().sum(), len(batch)

    return nbl.Objective.from_batch_loss(model, batch_loss, [x[:2], x[2:]])


if __name__ == "__main__":
    store, log = sys.argv[1:3]
    objective = slow_objective(log)
    plane = nbl.Subspace.random(objective, 2, seed=1)
    result = nbl.sample(objective, plane, span=2.0, points=17, store=store)
    np.save(sys.argv[3], result.batch_losses)
