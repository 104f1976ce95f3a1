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
        values = (_number(header.get(name)) for name in ("loss", "learning_rate"))
        return cls(path, _whole(header.get("step")), *values)

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
            aliases, compound = self._notes(file)
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
            aliases, compound = self._notes(file)
            found = {}
            for name in file.keys():  # noqa: SIM118 - a safetensors file is not iterable
                shape = tuple(file.get_slice(name).get_shape())
                found[name] = shape[:-1] if name in compound else shape
        return found | {alias: found[own] for alias, own in aliases.items() if own in found}

    def _notes(self, file: Any) -> tuple[dict[str, str], dict[str, bool]]:
        """Further names of tied tensors, and which tensors are complex."""
        header = file.metadata() or {}
        try:
            aliases, compound = (json.loads(header.get(key, "{}")) for key in ("aliases", "complex"))
            return dict(aliases), dict(compound)
        except (ValueError, TypeError) as error:
            raise _damaged(self.path, error) from error

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
        model, listed = _index(where)
        files = {path.name: path for path in recorded(where)}
        found = [Checkpoint(files[name], *told) for name, told in listed.items() if name in files]
        found += [_unlisted(path) for name, path in files.items() if name not in listed]
        if not found:
            raise FileNotFoundError(f"There is no recording in {where}: no file {PATTERN}.")
        found.sort(key=lambda checkpoint: checkpoint.step)
        return cls(where, tuple(found), model, sum(name not in files for name in listed))

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
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"The checkpoint {path} is damaged ({error}). The other files of its folder stay usable: "
        "Recorder.open(folder).readable() leaves the damaged ones out."
    )


def recorded(folder: Path) -> list[Path]:
    """The files that a recorder has written to a folder, not those of others ("step-best")."""
    return [path for path in folder.glob(PATTERN) if path.stem.removeprefix("step-").isdecimal()]


def _index(folder: Path) -> tuple[str, dict[str, tuple[int, float, float]]]:
    """Model, and step, loss and learning rate by file; nothing where a crash or a hand has damaged it."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        listed = {
            str(e["file"]): (int(e["step"]), _number(e["loss"]), _number(e["learning_rate"]))
            for e in index["checkpoints"]
        }
        return str(index.get("model", "")), listed
    except (OSError, ValueError, TypeError, KeyError):
        return "", {}


def _unlisted(path: Path) -> Checkpoint:
    try:
        return Checkpoint.from_file(path)
    except ValueError:  # damaged: kept in the list, so that reading it names it
        return Checkpoint(path, _whole(path.stem.removeprefix("step-")))


def _intact(checkpoint: Checkpoint) -> bool:
    try:
        checkpoint.shapes()
    except (ValueError, FileNotFoundError):
        return False
    return True


def _number(value: Any) -> float:
    """A number that was written as text; NaN if it was not."""
    try:
        return float(value)
    except (ValueError, TypeError):
        return float("nan")


def _whole(value: Any) -> int:
    """A step that was written as text; -1 if it was not."""
    try:
        return int(value)
    except (ValueError, TypeError):
        return -1
