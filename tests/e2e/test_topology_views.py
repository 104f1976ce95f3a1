"""The pictures of the topology in JupyterLab: chosen by click and key, linked with surface and kernel."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from harness.panel import drag_slider, finished, marker_of, rested
from harness.shared import checked, opened

RASTRIGIN = """
import numpy as np, nblandscape as nbl

axis = np.linspace(-2.2, 2.2, 65)
x, y = np.meshgrid(axis, axis, indexing="ij")
heights = 20 + x**2 + y**2 - 10 * np.cos(2 * np.pi * x) - 10 * np.cos(2 * np.pi * y) + 0.7 * x + 0.3 * y + 3
explorer = nbl.explore(nbl.Landscape.from_array(heights, (axis, axis)))
explorer
"""
ALONE = """
view = nbl.MergeTreeView(nbl.merge_tree(heights))
view
"""
RESET = """
explorer.request(threshold=0.0, scale="linear")
explorer.selection = {"kind": "none", "vertex": None, "coordinates": None, "loss": None}
"""
PLOTS = ("Merge tree", "Diagram", "Barcode", "Profile")


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    with opened(browser, jupyterlab, "topology_views", RASTRIGIN, ALONE) as notebook:
        yield notebook


@pytest.fixture
def explorer(lab, request):
    """The shared explorer with nothing selected, showing the merge tree."""
    widget = lab.widget(0)
    finished(widget)
    tab(widget, "Merge tree").click()
    basins = widget.get_by_role("button", name="Basins")
    if basins.get_attribute("aria-pressed") == "true":
        basins.click()
    lab.execute(RESET)
    lab.page.mouse.move(2, 2)
    with checked(lab, request.node.name):
        yield lab, widget


def tab(widget, name):
    return widget.get_by_role("tab", name=name)


def pair(widget, number):
    """The mark of a minimum in whatever picture is shown."""
    return widget.locator("[role=option], [role=treeitem]").and_(
        widget.get_by_label(re.compile(f"^Minimum {number}:"))
    )


def selected_vertex(lab, number):
    return lab.value(f"int(explorer.merge_tree.minima[{number - 1}])")


def test_the_pictures_are_chosen_by_click_and_by_key_and_the_choice_is_saved(explorer):
    lab, widget = explorer
    for name in PLOTS[1:]:
        tab(widget, name).click()
        expect(tab(widget, name)).to_have_attribute("aria-selected", "true")
        expect(widget.get_by_role("tabpanel")).to_be_visible()
        named = re.compile("of the surface|Landscape profile")
        expect(widget.get_by_role("listbox", name=named)).to_be_visible()
    lab.until("explorer.view.get('topology') == 'profile'")
    lab.page.keyboard.press("ArrowRight")
    expect(tab(widget, "Merge tree")).to_have_attribute("aria-selected", "true")
    expect(tab(widget, "Merge tree")).to_be_focused()
    lab.page.keyboard.press("ArrowRight")
    expect(widget.get_by_role("listbox", name="Persistence diagram")).to_be_visible()
    lab.until("explorer.view.get('topology') == 'diagram'")
    # Tab leads past the other tabs and the words of the headline into the picture.
    for _ in range(10):
        lab.page.keyboard.press("Tab")
        if pair(widget, 1).evaluate("e => e.getRootNode().activeElement === e"):
            break
    expect(pair(widget, 1)).to_be_focused()


def test_a_clicked_point_of_the_diagram_is_selected_in_kernel_surface_and_every_picture(explorer):
    lab, widget = explorer
    tab(widget, "Diagram").click()
    plain = rested(widget)
    box = pair(widget, 2).locator(".nbl-leaf").bounding_box()
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab.page.mouse.move(*at)
    # The surface's tip names the minimum at once, the diagram's the numbers of the pair.
    expect(widget.locator(".nbl-tip")).to_contain_text("Minimum 2 of")
    expect(widget.locator(".nbl-pair-tip")).to_contain_text("persistence")
    lab.page.mouse.click(*at)
    lab.until("explorer.selection['kind'] == 'minimum'")
    assert lab.value("explorer.selection['vertex']") == selected_vertex(lab, 2)
    lab.page.mouse.move(2, 2)
    assert rested(widget) != plain
    for name in PLOTS:
        tab(widget, name).click()
        expect(pair(widget, 2)).to_have_attribute("aria-selected", "true")
    # Clicked again: its saddle.
    tab(widget, "Diagram").click()
    lab.page.mouse.click(*at)
    lab.until("explorer.selection['kind'] == 'saddle'")


def test_a_click_on_the_surface_lights_the_pair_in_every_picture(explorer):
    lab, widget = explorer
    at = marker_of(widget, pair(widget, 2), "Minimum 2 of")
    for name in PLOTS[1:]:
        tab(widget, name).click()
        lab.page.mouse.move(*at)
        expect(pair(widget, 2)).to_have_class(re.compile("nbl-branch-hovered"))
        lab.page.mouse.click(*at)
        expect(pair(widget, 2)).to_have_attribute("aria-selected", "true")
        lab.until("explorer.selection['kind'] == 'minimum'")
        lab.page.wait_for_timeout(400)
        lab.page.mouse.click(*at)
        expect(pair(widget, 2)).to_have_attribute("aria-selected", "false")
        lab.page.wait_for_timeout(400)


def test_the_keyboard_alone_selects_in_every_picture(explorer):
    lab, widget = explorer
    for name in PLOTS[1:]:
        lab.execute(RESET)
        lab.until("explorer.selection['kind'] == 'none'")
        tab(widget, name).click()
        pair(widget, 1).focus()
        lab.page.keyboard.press("Home")
        lab.page.keyboard.press("ArrowRight")
        focused = widget.locator("[role=option]:focus")
        expect(focused).to_have_count(1)
        number = re.match(r"Minimum (\d+):", focused.get_attribute("aria-label")).group(1)
        lab.page.keyboard.press("Enter")
        lab.until("explorer.selection['kind'] == 'minimum'")
        assert lab.value("explorer.selection['vertex']") == selected_vertex(lab, int(number))


def test_the_slider_acts_on_every_picture(explorer):
    lab, widget = explorer
    slider = widget.get_by_role("slider", name="Persistence threshold")
    counts = {}
    for name in PLOTS:
        tab(widget, name).click()
        counts[name] = widget.locator("[role=option], [role=treeitem]").count()
    assert counts["Diagram"] == lab.value("len(explorer.merge_tree.minima)") > 20
    drag_slider(slider, 0, 0.965, 10)
    lab.page.mouse.move(2, 2)
    # The kernel sees the steps of the drag as well: its last one is what the page shows.
    wanted = widget.locator(".nbl-persistence-value input").input_value()
    lab.until(f"explorer.spec['threshold'] == float('{wanted}') > 0")
    left = lab.value("len(explorer.merge_tree.minima)")
    assert 1 < left < counts["Diagram"]
    for name in PLOTS:
        tab(widget, name).click()
        expect(widget.locator("[role=option], [role=treeitem]")).to_have_count(min(left, counts[name]))


def test_the_proposed_threshold_is_one_click_away_and_says_why(explorer):
    lab, widget = explorer
    lab.execute("explorer.request(threshold=5.0)")
    button = widget.get_by_role("button", name="Proposed")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(button).to_have_accessible_description(re.compile(re.escape(lab.value("explorer.tree['reason']"))))
    button.click()
    lab.until("explorer.spec['threshold'] == explorer.tree['proposed']")
    expect(button).to_have_attribute("aria-pressed", "true")
    left = lab.value("len(explorer.merge_tree.minima)")
    expect(widget.get_by_role("treeitem")).to_have_count(left)
    expect(widget.get_by_role("region", name="Merge tree")).to_contain_text(f"of {left}")


def test_the_profile_selects_the_basin_under_the_pointer(explorer):
    lab, widget = explorer
    tab(widget, "Profile").click()
    box = pair(widget, 1).locator(".nbl-leaf").bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab.until("explorer.selection['kind'] == 'minimum'")
    assert lab.value("explorer.selection['loss'] == float(explorer.landscape.values.min())") or lab.value(
        "explorer.selection['loss']"
    ) == pytest.approx(lab.value("float(explorer.landscape.values.min())"), rel=1e-6)


def test_the_basin_map_tints_the_surface_and_is_saved(explorer):
    lab, widget = explorer
    plain = rested(widget)
    button = widget.get_by_role("button", name="Basins")
    button.click()
    lab.page.mouse.move(2, 2)
    lab.until("explorer.view.get('basin_map') is True")
    tinted = rested(widget)
    assert tinted != plain
    widget.get_by_role("group", name="Loss surface").focus()
    lab.page.keyboard.press("b")
    expect(button).to_have_attribute("aria-pressed", "false")
    lab.page.mouse.move(2, 2)
    widget.locator("h2").click()
    assert rested(widget) == plain


def test_both_themes_draw_every_picture(explorer):
    lab, widget = explorer
    try:
        for dark in (False, True):
            lab.theme(dark=dark)
            for name in PLOTS:
                tab(widget, name).click()
                box = pair(widget, 1).bounding_box()
                assert min(box["width"], box["height"]) > 0
                lab.screenshot(f"topology_{name.split()[0].lower()}_{'dark' if dark else 'light'}", widget)
    finally:
        lab.theme(dark=False)


def test_a_tree_alone_has_the_pictures_that_need_no_surface(lab, request):
    with checked(lab, request.node.name):
        widget = lab.widget(1)
        expect(widget.get_by_role("tab")).to_have_text(["Merge tree", "Diagram", "Barcode"])
        for name, number in (("Diagram", 2), ("Barcode", 3)):
            tab(widget, name).click()
            pair(widget, number).focus()
            lab.page.keyboard.press("Enter")
            lab.until(f"view.selection['vertex'] == int(nbl.merge_tree(heights).minima[{number - 1}])")
        lab.until("view.view.get('topology') == 'barcode'")
        lab.screenshot("topology_alone", widget)
