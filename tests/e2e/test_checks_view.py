"""What a surface is worth: critical points checked with the real loss, notes on the whole."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from harness.panel import EXPLORE, NETWORK, finished, marker_of
from harness.shared import checked, opened

HOLES = """
import numpy as np

axis = np.linspace(-2, 2, 33)
heights = (axis[:, None] ** 2 - 1) ** 2 + axis**2
heights[3:6, 4:9] = np.nan
damaged = nbl.explore(nbl.Landscape.from_array(heights, (axis, axis)))
damaged
"""
RESET = """
explorer.request(span=12.0, origin=0)
explorer.wait(60)
explorer.selection = {"kind": "none", "vertex": None, "coordinates": None, "loss": None}
"""


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    with opened(browser, jupyterlab, "checks", NETWORK, EXPLORE, HOLES) as notebook:
        notebook.execute("explorer.wait(60)")
        yield notebook


@pytest.fixture
def explorer(lab, request):
    widget = lab.widget(1)
    lab.execute(RESET)
    finished(widget)
    expect(check(widget)).to_have_count(0)
    with checked(lab, request.node.name):
        yield lab, widget


def leaf(widget, number):
    return widget.get_by_role("treeitem", name=re.compile(f"^Minimum {number}:"))


def check(widget):
    return widget.get_by_role("button", name="Check")


def said(widget):
    return widget.locator(".nbl-feature [aria-live=polite]")


def press_check(lab, widget):
    """Press the button; returns the verdict that Python gives of the selected point."""
    check(widget).click()
    verdict = lab.value("explorer.polish_selected().verdict")
    assert len(verdict) > 20
    expect(said(widget)).to_contain_text(verdict, timeout=60_000)
    return verdict


def test_a_clicked_minimum_is_checked_with_the_real_loss(explorer):
    lab, widget = explorer
    lab.page.mouse.click(*marker_of(widget, leaf(widget, 2), "Minimum 2 of"))
    lab.until("explorer.selection['kind'] == 'minimum'")
    expect(check(widget)).to_have_accessible_description(re.compile("full space of parameters"))
    verdict = press_check(lab, widget)
    assert "of the slice" in verdict
    expect(said(widget)).to_contain_text("cells from the vertex")
    expect(check(widget)).to_have_attribute("aria-disabled", "false")
    # Not of another point, and still there on the way back.
    leaf(widget, 1).focus()
    lab.page.keyboard.press("Enter")
    expect(said(widget)).to_be_empty()
    leaf(widget, 2).focus()
    lab.page.keyboard.press("Enter")
    expect(said(widget)).to_contain_text(verdict)


def test_a_saddle_is_checked_and_its_verdict_goes_with_the_surface(explorer):
    lab, widget = explorer
    leaf(widget, 3).focus()
    lab.page.keyboard.press("Enter")
    lab.page.keyboard.press("Enter")
    lab.until("explorer.selection['kind'] == 'saddle'")
    assert "saddle of the slice" in press_check(lab, widget)
    lab.execute("explorer.request(span=11.0)\nexplorer.wait(60)")
    finished(widget)
    expect(check(widget)).to_be_visible()
    expect(said(widget)).to_be_empty()


def test_both_themes_and_a_narrow_page_have_room_for_the_verdict(explorer):
    lab, widget = explorer
    leaf(widget, 2).focus()
    lab.page.keyboard.press("Enter")
    press_check(lab, widget)
    size = lab.page.viewport_size
    try:
        for dark in (False, True):
            lab.theme(dark=dark)
            lab.screenshot(f"check_{'dark' if dark else 'light'}", widget)
        lab.page.set_viewport_size({"width": 788, "height": 1000})
        said(widget).scroll_into_view_if_needed()
        whole, shown = said(widget).evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert whole <= shown
        lab.screenshot("check_narrow", widget)
    finally:
        lab.page.set_viewport_size(size)
        lab.theme(dark=False)


def test_a_minimum_becomes_the_origin_by_key_and_undo_leads_back(explorer):
    lab, widget = explorer
    leaf(widget, 2).focus()
    lab.page.keyboard.press("Enter")
    lab.until("explorer.selection['kind'] == 'minimum'")
    chosen = lab.value("explorer.selection")
    lab.execute("before = explorer.selected_state_dict(); first = explorer.eigenpairs")
    widget.locator(".nbl-surface-view").focus()
    lab.page.keyboard.press("o")
    line = widget.locator(".nbl-origin")
    expect(line).to_contain_text("Origin 1: minimum at")
    expect(line).to_contain_text("away")
    lab.until("explorer.surface['spec'].get('origin') == 1")
    finished(widget)
    assert lab.value("explorer.selection['kind']") == "none"
    same = "all(torch.equal(before[n], t) for n, t in explorer.state_dict_at((0.0, 0.0)).items())"
    assert lab.value(same)
    assert lab.value("explorer.landscape.origin_value") == pytest.approx(chosen["loss"], rel=1e-6)
    assert not lab.value("explorer.eigenpairs is first")
    lab.screenshot("origin", widget)
    lab.page.keyboard.press("Control+z")
    expect(line).to_contain_text("The model; 1 other origin")
    lab.until("explorer.surface['spec'].get('origin', 0) == 0 and explorer.status['phase'] == 'done'")
    assert lab.value("explorer.eigenpairs is first")
    assert lab.value("explorer.selection") == chosen
    lab.page.keyboard.press("Control+y")
    expect(line).to_contain_text("Origin 1: minimum at")
    widget.get_by_role("button", name="Back to the model").click()
    expect(line).to_contain_text("The model; 1 other origin")


def test_a_point_is_sent_to_python_and_the_page_says_how_to_use_it(explorer):
    lab, widget = explorer
    lab.execute("told = []; explorer.on_send(told.append)")
    leaf(widget, 2).focus()
    lab.page.keyboard.press("Enter")
    lab.page.keyboard.press("s")
    card = widget.locator(".nbl-details")
    expect(card.get_by_role("status")).to_contain_text("explorer.sent[0]")
    line = card.get_by_role("status").locator("pre").inner_text()
    same = f"all(torch.equal(a, b) for a, b in zip({line}.values(), explorer.selected_state_dict().values()))"
    assert lab.value(same)
    lab.until("len(told) == 1")
    assert lab.value("[t['label'] for t in told]")[0].startswith("Minimum 2")
    assert lab.value("told == explorer.sent")
    card.get_by_role("button", name="All details").click()
    expect(card).to_contain_text("from the model")
    lab.screenshot("details", widget)
    card.get_by_role("button", name="Code that loads").click()
    code = card.locator("pre").first.inner_text()
    lab.execute(
        f"import copy; user, model = model, copy.deepcopy(model)\nexec({code!r})\nloaded, model = model, user"
    )
    loaded = "all(torch.allclose(t, expected[n], atol=1e-5) for n, t in loaded.state_dict().items())"
    assert lab.value(loaded, after="expected = explorer.selected_state_dict()")
    card.get_by_role("button", name="Code that loads").click()
    card.get_by_role("button", name="All details").click()


def test_a_surface_with_holes_says_so_in_its_notes(lab, request):
    widget = lab.widget(2)
    concerns = lab.value("[str(concern) for concern in damaged.landscape.warnings()]")
    assert len(concerns) == 1
    with checked(lab, request.node.name):
        button = widget.get_by_role("button", name="1 note", exact=True)
        dialog = widget.get_by_role("dialog", name="Notes on this surface")
        button.click()
        expect(dialog.get_by_role("listitem")).to_have_text(concerns)
        lab.screenshot("notes", widget)
        button.click()
        expect(dialog).to_have_count(0)
        button.focus()
        lab.page.keyboard.press("Enter")
        expect(dialog).to_be_focused()
        lab.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(button).to_be_focused()
        button.press("Enter")
        widget.locator("h2").click()
        expect(dialog).to_have_count(0)


def test_an_eigenvalue_is_dragged_onto_an_axis_and_the_slice_judged(explorer):
    lab, widget = explorer
    stem, axis = widget.locator('[data-stem="3"]'), widget.locator('text[data-nbl-drop="y"]')
    stem.scroll_into_view_if_needed()
    (a, b), mouse = (stem.bounding_box(), axis.bounding_box()), lab.page.mouse
    before = lab.value("explorer.spec")
    mouse.move(a["x"] + a["width"] / 2, a["y"] + 12)
    mouse.down()
    mouse.move(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2, steps=6)
    expect(widget.locator(".nbl-drag-ghost")).to_be_visible()
    mouse.up()
    lab.until("explorer.spec['axes'] == [1, 3]")
    expect(widget.locator(".nbl-drag-ghost")).to_have_count(0)
    assert lab.value("explorer.spec['id']") == before["id"] + 1  # the press was no click as well
    lab.execute("explorer.wait(60)")
    widget.get_by_role("button", name="What can this slice show?").click()
    shown = widget.locator(".nbl-trust-verdict")
    expect(shown).to_contain_text("This slice shows a", timeout=60_000)
    widget.get_by_role("button", name="numbers", exact=True).click()
    expect(widget.get_by_role("dialog", name="What this slice can show")).to_contain_text("Frobenius")
    lab.page.keyboard.press("Escape")
    lab.page.keyboard.press("Control+z")
    lab.until("explorer.spec['axes'] == [1, 2]")
