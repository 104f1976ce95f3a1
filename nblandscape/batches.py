"""Pinned batches: fixed once, moved, counted and hashed, so that every evaluation sees the same data."""

import contextlib
import hashlib
import random
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

Batch = Any


def pin(
    batches: object, *, device: torch.device, dtype: torch.dtype | None, limit: int | None = None
) -> list[Batch]:
    """Materialise `batches` on `device`.

    Parameters
    ----------
    batches : DataLoader, iterable of batches, or one tuple ``(x, y)`` of tensors or arrays
        Iterating a DataLoader draws from the global random generators even without shuffling; their
        states are put back.
    device : torch.device
        Where the tensors go.
    dtype : torch.dtype or None
        Floating-point tensors are cast to it, complex ones to its complex type; None keeps them.
    limit : int, optional
        At most so many samples are kept; the last batch is cut.

    Returns
    -------
    list of batches
        Tensors are private copies: changing the user's arrays later changes nothing here.

    Raises
    ------
    ValueError
        No batch, or an empty one.
    TypeError
        Something that is not iterable.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit={limit}: at least one sample is needed.")
    pinned: list[Batch] = []
    left = limit
    with contextlib.ExitStack() as stack:
        for number, batch in enumerate(_iterate(batches, stack)):
            size = batch_size(batch)
            if size == 0:
                raise ValueError(f"Batch {number} is empty. Remove it, or check the data set's filter.")
            if left is not None and size is not None and size > left:
                batch = map_tensors(partial(_head, size=size, count=left), batch)
                size = left
            pinned.append(map_tensors(partial(_own, device=device, dtype=dtype), batch))
            if left is not None and size is not None:
                left -= size
                if left <= 0:
                    break
    if not pinned:
        raise ValueError(
            "No batches: the iterable is empty (or was used up by an earlier loop). Pass a list."
        )
    return pinned


def batch_size(batch: Batch) -> int | None:
    """Length of the first tensor found in `batch`, None if there is none."""
    for tensor in tensors_of(batch):
        if tensor.ndim:
            return len(tensor)
    return None


def not_finite(batch: Batch) -> int:
    """Number of NaN and infinite values in a batch (a mask may hold some rightly)."""
    tensors = (t for t in tensors_of(batch) if t.is_floating_point() or t.is_complex())
    return sum(int((~torch.isfinite(t)).sum()) for t in tensors)


def total_size(batches: Sequence[Batch]) -> int:
    """Samples in all batches; a batch without a tensor counts as one."""
    return sum(1 if (n := batch_size(b)) is None else n for b in batches)


def fingerprint(batches: Sequence[Batch]) -> str:
    """SHA-256 over the batches' contents, shapes and dtypes (hex, 16 characters)."""
    digest = hashlib.sha256()
    for batch in batches:
        digest.update(b"|")
        for tensor in tensors_of(batch):
            update_digest(digest, tensor)
    return digest.hexdigest()[:16]


def update_digest(digest: "hashlib._Hash", tensor: torch.Tensor) -> None:
    """Feed one tensor's dtype, shape and bytes to a digest."""
    update_digest_by_parts(digest, tensor.dtype, tensor.shape, [tensor])


def update_digest_by_parts(
    digest: "hashlib._Hash", dtype: torch.dtype, shape: Sequence[int], parts: Iterable[torch.Tensor]
) -> None:
    """As `update_digest` of a tensor that is given as its parts, one after the other."""
    digest.update(str(dtype).encode() + struct.pack(f"<{len(shape)}q", *shape))
    for part in parts:
        plain = part.detach().cpu().contiguous()
        digest.update(plain.reshape(-1).view(torch.uint8).numpy().data if plain.numel() else b"")


def tensors_of(batch: Batch) -> Iterator[torch.Tensor]:
    """Tensors inside a batch, depth first."""
    if isinstance(batch, torch.Tensor):
        yield batch
    elif _is_numeric(batch):
        yield _as_tensor(batch)
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from tensors_of(value)
    elif isinstance(batch, (list, tuple)):
        for value in batch:
            yield from tensors_of(value)


def _iterate(batches: object, stack: contextlib.ExitStack) -> Iterable[Batch]:
    if isinstance(batches, DataLoader):
        stack.enter_context(_without_trace(batches))
        return batches
    if isinstance(batches, Mapping) or _is_pair(batches):
        return [batches]
    if isinstance(batches, (torch.Tensor, np.ndarray)):
        raise TypeError(
            "batches is a single array; pass one tuple (x, y), a list of such tuples, or a DataLoader."
        )
    if isinstance(batches, Iterable):
        return batches
    raise TypeError(
        f"batches is a {type(batches).__name__}; "
        "pass one tuple (x, y), a list of such tuples, or a DataLoader."
    )


def _is_pair(batches: object) -> bool:
    """Whether a tuple is one batch (x, y), rather than a sequence of batches: it ends in an array."""
    return (
        isinstance(batches, tuple) and bool(batches) and isinstance(batches[-1], (torch.Tensor, np.ndarray))
    )


@contextlib.contextmanager
def _without_trace(loader: "DataLoader[Any]") -> Iterator[None]:
    """Put every generator that iterating a loader may draw from back."""
    own = {id(g): g for g in (loader.generator, getattr(loader.sampler, "generator", None))}
    generators = [g for g in own.values() if isinstance(g, torch.Generator)]
    states = [g.get_state() for g in generators]
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)


def map_tensors(function: Callable[[torch.Tensor], torch.Tensor], batch: Batch) -> Batch:
    if isinstance(batch, torch.Tensor):
        return function(batch)
    if _is_numeric(batch):
        return function(_as_tensor(batch))
    if isinstance(batch, Mapping):
        items = {key: map_tensors(function, value) for key, value in batch.items()}
        if type(batch) is dict:
            return items
        with contextlib.suppress(TypeError):  # BatchEncoding and other UserDicts
            return type(batch)(items)  # type: ignore[call-arg]
        return items
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(map_tensors(function, value) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(map_tensors(function, value) for value in batch)
    return batch


def _head(tensor: torch.Tensor, size: int, count: int) -> torch.Tensor:
    return tensor[:count] if tensor.ndim and len(tensor) == size else tensor


def _own(tensor: torch.Tensor, device: torch.device, dtype: torch.dtype | None) -> torch.Tensor:
    target = tensor.dtype
    if dtype is not None and tensor.is_floating_point():
        target = dtype
    elif dtype is not None and tensor.is_complex():
        target = dtype.to_complex()
    return tensor.detach().to(device=device, dtype=target, copy=True)


def _is_numeric(array: object) -> bool:
    return isinstance(array, np.ndarray) and array.dtype.kind in "biufc"


def _as_tensor(array: np.ndarray) -> torch.Tensor:
    """The array's memory as a tensor; torch takes no read-only, reversed or foreign-endian array."""
    fits = array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0
    return torch.from_numpy(array if fits else array.astype(array.dtype.newbyteorder("=")))
