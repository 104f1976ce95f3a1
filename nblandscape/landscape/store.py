"""Long runs on disk: a Zarr store that grows with the computation and survives its end at any moment."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nblandscape.landscape.archive import to_json
from nblandscape.landscape.landscape import Landscape

FLUSH_SECONDS = 1.0

_FORMAT = 1
_ROWS = 256  # points in a chunk of the store
_UNWRITTEN = float(np.finfo(np.float64).min)  # what a chunk reads as that is not there: no result is this


class Store:
    """Results of a run in the order in which its points are evaluated.

    The store's chunks are contiguous in that order, so a run appends to them. Zarr replaces a chunk by
    renaming a complete file, and carries a checksum in it. What says "done" is written last, and a new store
    is made beside its place and moved there: a run that is killed loses what it had not flushed and nothing
    else. Points that are not done are NaN, or the lowest float64 where their chunk was never written.

    Parameters
    ----------
    path : path
        A folder; made if it does not exist.
    settings : mapping
        Everything that decides the values, as JSON; a store with other settings is refused.
    order : np.ndarray, (P,)
        Vertices in the order of evaluation.
    columns : mapping of name to trailing shape
        Arrays to keep, (P, *shape) each.

    Raises
    ------
    ModuleNotFoundError
        zarr is not installed.
    ValueError
        The store belongs to another run, or is damaged.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        settings: Mapping[str, Any],
        order: np.ndarray,
        columns: Mapping[str, tuple[int, ...]],
    ) -> None:
        self.path = Path(path)
        zarr = _zarr()
        plain = json.loads(to_json(settings))
        if self.path.is_file():
            raise ValueError(f"{self.path} is a file; a store is a folder. Use another path.")
        fresh = not (self.path.exists() and any(self.path.iterdir()))
        if fresh:
            self._create(zarr, plain, order, columns)
        self._group = _opened(zarr, self.path, "r+")
        if not fresh:
            _compare(self.path, self._group.attrs.asdict().get("settings"), plain)
            if not np.array_equal(_order(self._group, self.path), order):
                raise ValueError(
                    f"{self.path} holds its points in another order, of a run with another `coarsest`. "
                    "Use that, or another path."
                )
        self._position = np.empty(len(order), dtype=np.int64)
        self._position[order] = np.arange(len(order))
        self.done = _read(self._group, "done", self.path).astype(bool)
        self.arrays = {name: _rows(self._group, name, self.done, self.path) for name in columns}
        self._dirty = np.zeros(len(order), dtype=bool)
        self._last = time.monotonic()

    def _create(
        self,
        zarr: Any,
        settings: Mapping[str, Any],
        order: np.ndarray,
        columns: Mapping[str, tuple[int, ...]],
    ) -> None:
        """Make an empty store beside its place and move it there: never half of one under its name."""
        partial = self.path.with_name(f".{self.path.name}.part")
        shutil.rmtree(partial, ignore_errors=True)  # left by a run that was killed here
        try:
            group = zarr.create_group(str(partial), zarr_format=3)
            points = len(order)
            _make(group, "order", (points,), np.int64, -1)[...] = order
            for name, shape in columns.items():
                _make(group, name, (points, *shape), np.float64, _UNWRITTEN)
            _make(group, "done", (points,), np.uint8, 0)
            group.attrs.update({"format": _FORMAT, "kind": "run", "settings": settings})
            if self.path.exists():  # empty
                self.path.rmdir()
            partial.rename(self.path)
        except OSError as error:
            raise OSError(error.errno, f"The store {self.path} cannot be made ({error}).") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def put(self, vertex: int, row: Mapping[str, Any]) -> None:
        """Take one point's results; they reach the disk with the next `flush`."""
        position = self._position[vertex]
        for name, value in row.items():
            self.arrays[name][position] = value
        self._dirty[position] = True
        self.done[position] = True

    def flush(self, *, force: bool = False) -> None:
        """Write what is new, if the last time is long enough ago.

        Raises
        ------
        OSError
            The disk is full, say: what was written before stays valid.
        """
        if not self._dirty.any() or (not force and time.monotonic() - self._last < FLUSH_SECONDS):
            return
        chunks = np.unique(np.flatnonzero(self._dirty) // _ROWS)
        try:
            for name in (*self.arrays, "done"):
                source = self.done.astype(np.uint8) if name == "done" else self.arrays[name]
                for chunk in chunks:
                    span = slice(chunk * _ROWS, min((chunk + 1) * _ROWS, len(source)))
                    self._group[name][span] = source[span]
        except OSError as error:
            raise OSError(
                error.errno,
                f"{self.path} cannot be written ({error}). What was finished before stays there; make room "
                "and call `sample` again with the same arguments to go on.",
            ) from error
        self._dirty[:] = False
        self._last = time.monotonic()

    def finish(self, provenance: Mapping[str, Any]) -> None:
        """Write the rest and how the run went."""
        self.flush(force=True)
        self._group.attrs.update({"provenance": json.loads(to_json(provenance))})


def open_store(path: str | os.PathLike[str]) -> Landscape:
    """Read a store as a landscape, also while a run is writing it or after one was cut off.

    Parameters
    ----------
    path : path
        What `sample` was given as ``store=``.

    Returns
    -------
    Landscape
        NaN where nothing has been evaluated; ``provenance["complete"]`` and ``["done"]`` say how much has.

    Raises
    ------
    FileNotFoundError
    ModuleNotFoundError
        zarr is not installed.
    ValueError
        Not such a store, or a damaged one.

    Examples
    --------
    >>> import tempfile, torch, nblandscape as nbl
    >>> model = torch.nn.Linear(2, 1)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.ones(2, 1)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = nbl.sample(objective, nbl.Subspace.random(objective), points=3, store=folder)
    ...     again = open_store(folder)
    >>> again.shape, again.provenance["complete"]
    ((3, 3), True)
    """
    folder = Path(path)
    if not folder.exists():
        raise FileNotFoundError(f"{folder} does not exist.")
    group = _opened(_zarr(), folder, "r")
    attributes = group.attrs.asdict()
    settings = attributes.get("settings")
    if not isinstance(settings, dict):
        raise ValueError(f"{folder} is not a store of nblandscape: it has no settings.")  # noqa: TRY004
    axes = tuple(np.asarray(axis, dtype=np.float64) for axis in settings["axes"])
    shape = tuple(len(axis) for axis in axes)
    order, done = _order(group, folder), _read(group, "done", folder).astype(bool)

    def on_the_grid(name: str) -> np.ndarray:
        rows = _rows(group, name, done, folder)
        grid = np.full((len(order), *rows.shape[1:]), np.nan)
        grid[order[done]] = rows[done]
        return grid.reshape(*shape, *rows.shape[1:])

    counts = np.asarray(settings["batch_counts"], dtype=np.float64)
    sums = on_the_grid("batch_sums")
    values = mean_losses(sums.reshape(len(order), -1), counts).reshape(shape)
    provenance = attributes.get("provenance") or {"settings": settings}
    provenance |= {"complete": bool(done.all()), "done": int(done.sum()), "quantity": "loss"}
    names = settings["metrics"]
    return Landscape(
        values,
        axes,
        tuple(settings["labels"]),
        {name: on_the_grid(f"metric_{i}") for i, name in enumerate(names)},
        sums / np.where(counts > 0, counts, np.nan) if counts.any() else sums,
        counts,
        provenance,
        on_the_grid("gradients") if settings["gradients"] else None,
    )


def mean_losses(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Means (P,) of the batches' sums (P, b), NaN where they are not finite.

    Examples
    --------
    >>> mean_losses(np.array([[1.0, 3.0], [np.inf, 0.0]]), np.array([2.0, 2.0]))
    array([ 1., nan])
    """
    total = math.fsum(counts) or 1.0
    values = np.array([math.fsum(row) / total if np.isfinite(row).all() else np.nan for row in sums])
    values[~np.isfinite(values)] = np.nan
    return values


def _zarr() -> Any:
    try:
        import zarr
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'A store needs zarr, which is not installed: pip install "nblandscape[store]"'
        ) from error
    return zarr


def _opened(zarr: Any, path: Path, mode: str) -> Any:
    try:
        group = zarr.open_group(str(path), mode=mode)
    except Exception as error:  # what zarr raises depends on what is broken
        raise ValueError(f"{path} is not a Zarr store, or its metadata is damaged ({error}).") from error
    if group.attrs.asdict().get("format") != _FORMAT:
        raise ValueError(
            f"{path} is not a complete store of nblandscape (no format {_FORMAT}); remove it or use another "
            "path."
        )
    return group


def _make(group: Any, name: str, shape: tuple[int, ...], dtype: type, empty: float) -> Any:
    from zarr.codecs import Crc32cCodec, ZstdCodec

    return group.create_array(
        name,
        shape=shape,
        chunks=(min(_ROWS, shape[0]), *shape[1:]),
        dtype=dtype,
        compressors=[ZstdCodec(level=1), Crc32cCodec()],
        fill_value=empty,
    )


def _order(group: Any, path: Path) -> np.ndarray:
    """Vertices in the order of the store's rows."""
    order = _read(group, "order", path)
    if not np.array_equal(np.sort(order), np.arange(len(order))):
        raise ValueError(
            f"The array 'order' of {path} is damaged: a chunk is missing. Restore it, or start with another "
            "path."
        )
    return order


def _rows(group: Any, name: str, done: np.ndarray, path: Path) -> np.ndarray:
    """Results of all points, NaN where nothing is done."""
    rows = _read(group, name, path)
    lost = done & (rows == _UNWRITTEN).reshape(len(rows), -1).any(axis=1)
    if lost.any():
        raise ValueError(
            f"The array {name!r} of {path} is damaged: the chunks of {int(lost.sum())} finished points are "
            "missing. Restore them, or start with another path."
        )
    return np.where(rows == _UNWRITTEN, np.nan, rows)


def _read(group: Any, name: str, path: Path) -> np.ndarray:
    try:
        return np.asarray(group[name][...])
    except Exception as error:
        raise ValueError(
            f"The array {name!r} of {path} is damaged or missing ({type(error).__name__}: {error}). The "
            "other files are untouched; restore that array, or start with another path."
        ) from error


def _compare(path: Path, found: Any, wanted: Mapping[str, Any]) -> None:
    if not isinstance(found, dict):
        raise ValueError(f"{path} is not a store of nblandscape: it has no settings.")  # noqa: TRY004
    differing = [
        key
        for key in sorted({*found, *wanted}, key=lambda key: (key.endswith("_loss"), key))
        if not _same(found.get(key), wanted.get(key), key)
    ]
    if differing:
        key = differing[0]
        raise ValueError(
            f"{path} holds another run: its {key} is {_short(found.get(key))}, this one's "
            f"{_short(wanted.get(key))}. Use another path, or remove the store."
        )


def _same(a: Any, b: Any, key: str) -> bool:
    if key in ("origin_loss", "probe_loss") and a is not None and b is not None:
        return bool(np.isclose(a, b, rtol=1e-5, atol=1e-8))
    return bool(a == b)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 60 else text[:57] + "…"
