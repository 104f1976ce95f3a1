"""The offline page in a frame of another page, where no widget can run."""

import html
import re

from nblandscape.widgets._export import Page

# The page's own margins: two of 12 and a pixel of rounding at either end.
_AROUND = 26
_LENGTH = re.compile(r"\d+(\.\d+)?(px|em|rem|vh|cm)")


class Embedded:
    """An offline page as the output of a cell: alive in what nbconvert, Quarto and MyST write.

    The frame is sandboxed: scripts run in it, and it reaches neither the page around it nor the network.

    Attributes
    ----------
    page : Page
    height : str
        CSS length of the frame.
    """

    def __init__(self, page: Page, height: str) -> None:
        self.page, self.height = page, height

    def _repr_html_(self) -> str:
        # No white space at the beginning of a line: Markdown would take it for code.
        title = html.escape(self.page.heading)
        return (
            f'<iframe class="nblandscape-embedded" sandbox="allow-scripts" title="{title}" '
            f'style="display:block;width:100%;height:{self.height};border:0" loading="lazy" '
            f'srcdoc="{html.escape(self.page)}"></iframe>'
        ).replace("\n", "&#10;")

    def __repr__(self) -> str:
        return f"Embedded({self.page.message})"


def css_height(height: str | float) -> str:
    """Check a height: a number of pixels, or a CSS length.

    Examples
    --------
    >>> css_height(600), css_height("80vh")
    ('600px', '80vh')
    """
    text = height if isinstance(height, str) else f"{height:g}px"
    if not _LENGTH.fullmatch(text):
        raise ValueError(f'height={height!r}; give pixels or a CSS length such as "600px" or "80vh".')
    return text


def height_around(height: str) -> str:
    """Height of a frame that holds a view of a height."""
    return f"calc({height} + {_AROUND}px)"


FILLING = f"calc(100vh - {_AROUND}px)"
"""Height of a view that fills its frame."""
