"""A landscape of three dimensions in JupyterLab: level, slices and picking, linked with tree and kernel."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from harness.panel import (
    COUNT_CONTEXTS,
    NO_WEBGL,
    colours,
    drag_slider,
    fingerprint,
    finished,
    rested,
    rows,
    surface_box,
)
from harness.shared import checked, opened

WELLS = """
import numpy as np, nblandscape as nbl

axis = np.linspace(-1.8, 1.8, 33)
x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
losses = (x**2 - 1) ** 2 + (y**2 - 1) ** 2 + 0.8 * z**2 + 0.12 * x + 0.07 * y + 0.6
volume = nbl.Landscape.from_array(losses, (axis, axis, axis), ("x", "y", "z"))
explorer = nbl.explore(volume)
explorer
"""


def test_level_slice_and_click_in_one_volume(notebook):
    lab = notebook(WELLS)
    lab.page.evaluate(COUNT_CONTEXTS)
    lab.run(0)
    widget = lab.widget(0)
    finished(widget)
    level = widget.get_by_role("slider", name="Level of the isosurface")
    expect(widget.locator(".nbl-volume-says")).to_contain_text("4 parts")
    apart = fingerprint(widget)
    assert colours(widget) > 200

    # The level passes the saddles: the parts merge, and the kernel knows the level.
    drag_slider(level, 0.2, 0.6, 8)
    expect(widget.locator(".nbl-volume-says")).to_contain_text("1 part ")
    lab.until("explorer.view.get('volume', {}).get('level', 0) > 2")
    assert fingerprint(widget) != apart

    # A minimum that is clicked in the tree has three coordinates.
    widget.get_by_role("treeitem", name=re.compile("^Minimum 2:")).locator(".nbl-leaf").click()
    lab.until("explorer.selection['kind'] == 'minimum'")
    chosen = lab.value("explorer.selection['coordinates']")
    assert chosen == lab.value("list(volume.coordinates(int(explorer.merge_tree.minima[1])))")
    assert rows(widget.locator(".nbl-readout"))["z"] == pytest.approx(chosen[2], abs=1e-4)

    # Where a slice is clicked, its trilinear value is selected.
    widget.get_by_role("checkbox", name="z").check()
    drag_slider(level, 0.6, 0.02, 4)
    lab.until("explorer.view['volume'].get('slices', [None] * 3)[2] is not None")
    box = surface_box(widget)
    lab.page.mouse.click(box["x"] + 0.45 * box["width"], box["y"] + 0.62 * box["height"])
    lab.until("explorer.selection['kind'] == 'point'")
    point = lab.value("[*explorer.selection['coordinates'], explorer.selection['loss']]")
    assert point[2] == pytest.approx(lab.value("explorer.view['volume']['slices'][2]"))
    expected = lab.value(
        "float(RegularGridInterpolator(volume.axes, volume.values)(explorer.selection['coordinates'])[0])",
        after="from scipy.interpolate import RegularGridInterpolator",
    )
    assert point[3] == pytest.approx(expected, abs=1e-4)
    assert np.abs(point[:2]).max() < 1.8

    # The slice is dragged by its edge, where the pointer says so.
    canvas = widget.locator(".nbl-surface-view canvas")
    x, y = box["x"] + 0.45 * box["width"], box["y"] + 0.98 * box["height"]
    while canvas.evaluate("c => c.style.cursor") != "move" and y > box["y"]:
        y -= 3
        lab.page.mouse.move(x, y)
        lab.page.wait_for_timeout(40)
    lab.page.mouse.down()
    lab.page.mouse.move(x, y - 30, steps=4)
    lab.page.mouse.up()
    lab.until(f"explorer.view['volume']['slices'][2] > {point[2]} + 0.1")
    assert lab.value("explorer.selection['coordinates']") == point[:3]

    # A lost context comes back with the same picture.
    before = rested(widget)
    lab.page.evaluate(
        """async () => {
          const alive = window.nblContexts.filter(c => !c.isContextLost());
          for (const context of alive) {
            const lose = context.getExtension("WEBGL_lose_context");
            lose.loseContext();
            await new Promise(done => setTimeout(done, 100));
            lose.restoreContext();
          }
        }"""
    )
    lab.page.wait_for_timeout(400)
    assert rested(widget) == before
    lab.screenshot("volume", widget)


def test_by_keys_alone_and_again_from_the_saved_file(notebook):
    lab = notebook(WELLS)
    lab.run(0)
    widget = lab.widget(0)
    finished(widget)
    press = lab.page.keyboard.press
    volume = widget.get_by_role("group", name="Loss volume")
    volume.focus()
    for key, holds in (
        ("ArrowLeft", "explorer.view['yaw'] != 0.65"),
        ("Shift+ArrowLeft", "explorer.view['pan'] != [0, 0]"),
        ("+", "explorer.view['zoom'] > 1"),
        ("Home", "explorer.view['zoom'] == 1 and explorer.view['pan'] == [0, 0]"),
        ("PageUp", "1.3 < explorer.view.get('volume', {}).get('level', 0) < 1.4"),
        ("Shift+PageUp", "explorer.view['volume']['level'] > 1.47"),
        ("l", "explorer.view['volume'].get('second') is not None"),
        ("3", "explorer.view['volume'].get('slices') == [None, None, 0]"),
        (".", "explorer.view['volume']['slices'][2] > 0"),
    ):
        press(key)
        lab.until(holds)
    press("n")
    expect(widget.locator(".nbl-tip-head")).to_contain_text("Minimum 1 of 4")
    press("Enter")
    lab.until("explorer.selection['kind'] == 'minimum'")
    press("Escape")
    lab.until("explorer.selection['kind'] == 'none'")
    # A slider ends where its axis does.
    widget.get_by_role("slider", name="Slice across z").focus()
    press("End")
    lab.until("explorer.view['volume']['slices'][2] == 1.8")
    # A look at the losses is undone by key wherever the focus is.
    widget.get_by_role("button", name="log", exact=True).press("Enter")
    lab.until("explorer.spec['scale'] == 'log'")
    volume.focus()
    press("Control+z")
    lab.until("explorer.spec['scale'] == 'linear'")
    lab.page.wait_for_timeout(400)
    picture = rested(widget)
    lab.save(widget_state=True)
    lab.reopen()
    assert lab.value("'explorer' in globals()") is False
    widget = lab.widget(0)
    lab.page.mouse.move(2, 2)
    assert rested(widget) == picture
    widget.get_by_role("group", name="Loss volume").focus()
    for key in ("ArrowLeft", "PageDown", "1"):
        press(key)
        before, picture = picture, rested(widget)
        assert picture != before, f"{key} does nothing without a kernel"


RAMP = """
import numpy as np, nblandscape as nbl
axis = np.linspace(-1, 1, 33)
x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
ramp = np.where((x < 0) & (y < 0), np.nan, 0.001 * y - x)
landscape = nbl.Landscape.from_array(ramp, (axis, axis, axis))
view = nbl.VolumeView(landscape, level=-0.4, slices=(None, None, 0.0))
view
"""
WHITE = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let white = 0;
  for (let k = 0; k < data.length; k += 4)
    if (data[k] > 250 && data[k + 1] > 250 && data[k + 2] > 250 && data[k + 3] === 255) white++;
  return white;
}"""


def test_the_edge_of_a_hole_is_no_line_of_the_level(browser, jupyterlab, request):
    with opened(browser, jupyterlab, "volume_hole", RAMP) as lab, checked(lab, request.node.name):
        widget = lab.widget(0)
        rested(widget)
        canvas = widget.locator("canvas")
        around = canvas.evaluate(WHITE)
        # Its isosurface hides the line of the level, so what is white are the rims of the markers.
        lab.execute("view.view = {**view.view, 'volume': {'level': -9.0, 'slices': [None, None, 0.0]}}")
        lab.page.wait_for_timeout(600)
        rested(widget)
        assert abs(around - canvas.evaluate(WHITE)) < 10
        lab.screenshot("volume_hole", widget)


def test_without_webgl_the_maps_follow_keys_and_selection(browser, jupyterlab, request):
    with opened(browser, jupyterlab, "volume_flat", WELLS, scripts=[NO_WEBGL]) as lab:
        widget = lab.widget(0)
        finished(widget)
        with checked(lab, request.node.name):
            expect(widget.get_by_text("this browser offers no WebGL2")).to_be_visible()
            plain = rested(widget)
            widget.get_by_role("group", name="Loss volume").focus()
            for _ in range(4):
                lab.page.keyboard.press("n")
            expect(widget.locator(".nbl-tip-head")).to_contain_text("Minimum 4 of 4")
            assert rested(widget) != plain, "nothing shows what the key has reached"
            lab.page.keyboard.press("Enter")
            lab.until("explorer.selection['kind'] == 'minimum'")
            expect(widget.locator(".nbl-readout")).to_contain_text("Minimum 4 of 4")
            # The planes go through it: the map at the lower left is one of its first coordinate.
            box = surface_box(widget)
            lab.page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.7 * box["height"])
            expect(widget.locator(".nbl-tip")).to_contain_text("On the slice")
            chosen = lab.value("explorer.selection['coordinates'][0]")
            assert rows(widget.locator(".nbl-tip"))["x"] == pytest.approx(chosen, abs=1e-3)
            lab.screenshot("volume_flat", widget)
