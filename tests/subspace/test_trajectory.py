"""Trajectories against random walks, straight lines and dense float64 principal components."""

import gc
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import nblandscape as nbl
from nblandscape.recorder import Recorder
from nblandscape.subspace import trajectory as module
from nblandscape.subspace.explained import random_walk
from nblandscape.subspace.interpolation import interpolate


def objective_of(n: int, dtype: torch.dtype = torch.float64) -> nbl.Objective:
    """1/2 ||w||^2 with n parameters, w = 0."""
    model = nn.Linear(n, 1, bias=False).to(dtype)
    nn.init.zeros_(model.weight)
    return nbl.Objective.from_batch_loss(
        model, lambda m, _: (0.5 * m.weight.square().sum(), 1), [torch.zeros(1)]
    )


def walk(count: int, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, n)).cumsum(axis=0)


def rows(points: np.ndarray, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    return list(torch.as_tensor(points, dtype=dtype))


def test_a_random_walk_explains_as_much_as_the_law_says():
    n, count = 20_000, 200
    plane = nbl.Subspace.trajectory(objective_of(n), rows(walk(count, n)), 4)
    found = plane.explained
    np.testing.assert_allclose(found.ratios[:4], [0.608, 0.152, 0.068, 0.038], atol=0.02)
    assert (np.abs(found.ratios - found.null) < 5 * found.null_spread).all()
    assert "0.6" in repr(found)
    assert plane.labels[0].startswith("PC 1 (6")


def test_the_null_is_the_mean_over_simulated_walks():
    steps = np.array([0, 1, 2, 4, 8, 16, 32])
    draws = []
    for seed in range(400):
        w = walk(33, 200, seed)[steps]
        values = np.linalg.svd(w - w.mean(0), compute_uv=False)[:6] ** 2
        draws.append(values / values.sum())
    null, spread = random_walk(steps, 200)
    np.testing.assert_allclose(np.mean(draws, axis=0), null, atol=0.006)
    np.testing.assert_allclose(np.std(draws, axis=0), spread, rtol=0.2)


@given(st.integers(3, 40))
@settings(max_examples=20, deadline=None)
def test_equidistant_steps_have_a_closed_form(count):
    k = np.arange(1, count)
    expected = 1.5 / ((count**2 - 1) * np.sin(np.pi * k / (2 * count)) ** 2)
    np.testing.assert_allclose(random_walk(7 + 3 * np.arange(count), 1e9)[0], expected, rtol=1e-9)
    assert expected.sum() == pytest.approx(1)


@given(st.integers(0, 2**31), st.integers(3, 12), st.integers(1, 3), st.sampled_from(["mean", "last"]))
@settings(max_examples=25, deadline=None)
def test_principal_components_of_a_dense_svd(seed, count, dim, origin):
    dim = min(dim, count - 1)
    points = walk(count, 30, seed) + 5
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(module, "_PIECE", 7 * count)  # several pieces, one of them shorter
        plane = nbl.Subspace.trajectory(objective_of(30), rows(points), dim, origin=origin)
    centred = points - points.mean(0)
    _, values, vectors = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(plane.explained.ratios[:dim], (values**2 / (values**2).sum())[:dim])
    np.testing.assert_allclose(plane.gram, np.eye(dim), atol=1e-9)
    start = points.mean(0) if origin == "mean" else points[-1]
    directions = plane.directions.numpy()
    np.testing.assert_allclose(np.abs(np.diag(directions @ vectors[:dim].T)), 1, atol=1e-6)
    np.testing.assert_allclose(plane.path, (points - start) @ directions.T, atol=1e-8)
    rest = points - start - plane.path @ directions
    np.testing.assert_allclose(plane.off_plane, np.linalg.norm(rest, axis=1), atol=1e-6)
    assert (centred[0] @ directions.T > -1e-3 * np.abs(centred @ directions.T).max(0)).all()  # no flips
    if origin == "mean":
        total = (plane.off_plane**2).sum() / (centred**2).sum()
        assert total == pytest.approx(1 - plane.explained.ratios[:dim].sum(), abs=1e-9)


@pytest.mark.parametrize("origin", ["objective", "first", "mean"])
def test_a_short_path_far_from_the_objective_keeps_its_digits(origin):
    points = 100 + 1e-4 * walk(6, 500)
    plane = nbl.Subspace.trajectory(objective_of(500), rows(points), 3, origin=origin)
    _, values, directions = np.linalg.svd(points - points.mean(0), full_matrices=False)
    np.testing.assert_allclose(plane.gram, np.eye(3), atol=1e-10)
    np.testing.assert_allclose(plane.explained.ratios, (values**2 / (values**2).sum())[:5], rtol=1e-8)
    overlaps = np.abs(plane.directions.numpy() @ directions[:3].T)
    np.testing.assert_allclose(overlaps, np.eye(3), atol=1e-8)
    back = (points - plane.origin.numpy()) @ plane.directions.numpy().T
    np.testing.assert_allclose(plane.path, back, atol=1e-10 * np.abs(back).max())


def test_the_plane_passes_through_the_objectives_weights():
    objective = objective_of(10)
    points = walk(6, 10) + 3
    points[-1] = 0.0  # the objective's weights are those of the last checkpoint
    plane = nbl.Subspace.trajectory(objective, rows(points))
    assert torch.equal(plane.origin, objective.origin())
    assert plane.contains_model
    np.testing.assert_allclose(plane.path[-1], 0, atol=1e-12)
    assert plane.off_plane[-1] == pytest.approx(0, abs=1e-12)
    assert not nbl.Subspace.trajectory(objective, rows(points), origin="first").contains_model
    moved = plane.shifted(torch.ones(10, dtype=torch.float64), 0.5, "up")
    assert moved.path is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_straight_line_is_explained_by_one_component(dtype):
    objective = objective_of(50, dtype)
    direction = np.random.default_rng(0).normal(size=50)
    points = rows(np.linspace(2, 0, 9)[:, None] * direction, dtype)
    line = nbl.Subspace.trajectory(objective, points, 1)
    assert line.explained.ratios[0] == pytest.approx(1)
    np.testing.assert_allclose(line.path[:, 0], np.linspace(2, 0, 9) * np.linalg.norm(direction), rtol=1e-6)
    np.testing.assert_allclose(line.off_plane, 0, atol=1e-5)
    with pytest.raises(ValueError, match=r"9 checkpoints lie on a line.*Use dim=1"):
        nbl.Subspace.trajectory(objective, points, 2)


def test_trajectories_that_are_none():
    objective = objective_of(5)
    with pytest.raises(ValueError, match=r"dim=3: 3 checkpoints span at most 2 dimensions"):
        nbl.Subspace.trajectory(objective, rows(walk(3, 5)), 3)
    with pytest.raises(ValueError, match="0 checkpoints"):
        nbl.Subspace.trajectory(objective, [])
    with pytest.raises(ValueError, match="identical up to rounding"):
        nbl.Subspace.trajectory(objective, [torch.ones(5, dtype=torch.float64)] * 4)
    broken = walk(4, 5)
    broken[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"Checkpoint 2 holds NaN or inf.*diverged"):
        nbl.Subspace.trajectory(objective, rows(broken))
    with pytest.raises(ValueError, match="4 increasing numbers"):
        nbl.Subspace.trajectory(objective, rows(walk(4, 5)), steps=[0, 1, 1, 2])
    with pytest.raises(ValueError, match="origin='middle'"):
        nbl.Subspace.trajectory(objective, rows(walk(4, 5)), origin="middle")
    with pytest.raises(TypeError, match="sequence of checkpoints"):
        nbl.Subspace.trajectory(objective, nn.Linear(5, 1))


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2))


DATA = (torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 2)


def test_checkpoints_of_another_architecture_are_named():
    objective = nbl.Objective(network(0), nn.CrossEntropyLoss(), DATA)
    states = [network(i).state_dict() for i in range(3)]
    with pytest.raises(ValueError, match=r"Checkpoint 3 .*lacks \['0.weight', .*6 of 6.*holds \['weight'\]"):
        nbl.Subspace.trajectory(objective, [*states, {"weight": torch.ones(2)}])
    states[1]["3.bias"] = torch.ones(5)
    with pytest.raises(ValueError, match=r"Checkpoint 1 .*3\.bias has shape \(5,\); expected \(2,\)"):
        nbl.Subspace.trajectory(objective, states)
    with pytest.raises(ValueError, match="flat checkpoint has 3 entries"):
        nbl.Subspace.trajectory(objective, [torch.ones(3)] * 4)


def test_checkpoints_in_any_form(tmp_path):
    from safetensors.torch import save_file

    models = [network(i) for i in range(7)]
    objective = nbl.Objective(models[-1], nn.CrossEntropyLoss(), DATA)
    expected = nbl.Subspace.trajectory(
        objective, [objective.flatten(dict(m.named_parameters())) for m in models]
    )
    state = [m.state_dict() for m in models]
    torch.save(state[1], tmp_path / "new.pt")
    torch.save(
        {"state_dict": state[2], "epoch": 3}, tmp_path / "old.ckpt", _use_new_zipfile_serialization=False
    )
    save_file(state[3], tmp_path / "plain.safetensors")
    for folder, files in (("whole", ["model"]), ("shards", ["model-00001-of-00002", "model-00002-of-00002"])):
        (tmp_path / folder).mkdir()
        for i, file in enumerate(files):
            part = dict(list(state[4 + len(files) - 1].items())[i :: len(files)])
            save_file(part, tmp_path / folder / f"{file}.safetensors")
    sources = [
        nn.DataParallel(models[0]),
        tmp_path / "new.pt",
        str(tmp_path / "old.ckpt"),
        tmp_path / "plain.safetensors",
        tmp_path / "whole",
        tmp_path / "shards",
        {f"module.{name}": value for name, value in state[6].items()},
    ]
    for source in (sources, iter(sources)):
        plane = nbl.Subspace.trajectory(objective, source)
        np.testing.assert_allclose(plane.path, expected.path, atol=1e-5)
        torch.testing.assert_close(plane.directions, expected.directions)
    (tmp_path / "new.pt").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"new\.pt is damaged.* 6 checkpoints can be read"):
        nbl.Subspace.trajectory(objective, sources)
    with pytest.raises(FileNotFoundError, match="nothing"):
        nbl.Subspace.trajectory(objective, [tmp_path / "nothing.pt", *sources])


def test_a_folder_of_several_checkpoints_is_not_one(tmp_path):
    objective = nbl.Objective(network(0), nn.CrossEntropyLoss(), DATA)
    train(network(1), tmp_path / "run")
    with pytest.raises(ValueError, match=r"several checkpoints.*step-\d+\.safetensors, say"):
        nbl.Subspace.through(objective, tmp_path / "run")
    folder = tmp_path / "saved"
    folder.mkdir()
    source = max((tmp_path / "run").glob("step-*"))
    for name in ("model.safetensors", "model.fp16.safetensors"):  # as Hugging Face's folders hold them
        (folder / name).write_bytes(source.read_bytes())
    with pytest.warns(UserWarning, match="not analysed"):  # its batch statistics
        assert nbl.Subspace.through(objective, folder).dim == 1


@pytest.mark.parametrize("source", [np.zeros(3), 3.0, None])
def test_what_is_no_checkpoint_is_named(source):
    with pytest.raises(TypeError, match=rf"A checkpoint is a {type(source).__name__}; pass a state dict"):
        nbl.Subspace.trajectory(objective_of(3), [source] * 3)


def test_an_empty_file_is_damaged(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"")
    with pytest.raises(ValueError, match=r"weights\.pt is damaged"):
        nbl.Subspace.through(objective_of(3), tmp_path / "weights.pt")


def train(model: nn.Module, folder: Path, steps: int = 24) -> Recorder:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    with Recorder(model, folder, every=4) as recorder:
        for _ in range(steps):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(DATA[0]), DATA[1])
            loss.backward()
            optimizer.step()
            recorder.step(loss=loss, lr=0.3)
    return recorder


def test_a_recording_makes_a_plane_to_sample(tmp_path):
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    recorder = train(model, tmp_path)
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), DATA)
    planes = [
        nbl.Subspace.trajectory(objective, source)
        for source in (recorder, recorder.recording, tmp_path, str(tmp_path), list(recorder.recording))
    ]
    for plane in planes:
        assert torch.equal(plane.directions, planes[0].directions)
        assert plane.provenance["steps"] == [0, 4, 8, 12, 16, 20, 24]
    plane = planes[0]
    landscape = nbl.sample(objective, plane, points=5)
    reach = np.abs(plane.path).max(axis=0)
    assert all(axis[-1] >= 1.2 * r - 1e-12 for axis, r in zip(landscape.axes, reach, strict=True))
    assert landscape.axes[0][2] == landscape.axes[1][2] == 0.0
    assert landscape.origin_value == objective.loss()
    stored = nbl.Landscape.load(landscape.save(tmp_path / "plane")).provenance["subspace"]
    np.testing.assert_array_equal(stored["path"], plane.path)
    json.dumps(stored, allow_nan=False)
    through = nbl.Subspace.through(objective, recorder.recording[0], recorder.recording[3])
    assert through.labels == ("towards step 0", "towards step 12 ⟂")
    line = interpolate(objective, recorder.recording[0], recorder.recording[-1], points=3)
    assert line.losses[-1] == pytest.approx(objective.loss())
    assert line.provenance["ends"] == ["step 0", "step 24"]
    # projected and out-of-plane parts make up the distance to the final weights
    for checkpoint, here, off in zip(recorder.recording, plane.path, plane.off_plane, strict=True):
        away = objective.flatten(checkpoint) - objective.origin()
        assert np.hypot(np.linalg.norm(here), off) == pytest.approx(float(away.norm()), rel=1e-4, abs=1e-6)


def test_damaged_files_of_a_recording_are_all_named(tmp_path):
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    recorder = train(model, tmp_path)
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), DATA)
    for step in (4, 12):
        path = tmp_path / f"step-{step:09d}.safetensors"
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(
        ValueError, match=r"step-000000004.*2 checkpoints are damaged: \[1, 3\]\. 5 .*can be read"
    ):
        nbl.Subspace.trajectory(objective, recorder)
    plane = nbl.Subspace.trajectory(objective, Recorder.open(tmp_path).readable())
    assert plane.provenance["steps"] == [0, 8, 16, 20, 24]


def test_p39_statistics_that_are_not_part_of_the_plane_are_told(tmp_path):
    model = network(0)
    recorder = train(model, tmp_path)
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), DATA)
    with pytest.warns(
        UserWarning, match=r"2 entries that are not analysed \(1\.running_mean, 1\.running_var"
    ):
        plane = nbl.Subspace.trajectory(objective, recorder)
    assert plane.provenance["held"] == ["1.running_mean", "1.running_var"]
    by_batch = nbl.Objective(model, nn.CrossEntropyLoss(), DATA, batchnorm="batch")
    assert nbl.Subspace.trajectory(by_batch, recorder).provenance["held"] == []


def test_progress_and_cancel(tmp_path):
    seen: list[tuple[int, int]] = []
    objective = objective_of(30)
    points = rows(walk(5, 30))
    nbl.Subspace.trajectory(objective, points, callback=lambda *progress: seen.append(progress))
    assert seen == [(1, 2), (2, 2)]
    with pytest.raises(nbl.Cancelled):
        nbl.Subspace.trajectory(objective, points, cancel=lambda: True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_number_of_checkpoints(tmp_path, monkeypatch):
    """40 checkpoints of 2 MB; anonymous memory grows by the directions and one piece only."""
    n, count = 500_000, 40
    objective = objective_of(n, torch.float32)
    recorder = Recorder(objective._snapshot.shell, tmp_path)
    generator = torch.Generator().manual_seed(0)
    point = torch.zeros(n)
    for step in range(count):
        point += torch.randn(n, generator=generator)
        recorder.model.load_state_dict({"weight": point[None]})
        recorder.step(step=step)
    nn.init.zeros_(recorder.model.weight)
    monkeypatch.setattr(module, "_PIECE", 2**19)  # 4 MB in float64
    peak, start = 0, 0

    def private() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024

    def watch(*_: int) -> None:
        nonlocal peak
        peak = max(peak, private())

    gc.collect()
    start = private()
    plane = nbl.Subspace.trajectory(objective, recorder, callback=watch)
    assert plane.explained.ratios[0] == pytest.approx(plane.explained.null[0], abs=0.01)
    assert peak - start < 50e6  # the checkpoints take 80 MB, in float64 160
