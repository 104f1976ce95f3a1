"""Checkpoints of a training run: what a trajectory is made of."""

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from operator import index
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import torch
from torch import nn

import nblandscape
from nblandscape.memory import in_words
from nblandscape.parameters import ParameterFilter, select_parameters
from nblandscape.recording import INDEX, Recording, recorded, require_safetensors
from nblandscape.replica import unwrap

_FORMAT = 1


@dataclass(frozen=True)
class DiskCost:
    """What a recording takes.

    Attributes
    ----------
    checkpoints : int
    num_bytes : int
        Of all checkpoints.
    free : int
        Bytes free on the disk now.
    """

    checkpoints: int
    num_bytes: int
    free: int

    @property
    def fits(self) -> bool:
        """Whether the disk has room for it."""
        return self.num_bytes <= self.free

    def __repr__(self) -> str:
        each = self.num_bytes / max(self.checkpoints, 1)
        return (
            f"{self.checkpoints:,} checkpoints of {in_words(each)}, {in_words(self.num_bytes)} in all; "
            f"{in_words(self.free)} free"
        )


class Recorder:
    """Save a model's weights during training: one safetensors file per checkpoint, and an index.

    As a context manager it records the weights before the first and after the last step as well. The
    model and the random generators are not touched. A file appears under its name only when it is
    complete and on the disk, so that a crash loses at most the checkpoint that was being written.

    Parameters
    ----------
    model : torch.nn.Module
    folder : path
        Made if it does not exist.
    every : int or collection of int
        Record every so many steps, or at these steps.
    parameters : list of names, glob, compiled regex, or callable (name, parameter) -> bool, optional
        Record only these (adapters, say). Default: all parameters and buffers.
    steps : int, optional
        How many steps are planned, to find out before training whether the disk has room for them.
    resume : bool
        Go on with the recording in `folder`; a step that is recorded again replaces the old one.
    on_error : {"raise", "warn"}
        What to do when a checkpoint cannot be written; "warn" lets the training go on.

    Raises
    ------
    FileExistsError
        The folder holds a recording, and `resume` is not set; or an ``index.json`` of something else.
    ValueError
        The recording in the folder is of another model.
    OSError
        `steps` checkpoints do not fit on the disk.
    ImportError
        safetensors is not installed.

    Examples
    --------
    >>> import tempfile, torch
    >>> model = torch.nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Recorder(model, folder, every=2) as recorder:
    ...         for loss in (3.0, 2.0, 1.0):
    ...             recorded = recorder.step(loss=loss, lr=0.1)
    ...     recorder.recording.steps.tolist(), recorder.recording.losses.tolist()
    ([0, 2, 3], [nan, 2.0, 1.0])
    """

    def __init__(
        self,
        model: nn.Module,
        folder: str | os.PathLike[str],
        *,
        every: int | Collection[int] = 1,
        parameters: ParameterFilter | None = None,
        steps: int | None = None,
        resume: bool = False,
        on_error: Literal["raise", "warn"] = "raise",
    ) -> None:
        require_safetensors()
        often = frozenset(every) if isinstance(every, Collection) else index(every)
        if isinstance(often, int) and often < 1:
            raise ValueError(f"every={every}; it must be at least 1.")
        if on_error not in ("raise", "warn"):
            raise ValueError(f'on_error={on_error!r}; use "raise" or "warn".')
        self.folder = Path(folder)
        self.model = unwrap(model)
        self.every = often
        self.on_error = on_error
        self._names = None if parameters is None else set(select_parameters(self.model, parameters))
        self._step = 0
        self._latest: tuple[Any, Any] = (None, None)  # loss and learning rate of the last step
        self._entries: dict[int, dict[str, Any]] = {}
        tensors, aliases = self._tensors()
        state = self.model.state_dict()
        self._shapes = {name: list(state[name].shape) for name in tensors}
        overhead = 512 + sum(len(n) + 96 for n in tensors) + sum(2 * len(n) for n in aliases)
        self._bytes = overhead + sum(t.numel() * t.element_size() for t in tensors.values())
        self.folder.mkdir(parents=True, exist_ok=True)
        if recorded(self.folder):
            self._take_up(resume)
        elif (self.folder / INDEX).exists():
            raise FileExistsError(
                f"{self.folder} holds an {INDEX} and no checkpoints. It would be overwritten: choose another "
                "folder, or remove it."
            )
        self._run, self._last_run = secrets.token_hex(8), self._run_of_index()
        if steps is not None:
            self.check(steps)

    @staticmethod
    def open(folder: str | os.PathLike[str]) -> Recording:
        """Read a recording; no model is needed.

        Raises
        ------
        FileNotFoundError
            No checkpoint there.
        """
        return Recording.open(Path(folder))

    @property
    def recording(self) -> Recording:
        """What has been recorded so far."""
        return Recording.open(self.folder)

    def cost(self, steps: int) -> DiskCost:
        """Disk space of `steps` training steps, the first and the last weights included.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cost = Recorder(nn.Linear(2, 1), folder, every=10).cost(95)
        >>> cost.checkpoints, cost.fits
        (11, True)
        """
        if isinstance(self.every, int):
            count = 1 + -(-steps // self.every)
        else:
            count = len({s for s in self.every if 0 < s < steps} | {0, steps})
        return DiskCost(count, count * self._bytes, shutil.disk_usage(self.folder).free)

    def check(self, steps: int) -> None:
        """Say before the training whether the disk has room for `steps` more steps.

        Raises
        ------
        OSError
            It has not (a warning with ``on_error="warn"``).
        """
        cost = self.cost(steps)
        if not cost.fits:
            self._fail(
                OSError(
                    errno.ENOSPC,
                    f"{steps:,} steps do not fit on the disk of {self.folder} ({cost!r}). "
                    f"Record less often than every={self.every}, or fewer parameters.",
                )
            )

    def __enter__(self) -> "Recorder":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:  # else an optimizer's step may be half done
            self.finish()

    def start(self, step: int | None = None) -> None:
        """Record the weights before training, unless this continues a recording."""
        if step is not None:
            self._step = step
        if not self._entries:
            self._save(self._step, None, None)

    def finish(self) -> None:
        """Record the weights after training, unless the last step was recorded."""
        if self._step not in self._entries:
            self._save(self._step, *self._latest)

    def step(self, *, loss: Any = None, lr: Any = None, step: int | None = None) -> Path | None:
        """Count a training step, and record the weights if it is one of those to be recorded.

        Parameters
        ----------
        loss, lr : number or scalar tensor, optional
            Read only when the step is recorded, so that a GPU need not wait.
        step : int, optional
            Its number, if it is not the next one.

        Returns
        -------
        pathlib.Path or None
            The checkpoint, if one was written.

        Raises
        ------
        OSError
            It could not be written; the checkpoints before are kept.
        """
        self._step = self._step + 1 if step is None else int(step)
        self._latest = (loss.detach() if isinstance(loss, torch.Tensor) else loss, lr)
        due = self._step % self.every == 0 if isinstance(self.every, int) else self._step in self.every
        return self._save(self._step, *self._latest) if due else None

    def amend(self, step: int, *, loss: Any = None, lr: Any = None) -> bool:
        """Add a loss or learning rate that became known only after its step; False if it was not recorded."""
        entry = self._entries.get(step)
        if entry is None:
            return False
        given = {"loss": _plain(loss), "learning_rate": _plain(lr)}
        entry.update({k: v for k, v in given.items() if v is not None})
        with self._guarded(step, "amended"):
            self._write_index()
        return True

    def __repr__(self) -> str:
        often = f"every {self.every} steps" if isinstance(self.every, int) else f"at {len(self.every)} steps"
        free = in_words(shutil.disk_usage(self.folder).free)
        return (
            f"Recorder({type(self.model).__name__} in {self.folder}, {often}, {in_words(self._bytes)} each, "
            f"{free} free; {len(self._entries)} recorded)"
        )

    def _take_up(self, resume: bool) -> None:
        old = Recording.open(self.folder).readable()
        if not resume:
            raise FileExistsError(
                f"{self.folder} holds a recording of {len(old)} checkpoints (steps {old.steps[0]} to "
                f"{old.steps[-1]}). resume=True goes on with it; else choose another folder."
            )
        for leftover in self.folder.glob(".*.part"):
            leftover.unlink()
        there = old[-1].shapes()
        other = [name for name, shape in self._shapes.items() if list(there.get(name, ())) != shape]
        if other:
            raise ValueError(
                f"The recording in {self.folder} is of another model: {other[:3]} are missing there or have "
                "another shape. Choose another folder."
            )
        for c in old:
            self._entries[c.step] = _entry(c.path.name, c.step, c.loss, c.learning_rate)
        self._step = int(old.steps[-1])

    def _tensors(self) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
        """Every tensor once, complex ones as pairs of reals, and further names of tied ones."""
        state = {k: v for k, v in self.model.state_dict().items() if isinstance(v, torch.Tensor)}
        wanted = None
        if self._names is not None:
            wanted = {_identity(state[n]) for n in self._names if n in state}
        first: dict[Any, str] = {}
        tensors: dict[str, torch.Tensor] = {}
        aliases: dict[str, str] = {}
        for name, tensor in state.items():
            key = _identity(tensor)
            if wanted is not None and key not in wanted:
                continue
            own = first.setdefault(key, name) if tensor.numel() else name
            if own == name:
                tensors[name] = torch.view_as_real(tensor) if tensor.is_complex() else tensor
            else:
                aliases[name] = own
        return tensors, aliases

    def _save(self, step: int, loss: Any, lr: Any) -> Path | None:
        path = self.folder / f"step-{step:09d}.safetensors"
        with self._guarded(step):
            entry = _entry(path.name, step, loss, lr)
            tensors, aliases = self._tensors()
            state = self.model.state_dict()
            header = {
                "format": "pt",
                "nblandscape": nblandscape.__version__,
                "model": type(self.model).__name__,
                "step": str(step),
                "loss": str(entry["loss"] or ""),
                "learning_rate": str(entry["learning_rate"] or ""),
                "aliases": json.dumps(aliases),
                "complex": json.dumps({n: True for n in tensors if state[n].is_complex()}),
            }
            packed = {n: _packed(t) for n, t in tensors.items()}
            self._check_alone()
            free = shutil.disk_usage(self.folder).free
            if free < self._bytes:
                raise OSError(errno.ENOSPC, f"{in_words(self._bytes)} needed, {in_words(free)} free")
            with _complete_or_absent(path) as partial:
                require_safetensors().torch.save_file(packed, partial, metadata=header)
            self._entries[step] = entry
        with self._guarded(step, "listed in the index"):  # without it, the file is found all the same
            self._write_index()
        return path if self._entries.get(step) == entry else None

    def _run_of_index(self) -> str | None:
        """Which recorder has written the index last; None if that cannot be known."""
        try:
            return str(json.loads((self.folder / INDEX).read_text(encoding="utf-8"))["run"])
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _check_alone(self) -> None:
        """Raise an error where another recorder writes into the folder: it would mix two runs."""
        if self._run_of_index() not in (self._last_run, None):
            raise FileExistsError(
                errno.EEXIST, f"another Recorder has written to {self.folder} meanwhile; one folder, one run"
            )

    def _write_index(self) -> None:
        self._check_alone()
        told = {
            "format": _FORMAT,
            "run": self._run,
            "nblandscape": nblandscape.__version__,
            "model": type(self.model).__name__,
            "shapes": self._shapes,
            "checkpoints": [self._entries[step] for step in sorted(self._entries)],
        }
        with _complete_or_absent(self.folder / INDEX) as partial:
            partial.write_text(json.dumps(told, indent=1), encoding="utf-8")
        self._last_run = self._run

    @contextlib.contextmanager
    def _guarded(self, step: int, what: str = "recorded") -> Iterator[None]:
        """Turn what goes wrong while writing into one error that says what is kept."""
        try:
            yield
        except (OSError, require_safetensors().SafetensorError) as error:
            remedy = "Free some space, record less often"
            if isinstance(error, FileExistsError):
                remedy = "Use another folder"
            self._fail(
                OSError(
                    _number_of(error),
                    f"Step {step} could not be {what} in {self.folder} ({_reason(error)}); the "
                    f"{len(self._entries)} checkpoints recorded so far are kept. {remedy}, or train on "
                    'regardless with on_error="warn".',
                ),
                error,
            )

    def _fail(self, problem: OSError, cause: BaseException | None = None) -> None:
        if self.on_error == "raise":
            raise problem from cause
        warnings.warn(str(problem.strerror), RuntimeWarning, stacklevel=4)


@contextlib.contextmanager
def _complete_or_absent(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` when what was written is on the disk."""
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.touch()
        mode = partial.stat().st_mode  # as the user's other files; safetensors would keep them private
        yield partial
        partial.chmod(mode)
        with partial.open("r+b") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # a folder can't be synced on every system
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _number_of(error: Exception) -> int:
    """The system's error number; safetensors only writes it into its message."""
    named = re.search(r"os error (\d+)", str(error))
    return getattr(error, "errno", None) or (int(named[1]) if named else errno.EIO)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _entry(file: str, step: int, loss: Any, lr: Any) -> dict[str, Any]:
    return {"file": file, "step": step, "loss": _plain(loss), "learning_rate": _plain(lr)}


def _plain(value: Any) -> str | None:
    """A number as text that keeps every digit, also of inf; None if unknown."""
    return None if value is None else repr(float(value))


def _identity(tensor: torch.Tensor) -> Any:
    return (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride(), tensor.device)


def _packed(tensor: torch.Tensor) -> torch.Tensor:
    """On the CPU and in storage of its own: the file format knows no views."""
    packed = tensor.detach().cpu().contiguous()
    return packed if packed.untyped_storage().nbytes() == packed.nbytes else packed.clone()
