"""Which parameters of a model are analysed."""

import difflib
import fnmatch
import re
from collections.abc import Callable, Sequence

from torch import nn

ParameterFilter = Sequence[str] | str | re.Pattern[str] | Callable[[str, nn.Parameter], bool]


def select_parameters(model: nn.Module, wanted: ParameterFilter | None) -> dict[str, nn.Parameter]:
    """Parameters of `model` chosen by names, glob, regex or a function; frozen ones only on request.

    Raises
    ------
    ValueError
        Nothing matches, or a name is unknown.
    """
    named = dict(model.named_parameters())
    if wanted is None:
        chosen = {name: p for name, p in named.items() if p.requires_grad}
        if not chosen:
            raise ValueError(
                f"No parameter of {type(model).__name__} requires a gradient. "
                "Unfreeze some, or name them with parameters=."
            )
    elif isinstance(wanted, re.Pattern):
        chosen = {name: p for name, p in named.items() if wanted.search(name)}
    elif isinstance(wanted, str):
        chosen = {name: p for name, p in named.items() if fnmatch.fnmatchcase(name, wanted)}
    elif callable(wanted):
        chosen = {name: p for name, p in named.items() if wanted(name, p)}
    else:
        unknown = [name for name in wanted if name not in named]
        if unknown:
            close = difflib.get_close_matches(unknown[0], named, n=3) or list(named)[:3]
            raise ValueError(f"Unknown parameter names {unknown}. Close: {close}.")
        chosen = {name: p for name, p in named.items() if name in set(wanted)}
    if not chosen:
        raise ValueError(f"parameters={wanted!r} matches none of {list(named)[:8]}.")
    for name, parameter in chosen.items():
        if not (parameter.is_floating_point() or parameter.is_complex()):
            raise ValueError(f"Parameter {name} has dtype {parameter.dtype}, which has no gradient.")
    return chosen
