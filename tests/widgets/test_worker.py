"""The worker: latest wins per lane, the first level is protected, actions are never cut off by sliders."""

import gc
import random
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from nblandscape.cancel import Cancelled, check
from nblandscape.widgets._worker import Job, Slot, Steps, Worker


class Log:
    """What happened, in order, and a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []
        self._changed = threading.Condition()

    def add(self, kind: str, what: object) -> None:
        with self._changed:
            self.events.append((kind, what))
            self._changed.notify_all()

    def wait_for(self, *event: object, timeout: float = 10.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: tuple(event) in self.events, timeout), (event, self.events)

    def submit(self, slot: Slot, lane: str, name: object, steps: Callable[[Job], Steps]) -> Job:
        return slot.submit(lane, steps, lambda phase, _error: self.add(phase, name))


@pytest.fixture
def worker() -> Worker:
    return Worker()


def gated(log: Log, name: object, gate: threading.Event) -> Callable[[Job], Steps]:
    def steps(job: Job) -> Steps:
        log.add("start", name)
        while not gate.is_set():
            yield
            time.sleep(0.001)

    return steps


def test_a_newer_job_replaces_the_running_one_of_its_lane(worker):
    log, slot, never, now = Log(), worker.slot(), threading.Event(), threading.Event()
    now.set()
    log.submit(slot, "surface", 1, gated(log, 1, never))
    log.wait_for("start", 1)
    log.submit(slot, "surface", 2, gated(log, 2, now))
    log.wait_for("done", 2)
    assert ("cancelled", 1) in log.events


def test_what_waits_is_dropped_without_having_run(worker):
    log, slot, gate = Log(), worker.slot(), threading.Event()

    def protected(job: Job) -> Steps:
        job.protected = True
        yield from gated(log, 1, gate)(job)
        job.protected = False

    log.submit(slot, "surface", 1, protected)
    log.wait_for("start", 1)
    for number in range(2, 30):
        log.submit(slot, "surface", number, gated(log, number, gate))
    assert [n for kind, n in log.events if kind == "cancelled"] == list(range(2, 29))
    gate.set()
    log.wait_for("done", 29)
    assert [n for kind, n in log.events if kind == "start"] == [1, 29]
    assert ("done", 1) in log.events  # it was protected to its end


def test_cancel_stops_a_protected_job_too(worker):
    log, slot, never = Log(), worker.slot(), threading.Event()

    def protected(job: Job) -> Steps:
        job.protected = True
        log.add("start", 1)
        while True:
            check(job.stopped)
            time.sleep(0.001)
            if never.is_set():
                yield

    log.submit(slot, "surface", 1, protected)
    log.wait_for("start", 1)
    slot.cancel()
    log.wait_for("cancelled", 1)
    assert slot.idle


def test_a_slider_never_cancels_an_action_and_actions_all_run(worker):
    log, slot, gate = Log(), worker.slot(), threading.Event()
    for number in range(5):
        log.submit(slot, "action", f"a{number}", gated(log, f"a{number}", gate))
    for number in range(5):
        log.submit(slot, "surface", number, gated(log, number, gate))
    gate.set()
    for number in range(5):
        log.wait_for("done", f"a{number}")
    log.wait_for("done", 4)


def test_the_explorer_touched_last_goes_first_and_the_other_still_ends(worker):
    log, gate = Log(), threading.Event()
    one, two = worker.slot(), worker.slot()
    order: list[int] = []

    def counting(number: int) -> Callable[[Job], Steps]:
        def steps(job: Job) -> Steps:
            log.add("start", number)
            for _ in range(20):
                order.append(number)
                time.sleep(0.001)
                yield

        return steps

    log.submit(one, "surface", 1, counting(1))
    log.wait_for("start", 1)
    log.submit(two, "surface", 2, counting(2))
    log.wait_for("done", 1)
    assert order[order.index(2) : order.index(2) + 20] == [2] * 20
    assert log.events.index(("done", 2)) < log.events.index(("done", 1))
    gate.set()


def test_errors_end_one_job_and_not_the_worker(worker):
    log, slot, now = Log(), worker.slot(), threading.Event()
    now.set()
    caught: list[BaseException | None] = []

    def broken(job: Job) -> Steps:
        yield
        raise KeyboardInterrupt("even this")

    slot.submit("surface", broken, lambda phase, error: (caught.append(error), log.add(phase, "broken")))
    log.wait_for("error", "broken")
    assert isinstance(caught[0], KeyboardInterrupt)
    log.submit(slot, "surface", 2, gated(log, 2, now))
    log.wait_for("done", 2)


def test_a_thousand_random_submits_and_cancels_end_on_the_last_one(worker):
    rng = random.Random(0)
    log = Log()
    slots = [worker.slot() for _ in range(3)]
    running = 0

    def steps(job: Job) -> Steps:
        nonlocal running
        running += 1
        assert running == 1, "two jobs advanced at once"
        running -= 1
        for _ in range(rng.randrange(3)):
            job.protected = not job.protected
            yield
        if rng.random() < 0.1:
            raise Cancelled

    ended = threading.Semaphore(0)
    submitted = 0
    for _ in range(1000):
        slot = rng.choice(slots)
        if rng.random() < 0.1:
            slot.cancel()
        slot.submit(rng.choice(["surface", "spectrum", "action"]), steps, lambda *_: ended.release())
        submitted += 1
    for slot in slots:
        log.submit(slot, "surface", slot, lambda job: (x for x in ()))
    for slot in slots:
        log.wait_for("done", slot)
    for _ in range(submitted):
        assert ended.acquire(timeout=10), "a job ended without telling"
    assert all(slot.idle for slot in slots)


def test_leaving_python_in_the_middle_of_a_computation_is_no_crash():
    program = """
import time, torch, nblandscape as nbl
model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 10))
data = torch.randn(4000, 64), torch.randint(0, 10, (4000,))
explorer = nbl.explore(nbl.Objective(model, torch.nn.CrossEntropyLoss(), data), points=129)
while explorer.status["phase"] != "running":
    time.sleep(0.001)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_an_idle_worker_keeps_nothing_alive(worker):
    class Explorer:
        pass

    log, slot = Log(), worker.slot()
    explorer = Explorer()
    dead = weakref.ref(explorer)

    def steps(job: Job, owner: Explorer = explorer) -> Steps:
        yield
        assert owner is not None

    log.submit(slot, "surface", 1, steps)
    log.wait_for("done", 1)
    del explorer, steps, slot
    for _ in range(50):
        gc.collect()
        if dead() is None:
            break
        time.sleep(0.01)
    assert dead() is None
