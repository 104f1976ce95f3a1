"""LoRA adapters as weights of the model that they adapt: computed tensor by tensor, nothing is changed."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from nblandscape.recording import Checkpoint
from nblandscape.replica import unwrap

if TYPE_CHECKING:
    from nblandscape.objective import Objective

CONFIG = "adapter_config.json"
_FILE = "adapter_model.safetensors"
_FACTOR = re.compile(r"(.+)\.lora_(embedding_)?([AB])(?:\.weight)?")
_ROOT = "base_model.model."
_REMEDY = (
    "Merge it with PEFT and pass the merged model as the checkpoint: "
    "PeftModel.from_pretrained(base, folder).merge_and_unload()."
)


@dataclass(frozen=True, eq=False)
class _Adapter:
    """What PEFT saves, from a file or a live model, under the names of the file."""

    config: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    title: str


class MergedWeights(Mapping[str, torch.Tensor]):
    """Weights of a model with a LoRA adapter merged into them, each computed when it is asked for.

    ``W + scale B A`` in float64, in the type of W.
    """

    def __init__(
        self,
        base: Mapping[str, torch.Tensor],
        factors: Mapping[str, tuple[torch.Tensor, torch.Tensor, float, bool]],
        replaced: Mapping[str, torch.Tensor],
    ) -> None:
        self._base, self._factors, self._replaced = base, factors, replaced

    def __getitem__(self, name: str) -> torch.Tensor:
        weight = self._replaced[name] if name in self._replaced else self._base[name]
        if name not in self._factors:
            return weight
        A, B, scale, transposed = self._factors[name]
        product = B.detach().cpu().double().flatten(1) @ A.detach().cpu().double().flatten(1)
        delta = (product.T if transposed else product).reshape(weight.shape)
        return (weight.detach().double() + scale * delta.to(weight.device)).to(weight.dtype)

    def __iter__(self) -> Iterator[str]:
        return iter(self._base)

    def __len__(self) -> int:
        return len(self._base)


def is_adapter(source: Any) -> bool:
    """Whether it is a folder of an adapter, or a model with one."""
    if isinstance(source, (str, Path)):
        return (Path(source) / CONFIG).exists()
    return isinstance(source, nn.Module) and hasattr(unwrap(source), "get_base_model")


def adapter_weights(objective: "Objective", source: Any) -> Mapping[str, torch.Tensor]:
    """An adapter as a checkpoint of an objective: of the adapter itself, or of the model that it adapts.

    An objective whose parameters are those of adapters takes the adapter's tensors under its own names. For
    any other objective the adapter is merged into the model that it was trained on: the folder that its
    configuration names, or else, where that is out of reach, the objective's own weights.

    Raises
    ------
    FileNotFoundError
        No adapter_model.safetensors.
    ValueError
        The adapter is of another kind than LoRA, or of another model.
    """
    shell = objective._snapshot.shell  # read only
    adapter = _opened(source)
    if any(".lora_" in name for name in objective.parameter_names):
        own = {_in_file(name): name for name in shell.state_dict()}
        unknown = [name for name in adapter.tensors if name not in own]
        if unknown:
            raise ValueError(
                f"{adapter.title} has no place in the objective's model for {unknown[:2]}: it is the adapter "
                "of another model or of other layers. Make the objective from the model with this adapter."
            )
        return {own[name]: tensor for name, tensor in adapter.tensors.items()}
    return _merged(shell, _base(source, adapter, shell), adapter)


def merged_state_dict(model: nn.Module, adapter: "str | Path | nn.Module") -> dict[str, torch.Tensor]:
    """State dict of a model with a LoRA adapter merged into it; neither is changed.

    Parameters
    ----------
    model : torch.nn.Module
        The model that the adapter was trained on, without it.
    adapter : folder or peft.PeftModel
        With adapter_config.json and adapter_model.safetensors. Nothing else than LoRA: no DoRA, IA3 or
        prompts.

    Returns
    -------
    dict of name to tensor
        For ``objective.at``, `Subspace.through` or ``model.load_state_dict``; private copies.

    Raises
    ------
    FileNotFoundError, ValueError
        See `adapter_weights`.

    Examples
    --------
    >>> import json, tempfile
    >>> from safetensors.torch import save_file
    >>> model = nn.Sequential(nn.Linear(2, 2, bias=False))
    >>> factors = {"A": torch.tensor([[1.0, 0.0]]), "B": torch.tensor([[0.0], [3.0]])}
    >>> names = {f"base_model.model.0.lora_{name}.weight": factor for name, factor in factors.items()}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file(names, Path(folder) / "adapter_model.safetensors")
    ...     config = {"peft_type": "LORA", "r": 1, "lora_alpha": 2}
    ...     _ = (Path(folder) / "adapter_config.json").write_text(json.dumps(config))
    ...     merged = merged_state_dict(model, folder)
    >>> merged["0.weight"] - model[0].weight.data
    tensor([[0., 0.],
            [6., 0.]])
    """
    inner = unwrap(model)
    weights = _merged(inner, inner.state_dict(), _opened(adapter))
    return {name: value.detach().clone() for name, value in weights.items()}


def _opened(source: Any) -> _Adapter:
    if isinstance(source, nn.Module):
        model: Any = unwrap(source)
        name = model.active_adapter
        config = model.peft_config[name].to_dict()
        live = {n: v for n, v in model.state_dict().items() if _is_saved(n, name, config)}
        return _Adapter(config, {_in_file(n): v for n, v in live.items()}, f"The adapter {name!r}")
    folder = Path(source)
    if not (folder / CONFIG).exists():
        raise FileNotFoundError(f"{folder} holds no {CONFIG}: it is no folder of an adapter.")
    if not (folder / _FILE).exists():
        raise FileNotFoundError(f"{folder} holds no {_FILE}; save the adapter with safetensors.")
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG} is damaged ({error}); save the adapter again.") from error
    weights = Checkpoint(folder / _FILE)
    tensors = weights.tensors(weights.shapes())
    named = {name.replace(".base_layer.", "."): tensor for name, tensor in tensors.items()}  # of biases
    return _Adapter(config, named, f"The adapter in {folder}")


def _is_saved(name: str, adapter: str, config: Mapping[str, Any]) -> bool:
    """Whether a tensor of a live model belongs to the adapter."""
    parts = ("lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "modules_to_save")
    trained = name.endswith(".bias") and config.get("bias", "none") != "none"
    return trained or any(f".{part}.{adapter}" in name for part in parts)


def _in_file(name: str) -> str:
    """The name under which PEFT saves a tensor of a live model: without the adapter's own."""
    name = re.sub(r"\.modules_to_save\.[^.]+", "", name)
    name = re.sub(r"(\.lora_(?:embedding_)?[AB])\.[^.]+", r"\1", name, count=1)
    return name.replace(".base_layer.", ".")


def _base(source: Any, adapter: _Adapter, shell: nn.Module) -> Mapping[str, torch.Tensor]:
    """Weights that the adapter was trained on, where they can be found; else those of the objective."""
    if isinstance(source, nn.Module):
        state = unwrap(source).state_dict()
        own = {n: v for n, v in state.items() if ".lora_" not in n and ".modules_to_save." not in n}
        return {n.removeprefix(_ROOT).replace(".base_layer.", ".").replace(".original_module.", "."): v
                for n, v in own.items()}  # fmt: skip
    named = str(adapter.config.get("base_model_name_or_path") or "")
    file = Path(named) / "model.safetensors"
    present = shell.state_dict()
    if not named or not file.exists():
        return present
    base = Checkpoint(file)
    return {**{n: v for n, v in present.items() if n in base}, **base.tensors(base.shapes())}


def _merged(model: nn.Module, base: Mapping[str, torch.Tensor], adapter: _Adapter) -> MergedWeights:
    config, title = adapter.config, adapter.title
    kind = str(getattr(config.get("peft_type"), "value", config.get("peft_type")))
    unusual = [
        key
        for key in ("use_dora", "lora_bias", "target_parameters", "alora_invocation_tokens")
        if config.get(key)
    ]
    if kind != "LORA" or unusual:
        what = f"{kind} with {unusual[0]}" if unusual else kind
        raise ValueError(f"{title} is {what}; only plain LoRA is merged here. {_REMEDY}")
    pairs: dict[str, dict[str, torch.Tensor]] = {}
    replaced: dict[str, torch.Tensor] = {}
    for name, tensor in adapter.tensors.items():
        match = _FACTOR.fullmatch(name)
        if match is None:
            replaced[name.removeprefix(_ROOT)] = tensor
        else:
            target = match[1].removeprefix(_ROOT)
            pairs.setdefault(target, {})[match[3]] = tensor
            pairs[target]["embedding"] = torch.tensor(bool(match[2]))
    strange = [name for name in [*replaced, *(f"{target}.weight" for target in pairs)] if name not in base]
    if strange or not pairs:
        what = f"adapts {strange[:2]}, which the model lacks" if strange else "holds no LoRA factors"
        raise ValueError(f"{title} {what}: it is the adapter of another model.")
    factors = {}
    for target, pair in pairs.items():
        weight = f"{target}.weight"
        if not {"A", "B"} <= set(pair):
            raise ValueError(f"{title} lacks one of the two factors of {target}: the file is incomplete.")
        A, B = pair["A"], pair["B"]
        transposed = bool(pair["embedding"]) or _inputs_first(model, target)
        shape = (A.shape[1:].numel(), B.shape[0]) if transposed else (B.shape[0], A.shape[1:].numel())
        if base[weight].numel() != math.prod(shape) or base[weight].shape[0] != shape[0]:
            raise ValueError(
                f"{title} adapts {target} of shape {tuple(base[weight].shape)} by a matrix {shape}: it is "
                "the adapter of another model."
            )
        factors[weight] = (A, B, _scale(config, target, A.shape[0]), transposed)
    return MergedWeights(base, factors, replaced)


def _inputs_first(model: nn.Module, target: str) -> bool:
    """Whether a layer's weight is (in, out), as in GPT-2."""
    layer = model.get_submodule(target)
    return type(layer).__name__ == "Conv1D"


def _scale(config: Mapping[str, Any], target: str, rank: int) -> float:
    patterns = config.get("alpha_pattern") or {}
    alpha = config.get("lora_alpha", rank)
    for pattern, value in patterns.items():
        if re.match(rf".*\.{pattern}$|^{pattern}$", target):
            alpha = value
            break
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)
