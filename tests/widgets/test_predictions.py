"""What a computation will take is told at its start; how many threads it takes is measured."""

import threading

import pytest
import torch
from torch import nn

import nblandscape as nbl
from nblandscape import threads
from nblandscape.widgets import _worker


def watched_objective(record) -> nbl.Objective:
    model, x, y = nn.Linear(4, 3), torch.ones(20, 4), torch.arange(20) % 3

    def batch_loss(net, batch):
        record()
        return nn.functional.cross_entropy(net(batch[0]), batch[1], reduction="sum"), len(batch[1])

    return nbl.Objective.from_batch_loss(model, batch_loss, [(x, y)])


@pytest.fixture
def set_threads(monkeypatch):
    """Set a number of threads as the user does; a worker that starts under it."""
    before = torch.get_num_threads()
    monkeypatch.setattr(_worker, "_worker", None)
    yield torch.set_num_threads
    torch.set_num_threads(before)
    if _worker._worker is not None:
        _worker._worker.shut_down()


def test_the_first_status_of_a_surface_says_how_long_it_will_take(explore):
    explorer = explore(lambda a, b: a * b, bounds=((-1, 1), (-1, 1)), points=17).wait(60)
    states = []
    explorer.observe(lambda change: states.append(change["new"]), names="status")
    explorer.request(points=33)
    explorer.wait(60)
    first = next(status for status in states if status["phase"] == "running")
    assert (first["done"], first["total"]) == (0, 33**2)
    assert first["eta"] > 0


def test_the_page_is_told_what_a_point_costs_as_measured_last(explore):
    objective = watched_objective(lambda: None)
    explorer = explore(objective, points=17).wait(60)
    measured = explorer.landscape.provenance["seconds"] / 17**2
    assert explorer.source["point_seconds"] == pytest.approx(measured, rel=0.06)  # two digits
    assert explore(explorer.landscape).source["point_seconds"] == 0


@pytest.mark.parametrize("best", [1, 3])
def test_p50_a_job_runs_with_the_threads_that_pay_off_and_the_user_keeps_theirs(
    explore, set_threads, monkeypatch, best
):
    asked, running, release, inside = [], threading.Event(), threading.Event(), []

    def record():
        if threading.current_thread().name == "nblandscape":
            inside.append(torch.get_num_threads())
            if asked and not running.is_set():
                running.set()
                release.wait(20)

    def times(run, *, repeats):
        assert repeats >= 1
        run()
        asked.append(torch.get_num_threads())
        inside.clear()
        return {1: 1e-4, 3: 2e-4} if best == 1 else {1: 2e-4, 3: 1e-4}

    monkeypatch.setattr(threads, "thread_times", times)
    set_threads(3)
    objective = watched_objective(record)
    explorer = explore(objective, points=9)
    assert running.wait(20)  # the worker is in the middle of a step
    assert torch.get_num_threads() == 3
    started = []
    other = threading.Thread(target=lambda: started.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert started == [3]
    during = [torch.get_num_threads()]
    explorer.observe(lambda _: during.append(torch.get_num_threads()), names="status")
    release.set()
    explorer.wait(60)
    assert torch.get_num_threads() == 3
    assert set(during) == {3}  # also in the worker, between its steps
    assert asked == [3]  # once for the spectrum, and soon after for the surface again
    assert best in inside
    if best == 1:
        assert inside.count(1) >= 81
    inside.clear()
    nbl.sample(objective, nbl.Subspace.random(objective, 2), points=3)  # the user's own thread
    assert len(asked) == 1


def test_one_thread_is_not_measured(explore, set_threads, monkeypatch):
    monkeypatch.setattr(threads, "thread_times", lambda *_, **__: pytest.fail("measured"))
    set_threads(1)
    explore(watched_objective(lambda: None), points=9).wait(60)
