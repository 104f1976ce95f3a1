import numpy as np
import pytest
import torch

from nblandscape.curvature.krylov import KrylovBasis
from nblandscape.curvature.operator import as_operator
from tests.curvature.spectra import rotated


def assert_identity(basis, tolerance):
    """H Q[:p]^T = Q^T C, with orthonormal Q."""
    Q = basis.rows.double()
    H = basis.operator.matrix.double()
    left = Q[: basis.processed] @ H
    right = torch.as_tensor(basis.coefficients).T @ Q
    assert (left - right).abs().max() < tolerance
    assert (Q @ Q.T - torch.eye(len(Q), dtype=torch.float64)).abs().max() < tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_decomposition_identity_survives_tails_growth_and_restarts(dtype, tolerance):
    matrix = rotated(np.r_[9, 9, np.linspace(-3, 3, 118)]).to(dtype)
    basis = KrylovBasis(as_operator((matrix + matrix.T) / 2), 60)
    rng = torch.Generator().manual_seed(0)
    for _ in range(2):
        assert basis.admit(torch.randn(120, generator=rng, dtype=dtype))
    for _ in range(45):
        basis.expand()
    assert basis.admit(torch.randn(120, generator=rng, dtype=dtype))
    for _ in range(5):
        basis.expand(basis.size - 1)
    assert basis.size == 53
    assert_identity(basis, tolerance)
    before = basis.ritz()
    keep = np.r_[0:5, 40:50]
    basis.restart(keep)
    assert_identity(basis, 10 * tolerance)
    np.testing.assert_allclose(basis.ritz().values, before.values[keep], atol=tolerance)
    np.testing.assert_allclose(basis.ritz().residuals, before.residuals[keep], atol=tolerance)
    for _ in range(20):
        basis.expand()
    assert_identity(basis, 10 * tolerance)


def test_one_chain_is_tridiagonal():
    basis = KrylovBasis(as_operator(rotated(np.linspace(-1, 4, 50))), 20)
    basis.admit(torch.ones(50))
    steps = [basis.expand() for _ in range(12)]
    T = basis.coefficients[:12]
    alphas, betas = np.array(steps).T
    np.testing.assert_allclose(
        T, np.diag(alphas) + np.diag(betas[:-1], 1) + np.diag(betas[:-1], -1), atol=1e-12
    )


def test_what_lies_in_the_basis_is_not_admitted():
    basis = KrylovBasis(as_operator(torch.eye(3)), 3)
    assert basis.admit(torch.tensor([1.0, 1.0, 0.0]))
    assert not basis.admit(torch.tensor([2.0, 2.0, 0.0]))
    assert not basis.admit(torch.zeros(3))
    assert basis.admit(torch.tensor([1.0, 0.0, 0.0]))


def test_an_operator_that_is_not_symmetric_shows():
    basis = KrylovBasis(as_operator(rotated(np.linspace(-1, 4, 50))), 20)
    basis.operator.matrix = basis.operator.matrix + torch.triu(
        torch.full((50, 50), 0.01, dtype=torch.float64)
    )
    basis.admit(torch.ones(50))
    for _ in range(5):
        basis.expand()
    assert basis.symmetry_defect > 1e-3
