"""Quadratic fits: exact on quadratics, with the known error on quartics, and clear where they cannot be."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import nblandscape as nbl
from nblandscape.landscape.quadratic import quadratic_fit


def grid_of(f, axes) -> nbl.Landscape:
    return nbl.Landscape.from_array(f(*np.meshgrid(*axes, indexing="ij")), axes)


@given(st.integers(1, 4), st.integers(0, 2**31), st.integers(1, 2))
@settings(max_examples=30, deadline=None)
def test_a_quadratic_comes_back_on_any_grid_with_holes(dim, seed, window):
    rng = np.random.default_rng(seed)
    H = rng.normal(size=(dim, dim))
    H, g, c = H + H.T, rng.normal(size=dim), rng.normal()
    axes = tuple(np.cumsum(rng.uniform(0.2, 1.0, size=n)) for n in rng.integers(5, 8, dim))
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    middle = np.array([a[len(a) // 2] for a in axes])
    x = mesh - middle
    values = c + x @ g + np.einsum("...i,ij,...j", x, H, x) / 2
    if window == 2:
        values.flat[rng.choice(values.size, size=max(values.size // 20, 1))] = np.nan
    fit = quadratic_fit(nbl.Landscape.from_array(values, axes), window=window)
    np.testing.assert_allclose(fit.centre, middle)
    np.testing.assert_allclose(fit.hessian, H, atol=1e-9)
    np.testing.assert_allclose(fit.gradient, g, atol=1e-9)
    assert fit.constant == pytest.approx(c, abs=1e-10)
    np.testing.assert_allclose(fit.eigenvalues, np.linalg.eigvalsh(H), atol=1e-9)
    np.testing.assert_allclose(H @ fit.axes.T, fit.axes.T * fit.eigenvalues, atol=1e-9)
    there = rng.normal(size=(3, dim))
    y = there - middle
    expected = c + y @ g + np.einsum("ki,ij,kj->k", y, H, y) / 2
    np.testing.assert_allclose(fit.predict(there), expected, atol=1e-8)
    assert fit.quadratic_up_to(1e-8) == max(max(len(a) // 2, (len(a) - 1) // 2) for a in axes)


def test_the_centre_may_be_a_vertex_or_any_point():
    x = np.linspace(-2, 2, 9)
    landscape = grid_of(lambda a, b: (a - 0.3) ** 2 + 2 * (b - 0.7) ** 2 + a * b, (x, x))
    at = quadratic_fit(landscape, centre=(0.2, -0.1), window=2)
    assert at.constant == pytest.approx(0.01 + 2 * 0.64 - 0.02)
    np.testing.assert_allclose(at.gradient, [-0.2 - 0.1, -3.2 + 0.2], atol=1e-12)
    vertex = quadratic_fit(landscape, centre=np.int64(9 * 5 + 3))
    np.testing.assert_allclose(vertex.centre, [x[5], x[3]])
    bottom = np.linalg.solve([[2, 1], [1, 4]], [0.6, 2.8])
    for fit in (at, vertex):
        np.testing.assert_allclose(fit.stationary, bottom, atol=1e-10)


def test_default_centre_is_the_origin_of_the_directions():
    x = np.linspace(-2, 2, 9)
    values = np.meshgrid(x, x, indexing="ij")[0] ** 2
    landscape = nbl.Landscape.from_array(values, (x, x), provenance={"origin": 9 * 2 + 5})
    np.testing.assert_array_equal(quadratic_fit(landscape).centre, [x[2], x[5]])


@pytest.mark.parametrize("h", [0.1, 0.5])
def test_error_on_a_quartic_is_the_known_one(h):
    x = h * np.arange(-6, 7)
    fit = quadratic_fit(nbl.Landscape.from_array(x**4 + 3 * x**2, (x,)))
    assert fit.hessian[0, 0] == pytest.approx(6 + 2 * h**2)  # central difference of x^4 at 0: 2 h^2
    assert np.isnan(fit.eigenvalue_stderr[0])  # three points, three coefficients
    assert np.isnan(fit.windows["share"][0])
    # with k vertices on each side: regression of x^4 on x^2, minimax-like constant removed
    for w, values in zip(fit.windows["cells"], fit.window_eigenvalues, strict=True):
        y = h * np.arange(-w, w + 1)
        slope = np.polyfit(y**2, y**4, 1)[0]
        assert values[0] == pytest.approx(6 + 2 * slope)


def test_the_series_says_up_to_where_it_is_quadratic():
    x = np.linspace(-3, 3, 61)
    fit = quadratic_fit(grid_of(lambda a, b: 1 - np.cos(a) + b**2 / 2, (x, x)))
    assert (np.diff(fit.windows["largest"]) > 0).all()
    assert list(fit.windows["cells"]) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 30]
    assert fit.windows["points"][-1] == 61**2
    near, far = fit.quadratic_up_to(0.001), fit.quadratic_up_to(0.05)
    assert 4 <= near < far
    np.testing.assert_allclose(fit.eigenvalues, 1, rtol=0.01)
    assert fit.window_eigenvalues[-1].min() < 0.9
    assert "curvature" in repr(fit)
    assert f"±{far} vertices" in repr(fit)


def test_standard_errors_cover_the_truth():
    x = np.linspace(-1, 1, 21)
    a, b = np.meshgrid(x, x, indexing="ij")
    rng = np.random.default_rng(0)
    hits, gradients, hessians = [], [], []
    for _ in range(200):
        noisy = a**2 + 3 * b**2 + a + 0.05 * rng.normal(size=a.shape)
        fit = quadratic_fit(nbl.Landscape.from_array(noisy, (x, x)), window=2)
        hits.append((fit.eigenvalues - [2, 6]) / fit.eigenvalue_stderr)
        gradients.append((fit.gradient - [1, 0]) / fit.gradient_stderr)
        hessians.append((fit.hessian - np.diag([2, 6])) / fit.hessian_stderr)
    for scores in (hits, gradients, hessians):
        np.testing.assert_allclose(np.std(scores, axis=0), 1, atol=0.15)
        np.testing.assert_allclose(np.mean(scores, axis=0), 0, atol=0.25)


def test_noise_between_batches_is_that_of_the_curvatures():
    x = np.linspace(-1, 1, 9)
    a, b = np.meshgrid(x, x, indexing="ij")
    rng = np.random.default_rng(1)
    H, counts = rng.normal(3, 1, size=(5, 2)), np.array([1.0, 2.0, 3.0, 2.0, 2.0])
    losses = np.stack([h[0] * a**2 / 2 + h[1] * 4 * b**2 / 2 for h in H], axis=-1)
    weights = counts / counts.sum()
    landscape = nbl.Landscape(losses @ weights, (x, x), ("a", "b"), {}, losses, counts)
    fit = quadratic_fit(landscape)
    expected = np.sqrt((weights**2) @ (H - weights @ H) ** 2 * 5 / 4)
    np.testing.assert_allclose(fit.eigenvalue_noise, expected * [1, 4])
    turned = losses + a[..., None] * b[..., None] * np.arange(5)  # the axes are no longer a and b
    fit = quadratic_fit(nbl.Landscape(turned @ weights, (x, x), ("a", "b"), {}, turned, counts))
    each = [np.array([[h[0], k], [k, 4 * h[1]]]) for k, h in enumerate(H)]
    forms = np.array([[v @ h @ v for v in fit.axes] for h in each])
    expected = np.sqrt((weights**2) @ (forms - weights @ forms) ** 2 * 5 / 4)
    np.testing.assert_allclose(fit.eigenvalue_noise, expected)
    alone = nbl.Landscape(losses @ weights, (x, x), ("a", "b"), {}, losses[..., :1], counts[:1])
    assert quadratic_fit(alone).eigenvalue_noise is None
    one_counts = nbl.Landscape(losses[..., 0], (x, x), ("a", "b"), {}, losses, np.array([1.0, 0, 0, 0, 0]))
    assert quadratic_fit(one_counts).eigenvalue_noise is None


def test_curvatures_are_those_of_the_full_hessian_in_the_slice():
    c = torch.tensor([2.0, 10.0, 5.0], dtype=torch.float64)
    model = nn.Linear(3, 1, bias=False).double()
    objective = nbl.Objective.from_batch_loss(
        model, lambda m, _: (0.5 * (c * m.weight.square()).sum(), 1), [torch.zeros(1)]
    )
    skew = torch.tensor([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0]], dtype=torch.float64)
    plane = nbl.Subspace.from_directions(objective, skew)
    fit = quadratic_fit(nbl.sample(objective, plane, span=0.5, points=5))
    np.testing.assert_allclose(fit.curvatures, [2, 10], rtol=1e-10)
    np.testing.assert_allclose(fit.hessian, skew @ torch.diag(c) @ skew.T, rtol=1e-10)


def test_a_large_constant_costs_no_digits_of_the_curvature():
    x = np.linspace(-1, 1, 9)
    plain, lifted = (quadratic_fit(nbl.Landscape.from_array(x**2 + c, (x,))) for c in (0, 2.0**30))
    assert lifted.hessian[0, 0] == pytest.approx(plain.hessian[0, 0], rel=1e-6)


def test_p38_where_nothing_is_determined_the_error_says_what_to_do():
    with pytest.raises(ValueError, match="Axis 1 has 2 vertices; a quadratic needs at least 3"):
        quadratic_fit(nbl.Landscape.from_array(np.zeros((5, 2))))
    x = np.arange(9.0)
    landscape = grid_of(lambda a, b: a + b, (x, x))
    with pytest.raises(ValueError, match=r"4 finite vertices.*6 coefficients.*larger window="):
        quadratic_fit(landscape, centre=0)
    assert quadratic_fit(landscape, centre=0, window=2).points == 9
    ring = landscape.values.copy()
    ring[3:6, 3:6] = np.nan
    with pytest.raises(ValueError, match="holds 0 finite vertices"):
        quadratic_fit(nbl.Landscape.from_array(ring))
    assert quadratic_fit(nbl.Landscape.from_array(ring), window=2).points == 16
    lines = np.full((9, 9), np.nan)
    lines[4] = lines[:, 4] = 1.0  # a cross: x y is unknown
    with pytest.raises(ValueError, match="17 finite vertices, which do not determine"):
        quadratic_fit(nbl.Landscape.from_array(lines), window=4)
    for wrong in (0, (1,), (1, 0), 1.5, (1, 1, 1)):
        with pytest.raises(ValueError, match="window="):
            quadratic_fit(landscape, window=wrong)
    for wrong in (81, -1, (1.0,), (9.0, 3.0), (np.nan, 3.0)):
        with pytest.raises(ValueError, match="centre="):
            quadratic_fit(landscape, centre=wrong)


def test_a_constant_field_and_a_straight_slope():
    flat = quadratic_fit(nbl.Landscape.from_array(np.ones((5, 5))))
    np.testing.assert_allclose(flat.hessian, 0, atol=1e-14)
    assert flat.stationary is None or flat.quadratic_up_to() == 2
    assert flat.windows["share"].max() == 0
