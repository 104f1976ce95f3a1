"""One thread per kernel that runs the explorers' computations, a chunk at a time.

A job is a generator: between two chunks the worker may drop it for a newer one of the same lane,
or give way to another explorer. So a handler that submits does O(1) work on whatever thread it runs.
"""

import atexit
import contextvars
import itertools
import os
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from nblandscape.cancel import Cancelled

Steps = Generator[None, None, None]

_PRIORITY = {"action": 0, "surface": 1, "spectrum": 2}


@dataclass(eq=False)
class Job:
    """One computation of one explorer.

    Attributes
    ----------
    steps : generator
        Works between its yields; asks `stopped` in long stretches.
    finish : callable (phase, error)
        Called once on the worker's thread with "done", "cancelled" or "error".
    protected : bool
        Set by `steps` while a newer job must wait (the first level, so that a drag always paints).
    """

    slot: "Slot"
    lane: str
    finish: Callable[[str, BaseException | None], None]
    protected: bool = False
    replaced: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    steps: Steps = field(init=False)

    def stopped(self) -> bool:
        """Whether to give up: cancelled by the user, or replaced and no longer protected."""
        return self.stop.is_set() or (self.replaced and not self.protected)


class Slot:
    """An explorer's place at the worker: per lane what runs and what waits."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self.running: dict[str, Job] = {}
        self.waiting: dict[str, list[Job]] = {}
        self.touched = 0

    def submit(
        self,
        lane: str,
        make_steps: Callable[["Job"], Steps],
        finish: Callable[[str, BaseException | None], None],
    ) -> Job:
        """Queue a job. In the lanes "surface" and "spectrum" it replaces what is there."""
        return self._worker.submit(self, lane, make_steps, finish)

    def cancel(self, *lanes: str) -> None:
        """Stop what runs and waits in these lanes (default: all), also a protected job."""
        self._worker.cancel(self, lanes or tuple(_PRIORITY))

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        return not self.running and not any(self.waiting.values())


class Worker:
    """The scheduler; see the module."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._slots: list[Slot] = []
        self._clock = itertools.count(1)
        self._thread: threading.Thread | None = None
        self._ending = False

    def slot(self) -> Slot:
        """A new explorer's place."""
        return Slot(self)

    def submit(
        self,
        slot: Slot,
        lane: str,
        make_steps: Callable[["Job"], Steps],
        finish: Callable[[str, BaseException | None], None],
    ) -> Job:
        """See `Slot.submit`."""
        job = Job(slot, lane, finish)
        job.steps = make_steps(job)
        dropped: list[Job] = []
        with self._condition:
            queue = slot.waiting.setdefault(lane, [])
            if lane != "action":
                dropped, queue[:] = queue[:], []
                if lane in slot.running:
                    slot.running[lane].replaced = True
            queue.append(job)
            slot.touched = next(self._clock)
            if slot not in self._slots:
                self._slots.append(slot)
            self._start_thread()
            self._condition.notify()
        for old in dropped:
            _end(old, "cancelled", None)
        return job

    def cancel(self, slot: Slot, lanes: tuple[str, ...]) -> None:
        """See `Slot.cancel`."""
        dropped: list[Job] = []
        with self._condition:
            for lane in lanes:
                dropped += slot.waiting.pop(lane, [])
                if lane in slot.running:
                    slot.running[lane].stop.set()
        for job in dropped:
            _end(job, "cancelled", None)

    def shut_down(self) -> None:
        """End the thread: one that is inside torch while the interpreter goes away aborts the process."""
        with self._condition:
            self._ending = True
            for slot in self._slots:
                for job in slot.running.values():
                    job.stop.set()
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _start_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            # Some kernels (ipykernel 7.0) can only send from a thread that has the context of a cell.
            context = contextvars.copy_context()
            self._thread = threading.Thread(
                target=context.run, args=(self._run,), name="nblandscape", daemon=True
            )
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._condition:
                while (job := self._next()) is None and not self._ending:
                    self._condition.wait()
                if self._ending or job is None:
                    return
            try:
                self._step(job)
            except BaseException:  # noqa: BLE001 - a broken callback must not end the kernel's only worker
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), self._thread)))
            del job  # an idle worker must not keep a closed explorer alive

    def _next(self) -> Job | None:
        """Choose the job to advance: actions first, then the explorer touched last."""
        best: Job | None = None
        for slot in list(self._slots):
            for lane, queue in slot.waiting.items():
                if queue and lane not in slot.running:
                    slot.running[lane] = queue.pop(0)
            if slot.idle:
                self._slots.remove(slot)
                continue
            for job in slot.running.values():
                if best is None or _rank(job) < _rank(best):
                    best = job
        return best

    def _step(self, job: Job) -> None:
        phase, error = _advance(job)
        if phase == "running":
            return
        with self._condition:
            job.slot.running.pop(job.lane, None)
        _end(job, phase, error)


def _advance(job: Job) -> tuple[str, BaseException | None]:
    if job.stopped():
        return "cancelled", None
    try:
        next(job.steps)
    except StopIteration:
        return "done", None
    except Cancelled:
        return "cancelled", None
    except BaseException as error:  # noqa: BLE001 - goes to the view and to wait()
        return "error", error
    return "running", None


def _rank(job: Job) -> tuple[int, int]:
    return (_PRIORITY[job.lane], -job.slot.touched)


def _end(job: Job, phase: str, error: BaseException | None) -> None:
    try:
        job.steps.close()
    finally:
        job.finish(phase, error)


_worker: Worker | None = None
_lock = threading.Lock()


def shared_worker() -> Worker:
    """The kernel's worker."""
    global _worker
    with _lock:
        if _worker is None:
            _worker = Worker()
            atexit.register(_worker.shut_down)
        return _worker


def reset_after_fork() -> None:
    """Forget the parent's worker in a forked child: its thread does not exist there."""
    global _worker, _lock
    if _worker is not None:
        atexit.unregister(_worker.shut_down)
    _worker, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=reset_after_fork)
