"""What a language model's batch lacks when only texts are given: labels, masks, the decoder's inputs."""

from typing import Any

import torch

from nblandscape.huggingface.anatomy import plain, vocabulary_of
from nblandscape.huggingface.tasks import IGNORED

Batch = dict[str, Any]

_HIDDEN = 0.15  # of the tokens, of which 80 % become the mask token and 10 % a random one


def with_own_tokens(batch: Batch) -> Batch:
    """Labels of a causal model: every token behind another one, a real end of text too.

    Given labels are kept, but for those that would be predicted from what stands at padding.
    """
    there = _there(batch)
    labels: torch.Tensor = batch["labels" if "labels" in batch else "input_ids"]
    follows = torch.ones_like(there)  # the first has nothing before it but the virtual tokens of a prompt
    follows[:, 1:] = there[:, :-1]
    return {**batch, "labels": labels.masked_fill(~(there & follows), IGNORED)}


def with_masks(batch: Batch, model: Any, tokenizer: Any, generator: torch.Generator) -> Batch:
    """Hide tokens, at least one per text, and keep them as labels.

    Raises
    ------
    ValueError
        The tokenizer has no mask token, or a text nothing to hide.
    """
    mask_id = tokenizer.mask_token_id
    if mask_id is None:
        raise ValueError(
            "The tokenizer has no mask token, so it cannot serve masked-lm. Pass the right tokenizer=."
        )
    ids = batch["input_ids"]
    special = torch.isin(ids, torch.tensor(sorted(tokenizer.all_special_ids)))
    chance = torch.rand(ids.shape, generator=generator).masked_fill(special | ~_there(batch), 2.0)
    smallest = chance.min(dim=1, keepdim=True).values
    if (smallest > 1).any():
        number = int((smallest > 1).nonzero()[0][0])
        raise ValueError(f"Text {number} of a batch has only special tokens, so nothing can be masked.")
    hidden = (chance < _HIDDEN) | (chance == smallest)
    kind = torch.rand(ids.shape, generator=generator)
    anything = torch.randint(min(len(tokenizer), vocabulary_of(model)), ids.shape, generator=generator)
    shown = torch.where(hidden & (kind < 0.8), mask_id, ids)
    shown = torch.where(hidden & (kind >= 0.8) & (kind < 0.9), anything, shown)
    return {**batch, "input_ids": shown, "labels": ids.masked_fill(~hidden, IGNORED)}


def with_decoder_inputs(batch: Batch, model: Any) -> Batch:
    """The decoder's inputs, shifted once and for all by the model's own rule.

    Raises
    ------
    ValueError
        The model has none.
    """
    shift = getattr(plain(model), "prepare_decoder_input_ids_from_labels", None)
    if shift is None:
        raise ValueError(
            f"{type(plain(model)).__name__} does not say how labels become decoder inputs. Pass batches with "
            "decoder_input_ids."
        )
    return {**batch, "decoder_input_ids": shift(labels=batch["labels"])}


def _there(batch: Batch) -> torch.Tensor:
    """Where tokens are no padding."""
    mask: torch.Tensor = batch.get("attention_mask", torch.ones_like(batch["input_ids"])) != 0
    return mask
