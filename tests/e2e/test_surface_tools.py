"""What the surface is looked at with: the colour bar's handles, presets, the map on the floor; no WebGL."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from harness.panel import HIMMELBLAU, NO_WEBGL, colours, fingerprint, finished, rested
from harness.shared import checked, opened

EXPLORE = """
explorer = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=33)
explorer
"""


@pytest.fixture(params=["webgl", "flat"])
def explorer(browser, jupyterlab, request):
    before = () if request.param == "webgl" else (NO_WEBGL,)
    with opened(browser, jupyterlab, request.param, HIMMELBLAU, EXPLORE, scripts=before) as lab:
        lab.execute("explorer.wait(60)")
        finished(lab.widget(1))
        with checked(lab, request.node.name):
            yield lab, lab.widget(1), request.param


def test_the_surface_is_cut_brushed_and_turned(explorer):
    lab, widget, kind = explorer
    mouse, keys = lab.page.mouse, lab.page.keyboard
    view = widget.get_by_role("group", name="Loss surface")
    plain = rested(widget)
    assert colours(widget) > 100
    clip = widget.get_by_role("slider", name="Cut the surface off above this loss")
    box = clip.bounding_box()
    bar = widget.locator(".nbl-bar-colors").bounding_box()
    upright = bar["height"] > bar["width"]
    mouse.move(box["x"] + 12, box["y"] + 12)
    mouse.down()
    mouse.move(box["x"] + (12 if upright else -90), box["y"] + (110 if upright else 12), steps=4)
    mouse.up()
    lab.until("0 < (explorer.view.get('clip') or 1e9) < 500")
    expect(widget.locator(".nbl-bar-cut")).to_contain_text("cut above")
    cut = rested(widget)
    assert cut != plain
    middle = (bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    mouse.move(*middle)
    mouse.down()
    mouse.move(middle[0] + (0 if upright else 60), middle[1] + (-60 if upright else 0), steps=4)
    mouse.up()
    lab.until("(explorer.view.get('brush') or [0, 1e9])[1] <= explorer.view['clip']")
    expect(widget.locator(".nbl-bar-share")).to_contain_text("of the window")
    assert rested(widget) != cut
    lab.screenshot(f"cut_and_brushed_{kind}", widget)
    view.focus()
    keys.press("Escape")
    clip.press("Home")
    lab.until("explorer.view['clip'] is None and explorer.view['brush'] is None")
    widget.locator("h2").click()
    assert rested(widget) == plain
    if kind == "flat":
        view.focus()
        keys.press("b")
        lab.until("explorer.view.get('basin_map') is True")
        assert rested(widget) != plain
        return
    view.focus()
    keys.press("2")
    lab.until("abs(explorer.view['pitch'] - 1.5708) < 1e-3 and explorer.view['yaw'] == 0")
    above = rested(widget)
    keys.press("f")
    lab.until("explorer.view.get('floor') is True")
    keys.press("1")
    lab.until("explorer.view['pitch'] == 0.65")
    assert fingerprint(widget) != above
    lab.screenshot("floor", widget)
