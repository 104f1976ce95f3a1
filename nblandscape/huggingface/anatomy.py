"""What a Transformers model is made of: its inputs, its vocabulary, its context, its stacks of layers."""

import inspect
from typing import Any

from torch import nn


def plain(model: Any) -> Any:
    """The model without the wrapper of an adapter."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def inputs_of(model: Any) -> frozenset[str]:
    """Names of the arguments of a model."""
    return frozenset(inspect.signature(plain(model).forward).parameters)


def vocabulary_of(model: Any) -> int:
    """Number of tokens that a model knows."""
    return int(plain(model).get_input_embeddings().weight.shape[0])


def positions(model: Any) -> int | None:
    """Tokens that a model can read at once, None where nothing limits them (relative positions)."""
    config = model.config.get_text_config()
    if getattr(config, "relative_attention_num_buckets", None):
        return None
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return None
    for name, module in model.named_modules():
        if not (name.endswith("position_embeddings") and isinstance(module, nn.Embedding)):
            continue
        if module.padding_idx is not None:  # RoBERTa counts from behind the padding
            return int(module.num_embeddings - module.padding_idx - 1)
    return limit


def stacks(model: nn.Module) -> dict[str, nn.ModuleList]:
    """The outermost lists of blocks, by name: one for most models, two for an encoder with a decoder."""
    found: dict[str, nn.ModuleList] = {}
    for name, module in model.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in found)
        if isinstance(module, nn.ModuleList) and len(module) > 0 and not inside:
            found[name] = module
    return found
