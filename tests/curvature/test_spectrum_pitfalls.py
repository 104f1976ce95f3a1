"""Faults of eigensolvers that other loss-landscape tools have, by their number in the list of pitfalls."""

import warnings

import numpy as np
import pytest
import scipy.sparse.linalg
import torch

from nblandscape.curvature import HessianOperator, as_operator, hessian_spectrum
from nblandscape.curvature.krylov import KrylovBasis
from nblandscape.objective import Objective
from tests.curvature.spectra import (
    Diagonal,
    assert_certified,
    ends,
    outliers_and_bulk,
    rotated,
    true_residuals,
)


def eigsh(values, k, which, **options):
    """ARPACK on a diagonal matrix: pairs and products."""
    count = 0

    def product(v):
        nonlocal count
        count += 1
        return values * v.reshape(-1)

    operator = scipy.sparse.linalg.LinearOperator((len(values),) * 2, matvec=product, dtype=float)
    start = np.random.default_rng(0).normal(size=len(values))
    found, vectors = scipy.sparse.linalg.eigsh(operator, k=k, which=which, v0=start, **options)
    residuals = np.linalg.norm(values[:, None] * vectors - vectors * found, axis=0)
    return found, residuals, count


def power_iteration(values, pairs, tol, steps=500):
    """Deflation until the Rayleigh quotient stops changing, as several tools do it."""
    rng, found, kept = np.random.default_rng(0), [], np.zeros((len(values), 0))
    for _ in range(pairs):
        v, before = rng.normal(size=len(values)), np.inf
        for _ in range(steps):
            v = v - kept @ (kept.T @ v)
            v = v / np.linalg.norm(v)
            image = values * v
            quotient = v @ image
            if abs(quotient - before) <= tol * abs(quotient):
                break
            before, v = quotient, image
        found.append((quotient, np.linalg.norm(image - quotient * v)))
        kept = np.column_stack([kept, v])
    return np.array(found).T


def test_p19_converged_means_a_small_residual_not_a_quotient_that_rests():
    values = np.r_[10.0, 9.9, 9.8, np.linspace(-1, 9, 300)]
    quotients, residuals = power_iteration(values, 2, tol=1e-3)
    assert residuals.max() > 0.01 * 10, "the quotient rests, the residual is ten times the tolerance"
    operator = Diagonal(values)
    found = hessian_spectrum(operator, largest=2, smallest=0, tol=1e-3)
    assert found.converged.all()
    assert true_residuals(operator, found).max() <= 1e-3 * 10
    np.testing.assert_allclose(found.values, [10, 9.9], atol=1e-4)
    assert np.abs(quotients - [10, 9.9]).max() > 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_p20_a_long_run_keeps_its_basis_orthogonal_and_returns_no_ghosts(dtype):
    values = np.r_[1000.0, 500.0, 100.0, np.geomspace(1e-4, 10, 397)]
    basis = KrylovBasis(Diagonal(values, dtype), 200)
    basis.admit(torch.ones(400))
    for _ in range(120):
        basis.expand()
    rows = basis.rows.double()
    eye = torch.eye(len(rows), dtype=torch.float64)
    assert (rows @ rows.T - eye).abs().max() < 100 * torch.finfo(dtype).eps
    assert (basis.ritz().values > 50).sum() == 3


def test_p21_the_projected_problem_is_float64_for_half_precision_models():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)).bfloat16()
    x, y = torch.randn(64, 8), torch.randint(0, 3, (64,))
    objective = Objective(model, torch.nn.CrossEntropyLoss(), (x, y))
    assert objective.dtype == torch.float32
    found = hessian_spectrum(objective, tol=1e-5)
    assert (found.values.dtype, found.residuals.dtype, found.vectors.dtype) == (
        np.float64, np.float64, torch.float32,
    )  # fmt: skip
    assert_certified(HessianOperator(objective), found)
    wide = Objective(model, torch.nn.CrossEntropyLoss(), (x, y), dtype=torch.float64)
    np.testing.assert_allclose(found.values, hessian_spectrum(wide, tol=1e-9).values, rtol=1e-4, atol=1e-6)
    narrow = Objective(model, torch.nn.CrossEntropyLoss(), (x, y), dtype=torch.bfloat16)
    with pytest.raises(ValueError, match=r"tol=0\.001 .* torch\.bfloat16 .* dtype=torch\.float64"):
        hessian_spectrum(narrow)


def test_p22_gaps_tell_where_vectors_are_arbitrary():
    found = hessian_spectrum(Diagonal(np.r_[5, 5, 3, -2, np.linspace(-1, 1, 60)]), largest=3, smallest=1)
    assert (found.gaps[:2] <= found.residuals[:2]).all() or (found.gaps[:2] < 1e-6).all()
    assert found.gaps[2] == pytest.approx(2, abs=1e-3)
    assert found.gaps[3] == pytest.approx(1, abs=0.1), "the next value was seen, though it is not returned"
    vague = hessian_spectrum(
        Diagonal(np.r_[5, 4.9999, np.linspace(-1, 1, 60)]), largest=1, smallest=0, tol=0.1
    )
    assert ("cluster" in repr(vague)) == bool(vague.gaps[0] <= vague.residuals[0])


def test_p23_signs_and_order_are_those_of_the_spectrum_before():
    rng = np.random.default_rng(0)
    matrix = rotated(np.r_[9.0, 7.0, np.linspace(-1, 1, 80), -3.0, -4.0])
    first = hessian_spectrum(matrix)
    for seed in range(3):
        assert torch.allclose(hessian_spectrum(matrix, seed=seed).vectors, first.vectors, atol=0.02)
    flipped = -first.vectors
    noise = torch.as_tensor(rng.normal(size=matrix.shape)) * 1e-3
    for start in (flipped, torch.cat([flipped, torch.as_tensor(rng.normal(size=(2, 84)))])):
        after = hessian_spectrum(matrix + noise + noise.T, start=start)
        cosines = (after.vectors * flipped).sum(dim=1)
        assert (cosines > 0.9).all()


def test_p24_the_negative_end_is_asked_for_by_itself():
    values = np.r_[np.linspace(5, 50, 20), np.linspace(0, 1, 300), -0.5, -0.7]
    by_magnitude, _, _ = eigsh(values, 4, "LM")
    assert (by_magnitude > 0).all()
    np.testing.assert_allclose(hessian_spectrum(Diagonal(values)).values[2:], [-0.5, -0.7], rtol=0.01)


@pytest.mark.parametrize(("k", "seed"), [(2, 0), (2, 1), (5, 0), (5, 1)])
def test_p25_fewer_products_than_arpack_down_to_rounding_or_from_two_runs(k, seed):
    values = np.r_[outliers_and_bulk(seed)[:15], outliers_and_bulk(seed)[15::4]]
    ours = hessian_spectrum(Diagonal(values), largest=k, smallest=k, seed=seed)
    one = hessian_spectrum(Diagonal(values), largest=k, smallest=k, seed=seed, max_miss=1)
    _, _, exact = eigsh(values, 2 * k, "BE")
    assert ours.products < 0.8 * exact
    separate = sum(eigsh(values, k, end, tol=1e-2)[2] for end in ("LA", "SA"))
    assert ours.products < 0.8 * separate
    found, residuals, both = eigsh(values, 2 * k, "BE", tol=1e-2)
    np.testing.assert_allclose(found[::-1], ends(values, k, k), rtol=1e-3)
    assert residuals.max() <= 0.1
    assert one.products <= both + 1, "without the search for copies, the confirmation counted"


def test_p28_p46_pairs_are_right_where_lobpcg_and_deflation_are_not():
    values = np.r_[100.0, 99.0, 98.5, np.linspace(0, 1, 500) ** 2, -1e-2, -1.1e-2]
    operator = Diagonal(values)
    found = hessian_spectrum(operator, tol=1e-5, max_products=400)
    np.testing.assert_allclose(found.values, [100, 99, -1e-2, -1.1e-2], rtol=1e-2)
    assert_certified(operator, found)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lowest, _ = scipy.sparse.linalg.lobpcg(
            scipy.sparse.diags(values), rng.normal(size=(505, 2)), largest=False, tol=1e-5, maxiter=100
        )
    assert np.abs(np.sort(lowest) - [-1.1e-2, -1e-2]).max() > 1e-4, "200 products, and not there"
    assert power_iteration(values, 2, tol=1e-3)[1].max() > 0.01


def test_p47_the_projected_problem_never_runs_on_an_accelerator(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a small eigenproblem in torch")

    monkeypatch.setattr(torch.linalg, "eigh", refuse)
    monkeypatch.setattr(torch.linalg, "eigvalsh", refuse)
    basis = KrylovBasis(as_operator(rotated(np.linspace(-1, 3, 40))), 20)
    basis.admit(torch.ones(40))
    basis.expand()
    assert isinstance(basis.coefficients, np.ndarray)
    hessian_spectrum(rotated(np.linspace(-1, 3, 40)))


def test_p59_a_triple_value_is_found_by_the_vector_that_is_drawn_for_it():
    values = np.r_[9.0, 9.0, 9.0, 5.0, np.linspace(-1, 1, 300)]
    for seed in range(5):
        found = hessian_spectrum(Diagonal(values), largest=3, smallest=0, tol=1e-6, seed=seed)
        np.testing.assert_allclose(found.values, 9, atol=1e-5)
        assert found.miss_probability <= 0.05
    alone = hessian_spectrum(Diagonal(values), largest=2, smallest=0, tol=1e-3, max_miss=1)
    assert alone.values[1] == pytest.approx(5, abs=1e-3), "what one vector sees"


def test_p60_converged_is_not_resolved():
    found = hessian_spectrum(Diagonal(np.r_[1000.0, np.linspace(0, 1, 900) ** 3]), largest=1, smallest=1)
    assert found.converged.all()
    assert found.resolved.tolist() == [True, False]
    assert found.residuals[1] > 0.1 * abs(found.values[1])


def test_a_tiny_basis_gives_the_same_five_and_five_pairs():
    operator = Diagonal(np.r_[np.linspace(5, 9, 5), np.linspace(-1, 1, 400), np.linspace(-4, -2, 5)])
    roomy = hessian_spectrum(operator, largest=5, smallest=5, tol=1e-8)
    tight = hessian_spectrum(operator, largest=5, smallest=5, tol=1e-8, basis_bytes=0)
    np.testing.assert_allclose(tight.values, roomy.values, atol=1e-10)
    assert torch.allclose(tight.vectors, roomy.vectors, atol=1e-6)
    assert_certified(operator, tight)


def test_a_warm_start_after_a_training_step_saves_products_and_a_useless_one_costs_few():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.Tanh(), torch.nn.Linear(12, 3))
    x, y = torch.randn(80, 6), torch.randint(0, 3, (80,))
    criterion = torch.nn.CrossEntropyLoss()
    objective = Objective(model, criterion, (x, y))
    before = hessian_spectrum(objective)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    torch.autograd.backward(criterion(model(x), y))
    optimizer.step()
    objective.update()
    cold, warm = hessian_spectrum(objective), hessian_spectrum(objective, start=before)
    assert warm.products < 0.8 * cold.products
    np.testing.assert_allclose(warm.values, cold.values, atol=2e-3 * cold.norm)
    useless = torch.randn(4, objective.num_parameters, generator=torch.Generator().manual_seed(0))
    assert hessian_spectrum(objective, start=useless).products <= cold.products + 12
