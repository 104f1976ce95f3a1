"""Subspaces: exact coordinates, zero-mean directions, norms that are what they say."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl


@pytest.fixture
def objective() -> nbl.Objective:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(12, 5), nn.Tanh(), nn.Linear(5, 2)
    ).double()
    with torch.no_grad():
        model[2].weight[1] = 0.0  # a filter of norm zero
    x = torch.randn(6, 1, 4, 4, dtype=torch.float64)
    return nbl.Objective(model, nn.CrossEntropyLoss(), (x, torch.arange(6) % 2))


def test_p35_unit_directions_are_orthonormal(objective):
    plane = nbl.Subspace.random(objective, 3, normalize="unit")
    np.testing.assert_allclose(plane.gram, np.eye(3), atol=1e-14)


@pytest.mark.parametrize("distribution", ["normal", "rademacher"])
def test_p36_directions_have_zero_mean_and_unit_variance(objective, distribution):
    rows = nbl.Subspace.random(objective, 50, normalize=None, distribution=distribution).directions
    assert abs(float(rows.mean())) < 5 / np.sqrt(rows.numel())
    assert float(rows.var()) == pytest.approx(1, abs=0.05)
    if distribution == "rademacher":
        assert set(rows.unique().tolist()) == {-1.0, 1.0}


def test_p37_filter_norms(objective):
    plane = nbl.Subspace.random(objective, 2, normalize="filter")
    weights = objective.unflatten(objective.origin())
    for row in plane.directions:
        for name, piece in objective.unflatten(row).items():
            if weights[name].ndim < 2:
                assert not piece.any()
            else:
                torch.testing.assert_close(piece.flatten(1).norm(dim=1), weights[name].flatten(1).norm(dim=1))


def test_layer_norms(objective):
    weights = objective.unflatten(objective.origin())
    pieces = objective.unflatten(nbl.Subspace.random(objective, 1, normalize="layer").directions[0])
    for name, piece in pieces.items():
        assert float(piece.norm()) == pytest.approx(float(weights[name].norm()))


def test_directions_come_from_a_private_seeded_generator(objective):
    state = torch.get_rng_state()
    one, two = (nbl.Subspace.random(objective, 2, seed=5).directions for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, nbl.Subspace.random(objective, 2, seed=6).directions)
    assert torch.equal(state, torch.get_rng_state())


def test_hessian_planes_and_offsets(objective):
    spectrum = nbl.hessian_spectrum(objective, largest=2, smallest=1, tol=1e-8)
    plane = nbl.Subspace.hessian(objective, spectrum, (0, -1))
    curvatures = [float(d @ objective.hvp(d)) for d in plane.directions]
    np.testing.assert_allclose(curvatures, plane.curvatures, rtol=1e-6)
    assert plane.labels[0].startswith("v₁ (λ = ")
    assert plane.labels[1].startswith("v₋₁ (λ = ")
    assert plane.contains_model
    moved = nbl.Subspace.hessian(objective, spectrum, (0, -1), offset={1: 0.5})
    torch.testing.assert_close(moved.origin - plane.origin, 0.5 * spectrum.vectors[1])
    assert not moved.contains_model
    landscape = nbl.sample(objective, moved, span=0.1, points=3)
    assert landscape.origin is None
    assert landscape.provenance["subspace"]["offset"]["amount"] == 0.5
    for indices, offset in (((0, 5), {}), ((0, 0), {}), ((0, -3), {}), ((0, -1), {2: 1.0})):
        with pytest.raises(ValueError, match=r"outside|twice"):
            nbl.Subspace.hessian(objective, spectrum, indices, offset=offset)


def test_provenance_fits_json_and_says_what_it_is(objective):
    spectrum = nbl.hessian_spectrum(objective, largest=1, smallest=1)
    other = {name: value + 1 for name, value in objective.unflatten(objective.origin()).items()}
    third = {name: value * 2 for name, value in other.items()}
    planes = {
        "hessian": nbl.Subspace.hessian(objective, spectrum),
        "random": nbl.Subspace.random(objective),
        "gradient": nbl.Subspace.gradient(objective, spectrum),
        "through": nbl.Subspace.through(objective, other, third),
        "trajectory": nbl.Subspace.trajectory(objective, [other, third, objective.origin()]),
        "directions": nbl.Subspace.from_directions(objective, spectrum.vectors),
    }
    for kind, plane in planes.items():
        for shown in (plane, plane.orthonormalized()):
            assert json.loads(json.dumps(shown.provenance, allow_nan=False))["kind"] == kind
            assert repr(shown).startswith(f"Subspace({kind}, 2 of {objective.num_parameters} dimensions: ")


def test_directions_by_name(objective):
    weights = objective.unflatten(objective.origin())
    plane = nbl.Subspace.from_directions(objective, [weights])
    torch.testing.assert_close(plane.at([1.0]), 2 * objective.origin())
    assert plane.lengths[0] == pytest.approx(float(objective.origin().norm()))


@pytest.mark.parametrize(
    ("directions", "message"),
    [
        ([], "No directions"),
        ([torch.ones(3)], "3 entries"),
        ([{"nonsense": torch.ones(3)}], "unknown"),
    ],
)
def test_directions_that_do_not_fit(objective, directions, message):
    with pytest.raises(ValueError, match=message):
        nbl.Subspace.from_directions(objective, directions)


def test_zero_or_infinite_directions(objective):
    n = objective.num_parameters
    for row, message in ((torch.zeros(n), "zero"), (torch.full((n,), torch.inf), "inf")):
        with pytest.raises(ValueError, match=message):
            nbl.Subspace.from_directions(objective, [row])
    with pytest.raises(ValueError, match="between 1 and"):
        nbl.Subspace.random(objective, 0)
    biases = nbl.Objective(
        nn.Linear(2, 2), nn.CrossEntropyLoss(), (torch.ones(2, 2), torch.tensor([0, 1])), parameters=["bias"]
    )
    with pytest.raises(ValueError, match="one-dimensional"):
        nbl.Subspace.random(biases, 1)


def test_directions_that_are_no_tensors_are_named(objective):
    with pytest.raises(TypeError, match="one mapping"):
        nbl.Subspace.from_directions(objective, objective.unflatten(objective.origin()))
    with pytest.raises(TypeError, match="Direction 0 is a ndarray"):
        nbl.Subspace.from_directions(objective, np.eye(objective.num_parameters)[:2])
