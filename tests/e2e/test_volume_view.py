"""A landscape of three dimensions in JupyterLab: level, slices and picking, linked with tree and kernel."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from harness.panel import (
    COUNT_CONTEXTS,
    colours,
    drag_slider,
    fingerprint,
    finished,
    rested,
    rows,
    surface_box,
)

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
