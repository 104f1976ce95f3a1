"""Exported files: from the disk and in a sandboxed frame, alone, alive, and asking no one."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from harness.panel import NETWORK, canvas, colours, rested, turn

FRAMES = [
    {"span": 12.0},
    {"span": 6.0},
    {"span": 3.0},
    {"span": 12.0, "offset": {0: 4.0}},
    {"span": 12.0, "axes": (0, -1)},
]


@pytest.fixture(scope="module")
def page_text():
    """A page with frames, as `to_html` writes it."""
    torch.manual_seed(0)
    names: dict = {}
    exec(NETWORK, names)
    nbl = names["nbl"]
    explorer = nbl.explore(names["objective"], axes=(1, 2), span=12.0, points=17, wait=True)
    text = explorer.to_html(title="A <small> network", frames=FRAMES)
    explorer.close()
    return text


def half_width(widget):
    name = canvas(widget).get_attribute("aria-label")
    low, high = re.search(r"from (\S+) to (\S+) and", name).groups()
    assert low.replace("−", "-") == f"-{high}"
    return float(high)


def try_frames(widget):
    """The sliders show the nearest of the precomputed frames, and say so."""
    assert half_width(widget) == 12
    field = widget.get_by_role("textbox", name="Half-width along the first axis")
    field.fill("5.5")
    field.press("Enter")
    expect(widget.locator(".nbl-phase")).to_contain_text("nearest of 5 precomputed views")
    assert half_width(widget) == 6
    field.fill("3")
    field.press("Enter")
    expect(widget.locator(".nbl-phase")).not_to_contain_text("nearest")
    assert half_width(widget) == 3
    picture = rested(widget)
    widget.get_by_role("button", name="Undo").click()
    assert half_width(widget) == 6
    assert rested(widget) != picture


def test_from_the_disk_it_draws_turns_and_shows_its_frames(page_text, tmp_path, watched):
    path = tmp_path / "explorer.html"
    path.write_text(page_text, encoding="utf-8")
    context, watch = watched("file:")
    page = context.new_page()
    page.goto(path.as_uri())
    widget = page.locator("body")
    expect(widget.get_by_role("treeitem").first).to_be_visible()
    assert page.title() == "A <small> network"
    turn(widget)
    try_frames(widget)
    page.screenshot(path="build/screenshots/export.png")
    asked = {url for url in watch.requests if not url.startswith(("data:", "blob:"))}
    assert asked == {path.as_uri()}
    page.emulate_media(color_scheme="dark")
    rested(widget)
    assert colours(widget) > 200
    page.screenshot(path="build/screenshots/export_dark.png")


def test_in_a_sandboxed_frame_it_draws_turns_and_shows_its_frames(page_text, tmp_path, watched):
    outer = tmp_path / "outer.html"
    frame = '<iframe sandbox="allow-scripts" style="width:1200px;height:860px"'
    frame = f'{frame} srcdoc="{html.escape(page_text)}"></iframe>'
    outer.write_text(f"<!doctype html><title>outer</title>{frame}", encoding="utf-8")
    context, watch = watched("file:")
    page = context.new_page()
    page.goto(outer.as_uri())
    widget = page.frame_locator("iframe").locator("body")
    expect(widget.get_by_role("treeitem").first).to_be_visible()
    turn(widget)
    try_frames(widget)
    assert {url for url in watch.requests if not url.startswith(("data:", "blob:", "about:"))} == {
        outer.as_uri()
    }


def test_its_policy_lets_nothing_else_run(page_text, tmp_path, watched):
    """The watch that the tests above rely on: a page that breaks the policy is caught."""
    path = tmp_path / "broken.html"
    path.write_text(page_text.replace("</body>", "<script>window.ran = 1</script></body>"), encoding="utf-8")
    context, watch = watched("file:")
    page = context.new_page()
    page.goto(path.as_uri())
    expect(page.get_by_role("treeitem").first).to_be_visible()
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in problem for problem in watch.problems())
    watch.forget()


def test_an_export_of_an_array_has_one_view_and_says_why(tmp_path, watched):
    import nblandscape as nbl

    x, y = np.mgrid[-3:3:41j, -3:3:41j]
    with nbl.explore(np.sin(x) * np.cos(y) + 0.05 * (x**2 + y**2), title="waves") as explorer:
        explorer.to_html(tmp_path / "waves.html")
    context, _ = watched("file:")
    page = context.new_page()
    page.goto((tmp_path / "waves.html").as_uri())
    turn(page.locator("body"))
    expect(page.get_by_role("slider", name="Range")).to_have_count(0)
