"""How the panels share the room: splitters, panels alone and hidden, and what gives way on a narrow page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from harness.panel import finished, rested, surface_box
from harness.shared import checked, opened

SHOW = """
import copy, torch, nblandscape as nbl

torch.manual_seed(0)
model = torch.nn.Linear(3, 2)
x = torch.randn(60, 3)
objective = nbl.Objective(model, torch.nn.CrossEntropyLoss(), (x, (x[:, 0] > 0).long()))
start = copy.deepcopy(model.state_dict())
run = [{k: v * (0.5 + 0.05 * t) for k, v in start.items()} for t in range(11)]
explorer = nbl.explore(objective, points=17, paths={"a run": run, "a run with a longer name": run[::-1]})
explorer
"""


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    with opened(browser, jupyterlab, "layout", SHOW) as notebook:
        notebook.execute("explorer.wait(60)")
        yield notebook


def panel(widget, name):
    box = widget.locator(f"[data-panel={name}]").bounding_box()
    assert box is not None
    return box


def test_splitters_move_by_drag_and_key_and_keep_their_place_over_a_reload(lab, request):
    widget = lab.widget(0)
    finished(widget)
    with checked(lab, request.node.name):
        width = widget.get_by_role("separator", name="Width of topology and spectrum")
        height = widget.get_by_role("separator", name="Height of the topology")
        surface, topology = panel(widget, "surface"), panel(widget, "topology")

        bar = width.bounding_box()
        lab.page.mouse.move(bar["x"], bar["y"] + 60)
        lab.page.mouse.down()
        lab.page.mouse.move(bar["x"] - 80, bar["y"] + 60, steps=4)
        lab.page.mouse.up()
        assert panel(widget, "surface")["width"] == pytest.approx(surface["width"] - 80, abs=3)
        assert surface_box(widget)["width"] == pytest.approx(surface["width"] - 80, abs=3)

        height.focus()
        for _ in range(3):
            lab.page.keyboard.press("ArrowDown")
        grown = panel(widget, "topology")["height"] - topology["height"]
        whole = topology["height"] + panel(widget, "spectrum")["height"]
        assert grown == pytest.approx(3 * 0.02 * whole, rel=0.2)

        sizes = {name: panel(widget, name) for name in ("surface", "topology", "spectrum")}
        lab.until("set(explorer.view.get('panels', {})) >= {'side', 'split'}")
        lab.command("docmanager:save")
        lab.reload()
        widget = lab.widget(0)
        finished(widget)
        for name, before in sizes.items():
            after = panel(widget, name)
            for side in ("width", "height"):
                assert after[side] == pytest.approx(before[side], abs=2), (name, side)

        # The keys of the bar lead back to the sizes as designed.
        widget.get_by_role("separator", name="Width of topology and spectrum").press("Enter")
        widget.get_by_role("separator", name="Height of the topology").press("Enter")
        assert panel(widget, "surface")["width"] == pytest.approx(surface["width"], abs=2)
        assert panel(widget, "topology")["height"] == pytest.approx(topology["height"], abs=2)


def test_a_panel_alone_has_all_the_room_and_hidden_ones_come_back(lab, request):
    widget = lab.widget(0)
    finished(widget)
    with checked(lab, request.node.name):
        whole = surface_box(widget)["width"]
        widget.get_by_role("button", name="Only the topology").click()
        expect(widget.locator(".nbl-surface canvas")).to_have_count(0)
        assert panel(widget, "topology")["width"] > 1.3 * whole
        widget.get_by_role("button", name="All panels again").click()
        rested(widget)
        assert surface_box(widget)["width"] == whole

        widget.get_by_role("button", name="Panels", exact=True).click()
        menu = widget.get_by_role("dialog", name="Panels")
        for name in ("Topology", "Spectrum"):
            menu.get_by_role("checkbox", name=name).uncheck()
        # The last picture stays.
        expect(menu.get_by_role("checkbox", name="Surface")).to_be_disabled()
        lab.page.keyboard.press("Escape")
        assert surface_box(widget)["width"] > 1.3 * whole
        widget.get_by_role("button", name="Panels", exact=True).click()
        for name in ("Topology", "Spectrum"):
            menu.get_by_role("checkbox", name=name).check()
        lab.page.keyboard.press("Escape")
        assert surface_box(widget)["width"] == whole


# Whether what is seen in the middle of an element is the element itself.
ON_TOP = """element => {
  const { x, y, width, height } = element.getBoundingClientRect();
  return element.contains(element.getRootNode().elementFromPoint(x + width / 2, y + height / 2));
}"""


def test_on_a_narrow_page_and_a_projector_nothing_lies_on_the_surface(lab, request):
    widget = lab.widget(0)
    finished(widget)
    stage = widget.locator(".nbl-explorer")
    with checked(lab, request.node.name):
        try:
            widget.evaluate("e => { e.style.width = '420px'; }")
            widget.get_by_role("group", name="Loss surface").press("l")
            probe = widget.get_by_role("region", name="Loss along the probe line")
            expect(probe).to_contain_text("Click two points")
            lab.page.keyboard.press("Escape")  # keeps the line as it is
            expect(probe).to_contain_text("loss")
            lab.page.keyboard.press("n")
            lab.page.keyboard.press("Enter")
            for projector in (False, True):
                if projector:
                    lab.page.keyboard.press("Shift+P")
                    expect(stage).to_have_class("nbl nbl-explorer nbl-projector")
                rested(widget)
                picture = surface_box(widget)
                assert picture["height"] >= 260
                for below in (widget.get_by_role("list", name="Paths"), probe):
                    box = below.bounding_box()
                    assert box is not None
                    assert box["y"] >= picture["y"] + picture["height"] - 1
                # What is selected is a line, until it is opened.
                card = widget.get_by_role("region", name="Selected point")
                expect(card).to_contain_text("loss")
                assert card.bounding_box()["height"] < 0.16 * picture["height"]
                for tab in widget.get_by_role("tab").all():
                    tab.scroll_into_view_if_needed()
                    assert tab.evaluate(ON_TOP), tab.inner_text()
                lab.screenshot(f"narrow_{'projector' if projector else 'plain'}", stage)
                assert stage.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
        finally:
            widget.evaluate("e => { e.style.width = ''; }")
            lab.execute("explorer.view = {**explorer.view, 'projector': False, 'probe': None}")
