"""Diagonal and per-layer traces against dense Hessians."""

import numpy as np
import pytest
import torch

from nblandscape.curvature.diagonal import hessian_diagonal, layer_traces
from nblandscape.curvature.trace import hessian_trace
from tests.curvature.models import dense_hessian, digits_objective
from tests.curvature.spectra import Diagonal, rotated


def test_exact_for_a_diagonal_hessian():
    estimate = hessian_diagonal(Diagonal([3.0, 0.0, -1.0]), samples=2)
    assert estimate.values.tolist() == [3.0, 0.0, -1.0]
    assert estimate.stderr.tolist() == [0.0, 0.0, 0.0]


def test_every_entry_is_within_its_error():
    matrix = rotated(np.linspace(-1, 3, 50))
    estimate = hessian_diagonal(matrix, samples=200, seed=1)
    z = ((estimate.values - matrix.diag()) / estimate.stderr).numpy()
    assert np.mean(np.abs(z) < 2) > 0.85
    assert np.abs(z).max() < 5


def test_layers_share_the_products_and_add_up_to_the_trace():
    objective = digits_objective(steps=20, hidden=6)
    exact = np.diag(dense_hessian(objective))
    layers = layer_traces(objective, samples=80, seed=2)
    assert list(layers) == objective.parameter_names
    assert sum(e.value for e in layers.values()) == pytest.approx(layers.total.value)
    assert layers.total.value == pytest.approx(hessian_trace(objective, samples=80, seed=2).value)
    start = 0
    for name, estimate in layers.items():
        stop = start + layers.sizes[name]
        assert abs(estimate.value - exact[start:stop].sum()) < 4 * estimate.stderr, name
        start = stop
    assert start == objective.num_parameters
    assert "0.weight" in repr(layers)


def test_layers_of_a_matrix_are_refused():
    with pytest.raises(ValueError, match="layer_traces needs an Objective, not Tensor"):
        layer_traces(torch.eye(2))


def test_too_few_samples():
    with pytest.raises(ValueError, match="samples=1"):
        hessian_diagonal(torch.eye(2), samples=1)
