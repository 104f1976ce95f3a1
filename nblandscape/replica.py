"""The two private shells of the user's model: one that carries gradient graphs, one that moves.

Both are deep copies whose memo decides what every tensor becomes. The graph shell's parameters are
views of a buffer that never changes; the evaluation shell's are views of a buffer that each
evaluation fills anew. All other tensors exist once and are shared by the two. Pointing the
parameters of one shell at other storage under a live graph would give wrong products without an
error, hence two.
"""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

PIECE = 2**17  # numbers of a vector of which further copies are made at once
_ALIGNMENT = 64  # bytes; a view at another alignment can take another kernel and change the last bit


@dataclass(frozen=True)
class Slot:
    """Where one analysed parameter lives; lengths and offsets count real numbers."""

    name: str
    shape: torch.Size
    complex: bool
    dtype: torch.dtype  # real dtype of the buffer
    start: int  # in the flat vector (n,)
    length: int
    offset: int  # in the buffer of its dtype


@dataclass(frozen=True)
class Layout:
    """How the flat vector (n,) of the analysed parameters maps onto one padded buffer per dtype."""

    slots: tuple[Slot, ...]
    size: int  # n
    lengths: Mapping[torch.dtype, int]  # of the buffers
    dtype: torch.dtype  # of flat vectors
    device: torch.device
    _by_dtype: Mapping[torch.dtype, tuple[Slot, ...]] = field(repr=False)

    @classmethod
    def of(
        cls, parameters: Mapping[str, torch.Tensor], device: torch.device, dtype: torch.dtype | None
    ) -> "Layout":
        """Lay out `parameters` in their order, as `dtype` or as their own."""
        slots: list[Slot] = []
        lengths: dict[torch.dtype, int] = {}
        start = 0
        for name, parameter in parameters.items():
            real = analysis_dtype(parameter.dtype, dtype)
            length = parameter.numel() * (2 if parameter.is_complex() else 1)
            offset = lengths.get(real, 0)
            slots.append(Slot(name, parameter.shape, parameter.is_complex(), real, start, length, offset))
            step = max(1, _ALIGNMENT // real.itemsize)
            lengths[real] = offset + -(-length // step) * step
            start += length
        widest = torch.float32 if not slots else slots[0].dtype
        for slot in slots:
            widest = torch.promote_types(widest, slot.dtype)
        by_dtype = {d: tuple(s for s in slots if s.dtype == d) for d in lengths}
        return cls(tuple(slots), start, lengths, widest, device, by_dtype)

    def buffers(self, rows: int | None = None) -> dict[torch.dtype, torch.Tensor]:
        """Zeroed buffers: (length,) or (rows, length) per dtype."""
        shape = () if rows is None else (rows,)
        return {d: torch.zeros(*shape, k, dtype=d, device=self.device) for d, k in self.lengths.items()}

    def runs(self) -> Iterator[tuple[torch.dtype, int, int, int]]:
        """Stretches without padding: dtype, start in the flat vector, offset in the buffer, length."""
        for dtype, slots in self._by_dtype.items():
            start = offset = length = 0
            for slot in slots:
                if (slot.start, slot.offset) == (start + length, offset + length):
                    length += slot.length
                    continue
                if length:
                    yield dtype, start, offset, length
                start, offset, length = slot.start, slot.offset, slot.length
            if length:
                yield dtype, start, offset, length

    def views(self, buffers: Mapping[torch.dtype, torch.Tensor]) -> list[torch.Tensor]:
        """The parameters' tensors as views of `buffers`, in slot order."""
        result = []
        for slot in self.slots:
            flat = buffers[slot.dtype][slot.offset : slot.offset + slot.length]
            result.append(
                torch.view_as_complex(flat.view(*slot.shape, 2)) if slot.complex else flat.view(slot.shape)
            )
        return result

    def gather(self, tensors: Sequence[torch.Tensor]) -> torch.Tensor:
        """Tensors in slot order to a flat vector (n,), which is always a new one."""
        flat = torch.empty(self.size, dtype=self.dtype, device=self.device)
        for slot, tensor in zip(self.slots, tensors, strict=True):
            flat[slot.start : slot.start + slot.length].copy_(as_reals(tensor.detach()))
        return flat

    def split(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """(n,) to tensors with the parameters' shapes and dtypes, in slot order."""
        result = []
        for slot in self.slots:
            piece = flat[slot.start : slot.start + slot.length].to(slot.dtype)
            if slot.complex:  # a copy: a complex view must start at an even offset, a row of (k, n) may not
                result.append(torch.view_as_complex(piece.clone().view(*slot.shape, 2)))
            else:
                result.append(piece.view(slot.shape))
        return result


def analysis_dtype(own: torch.dtype, wanted: torch.dtype | None) -> torch.dtype:
    """Real dtype in which a tensor is analysed: `wanted`, else its own, half precision as float32."""
    if wanted is not None:
        return wanted.to_complex().to_real() if own.is_complex else wanted  # there is no complex bfloat16
    real = own.to_real() if own.is_complex else own
    return torch.float32 if real in (torch.float16, torch.bfloat16) else real


def as_reals(tensor: torch.Tensor) -> torch.Tensor:
    """Flatten; a complex tensor becomes twice as many reals."""
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).reshape(-1)


def squared_norm(vector: torch.Tensor) -> float:
    """Sum of squares in float64, without a copy of the whole vector in that type."""
    parts = (part.to(torch.float64) for part in torch.split(vector, PIECE))
    return math.fsum(float(torch.dot(part, part)) for part in parts)


def graph_shell(
    model: nn.Module, views: Mapping[str, torch.Tensor], device: torch.device, dtype: torch.dtype | None
) -> nn.Module:
    """Copy `model` with the named parameters on `views`, everything else copied, in eval mode.

    Options of `nn.Embedding` that change the gradient without changing the loss (a masked padding row,
    scaling by frequency) would make Hessian products wrong; the copy has none of them.

    Raises
    ------
    TypeError
        The model copies itself in a way of its own, so that its copy would not move.
    """
    memo: dict[int, Any] = {}
    keep: list[Any] = []
    for name, parameter in model.named_parameters():
        if name in views:
            replacement = nn.Parameter(views[name], requires_grad=True)
        else:
            replacement = nn.Parameter(_converted(parameter, device, dtype), requires_grad=False)
        memo[id(parameter)] = replacement
        keep.append(parameter)
    for tensor in _loose_tensors(model):
        if id(tensor) not in memo:
            memo[id(tensor)] = _converted(tensor, device, dtype)
            keep.append(tensor)
    shell = _copied(model, memo)
    shell.eval()
    for module in shell.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx, module.scale_grad_by_freq, module.sparse = None, False, False
    switch = getattr(shell, "set_attn_implementation", None)
    if callable(switch):  # Transformers: its default attention has no double backward
        switch("eager")
    return shell


def evaluation_shell(shell: nn.Module, views: Mapping[str, torch.Tensor]) -> nn.Module:
    """Copy the structure of `shell`; the named parameters lie on `views`, all other tensors are shared."""
    memo: dict[int, Any] = {}
    for name, parameter in shell.named_parameters():
        memo[id(parameter)] = nn.Parameter(views[name], requires_grad=False) if name in views else parameter
    for tensor in _loose_tensors(shell):
        memo.setdefault(id(tensor), tensor)
    return _copied(shell, memo)


def independent_copy(shell: nn.Module) -> nn.Module:
    """Copy a shell without sharing any tensor with it."""
    memo: dict[int, Any] = {
        id(p): nn.Parameter(p.detach().clone(), p.requires_grad) for p in shell.parameters()
    }
    for tensor in _loose_tensors(shell):
        memo.setdefault(id(tensor), tensor.detach().clone())
    return _copied(shell, memo)


def unwrap(model: nn.Module) -> nn.Module:
    """Undo torch.compile and data-parallel wrappers: they add no mathematics and block double backward."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def without_prefix(state_dict: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """A state dict without what a wrapper puts before all of its names ("_orig_mod.", "module.")."""
    own = list(names)
    if own and not any(name in state_dict for name in own):
        for name in state_dict:
            prefix = name.removesuffix(own[0])
            if prefix != name and prefix.endswith(".") and all(k.startswith(prefix) for k in state_dict):
                return {k.removeprefix(prefix): value for k, value in state_dict.items()}
    return dict(state_dict)


def drop_user_hooks(shell: nn.Module, loss: Callable[[], torch.Tensor]) -> None:
    """Remove the user's hooks unless the loss changes without them; PyTorch's own (weight_norm) stay."""
    hooks = [
        (where, key)
        for module in shell.modules()
        for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        for where in [getattr(module, name, None) or {}]
        for key, hook in where.items()
        if not _is_torch_hook(hook)
    ]
    if not hooks:
        return
    before = loss()
    removed = [(where, key, where.pop(key)) for where, key in hooks]
    if not torch.equal(before, loss()):
        for where, key, hook in removed:
            where[key] = hook


def use_batch_statistics(shell: nn.Module) -> None:
    """Let BatchNorm use each batch's statistics without storing them."""
    for module in shell.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()
            module.track_running_stats = False


def own_statistics(shell: nn.Module) -> None:
    """Give the BatchNorm layers of a shell buffers of their own, so that it can be recalibrated alone."""
    for module in shell.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for name, buffer in list(module._buffers.items()):
                module._buffers[name] = None if buffer is None else buffer.detach().clone()


def recalibrate(shell: nn.Module, pass_over_the_data: Callable[[], None]) -> None:
    """Set BatchNorm statistics to the mean over the batches at the shell's present weights."""
    layers = [m for m in shell.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    layers = [m for m in layers if m.running_mean is not None]
    momenta = [m.momentum for m in layers]
    try:
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # cumulative: every batch counts alike
            layer.train()
        with torch.no_grad():
            pass_over_the_data()
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            layer.eval()


def _copied(model: nn.Module, memo: Mapping[int, Any]) -> nn.Module:
    """Deep copy; what cannot be copied (locks, files, iterators) is shared, torch.compile is undone."""
    try:
        shell: nn.Module = copy.deepcopy(model, dict(memo))
    except Exception:  # noqa: BLE001 - whatever an attribute raises
        shared = dict(memo)
        for module in model.modules():
            own = (v for k, v in module.__dict__.items() if k not in ("_modules", "_parameters", "_buffers"))
            shared.update((id(value), value) for value in _not_copyable(own, memo, depth=3))
        shell = copy.deepcopy(model, shared)
    wanted = {name: memo[id(p)] for name, p in model.named_parameters()}
    for name, parameter in shell.named_parameters():
        if parameter is not wanted.get(name):
            raise TypeError(
                f"A copy of {type(model).__name__} has a parameter {name} of its own making: the model (or "
                "a part of it) defines __deepcopy__ without passing on the memo, or is a ScriptModule. "
                "Pass the plain model, or let __deepcopy__ use copy.deepcopy(..., memo)."
            )
    for module in shell.modules():
        if "_orig_mod" in module._modules:  # a compiled part has no double backward
            module.forward = module._modules["_orig_mod"].forward  # type: ignore[union-attr]
    return shell


def _not_copyable(values: Iterable[Any], memo: Mapping[int, Any], depth: int) -> Iterator[Any]:
    for value in values:
        if id(value) in memo:
            continue
        if depth and type(value) in (dict, list, tuple):
            inner = value.values() if isinstance(value, dict) else value
            yield from _not_copyable(inner, memo, depth - 1)
            continue
        try:
            copy.deepcopy(value, dict(memo))
        except Exception:  # noqa: BLE001
            yield value


def _is_torch_hook(hook: Any) -> bool:
    owner = type(hook).__module__ if not hasattr(hook, "__module__") else hook.__module__
    return str(owner).startswith("torch.")


def _converted(tensor: torch.Tensor, device: torch.device, dtype: torch.dtype | None) -> torch.Tensor:
    target = tensor.dtype
    if tensor.is_floating_point():
        target = analysis_dtype(target, dtype)
    elif tensor.is_complex():
        target = analysis_dtype(target, dtype).to_complex()
    return tensor.detach().to(device=device, dtype=target, copy=True)


def _loose_tensors(model: nn.Module) -> Iterator[torch.Tensor]:
    """Buffers and tensors kept as plain attributes, which deepcopy would refuse when they carry a graph."""
    for module in model.modules():
        yield from _tensors_in(module.__dict__.values(), depth=3)


def _tensors_in(values: Iterable[Any], depth: int) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, nn.Parameter):
            continue
        if isinstance(value, torch.Tensor):
            yield value
        elif depth and isinstance(value, Mapping):
            yield from _tensors_in(value.values(), depth - 1)
        elif depth and isinstance(value, (list, tuple)):
            yield from _tensors_in(value, depth - 1)
