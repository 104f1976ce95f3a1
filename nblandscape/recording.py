"""Reading the checkpoints that a `nblandscape.recorder.Recorder` has written, one tensor at a time."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch

INDEX = "index.json"
PATTERN = "step-*.safetensors"


@dataclass(frozen=True, eq=False, repr=False)
class Checkpoint(Mapping[str, torch.Tensor]):
    """Weights at one training step: a mapping of name to tensor that reads what is asked for.

    ``model.load_state_dict(dict(checkpoint))`` takes it, as does ``objective.at(checkpoint)``.

    Attributes
    ----------
    path : pathlib.Path
        Of the safetensors file.
    step : int
    loss, learning_rate : float
        As given to the recorder; NaN if they were not.
    """

    path: Path
    step: int = -1
    loss: float = float("nan")
    learning_rate: float = float("nan")

    @classmethod
    def from_file(cls, path: Path) -> "Checkpoint":
        """Read step, loss and learning rate from the file's own header.

        Raises
        ------
        ValueError
            A damaged file.
        """
        with opened(path) as file:
            header = file.metadata() or {}
        values = (float(header.get(name) or "nan") for name in ("loss", "learning_rate"))
        return cls(path, int(header.get("step", -1)), *values)

    def tensors(self, names: Iterable[str]) -> dict[str, torch.Tensor]:
        """Some tensors by name, on the CPU; the file is opened once, large tensors stay on disk until used.

        Raises
        ------
        KeyError
            A name that the file lacks.
        ValueError
            A damaged file.
        """
        with opened(self.path) as file:
            header = file.metadata() or {}
            aliases, compound = (json.loads(header.get(key, "{}")) for key in ("aliases", "complex"))
            stored = set(file.keys())
            result = {}
            for name in names:
                own = aliases.get(name, name)
                if own not in stored:
                    raise KeyError(name)
                tensor = file.get_tensor(own)
                result[name] = torch.view_as_complex(tensor) if own in compound else tensor
        return result

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes, without reading the weights."""
        with opened(self.path) as file:
            header = file.metadata() or {}
            compound = json.loads(header.get("complex", "{}"))
            found = {}
            for name in file.keys():  # noqa: SIM118 - a safetensors file is not iterable
                shape = tuple(file.get_slice(name).get_shape())
                found[name] = shape[:-1] if name in compound else shape
        aliases: dict[str, str] = json.loads(header.get("aliases", "{}"))
        return found | {alias: found[own] for alias, own in aliases.items()}

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors([name])[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes())

    def __len__(self) -> int:
        return len(self.shapes())

    def __repr__(self) -> str:
        return f"Checkpoint({self.path}: step {self.step}, loss {self.loss:.6g}, lr {self.learning_rate:.3g})"


@dataclass(frozen=True, eq=False, repr=False)
class Recording(Sequence[Checkpoint]):
    """The checkpoints of one training run, by step; a slice is a recording too.

    Attributes
    ----------
    folder : pathlib.Path
    checkpoints : tuple of Checkpoint
    model : str
        Name of the model's class.
    missing : int
        Checkpoints of the index whose files are gone.
    """

    folder: Path
    checkpoints: tuple[Checkpoint, ...]
    model: str = ""
    missing: int = 0

    @classmethod
    def open(cls, folder: str | Path) -> "Recording":
        """Open a folder; files that a crash kept from the index are found by their own headers.

        Raises
        ------
        FileNotFoundError
            No checkpoint there.
        ImportError
            safetensors is not installed.
        """
        where = Path(folder)
        require_safetensors()
        index = _index(where)
        listed = {entry["file"]: entry for entry in index.get("checkpoints", ())}
        files = {path.name: path for path in where.glob(PATTERN)}
        found = [
            Checkpoint(files[name], int(e["step"]), _number(e["loss"]), _number(e["learning_rate"]))
            for name, e in listed.items()
            if name in files
        ]
        found += [_unlisted(path) for name, path in files.items() if name not in listed]
        if not found:
            raise FileNotFoundError(f"There is no recording in {where}: no file {PATTERN}.")
        found.sort(key=lambda checkpoint: checkpoint.step)
        return cls(where, tuple(found), str(index.get("model", "")), sum(n not in files for n in listed))

    @property
    def steps(self) -> np.ndarray:
        """Training steps, (T,) int64."""
        return np.array([c.step for c in self.checkpoints], dtype=np.int64)

    @property
    def losses(self) -> np.ndarray:
        """Losses as given to the recorder, (T,) float64; NaN if they were not."""
        return np.array([c.loss for c in self.checkpoints], dtype=np.float64)

    @property
    def learning_rates(self) -> np.ndarray:
        """Learning rates as given to the recorder, (T,) float64."""
        return np.array([c.learning_rate for c in self.checkpoints], dtype=np.float64)

    @property
    def num_bytes(self) -> int:
        """Size on disk."""
        return sum(c.path.stat().st_size for c in self.checkpoints)

    def readable(self) -> "Recording":
        """Leave out the checkpoints whose files are damaged.

        Raises
        ------
        ValueError
            All are.
        """
        good = tuple(c for c in self.checkpoints if _intact(c))
        if not good:
            raise ValueError(f"None of the {len(self)} checkpoints in {self.folder} can be read.")
        return replace(self, checkpoints=good)

    @overload
    def __getitem__(self, index: int) -> Checkpoint: ...
    @overload
    def __getitem__(self, index: slice) -> "Recording": ...
    def __getitem__(self, index: int | slice) -> "Checkpoint | Recording":
        if isinstance(index, slice):
            return replace(self, checkpoints=self.checkpoints[index])
        return self.checkpoints[index]

    def __len__(self) -> int:
        return len(self.checkpoints)

    def __repr__(self) -> str:
        gone = f", {self.missing} missing" if self.missing else ""
        span = f"steps {self.steps[0]} to {self.steps[-1]}" if len(self) else "none"
        return f"Recording({self.folder}: {len(self)} checkpoints of {self.model}, {span}{gone})"


def require_safetensors() -> Any:
    """Import safetensors.

    Raises
    ------
    ImportError
        With what to install.
    """
    try:
        import safetensors.torch
    except ImportError as error:
        raise ImportError("Recordings need safetensors: pip install nblandscape[hf]") from error
    return safetensors


def opened(path: Path) -> Any:
    """Open a safetensors file, as a context manager.

    Raises
    ------
    FileNotFoundError
    ValueError
        A damaged file, named.
    """
    safetensors = require_safetensors()
    if not path.exists():
        raise FileNotFoundError(f"The checkpoint {path} does not exist.")
    try:
        return safetensors.safe_open(path, framework="pt")
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(
            f"The checkpoint {path} is damaged ({error}). The other files of its folder stay usable: "
            "Recorder.open(folder).readable() leaves the damaged ones out."
        ) from error


def _index(folder: Path) -> dict[str, Any]:
    """The index, or nothing where a crash or a hand has left none that can be read."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}


def _unlisted(path: Path) -> Checkpoint:
    try:
        return Checkpoint.from_file(path)
    except ValueError:  # damaged: kept in the list, so that reading it names it
        return Checkpoint(path, int(path.stem.removeprefix("step-")))


def _intact(checkpoint: Checkpoint) -> bool:
    try:
        checkpoint.shapes()
    except (ValueError, FileNotFoundError):
        return False
    return True


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
