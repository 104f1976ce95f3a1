"""Checkpoints in any form, found under the names of an objective's parameters and read in pieces."""

import pickle
import warnings
from collections import ChainMap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn

from nblandscape.recorder import Recorder
from nblandscape.recording import Checkpoint, Recording
from nblandscape.replica import as_reals, unwrap

if TYPE_CHECKING:
    from nblandscape.objective import Objective

Source: TypeAlias = Mapping[str, torch.Tensor] | nn.Module | torch.Tensor | str | Path
Checkpoints: TypeAlias = Recorder | Recording | str | Path | Iterable[Source]


@dataclass(frozen=True, eq=False)
class Located:
    """A checkpoint whose tensors were found.

    Attributes
    ----------
    weights : mapping of name to tensor
    names : dict
        The checkpoint's name of each analysed parameter.
    title : str
        What to call it in messages.
    step : int or None
    """

    weights: Mapping[str, torch.Tensor]
    names: Mapping[str, str]
    title: str
    step: int | None

    def read(self, names: Iterable[str]) -> dict[str, torch.Tensor]:
        """Some tensors by the objective's names; a file is opened once."""
        theirs = {name: self.names[name] for name in names}
        if isinstance(self.weights, Checkpoint):
            found = self.weights.tensors(theirs.values())
            return {name: found[own] for name, own in theirs.items()}
        return {name: self.weights[own] for name, own in theirs.items()}


def locate(objective: "Objective", sources: Iterable[Source]) -> list[Located]:
    """Open checkpoints and find the objective's parameters in each.

    Raises
    ------
    FileNotFoundError
    ValueError
        Damaged files (all are named), or a checkpoint of another architecture.
    """
    shapes = {name: tuple(p.shape) for name, p in objective.unflatten(objective.origin()).items()}
    located, damaged, first = [], [], ""
    for number, source in enumerate(sources):
        title = f"Checkpoint {number}"
        try:
            weights = _opened(objective, source)
            found = _shapes(weights)
        except ValueError as error:
            if not isinstance(source, (Checkpoint, str, Path)):
                raise
            damaged.append(number)
            first = first or str(error)
            continue
        if isinstance(weights, Checkpoint):
            title += f" ({weights.path.name})"
        names = _names(shapes, found, title)
        step = weights.step if isinstance(weights, Checkpoint) and weights.step >= 0 else None
        located.append(Located(weights, names, title, step))
    if damaged:
        more = f" {len(damaged)} checkpoints are damaged: {damaged}." if len(damaged) > 1 else ""
        rest = f" {len(located)} checkpoints can be read." if located else ""
        raise ValueError(f"{first}{more}{rest}")
    return located


def sources_of(checkpoints: Checkpoints) -> Iterable[Source]:
    """The checkpoints of a recorder, a recording or its folder; others are returned as they are."""
    if isinstance(checkpoints, Recorder):
        return checkpoints.recording
    if isinstance(checkpoints, (str, Path)):
        return Recording.open(checkpoints)
    if isinstance(checkpoints, (Mapping, nn.Module)):
        raise TypeError(f"checkpoints is one {type(checkpoints).__name__}; pass a sequence of checkpoints.")
    return checkpoints


def flat(objective: "Objective", checkpoint: Located) -> torch.Tensor:
    """All analysed parameters as a flat vector (n,), float64 on the CPU.

    Raises
    ------
    ValueError
        NaN or inf.
    """
    tensors = checkpoint.read(objective.parameter_names)
    vector = torch.cat([wide(tensors[name]) for name in objective.parameter_names])
    if not bool(torch.isfinite(vector).all()):
        raise ValueError(f"{checkpoint.title} holds NaN or inf.")
    return vector


def wide(tensor: torch.Tensor) -> torch.Tensor:
    """Flat float64 on the CPU, a complex number as two reals."""
    return as_reals(tensor.detach()).cpu().to(torch.float64)


def pieces(objective: "Objective", size: int) -> Iterator[list[tuple[str, slice]]]:
    """Parts of the flat vector in its order, of about `size` numbers: names and ranges of entries."""
    part: list[tuple[str, slice]] = []
    held = 0
    for name, parameter in objective.unflatten(objective.origin()).items():
        begin, count = 0, parameter.numel()
        while begin < count:
            if held >= size:
                yield part
                part, held = [], 0
            end = min(count, begin + size - held)
            part.append((name, slice(begin, end)))
            held += end - begin
            begin = end
    if part:
        yield part


def read_piece(checkpoint: Located, piece: Sequence[tuple[str, slice]]) -> torch.Tensor:
    """The numbers of one piece, float64 on the CPU."""
    tensors = checkpoint.read(name for name, _ in piece)
    return torch.cat([wide(tensors[name].reshape(-1)[entries]) for name, entries in piece])


def warn_of_held(
    objective: "Objective", checkpoints: Sequence[Located], moving: Collection[str] = ()
) -> list[str]:
    """Warn if buffers or frozen parameters of checkpoints differ from the objective's, which stay."""
    held = sorted({n for c in checkpoints for n in differing(objective, c)}.difference(moving))
    if held:
        warnings.warn(
            f"{len(held)} entries that are not analysed ({', '.join(held[:2])}, …) differ from the "
            "objective's and stay as they are there: the losses at the checkpoints' coordinates are not the "
            "checkpoints' own losses.",
            UserWarning,
            stacklevel=4,
        )
    return held


def differing(objective: "Objective", checkpoint: Located) -> list[str]:
    """Names of buffers and frozen parameters that matter and differ from the objective's."""
    shell = objective._snapshot.shell  # read only
    analysed = set(objective.parameter_names)
    moving = {p.data_ptr() for name, p in shell.named_parameters() if name in analysed}  # tied ones too
    unused = {
        f"{path}.{name}".removeprefix(".")
        for path, module in shell.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not module.track_running_stats
        for name in ("running_mean", "running_var")
    }
    prefix = _prefix_of(checkpoint)
    present = _shapes(checkpoint.weights)
    result = []
    for name, value in shell.state_dict().items():
        if name in analysed or name in unused or prefix + name not in present:
            continue
        if not isinstance(value, torch.Tensor) or value.data_ptr() in moving:
            continue
        if not (value.is_floating_point() or value.is_complex()) or present[prefix + name] != value.shape:
            continue
        theirs = checkpoint.weights[prefix + name].to(value)
        if not torch.equal(theirs, value):
            result.append(name)
    return result


def state_of(objective: "Objective", checkpoint: Located) -> dict[str, torch.Tensor]:
    """The whole state dict under the objective's names, what the checkpoint lacks as in the objective.

    Of tied weights a file holds one name; the others are the same tensor.
    """
    prefix, present = _prefix_of(checkpoint), _shapes(checkpoint.weights)
    state: dict[str, Any] = objective._snapshot.shell.state_dict()
    own = {
        name: prefix + name
        for name, value in state.items()
        if isinstance(value, torch.Tensor) and present.get(prefix + name) == tuple(value.shape)
    }
    tied = {_storage(state[name]): name for name in own if state[name].numel()}
    same = {
        name: tied.get(_storage(value)) if isinstance(value, torch.Tensor) else None
        for name, value in state.items()
        if name not in own
    }
    own |= {name: own[other] for name, other in same.items() if other is not None}
    return {name: checkpoint.weights[own[name]] if name in own else value for name, value in state.items()}


def _storage(tensor: torch.Tensor) -> tuple[int, tuple[int, ...]]:
    return tensor.data_ptr(), tuple(tensor.shape)


def _prefix_of(checkpoint: Located) -> str:
    name, theirs = next(iter(checkpoint.names.items()))
    return theirs.removesuffix(name)


def _opened(objective: "Objective", source: Source) -> Mapping[str, torch.Tensor]:
    if isinstance(source, nn.Module):
        return unwrap(source).state_dict()
    if isinstance(source, torch.Tensor):
        if source.numel() != objective.num_parameters:
            raise ValueError(
                f"A flat checkpoint has {source.numel()} entries; "
                f"the objective has {objective.num_parameters} parameters."
            )
        return objective.unflatten(source.reshape(-1))
    if isinstance(source, (str, Path)):
        return _from_path(Path(source))
    if isinstance(source, Mapping):
        return _nested(source)
    raise TypeError(
        f"A checkpoint is a {type(source).__name__}; pass a state dict, a module, a flat torch tensor, or a "
        "file or folder of weights."
    )


def _nested(source: Mapping[str, Any]) -> Mapping[str, torch.Tensor]:
    """The weights inside what Lightning and many training scripts save."""
    for inner in ("state_dict", "model"):
        weights = source.get(inner)
        if isinstance(weights, Mapping):
            return weights
    return source


def _from_path(path: Path) -> Mapping[str, torch.Tensor]:
    if path.is_dir():
        whole = path / "model.safetensors"
        shards = [Checkpoint(p) for p in ([whole] if whole.exists() else sorted(path.glob("*.safetensors")))]
        if len(shards) == 1:
            return Checkpoint.from_file(shards[0].path)
        if shards:
            return _joined(path, shards)
        binary = path / "pytorch_model.bin"
        if not binary.exists():
            raise FileNotFoundError(f"{path} holds neither *.safetensors nor pytorch_model.bin.")
        return _from_path(binary)
    if path.suffix == ".safetensors":
        return Checkpoint.from_file(path)
    if not path.exists():
        raise FileNotFoundError(f"The checkpoint {path} does not exist.")
    return _nested(_loaded(path))


def _joined(folder: Path, shards: Sequence[Checkpoint]) -> Mapping[str, torch.Tensor]:
    """The shards of one model as one mapping."""
    seen: set[str] = set()
    for shard in shards:
        twice = seen & set(shard)
        if twice:
            raise ValueError(
                f"The folder {folder} holds several checkpoints: {len(shards)} files with weights of the "
                f"same names, {sorted(twice)[:2]}. Pass one of the files, {shards[-1].path}, say."
            )
        seen |= set(shard)
    return ChainMap(*shards)  # type: ignore[arg-type]  # never written to


def _loaded(path: Path) -> Mapping[str, Any]:
    try:
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # an old format, which can't be mapped
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
        reason = (str(error) or type(error).__name__).split(". ")[0].splitlines()[0]
        raise ValueError(f"{path} is damaged or holds more than weights ({reason}).") from error
    if not isinstance(weights, Mapping):
        raise ValueError(f"{path} holds a {type(weights).__name__}, not a state dict.")  # noqa: TRY004
    return weights


def _shapes(weights: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    if isinstance(weights, Checkpoint):
        return weights.shapes()
    if isinstance(weights, ChainMap):
        return {name: shape for part in weights.maps for name, shape in _shapes(part).items()}
    return {name: tuple(v.shape) for name, v in weights.items() if isinstance(v, torch.Tensor)}


def _names(
    wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]], title: str
) -> dict[str, str]:
    """The checkpoint's name of each parameter: its own, or with a prefix that all have ("module.")."""
    probe = next(iter(wanted))
    endings = (name.removesuffix(probe) for name in found if name.endswith("." + probe))
    prefixes = ["", *sorted(endings, key=len)]
    prefix = next((p for p in prefixes if all(p + name in found for name in wanted)), "")
    missing = [name for name in wanted if prefix + name not in found]
    if missing:
        raise ValueError(
            f"{title} is of another architecture: it lacks {missing[:3]} ({len(missing)} of {len(wanted)} "
            f"parameters); it holds {sorted(found)[:3]}."
        )
    for name, shape in wanted.items():
        if found[prefix + name] != shape:
            raise ValueError(
                f"{title} is of another architecture: {name} has shape {found[prefix + name]}; "
                f"expected {shape}."
            )
    return {name: prefix + name for name in wanted}
