"""Sentence embeddings: pooled, normalised states of tokens, and the losses that compare two of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from nblandscape.huggingface.anatomy import plain

PoolingMode = Literal["mean", "cls", "max", "last"]

_MODES: Mapping[str, PoolingMode] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
}
_NEW_MODES: Mapping[str, PoolingMode] = {"mean": "mean", "cls": "cls", "max": "max", "lasttoken": "last"}


@dataclass(frozen=True)
class Pooling:
    """How the states of tokens (B, T, d) become one vector (B, k d); several modes are put side by side."""

    modes: tuple[PoolingMode, ...] = ("mean",)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Pooling":
        """From the ``1_Pooling/config.json`` of a sentence-transformers folder.

        Raises
        ------
        ValueError
            A mode that is not one of mean, cls, max and last token.

        Examples
        --------
        >>> Pooling.from_config({"word_embedding_dimension": 8, "pooling_mode_cls_token": True})
        Pooling(modes=('cls',))
        """
        named = config.get("pooling_mode")
        asked = [named] if isinstance(named, str) else list(named or [])
        asked += [key for key, on in config.items() if key.startswith("pooling_mode_") and on is True]
        known = {**_MODES, **_NEW_MODES}
        if unknown := [key for key in asked if key not in known]:
            raise ValueError(
                f"Pooling by {unknown[0]} is not known here; mean, cls, max and last token are. Use "
                "Objective.from_batch_loss with a loss of your own."
            )
        return cls(tuple(dict.fromkeys(known[key] for key in asked)) or ("mean",))

    def __call__(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Pool over the tokens where the mask (B, T) is not 0."""
        there = (mask != 0).unsqueeze(-1)
        rows = torch.arange(len(states), device=states.device)
        pooled = []
        for mode in self.modes:
            if mode == "mean":
                pooled.append((states * there).sum(1) / there.sum(1))
            elif mode == "max":
                pooled.append(states.masked_fill(~there, -torch.inf).amax(1))
            else:
                places = torch.arange(states.shape[1], device=states.device)
                first = torch.where(mask != 0, places, states.shape[1]).argmin(1)
                last = torch.where(mask != 0, places, -1).argmax(1)
                pooled.append(states[rows, first if mode == "cls" else last])
        return torch.cat(pooled, dim=1)


def similarity_loss(
    model: nn.Module, batch: Mapping[str, Any], pooling: Pooling, temperature: float
) -> tuple[torch.Tensor, float]:
    """Sum and count of a batch ``{"a": inputs, "b": inputs}``, with "labels" for cosine regression.

    Without labels: InfoNCE, the cross entropy of finding each text's partner among the batch's. So the
    composition of the batches is part of the objective.
    """
    a, b = (embed(model, batch[side], pooling) for side in ("a", "b"))
    if "labels" in batch:
        error = (a * b).sum(1) - batch["labels"].to(a.dtype)
        return error.square().sum(dtype=torch.float64), float(len(a))
    partner = torch.arange(len(a), device=a.device)
    values = F.cross_entropy(a @ b.T / temperature, partner, reduction="none")
    return values.sum(dtype=torch.float64), float(len(a))


def embed(model: nn.Module, inputs: Mapping[str, torch.Tensor], pooling: Pooling) -> torch.Tensor:
    """Embeddings (B, d) of length 1."""
    output = plain(model).base_model(**inputs, return_dict=True)  # without the head
    mask = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"]))
    return F.normalize(pooling(output.last_hidden_state, mask), dim=1)
