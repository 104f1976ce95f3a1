"""Losses as (sum, count): what lets batches of different sizes be averaged correctly."""

import copy
import functools
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

BatchLoss = Callable[[nn.Module, Any], tuple[torch.Tensor, float]]
Criterion = Callable[[Any, Any], torch.Tensor]

_MODULE_OF_FUNCTION: dict[Any, Callable[..., nn.Module]] = {
    F.cross_entropy: nn.CrossEntropyLoss,
    F.nll_loss: nn.NLLLoss,
    F.mse_loss: nn.MSELoss,
    F.l1_loss: nn.L1Loss,
    F.smooth_l1_loss: nn.SmoothL1Loss,
    F.huber_loss: nn.HuberLoss,
    F.binary_cross_entropy: nn.BCELoss,
    F.binary_cross_entropy_with_logits: nn.BCEWithLogitsLoss,
}


class OutputLoss:
    """A batch loss that knows its model's output: ``(model, batch) -> (sum of losses, count)``.

    Attributes
    ----------
    of : callable (output, target) -> (sum of losses, count)
    per_sample : callable (output, target) -> (samples,)
        The parts of the sum.
    """

    def __init__(
        self,
        of: Callable[[Any, Any], tuple[torch.Tensor, float]],
        per_sample: Callable[[Any, Any], torch.Tensor],
    ) -> None:
        self.of, self.per_sample = of, per_sample

    def __call__(self, model: nn.Module, batch: Any) -> tuple[torch.Tensor, float]:
        return self.of(*forward(model, batch))


class _Counts:
    """Denominators by target: counting the targets that are not ignored takes as long as a small layer."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[torch.Tensor], int, float]] = {}

    def __reduce__(self) -> tuple[type["_Counts"], tuple[()]]:
        return _Counts, ()  # for other processes: weak references do not travel

    def of(self, criterion: Any, output: Any, target: Any, values: Any, reduction: str) -> float:
        key = id(target)
        if key in self._known:
            reference, version, count = self._known[key]
            known = reference()
            if known is not None and known is target and known._version == version:
                return count
        count = _denominator(criterion, output, target, values, reduction)
        if isinstance(criterion, (nn.CrossEntropyLoss, nn.NLLLoss)) and not target.is_inference():
            alive = weakref.ref(target, lambda _: self._known.pop(key, None))
            self._known[key] = alive, target._version, count  # it does not depend on the output
        return count


def batch_loss(loss: Criterion, device: torch.device, dtype: torch.dtype) -> OutputLoss:
    """Turn ``loss(output, target) -> mean`` into ``(model, batch) -> (sum of losses, count)``.

    PyTorch's own losses run unreduced and are summed in float64 over their own denominator (elements,
    class weights, targets that are not ignored). Any other callable is taken as a mean over
    ``len(target)`` samples.

    Raises
    ------
    ValueError
        A PyTorch loss with ``reduction="none"``.
    """
    criterion: Any = _as_module(loss)
    if isinstance(criterion, nn.Module):
        criterion = copy.deepcopy(criterion).to(device=device, dtype=dtype)
        for parameter in criterion.parameters():
            parameter.requires_grad_(False)
        criterion.eval()
    reduction = getattr(criterion, "reduction", None)
    # A subclass may compute anything, whatever its `reduction` says: it counts as a plain callable.
    own = type(criterion).__module__ == nn.modules.loss.__name__ and not isinstance(criterion, nn.CTCLoss)
    if own and reduction == "none":
        raise ValueError(f'{type(criterion).__name__} has reduction="none"; use reduction="mean".')
    if own and reduction in ("mean", "batchmean"):
        criterion.reduction = "none"
        known = _Counts()

        def unreduced(output: Any, target: Any) -> tuple[torch.Tensor, float]:
            values = criterion(output, target)
            count = known.of(criterion, output, target, values, reduction)
            return values.sum(dtype=torch.float64), count

        def parts(output: Any, target: Any) -> torch.Tensor:
            values: torch.Tensor = criterion(output, target)
            return values.to(torch.float64).reshape(len(target), -1).sum(dim=1)

        return OutputLoss(unreduced, parts)

    def averaged(output: Any, target: Any) -> tuple[torch.Tensor, float]:
        value = scalar(criterion(output, target), "loss(output, target)")
        if own:  # reduction="sum" is a sum over the data already
            return value.to(torch.float64), 0.0
        count = float(len(target)) if isinstance(target, torch.Tensor) and target.ndim else 1.0
        return value.to(torch.float64) * count, count

    def one_by_one(output: Any, target: Any) -> torch.Tensor:
        rows = [criterion(output[i : i + 1], target[i : i + 1]) for i in range(len(target))]
        return torch.stack([scalar(row, "loss(output, target)").to(torch.float64) for row in rows])

    return OutputLoss(averaged, one_by_one)


def metric(function: Criterion) -> BatchLoss:
    """A metric with the loss's signature, weighted by ``len(target)``."""

    def averaged(model: nn.Module, batch: Any) -> tuple[torch.Tensor, float]:
        output, target = forward(model, batch)
        value: Any = function(output, target)
        if not isinstance(value, torch.Tensor):
            value = torch.as_tensor(float(value), dtype=torch.float64)
        count = float(len(target)) if isinstance(target, torch.Tensor) and target.ndim else 1.0
        return scalar(value, "a metric").to(torch.float64) * count, count

    return averaged


def forward(model: nn.Module, batch: Any) -> tuple[Any, Any]:
    """Model output and target of a batch ``(x, y)``; x may be a tensor, a tuple or a mapping.

    Raises
    ------
    ValueError
        The batch is not a pair.
    """
    if not isinstance(batch, (list, tuple)) or len(batch) != 2:
        size = f" with {len(batch)} items" if isinstance(batch, (list, tuple, Mapping)) else ""
        raise ValueError(
            f"A batch is a {type(batch).__name__}{size}, not a pair (x, y). "
            "For other batches use Objective.from_batch_loss(model, batch_loss, batches)."
        )
    x, y = batch
    if isinstance(x, Mapping):
        return model(**x), y
    if isinstance(x, (list, tuple)):
        return model(*x), y
    return model(x), y


def scalar(value: torch.Tensor, what: str) -> torch.Tensor:
    """Check that a loss is one real number and drop its empty dimensions."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{what} returned a {type(value).__name__}; it must return a scalar tensor.")
    if value.numel() != 1:
        raise ValueError(
            f"{what} returned a tensor of shape {tuple(value.shape)}; it must return one number. "
            "Take the mean over the batch."
        )
    if value.is_complex():
        raise ValueError(f"{what} returned a complex number; a landscape needs a real loss.")
    return value.reshape(())


def _as_module(loss: Any) -> Any:
    """The loss module of one of PyTorch's functions, also of one with options fixed by `partial`."""
    function, options = loss, {}
    if isinstance(loss, functools.partial) and not loss.args:
        function, options = loss.func, loss.keywords
    for known, make in _MODULE_OF_FUNCTION.items():
        if known is function:
            return make(**options)
    return loss


def name_of(loss: Any) -> str:
    """What a loss is called in titles and provenance."""
    if isinstance(loss, nn.Module):
        return type(loss).__name__
    return str(getattr(getattr(loss, "func", loss), "__name__", type(loss).__name__))


def _denominator(
    criterion: Any, output: Any, target: Any, values: torch.Tensor, reduction: str | None
) -> float:
    if reduction == "batchmean":
        return float(len(output))
    if isinstance(criterion, (nn.CrossEntropyLoss, nn.NLLLoss)):
        if target.is_floating_point():  # class probabilities
            return float(values.numel())
        valid = target != criterion.ignore_index
        if criterion.weight is not None:
            return float(criterion.weight[target[valid]].sum(dtype=torch.float64))
        return float(valid.sum())
    return float(values.numel())
