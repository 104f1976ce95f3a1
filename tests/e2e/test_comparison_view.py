"""Several landscapes in one view: one scale, one place to look from."""

from __future__ import annotations

import csv
import struct
from pathlib import Path

import pytest
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


def middle_of(canvas, across=0.5, down=0.5):
    """A point of the page, over a canvas."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def losses(widget):
    """What the view says of the place that is pointed at: names and texts."""
    pairs = widget.locator(".nbl-comparison-place dl > div")
    return {row.locator("dt").inner_text(): row.locator("dd").inner_text() for row in pairs.all()}


FAILING = """
import nblandscape as nbl

def crash(x, y):
    raise ArithmeticError("there is <i>no</i> such function")

def late(x, y):
    return float("nan")

def spiky(x, y):
    return x**2 + y**2 + (4000.0 if x > 0.9 and y > 0.9 else 0.0)

several = nbl.explore({"crash": crash, "late": late, "spiky": spiky, "bowl": lambda x, y: x**2 + 2 * y**2},
                      bounds=((-1, 1), (-1, 1)), points=17)
several
"""


def test_what_fails_is_told_and_the_others_are_linked_cut_and_saved(browser, jupyterlab, request):
    with opened(browser, jupyterlab, "comparison_failing", FAILING, height=1400) as lab:
        lab.execute("several._finish()")
        widget = lab.widget(0)
        with checked(lab, request.node.name):
            cards = widget.get_by_role("article")
            expect(cards).to_have_count(4)
            expect(cards.nth(0).get_by_role("alert")).to_contain_text("there is <i>no</i> such function")
            expect(cards.nth(1).get_by_role("alert")).to_contain_text("not finite anywhere")
            expect(widget.locator("canvas")).to_have_count(2)
            expect(widget.locator(".nbl-phase-text")).to_have_text("2 landscapes failed: crash, late")
            # The spike: told, cut at a press, in both.
            expect(widget.locator(".nbl-comparison-proposal")).to_contain_text("spiky reaches 4002")
            widget.get_by_role("button", name="Cut all at").click()
            lab.until("2 < (several.view.get('clip') or 0) <= 3")
            for card in (cards.nth(2), cards.nth(3)):
                expect(card.locator(".nbl-bar-cut")).to_contain_text("cut above 2.")
            # What is pointed at on one is marked on the other, with both losses.
            first, second = (card.locator("canvas") for card in (cards.nth(2), cards.nth(3)))
            lab.page.mouse.move(2, 2)
            lab.page.wait_for_timeout(600)
            before = second.evaluate(PIXELS)[0]
            lab.page.mouse.move(*middle_of(first, 0.45, 0.6))
            expect(widget.locator(".nbl-comparison-place dt").first).to_have_text("here")
            told = losses(widget)
            x, y = (float(part.replace("−", "-")) for part in told["here"].strip("()").split(","))
            assert abs(float(told["spiky"]) - (x**2 + y**2)) < 0.02
            assert abs(float(told["bowl"]) - (x**2 + 2 * y**2)) < 0.02
            assert told["crash"] == "not computed"
            lab.page.wait_for_timeout(600)
            assert second.evaluate(PIXELS)[0] != before, "the other surface has no mark"
            lab.page.mouse.down()
            lab.page.mouse.up()
            lab.page.mouse.move(2, 2)
            expect(widget.locator(".nbl-comparison-place dt").first).to_have_text("selected")
            assert losses(widget)["bowl"] == told["bowl"]
            lab.screenshot("comparison_linked", widget)
            # One picture of all, twice as large as on the page; one table, as to_frame() gives it.
            grid = widget.locator(".nbl-comparison-grid").bounding_box()
            widget.get_by_role("button", name="Download").click()
            with lab.page.expect_download() as saved:
                widget.get_by_role("button", name="PNG 2×").click()
            png = Path(saved.value.path()).read_bytes()
            assert png.startswith(b"\x89PNG")
            assert struct.unpack(">II", png[16:24]) == pytest.approx(
                (2 * grid["width"], 2 * grid["height"]), abs=4
            )
            with lab.page.expect_download() as saved:
                widget.get_by_role("button", name="CSV", exact=True).click()
            table = list(csv.reader(Path(saved.value.path()).read_text().splitlines()))
            assert table[0] == lab.value("list(several.to_frame().dtype.names)")
            rows = [[row[0], *map(float, row[1:])] for row in table[1:]]
            kernel = lab.value("[[str(r[0]), *map(str, list(r)[1:])] for r in several.to_frame()]")
            for row, expected in zip(rows, kernel, strict=True):
                assert row[0] == expected[0]
                assert row[1:] == pytest.approx([float(number) for number in expected[1:]], nan_ok=True)


SLOW = """
import time, nblandscape as nbl
pause = 2.0  # half an hour in all: longer than the slowest page takes to open

def slow(x, y):
    time.sleep(pause)
    return (x**2 - 1) ** 2 + y**2

both = nbl.explore({"wells": slow, "bowl": lambda x, y: x**2 + y**2}, bounds=((-2, 2), (-2, 2)), points=33)
both
"""


def test_cancel_stops_all_and_one_threshold_simplifies_all(browser, jupyterlab, request):
    with opened(browser, jupyterlab, "comparison_slow", SLOW, height=1400) as lab:
        widget = lab.widget(0)
        with checked(lab, request.node.name):
            expect(widget.locator(".nbl-phase-text")).to_contain_text("computing")
            widget.get_by_role("button", name="Cancel").press("Enter")
            lab.until("not any(m._pending.any for m in both._members)")
            expect(widget.locator(".nbl-phase-text")).to_have_text("cancelled")
            assert lab.value("both.statuses[0]['phase']") == "cancelled"
            lab.execute("pause = 0.0; both.request(points=17); both.wait(60)")
            expect(widget.locator(".nbl-phase-text")).to_have_text("ready")
            counts = widget.get_by_role("list", name="Minima shown of each").get_by_role("listitem")
            expect(counts).to_have_text(["wells 2", "bowl 1"])
            field = widget.get_by_role("textbox", name="Persistence threshold")
            field.fill("2")
            field.press("Enter")
            expect(counts).to_have_text(["wells 1 of 2", "bowl 1"])
            lab.until("[spec['threshold'] for spec in both.specs] == [2, 2]")
            assert lab.value("both.to_frame()['minima'].tolist()") == [1, 1]
            # Apart: the camera of one is its own, also after it was saved.
            widget.get_by_role("button", name="Turn all together").click()
            first, second = widget.locator("canvas").all()
            lab.page.mouse.move(2, 2)
            lab.page.wait_for_timeout(600)
            kept = second.evaluate(PIXELS)[0]
            before = first.evaluate(PIXELS)[0]
            lab.page.mouse.move(*middle_of(first))
            lab.page.mouse.down()
            lab.page.mouse.move(*middle_of(first, 0.7), steps=4)
            lab.page.mouse.up()
            lab.page.mouse.move(2, 2)
            lab.until("both.view['yaw'] != 0.65")
            lab.page.wait_for_timeout(800)
            assert first.evaluate(PIXELS)[0] != before
            assert second.evaluate(PIXELS)[0] == kept


def test_saved_with_widget_state_it_is_shown_and_turns_without_a_kernel(notebook):
    lab = notebook(TWO)
    lab.run_all()
    lab.execute("both.wait(60)")
    widget = lab.widget(0)
    expect(widget.locator(".nbl-phase-text")).to_have_text("ready")
    # Apart, on scales of their own, and the second one turned by key: so it is opened again.
    toggles = ("Turn all together", "One scale for all")
    for name in toggles:
        widget.get_by_role("button", name=name).press("Enter")
    widget.get_by_role("group", name="Loss surface").nth(1).focus()
    for _ in range(6):
        lab.page.keyboard.press("ArrowLeft")
    lab.until("len(both.cameras) == 2 and both.cameras[1]['yaw'] > both.cameras[0]['yaw'] + 0.5")
    widget.get_by_role("button", name="Reset view").focus()
    lab.page.wait_for_timeout(1200)
    seen = [canvas.evaluate(PIXELS) for canvas in widget.locator("canvas").all()]
    assert "widgets" in lab.save(widget_state=True)["metadata"]
    lab.reopen()
    assert lab.value("'both' in globals()") is False
    widget = lab.widget(0)
    cards = widget.get_by_role("article")
    expect(cards).to_have_count(2)
    expect(cards.nth(1)).to_contain_text("<i>steep</i>")
    canvases = [card.locator("canvas") for card in cards.all()]
    for canvas in canvases:
        expect(canvas).to_be_visible()
    lab.page.wait_for_timeout(1200)
    before = [canvas.evaluate(PIXELS) for canvas in canvases]
    assert all(colours > 100 for _, colours in before)
    assert before == seen
    for name in toggles:
        expect(widget.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "false")
    widget.get_by_role("button", name=toggles[0]).press("Enter")
    lab.page.mouse.move(*middle_of(canvases[0]))
    lab.page.mouse.down()
    lab.page.mouse.move(*middle_of(canvases[0], 0.7, 0.6), steps=4)
    lab.page.mouse.up()
    lab.page.mouse.move(2, 2)
    lab.page.wait_for_timeout(800)
    assert all(c.evaluate(PIXELS)[0] != old[0] for c, old in zip(canvases, before, strict=True))
    widget.get_by_role("button", name="Numbers", exact=True).click()
    expect(widget.get_by_role("table")).to_contain_text("SMAD")
    lab.screenshot("comparison_saved", widget)
