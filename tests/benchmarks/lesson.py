"""The model of lesson 01, trained here: a small tanh network on scikit-learn's digits."""

from __future__ import annotations

import dataclasses

import sklearn.datasets
import torch
from torch import nn

EPOCHS, RATE, MINIBATCH = 40, 3e-3, 64


@dataclasses.dataclass(frozen=True)
class Lesson:
    """A trained model in float32 with the batch on which it is analysed."""

    model: nn.Sequential
    inputs: torch.Tensor  # (1797, 64), pixels in [0, 1]
    targets: torch.Tensor  # (1797,), int64

    @property
    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.inputs, self.targets

    @property
    def size(self) -> int:
        return sum(p.numel() for p in self.model.parameters())


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10)
    )  # fmt: skip


def train(seed: int = 0) -> Lesson:
    """Train from a fixed seed; the same weights in every benchmark of one machine."""
    pixels, digits = sklearn.datasets.load_digits(return_X_y=True)
    inputs, targets = torch.as_tensor(pixels / 16, dtype=torch.float32), torch.as_tensor(digits)
    torch.manual_seed(seed)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for chosen in torch.split(torch.randperm(len(inputs)), MINIBATCH):
            optimizer.zero_grad()
            torch.autograd.backward(nn.functional.cross_entropy(model(inputs[chosen]), targets[chosen]))
            optimizer.step()
    optimizer.zero_grad()
    return Lesson(model.eval(), inputs, targets)
