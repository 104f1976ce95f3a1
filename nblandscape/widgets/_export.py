"""One offline HTML file: bundle, state and a policy that forbids everything else."""

import base64
import gzip
import hashlib
import html
import json
from pathlib import Path
from typing import Any

from nblandscape.widgets._bundle import script

_COMPRESS_FROM = 256  # bytes; below that gzip's header costs more than it saves


def html_page(state: dict[str, Any], *, title: str, max_bytes: float = 20e6) -> str:
    """Build the page.

    Parameters
    ----------
    state : dict
        Traits (js/src/model/protocol.ts); bytes become compressed base64.
    title : str
    max_bytes : float

    Raises
    ------
    ValueError
        The page is larger than `max_bytes`.
    """
    name = "standalone"
    if state.get("volume"):
        name = "volume_standalone"
    elif "surfaces" in state:
        name = "comparison_standalone"
    code = script(name).replace("</script", "<\\/script")
    data = json.dumps(_encoded(state), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{digest}'; img-src data: blob:"
    page = (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n</head>\n<body>\n"
        '<div id="nblandscape"></div>\n'
        f'<script type="application/json" id="nblandscape-state">{data}</script>\n'
        f"<script>{code}</script>\n</body>\n</html>\n"
    )
    if len(page.encode()) > max_bytes:
        raise ValueError(
            f"The page has {len(page.encode()) / 1e6:.1f} MB, more than max_bytes={max_bytes / 1e6:.1f} MB. "
            "Use fewer frames or points, or raise max_bytes."
        )
    return page


def write_page(page: str, path: str | Path | None) -> str:
    """Write the page, if a path is given, and return it."""
    if path is not None:
        Path(path).write_text(page, encoding="utf-8")
    return page


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
