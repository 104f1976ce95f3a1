"""The bound on what random start vectors may hide, against what they do hide."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nblandscape.curvature import hessian_spectrum
from nblandscape.curvature.certificate import hidden_axes, miss_probability
from nblandscape.curvature.krylov import KrylovBasis
from tests.curvature.spectra import Diagonal

BULK = np.random.default_rng(0).uniform(-1, 1, 200)


def run(values, vectors, steps):
    """Expand a basis from some vectors; return it with the vectors recorded as random."""
    basis = KrylovBasis(Diagonal(values), 100)
    for vector in vectors:
        assert basis.admit(torch.as_tensor(vector), drawn=True)
    for _ in range(steps):
        basis.expand()
    return basis


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), steps=st.integers(2, 16), b=st.integers(1, 3), hidden=st.floats(1.05, 5),
    small=st.floats(-6, 0),
)  # fmt: skip
def test_no_vectors_hide_more_than_the_axes_allow(seed, steps, b, hidden, small):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(b, 61)) * np.r_[np.ones(60), 10.0**small]
    basis = run(np.r_[rng.uniform(-1, 1, 60), hidden], vectors, steps)
    C, draws, _ = basis.fresh()
    lengths, directions = hidden_axes(C, draws, hidden)
    assert lengths[0] >= np.linalg.norm(vectors[:, -1]) * (1 - 1e-9)
    np.testing.assert_allclose(np.abs(draws.T @ directions[:, 0]).max() <= lengths[0] + 1e-9, True)


def test_the_axes_shrink_with_every_product_beyond_the_spectrum():
    vectors = np.random.default_rng(1).normal(size=(2, 200))
    runs = [run(BULK, vectors, steps).fresh() for steps in range(2, 31)]
    axes = np.array([hidden_axes(C, draws, 1.5)[0] for C, draws, _ in runs])
    assert (np.diff(axes[:, 0]) <= 1e-12).all()
    assert axes[-1, 0] < 1e-3


def test_one_vector_gives_the_christoffel_function():
    """Independent formula: sums of squared orthonormal polynomials by their recurrence."""
    start = np.random.default_rng(2).normal(size=(1, 200))
    C, draws, _ = run(BULK, start, 8).fresh()
    previous, current, total, before, x = 0.0, 1.0, 1.0, 0.0, 1.3
    for j in range(8):
        alpha, beta = C[j, j], C[j + 1, j]
        previous, current, before = current, ((x - alpha) * current - before * previous) / beta, beta
        total += current**2
    assert hidden_axes(C, draws, x)[0][0] == pytest.approx(np.linalg.norm(start) / np.sqrt(total), rel=1e-8)


@pytest.mark.parametrize("b", [1, 2, 3])
def test_probability_that_a_given_vector_is_small(b):
    lengths = np.linalg.norm(np.random.default_rng(1).normal(size=(100_000, b)), axis=1)
    for bound in (0.1, 0.5, 2.0):
        expected = np.mean(lengths <= bound)
        assert miss_probability(np.full(b, bound)) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize("copies", [1, 2])
def test_probability_that_a_further_copy_is_small(copies):
    n = copies + 1
    g = np.random.default_rng(1).normal(size=(20_000, n, n))
    smallest = np.linalg.svd(g, compute_uv=False)[:, -1]
    for bound in (0.02, 0.1, 0.5):
        assert np.mean(smallest <= bound) <= miss_probability(np.full(n, bound), copies) + 0.003
    assert miss_probability(np.zeros(n), found=n) == 1


@pytest.mark.parametrize(
    ("special", "largest", "smallest"),
    [([1.5, 1.5, 1.4, 1.3], 2, 0), ([-1.5, -1.5, -1.4, 1.5], 1, 2), ([1.5, 1.5, 1.5, 1.4, 1.3], 3, 0)],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_p22_copies_are_missed_no_more_often_than_stated(special, largest, smallest, dtype):
    """Loose tolerance and slow ends, so that misses happen: at most the bound, three deviations added."""
    operator, runs, accepted = Diagonal(np.r_[BULK, special], dtype), 60, 0.1
    missed = 0
    for seed in range(runs):
        found = hessian_spectrum(
            operator, largest=largest, smallest=smallest, tol=1e-3, seed=seed, max_miss=accepted
        )
        assert found.miss_probability <= accepted
        missed += int((np.abs(np.abs(found.values) - 1.5) < 0.05).sum() < largest + smallest)
    assert missed <= runs * accepted + 3 * np.sqrt(runs * accepted * (1 - accepted))
