"""The explorer in a real JupyterLab: it draws known numbers, and clicks and sliders reach Python."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

HIMMELBLAU = """
import nblandscape as nbl

def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
"""
SHOW = """
explorer = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=65)
explorer
"""
# How many colours a view's canvas shows: a blank or a one-coloured canvas has few.
COLOURS = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  return new Set(new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size;
}"""


@pytest.fixture
def explorer(notebook):
    page = notebook(HIMMELBLAU, SHOW)
    page.run_all()
    page.execute("explorer.wait(60)")
    widget = page.widget(1)
    expect(widget.get_by_role("treeitem")).to_have_count(4)
    return page, widget


def test_the_surface_and_the_merge_tree_of_himmelblau_are_drawn(explorer):
    page, widget = explorer
    canvas = widget.get_by_role("img", name="4 minima")
    expect(canvas).to_be_visible()
    assert canvas.evaluate(COLOURS) > 200
    labels = " ".join(item.get_attribute("aria-label") for item in widget.get_by_role("treeitem").all())
    for persistence in ("104", "67.7", "13.4"):
        assert f"persistence {persistence}" in labels
    page.screenshot("explorer_himmelblau")


def test_a_slider_makes_the_kernel_compute_another_window(explorer):
    page, widget = explorer
    before = page.value("float(explorer.landscape.axes[0][-1])")
    name = widget.get_by_role("img", name="minima").get_attribute("aria-label")
    slider = widget.get_by_role("slider", name="Range", exact=True)
    slider.focus()
    for _ in range(5):
        slider.press("ArrowLeft")
    expect(widget.get_by_role("img", name="65 by 65")).not_to_have_attribute("aria-label", name)
    page.execute("explorer.wait(60)")
    after = page.value("float(explorer.landscape.axes[0][-1])")
    assert before == 5
    assert 0 < after < before
    assert page.value("explorer.spec['span']") == [after, after]
    assert page.value("list(explorer.landscape.values.shape)") == [65, 65]


def test_a_clicked_minimum_is_selected_in_python(explorer):
    page, widget = explorer
    assert page.value("explorer.selection['kind']") == "none"
    item = widget.get_by_role("treeitem", name="Minimum 1")
    item.click()
    expect(item).to_have_attribute("aria-selected", "true")
    page.until("explorer.selection['kind'] == 'minimum'")
    assert page.value("explorer.selection['loss']") == pytest.approx(
        page.value("float(explorer.landscape.values.min())"), rel=1e-5
    )


def test_both_themes_draw_and_tell_text_from_background(explorer):
    page, widget = explorer
    colours = []
    for dark in (False, True):
        page.theme(dark=dark)
        heading = widget.get_by_text("Merge tree", exact=True)
        colours.append(heading.evaluate("e => getComputedStyle(e).color"))
        assert widget.get_by_role("img", name="minima").evaluate(COLOURS) > 200
        page.screenshot(f"explorer_{'dark' if dark else 'light'}")
    page.theme(dark=False)
    assert colours[0] != colours[1]
