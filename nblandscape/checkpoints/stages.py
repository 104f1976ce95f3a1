"""The stages of a training run, wherever they were written: a Recorder's folder, a Trainer's, adapters."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn

from nblandscape.recorder import Recorder
from nblandscape.recording import Checkpoint, Recording, recorded
from nblandscape.subspace.checkpoints import Source

if TYPE_CHECKING:
    from nblandscape.objective import Objective

Stages: TypeAlias = Recorder | Recording | str | Path | Mapping[str, Source] | Iterable[Source]

_TRAINERS = re.compile(r"checkpoint-(\d+)")
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


@dataclass(frozen=True, eq=False)
class Stage:
    """One checkpoint of a run, or one of several models of an architecture.

    Attributes
    ----------
    title : str
    step : int or None
        Of the training, where it is known.
    source : Source
        What `Subspace.trajectory`, `Subspace.through` and `Objective.at` take.
    """

    title: str
    step: int | None
    source: Source


def stages_of(objective: "Objective", checkpoints: Stages) -> list[Stage]:
    """Find the stages of a run, by step where steps are known.

    Parameters
    ----------
    objective : Objective
        Of the architecture. Adapters are merged into the model that they were trained on: the folder that
        their configuration names, or else the objective's own weights.
    checkpoints : Recorder, Recording, folder, mapping of name to checkpoint, or checkpoints
        A folder is that of a Recorder, the output folder of a Trainer (``checkpoint-100``, …), or that of one
        model. A checkpoint is a state dict, a module, a flat vector, a file, or a folder of weights or of a
        LoRA adapter.

    Raises
    ------
    FileNotFoundError
        No such folder, or no weights in it.
    TypeError
        One checkpoint instead of several.
    ValueError
        No checkpoint at all, or an adapter that cannot be merged.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(1, 1)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(1, 1), torch.ones(1, 1)))
    >>> [stage.title for stage in stages_of(objective, {"now": model, "zero": torch.zeros(2)})]
    ['now', 'zero']
    """
    if isinstance(checkpoints, (str, Path)):
        found = _of_folder(objective, Path(checkpoints))
    elif isinstance(checkpoints, nn.Module | torch.Tensor) or _is_state(objective, checkpoints):
        raise TypeError(
            f"checkpoints is one {type(checkpoints).__name__}; pass a list of checkpoints, or a dict of "
            "names to checkpoints."
        )
    elif isinstance(checkpoints, Mapping):
        found = [
            Stage(str(name), _step(source), _read(objective, source)) for name, source in checkpoints.items()
        ]
    else:
        sources = list(checkpoints.recording if isinstance(checkpoints, Recorder) else checkpoints)
        found = [_numbered(objective, i, source) for i, source in enumerate(sources)]
    if not found:
        raise ValueError("There are no checkpoints; pass at least one.")
    return found


def last_model(folder: Path) -> Path:
    """The model's own folder: that of the last checkpoint where a Trainer's output folder has no model."""
    run = _trainers(folder)
    return run[-1][1] if run and not (folder / "config.json").exists() else folder


def _of_folder(objective: "Objective", folder: Path) -> list[Stage]:
    if recorded(folder):
        return [_numbered(objective, i, c) for i, c in enumerate(Recording.open(folder))]
    run = _trainers(folder)
    if run:
        empty = [path.name for _, path in run if not _has_weights(path)]
        if empty:
            raise FileNotFoundError(
                f"{', '.join(empty)} in {folder} hold no weights: a save that was interrupted, or files that "
                "were removed. Delete these folders, or pass a list of the others as checkpoints."
            )
        return [Stage(f"step {step}", step, _read(objective, path)) for step, path in run]
    if _has_weights(folder):
        return [Stage(folder.name, None, _read(objective, folder))]
    if not folder.exists():
        raise FileNotFoundError(f"The folder {folder} does not exist.")
    raise FileNotFoundError(
        f"{folder} holds no checkpoints: neither step-*.safetensors of a Recorder, nor checkpoint-N folders "
        "of a Trainer, nor *.safetensors of a model."
    )


def _trainers(folder: Path) -> list[tuple[int, Path]]:
    """Steps and folders of a Trainer's checkpoints: by number, not by name (1000 comes after 200)."""
    children = folder.iterdir() if folder.is_dir() else ()
    matches = [(_TRAINERS.fullmatch(child.name), child) for child in children if child.is_dir()]
    return sorted((int(match[1]), child) for match, child in matches if match)


def _has_weights(folder: Path) -> bool:
    return any(next(folder.glob(pattern), None) is not None for pattern in _WEIGHTS)


def _numbered(objective: "Objective", number: int, source: Source) -> Stage:
    step = _step(source)
    title = f"checkpoint {number}" if step is None else f"step {step}"
    if step is None and isinstance(source, (str, Path)):
        title = Path(source).name
    return Stage(title, step, _read(objective, source))


def _step(source: Source) -> int | None:
    if isinstance(source, Checkpoint):
        return source.step if source.step >= 0 else None
    if isinstance(source, (str, Path)):
        match = _TRAINERS.fullmatch(Path(source).name)
        if match:
            return int(match[1])
        return _step(Checkpoint.from_file(Path(source))) if recorded_file(Path(source)) else None
    return None


def recorded_file(path: Path) -> bool:
    """Whether a Recorder has written the file."""
    return path.is_file() and path in recorded(path.parent)


def _read(objective: "Objective", source: Source) -> Source:
    """Adapters as whole models, Trainer's files with what the Trainer logged; others as they are."""
    from nblandscape.huggingface.adapters import adapter_weights, is_adapter

    if is_adapter(source):
        return adapter_weights(objective, source)
    if isinstance(source, (str, Path)):
        whole = Path(source) / "model.safetensors"
        step = _step(source)
        if step is not None and whole.exists():
            return Checkpoint(whole, step, *_logged(Path(source), step))
    return source


def _logged(folder: Path, step: int) -> tuple[float, float]:
    """Loss and learning rate of a step as the Trainer logged them; NaN if it did not."""
    try:
        state = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
        entries = [e for e in state["log_history"] if e.get("step") == step and "loss" in e]
        last = entries[-1] if entries else {}
        return float(last.get("loss", "nan")), float(last.get("learning_rate", "nan"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return float("nan"), float("nan")


def _is_state(objective: "Objective", source: Any) -> bool:
    """Whether a mapping is one state dict, perhaps inside of what a training script saves."""
    if isinstance(source, Checkpoint):
        return True
    own = {"state_dict", *objective.parameter_names}
    return isinstance(source, Mapping) and not own.isdisjoint(name.removeprefix("module.") for name in source)
