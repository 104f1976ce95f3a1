"""A notebook with an embedded explorer, executed by nbconvert, and what must work in a page made of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from .browser import ROOT
from .notebook import write_notebook
from .panel import HIMMELBLAU, canvas, turn

HEIGHT = 620
EMBED = f"""
explorer = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=17)
explorer.embed(height={HEIGHT}, frames="sliders")
"""


def executed(path: Path, to: str, *options: str) -> None:
    """Write a notebook that embeds an explorer and shows another; let nbconvert execute and convert it."""
    write_notebook(path, (HIMMELBLAU, EMBED, "explorer"))
    command = [sys.executable, "-m", "nbconvert", "--to", to, "--execute", *options, path.name]
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NBLANDSCAPE_WAIT": "1"}
    subprocess.run(command, cwd=path.parent, env=os.environ | own, check=True, capture_output=True)


def embedded_lives(page: Page) -> None:
    """The explorer in the page's frame is drawn, turns, and shows another of its frames."""
    page.locator("iframe").scroll_into_view_if_needed()
    widget = page.frame_locator("iframe").locator("body")
    expect(widget.get_by_role("treeitem")).to_have_count(4)
    turn(widget)
    label = canvas(widget).get_attribute("aria-label")
    field = widget.get_by_role("textbox", name="Half-width along the first axis")
    field.fill("2.5")
    field.press("Enter")
    expect(canvas(widget)).not_to_have_attribute("aria-label", label or "")
    expect(widget.locator(".nbl-phase")).not_to_contain_text("nearest")
