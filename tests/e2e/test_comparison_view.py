"""Several landscapes in one view: one scale, one place to look from."""

from __future__ import annotations

from playwright.sync_api import expect

from harness.panel import PIXELS, drag_slider
from harness.shared import checked, opened

TWO = """
import nblandscape as nbl
both = nbl.explore({"bowl": lambda x, y: x**2 + y**2, "<i>steep</i>": lambda x, y: 9 * x**2 + y**2 + 5},
                   bounds=((-1, 1), (-1, 1)), points=33)
both
"""


def test_two_functions_turn_together_on_one_scale(browser, jupyterlab, request):
    with opened(browser, jupyterlab, "comparison", TWO) as lab:
        lab.execute("both.wait(60)")
        widget = lab.widget(0)
        with checked(lab, request.node.name):
            cards = widget.get_by_role("article")
            expect(cards).to_have_count(2)
            expect(cards.nth(1)).to_contain_text("<i>steep</i>")
            for card in cards.all():
                expect(card.locator(".nbl-bar-tick").last).to_have_text("14")
            canvases = [card.locator("canvas") for card in cards.all()]
            before = [canvas.evaluate(PIXELS)[0] for canvas in canvases]
            box = canvases[0].bounding_box()
            mouse = lab.page.mouse
            mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            mouse.down()
            mouse.move(box["x"] + box["width"] / 2 + 90, box["y"] + box["height"] / 2, steps=4)
            mouse.up()
            lab.until("both.view['yaw'] != 0.65")
            lab.page.wait_for_timeout(600)
            assert all(c.evaluate(PIXELS)[0] != old for c, old in zip(canvases, before, strict=True))
            widget.get_by_role("button", name="One scale for all").click()
            expect(cards.nth(0).locator(".nbl-bar-tick").last).not_to_have_text("14")
            drag_slider(widget.get_by_role("slider", name="Range"), 0.5, 0.6, 3)
            lab.until("both.specs[0]['span'] == both.specs[1]['span'] != [1.0, 1.0]")
            widget.get_by_role("button", name="Numbers").click()
            expect(widget.get_by_role("table")).to_contain_text("SMAD")
            lab.screenshot("comparison", widget)
