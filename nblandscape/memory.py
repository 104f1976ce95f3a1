"""How much memory a piece of work takes at most, counted instead of read off the process, and in words."""

import platform
import weakref
from collections.abc import Callable, Iterable
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


def in_words(count: float) -> str:
    """Bytes in decimal units, three digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
