"""Labels of classifiers: numbers or names, checked against the model's configuration."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from nblandscape.huggingface.tasks import IGNORED


def class_labels(values: Sequence[Any], config: Any) -> torch.Tensor:
    """Labels of whole samples: (B,) integers, (B, L) numbers for several labels at once, (B,) for regression.

    Raises
    ------
    ValueError
        A label that is missing, unknown or out of range.
    """
    kind = getattr(config, "problem_type", None)
    number_of = int(config.num_labels)
    if kind is None:
        several = _is_list(values[0])
        kind = "regression" if number_of == 1 else "multi_label_classification" if several else "single"
    if kind == "regression":
        rows = [_numbers(value, number, number_of) for number, value in enumerate(values)]
        return (
            torch.tensor(rows, dtype=torch.float64).reshape(len(rows), -1).squeeze(1 if number_of == 1 else 0)
        )
    if kind == "multi_label_classification":
        return torch.tensor([_several(v, n, config) for n, v in enumerate(values)], dtype=torch.float64)
    return torch.tensor([class_of(value, number, config) for number, value in enumerate(values)])


def class_of(value: Any, number: int, config: Any, what: str = "Row") -> int:
    """One label as a class: by number, or by its name in ``config.label2id``.

    Raises
    ------
    ValueError
        It is missing, unknown or out of range.
    """
    value = value.item() if isinstance(value, (torch.Tensor, np.generic)) else value
    names = _names(config)
    if isinstance(value, str):
        if value in names:
            return int(names[value])
        if not value.lstrip("+-").isdigit():
            raise ValueError(
                f"{what} {number} has the label {value!r}; the configuration knows "
                f"{', '.join(list(names)[:8])}. Use these names, or numbers."
            )
    if value is None:
        raise ValueError(f"{what} {number} has no label. Pass labelled data, or another task.")
    if not isinstance(value, str) and int(value) != value:
        raise ValueError(f"{what} {number} has the label {value!r}; classes are whole numbers or names.")
    found = int(value)
    if not 0 <= found < config.num_labels:
        raise ValueError(
            f"{what} {number} has the label {found}, but the model has {config.num_labels} labels (0 to "
            f"{config.num_labels - 1}). Check the labels, or load the checkpoint that was trained on them."
        )
    return found


def check_classes(labels: torch.Tensor, config: Any) -> None:
    """Check the integer labels of ready batches; -100 is ignored.

    Raises
    ------
    ValueError
        One is out of range.
    """
    counted = labels[labels != IGNORED]
    bad = counted[(counted < 0) | (counted >= config.num_labels)]
    if len(bad):
        class_of(int(bad[0]), int((labels == bad[0]).nonzero()[0][0]), config)


def renumbering(data: Any, columns: Sequence[str], config: Any) -> list[int] | None:
    """The model's number of every class of a data set that numbers the same names in another order.

    None where the numbers agree, or where the names of either are unknown or others.
    """
    features = getattr(data, "features", None) or {}
    kinds = (features[column] for column in columns if column in features)
    named = next((k for k in (getattr(kind, "feature", kind) for kind in kinds) if hasattr(k, "names")), None)
    if named is None:
        return None
    known = {str(name).lower(): int(number) for name, number in _names(config).items()}
    found = [known.get(str(name).lower(), -1) for name in named.names]
    return found if sorted(found) == list(range(len(known))) and found != sorted(found) else None


def renumbered(value: Any, numbers: Sequence[int]) -> Any:
    """A label, or a list of them, by the model's numbers; -100 stays."""
    if _is_list(value):
        return [renumbered(part, numbers) for part in value]
    return numbers[int(value)] if 0 <= int(value) < len(numbers) else value


def _names(config: Any) -> dict[str, int]:
    """Classes by name; a configuration may have names without their inverse."""
    by_number = getattr(config, "id2label", None) or {}
    return getattr(config, "label2id", None) or {str(name): int(n) for n, name in by_number.items()}


def _several(value: Any, number: int, config: Any) -> list[float]:
    """One sample's labels as 0 and 1: from such a list, or from names."""
    parts = list(value) if _is_list(value) else [value]
    if all(isinstance(part, str) for part in parts):
        chosen = {class_of(part, number, config) for part in parts}
        return [float(label in chosen) for label in range(config.num_labels)]
    return _numbers(parts, number, int(config.num_labels))


def _numbers(value: Any, number: int, length: int) -> list[float]:
    parts = list(value) if _is_list(value) else [value]
    try:
        found = [float(part) for part in parts]
    except (TypeError, ValueError):
        raise ValueError(f"Row {number} has the label {value!r}; a number is needed.") from None
    if len(found) != length:
        raise ValueError(f"Row {number} has {len(found)} labels; the model has {length}.")
    return found


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, set)) or (
        isinstance(value, (np.ndarray, torch.Tensor)) and value.ndim > 0
    )
