"""Computations as generators: they pause between steps and return their result at the end."""

from collections.abc import Callable, Generator
from typing import Any, TypeVar

Result = TypeVar("Result")


def returned(steps: Generator[Any, None, Result], each: Callable[[int], object] | None = None) -> Result:
    """Run all steps and return the result; `each` is called after every step, with how many there were.

    Examples
    --------
    >>> def halves():
    ...     yield 0.5
    ...     return "done"
    >>> returned(halves())
    'done'
    """
    count = 0
    while True:
        try:
            next(steps)
            count += 1
            if each is not None:
                each(count)
        except StopIteration as end:
            result: Result = end.value
            return result
