"""What axe-core, a reader without motion and one with the system's own colours find in the explorer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from harness.axe import serious
from harness.panel import EXPLORE, NETWORK, colours, finished, rested
from harness.shared import checked, opened


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    with opened(browser, jupyterlab, "accessibility", NETWORK, EXPLORE) as notebook:
        notebook.execute("explorer.wait(60)")
        yield notebook


def test_axe_finds_nothing_serious_in_light_and_dark_with_a_popover_open(lab, request):
    widget = lab.widget(1)
    finished(widget)
    with checked(lab, request.node.name):
        found = {}
        for dark in (True, False):
            lab.theme(dark=dark)
            found["dark" if dark else "light"] = serious(widget)
        widget.get_by_role("button", name="Keys", exact=True).click()
        expect(widget.locator(".nbl-popover")).to_be_visible()
        found["popover"] = serious(widget)
        lab.page.keyboard.press("Escape")
        texts = [f"{where}: {text}" for where, all_of in found.items() for text in all_of]
        assert not texts, "\n".join(texts)
        # It does look into the shadow root.
        widget.locator(".nbl-status").evaluate("e => e.append(document.createElement('button'))")
        assert any("button-name" in text for text in serious(widget))
        widget.locator(".nbl-status").evaluate("e => e.lastChild.remove()")


# How many pictures the reader sees while the camera goes to a preset.
FLIGHT = """async view => {
  const root = view.getRootNode(), cube = () => root.querySelector("canvas");
  const small = new OffscreenCanvas(90, 60).getContext("2d", { willReadFrequently: true });
  const seen = new Set();
  view.dispatchEvent(new KeyboardEvent("keydown", { key: "2", bubbles: true, composed: true }));
  for (let k = 0; k < 40; k++) {
    await new Promise(requestAnimationFrame);
    small.clearRect(0, 0, 90, 60);
    small.drawImage(cube(), 0, 0, 90, 60);
    seen.add(small.getImageData(0, 0, 90, 60).data.reduce((h, v) => Math.imul(h ^ v, 16777619), 1));
  }
  return seen.size;
}"""
MOVING = """element => {
  const root = element.querySelector(".nblandscape-widget").shadowRoot;
  const test = document.createElement("span");
  test.className = "nbl-spinner";
  root.querySelector(".nbl").append(test);
  const moves = root.getAnimations().filter(one => one.effect.getKeyframes().some(k => "transform" in k));
  test.remove();
  return moves.length;
}"""


def test_without_motion_and_in_the_systems_colours_it_says_the_same(lab, request):
    widget = lab.widget(1)
    finished(widget)
    view = widget.get_by_role("group", name="Loss surface")
    page = lab.page
    with checked(lab, request.node.name):
        try:
            assert widget.evaluate(MOVING) == 1
            page.emulate_media(reduced_motion="reduce")
            assert widget.evaluate(MOVING) == 0
            before = rested(widget)
            # Two pictures of the new place: while it moves a surface is drawn coarser than at rest.
            assert view.evaluate(FLIGHT) <= 4
            assert rested(widget) != before

            page.emulate_media(reduced_motion="reduce", forced_colors="active")
            for dark in (True, False):
                page.emulate_media(forced_colors="active", color_scheme="dark" if dark else "light")
                rested(widget)
                assert colours(widget) > 200  # the colour of the loss is its meaning
                lab.screenshot(f"forced_{'dark' if dark else 'light'}", widget)
                assert serious(widget) == []
                scale = widget.get_by_role("group", name="Scale of the loss").get_by_role("button")
                looks = scale.evaluate_all(
                    "all => all.map(e => [e.ariaPressed, getComputedStyle(e).backgroundColor,"
                    " getComputedStyle(e).borderColor].join(' '))"
                )
                chosen, others = looks[0].removeprefix("true"), [t.removeprefix("false") for t in looks[1:]]
                assert chosen not in others, looks
        finally:
            page.emulate_media(reduced_motion="no-preference", forced_colors="none", color_scheme="light")
