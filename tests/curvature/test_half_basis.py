"""A basis in float16: what is returned is as exact as it says, on prescribed spectra and on a model."""

import numpy as np
import pytest
import torch

import nblandscape as nbl
from nblandscape.curvature.krylov import KrylovBasis
from nblandscape.curvature.operator import as_operator
from tests.curvature.spectra import Diagonal, assert_certified, ends, outliers_and_bulk, rotated


def half(operator, **options):
    return nbl.hessian_spectrum(operator, basis="half", **options)


def test_values_are_those_of_the_matrix_and_residuals_those_of_the_vectors():
    """Rotated, so that rounding is spread over all entries as in a model."""
    values = outliers_and_bulk()[:600]
    operator = as_operator(rotated(values).to(torch.float32))
    found = half(operator, largest=4, smallest=3)
    assert_certified(operator, found)
    error = np.abs(found.values - ends(values, 4, 3))
    assert (error <= found.residuals**2 / found.gaps + 1e-6 * found.norm).all()
    full = nbl.hessian_spectrum(operator, largest=4, smallest=3)
    assert found.products <= 1.5 * full.products + 7  # a product a pair at the end


def test_a_restarted_run_is_as_good():
    values = np.r_[5, 4.5, 4.2, np.linspace(-0.8, 3.9, 396), -1]
    operator = as_operator(rotated(values).to(torch.float32))
    found = half(operator, largest=3, smallest=1, basis_bytes=20 * 2 * 400)
    assert_certified(operator, found)
    assert found.products > 40
    assert (np.abs(found.values - ends(values, 3, 1)) <= found.residuals).all()


def test_a_localised_vector_neither_overflows_nor_vanishes():
    """Its one entry is the root of n times as large as usual; the others are as small as can be."""
    n = 40_000
    values = np.r_[50.0, 20.0, np.linspace(0.2, 1.0, n - 3), -7.0]
    found = half(Diagonal(values, torch.float32), largest=2, smallest=1)
    assert_certified(Diagonal(values, torch.float32), found)
    np.testing.assert_allclose(found.values, [50, 20, -7], atol=1e-4)


def test_double_eigenvalues_are_seen():
    values = np.r_[9, 9, np.linspace(-1, 3, 300)]
    operator = as_operator(rotated(values).to(torch.float32))
    np.testing.assert_allclose(half(operator, largest=3, smallest=0).values, [9, 9, 3], atol=2e-3)


def test_the_record_is_off_by_no_more_than_it_says():
    """H Q[:p]^T = Q^T C up to what rounding took off each new row, after growth and a restart."""
    matrix = rotated(np.r_[9, 5, np.linspace(-3, 3, 198)])
    basis = KrylovBasis(as_operator(matrix), 60, half=True)
    assert basis.admit(torch.randn(200, generator=torch.Generator().manual_seed(0)))

    def check():
        Q = basis.rows.double()
        off = Q[: basis.processed] @ matrix - torch.as_tensor(basis.coefficients).T @ Q
        lost = torch.as_tensor(basis._lost[: basis.processed])
        assert (off.norm(dim=1) <= lost + 1e-12).all()
        assert lost.max() < 5e-3 * basis.norm
        assert lost[:-1].min() > 0

    for _ in range(40):
        basis.expand()
    check()
    basis.restart(np.r_[0:3, 30:40])
    check()


def test_half_takes_half_the_memory():
    operator = Diagonal(np.linspace(0, 1, 2**15 + 1), torch.float32)
    full, kept = KrylovBasis(operator, 32), KrylovBasis(operator, 32, half=True)
    assert 2 * kept._rows.nbytes == full._rows.nbytes


def test_pairs_of_a_model_are_those_of_the_full_basis():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 30), torch.nn.Tanh(), torch.nn.Linear(30, 3))
    data = torch.randn(64, 8), torch.randint(0, 3, (64,))
    objective = nbl.Objective(model, torch.nn.CrossEntropyLoss(), data)
    found = half(objective, largest=3, smallest=2)
    full = nbl.hessian_spectrum(objective, largest=3, smallest=2, tol=1e-5)
    assert found.converged.all()
    assert (np.abs(found.values - full.values) <= found.residuals + full.residuals).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"basis": "bfloat16"}, 'basis=\'bfloat16\'; use "full" or "half"'),
        ({"basis": "half", "tol": 1e-4}, r"tol=0.0001 is not between 3e-04, what basis=\"half\" can reach"),
    ],
)
def test_bad_arguments(options, words):
    with pytest.raises(ValueError, match=words):
        nbl.hessian_spectrum(np.diag([2.0, 1.0]), **options)
