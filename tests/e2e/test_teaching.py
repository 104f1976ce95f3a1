"""What explains the explorer: numbers as a table, captions, terms and the tour."""

from __future__ import annotations

import csv
import io

import numpy as np
from playwright.sync_api import expect

from harness.panel import EXPLORE, NETWORK, finished


def test_table_captions_terms_and_tour(notebook):
    lab = notebook(NETWORK, EXPLORE)
    lab.run(0)
    lab.run(1)
    widget, page = lab.output(1), lab.page
    finished(widget)
    widget.get_by_role("group", name="Loss surface").focus()

    page.keyboard.press("Shift+T")
    table = widget.get_by_role("dialog", name="Numbers as a table")
    with page.expect_download() as saved:
        table.get_by_role("button", name="Download CSV").click()
    text = saved.value.path().read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    lab.execute("table = explorer.to_frame()")
    frame = lab.value("{name: table[name].astype(float).tolist() for name in table.dtype.names}")
    assert list(rows[0]) == list(frame)
    assert len(rows) == len(frame["loss"]) > 2
    for name, expected in frame.items():
        got = [{"True": 1.0, "False": 0.0}.get(row[name], row[name]) for row in rows]
        rtol = 1e-12 if name == "share" else 0.0
        np.testing.assert_allclose(np.array(got, float), np.array(expected, float), rtol=rtol, err_msg=name)
    heading = table.get_by_role("button", name="persistence")
    heading.focus()
    page.keyboard.press("Enter")
    expect(table.locator("[aria-sort=descending]")).to_contain_text("persistence")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    tip = widget.get_by_role("tooltip")
    expect(tip).to_contain_text("How far the loss must rise")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    expect(table).to_be_visible()
    page.keyboard.press("Escape")
    expect(table).to_be_hidden()

    page.keyboard.press("Shift+C")
    captions = widget.locator(".nbl-caption")
    expect(captions).to_have_count(4)
    lowest = lab.value("float(explorer.to_frame()['loss'][0])")
    expect(captions.nth(0)).to_contain_text(f"from {lowest:.4g}".rstrip("0"))
    expect(captions.nth(1)).to_contain_text(f"{len(rows)} basins")

    page.keyboard.press("Shift+G")
    tour = widget.get_by_role("dialog", name="Tour")
    expect(tour).to_be_focused()
    panels = [f"nbl-panel-{name}" for name in ("surface", "topology", "spectrum")]
    for target in (*panels, "nbl-controls", "nbl-tools"):
        expect(widget.locator(f".{target}.nbl-tour-target")).to_be_visible()
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(tour).to_be_hidden()
    expect(widget.get_by_role("group", name="Loss surface")).to_be_focused()
    assert len(lab.cells()) == 2
