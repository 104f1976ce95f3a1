"""Losses: whatever the user's loss is, the objective's is the same number."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import nblandscape as nbl

D = torch.float64
Y = torch.tensor([0, 1, 2, 0, 1, 2])
WEIGHT = torch.tensor([1.0, 2.0, 3.0], dtype=D)
X = torch.randn(6, 3, dtype=D, generator=torch.Generator().manual_seed(0))
SOFT = torch.randn(6, 3, dtype=D, generator=torch.Generator().manual_seed(1)).softmax(1)


class Focal(nn.CrossEntropyLoss):
    """A subclass that computes something else and takes the mean itself."""

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        each = F.cross_entropy(output, target, reduction="none")
        return ((1 - (-each).exp()) ** 2 * each).mean()


class Weighted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor([1.0, 2.0, 3.0]))

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(output, target, weight=self.weight.to(output.dtype))


@dataclass
class Unhashable:
    factor: float = 2.0

    def __call__(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return self.factor * F.cross_entropy(output, target)


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=255), torch.tensor([0, 255, 2, 0, 1, 255])),
        (nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.2), Y),
        (nn.CrossEntropyLoss(weight=WEIGHT), SOFT),
        (nn.NLLLoss(weight=WEIGHT, ignore_index=7), torch.tensor([0, 7, 2, 0, 1, 2])),
        (nn.KLDivLoss(reduction="batchmean"), SOFT),
        (nn.BCEWithLogitsLoss(pos_weight=WEIGHT), (SOFT > 0.3).to(D)),
        (nn.CrossEntropyLoss(reduction="sum"), Y),
        (nn.PoissonNLLLoss(), SOFT),
        (nn.MultiLabelSoftMarginLoss(), (SOFT > 0.3).to(D)),
        (lambda output, target: F.cross_entropy(output, target)[None], Y),
        (Focal(), Y),
        (Unhashable(), Y),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_users_own_number_in_one_batch_and_in_two(loss, target):
    model = nn.Linear(3, 3).double()
    expected = loss(model(X), target).item()
    assert nbl.Objective(model, loss, (X, target)).loss() == pytest.approx(expected, rel=1e-12)
    halves = [(X[:2], target[:2]), (X[2:], target[2:])]
    assert nbl.Objective(model, loss, halves).loss() == pytest.approx(expected, rel=1e-12)


def test_buffers_of_a_loss_follow_the_analysis_dtype():
    model = nn.Linear(3, 3)
    expected = Weighted()(model(X.float()), Y).item()
    objective = nbl.Objective(model, Weighted(), (X.float(), Y), dtype=D)
    assert objective.loss() == pytest.approx(expected, rel=1e-6)

    class Strict(Weighted):
        def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(output, target, weight=self.weight)

    assert nbl.Objective(model, Strict(), (X.float(), Y), dtype=D).loss() == pytest.approx(expected, rel=1e-6)


def test_ignored_targets_leave_holes_and_all_ignored_is_an_error():
    model, ignored = nn.Linear(3, 3).double(), Y.clone()
    ignored[:3] = -100
    halves = [(X[:3], ignored[:3]), (X[3:], ignored[3:])]
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), halves)
    assert objective.loss() == pytest.approx(F.cross_entropy(model(X), ignored).item(), rel=1e-12)
    losses = nbl.sample(objective, nbl.Subspace.random(objective, 1), points=3).batch_losses
    np.testing.assert_array_equal(np.isnan(losses), [[True, False]] * 3)
    with pytest.raises(ValueError, match="every target is ignored"):
        nbl.Objective(model, nn.CrossEntropyLoss(), (X, torch.full((6,), -100)))


def test_a_metric_that_fails_does_so_before_the_work_starts():
    model = nn.Linear(3, 3).double()
    metrics = {"accuracy": lambda output, target: float((output.argmax(1) == target).double().mean())}
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (X, Y), metrics=metrics)
    landscape = nbl.sample(objective, nbl.Subspace.random(objective, 1), points=3)
    expected = (model(X).argmax(1) == Y).double().mean().item()
    assert landscape.metrics["accuracy"][1] == pytest.approx(expected)
    with pytest.raises(ZeroDivisionError):
        nbl.Objective(model, nn.CrossEntropyLoss(), (X, Y), metrics={"bad": lambda output, target: 1 / 0})
