"""What is drawn over the surface: training runs, a probe line with its profile, the map, saved pictures."""

from __future__ import annotations

import struct

import pytest
from playwright.sync_api import expect

from harness.notebook import SCREENSHOTS
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
    with opened(browser, jupyterlab, "overlays", NETWORK, RUNS, OWN) as notebook:
        notebook.execute("explorer.wait(60)")
        yield notebook


OWN = """
bent = [{k: v + 0.01 * t**2 for k, v in state.items()} for t, state in enumerate(run)]
plane = nbl.Subspace.trajectory(objective, bent)
own = nbl.explore(nbl.sample(objective, plane, points=9), height="460px")
own
"""


def test_checkpoints_of_a_path_are_read_and_selected_by_key(lab, request):
    widget = lab.widget(1)
    finished(widget)
    view = widget.get_by_role("group", name="Loss surface")
    tip = widget.locator(".nbl-tip")
    losses = lab.value("[objective.at(state).loss() for state in run]")
    with checked(lab, request.node.name):
        view.focus()
        for key, step in ((".", 0), (".", 1), (".", 2), (",", 1)):
            lab.page.keyboard.press(key)
            expect(tip).to_contain_text(f"<b>run</b>, step {step}")
        told = "<b>run</b>, step 1: loss "
        expect(widget.get_by_role("status").filter(has_text=told)).to_be_attached()
        own = tip.locator("div", has=lab.page.get_by_text("its own loss")).last.inner_text()
        assert number(own.splitlines()[-1]) == pytest.approx(losses[1], rel=1e-5)
        expect(tip).to_contain_text("off the plane by")
        lab.screenshot("path-point", widget)
        lab.page.keyboard.press("Enter")
        lab.until("explorer.selection['kind'] == 'point'")
        at = "np.frombuffer(explorer.paths['items'][0]['points'], '<f8').reshape(-1, 2)[1].tolist()"
        assert lab.value(f"explorer.selection['coordinates'] == {at}", after="import numpy as np")
        expect(widget.get_by_role("region", name="Selected point")).to_contain_text("its own loss")
        lab.page.keyboard.press("Escape")
        lab.until("explorer.selection['kind'] == 'none'")

        # The same in the map from above.
        lab.page.keyboard.press("m")
        lab.until("explorer.view.get('map') is True")
        # Escape has left the path: back from its start is its end, which two checkpoints share.
        lab.page.keyboard.press(",")
        expect(tip).to_contain_text("end")
        lab.page.keyboard.press(",")
        expect(tip).to_contain_text("<b>run</b>, step 10")
        lab.page.keyboard.press("Enter")
        lab.until("explorer.selection['kind'] == 'point'")
        lab.page.keyboard.press("Escape")
        lab.page.keyboard.press("m")
        lab.until("explorer.view['map'] is False and explorer.selection['kind'] == 'none'")


def test_a_landscape_over_a_trajectory_draws_its_path_and_a_click_selects_a_checkpoint(lab, request):
    widget = lab.widget(2)
    with checked(lab, request.node.name):
        legend = widget.get_by_role("list", name="Paths")
        expect(legend.get_by_role("listitem")).to_have_count(1)
        expect(legend).not_to_contain_text("loss")  # its checkpoints were not evaluated
        widget.get_by_role("group", name="Loss surface").focus()
        lab.page.keyboard.press(",")
        tip = widget.locator(".nbl-tip")
        expect(tip).to_contain_text("trajectory, step 10")
        rested(widget)
        place = tip.bounding_box()
        lab.screenshot("own-path", widget)
        # The tip stands 16 right and 14 below of what it is about, mirrored where there is no room.
        assert place is not None
        spots = [
            (x, y)
            for x in (place["x"] - 16, place["x"] + place["width"] + 14)
            for y in (place["y"] - 14, place["y"] + place["height"] + 12)
        ]
        box = surface_box(widget)
        for spot in spots:
            lab.page.mouse.move(box["x"] + 3, box["y"] + 3)
            lab.page.mouse.move(*spot)
            lab.page.wait_for_timeout(120)
            if tip.count() and "trajectory, step 10" in tip.inner_text():
                break
        else:
            pytest.fail(f"no checkpoint under the pointer at any of {spots}")
        lab.page.mouse.click(*spot)
        lab.until("own.selection['coordinates'] == list(plane.path[10])")


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
        expect(plot).to_contain_text("Click two points")
        box = surface_box(widget)
        for share in (0.42, 0.55):
            lab.page.mouse.click(box["x"] + share * box["width"], box["y"] + 0.42 * box["height"])
        expect(plot).to_contain_text("barrier")
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
        box = surface_box(widget)  # with the room that the plot had

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
        # The map, its contour lines as vectors, and on them what marks it.
        assert text.count("data:image/png;base64,") == 2
        lines = text[text.index("<g fill=") : text.index("</g>")]
        assert lines.count("<path d=") >= 4
        (SCREENSHOTS / "map.svg").write_text(text)
        lab.page.keyboard.press("Escape")
        view.focus()
        lab.page.keyboard.press("m")
        assert fingerprint(widget) != seen
