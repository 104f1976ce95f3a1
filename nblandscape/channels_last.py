"""Images with their channels last in memory, for forward passes on a CPU where that measured faster.

oneDNN's kernels convolve in that layout; images in PyTorch's own are rearranged before and after every
convolution and pooled slowly. Networks with convolutions and pooling gained (``run.py products`` in
tests/benchmarks prints by how much for ResNet-20). What lost stays as it is: float64, a flattened map that
was never pooled, norms over groups, instances and whole maps, and gradients, which went both ways.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from nblandscape.batches import map_tensors, tensors_of

_CONVOLUTIONS = {"conv2d", "conv_transpose2d"}
_SLOW = {"group_norm", "instance_norm"}
_ROUNDING = 8  # units of eps that a loss may be off


class Operations(TorchFunctionMode):
    """Notes what a forward pass is made of: a rule that times nothing decides alike in every run."""

    def __init__(self) -> None:
        super().__init__()
        self._convolves = self._pools = self._slow = False

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name = getattr(func, "__name__", "")
        # The paddings stand for what is given by keyword.
        self._convolves |= name in _CONVOLUTIONS
        self._pools |= name.endswith("pool2d") or (name == "mean" and getattr((*args, 0)[0], "ndim", 0) == 4)
        self._slow |= name in _SLOW or (name == "layer_norm" and len((*args, (), ())[1]) > 1)
        return func(*args, **(kwargs or {}))

    def gain(self, batches: Sequence[Any]) -> bool:
        """Whether channels-last images made such passes over such batches faster."""
        fast = torch.backends.mkldnn.is_available() and not self._slow  # type: ignore[no-untyped-call]
        images = any(_is_image(tensor) for batch in batches for tensor in tensors_of(batch))
        return fast and self._convolves and self._pools and images


def converted(batches: Sequence[Any]) -> list[Any]:
    """The batches with copies of their images; all other tensors are the same objects."""
    return [map_tensors(_converted, batch) for batch in batches]


def kinds(batches: Sequence[Any]) -> list[int]:
    """Numbers of the first batches of every kind: a model may treat other shapes in another way."""
    found: dict[Any, int] = {}
    for number, batch in enumerate(batches):
        found.setdefault(tuple((t.shape[1:], t.dtype) for t in tensors_of(batch)), number)
    return list(found.values())


def same(one: tuple[torch.Tensor, float], two: tuple[torch.Tensor, float]) -> bool:
    """Whether two losses with their counts differ by no more than rounding."""
    (a, m), (b, n) = one, two
    rounding = _ROUNDING * torch.finfo(torch.float32).eps
    return float(m) == float(n) and torch.allclose(a.double(), b.double(), rounding, 0.0, equal_nan=True)


def _is_image(tensor: torch.Tensor) -> bool:
    return tensor.ndim == 4 and tensor.dtype == torch.float32 and tensor.device.type == "cpu"


def _converted(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(memory_format=torch.channels_last) if _is_image(tensor) else tensor
