"""Segments and planes through checkpoints: their losses are the checkpoints' own."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import nblandscape as nbl
from nblandscape.landscape.span import half_widths
from nblandscape.subspace.checkpoints import locate, state_of

X = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.arange(12) % 2


def network(seed: int, dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).to(dtype)


def objective_at(model: nn.Module) -> nbl.Objective:
    return nbl.Objective(model, nn.CrossEntropyLoss(), (X, Y))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-6)])
@pytest.mark.parametrize("origin", ["objective", "first", "last", "mean"])
def test_a_plane_through_three_points_has_their_losses_at_their_coordinates(origin, dtype, tolerance):
    models = [network(i, dtype) for i in range(3)]
    objective = objective_at(models[2])
    given = models[:2] if origin == "objective" else models
    plane = nbl.Subspace.through(objective, *given, origin=origin)
    assert plane.dim == 2
    np.testing.assert_allclose(plane.gram, np.eye(2), atol=1e-6)
    evaluate = objective.evaluator(plane)
    for anchor, model in zip(plane.anchors, given, strict=True):
        assert evaluate(anchor).loss == pytest.approx(objective_at(model).loss(), rel=tolerance)
        theirs = objective.flatten(dict(model.named_parameters()))
        torch.testing.assert_close(plane.at(anchor), theirs, atol=tolerance, rtol=tolerance)
    assert plane.contains_model == (origin in ("objective", "last"))
    if origin == "mean":
        np.testing.assert_allclose(plane.anchors.mean(axis=0), 0, atol=1e-6)
    if origin in ("objective", "last"):
        assert plane.anchors[0, 1] == pytest.approx(0, abs=1e-6)  # the first lies on the first axis
        assert plane.anchors[0, 0] > 0
        assert plane.anchors[1, 1] > 0
    json.dumps(plane.provenance, allow_nan=False)


@pytest.mark.parametrize("points", [3, 17])
def test_checkpoints_lie_inside_the_default_window_and_the_origin_is_a_node(points):
    models = [network(i) for i in range(3)]
    objective = objective_at(models[0])
    plane = nbl.Subspace.through(objective, *models, origin="objective")
    landscape = nbl.sample(objective, plane, points=points)
    for axis, coordinates in zip(landscape.axes, plane.anchors.T, strict=True):
        assert axis[0] < coordinates.min()
        assert axis[-1] > coordinates.max()
        assert axis[points // 2] == 0.0
    assert landscape.origin_value == objective.loss()
    by_mean = nbl.Subspace.through(objective, *models, origin="mean")
    assert nbl.sample(objective, by_mean, points=3).origin is None  # the model is elsewhere


def test_segments():
    models = [network(i) for i in range(3)]
    objective = objective_at(models[0])
    one = nbl.Subspace.through(objective, models[1])
    two = nbl.Subspace.through(objective, models[0], models[1])  # the objective's own weights count once
    torch.testing.assert_close(one.directions, two.directions)
    assert two.anchors.shape == (2, 1)
    assert two.anchors[0, 0] == 0.0
    away = objective.flatten(dict(models[1].named_parameters())) - objective.origin()
    assert one.anchors[0, 0] == pytest.approx(float(away.norm()))
    assert one.labels == ("towards Checkpoint 0",)
    between = nbl.Subspace.through(objective, models[1], models[2], origin="first")
    assert between.dim == 1
    assert not between.contains_model
    evaluate = objective.evaluator(between)
    for anchor, model in zip(between.anchors, models[1:], strict=True):
        assert evaluate(anchor).loss == pytest.approx(objective_at(model).loss(), rel=1e-13)


@given(st.integers(0, 10**6), st.floats(0.05, 20))
@settings(max_examples=20, deadline=None)
def test_collinear_points_make_no_plane(seed, far):
    objective = objective_at(network(1))
    step = torch.randn(objective.num_parameters, generator=torch.Generator().manual_seed(seed)).double()
    home = objective.origin()
    if abs(far - 1) < 1e-3:
        far = 2.0
    with pytest.raises(ValueError, match=r"3 points.*and the objective's weights\) lie on a line"):
        nbl.Subspace.through(objective, home + step, home + far * step)


def test_points_that_make_no_subspace():
    models = [network(i) for i in range(4)]
    objective = objective_at(models[0])
    with pytest.raises(ValueError, match="No checkpoints"):
        nbl.Subspace.through(objective)
    with pytest.raises(ValueError, match="identical with the origin"):
        nbl.Subspace.through(objective, models[0])
    with pytest.raises(ValueError, match="Checkpoint 0 and Checkpoint 1 are identical"):
        nbl.Subspace.through(objective, models[1], models[1])
    with pytest.raises(ValueError, match=r'3 checkpoints and the objective.*4 points.*origin="first"'):
        nbl.Subspace.through(objective, *models[1:])
    with pytest.raises(ValueError, match="origin='middle'"):
        nbl.Subspace.through(objective, models[1], origin="middle")
    with pytest.raises(ValueError, match="another architecture"):
        nbl.Subspace.through(objective, nn.Linear(3, 2))
    broken = {name: value * torch.inf for name, value in models[1].state_dict().items()}
    with pytest.raises(ValueError, match="NaN or inf"):
        nbl.Subspace.through(objective, broken)


def test_spans_of_paths_and_distances():
    rows = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    plane = nbl.Subspace(torch.ones(2), rows, ("a", "b"), anchors=np.array([[3.0, 0.0], [-4.0, 0.0]]))
    assert half_widths(None, plane, 1.0) == pytest.approx((4.8, 1.2 * 0.05 * 8))  # in units of the directions
    assert half_widths(("path", 0.0), plane, 1.0) == pytest.approx((4.0, 0.4))
    assert half_widths(("distance", 3.0), plane, 1.0) == pytest.approx((1.5, 3.0))
    assert half_widths([("distance", 3.0), ("path", 1)], plane, 1.0) == pytest.approx((1.5, 0.8))
    with pytest.raises(ValueError, match="margin"):
        half_widths(("path", -0.5), plane, 1.0)
    bare = nbl.Subspace(torch.ones(2), rows, ("a", "b"))
    with pytest.raises(ValueError, match="needs a trajectory or checkpoints"):
        half_widths(("path", 0.1), bare, 1.0)


class Tied(nn.Module):
    """Input and output share their weights, as in most language models."""

    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, x):
        return self.head(torch.tanh(self.embedding(x)))


@pytest.mark.parametrize("lacking", ["head.weight", "embedding.weight"])
def test_of_tied_weights_a_file_needs_to_hold_one_name_only(lacking):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, other = Tied(), Tied()
    data = (torch.arange(7), torch.arange(7).roll(1))
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data)
    state = {name: tensor for name, tensor in other.state_dict().items() if name != lacking}
    if lacking == "embedding.weight":  # the name of the analysed parameter
        with pytest.raises(ValueError, match=lacking):
            locate(objective, [state])
        return
    there = objective.at(state_of(objective, locate(objective, [state])[0]))
    assert there.loss() == nbl.Objective(other, nn.CrossEntropyLoss(), data).loss()
