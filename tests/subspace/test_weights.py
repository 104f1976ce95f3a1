"""Random planes read an objective's weights instead of copying them, and say so when those have changed."""

import copy as copying
import hashlib
import pickle

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl


def made(copy: bool) -> tuple[nn.Module, nbl.Objective]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
        data = torch.randn(7, 3, dtype=torch.float64), torch.randn(7, 2, dtype=torch.float64)
    return model, nbl.Objective(model, nn.MSELoss(), data, copy=copy)


def train(model: nn.Module) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("gradients", [True, False])
def test_losses_points_and_hash_are_those_of_a_plane_with_an_origin_of_its_own(copy, gradients):
    _, objective = made(copy)
    plane = nbl.Subspace.random(objective, 2, seed=3)
    own = plane.stored()
    assert type(own) is nbl.Subspace
    found, expected = (
        nbl.sample(objective, p, span=0.5, points=5, gradients=gradients) for p in (plane, own)
    )
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-14)
    torch.testing.assert_close(plane.at([0.2, -0.4]), own.at([0.2, -0.4]), rtol=0, atol=0)
    assert (plane.size, plane.dim) == (own.size, own.dim)
    assert plane.weights_norm == pytest.approx(own.weights_norm, rel=1e-14)
    digests = []
    for each in (plane, own):
        digests.append(hashlib.sha256())
        each.feed(digests[-1])
    assert digests[0].digest() == digests[1].digest()


def test_a_plane_of_an_objective_that_was_updated_stays_where_it_was():
    model, objective = made(copy=True)
    plane = nbl.Subspace.random(objective, 2, seed=3)
    before = nbl.sample(objective, plane, span=0.5, points=5)
    train(model)
    objective.update()
    np.testing.assert_array_equal(nbl.sample(objective, plane, span=0.5, points=5).values, before.values)


@pytest.mark.parametrize("stored", [True, False])
def test_a_plane_whose_weights_were_trained_on_refuses_also_after_an_update(stored):
    model, objective = made(copy=False)
    plane = nbl.Subspace.random(objective, 2, seed=3, stored=stored)
    evaluate = objective.evaluator(plane)
    train(model)
    objective.update()
    for use in (
        lambda: plane.origin,
        lambda: plane.at([0.0, 0.0]),
        lambda: nbl.sample(objective, plane, span=0.5, points=3),
        lambda: evaluate(np.zeros(2)),
    ):
        with pytest.raises(RuntimeError, match=r"trained on while this subspace reads its weights.*anew"):
            use()
    nbl.sample(objective, nbl.Subspace.random(objective, 2, stored=stored), span=0.5, points=3)


def test_an_objective_with_other_slots_gets_the_origin_as_a_vector():
    model, objective = made(copy=True)
    plane = nbl.Subspace.random(objective, 2, seed=3)
    assert isinstance(plane.start(objective._snapshot.layout.slots), list)
    data = torch.ones(2, 3), torch.ones(2, 2)
    other = nbl.Objective(model, nn.MSELoss(), data, dtype=torch.float32)
    assert isinstance(plane.start(other._snapshot.layout.slots), torch.Tensor)
    found = other.evaluator(plane)(np.array([0.2, -0.1])).loss
    assert found == pytest.approx(objective.on(data).evaluator(plane)(np.array([0.2, -0.1])).loss, rel=1e-5)


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("copied", [lambda p: pickle.loads(pickle.dumps(p)), copying.deepcopy])
def test_copies_of_a_plane_can_be_used(stored, copied):
    _, objective = made(copy=True)
    plane = nbl.Subspace.random(objective, 2, seed=3, stored=stored)
    found, expected = (nbl.sample(objective, each, span=0.5, points=3) for each in (copied(plane), plane))
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-14)
