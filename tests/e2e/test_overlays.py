"""What is drawn over the surface: training runs, a probe line with its profile, the map, saved pictures."""

from __future__ import annotations

import struct

import pytest
from playwright.sync_api import expect

from harness.panel import NETWORK, fingerprint, finished, number, rested, surface_box
from harness.shared import checked, opened

RUNS = """
import copy
start = copy.deepcopy(model.state_dict())
run = [{k: v * (0.5 + 0.05 * t) for k, v in start.items()} for t in range(11)]
paths = {"<b>run</b>": run, "end": run[-1]}
explorer = nbl.explore(objective, axes=(1, 2), span=12.0, points=33, paths=paths)
explorer
"""


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    with opened(browser, jupyterlab, "overlays", NETWORK, RUNS) as notebook:
        notebook.execute("explorer.wait(60)")
        yield notebook


def test_paths_probe_map_and_pictures(lab, request):
    widget = lab.widget(1)
    finished(widget)
    view = widget.get_by_role("group", name="Loss surface")
    with checked(lab, request.node.name):
        legend = widget.get_by_role("list", name="Paths")
        expect(legend.get_by_role("listitem")).to_have_count(2)
        expect(legend).to_contain_text("<b>run</b>")
        with_paths = rested(widget)
        widget.get_by_role("button", name="View", exact=True).click()
        widget.get_by_role("button", name="Paths", exact=True).click()
        expect(legend).to_have_count(0)
        without = rested(widget)
        assert without != with_paths

        view.focus()
        lab.page.keyboard.press("l")
        plot = widget.get_by_role("region", name="Loss along the probe line")
        expect(plot).to_contain_text("loss")
        box = surface_box(widget)
        for share in (0.42, 0.55):
            lab.page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.42 * box["height"])
        expect(widget.locator(".nbl-hint")).to_have_count(0)
        fields = plot.get_by_role("textbox")
        start = number(fields.nth(0).input_value())
        lab.until(f"abs((explorer.view.get('probe') or [[1e9]])[0][0] - {start}) < 1e-3 * abs({start})")
        fields.nth(2).fill("3.5")
        fields.nth(2).press("Enter")
        lab.until("explorer.view['probe'][1][0] == 3.5")
        place = plot.get_by_role("slider")
        place.focus()
        lab.page.keyboard.press("PageUp")
        expect(place).to_have_attribute("aria-valuenow", "10")
        lab.screenshot("probe", widget)
        plot.get_by_role("button", name="Remove the probe line").click()
        expect(plot).to_have_count(0)

        asked = lab.value("explorer.spec['id']")
        view.focus()
        lab.page.keyboard.press("m")
        lab.until("explorer.view.get('map') is True")
        seen = rested(widget)
        assert seen != without
        lab.page.keyboard.press("ArrowLeft")
        assert lab.value("explorer.spec['id']") == asked  # the kernel was not asked
        lab.screenshot("map", widget)
        widget.get_by_role("button", name="Save a picture").click()
        with lab.page.expect_download() as download:
            widget.get_by_role("button", name="PNG 2×").click()
        data = download.value.path().read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", data[16:24])
        assert abs(width - 2 * box["width"]) <= 2
        assert abs(height - 2 * box["height"]) <= 2
        assert len(data) > 20_000
        with lab.page.expect_download() as download:
            widget.get_by_role("button", name="SVG").click()
        text = download.value.path().read_text()
        assert text.startswith("<svg ")
        assert "data:image/png;base64," in text
        lab.page.keyboard.press("Escape")
        view.focus()
        lab.page.keyboard.press("m")
        assert fingerprint(widget) != seen
