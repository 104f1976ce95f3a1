"""One offline HTML file: bundle, state and a policy that forbids everything else."""

import base64
import gzip
import hashlib
import html
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nblandscape.widgets._bundle import script

_COMPRESS_FROM = 256  # bytes; below that gzip's header costs more than it saves
_BROKEN = "A loss landscape is drawn here. If this text stays, the file is damaged or JavaScript is off."
_THEMES = (None, "light", "dark")


class Page(str):
    """Text of an offline page; its `repr` is short.

    Attributes
    ----------
    size : int
        Bytes of the file.
    frames : int
        Views that the sliders can show.
    dropped : int
        Views that would have made the file larger than ``max_bytes``.
    heading : str

    Examples
    --------
    >>> Page("<p>é</p>", frames=1)
    Page(9 bytes, 1 view)
    """

    __slots__ = ("dropped", "frames", "heading", "size")

    size: int
    frames: int
    dropped: int
    heading: str

    def __new__(cls, text: str, *, heading: str = "", frames: int = 1, dropped: int = 0) -> "Page":
        page = super().__new__(cls, text)
        page.size, page.frames, page.dropped = len(text.encode()), frames, dropped
        page.heading = heading
        return page

    @property
    def message(self) -> str:
        """Size, and what the sliders can show, in words."""
        views = "1 view" if self.frames == 1 else f"{self.frames} views"
        left_out = f", {self.dropped} more left out" if self.dropped else ""
        return f"{in_words(self.size)}, {views}{left_out}"

    def __repr__(self) -> str:
        return f"Page({self.message})"


@dataclass(frozen=True)
class Around:
    """What a page shows beside the view: HTML whose texts are escaped already, and its style sheet."""

    above: str = ""
    below: str = ""
    styles: str = ""


def in_words(size: float) -> str:
    """Return a number of bytes as people write it.

    Examples
    --------
    >>> in_words(999), in_words(412_300), in_words(20e6)
    ('999 bytes', '412 kB', '20.0 MB')
    """
    if size < 1e3:
        return f"{size:.0f} bytes"
    return f"{size / 1e3:.0f} kB" if size < 999.5e3 else f"{size / 1e6:.1f} MB"


def html_page(
    state: Mapping[str, Any],
    *,
    title: str,
    max_bytes: float = 20e6,
    theme: str | None = None,
    around: Around = Around(),
) -> Page:
    """Build the page.

    Parameters
    ----------
    state : mapping
        Traits (js/src/model/protocol.ts); bytes become compressed base64. Of ``state["frames"]``, which
        stand in the order of their importance, the last ones are left out where `max_bytes` demands it.
    title : str
    max_bytes : float
    theme : {"light", "dark"}, optional
        By default the page follows the reader's system.
    around : Around
        What stands above and below the view. No script runs in it, and nothing is loaded for it.

    Raises
    ------
    ValueError
        Even without further frames the page is larger than `max_bytes`, or there is no such theme.
    """
    if theme not in _THEMES:
        raise ValueError(f'theme={theme!r}; use "light", "dark" or None, which follows the reader\'s system.')
    name = "standalone"
    if state.get("volume"):
        name = "volume_standalone"
    elif "surfaces" in state:
        name = "comparison_standalone"
    code = script(name).replace("</script", "<\\/script")
    frames = [_json(frame) for frame in state.get("frames") or []]
    rest = {key: value for key, value in state.items() if key != "frames"}
    before, after = _parts(code, _json({**rest, "frames": []}), title, theme, around)
    # Each frame and the comma that parts it from the one before; all of them are ASCII.
    room = max_bytes - len((before + after).encode())
    if room < 0:
        raise ValueError(
            f"The page has {in_words(max_bytes - room)} with one view alone, more than "
            f"max_bytes={in_words(max_bytes)}. Use fewer points, or raise max_bytes."
        )
    kept: list[str] = []
    for frame in frames:
        room -= len(frame) + (1 if kept else 0)
        if room < 0:
            break
        kept.append(frame)
    shown = max(len(kept), 1)  # without its frame the present view is still drawn
    dropped = max(len(frames) - shown, 0)
    page = Page(before + ",".join(kept) + after, heading=title, frames=shown, dropped=dropped)
    if page.dropped:
        warnings.warn(
            f"{page.dropped} of {len(frames)} views were left out, the last ones first, so that the page has "
            f"{in_words(page.size)}, at most max_bytes={in_words(max_bytes)}. Use fewer frames or points, or "
            "raise max_bytes.",
            stacklevel=3,
        )
    return page


def _parts(code: str, data: str, title: str, theme: str | None, around: Around) -> tuple[str, str]:
    """The page before and after its list of frames, which is still empty in `data`."""
    policy = f"default-src 'none'; script-src '{_digest(code)}'; img-src data: blob:"
    style = ""
    if around.styles:
        policy += f"; style-src '{_digest(around.styles)}'"
        style = f"<style>{around.styles}</style>\n"
    chosen = "" if theme is None else f' data-theme="{theme}"'
    empty = '"frames":['
    head, tail = data[: -len("]}")], "]}"
    if not head.endswith(empty):
        raise AssertionError("the list of frames is not the last part of the state")
    before = (
        "<!doctype html>\n"
        f'<html lang="en"{chosen}>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n{style}</head>\n<body>\n{around.above}"
        f'<div id="nblandscape"><p>{_BROKEN}</p></div>\n{around.below}'
        f'<script type="application/json" id="nblandscape-state">{head}'
    )
    return before, f"{tail}</script>\n<script>{code}</script>\n</body>\n</html>\n"


def _digest(text: str) -> str:
    """What a content security policy calls a script or a style sheet."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def write_page(page: Page, path: str | Path | None) -> Page:
    """Write the page, if a path is given, and return it."""
    if path is not None:
        write_whole(Path(path), page)
    return page


def write_whole(target: Path, text: str) -> Path:
    """Write a text beside its target and move it there: it is complete, or not there at all."""
    partial = target.with_name(target.name + ".part")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _json(value: Any) -> str:
    text = json.dumps(_encoded(value), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _encoded(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value)
        packed = gzip.compress(raw, mtime=0) if len(raw) >= _COMPRESS_FROM else raw
        smaller = len(packed) < len(raw)
        return {"$b": base64.b64encode(packed if smaller else raw).decode(), "gz": smaller}
    if isinstance(value, dict):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encoded(item) for item in value]
    return value
