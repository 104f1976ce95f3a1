import numpy as np
import pytest
import torch

from nblandscape.curvature import HessianOperator, hessian_spectrum
from nblandscape.objective import Objective
from tests.curvature.spectra import assert_certified, ends


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2)).double()
    x, y = torch.randn(40, 3, dtype=torch.float64), torch.randint(0, 2, (40,))
    return model, x, y


def dense_hessian(model, x, y):
    names, shapes = zip(*[(n, p.shape) for n, p in model.named_parameters()], strict=True)

    def loss(flat):
        parts = flat.split([s.numel() for s in shapes])
        state = {n: p.view(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        return torch.nn.functional.cross_entropy(torch.func.functional_call(model, state, x), y)

    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    return torch.autograd.functional.hessian(loss, flat)


@pytest.mark.parametrize("batches", [1, 3])
def test_network_agrees_with_its_dense_hessian(network, batches):
    model, x, y = network
    objective = Objective(
        model, torch.nn.CrossEntropyLoss(), list(zip(x.chunk(batches), y.chunk(batches), strict=True))
    )
    spectrum = hessian_spectrum(objective, largest=4, smallest=4, tol=1e-10)
    H = dense_hessian(model, x, y)
    np.testing.assert_allclose(spectrum.values, ends(torch.linalg.eigvalsh(H), 4, 4), rtol=1e-5, atol=1e-9)
    assert_certified(HessianOperator(objective), spectrum)
    defect = spectrum.vectors @ H - torch.as_tensor(spectrum.values)[:, None] * spectrum.vectors
    assert torch.linalg.vector_norm(defect, dim=1).max() < 1e-9 * spectrum.norm
