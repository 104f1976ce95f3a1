"""How many threads of one operation pay off here; on busy cores two can be 50 times slower than one."""

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

import torch

Yielded = TypeVar("Yielded")


@contextlib.contextmanager
def thread_count(count: int) -> Iterator[None]:
    """Compute with so many threads in the calling thread, then with as many as before.

    Running threads keep their number, and threads that are started meanwhile get the user's.

    Examples
    --------
    >>> before = torch.get_num_threads()
    >>> with thread_count(1):
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    before = torch.get_num_threads()
    if count != before:
        _set_here(count)
    try:
        yield
    finally:
        if count != before:
            _set_here(before)


def in_steps(steps: Iterator[Yielded], count: int) -> Generator[Yielded, None, Any]:
    """Run every step of a generator with so many threads, and what comes between them as before.

    The generator's return value is passed on.

    Examples
    --------
    >>> def numbers():
    ...     yield torch.get_num_threads()
    ...     yield torch.get_num_threads()
    >>> list(in_steps(numbers(), 1))
    [1, 1]
    """
    try:
        while True:
            with thread_count(count):
                try:
                    item = next(steps)
                except StopIteration as end:
                    return end.value
            yield item
    finally:
        if isinstance(steps, Generator):
            steps.close()


def thread_times(run: Callable[[], object], *, repeats: int = 5) -> dict[int, float]:
    """Median seconds of `run` with one thread and with as many as are set, by the number of threads.

    Parameters
    ----------
    run : callable
        A short piece of the work, for example one evaluation.
    repeats : int
        Of each, in turn.
    """
    durations: dict[int, list[float]] = {1: [], torch.get_num_threads(): []}
    for _ in range(repeats):
        for count, times in durations.items():
            with thread_count(count):
                begin = time.perf_counter()
                run()
                times.append(time.perf_counter() - begin)
    return {count: statistics.median(times) for count, times in durations.items()}


def _set_here(count: int) -> None:
    """Set the calling thread's number.

    PyTorch gives the number last set anywhere to threads that are started later; another thread puts that
    back.
    """
    known, changed = threading.Event(), threading.Event()

    def keep() -> None:
        number = torch.get_num_threads()
        known.set()
        changed.wait()
        torch.set_num_threads(number)

    keeper = threading.Thread(target=keep)
    keeper.start()
    known.wait()
    try:
        torch.set_num_threads(count)
    finally:
        changed.set()
        keeper.join()
