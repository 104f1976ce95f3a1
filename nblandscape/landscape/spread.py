"""Points spread over the workers of an executor; every worker has an objective of its own."""

from __future__ import annotations

import hashlib
import multiprocessing
import pickle
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import TYPE_CHECKING

import numpy as np

from nblandscape.cancel import CancelSignal, check
from nblandscape.evaluation import Point

if TYPE_CHECKING:
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

Evaluate = Callable[[np.ndarray], Point]
Result = tuple[list[Point], float] | None  # None: the worker does not have the objective yet

TASK_SECONDS = 0.3
_WINDOW = 16  # tasks under way
_POLL_SECONDS = 0.1

_known = threading.local()


def spread(
    executor: Executor,
    objective: Objective,
    subspace: Subspace,
    coordinates: np.ndarray,
    *,
    gradients: bool = False,
    cancel: CancelSignal | None = None,
) -> Generator[tuple[np.ndarray, list[Point]], None, None]:
    """Yield ``(positions, points)`` as tasks end, in any order.

    The objective travels to a worker when it asks for it, about once each: tasks name it by its hash.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Threads, processes, ``client.get_executor()`` of a Dask cluster.
    coordinates : np.ndarray, (P, d)

    Raises
    ------
    TypeError
        Something of the objective cannot be sent to another process.
    RuntimeError
        The executor broke.
    nblandscape.cancel.Cancelled
    """
    payload = _packed(objective, subspace, gradients)
    digest = hashlib.sha256(payload).hexdigest()
    size, position, total = 1, 0, len(coordinates)
    running: dict[Future[Result], np.ndarray] = {}
    try:
        while position < total or running:
            check(cancel)
            while position < total and len(running) < _WINDOW:
                rows = np.arange(position, min(position + size, total))
                running[executor.submit(evaluate_task, digest, None, coordinates[rows])] = rows
                position = int(rows[-1]) + 1
            ready, _ = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in ready:
                rows = running.pop(future)
                result = future.result()
                if result is None:
                    again = executor.submit(evaluate_task, digest, payload, coordinates[rows])
                    running[again] = rows
                    continue
                points, seconds = result
                size = max(1, min(4 * size, int(TASK_SECONDS * len(rows) / max(seconds, 1e-6))))
                yield rows, points
    except BrokenExecutor as error:
        raise RuntimeError(
            f"The executor broke ({type(error).__name__}: {error}). What had arrived is kept in the store, "
            "if there is one; call `sample` again with a new executor to go on."
        ) from error
    finally:
        for future in running:
            future.cancel()


def evaluate_task(digest: str, payload: bytes | None, coordinates: np.ndarray) -> Result:
    """Evaluate points in a worker; None if it has to be sent the objective first."""
    cache: dict[str, Evaluate] = _known.__dict__.setdefault("evaluators", {})
    if digest not in cache:
        if payload is None:
            return None
        cache.clear()  # one at a time: the last run's objective is of no use any more
        cache[digest] = _unpacked(payload)
    begin = time.perf_counter()
    return [cache[digest](row) for row in coordinates], time.perf_counter() - begin


def _packed(objective: Objective, subspace: Subspace, gradients: bool) -> bytes:
    try:
        import cloudpickle as pickler  # lambdas and classes of a notebook; comes with dask
    except ModuleNotFoundError:
        pickler = pickle
    plane = subspace.origin.cpu(), subspace.directions.cpu(), subspace.statistics
    parts = (objective.parts(), plane, gradients)
    try:
        return bytes(pickler.dumps(parts))
    except Exception as error:
        raise TypeError(
            f"The objective cannot be sent to other processes ({type(error).__name__}: {error}). Define the "
            "model and the loss in a module, or install cloudpickle for those of a notebook."
        ) from error


def _unpacked(payload: bytes) -> Evaluate:
    import torch

    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

    if multiprocessing.parent_process() is not None:
        torch.set_num_threads(1)  # one worker a core; two threads on one core wait for each other
    parts, (origin, directions, statistics), gradients = pickle.loads(payload)  # noqa: S301 - made by `_packed` of the same user
    objective = Objective.from_parts(parts)
    labels = tuple(str(i) for i in range(len(directions)))
    plane = Subspace(origin, directions, labels, statistics=statistics)
    return objective.evaluator(plane, gradients=gradients)
