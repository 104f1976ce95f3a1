"""Messages of the package in the words of its command line: keyword arguments become flags."""

import argparse
import re
import shlex
from collections.abc import Mapping

_VALUE = r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[\w+-]+(?:\.\w+)*)|(?P<pair>\([^()]*\)))?"""


def in_flags(text: str, parser: argparse.ArgumentParser, others: Mapping[str, str]) -> str:
    """Write the keyword arguments in a text as the flags that set them.

    Parameters
    ----------
    text : str
    parser : argparse.ArgumentParser
        Of the command. What it has no flag for stays as it is.
    others : mapping of keyword, or of keyword=value, to flag
        Keywords that are not the name of what their flag sets.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--batch-size"), parser.add_argument("--quiet", action="store_true")
    >>> in_flags('batch_size=0: use layer="*.mlp", quiet=True or batch_size=.', parser, {"layer": "--only"})
    "--batch-size 0: use --only '*.mlp', --quiet or --batch-size."
    """
    for phrase in filter(lambda phrase: "=" in phrase, others):
        text = text.replace(phrase, others[phrase])
    flags, switches = dict(others), set()
    for action in parser._actions:
        if action.option_strings and action.dest not in flags:
            flags[action.dest] = action.option_strings[0]
            if action.nargs == 0:
                switches.add(action.dest)

    def written(match: re.Match[str]) -> str:
        name = match["name"]
        value = next((v for v in match.group("double", "single", "bare") if v is not None), None)
        if name in switches or value == "None":
            return f"without {flags[name]}" if value in ("False", "None") else flags[name]
        if match["pair"]:
            return f"{flags[name]} {match['pair']}"
        return flags[name] if value is None else f"{flags[name]} {shlex.quote(value.removeprefix('torch.'))}"

    names = "|".join(sorted(map(re.escape, flags), key=len, reverse=True))
    found = re.sub(rf"(?<![\w.-])(?P<name>{names})={_VALUE}", written, text)
    return re.sub(r"(--\S+ \S+)(?:,| and) \1(?![\w.])", r"\1", found)  # one flag sets both ends
