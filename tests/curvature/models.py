"""Real objectives with known or computable Hessians."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

import nblandscape as nbl


class SaddleModel(nn.Module):
    """The loss t (sum of the first `positive` squares - sum of the others) / 2 of Böttcher & Wheeler.

    At (0, …, 0, 1) the Hessian is diag(+1, …, -1, …, 0) with 2n + 1 entries.
    """

    def __init__(self, n: int, positive: int) -> None:
        super().__init__()
        theta = torch.zeros(2 * n + 1, dtype=torch.float64)
        theta[-1] = 1.0
        self.theta = nn.Parameter(theta)
        self.register_buffer("signs", torch.where(torch.arange(2 * n) < positive, 1.0, -1.0).double())

    def forward(self, x):
        return 0.5 * self.theta[-1] * (self.signs * self.theta[:-1] ** 2).sum() + 0 * x.sum()


def saddle(n: int, positive: int) -> nbl.Objective:
    def batch_loss(model, batch):
        return model(batch[0]), 1

    return nbl.Objective.from_batch_loss(SaddleModel(n, positive), batch_loss, [(torch.ones(1),)])


def digits_objective(steps: int = 60, hidden: int = 16, dtype=torch.float32) -> nbl.Objective:
    """A small network on scikit-learn's digits, trained for some steps of Adam."""
    digits = load_digits()
    x = torch.tensor(digits.data[:600] / 16, dtype=dtype)
    y = torch.tensor(digits.target[:600])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, hidden), nn.Tanh(), nn.Linear(hidden, 10)).to(dtype)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    batches = [(x[i : i + 100], y[i : i + 100]) for i in range(0, 600, 100)]
    return nbl.Objective(model, nn.CrossEntropyLoss(), batches)


def dense_hessian(objective: nbl.Objective) -> np.ndarray:
    """All products with unit vectors, (n, n) float64."""
    n = objective.num_parameters
    return objective.hvp(torch.eye(n, dtype=objective.dtype)).double().numpy()
