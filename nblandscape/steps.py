"""Computations as generators: they pause between steps and return their result at the end."""

from collections.abc import Generator
from typing import Any, TypeVar

Result = TypeVar("Result")


def returned(steps: Generator[Any, None, Result]) -> Result:
    """Run all steps and return the result.

    Examples
    --------
    >>> def halves():
    ...     yield 0.5
    ...     return "done"
    >>> returned(halves())
    'done'
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
