"""Models whose weights are quantised: how they are known, and what can be done with them."""

import os
from typing import Any


def quantisation(model: Any) -> str:
    """How a model's weights are quantised, "" if they are not.

    Seen by the configuration that `from_pretrained` leaves in a model (every method of Transformers), by
    parameters of integers, or by modules of torch.ao, whose weights are no parameters at all. Tested here:
    bitnet checkpoints, torch.ao's dynamic quantisation, and integer parameters.
    """
    config = getattr(getattr(model, "config", None), "quantization_config", None)
    if config is not None:
        method = config.get("quant_method") if isinstance(config, dict) else config.quant_method
        return str(getattr(method, "value", method))
    if any(type(module).__module__.startswith("torch.ao.nn.quantized") for module in model.modules()):
        return "torch.ao"
    for parameter in model.parameters():
        if not (parameter.is_floating_point() or parameter.is_complex()):
            return str(parameter.dtype).removeprefix("torch.")
    return ""


def has_derivatives(model: Any) -> bool:
    """Whether a quantised model can be differentiated, as adapters on bitsandbytes layers can.

    Else rounding cuts the graph on the way, and what autograd returns is wrong without an error.
    """
    return bool(getattr(getattr(model, "hf_quantizer", None), "is_trainable", False))


def notes_on(method: str) -> list[str]:
    """What to tell about a model that is quantised so; nothing about one that is not."""
    notes = []
    if method:
        notes.append(
            f"The weights are quantised ({method}): only parameters that are left in floating point move."
        )
    if method == "bitnet" and not os.environ.get("TORCH_COMPILE_DISABLE"):
        notes.append(
            "torch compiles the unpacking of the weights at the first loss, which takes up to a minute; "
            "it does not with TORCH_COMPILE_DISABLE=1 in the environment."
        )
    return notes
