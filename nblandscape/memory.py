"""How much memory is free, and how much a piece of work takes at most, counted instead of read off."""

import contextlib
import platform
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# glibc takes blocks of up to so many bytes from a heap, and keeps twice as many bytes of its free end.
_HEAP_BLOCK = 32 * 2**20


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors that operations make, while they live; local to its thread.

    Only those of at most `largest` bytes, if that is given.
    """

    def __init__(self, largest: int | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._largest = largest
        self._known: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = {id(t.untyped_storage()) for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage(), given)
        return result

    def _add(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        key = id(storage)
        if key in self._known or key in given:  # views and results in place are nothing new
            return
        size = storage.nbytes()
        if self._largest is not None and size > self._largest:
            return
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def peak_bytes(call: Callable[[], object]) -> int:
    """Bytes of tensors that exist at the same time, at most, while `call` runs, beyond those before.

    The scratch memory of single kernels is not counted.

    Examples
    --------
    >>> peak_bytes(lambda: (torch.ones(1000) + 1).sum())  # two vectors, then the sum
    8000
    """
    live = _Live()
    with live:
        call()
    return live.peak


def malloc_keeps(call: Callable[[], object], device: torch.device) -> int:
    """Bytes that `call` frees and the process keeps: on a CPU glibc's malloc does, for blocks below 32 MiB.

    An upper estimate; it was 0 to 1 times that much in the runs of tests/benchmarks/bench_cost.py.
    """
    if device.type != "cpu" or platform.libc_ver()[0] != "glibc":
        return 0
    live = _Live(_HEAP_BLOCK)
    with live:
        call()
    return min(live.peak, 2 * _HEAP_BLOCK)


def free_memory(device: torch.device) -> float:
    """Bytes that are free on a device; 4 GB where that cannot be asked.

    Of a container no more than its limit leaves: Linux kills what exceeds it.
    """
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    free = [4e9]
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable"):
                free = [float(line.split()[1]) * 1024]
    with contextlib.suppress(OSError):
        free += _group_rooms(Path("/proc/self/cgroup").read_text(), Path("/sys/fs/cgroup"))
    return min(free)


def _group_rooms(membership: str, root: Path) -> list[float]:
    """Bytes that the limits of control groups, version 1 and 2, leave, from the process's own upwards."""
    versions = {True: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
                False: ("memory.max", "memory.current", "inactive_file")}  # fmt: skip
    found = []
    for line in membership.splitlines():
        _, kinds, path = line.split(":", 2)
        first = "memory" in kinds.split(",")
        if kinds and not first:
            continue
        base = root / "memory" if first else root
        own = base / path.strip("/")
        for folder in (own, *own.parents):  # a container may see only the root of its groups
            with contextlib.suppress(OSError, ValueError):  # "max": no limit
                limit, used = (float((folder / name).read_text()) for name in versions[first][:2])
                lines = (folder / "memory.stat").read_text().splitlines()
                droppable = float(dict(line.split() for line in lines).get(versions[first][2], 0))
                found.append(max(0.0, limit - used + droppable))
            if folder == base:
                break
    return found


def in_words(count: float) -> str:
    """Bytes in decimal units, three digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
