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
        Floating-point tensors are cast to it; None keeps them.
    limit : int, optional
        At most so many samples are kept; the last batch is cut.

    Returns
    -------
    list of batches
        Tensors are private copies: changing the user's arrays later changes nothing here.

    Raises
    ------
    ValueError
        No batch, an empty batch, or a tensor that is not finite.
    TypeError
        Something that is not iterable.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit={limit}: at least one sample is needed.")
    pinned: list[Batch] = []
    left = limit
    for number, batch in enumerate(_iterate(batches)):
        size = batch_size(batch)
        if size == 0:
            raise ValueError(f"Batch {number} is empty. Remove it, or check the data set's filter.")
        if left is not None and size is not None and size > left:
            batch = _map(partial(_head, size=size, count=left), batch)
            size = left
        pinned.append(_map(partial(_own, device=device, dtype=dtype, number=number), batch))
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
    plain = tensor.detach().cpu().contiguous()
    digest.update(str(plain.dtype).encode() + struct.pack(f"<{plain.ndim}q", *plain.shape))
    digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b"")


def tensors_of(batch: Batch) -> Iterator[torch.Tensor]:
    """Tensors inside a batch, depth first."""
    if isinstance(batch, torch.Tensor):
        yield batch
    elif isinstance(batch, np.ndarray):
        yield torch.from_numpy(batch)
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from tensors_of(value)
    elif isinstance(batch, (list, tuple)):
        for value in batch:
            yield from tensors_of(value)


def _iterate(batches: object) -> Iterable[Batch]:
    if isinstance(batches, DataLoader):
        return _draw_without_trace(batches)
    arrays = (torch.Tensor, np.ndarray)
    if isinstance(batches, Mapping) or (
        isinstance(batches, tuple) and batches and all(isinstance(b, arrays) for b in batches)
    ):
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


def _draw_without_trace(loader: "DataLoader[Any]") -> list[Batch]:
    """Iterate a loader and put every generator that it may have drawn from back."""
    generators = [g for g in (loader.generator, getattr(loader.sampler, "generator", None)) if g is not None]
    states = [g.get_state() for g in generators]
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    with torch.random.fork_rng():
        try:
            return list(loader)
        finally:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)


def _map(function: Callable[[torch.Tensor], torch.Tensor], batch: Batch) -> Batch:
    if isinstance(batch, torch.Tensor):
        return function(batch)
    if isinstance(batch, np.ndarray) and batch.dtype.kind in "biufc":
        return function(torch.from_numpy(batch))
    if isinstance(batch, Mapping):
        items = {key: _map(function, value) for key, value in batch.items()}
        if type(batch) is dict:
            return items
        with contextlib.suppress(TypeError):  # BatchEncoding and other UserDicts
            return type(batch)(items)  # type: ignore[call-arg]
        return items
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_map(function, value) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(_map(function, value) for value in batch)
    return batch


def _head(tensor: torch.Tensor, size: int, count: int) -> torch.Tensor:
    return tensor[:count] if tensor.ndim and len(tensor) == size else tensor


def _own(tensor: torch.Tensor, device: torch.device, dtype: torch.dtype | None, number: int) -> torch.Tensor:
    target = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
    copy = tensor.detach().to(device=device, dtype=target, copy=True)
    if (copy.is_floating_point() or copy.is_complex()) and not bool(torch.isfinite(copy).all()):
        bad = int((~torch.isfinite(copy)).sum())
        raise ValueError(f"Batch {number} holds {bad} values that are NaN or inf. Clean the data first.")
    return copy
