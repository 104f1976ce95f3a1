"""Costs are predicted before anything long runs."""

import statistics
import time

import torch
from torch import nn

import nblandscape as nbl
from nblandscape.landscape.cost import Cost, predict_cost, predict_spectrum_cost
from tests.curvature.models import digits_objective


def test_seconds_are_those_of_the_run():
    objective = digits_objective(steps=2, hidden=64)
    plane = nbl.Subspace.random(objective, 2)
    ratios = []
    for _ in range(5):
        predicted = predict_cost(objective, plane, 15).seconds
        begin = time.perf_counter()
        nbl.sample(objective, plane, points=15)
        ratios.append((time.perf_counter() - begin) / predicted)
    assert 0.5 < statistics.median(ratios) < 2  # 25 % on an idle machine; tests share theirs


def test_p42_the_memory_of_the_basis_is_told_before_the_run():
    model = nn.Linear(1000, 10)
    objective = nbl.Objective(model, nn.MSELoss(), (torch.ones(2, 1000), torch.zeros(2, 10)))
    cost = predict_spectrum_cost(objective, products=30)
    assert cost.parts["basis"] == 30 * 4 * 10_010
    assert cost.parts["graphs"] >= 4 * 10_010
    assert cost.bytes == sum(cost.parts.values())
    assert "30 products" in repr(cost)
    assert repr(Cost(1089, 12.4, 180_000_000, {})) == "1,089 points, about 12 s, 180 MB"
    sloped = predict_cost(objective, nbl.Subspace.random(objective, 3), 5, gradients=True)
    assert sloped.parts["directions"] == 4 * 4 * 10_010
    assert sloped.calls == 125
