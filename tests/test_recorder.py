"""Recording a training run: what is written, what survives, what it costs."""

import errno
import json
import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from nblandscape.recorder import Recorder
from nblandscape.recording import Recording


class Tied(nn.Module):
    """Tied and complex weights, a buffer, and a parameter that is a view of a larger tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embedding.weight
        self.phase = nn.Parameter(torch.randn(3, dtype=torch.complex64))
        self.slice = nn.Parameter(torch.randn(5, 6)[1:3])
        self.low = nn.Parameter(torch.randn(3).to(torch.bfloat16))


def run(recorder: Recorder, steps: int, first: int = 1) -> list[dict[str, torch.Tensor]]:
    """Change the weights `steps` times; every state, the first included."""
    states = []
    with recorder:
        states.append(snapshot(recorder.model))
        for i in range(first, first + steps):
            with torch.no_grad():
                for p in recorder.model.parameters():
                    p.add_(0.5)
            recorder.step(loss=torch.tensor(1.0 / i, requires_grad=True), lr=0.1 * i)
            states.append(snapshot(recorder.model))
    return states


def snapshot(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_checkpoints_are_the_weights_at_their_steps(tmp_path):
    recorder = Recorder(Tied(), tmp_path / "run", every=2)
    states = run(recorder, 5)
    for recording in (recorder.recording, Recorder.open(tmp_path / "run")):
        assert recording.steps.tolist() == [0, 2, 4, 5]
        np.testing.assert_allclose(recording.losses, [np.nan, 0.5, 0.25, 0.2])
        np.testing.assert_allclose(recording.learning_rates, [np.nan, 0.2, 0.4, 0.5])
        for checkpoint in recording:
            state = states[checkpoint.step]
            assert set(checkpoint) == set(state)
            for name, value in checkpoint.items():
                assert value.dtype == state[name].dtype
                assert torch.equal(value, state[name]), name
        Tied().load_state_dict(dict(recording[-1]))
    assert recording[1:3].steps.tolist() == [2, 4]
    assert recording[-1].shapes()["phase"] == (3,)
    assert "4 checkpoints of Tied, steps 0 to 5" in repr(recording)


def test_p11_tied_weights_are_written_once(tmp_path):
    recorder = Recorder(Tied(), tmp_path)
    recorder.start()
    names = list(recorder._tensors()[0])
    assert "embedding.weight" in names
    assert "head.weight" not in names
    assert torch.equal(recorder.recording[0]["head.weight"], recorder.model.head.weight)
    with pytest.raises(KeyError):
        recorder.recording[0]["nothing"]


def test_neither_the_model_nor_the_generators_are_touched(tmp_path):
    model = Tied().train()
    model.head.weight.grad = torch.ones(7, 4)
    before, versions = snapshot(model), [p._version for p in model.parameters()]
    states = (torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy())  # noqa: NPY002
    with Recorder(model, tmp_path) as recorder:
        recorder.step(loss=1.0)
    assert model.training
    assert model.head.weight.grad is not None
    assert [p._version for p in model.parameters()] == versions
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.array_equal(np.random.get_state()[1], states[2])  # noqa: NPY002


def test_what_is_recorded_can_be_chosen(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    with Recorder(model, tmp_path / "a", every=[1, 10, 100], parameters="1.*") as recorder:
        for _ in range(12):
            recorder.step()
    assert recorder.recording.steps.tolist() == [0, 1, 10, 12]
    assert set(recorder.recording[0]) == {"1.weight", "1.bias"}
    assert recorder.cost(1000).checkpoints == 5


def test_the_disk_cost_is_told_before(tmp_path):
    recorder = Recorder(nn.Linear(1000, 10), tmp_path, every=3)
    cost = recorder.cost(10)
    assert cost.checkpoints == 5
    assert cost.fits
    assert "5 checkpoints of 40.8 kB" in repr(cost)
    assert "every 3 steps, 40.8 kB each" in repr(recorder)
    run(recorder, 10)
    assert len(recorder.recording) == 5
    assert recorder.recording.num_bytes == pytest.approx(cost.num_bytes, rel=0.02)
    with pytest.raises(OSError, match=r"do not fit.*Record less often") as told:
        Recorder(nn.Linear(1000, 10), tmp_path / "long", steps=10**15)
    assert told.value.errno == errno.ENOSPC
    with pytest.warns(RuntimeWarning, match="do not fit"):
        Recorder(nn.Linear(1000, 10), tmp_path / "long", steps=10**15, on_error="warn")


def test_a_second_recording_needs_resume(tmp_path):
    recorder = Recorder(nn.Linear(2, 2), tmp_path, every=2)
    run(recorder, 4)
    with pytest.raises(FileExistsError, match=r"3 checkpoints \(steps 0 to 4\).*resume=True"):
        Recorder(nn.Linear(2, 2), tmp_path)
    with pytest.raises(ValueError, match=r"another model.*weight"):
        Recorder(nn.Linear(2, 3), tmp_path, resume=True)
    (tmp_path / ".step-000000006.safetensors.part").write_text("left over by a crash")
    again = Recorder(nn.Linear(2, 2), tmp_path, every=2, resume=True)
    run(again, 4, first=5)
    assert again.recording.steps.tolist() == [0, 2, 4, 6, 8]
    np.testing.assert_allclose(again.recording.losses[1:], [1 / 2, 1 / 4, 1 / 6, 1 / 8])
    assert not list(tmp_path.glob(".*"))
    replaced = again.step(step=4, loss=7.0)
    assert replaced is not None
    assert again.recording.losses.tolist()[2] == 7.0
    assert len(again.recording) == 5


def test_complex_and_tied_weights_are_resumed(tmp_path):
    model = Tied()
    run(Recorder(model, tmp_path), 2)
    again = Recorder(model, tmp_path, resume=True)
    run(again, 1, first=3)
    assert again.recording.steps.tolist() == [0, 1, 2, 3]
    assert torch.equal(again.recording[-1]["phase"], model.phase)


@pytest.mark.parametrize("resume", [False, True])
def test_two_recorders_do_not_mix_their_runs(tmp_path, resume):
    if resume:
        run(Recorder(nn.Linear(2, 2), tmp_path), 1)
    one, other = (Recorder(nn.Linear(2, 2), tmp_path, resume=resume) for _ in range(2))
    one.step(loss=1.0)
    with pytest.raises(FileExistsError, match=r"another Recorder.*Use another folder"):
        other.step(loss=2.0)
    one.step(loss=3.0)
    assert one.recording.losses.tolist()[-2:] == [1.0, 3.0]
    (tmp_path / "index.json").unlink()
    one.step(loss=4.0)  # the only one whose index it can have been
    assert one.recording.losses.tolist()[-3:] == [1.0, 3.0, 4.0]


def test_an_index_of_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "index.json").write_text('{"mine": 1}')
    with pytest.raises(FileExistsError, match=r"index\.json and no checkpoints"):
        Recorder(nn.Linear(2, 2), tmp_path)
    assert (tmp_path / "index.json").read_text() == '{"mine": 1}'


def test_files_of_others_are_no_checkpoints(tmp_path):
    recorder = Recorder(nn.Linear(2, 2), tmp_path)
    run(recorder, 1)
    whole = (tmp_path / "step-000000001.safetensors").read_bytes()
    (tmp_path / "step-best.safetensors").write_bytes(whole)
    (tmp_path / "step-1-old.safetensors").write_bytes(b"")
    assert Recorder.open(tmp_path).steps.tolist() == [0, 1]


@pytest.mark.parametrize("note", ["aliases", "complex", "step", "loss"])
def test_a_header_that_is_damaged_inside_is_named(tmp_path, note):
    run(Recorder(Tied(), tmp_path), 1)
    victim = tmp_path / "step-000000001.safetensors"
    data = victim.read_bytes()
    begin = data.index(f'"{note}":"'.encode()) + len(note) + 4
    victim.write_bytes(data[:begin] + b"x" + data[begin + 1 :])
    (tmp_path / "index.json").unlink()
    recording = Recorder.open(tmp_path)
    assert len(recording) == 2
    if note in ("aliases", "complex"):
        with pytest.raises(ValueError, match=r"step-000000001\.safetensors is damaged"):
            dict(recording[1])
        assert recording.readable().steps.tolist() == [0]


@pytest.mark.parametrize(
    "damage", ["[]", '{"checkpoints": [{}]}', '{"checkpoints": [{"file": "x"}]}', "null"]
)
def test_an_index_with_other_contents_counts_as_lost(tmp_path, damage):
    run(Recorder(nn.Linear(2, 2), tmp_path), 2)
    (tmp_path / "index.json").write_text(damage)
    assert Recorder.open(tmp_path).losses.tolist()[1:] == [1.0, 0.5]


def test_an_index_that_cannot_be_written_leaves_the_checkpoint(tmp_path, monkeypatch):
    recorder = Recorder(nn.Linear(2, 2), tmp_path)
    recorder.start()

    def full(path, *args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match=r"Step 1 could not be listed.*the 2 checkpoints"):
            recorder.step(loss=0.5)
    assert recorder.recording.losses.tolist()[1:] == [0.5]
    recorder.step(loss=0.25)
    assert recorder.recording.losses.tolist()[1:] == [0.5, 0.25]


def test_an_index_that_is_lost_or_behind_is_made_up_from_the_files(tmp_path):
    recorder = Recorder(nn.Linear(2, 2), tmp_path)
    run(recorder, 3)
    whole = recorder.recording
    index = tmp_path / "index.json"
    entries = json.loads(index.read_text())
    for text in (None, "{ damaged", json.dumps(entries | {"checkpoints": entries["checkpoints"][:2]})):
        index.unlink() if text is None else index.write_text(text)
        found = Recorder.open(tmp_path)
        np.testing.assert_array_equal(found.steps, whole.steps)
        np.testing.assert_array_equal(found.losses, whole.losses)
        np.testing.assert_array_equal(found.learning_rates, whole.learning_rates)
    (tmp_path / "step-000000001.safetensors").unlink()
    index.write_text(json.dumps(entries))
    assert Recorder.open(tmp_path).missing == 1
    assert "1 missing" in repr(Recorder.open(tmp_path))


def test_not_finite_losses_are_kept(tmp_path):
    recorder = Recorder(nn.Linear(2, 2), tmp_path)
    recorder.step(loss=float("inf"))
    recorder.step(loss=torch.tensor(float("nan")))
    assert recorder.amend(2, loss=0.1, lr=1e-300)
    assert not recorder.amend(3, loss=0.1)
    recording = recorder.recording
    assert recording.losses.tolist() == [float("inf"), 0.1]
    assert recording.learning_rates[1] == 1e-300


def test_a_damaged_checkpoint_is_named_and_the_others_stay_usable(tmp_path):
    recorder = Recorder(nn.Linear(2, 2), tmp_path)
    run(recorder, 3)
    victim = tmp_path / "step-000000002.safetensors"
    whole = victim.read_bytes()
    for damage in (whole[:-3], whole[:20], b""):
        victim.write_bytes(damage)
        recording = Recorder.open(tmp_path)
        assert len(recording) == 4
        with pytest.raises(ValueError, match=r"step-000000002\.safetensors is damaged.*readable"):
            recording[2]["weight"]
        assert recording.readable().steps.tolist() == [0, 1, 3]
    (tmp_path / "index.json").unlink()
    assert Recorder.open(tmp_path).readable().steps.tolist() == [0, 1, 3]
    for path in tmp_path.glob("step-*"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="None of the 4"):
        Recorder.open(tmp_path).readable()


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are a POSIX notion")
@pytest.mark.parametrize("on_error", ["raise", "warn"])
def test_a_disk_that_is_full_keeps_what_is_there(tmp_path, on_error):
    import resource

    recorder = Recorder(nn.Linear(100, 100), tmp_path, on_error=on_error)
    recorder.start()
    recorder.step(loss=1.0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # the system refuses to write any more
    try:
        if on_error == "raise":
            kept = r"Step 2 could not.*2 checkpoints recorded so far are kept"
            with pytest.raises(OSError, match=kept) as told:
                recorder.step(loss=0.5)
            assert told.value.errno == errno.EFBIG
        else:
            with pytest.warns(RuntimeWarning, match="Step 2 could not be recorded"):
                assert recorder.step(loss=0.5) is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.glob(".*"))
    assert recorder.recording.steps.tolist() == [0, 1]
    assert recorder.recording[1]["weight"].shape == (100, 100)
    recorder.finish()  # there is room again
    assert recorder.recording.steps.tolist() == [0, 1, 2]
    assert recorder.recording.losses[2] == 0.5


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are a POSIX notion")
def test_checkpoints_can_be_read_by_those_who_read_other_files(tmp_path):
    Recorder(nn.Linear(2, 2), tmp_path).start()
    (tmp_path / "other").touch()
    assert {path.stat().st_mode for path in tmp_path.iterdir()} == {(tmp_path / "other").stat().st_mode}


def test_a_killed_run_leaves_whole_checkpoints(tmp_path):
    script = """
        import sys, os, signal, torch
        from nblandscape.recorder import Recorder
        model = torch.nn.Linear(300, 300)
        recorder = Recorder(model, sys.argv[1])
        recorder.start()
        print("started", flush=True)
        while True:
            recorder.step(loss=1.0)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        while len(list(tmp_path.glob("step-*"))) < 5:
            assert process.poll() is None
        process.kill()
    recording = Recorder.open(tmp_path)
    assert len(recording.readable()) == len(recording) >= 5
    assert recording.steps.tolist() == list(range(len(recording)))


def test_an_error_in_training_keeps_the_recording(tmp_path):
    def train(recorder: Recorder) -> None:
        with recorder:
            for i in range(2, -1, -1):
                recorder.step(loss=1 / i)

    recorder = Recorder(nn.Linear(2, 2), tmp_path, every=2)
    with pytest.raises(ZeroDivisionError):
        train(recorder)
    assert recorder.recording.steps.tolist() == [0, 2]


def test_bad_arguments(tmp_path):
    model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="every=0"):
        Recorder(model, tmp_path, every=0)
    with pytest.raises(TypeError, match="integer"):
        Recorder(model, tmp_path, every=2.5)
    assert Recorder(model, tmp_path, every=np.int64(3)).every == 3
    with pytest.raises(ValueError, match="on_error"):
        Recorder(model, tmp_path, on_error="ignore")
    with pytest.raises(FileNotFoundError, match="no recording"):
        Recorder.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        Recorder(model, tmp_path / "file")


def test_safetensors_is_asked_for_by_name(tmp_path):
    (tmp_path / "safetensors.py").write_text("raise ImportError('not here')")
    code = "import nblandscape.recorder as r, torch; r.Recorder(torch.nn.Linear(1, 1), 'x')"
    paths = f"{tmp_path}{os.pathsep}{Path(__file__).parents[1]}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "ImportError: Recordings need safetensors: pip install nblandscape[hf]" in done.stderr


def test_wrapped_models_are_recorded_under_their_own_names(tmp_path):
    inner = nn.Linear(2, 2)
    recorder = Recorder(nn.DataParallel(inner), tmp_path)
    recorder.start()
    assert set(recorder.recording[0]) == {"weight", "bias"}
    assert isinstance(recorder.recording, Recording)
