"""The options of `from_transformers`, which everything that begins with a Transformers model takes."""

import difflib
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypedDict, TypeVar, Unpack

import torch

from nblandscape.huggingface.rows import Columns
from nblandscape.huggingface.tasks import Metrics
from nblandscape.huggingface.text import Overflow
from nblandscape.parameters import ParameterFilter

P = ParamSpec("P")
T = TypeVar("T")


class ModelOptions(TypedDict, total=False):
    """Keyword arguments; `from_transformers` says what they mean."""

    task: str | None
    tokenizer: Any
    processor: Any
    parameters: ParameterFilter | None
    metrics: Metrics | Sequence[str] | None
    max_length: int | None
    overflow: Overflow
    batch_size: int
    limit: int | None
    revision: str | None
    trust_remote_code: bool
    local_files_only: bool | None
    text_column: Columns
    label_column: Columns
    batchnorm: str
    device: torch.device | str | None
    dtype: torch.dtype | None
    copy: bool
    products: str
    graph_bytes: int | None


class Options(ModelOptions, total=False):
    """With the seed, which is a parameter of its own where more is drawn than `from_transformers` draws."""

    seed: int


_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(Options.__annotations__),
    "overflow": "error",
    "batch_size": 8,
    "seed": 0,
    "trust_remote_code": False,
    "batchnorm": "eval",
    "copy": True,
    "products": "exact",
}


def takes_options(**other: Unpack[Options]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Complete a function's ``**options: Unpack[Options]``, and name each of them in its signature.

    Parameters
    ----------
    **other
        Defaults that differ from those of `from_transformers`.

    Returns
    -------
    callable
        A decorator. The decorated function raises TypeError for an option that does not exist.

    Examples
    --------
    >>> @takes_options(limit=64)
    ... def count(data, **options: Unpack[Options]):
    ...     return options["limit"], options["batch_size"]
    >>> count("notes.txt", batch_size=2)
    (64, 2)
    >>> count("notes.txt", batchsize=2)
    Traceback (most recent call last):
      ...
    TypeError: count() has no option batchsize=2; did you mean batch_size?
    """
    defaults = _DEFAULTS | other

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        bare = inspect.signature(function)
        own = [p for p in bare.parameters.values() if p.kind is not p.VAR_KEYWORD]
        named = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=kind)
            for name, kind in Options.__annotations__.items()
        ]
        known = {p.name for p in own} | defaults.keys()

        @functools.wraps(function)
        def complete(*args: P.args, **given: P.kwargs) -> T:
            for name in given.keys() - known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {close[0]}?" if close else f": it has {', '.join(sorted(known))}."
                raise TypeError(f"{function.__name__}() has no option {name}={given[name]!r}{hint}")
            return function(*args, **{**defaults, **given})  # type: ignore[arg-type]

        complete.__signature__ = bare.replace(parameters=[*own, *named])  # type: ignore[attr-defined]
        return complete

    return decorate


def refuse_beside_objective(options: Options, **other: Unpack[Options]) -> None:
    """Options make an objective; beside one only the seed means something. `other`: defaults, as above.

    Raises
    ------
    TypeError
        One was given.
    """
    for name, value in options.items():
        if name != "seed" and value != (_DEFAULTS | other)[name]:
            raise TypeError(f"{name}={value!r}: an objective was made with its own; leave it out.")
