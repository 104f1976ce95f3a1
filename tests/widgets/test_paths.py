"""Checkpoints and training runs on the surface: projected by least squares, with their own losses."""

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl


@pytest.fixture
def case():
    """A quadratic loss with a Hessian of distinct eigenvalues, so that the eigenvectors are the axes."""
    scales = torch.tensor([4.0, 3.0, 2.0, 1.0], dtype=torch.float64)

    class Bowl(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64))

        def forward(self, x):
            return (scales * self.w**2).sum().expand(len(x))

    model = Bowl()
    objective = nbl.Objective(model, lambda out, y: out.mean() / 2, (torch.ones(2, 1), torch.zeros(2)))
    return model, objective, scales


def table(explorer):
    found = {}
    for item in explorer.paths["items"]:
        points = np.frombuffer(item["points"], "<f8").reshape(-1, 2)
        found[item["label"]] = (
            item["kind"],
            points,
            np.frombuffer(item["losses"], "<f8"),
            np.frombuffer(item["distance"], "<f8"),
        )
    return found


def state(*values):
    return {"w": torch.tensor(values, dtype=torch.float64)}


def test_a_path_is_projected_with_its_own_losses_and_distances(explore, case):
    model, objective, scales = case
    path = [state(0.1 + 0.5 * t, 0.2 - t, 0.3 + 0.2 * t, 0.4) for t in (0.0, 1.0, 2.0)]
    paths = {"run <b>": path, "end": state(0.1, 0.2, 3.3, 4.4)}
    explorer = explore(objective, axes=(0, 1), span=3.0, points=5, largest=2, smallest=2, paths=paths).wait(
        60
    )
    assert explorer.error is None
    found = table(explorer)
    vectors = explorer.eigenpairs.vectors[:2].numpy()
    kind, points, losses, distances = found["run <b>"]
    assert kind == "trajectory"
    for t, point, loss, distance in zip((0.0, 1.0, 2.0), points, losses, distances, strict=True):
        apart = np.array([0.5 * t, -t, 0.2 * t, 0.0])
        np.testing.assert_allclose(point, vectors @ apart, atol=1e-6)
        assert distance == pytest.approx(0.2 * t, abs=1e-5)
        weights = np.array([0.1, 0.2, 0.3, 0.4]) + apart
        assert loss == pytest.approx(float(scales.numpy() @ weights**2) / 2)
    assert found["end"][0] == "checkpoint"
    assert found["end"][3][0] == pytest.approx(5.0, abs=1e-5)  # sqrt(3^2 + 4^2)
    assert torch.equal(model.w.detach(), torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64))
    # Another plane: the same checkpoints, elsewhere; losses are not computed again.
    explorer.request(axes=(2, 3))
    explorer.wait(60)
    assert explorer.paths["spec"]["axes"] == [2, 3]
    other = table(explorer)
    assert np.abs(other["end"][1]).max() == pytest.approx(4.0, abs=1e-5)
    np.testing.assert_array_equal(other["end"][2], found["end"][2])
    # The same plane in another window keeps its projections.
    explorer.request(span=1.0)
    explorer.wait(60)
    np.testing.assert_array_equal(table(explorer)["end"][1], other["end"][1])


def test_a_path_is_projected_anew_on_a_moved_plane_and_at_another_origin(explore, case):
    _, objective, _ = case
    options = {"axes": (0, 1), "span": 3.0, "points": 5, "largest": 2, "smallest": 2}
    explorer = explore(objective, paths={"end": state(0.1, 0.2, 3.3, 4.4)}, **options).wait(60)
    assert table(explorer)["end"][3][0] == pytest.approx(5.0, abs=1e-5)
    step = 3.0 * np.sign(float(explorer.eigenpairs.vectors[2, 2]))
    explorer.request(offset={2: step})
    explorer.wait(60)
    assert table(explorer)["end"][3][0] == pytest.approx(4.0, abs=1e-5)
    explorer.new_origin((1.0, -0.5))
    explorer.wait(60)
    assert explorer.paths["spec"]["origin"] == 1
    assert table(explorer)["end"][3][0] == pytest.approx(4.0, abs=1e-5)
    np.testing.assert_allclose(np.abs(table(explorer)["end"][1][0]), [1.0, 0.5], atol=1e-5)


def test_every_loss_is_evaluated_once_and_long_runs_are_thinned(explore, case, monkeypatch):
    _, objective, _ = case
    asked = []
    original = type(objective).point
    monkeypatch.setattr(type(objective), "point", lambda self, flat: asked.append(1) or original(self, flat))
    run = [state(0.1, 0.2, 0.3, 0.001 * t) for t in range(450)]
    explorer = explore(objective, span=1.0, points=3, largest=2, smallest=2, paths=run).wait(60)
    kind, points, _, _ = table(explorer)["path"]
    assert (kind, len(points)) == ("trajectory", 200)
    before = len(asked)
    explorer.request(axes=(1, 2))
    explorer.wait(60)
    assert len(asked) == before


def test_what_cannot_be_drawn_is_named(explore, case):
    _, objective, _ = case
    with pytest.raises(ValueError, match=r"paths\['b'\].*"):
        explore(objective, paths={"a": state(0, 0, 0, 0), "b": {"other": torch.zeros(4)}})
    with pytest.raises(ValueError, match=r"paths\['none'\] holds no checkpoint"):
        explore(objective, paths={"none": []})
    with pytest.raises(ValueError, match="paths is empty"):
        explore(objective, paths={})
    with pytest.raises(TypeError, match="needs a model"):
        explore(np.random.default_rng(0).normal(size=(5, 5)), paths=[state(0, 0, 0, 0)])


def test_a_landscape_over_a_trajectory_shows_its_checkpoints_by_itself(explore, case, tmp_path):
    _, objective, _ = case
    rng = np.random.default_rng(0)
    run = [state(*(0.3 * t + rng.normal(size=4))) for t in range(6)]
    plane = nbl.Subspace.trajectory(objective, run, steps=range(0, 60, 10))
    landscape = nbl.sample(objective, plane, points=5)
    explorer = explore(landscape)
    (item,) = explorer.paths["items"]
    assert (item["label"], item["kind"], item["steps"]) == (
        "trajectory",
        "trajectory",
        list(range(0, 60, 10)),
    )
    _, points, losses, distance = table(explorer)["trajectory"]
    np.testing.assert_array_equal(points, plane.path)
    np.testing.assert_array_equal(distance, plane.off_plane)
    assert np.isnan(losses).all()  # what was not evaluated is not made up
    assert explorer.paths["spec"]["axes"] == explorer.spec["axes"]
    again = explore(explorer.save(tmp_path / "kept.npz"))
    np.testing.assert_array_equal(table(again)["trajectory"][1], plane.path)


def test_checkpoints_that_span_a_landscape_are_marked_and_other_landscapes_mark_none(explore, case):
    _, objective, _ = case
    ends = [state(1, 0, 0, 0), state(0, 2, 0, 0), state(0, 0, 3, 0)]
    plane = nbl.Subspace.through(objective, *ends, origin="first")
    explorer = explore(nbl.sample(objective, plane, points=5))
    names = plane.provenance["checkpoints"]
    found = table(explorer)
    assert list(found) == names
    for name, anchor in zip(names, plane.anchors, strict=True):
        assert found[name][0] == "checkpoint"
        np.testing.assert_array_equal(found[name][1], [anchor])
    assert (
        explore(nbl.sample(objective, nbl.Subspace.random(objective, 2, normalize="unit"), points=5)).paths
        is None
    )
    assert explore(np.random.default_rng(0).normal(size=(5, 5))).paths is None


def test_of_a_long_trajectory_two_hundred_points_are_drawn(explore):
    path = np.random.default_rng(0).normal(size=(450, 2))
    about = {"kind": "trajectory", "path": path.tolist(), "steps": list(range(450)), "off_plane": [0.0] * 450}
    values = np.random.default_rng(1).normal(size=(5, 5))
    explorer = explore(nbl.Landscape.from_array(values, provenance={"subspace": about}))
    (item,) = explorer.paths["items"]
    assert (len(item["steps"]), item["steps"][0], item["steps"][-1]) == (200, 0, 449)
    np.testing.assert_array_equal(table(explorer)["trajectory"][1], path[item["steps"]])
