"""Costs are predicted before anything long runs."""

import statistics
import time

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl
from nblandscape.cancel import Cancelled
from nblandscape.landscape.cost import Cost, predict_cost, predict_spectrum_cost
from nblandscape.memory import peak_bytes
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
    assert cost.parts["basis"] == 32 * 8 * 10_010  # two chains; float64 up to 2^15 parameters
    assert cost.parts["graphs"] >= 4 * 10_010
    assert cost.parts["one product"] > 4 * 10_010
    assert cost.bytes == sum(cost.parts.values())
    assert "30 products" in repr(cost)
    assert repr(Cost(1089, 12.4, 180_000_000, {})) == "1,089 points, about 12 s, 180 MB"
    sloped = predict_cost(objective, nbl.Subspace.random(objective, 3), 5, gradients=True)
    assert sloped.parts["directions"] == 3 * 4 * 10_010  # the origin is not copied
    assert sloped.calls == 125


def test_memory_is_that_of_the_tensors_of_the_run():
    model = nn.Sequential(nn.Linear(64, 300), nn.Tanh(), nn.Linear(300, 300), nn.Tanh(), nn.Linear(300, 10))
    data = torch.linspace(-1, 1, 64 * 64).reshape(64, 64), torch.arange(64) % 10
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data)
    plane = nbl.Subspace.random(objective, 2)
    there_before = ("replica", "moving weights", "directions", "graphs", "kept by malloc")
    for gradients in (False, True):
        cost = predict_cost(objective, plane, 3, gradients=gradients)
        new = cost.bytes - sum(cost.parts.get(name, 0) for name in there_before)
        found = peak_bytes(lambda g=gradients: nbl.sample(objective, plane, points=3, gradients=g))
        assert 0.75 < new / found < 1.4
    cost = predict_spectrum_cost(objective, products=30)
    new = cost.bytes - sum(cost.parts.get(name, 0) for name in there_before)
    basis = cost.parts["basis"]
    found = peak_bytes(lambda: nbl.hessian_spectrum(objective, tol=0.05, basis_bytes=basis))
    assert 0.75 < new / found < 1.4


def linear() -> tuple[nbl.Objective, nbl.Subspace]:
    model = nn.Linear(3, 2)
    objective = nbl.Objective(model, nn.MSELoss(), (torch.ones(4, 3), torch.zeros(4, 2)))
    return objective, nbl.Subspace.random(objective, 2)


def test_progress_tells_the_cost_before_the_first_point_and_is_silent_by_default(capsys):
    objective, plane = linear()
    quiet = nbl.sample(objective, plane, points=9)
    assert capsys.readouterr() == ("", "")
    seen = []
    loud = nbl.sample(
        objective, plane, points=9, progress=True, callback=lambda *_: seen.append(capsys.readouterr().err)
    )
    np.testing.assert_array_equal(quiet.values, loud.values)
    assert "81 points, about" in seen[0]
    assert "B:   0%|" in seen[0]  # the memory, and a bar that is still empty
    assert "81/81" in capsys.readouterr().err
    nbl.sample(objective, plane, points=9, progress=True, adaptive=0.02)
    text = capsys.readouterr().err
    assert "at most 81 points" in text
    assert "81/81" in text


@pytest.mark.parametrize("error", [Cancelled, KeyboardInterrupt, ValueError])
def test_the_bar_is_closed_when_sampling_ends_early(capsys, error):
    from tqdm.auto import tqdm

    def stop(*_):
        raise error

    objective, plane = linear()
    with pytest.raises(error):
        nbl.sample(objective, plane, points=9, progress=True, callback=stop)
    assert not tqdm._instances
    assert capsys.readouterr().err.endswith("\n")


def test_nothing_is_predicted_after_a_cancellation(capsys):
    objective, plane = linear()
    with pytest.raises(Cancelled):
        nbl.sample(objective, plane, points=9, progress=True, cancel=lambda: True)
    assert capsys.readouterr() == ("", "")
