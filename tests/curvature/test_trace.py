"""Traces: known answers, the stated error is the real one, and three methods agree on real models."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import nblandscape as nbl
from nblandscape.cancel import Cancelled
from nblandscape.curvature.trace import Estimate, hessian_trace, iter_trace, loss_probes
from tests.curvature.models import dense_hessian, digits_objective, saddle
from tests.curvature.spectra import Diagonal, rotated


@pytest.fixture(scope="module")
def digits():
    return digits_objective()


@pytest.fixture(scope="module")
def exact_trace(digits):
    return float(np.trace(dense_hessian(digits)))


def within(estimate: Estimate, exact: float, sigmas: float = 4.0) -> bool:
    return abs(estimate.value - exact) <= sigmas * estimate.stderr + 1e-9 * (1 + abs(exact))


def along_the_same(objective, samples, seed=0):
    """Mean of v H v over the very vectors of the loss-only estimate."""
    probes = loss_probes(objective, samples, "rademacher", torch.Generator().manual_seed(seed))
    vectors = torch.stack([row.vector([1.0], objective.origin()) for row in probes])
    return float((vectors * objective.hvp(vectors)).sum() / samples)


@pytest.mark.parametrize("distribution", ["rademacher", "normal"])
def test_the_variance_of_a_draw_is_that_of_the_theory(distribution):
    values = np.r_[np.linspace(-1, 2, 30), 8.0]
    matrix = rotated(values)
    draws = hessian_trace(matrix, samples=2000, distribution=distribution, seed=3).draws
    squares = float((matrix**2).sum())
    expected = (
        2 * squares if distribution == "normal" else 2 * (squares - float(matrix.diag().square().sum()))
    )
    assert np.var(draws) == pytest.approx(expected, rel=0.15)
    assert np.mean(draws) == pytest.approx(values.sum(), abs=4 * np.sqrt(expected / 2000))


def test_rademacher_vectors_make_no_error_on_a_diagonal():
    estimate = hessian_trace(Diagonal([3.0, -1.0, 0.5]), samples=3)
    assert (estimate.value, estimate.stderr, estimate.products) == (2.5, 0.0, 3)


def test_p29_the_stated_error_is_the_real_one_and_the_number_of_samples_is_fixed():
    matrix = rotated(np.linspace(-1, 3, 40))
    exact = float(matrix.trace())
    estimates = [hessian_trace(matrix, samples=20, seed=seed) for seed in range(60)]
    assert {e.samples for e in estimates} == {20}
    z = np.array([(e.value - exact) / e.stderr for e in estimates])
    assert np.mean(np.abs(z) < 2) > 0.85  # 95 % for a normal law, 94 % for Student's with 19 degrees
    assert 0.7 < z.std() < 1.4


def test_hutch_pp_is_exact_at_low_rank_and_beats_hutchinson_on_outliers():
    low_rank = rotated(np.r_[50.0, -20.0, 10.0, np.zeros(57)])
    estimate = hessian_trace(low_rank, method="hutch++", samples=12)
    assert estimate.value == pytest.approx(40.0, abs=1e-6)
    assert estimate.products == 12
    outliers = rotated(np.r_[100.0, 60.0, 30.0, np.linspace(0, 0.5, 97)])
    plain = hessian_trace(outliers, samples=30)
    better = hessian_trace(outliers, method="hutch++", samples=30)
    assert better.stderr < 0.1 * plain.stderr
    assert within(better, float(outliers.trace()))


@pytest.mark.parametrize("positive", [500, 550])
def test_from_losses_alone_on_the_saddle_of_the_paper(positive):
    """The loss is quadratic along a direction without its last entry, nearly so with it."""
    estimate = hessian_trace(saddle(500, positive), method="loss", samples=12)
    assert within(estimate, 2.0 * positive - 1000)
    assert estimate.products == 0


@pytest.mark.parametrize("method", ["hutchinson", "hutch++", "loss"])
def test_the_methods_agree_on_a_trained_network(digits, exact_trace, method):
    exact = exact_trace
    estimate = hessian_trace(digits, method=method, samples=48, seed=1)
    assert within(estimate, exact)
    assert 0 < estimate.stderr < 0.5 * exact


def test_the_methods_agree_on_a_convolutional_network_and_on_attention():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        convolutional = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(108, 4))
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, activation="gelu", batch_first=True)
        attentive = nn.Sequential(layer, nn.Flatten(), nn.Linear(40, 4))
        images, sequences, y = torch.randn(24, 1, 8, 8), torch.randn(24, 5, 8), torch.randint(4, (24,))
    for model, x in ((convolutional, images), (attentive, sequences)):
        objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
        one, two = (hessian_trace(objective, method=m, samples=60) for m in ("hutchinson", "loss"))
        assert abs(one.value - two.value) < 4 * np.hypot(one.stderr, two.stderr)
        # The same vectors: what differs is only the error of the differences, which is part of the error.
        bias = np.sqrt(max(two.stderr**2 - np.var(two.draws, ddof=1) / two.samples, 0.0))
        assert abs(along_the_same(objective, 60) - two.value) < 3 * bias


def test_a_float64_model_leaves_only_the_sampling_error():
    objective = digits_objective(steps=5, hidden=4, dtype=torch.float64)
    estimate = hessian_trace(objective, method="loss", samples=20)
    assert estimate.value == pytest.approx(along_the_same(objective, 20), rel=1e-3)


@pytest.mark.parametrize("sharper", [1, 2])
def test_the_error_of_the_differences_is_the_real_one_where_the_loss_is_almost_0(sharper):
    """A cross-entropy near 0 has the round-off of its logits, not of its own last digit."""
    trained = digits_objective(steps=900, hidden=8)
    state = trained.unflatten(trained.origin())
    objective = trained.at({name: (sharper if name[0] == "2" else 1) * p for name, p in state.items()})
    ratios = []
    for seed in range(16):
        two = hessian_trace(objective, method="loss", samples=6, seed=seed)
        bias = np.sqrt(two.stderr**2 - np.var(two.draws, ddof=1) / two.samples)
        ratios.append((two.value - along_the_same(objective, 6, seed)) / bias)
    assert np.mean(np.abs(ratios) > 2) <= 0.125


@settings(max_examples=25)
@given(st.floats(-5, 5), st.floats(-3, 3), st.sampled_from(["hutchinson", "hutch++"]))
def test_linear_in_the_matrix_and_exact_for_multiples_of_the_identity(scale, shift, method):
    matrix = rotated(np.linspace(-1, 2, 12))
    base = hessian_trace(matrix, method=method, samples=6, distribution="rademacher")
    if method == "hutchinson":
        moved = hessian_trace(scale * matrix + shift * torch.eye(12).double(), method=method, samples=6)
        assert moved.value == pytest.approx(scale * base.value + 12 * shift, abs=1e-8)
        assert moved.stderr == pytest.approx(abs(scale) * base.stderr, abs=1e-8)
    identity = hessian_trace(shift * torch.eye(12, dtype=torch.float64), method=method, samples=6)
    assert identity.value == pytest.approx(12 * shift, abs=1e-7 + 6 * identity.stderr)


def test_partial_estimates_cancel_and_the_seed(digits):
    partial = list(iter_trace(digits, samples=4, seed=5))
    assert [e.samples for e in partial] == [1, 2, 3, 4]
    assert partial[0].stderr == np.inf
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    assert hessian_trace(digits, samples=4, seed=5).value == partial[-1].value
    assert torch.equal(state, torch.random.get_rng_state())
    with pytest.raises(Cancelled):
        hessian_trace(digits, samples=4, cancel=lambda: True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples=0"),
        ({"samples": 2.5}, "samples=2.5: use a whole number"),
        ({"method": "hutch++", "samples": 2}, "at least 3"),
        ({"method": "exact"}, "method='exact'"),
        ({"distribution": "uniform"}, "distribution='uniform'"),
        ({"method": "loss"}, "needs an Objective, not ndarray"),
    ],
)
def test_what_cannot_be_estimated_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        hessian_trace(np.eye(3), **options)
