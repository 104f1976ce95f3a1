"""Texts to token ids: checked against the model, cut to its context or split, padded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from nblandscape.huggingface.anatomy import positions
from nblandscape.huggingface.tasks import IGNORED

Overflow = Literal["error", "truncate", "split"]
OVERFLOWS: tuple[Overflow, ...] = get_args(Overflow)
Encoding = dict[str, list[int]]  # of one sequence

_ENDLESS = 1_000_000  # tokenizers without a limit say 1e30


@dataclass(frozen=True)
class Encoder:
    """A tokenizer with the limits of its model.

    Attributes
    ----------
    room : int or None
        Tokens that fit into a sequence, None for any number.
    vocabulary : int
        Rows of the model's embedding.
    pad : int
        Id that fills a batch up; the attention mask hides it.
    token_types : bool
        Whether the model tells first and second texts apart.
    """

    tokenizer: Any
    room: int | None
    overflow: Overflow
    vocabulary: int
    pad: int
    token_types: bool

    def encode(self, texts: Sequence[Any], **options: Any) -> tuple[Any, list[Encoding]]:
        """The tokenizer's own result, and one encoding per text, cut if `overflow` is "truncate".

        Raises
        ------
        ValueError
            A text that is empty or too long, or a token that the model does not know.
        """
        for column in (texts, options.get("text_pair", texts)):
            check_texts(column)
        options.setdefault("truncation", self.overflow == "truncate" and self.room is not None)
        if options["truncation"]:
            options["max_length"] = self.room
        options["return_token_type_ids"] = self.token_types
        whole = self.tokenizer(list(texts), padding=False, verbose=False, **options)
        encodings = [self._one(whole, number) for number in range(len(texts))]
        for number, encoding in enumerate(encodings):
            self.check(encoding["input_ids"], number)
        return whole, encodings

    def lengths(self, texts: Sequence[Any], **options: Any) -> list[int]:
        """Number of tokens of the whole texts."""
        whole = self.tokenizer(list(texts), padding=False, verbose=False, truncation=False, **options)
        return [len(ids) for ids in whole["input_ids"]]

    def split(self, texts: Sequence[Any]) -> list[Encoding]:
        """Sequences that fit, each with the special tokens of a whole text.

        Without a token in front, a sequence begins with the last token of the one before: so every token but
        the text's first is predicted exactly once. What ends a text stands only at its end.
        """
        check_texts(texts)
        plain, whole = (
            self.tokenizer(list(texts), add_special_tokens=special, padding=False, verbose=False)["input_ids"]
            for special in (False, True)
        )
        found = []
        for number, (inner, full) in enumerate(zip(plain, whole, strict=True)):
            self.check(full, number, any_length=True)
            front, back = _around(inner, full)
            found += [{"input_ids": piece} for piece in pieces(inner, front, back, self.room)]
        if self.token_types:
            for encoding in found:
                encoding["token_type_ids"] = [0] * len(encoding["input_ids"])
        return found

    def check(self, ids: Sequence[int], number: int, *, any_length: bool = False) -> None:
        """Check one sequence against the model."""
        if self.room is not None and len(ids) > self.room and not any_length:
            raise ValueError(
                f"Text {number} has {len(ids):,} tokens; the model reads at most {self.room:,}. "
                'Use overflow="truncate" (or "split" for unlabelled texts), or shorter texts.'
            )
        if ids and max(ids) >= self.vocabulary:
            token = self.tokenizer.convert_ids_to_tokens(max(ids))
            raise ValueError(
                f"Token {token!r} (text {number}) has id {max(ids)}, but the model knows only "
                f"{self.vocabulary} tokens: the tokenizer belongs to another model. Pass the right "
                "tokenizer=, or resize the model's embeddings (model.resize_token_embeddings)."
            )

    def collate(self, encodings: Sequence[Encoding]) -> dict[str, torch.Tensor]:
        """One batch, padded on the right: so a causal model's real tokens do not notice it."""
        fill = {"input_ids": self.pad, "token_type_ids": 0, "labels": IGNORED}
        batch = {key: padded([e[key] for e in encodings], fill[key]) for key in encodings[0]}
        batch["attention_mask"] = padded([[1] * len(e["input_ids"]) for e in encodings], 0)
        return batch

    def special_ids(self) -> frozenset[int]:
        """Ids that carry no text."""
        return frozenset(self.tokenizer.all_special_ids)

    def _one(self, whole: Mapping[str, Any], number: int) -> Encoding:
        found = {"input_ids": list(whole["input_ids"][number])}
        if self.token_types:
            found["token_type_ids"] = list(whole["token_type_ids"][number])
        return found


def pieces(
    inner: Sequence[int], front: Sequence[int], back: Sequence[int], room: int | None
) -> list[list[int]]:
    """Cut a text's ids into sequences of at most `room` tokens.

    Examples
    --------
    >>> pieces([1, 2, 3, 4, 5], front=[], back=[9], room=4)
    [[1, 2, 3, 4], [4, 5, 9]]
    >>> pieces([1, 2, 3, 4, 5], front=[0], back=[], room=3)
    [[0, 1, 2], [0, 3, 4], [0, 5]]
    """
    if room is None or len(front) + len(inner) + len(back) <= room:
        return [[*front, *inner, *back]]
    overlap = 0 if front else 1
    size = room - len(front)
    if size <= max(overlap, len(back)):
        raise ValueError(f"max_length={room} leaves no room for text beside the special tokens.")
    body = [*inner, *back]
    found, start = [], 0
    while True:
        found.append([*front, *body[start : start + size]])
        if start + size >= len(body):
            return found
        start += size - overlap


def padded(rows: Sequence[Sequence[int]], fill: int) -> torch.Tensor:
    """Rows of unequal length to one tensor (B, T)."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows], dtype=torch.long)


def check_texts(texts: Sequence[Any]) -> None:
    """Check that every text is one and holds something.

    Raises
    ------
    TypeError
        Something that is no text.
    ValueError
        Texts that are empty.
    """
    for number, text in enumerate(texts):
        if not isinstance(text, (str, list, tuple)):
            raise TypeError(
                f"Text {number} is a {type(text).__name__} ({text!r:.60}); texts are strings. Token "
                'ids go into rows {"input_ids": …}.'
            )
    empty = [n for n, text in enumerate(texts) if not (text.strip() if isinstance(text, str) else text)]
    if len(empty) == len(texts):
        raise ValueError(f"All {len(texts)} texts are empty. Pass texts with words in them.")
    if empty:
        more = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
        raise ValueError(f"Text {empty[0]}{more} is empty. Leave empty texts out.")


def room_of(model: Any, tokenizer: Any, max_length: int | None) -> int | None:
    """Tokens that fit: what the user wants, at most what the model and its tokenizer can.

    Raises
    ------
    ValueError
        `max_length` is below 2 or above the model's context.
    """
    limits = [positions(model)]
    endless = getattr(tokenizer, "model_max_length", None)
    limits.append(endless if endless is not None and endless < _ENDLESS else None)
    known = [limit for limit in limits if limit is not None]
    if max_length is None:
        return min(known) if known else None
    if max_length < 2:
        raise ValueError(f"max_length={max_length}: a sequence needs at least 2 tokens.")
    if limits[0] is not None and max_length > limits[0]:
        raise ValueError(
            f"max_length={max_length} is more than the {limits[0]} tokens that the model can read."
        )
    return max_length


def pad_id(tokenizer: Any, config: Any, vocabulary: int) -> int:
    """Id for padding: the model's own (classifiers look for it), the tokenizer's, its end of text, or 0."""
    for found in (
        getattr(config.get_text_config(), "pad_token_id", None),
        getattr(tokenizer, "pad_token_id", None),
        getattr(tokenizer, "eos_token_id", None),
    ):
        if isinstance(found, int) and 0 <= found < vocabulary:
            return found
    return 0


def _around(inner: list[int], full: list[int]) -> tuple[list[int], list[int]]:
    """Special tokens in front of a text and behind it."""
    for start in range(len(full) - len(inner) + 1):
        if full[start : start + len(inner)] == inner:
            return full[:start], full[start + len(inner) :]
    raise ValueError(
        'This tokenizer encodes a text otherwise beside special tokens; use overflow="truncate".'
    )
