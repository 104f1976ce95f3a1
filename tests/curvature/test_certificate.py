import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nblandscape.curvature.certificate import hidden_weight, miss_probability


def jacobi(values, start, steps):
    """Lanczos in float64 with full orthogonalisation, for a diagonal matrix."""
    Q, alphas, betas = [start / np.linalg.norm(start)], [], []
    for _ in range(steps):
        w = values * Q[-1]
        alphas.append(float(w @ Q[-1]))
        for _ in range(2):
            for q in Q:
                w = w - (w @ q) * q
        betas.append(float(np.linalg.norm(w)))
        Q.append(w / betas[-1])
    return alphas, betas


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.integers(1, 12), hidden=st.floats(1.05, 5))
def test_no_measure_hides_more_than_the_bound(seed, steps, hidden):
    rng = np.random.default_rng(seed)
    values = np.r_[rng.uniform(-1, 1, 60), hidden]
    start = rng.normal(size=61) * np.r_[np.ones(60), 10.0 ** rng.uniform(-6, 0)]
    alphas, betas = jacobi(values, start, steps)
    actual = start[-1] ** 2 / (start @ start)
    assert hidden_weight(alphas, betas, hidden) >= actual * (1 - 1e-9)


def test_the_bound_falls_with_every_step_beyond_the_spectrum():
    rng = np.random.default_rng(0)
    alphas, betas = jacobi(rng.uniform(-1, 1, 500), rng.normal(size=500), 15)
    bounds = [hidden_weight(alphas[:j], betas[:j], 1.5) for j in range(1, 16)]
    assert (np.diff(bounds) < 0).all()
    assert bounds[-1] < 1e-10
    assert hidden_weight(alphas, betas, 0.5) == 1


@pytest.mark.parametrize("dimension", [2, 3, 40])
def test_probability_of_a_small_component(dimension):
    rng = np.random.default_rng(1)
    g = rng.normal(size=(200_000, dimension))
    component = g[:, 0] ** 2 / (g * g).sum(axis=1)
    for weight in (1e-4, 1e-2, 0.3):
        assert miss_probability(weight, dimension) == pytest.approx(np.mean(component <= weight), abs=0.004)
