"""Runs that survive their end: kill -9, another objective, damage, a full disk; and executors."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import killed_run
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import nblandscape as nbl
from nblandscape.cancel import Cancelled
from nblandscape.landscape import iter_sample, open_store

SCRIPT = Path(killed_run.__file__)
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


def error_rate(output, target):
    return (output.argmax(1) != target).double().mean()


def objective_of(scale: float = 1.0, shift: float = 0.0) -> nbl.Objective:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
        x, y = scale * torch.randn(20, 4, dtype=torch.float64), torch.randint(3, (20,))
    with torch.no_grad():
        model[0].weight += shift
    batches = list(zip(x.split(8), y.split(8), strict=True))
    return nbl.Objective(model, nn.CrossEntropyLoss(), batches, metrics={"error": error_rate})


def plane_of(objective, seed: int = 0, dim: int = 2) -> nbl.Subspace:
    return nbl.Subspace.random(objective, dim, seed=seed)


def equal(a: nbl.Landscape, b: nbl.Landscape) -> None:
    np.testing.assert_array_equal(a.values, b.values)
    np.testing.assert_array_equal(a.batch_losses, b.batch_losses)
    np.testing.assert_array_equal(a.metrics["error"], b.metrics["error"])


@pytest.mark.timeout(240)
def test_a_killed_run_goes_on_where_it_ended(tmp_path):
    store, log, out = tmp_path / "run.zarr", tmp_path / "log", tmp_path / "out.npy"
    command = [sys.executable, str(SCRIPT), str(store), str(log), str(out)]
    kills, before = 0, 0
    for _ in range(3):
        process = subprocess.Popen(command, env=ENVIRONMENT)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            # Let it get further than where it was, and past a write.
            if store.exists() and log.exists() and log.stat().st_size > before + 150:
                time.sleep(1.2)
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.02)
        process.wait()
        before = log.stat().st_size
    assert kills >= 1, "the run ended before it could be killed"
    if not out.exists():
        partial = open_store(store)
        assert 0 < partial.provenance["done"] < 17 * 17
        assert not partial.provenance["complete"]
        assert np.isfinite(partial.values).sum() == partial.provenance["done"]
        done, evaluated = partial.provenance["done"], log.stat().st_size
        subprocess.run(command, env=ENVIRONMENT, check=True)
        # Two batches a point; the start-up, the checks and the probes of a store evaluate a few more.
        assert log.stat().st_size - evaluated <= 2 * (17 * 17 - done) + 30
    plain = killed_run.sampled(killed_run.objective_of(str(tmp_path / "plain")))
    np.testing.assert_array_equal(np.load(out), plain.batch_losses)
    assert open_store(store).provenance["complete"]


def test_a_cancelled_run_is_kept_and_finished_by_the_same_call(tmp_path):
    objective = objective_of()
    plane, store = plane_of(objective), tmp_path / "run.zarr"
    plain = nbl.sample(objective, plane, span=1.0, points=9)
    calls = iter(range(10**6))
    with pytest.raises(Cancelled):
        nbl.sample(objective, plane, span=1.0, points=9, store=store, cancel=lambda: next(calls) > 30)
    assert open_store(store).provenance["done"] == 31
    seen = []
    result = nbl.sample(
        objective, plane, span=1.0, points=9, store=store, callback=lambda level, v, x: seen.append(v)
    )
    equal(result, plain)
    assert sorted(np.concatenate(seen).tolist()) == list(range(81))
    again = open_store(store)
    equal(again, plain)
    np.testing.assert_array_equal(again.axes[0], plain.axes[0])
    assert again.labels == plain.labels
    assert again.provenance["complete"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda o: {"objective": objective_of(scale=2.0)}, "data_sha256"),
        (lambda o: {"objective": objective_of(shift=0.1)}, "weights_sha256"),
        (lambda o: {"points": 7}, "axes"),
        (lambda o: {"span": 0.5}, "axes"),
        (lambda o: {"subspace": plane_of(o, seed=1)}, "subspace_sha256"),
        (lambda o: {"gradients": True}, "gradients"),
    ],
)
def test_a_store_of_another_run_is_refused_and_untouched(tmp_path, change, named):
    objective = objective_of()
    arguments = {"objective": objective, "subspace": plane_of(objective), "span": 1.0, "points": 5}
    store = tmp_path / "run.zarr"
    first = nbl.sample(**arguments, store=store)
    with pytest.raises(ValueError, match=named):
        nbl.sample(**(arguments | change(objective)), store=store)
    equal(open_store(store), first)


def test_a_loss_with_the_same_name_and_other_values_is_told_by_its_values(tmp_path):
    def make(factor):
        def batch_loss(model, batch):
            return factor * model(batch).square().sum(), len(batch)

        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = nn.Linear(3, 2).double()
        return nbl.Objective.from_batch_loss(model, batch_loss, [torch.ones(4, 3, dtype=torch.float64)])

    one, two = make(1.0), make(1.5)
    nbl.sample(one, plane_of(one), span=1.0, points=3, store=tmp_path / "s")
    with pytest.raises(ValueError, match=r"origin_loss|probe_loss"):
        nbl.sample(two, plane_of(two), span=1.0, points=3, store=tmp_path / "s")


def test_damage_is_named_and_what_is_no_store_is_refused(tmp_path):
    objective = objective_of()
    plane, store = plane_of(objective), tmp_path / "run.zarr"
    nbl.sample(objective, plane, span=1.0, points=5, store=store)
    chunk = next(path for path in (store / "batch_sums" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-7])
    with pytest.raises(ValueError, match=r"'batch_sums' .* is damaged"):
        open_store(store)
    with pytest.raises(ValueError, match=r"'batch_sums' .* is damaged"):
        nbl.sample(objective, plane, span=1.0, points=5, store=store)
    (store / "zarr.json").write_text("{")
    with pytest.raises(ValueError, match="metadata is damaged"):
        open_store(store)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(ValueError, match="not a Zarr store"):
        nbl.sample(objective, plane, span=1.0, points=5, store=tmp_path / "folder")
    assert (tmp_path / "folder" / "thesis.txt").read_text() == "irreplaceable"
    with pytest.raises(FileNotFoundError):
        open_store(tmp_path / "nothing")


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_run_killed_while_its_store_is_made_starts_again(tmp_path, monkeypatch, moment):
    import zarr

    objective = objective_of()
    plane, store = plane_of(objective), tmp_path / "run.zarr"
    real, made = zarr.Group.create_array, []

    def killed(group, name, **options):
        made.append(name)
        if len(made) == moment:
            raise KeyboardInterrupt  # and nothing is cleaned up, as by kill -9
        return real(group, name, **options)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Group, "create_array", killed)
        patch.setattr("nblandscape.landscape.store.shutil.rmtree", lambda *a, **k: None)
        with pytest.raises(KeyboardInterrupt):
            nbl.sample(objective, plane, span=1.0, points=5, store=store)
    assert not store.exists()
    equal(
        nbl.sample(objective, plane, span=1.0, points=5, store=store),
        nbl.sample(objective, plane, span=1.0, points=5),
    )
    assert [path.name for path in tmp_path.iterdir()] == ["run.zarr"]


@pytest.mark.parametrize("name", ["batch_sums", "metric_0", "order"])
def test_chunks_that_are_gone_are_no_holes(tmp_path, name):
    objective = objective_of()
    plane, store = plane_of(objective), tmp_path / "run.zarr"
    nbl.sample(objective, plane, span=1.0, points=17, store=store)
    chunks = sorted(path for path in (store / name / "c").rglob("*") if path.is_file())
    assert len(chunks) == 2
    chunks[1].unlink()
    with pytest.raises(ValueError, match=rf"'{name}' .* missing"):
        open_store(store)
    with pytest.raises(ValueError, match=rf"'{name}' .* missing"):
        nbl.sample(objective, plane, span=1.0, points=17, store=store)


def test_points_in_another_order_are_refused(tmp_path):
    objective = objective_of()
    plane, store = plane_of(objective), tmp_path / "run.zarr"
    steps = iter_sample(objective, plane, span=1.0, points=17, store=store, coarsest=3, chunk_seconds=0)
    for _ in range(40):
        next(steps)
    steps.close()
    assert open_store(store).provenance["done"] == 40
    with pytest.raises(ValueError, match="another `coarsest`"):
        next(iter_sample(objective, plane, span=1.0, points=17, store=store, coarsest=9))
    with pytest.raises(ValueError, match="is a file"):
        nbl.sample(objective, plane, span=1.0, points=3, store=Path(__file__))


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are a POSIX notion")
def test_a_full_disk_keeps_what_was_finished(tmp_path, monkeypatch):
    import errno
    import resource

    monkeypatch.setattr("nblandscape.landscape.store.FLUSH_SECONDS", 0.0)
    objective = objective_of()
    plane, store = plane_of(objective), tmp_path / "run.zarr"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_up(level, vertices, values):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # the system refuses to write any more

    try:
        with pytest.raises(OSError, match=r"cannot be written.*What was finished before stays") as told:
            nbl.sample(objective, plane, span=1.0, points=33, store=store, callback=fill_up)
        assert told.value.errno == errno.EFBIG
        with pytest.raises(OSError, match=r"other.zarr cannot be made"):
            nbl.sample(objective, plane, span=1.0, points=33, store=tmp_path / "other.zarr")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert open_store(store).provenance["done"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["run.zarr"]
    equal(
        nbl.sample(objective, plane, span=1.0, points=33, store=store),
        nbl.sample(objective, plane, span=1.0, points=33),
    )


def test_slopes_are_kept_in_landscapes_files_and_stores(tmp_path):
    objective = objective_of()
    plane = plane_of(objective, dim=3)
    landscape = nbl.sample(objective, plane, span=1.0, points=3, gradients=True, store=tmp_path / "run.zarr")
    assert landscape.gradients.shape == (3, 3, 3, 3)
    value, gradient = objective.value_and_gradient(plane.at([1.0, 0.0, -1.0]))
    np.testing.assert_allclose(landscape.gradients[2, 1, 0], (plane.directions @ gradient).numpy(), rtol=1e-9)
    assert landscape.values[2, 1, 0] == pytest.approx(value, rel=1e-12)
    np.testing.assert_array_equal(open_store(tmp_path / "run.zarr").gradients, landscape.gradients)
    again = nbl.Landscape.load(landscape.save(tmp_path / "file.npz"))
    np.testing.assert_array_equal(again.gradients, landscape.gradients)
    assert landscape.to_xarray()["gradients"].dims[-1] == "direction"
    assert nbl.sample(objective, plane, span=1.0, points=3).gradients is None


# ---------------------------------------------------------------------- executors


def test_threads_give_the_same_landscape_and_cancel():
    objective = objective_of()
    plane = plane_of(objective)
    serial = nbl.sample(objective, plane, span=1.0, points=9)
    with ThreadPoolExecutor(3) as executor:
        seen = []
        spread = nbl.sample(
            objective, plane, span=1.0, points=9, executor=executor,
            callback=lambda level, vertices, values: seen.append(vertices),
        )  # fmt: skip
        equal(spread, serial)
        assert sorted(np.concatenate(seen).tolist()) == list(range(81))
        with pytest.raises(Cancelled):
            nbl.sample(objective, plane, points=9, executor=executor, cancel=lambda: True)


@pytest.mark.timeout(200)
def test_p32_processes_in_any_order_give_the_same_landscape_and_a_broken_pool_keeps_the_rest(tmp_path):
    objective = objective_of()
    plane = plane_of(objective)
    serial = nbl.sample(objective, plane, span=1.0, points=17, gradients=True)
    store = tmp_path / "run.zarr"
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        spread = nbl.sample(
            objective, plane, span=1.0, points=17, executor=executor, gradients=True, store=store
        )
        equal(spread, serial)
        np.testing.assert_allclose(spread.gradients, serial.gradients, rtol=1e-12, atol=1e-15)
        broken = tmp_path / "broken.zarr"

        def kill(level, vertices, values):
            for process in list(executor._processes.values()):
                process.kill()

        with pytest.raises(RuntimeError, match=r"executor broke.*again with a new executor"):
            nbl.sample(objective, plane, span=1.0, points=33, executor=executor, store=broken, callback=kill)
    done = open_store(broken).provenance["done"]
    assert 0 < done < 33 * 33
    finished = nbl.sample(objective, plane, span=1.0, points=33, store=broken)
    equal(finished, nbl.sample(objective, plane, span=1.0, points=33))


@pytest.mark.timeout(200)
@pytest.mark.filterwarnings("ignore")  # of a cluster that loses a worker
def test_a_dask_cluster_loses_a_worker_and_no_point():
    from distributed import Client, LocalCluster

    objective = objective_of()
    plane = plane_of(objective)
    serial = nbl.sample(objective, plane, span=1.0, points=33)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        Client(cluster) as client,
    ):
        killed: list[int] = []

        def kill_one(level, vertices, values):
            if not killed:
                killed.extend(list(client.run(os.getpid).values())[:1])
                os.kill(killed[0], signal.SIGKILL)

        spread = nbl.sample(
            objective, plane, span=1.0, points=33, executor=client.get_executor(), callback=kill_one
        )
    assert killed
    equal(spread, serial)


def test_what_cannot_be_sent_is_named():
    lock = __import__("threading").Lock()

    def batch_loss(model, batch):
        with lock:
            return F.mse_loss(model(batch), torch.zeros(4, 2), reduction="sum"), 8

    objective = nbl.Objective.from_batch_loss(nn.Linear(3, 2), batch_loss, [torch.ones(4, 3)])
    with ThreadPoolExecutor(1) as executor, pytest.raises(TypeError, match="cannot be sent"):
        nbl.sample(objective, plane_of(objective), points=3, executor=executor)


def test_p41_every_point_has_its_batches_and_pairs_of_points_a_smaller_error_than_each():
    objective = objective_of()
    landscape = nbl.sample(objective, plane_of(objective), span=0.3, points=5)
    weights = landscape.batch_counts / landscape.batch_counts.sum()
    np.testing.assert_allclose(landscape.batch_losses @ weights, landscape.values, rtol=1e-12)
    one, other = landscape.batch_losses[2, 2], landscape.batch_losses[2, 4]
    # The same batches at both points: their differences scatter less than the batches themselves.
    assert (one - other).std(ddof=1) < 0.5 * np.hypot(one.std(ddof=1), other.std(ddof=1))
