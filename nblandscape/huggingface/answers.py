"""Answers to questions: from characters of a context to its tokens."""

from collections.abc import Mapping, Sequence
from typing import Any

BEHIND = 2**40
"""Position of an answer that was cut off: behind every text, which the loss ignores."""


def answer_span(answer: Any, context: str, number: int) -> tuple[int, int] | None:
    """Characters of an answer in its context, None where there is none: text, (start, text), or SQuAD."""
    if isinstance(answer, Mapping):
        texts, starts = answer.get("text", []), answer.get("answer_start", [])
        if isinstance(texts, str):
            texts, starts = [texts], [starts]
        if len(texts) == 0:
            return None
        text, start = str(texts[0]), int(starts[0])
    elif isinstance(answer, (tuple, list)):
        if len(answer) == 0:
            return None
        start, text = int(answer[0]), str(answer[1])
    else:
        text = str(answer)
        start = context.find(text)
    if not text:
        return None
    if start < 0 or context[start : start + len(text)] != text:
        raise ValueError(f"Row {number}: the answer {text!r:.60} does not stand in the context at {start}.")
    return start, start + len(text)


def tokens_of(
    span: tuple[int, int], offsets: Sequence[tuple[int, int]], sides: Sequence[int | None]
) -> tuple[int, int]:
    """First and last token of characters in the second text; behind all if they were cut off."""
    places = [(n, *offsets[n]) for n, side in enumerate(sides) if side == 1]
    inside = [n for n, start, stop in places if stop > span[0] and start < span[1]]
    if not inside or places[-1][2] < span[1]:
        return BEHIND, BEHIND
    return inside[0], inside[-1]
