"""How large a model and its work are, read off shapes alone: no weights, and nothing is computed."""

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nblandscape.huggingface.anatomy import inputs_of
from nblandscape.huggingface.blocks import group_by_block
from nblandscape.memory import peak_bytes
from nblandscape.replica import analysis_dtype

_UNSEEN = frozenset(
    {"attention_mask", "decoder_attention_mask", "labels"}
)  # values decide what is done with them
_PRODUCT_STEPS = 256  # of a matrix, for the speed of this machine
_SPEED_SECONDS = 0.02


@dataclass(frozen=True)
class Sizes:
    """Numbers that memory and time follow from.

    Attributes
    ----------
    model : str
        Name of its class.
    total, analysed : int
        Parameters of the model, and those that are analysed.
    dtype : torch.dtype
        Of the analysis.
    stored : int
        Bytes of the weights as they are kept, with what a model keeps beside its parameters.
    same_type : bool
        Whether they are kept in the type of the analysis, so that they can be shared.
    samples, batches : int
    tokens : int
        Of all batches, padding included; 0 for images.
    flops : float
        Of one evaluation of the loss; 0 if the model could not be followed.
    forward, product : int
        Bytes that one evaluation, and one Hessian product, take at most on the largest batch, beside the
        weights; 0 if unknown.
    graphs : int
        Bytes of the gradient graphs of all batches.
    blocks, largest_block : int
        Blocks that the curvature is told by, and parameters of the largest one.
    beside : int
        Bytes that are no parameters and do not change their type: packed integers of quantised models.
    """

    model: str
    total: int
    analysed: int
    dtype: torch.dtype
    stored: int
    same_type: bool
    samples: int
    batches: int
    tokens: int
    flops: float
    forward: int
    product: int
    graphs: int
    blocks: int
    largest_block: int
    beside: int = 0

    @property
    def vector(self) -> int:
        """Bytes of one vector of the analysed parameters."""
        return self.analysed * self.dtype.itemsize

    @property
    def weights(self) -> int:
        """Bytes of all weights in the type of the analysis."""
        return self.total * self.dtype.itemsize + self.beside


def sizes_of(
    model: nn.Module,
    batches: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    dtype: torch.dtype | None = None,
) -> Sizes:
    """Measure a model, of which only the shapes are used.

    Parameters
    ----------
    model : nn.Module
        Of Transformers or PEFT; it may be on the meta device.
    batches : sequence of dict
        As `nblandscape.huggingface.data.Preparation` makes them.
    names : sequence of str
        The analysed parameters.
    dtype : torch.dtype, optional
        Of the analysis.
    """
    parameters = dict(model.named_parameters())
    kept = {p.dtype for p in parameters.values() if p.is_floating_point()}
    working = analysis_dtype(next(iter(kept), torch.float32), dtype)
    total = sum(p.numel() for p in parameters.values())
    known = inputs_of(model) - _UNSEEN
    inputs = [_only_shapes(part, known) for batch in batches for part in _parts(batch)]
    beside = sum(b.nbytes for b in model.buffers() if not b.is_floating_point())
    flops, forward, product, graphs = _followed(outline_of(model).to(dtype=working), inputs, names)
    return Sizes(
        type(model).__name__,
        total,
        sum(parameters[name].numel() for name in names),
        working,
        sum(p.nbytes for p in parameters.values()) + beside,
        kept == {working},
        sum(_count(batch) for batch in batches),
        len(batches),
        sum(t.numel() for part in inputs for key, t in part.items() if key.endswith("input_ids")),
        flops,
        forward,
        product,
        graphs,
        *block_sizes({name: parameters[name].numel() for name in names}),
        beside,
    )


def block_sizes(sizes: Mapping[str, int]) -> tuple[int, int]:
    """How many blocks parameters lie in, and the size of the largest one."""
    found = [sum(sizes[name] for name in tensors) for tensors in group_by_block(sizes).values()]
    return len(found), max(found)


def outline_of(model: nn.Module) -> nn.Module:
    """A copy without numbers: parameters and buffers on the meta device, so that it takes no memory."""
    memo: dict[int, Any] = {}
    for module in model.modules():
        for parameter in module._parameters.values():
            if parameter is not None and id(parameter) not in memo:
                empty = torch.empty_like(parameter, device="meta")
                memo[id(parameter)] = nn.Parameter(empty, requires_grad=False)
        for buffer in module._buffers.values():
            if buffer is not None and id(buffer) not in memo:
                memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(model, memo).eval()


def machine_speed() -> float:
    """Floating-point operations per second of a matrix product on this machine, in this thread's setting."""
    a = torch.ones(_PRODUCT_STEPS, _PRODUCT_STEPS)
    a @ a
    count, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < _SPEED_SECONDS:
        a @ a
        count += 1
    return count * 2 * _PRODUCT_STEPS**3 / passed


def _followed(
    outline: nn.Module, inputs: Sequence[dict[str, torch.Tensor]], names: Sequence[str]
) -> tuple[float, int, int, int]:
    """Operations of a loss, bytes of a loss and of a product on the largest batch, and of all graphs.

    Zeros for models that look at values on their way, of which there are none here.
    """
    own: Any = outline
    if hasattr(own, "set_attn_implementation"):
        own.set_attn_implementation("eager")  # the one that can be differentiated twice
    chosen = [p for name, p in outline.named_parameters() if name in set(names) and p.is_floating_point()]
    amounts = [sum(t.numel() for t in part.values()) for part in inputs]
    largest = inputs[amounts.index(max(amounts))]
    try:
        flops = sum(_flops(outline, part) * count for part, count in _distinct(inputs))
        with torch.no_grad():
            forward = peak_bytes(lambda: _value(outline, largest))
        for parameter in chosen:
            parameter.requires_grad_(True)
        product = peak_bytes(lambda: _product(outline, largest, chosen))
    except (RuntimeError, NotImplementedError, TypeError, ValueError, AttributeError):
        return 0.0, 0, 0, 0
    return flops, forward, product, product * sum(amounts) // max(amounts)


def _value(outline: nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """A scalar that costs what a cross entropy of the model's output costs."""
    output = outline(**inputs, return_dict=True)
    first: torch.Tensor = output.logits if hasattr(output, "logits") else output[0]
    return first.log_softmax(-1).sum()


def _product(outline: nn.Module, inputs: dict[str, torch.Tensor], chosen: Sequence[nn.Parameter]) -> None:
    slopes = torch.autograd.grad(_value(outline, inputs), chosen, create_graph=True, allow_unused=True)
    used = [s for s in slopes if s is not None and s.requires_grad]
    torch.autograd.grad(used, chosen, [torch.empty_like(s) for s in used], allow_unused=True)


def _flops(outline: nn.Module, inputs: dict[str, torch.Tensor]) -> float:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        _value(outline, inputs)
    return float(counter.get_total_flops())


def _distinct(inputs: Sequence[dict[str, torch.Tensor]]) -> Iterator[tuple[dict[str, torch.Tensor], int]]:
    """One batch of every shape, and how many have it."""
    shapes = [tuple((key, tuple(t.shape)) for key, t in part.items()) for part in inputs]
    for shape in dict.fromkeys(shapes):
        yield inputs[shapes.index(shape)], shapes.count(shape)


def _parts(batch: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the model is called with: once, or once for either text of a pair."""
    sides = [batch[key] for key in ("a", "b") if isinstance(batch.get(key), Mapping)]
    return sides or [batch]


def _only_shapes(batch: Mapping[str, Any], known: frozenset[str]) -> dict[str, torch.Tensor]:
    return {
        key: torch.empty_like(value, device="meta")
        for key, value in batch.items()
        if key in known and isinstance(value, torch.Tensor)
    }


def _count(batch: Mapping[str, Any]) -> int:
    return next(len(value) for value in _parts(batch)[0].values() if isinstance(value, torch.Tensor))
