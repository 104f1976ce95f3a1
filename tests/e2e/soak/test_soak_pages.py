"""axe-core over the other states: projector, narrow, popovers, an exported page, comparison, volume."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from harness.axe import serious
from harness.panel import EXPLORE, HIMMELBLAU, NETWORK, finished
from harness.shared import checked, opened

pytestmark = [pytest.mark.soak, pytest.mark.timeout(300)]

COMPARISON = """
import copy
other = copy.deepcopy(model)
with torch.no_grad():
    for p in other.parameters():
        p.add_(0.1 * torch.randn_like(p))
both = {"first": objective, "second <b>": nbl.Objective(other, loss, (x, y))}
compared = nbl.explore(both, span=6.0, points=17)
compared
"""
VOLUME = """
import numpy as np
axis = np.linspace(-2, 2, 17)
cube = (axis[:, None, None] ** 2 - 1) ** 2 + axis[None, :, None] ** 2 + axis**2
solid = nbl.explore(nbl.Landscape.from_array(cube, (axis, axis, axis)))
solid
"""


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    cells = (NETWORK, EXPLORE, COMPARISON, VOLUME)
    with opened(browser, jupyterlab, "axe_pages", *cells) as notebook:
        notebook.execute("explorer.wait(60)")
        yield notebook


def nothing_serious(part):
    found = serious(part)
    assert not found, "\n".join(found)


def test_axe_in_projector_mode_narrow_and_with_every_popover(lab):
    with checked(lab, "axe_projector"):
        widget = lab.widget(1)
        finished(widget)
        toggles = widget.locator(
            "[aria-haspopup=dialog], .nbl-toolbar [aria-expanded], .nbl-tools [aria-expanded]"
        )
        seen = 0
        for k in range(toggles.count()):
            if not toggles.nth(k).is_visible() or not toggles.nth(k).is_enabled():
                continue
            toggles.nth(k).click()
            seen += widget.locator(".nbl-popover").count()
            nothing_serious(widget)
            lab.page.keyboard.press("Escape")
        assert seen >= 3
        for tab in widget.get_by_role("tab").all():
            tab.click()
            nothing_serious(widget)
        widget.get_by_role("group", name="Loss surface").focus()
        lab.page.keyboard.press("Shift+P")
        expect(widget.locator(".nbl-projector")).to_be_visible()
        for dark in (True, False):
            lab.theme(dark=dark)
            nothing_serious(widget)
        lab.page.keyboard.press("Shift+P")
        size = lab.page.viewport_size
        lab.page.set_viewport_size({"width": 640, "height": 1000})
        nothing_serious(widget)
        lab.page.set_viewport_size(size)


@pytest.mark.parametrize("index", [2, 3], ids=["comparison", "volume"])
def test_axe_in_a_comparison_and_a_volume(lab, index):
    with checked(lab, f"axe_{index}"):
        widget = lab.widget(index)
        expect(widget.locator("canvas").first).to_be_visible(timeout=60_000)
        lab.page.wait_for_timeout(1500)
        for dark in (True, False):
            lab.theme(dark=dark)
            lab.screenshot(f"soak_axe_{index}_{'dark' if dark else 'light'}", widget)
            nothing_serious(widget)


def test_axe_in_an_exported_page(tmp_path, watched):
    names: dict = {}
    exec(HIMMELBLAU, names)
    explorer = names["nbl"].explore(names["himmelblau"], bounds=((-5, 5), (-5, 5)), points=17, wait=True)
    path = tmp_path / "page.html"
    path.write_text(explorer.to_html(title="A page"))
    explorer.close()
    context, _ = watched("file://")
    page = context.new_page()
    page.goto(path.as_uri())
    expect(page.locator("canvas").first).to_be_visible()
    page.wait_for_timeout(1000)
    nothing_serious(page.locator("html"))
