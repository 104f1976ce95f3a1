"""Which parameters of a Transformers model are analysed: its head, its adapters, one of its layers."""

from collections.abc import Iterable
from typing import Any

from torch import nn

from nblandscape.huggingface.anatomy import plain, stacks
from nblandscape.parameters import ParameterFilter

_ADAPTER = "lora_"


def select(model: nn.Module, wanted: ParameterFilter | None) -> ParameterFilter | None:
    """Translate the words that only Transformers models have; everything else is passed through.

    Parameters
    ----------
    model : transformers.PreTrainedModel or peft.PeftModel
    wanted : optional
        None (adapters if there are some, else what requires a gradient), "all", "head", "adapters",
        "layer:3" (a block of the repeated stack; counted from the end if negative; "encoder:0" where there
        is more than one stack), or what `Objective` takes: names, glob, compiled regex, callable.

    Returns
    -------
    What `Objective` takes as `parameters`.

    Raises
    ------
    ValueError
        There is no such part.
    """
    if wanted is None:
        return adapters(model) or None
    if not isinstance(wanted, str):
        return wanted
    if wanted == "all":
        return [name for name, p in model.named_parameters() if p.is_floating_point()]
    if wanted == "head":
        return head(model)
    if wanted == "adapters":
        found = adapters(model)
        if not found:
            raise ValueError(
                f'parameters="adapters": {type(model).__name__} has none. '
                "Pass a PEFT model or an adapter's folder."
            )
        return found
    stack, colon, index = wanted.rpartition(":")
    return layer(model, stack, index) if colon else wanted


def adapters(model: nn.Module) -> list[str]:
    """Names of the parameters of the active adapters, with the modules that are trained beside them."""
    own: Any = model
    active = getattr(own, "active_adapters", None)
    if not (hasattr(own, "peft_config") or _has_layers(model)):
        return []
    names = set([active] if isinstance(active, str) else active if isinstance(active, list) else ["default"])
    prefix = getattr(getattr(own, "base_model", None), "prefix", _ADAPTER)
    result = []
    for name, _ in model.named_parameters():
        parts = name.split(".")
        added = any(
            part.startswith(prefix) or part in ("modules_to_save", "prompt_encoder") for part in parts
        )
        if added and names & set(parts):
            result.append(name)
    return result


def head(model: Any) -> list[str]:
    """Names of the parameters behind the base model; tied ones have the name that the base model gives them.

    Raises
    ------
    ValueError
        The model has no head.
    """
    whole = plain(model)
    base = whole.base_model
    inside = {id(module) for module in base.modules()} if base is not whole else set(map(id, whole.modules()))
    outside = [module for module in whole.modules() if id(module) not in inside and module is not whole]
    if not outside and (output := whole.get_output_embeddings()) is not None:
        outside = [output]
    found = _names(model, (p for module in outside for p in module._parameters.values() if p is not None))
    if not found:
        raise ValueError(
            f'parameters="head": {type(whole).__name__} has none. Name parameters, or use "layer:-1".'
        )
    return found


def layer(model: nn.Module, stack: str, index: str) -> list[str]:
    """Names of the parameters of one block of a repeated stack.

    Raises
    ------
    ValueError
        No such stack or block, or more than one stack to choose from.
    """
    found = stacks(model)
    wanted = f'parameters="{stack}:{index}"'
    chosen = {n: m for n, m in found.items() if stack in ("layer", n) or stack in n.split(".")}
    listed = ", ".join(f"{n}:0 to {n}:{len(m) - 1}" for n, m in found.items()) or "none"
    if len(chosen) != 1:
        raise ValueError(f"{wanted} fits {len(chosen)} stacks of layers. There are: {listed}.")
    (blocks,) = chosen.values()
    try:
        block = list(blocks)[int(index)]
    except (ValueError, IndexError):
        raise ValueError(f"{wanted}: there is no such layer. There are: {listed}.") from None
    return _names(model, block.parameters())


def _names(model: nn.Module, parameters: Iterable[nn.Parameter]) -> list[str]:
    wanted = {id(p) for p in parameters}
    return [name for name, p in model.named_parameters() if id(p) in wanted]


def _has_layers(model: nn.Module) -> bool:
    return any(part.startswith(_ADAPTER) for name, _ in model.named_parameters() for part in name.split("."))
