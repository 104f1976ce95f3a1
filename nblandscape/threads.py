"""How many threads of one operation pay off here; on busy cores two can be 50 times slower than one."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator

import torch


@contextlib.contextmanager
def thread_count(count: int) -> Iterator[None]:
    """Compute with so many threads in the calling thread, then with as many as before.

    PyTorch gives the number last set to threads that are started later, so those that start meanwhile, and
    only those, inherit it; running threads keep theirs.

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
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def best_thread_count(run: Callable[[], object], *, repeats: int = 5) -> int:
    """Measure `run` with one thread and with as many as are set; return the faster number.

    Parameters
    ----------
    run : callable
        A short piece of the work, for example one evaluation.
    repeats : int
        Of each, in turn.

    Examples
    --------
    >>> best_thread_count(lambda: torch.ones(3).sum()) >= 1
    True
    """
    present = torch.get_num_threads()
    if present == 1:
        return 1
    durations: dict[int, list[float]] = {1: [], present: []}
    for _ in range(repeats):
        for count, times in durations.items():
            with thread_count(count):
                begin = time.perf_counter()
                run()
                times.append(time.perf_counter() - begin)
    return min(durations, key=lambda count: statistics.median(durations[count]))
