"""What is minimised, whatever the weights are: loss, data, and how they are analysed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from nblandscape import batches as _batches
from nblandscape import replica as _replica
from nblandscape.losses import BatchLoss
from nblandscape.parameters import ParameterFilter, select_parameters


@dataclass(frozen=True)
class Settings:
    """How a problem is analysed; `Objective` says what they mean.

    Raises
    ------
    ValueError
        There is no such setting.
    """

    batchnorm: str
    device: torch.device
    dtype: torch.dtype | None  # as asked for
    copy: bool
    products: str
    graph_bytes: int | None

    def __post_init__(self) -> None:
        if self.batchnorm not in ("eval", "batch", "recalibrate"):
            raise ValueError(f'batchnorm="{self.batchnorm}"; use "eval", "batch" or "recalibrate".')
        if self.products not in ("exact", "finite-difference"):
            raise ValueError(f'products="{self.products}"; use "exact" or "finite-difference".')
        if self.graph_bytes is not None and self.graph_bytes < 0:
            raise ValueError(f"graph_bytes={self.graph_bytes} must not be negative.")
        if self.dtype is not None and not self.dtype.is_floating_point:
            raise ValueError(f"dtype={self.dtype} is not a real floating-point type.")


@dataclass(frozen=True, eq=False)
class Problem:
    """A loss on pinned batches, as a function of named parameters."""

    batch_loss: BatchLoss
    metrics: Mapping[str, BatchLoss]
    loss_name: str
    batches: list[Any]
    names: list[str]  # of the analysed parameters
    settings: Settings

    @classmethod
    def of(
        cls,
        model: nn.Module,
        batch_loss: BatchLoss,
        metrics: Mapping[str, BatchLoss],
        loss_name: str,
        batches: object,
        *,
        parameters: ParameterFilter | None,
        limit: int | None,
        settings: Settings,
    ) -> "Problem":
        """Choose the parameters and pin the batches."""
        names = list(select_parameters(model, parameters))
        dtype = working_dtype(model, settings.dtype)
        pinned = _batches.pin(batches, device=settings.device, dtype=dtype, limit=limit)
        return cls(batch_loss, metrics, loss_name, pinned, names, settings)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the data."""
        return _batches.fingerprint(self.batches)


def device_of(model: nn.Module, wanted: torch.device | str | None) -> torch.device:
    """Where to analyse: by default where the model's first parameter lies."""
    if wanted is not None:
        return torch.device(wanted)
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def working_dtype(model: nn.Module, wanted: torch.dtype | None) -> torch.dtype:
    """Floating-point type of inputs: that of the first parameter as analysed."""
    for parameter in model.parameters():
        if parameter.is_floating_point() or parameter.is_complex():
            return _replica.analysis_dtype(parameter.dtype, wanted)
    return wanted or torch.float32
