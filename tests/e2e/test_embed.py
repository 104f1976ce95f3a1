"""A page that nbconvert wrote: without a kernel and without the network, what was embedded is alive."""

from __future__ import annotations

import os
import subprocess
import sys

from playwright.sync_api import expect

from harness.browser import ROOT
from harness.notebook import write_notebook
from harness.panel import HIMMELBLAU, canvas, colours, rested, surface_box

EMBED = """
explorer = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=17)
explorer.embed(height=620, frames="sliders")
"""


def test_nbconvert_shows_what_is_embedded_and_the_picture_of_what_is_not(tmp_path, watched):
    write_notebook(tmp_path / "report.ipynb", (HIMMELBLAU, EMBED, "explorer"))
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "report.ipynb"]
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NBLANDSCAPE_WAIT": "1"}
    subprocess.run(command, cwd=tmp_path, env=os.environ | own, check=True, capture_output=True)
    # nbconvert's own page asks two machines for what shows formulas and widgets; neither is there.
    context, watch = watched("file:", "https://cdnjs.cloudflare.com/", "https://unpkg.com/@jupyter-widgets/")
    watch.noise.append("ERR_INTERNET_DISCONNECTED")
    context.set_offline(True)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    image = page.locator("img[src^='data:image/png']")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") > 400
    page.locator("iframe").scroll_into_view_if_needed()
    widget = page.frame_locator("iframe").locator("body")
    expect(widget.get_by_role("treeitem")).to_have_count(4)
    before = rested(widget)
    assert colours(widget) > 200
    height = page.frame_locator("iframe").locator("html").evaluate("e => [e.scrollHeight, innerHeight]")
    assert height[0] <= height[1] == 620, "it fills its frame and needs no scroll bar"
    box = surface_box(widget)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 70, y + 10, steps=4)
    page.mouse.up()
    page.mouse.move(1, 1)
    assert rested(widget) != before
    label = canvas(widget).get_attribute("aria-label")
    field = widget.get_by_role("textbox", name="Half-width along the first axis")
    field.fill("2.5")
    field.press("Enter")
    expect(canvas(widget)).not_to_have_attribute("aria-label", label)
    expect(widget.locator(".nbl-phase")).not_to_contain_text("nearest")
