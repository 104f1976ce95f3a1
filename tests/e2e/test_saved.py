"""What a saved notebook shows: without a kernel, with widget state, after nbclient, after a reload."""

from __future__ import annotations

import base64
import os
import struct

import nbclient
import nbformat
from nbformat.sign import NotebookNotary
from playwright.sync_api import expect

from harness.browser import ROOT
from harness.notebook import write_notebook
from harness.panel import HIMMELBLAU, PIXELS, canvas, colours, finished, rested, surface_box

SHOW = """
explorer = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=33)
explorer
"""
SLOW = """
import time

pause = 0.004

def slowed(x, y):
    time.sleep(pause)
    return himmelblau(x, y)

explorer = nbl.explore(slowed, bounds=((-5, 5), (-5, 5)), points=33)
explorer
"""


def picture_of(lab, index):
    """The second output of the cell: the image for places where no widget runs."""
    return lab.output(index).locator("img")


def pngs(cell):
    return [o["data"]["image/png"] for o in cell["outputs"] if "image/png" in o.get("data", {})]


def test_saved_with_default_settings_the_picture_is_shown_without_a_kernel(notebook):
    lab = notebook(HIMMELBLAU, SHOW)
    # JupyterLab's own words about a widget whose state was not saved.
    lab.watch.noise.append("widget model not found")
    lab.run_all()
    finished(lab.widget(1))
    lab.execute("explorer.wait(60)")
    picture = picture_of(lab, 1)
    expect(picture).to_be_attached()
    expect(picture).to_be_hidden()  # while the live view stands above it
    saved = lab.save()
    assert "widgets" not in saved["metadata"]
    assert len(pngs(saved["cells"][1])) == 1
    lab.reopen()
    expect(picture).to_be_visible()
    assert picture.evaluate(IMAGE_COLOURS) > 500
    lab.output(1).scroll_into_view_if_needed()
    lab.screenshot("saved_without_state")
    # Run again it lives, and the picture hides.
    lab.run_all()
    finished(lab.widget(1))
    expect(picture).to_be_hidden()


IMAGE_COLOURS = f"""image => {{
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return ({PIXELS})(canvas)[1];
}}"""


def test_saved_with_widget_state_the_explorer_draws_and_turns_without_a_kernel(notebook):
    lab = notebook(HIMMELBLAU, SHOW)
    lab.run_all()
    finished(lab.widget(1))
    lab.execute("explorer.wait(60)")
    saved = lab.save(widget_state=True)
    assert "widgets" in saved["metadata"]
    lab.reopen()
    assert lab.value("'explorer' in globals()") is False
    widget = lab.widget(1)
    expect(widget.get_by_role("treeitem")).to_have_count(4)
    before = rested(widget)
    assert colours(widget) > 200
    expect(picture_of(lab, 1)).to_be_hidden()
    box = surface_box(widget)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + 60, y + 20, steps=4)
    lab.page.mouse.up()
    lab.page.mouse.move(2, 2)
    assert rested(widget) != before
    widget.get_by_role("treeitem").first.locator(".nbl-leaf").click()
    expect(widget.get_by_role("treeitem").first).to_have_attribute("aria-selected", "true")
    lab.screenshot("saved_with_state")


def test_executed_by_nbclient_it_holds_the_finished_result(tmp_path, notebook, monkeypatch):
    path = tmp_path / "executed.ipynb"
    write_notebook(path, (HIMMELBLAU, SLOW))
    executed = nbformat.read(path, 4)
    monkeypatch.setenv("NBLANDSCAPE_WAIT", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    nbclient.NotebookClient(executed, timeout=60, store_widget_state=True).execute()
    (png,) = pngs(executed.cells[1])
    raw = base64.b64decode(png)
    assert raw.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", raw[16:24])
    assert width > 400
    assert height > 200
    states = executed.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    (state,) = [s["state"] for s in states.values() if "spec" in s["state"]]
    assert state["status"]["phase"] == "done"
    assert state["surface"]["shape"] == [33, 33]
    # Opened in JupyterLab with a kernel that has run nothing, it draws.
    lab = notebook(HIMMELBLAU, SLOW)
    lab.page.goto("about:blank")
    nbformat.write(executed, lab.path)
    # JupyterLab renders the outputs of notebooks it trusts; nbclient signs none.
    NotebookNotary(data_dir=str(lab.server.root.parent / "data")).sign(executed)
    lab.open()
    widget = lab.widget(1)
    expect(widget.get_by_role("treeitem")).to_have_count(4)
    rested(widget)
    assert colours(widget) > 200


def test_a_reload_in_the_middle_of_a_computation_ends_with_the_finished_surface(notebook):
    # Slow enough for the slowest reload, then fast.
    lab = notebook(HIMMELBLAU, SLOW.replace("pause = 0.004", "pause = 0.2"))
    lab.run_all()
    lab.command("docmanager:save")
    widget = lab.widget(1)
    expect(widget.locator(".nbl-phase")).to_contain_text("computing")
    lab.reload()
    assert lab.value("explorer.status['phase']") == "running", "the reload came too late to test anything"
    lab.execute("pause = 0.0")
    widget = lab.widget(1)
    expect(canvas(widget)).to_be_visible(timeout=20_000)
    finished(widget)
    lab.execute("explorer.wait(60)")
    expect(widget.get_by_role("treeitem")).to_have_count(4)
    rested(widget)
    assert colours(widget) > 200
    # And it is still the live one.
    widget.get_by_role("slider", name="Range", exact=True).press("ArrowLeft")
    lab.until("explorer.spec['span'][0] < 5")
