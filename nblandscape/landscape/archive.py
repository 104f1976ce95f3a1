"""Files of landscapes and explorers: a JSON header and arrays in one compressed ``.npz``, without pickles."""

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1


def write_archive(
    path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> Path:
    """Write a JSON header and arrays to ``.npz``, first beside the target, then moved over it."""
    target = Path(path)
    if target.suffix != ".npz":
        target = target.with_name(target.name + ".npz")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"The folder {target.parent} does not exist.")
    partial = target.with_name(target.name + ".part")
    try:
        with partial.open("wb") as file:
            told = {**header, "arrays": sorted(arrays)}
            np.savez_compressed(file, header=np.array(to_json(told)), **dict(arrays))  # type: ignore[arg-type]
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def read_archive(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_archive` wrote.

    Raises
    ------
    FileNotFoundError
    ValueError
        Not such a file, a damaged one, or one of a newer version.
    """
    source = Path(path)
    if not source.exists():
        raise FileNotFoundError(f"{source} does not exist.")
    try:
        with source.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if set(arrays) == {"loss", "coordinates"}:  # Landscaper's: loss[i, j, ...], coordinates (d, points)
            return {"format": FORMAT, "kind": "landscaper"}, arrays
        header = json.loads(str(arrays.pop("header")))
    except (
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        KeyError,
        EOFError,
        OSError,
        RuntimeError,
    ) as error:
        raise ValueError(
            f"{source} is not a file saved by nblandscape, or it is damaged ({error})."
        ) from error
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise ValueError(f"{source} is not a file saved by nblandscape: its header is not one.")  # noqa: TRY004
    lost = sorted({*header.pop("arrays", ())} - {*arrays})
    if lost:
        raise ValueError(f"{source} is damaged: it has lost {lost}.")
    if header["format"] > FORMAT:
        raise ValueError(f"{source} was saved by a newer nblandscape (format {header['format']}); update it.")
    return header, arrays


def to_json(value: Mapping[str, Any]) -> str:
    """JSON of what a provenance may hold: numbers and arrays of numpy and paths, too.

    Raises
    ------
    TypeError
        Anything else, named.

    Examples
    --------
    >>> to_json({"rate": np.float64(0.5), "steps": np.arange(2), "folder": Path("runs")})
    '{"rate": 0.5, "steps": [0, 1], "folder": "runs"}'
    """

    def plain(item: Any) -> Any:
        if isinstance(item, (np.generic, np.ndarray)):
            return item.tolist()
        if isinstance(item, os.PathLike):
            return os.fspath(item)
        raise TypeError(
            f"{item!r} ({type(item).__name__}) cannot be saved; give text, numbers or lists of them."
        )

    return json.dumps(dict(value), default=plain)
