import numpy as np
import pytest
import torch

from nblandscape.curvature import HessianOperator, as_operator


class Quadratic:
    """What an objective must offer."""

    num_parameters, dtype, device = 3, torch.float64, torch.device("cpu")

    def hvp(self, V):
        return 2 * V


def test_objective_operator_and_matrix_are_taken():
    operator = as_operator(Quadratic())
    assert isinstance(operator, HessianOperator)
    assert (operator.size, operator.dtype) == (3, torch.float64)
    assert torch.equal(operator.product(torch.ones(2, 3)), torch.full((2, 3), 2.0))
    assert as_operator(operator) is operator
    assert as_operator(np.eye(2, dtype=np.int64)).dtype == torch.float64
    assert as_operator(torch.eye(2)).dtype == torch.float32


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.ones((2, 3)), r"square matrix, shape \(n, n\), not \(2, 3\)"),
        (np.array([[0.0, 1.0], [0.0, 0.0]]), r"not symmetric .* \(A \+ A\.T\) / 2"),
        (np.eye(2) * 1j, "complex"),
        (np.empty((0, 0)), r"\(0, 0\)"),
        ("model", "not str"),
    ],
)
def test_what_has_no_spectrum_is_named(bad, message):
    with pytest.raises(ValueError, match=message):
        as_operator(bad)


def test_an_objective_without_parameters_is_named():
    empty = Quadratic()
    empty.num_parameters = 0
    with pytest.raises(ValueError, match="0 parameters"):
        as_operator(empty)
