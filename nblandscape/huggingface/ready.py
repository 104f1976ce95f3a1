"""Batches, and rows of tokens, that are ready: recognised, checked against the model, completed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from nblandscape import batches as _batches
from nblandscape.huggingface.anatomy import inputs_of, positions, vocabulary_of
from nblandscape.huggingface.images import check_pixels
from nblandscape.huggingface.labels import check_classes
from nblandscape.huggingface.loading import Loaded
from nblandscape.huggingface.targets import Batch, with_decoder_inputs, with_masks, with_own_tokens
from nblandscape.huggingface.tasks import IGNORED, Task, problem_of
from nblandscape.huggingface.text import padded


def ready_batches(data: object, limit: int | None) -> list[Mapping[str, Any]] | None:
    """Batches of tensors as dicts, None if the data are something else."""
    if isinstance(data, DataLoader):
        found = [
            _as_mapping(b) for b in _batches.pin(data, device=torch.device("cpu"), dtype=None, limit=limit)
        ]
        if any(batch is None for batch in found):
            raise ValueError(
                "The DataLoader's batches hold no input_ids or pixel_values. Give it a collate function "
                "that makes dicts of tensors (transformers.DataCollatorWithPadding), or pass its data set "
                "instead."
            )
    else:
        whole = None if isinstance(data, list) else _as_mapping(data)  # two of them are two batches
        many = data if isinstance(data, (list, tuple)) and whole is None else []
        found = [whole] if whole is not None else [_as_mapping(batch) for batch in many]
        if not found or any(batch is None for batch in found):
            return None
    return [batch for batch in found if batch is not None]


def completed(batch: Mapping[str, Any], number: int, loaded: Loaded, seed: int) -> Batch:
    """A ready batch of what the model takes, checked, with labels where a language model's batch has none.

    Raises
    ------
    ValueError
        It does not fit the task or the model.
    """
    if loaded.task == "sentence-embedding":
        if not {"a", "b"} <= set(batch):
            raise ValueError(
                'Batches of sentence-embedding are {"a": inputs, "b": inputs}, perhaps with "labels".'
            )
        for side in ("a", "b"):
            _check(batch[side], number, loaded.model)
        return dict(batch)
    known = inputs_of(loaded.model)
    made = {k: v for k, v in batch.items() if k in known and isinstance(v, torch.Tensor)}
    _check(made, number, loaded.model)
    if loaded.task in ("causal-lm", "masked-lm"):
        _check_token_labels(made, number, loaded.task)
    if loaded.task == "causal-lm":
        made = with_own_tokens(made)
    elif loaded.task == "masked-lm" and "labels" not in made:
        generator = torch.Generator().manual_seed(seed + number)
        made = with_masks(made, loaded.model, loaded.tokenizer(), generator)
    wanted = {"start_positions", "end_positions"} if loaded.task == "question-answering" else {"labels"}
    if missing := sorted(wanted - set(made)):
        raise ValueError(
            f"Batch {number} has no {missing[0]}, which {loaded.task} needs; it has {', '.join(batch)}."
        )
    if loaded.task == "seq2seq-lm" and "decoder_input_ids" not in made:
        made = with_decoder_inputs(made, loaded.model)
    if _counts_classes(loaded, made.get("labels")):
        check_classes(made["labels"], loaded.config)
    return made


def _counts_classes(loaded: Loaded, labels: torch.Tensor | None) -> bool:
    """Whether labels are numbers of classes."""
    if labels is None or not loaded.task.endswith("-classification"):
        return False
    single = "single_label_classification"
    return loaded.task == "token-classification" or problem_of(loaded.config, labels) == single


def token_rows(data: object, limit: int | None) -> list[Mapping[str, Any]] | None:
    """Rows with input_ids (a data set that went through a tokenizer), None if the data are something else."""
    if isinstance(data, (str, Mapping)) or not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
        return None
    count = len(data) if limit is None else min(limit, len(data))
    first = data[0] if count else None
    if not (isinstance(first, Mapping) and "input_ids" in first):
        return None
    return [data[number] for number in range(count)]


def padded_rows(rows: Sequence[Mapping[str, Any]], pad: int, task: Task) -> dict[str, Any]:
    """One batch of such rows: their lists padded on the right, their numbers side by side.

    The class of a text ("label") is no target of a language model.
    """
    classes = task.endswith("-classification")
    fill = {"input_ids": pad, "labels": IGNORED}
    batch: dict[str, Any] = {}
    for key, first in rows[0].items():
        values = [row[key] for row in rows]
        name = "labels" if key == "label" and classes else key
        if np.asarray(first).dtype.kind in "iubf":  # texts and names that lie beside are left out
            batch[name] = _stacked(values, fill.get(name, 0))
    if "attention_mask" not in batch:
        batch["attention_mask"] = padded([[1] * len(row["input_ids"]) for row in rows], 0)
    return batch


def _stacked(values: Sequence[Any], fill: int) -> torch.Tensor:
    """Numbers (B,), or lists of whole numbers padded to (B, T); lists of other numbers are of one length."""
    arrays = [np.asarray(value) for value in values]
    if arrays[0].ndim == 1 and arrays[0].dtype.kind in "iub":
        return padded([array.tolist() for array in arrays], fill)
    return torch.from_numpy(np.stack(arrays))


def _as_mapping(batch: object) -> Mapping[str, Any] | None:
    """A batch ``{"input_ids": …}``, ``(inputs, labels)``, ids or ``{"a": …, "b": …}`` as a dict, or None."""
    if isinstance(batch, Mapping):
        sides = [batch, batch.get("a")]
        for side in sides:
            if isinstance(side, Mapping):
                ids, pixels = side.get("input_ids"), side.get("pixel_values")
                if isinstance(ids, torch.Tensor) and ids.ndim == 2:
                    return batch
                if isinstance(pixels, torch.Tensor) and pixels.ndim == 4:
                    return batch
        return None
    return _of_tensors(batch)


def _of_tensors(batch: object) -> Mapping[str, Any] | None:
    """A batch of ids or pixels, alone or with labels, as a dict, or None."""
    parts = list(batch) if isinstance(batch, (tuple, list)) else [batch]
    inputs = parts[0] if parts else None
    if len(parts) == 2 and isinstance(parts[1], torch.Tensor) and parts[1].ndim:
        found = dict(inputs) if isinstance(inputs, Mapping) else _of_tensors(inputs)
        return None if found is None else _as_mapping({**found, "labels": parts[1]})
    if len(parts) != 1 or not isinstance(inputs, torch.Tensor):
        return None
    if inputs.ndim == 2:
        return {"input_ids": inputs}
    return {"pixel_values": inputs} if inputs.ndim == 4 else None


def _check(batch: Mapping[str, Any], number: int, model: Any) -> None:
    """Check a batch's token ids and pixels against the model."""
    if "pixel_values" in batch:
        check_pixels(batch["pixel_values"], model.config)
    for key in ("input_ids", "decoder_input_ids"):
        if key in batch:
            _check_ids(batch[key], number, model, key)


def _check_token_labels(batch: Mapping[str, Any], number: int, task: Task) -> None:
    ids, labels = batch["input_ids"], batch.get("labels")
    if labels is not None:
        _check_whole(labels, number, "labels")
    if labels is not None and labels.shape != ids.shape:
        raise ValueError(
            f"Batch {number} has labels of shape {tuple(labels.shape)} for input_ids of shape "
            f"{tuple(ids.shape)}; {task} needs a label for every token, or none."
        )


def _check_whole(ids: torch.Tensor, number: int, key: str) -> None:
    if ids.is_floating_point():
        raise ValueError(
            f"Batch {number} has {key} of {ids.dtype}; numbers of tokens are whole: pass {key}.long()."
        )


def _check_ids(ids: torch.Tensor, number: int, model: Any, key: str) -> None:
    _check_whole(ids, number, key)
    vocabulary, limit = vocabulary_of(model), positions(model)
    if ids.numel() and (int(ids.max()) >= vocabulary or int(ids.min()) < 0):
        bad = int(ids.max() if int(ids.max()) >= vocabulary else ids.min())
        raise ValueError(
            f"Batch {number} has the token id {bad} in {key}, but the model knows only {vocabulary} tokens: "
            "it was made with another model's tokenizer."
        )
    if limit is not None and ids.shape[1] > limit:
        raise ValueError(
            f"Batch {number} has {ids.shape[1]:,} tokens per text; the model reads at most {limit:,}. Cut "
            "them first."
        )
