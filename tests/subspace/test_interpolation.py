"""Losses on straight lines: monotone or not, and what is only noise."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl
from nblandscape.subspace.interpolation import Interpolation, interpolate, iter_interpolate


def landscape_of(function, n: int = 3) -> nbl.Objective:
    """A function of the weights, whatever the data."""
    model = nn.Linear(n, 1, bias=False).double()
    return nbl.Objective.from_batch_loss(model, lambda m, _: (function(m.weight[0]), 1), [torch.zeros(1)])


def vector(*entries: float) -> torch.Tensor:
    return torch.tensor(entries, dtype=torch.float64)


def test_a_convex_bowl_is_monotone_towards_its_minimum():
    objective = landscape_of(lambda w: w.square().sum())
    line = interpolate(objective, vector(1, 2, -3), vector(0, 0, 0), points=9)
    np.testing.assert_allclose(line.losses, 14 * (1 - line.fractions) ** 2)
    assert line.monotone
    assert line.rise.height == 0
    assert line.barrier().height == pytest.approx(7)  # the start itself stands 7 above the mean of the ends
    assert line.barrier().fraction == 0
    assert line.distance == pytest.approx(np.sqrt(14))
    back = interpolate(objective, vector(0, 0, 0), vector(1, 2, -3), points=9)
    assert not back.monotone
    assert back.rise.height == pytest.approx(14)
    assert (back.rise.start, back.rise.end) == (0, 1)


def test_a_double_well_has_a_barrier():
    objective = landscape_of(lambda w: (w[0] ** 2 - 1) ** 2 + w[1] ** 2 + w[2] ** 2)
    line = interpolate(objective, vector(-1, 0, 0), vector(1, 0, 0), points=21)
    assert not line.monotone
    rise, barrier = line.rise, line.barrier()
    assert (rise.height, rise.start, rise.end) == pytest.approx((1, 0, 0.5))
    assert (barrier.height, barrier.fraction) == pytest.approx((1, 0.5))
    assert np.isnan([rise.stderr, rise.p_value, barrier.stderr]).all()  # one batch tells no spread
    assert "not monotone: largest rise 1 " in repr(line)


def test_the_ring_valley_is_a_quarter_high_in_the_middle():
    objective = landscape_of(lambda w: (w.square().sum() - 1) ** 2)
    line = interpolate(objective, vector(1, 0, 0), vector(0, 1, 0), points=5)
    assert line.losses[2] == pytest.approx(0.25)
    assert line.barrier().height == pytest.approx(0.25)


def test_holes_stay_holes():
    objective = nbl.Objective.from_batch_loss(
        _positive(), lambda m, _: (m.weight[0, 0].log().square(), 1), [torch.zeros(1)]
    )
    line = interpolate(objective, vector(1), vector(-1), points=5)
    assert np.isnan(line.losses[2:]).all()
    assert line.rise.height == pytest.approx(np.log(0.5) ** 2)
    assert np.isfinite(line.barrier().fraction)


def test_a_line_with_a_hole_is_not_called_monotone():
    objective = landscape_of(lambda w: torch.where((w[0] - 0.5).abs() < 0.2, torch.inf, 1 - w[0]))
    line = interpolate(objective, vector(0, 0, 0), vector(1, 0, 0), points=5)
    assert line.holes == 1
    assert not line.monotone
    assert "not monotone, 1 not finite" in repr(line)
    ended = interpolate(objective, vector(0, 0, 0), vector(0.5, 0, 0), points=3)
    assert np.isnan(ended.barrier().height)
    nothing = interpolate(objective, vector(0.4, 0, 0), vector(0.6, 0, 0), points=3)
    assert np.isnan(nothing.barrier().height)
    assert "3 not finite" in repr(nothing)


def test_buffers_of_another_size_stay_as_they_are():
    def make(seed: int, size: int) -> nn.Module:
        model = classifier(seed, norm=True)
        model.register_buffer("positions", torch.arange(size, dtype=torch.float64))
        model[1].running_mean += seed
        return model

    objective = nbl.Objective(make(0, 3), nn.CrossEntropyLoss(), BATCHES)
    line = interpolate(objective, make(1, 3), make(2, 5), points=3)
    assert np.isfinite(line.losses).all()


def _positive() -> nn.Module:
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(model.weight)
    return model


def noisy(seed: int, bump: float, batches: int = 8) -> Interpolation:
    """Flat lines per batch with independent noise, and a bump in the middle."""
    rng = np.random.default_rng(seed)
    fractions = np.linspace(0, 1, 11)
    clean = bump * np.exp(-((fractions - 0.5) ** 2) / 0.02)
    values = clean[:, None] + rng.normal(size=(11, batches))
    counts = np.full(batches, 16.0)
    return Interpolation(fractions, values @ counts / counts.sum(), values, counts)


def test_noise_is_not_called_a_bump():
    verdicts = [noisy(seed, bump=0.0).monotone for seed in range(200)]
    assert np.mean(verdicts) >= 0.93  # 95 % by design; every one of these lines does rise somewhere
    assert all(noisy(seed, bump=0.0).rise.height > 0 for seed in range(20))
    found = [not noisy(seed, bump=4.0).monotone for seed in range(50)]
    assert np.mean(found) > 0.9


def test_errors_are_paired():
    """A noise that all points share cancels in the rise and the barrier, not in the losses."""
    fractions = np.linspace(0, 1, 5)
    shared = np.random.default_rng(0).normal(size=6) * 10
    values = np.array([0, 1, 2, 1, 0.0])[:, None] + shared
    line = Interpolation(fractions, values.mean(1), values, np.ones(6))
    assert line.stderr[0] == pytest.approx(shared.std(ddof=1) / np.sqrt(6))
    assert line.rise.stderr == pytest.approx(0, abs=1e-12)
    assert line.barrier().stderr == pytest.approx(0, abs=1e-12)
    assert line.rise.p_value == 0
    assert not line.monotone


def classifier(seed: int, *, norm: bool = False) -> nn.Module:
    torch.manual_seed(seed)
    middle = nn.BatchNorm1d(8) if norm else nn.Identity()
    return nn.Sequential(nn.Linear(3, 8), middle, nn.Tanh(), nn.Linear(8, 2)).double()


G = torch.Generator().manual_seed(0)
X = torch.randn(24, 3, generator=G, dtype=torch.float64)
Y = (X[:, 0] > 0).long()
BATCHES = [(X[:8], Y[:8]), (X[8:12], Y[8:12]), (X[12:], Y[12:])]


def error(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (output.argmax(1) != target).double().mean()


def test_batches_metrics_and_provenance():
    a, b = classifier(0), classifier(1)
    objective = nbl.Objective(a, nn.CrossEntropyLoss(), BATCHES, metrics={"error": error})
    seen: list[tuple[int, float]] = []
    line = interpolate(
        objective, a.state_dict(), b, points=5, callback=lambda i, loss: seen.append((i, loss))
    )
    assert [loss for _, loss in seen] == line.losses.tolist()
    np.testing.assert_allclose(line.batch_losses @ line.batch_counts / 24, line.losses)
    for i, model in ((0, a), (-1, b)):
        other = nbl.Objective(model, nn.CrossEntropyLoss(), BATCHES)
        assert line.losses[i] == pytest.approx(other.loss(), rel=1e-13)
        assert line.metrics["error"][i] == pytest.approx(float(error(model(X), Y)))
    values = line.metrics["error"]
    height = values.max() - (values[0] + values[-1]) / 2
    assert line.barrier("error").height == pytest.approx(max(height, 0))
    with pytest.raises(ValueError, match="metric='accuracy'"):
        line.barrier("accuracy")
    json.dumps(line.provenance, allow_nan=False)
    assert line.provenance["interpolated_besides"] == []


def test_batch_statistics_move_along():
    a, b = classifier(0, norm=True), classifier(1, norm=True)
    for model in (a, b):
        for _ in range(5):
            model(X)  # in training mode: running statistics
    objective = nbl.Objective(a.eval(), nn.CrossEntropyLoss(), BATCHES)
    line = interpolate(objective, a, b.eval(), points=3)
    assert line.provenance["interpolated_besides"] == ["1.running_mean", "1.running_var"]
    middle = classifier(0, norm=True).eval()
    ends = (a.state_dict(), b.state_dict())
    middle.load_state_dict(
        {k: (v + ends[1][k]) / 2 if v.is_floating_point() else v for k, v in ends[0].items()}
    )
    for i, model in enumerate((a, middle, b)):
        other = nbl.Objective(model, nn.CrossEntropyLoss(), BATCHES)
        assert line.losses[i] == pytest.approx(other.loss(), rel=1e-12)


def test_a_loss_that_is_a_sum_has_batches_too():
    objective = nbl.Objective(classifier(0), nn.CrossEntropyLoss(reduction="sum"), BATCHES)
    line = interpolate(objective, classifier(0), classifier(1), points=3)
    np.testing.assert_allclose(line.batch_losses.mean(axis=1), line.losses)


def test_lines_that_are_none():
    objective = nbl.Objective(classifier(0), nn.CrossEntropyLoss(), BATCHES)
    with pytest.raises(ValueError, match="identical"):
        interpolate(objective, classifier(1), classifier(1))
    with pytest.raises(ValueError, match="points=2"):
        interpolate(objective, classifier(0), classifier(1), points=2)
    with pytest.raises(ValueError, match="Checkpoint 1 is of another architecture"):
        iter_interpolate(objective, classifier(0), nn.Linear(3, 2))
    steps = iter_interpolate(objective, classifier(0), classifier(1), cancel=lambda: True)
    with pytest.raises(nbl.Cancelled):
        next(steps)
