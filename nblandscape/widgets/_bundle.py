"""The built front end, read once as text."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"


@cache
def script(name: str) -> str:
    """Text of ``static/<name>.js``.

    Text, not a path: with a path anywidget watches the file and never frees the widget.

    Raises
    ------
    FileNotFoundError
        The front end was not built; says how to build it.
    """
    path = _FOLDER / f"{name}.js"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is missing: the front end was not built. In a checkout run `python dev.py setup` "
            "(or `npm ci && npm run build` in js/); otherwise reinstall nblandscape."
        ) from None
