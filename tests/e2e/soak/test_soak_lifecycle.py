"""A long day in one notebook: many views, many runs, kernels that go, pictures that must not."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from harness.browser import ROOT
from harness.panel import COUNT_CONTEXTS, HIMMELBLAU, NETWORK, canvas, colours, finished, rested, surface_box
from harness.shared import checked, opened

pytestmark = [pytest.mark.soak, pytest.mark.timeout(400)]

MANY = """
import nblandscape as nbl
import numpy as np
axis = np.linspace(-4, 4, 33)
def heights(k):
    return np.cos((1 + k / 10) * axis[:, None]) + axis**2 / (4 + k % 7)
"""
TRACK = """
import gc, threading, weakref, psutil, comm
born = []
"""
SHOW = """
explorer = nbl.explore(objective, axes=(1, 2), span=12.0, points=33)
born.append(weakref.ref(explorer))
explorer
"""
LIVING = """() => window.nblContexts.filter(c => !c.isContextLost()).length"""
LOSE = """() => {
  window.nblLost = window.nblContexts.filter(c => !c.isContextLost());
  window.nblLost.forEach(c => (c.nblExtension = c.getExtension("WEBGL_lose_context")).loseContext());
  return window.nblLost.length;
}"""
RESTORE = "() => window.nblLost.forEach(c => c.nblExtension.restoreContext())"
SHOWN = "() => document.querySelectorAll('.jp-Notebook .nblandscape-widget').length"


def drawn(lab, widget, at_least=100, seconds=20):
    """Wait until the canvas shows something."""
    for _ in range(seconds * 5):
        if (count := colours(widget)) > at_least:
            return count
        lab.page.wait_for_timeout(200)
    raise AssertionError(f"the canvas shows {count} colours only")


def turned(lab, widget):
    """Turn the surface by the mouse; the picture changes and is one."""
    before = rested(widget)
    box = surface_box(widget)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + 70, y + 15, steps=5)
    lab.page.mouse.up()
    lab.page.mouse.move(2, 2)
    assert rested(widget) != before
    assert colours(widget) > 200


def test_fifty_views_in_one_notebook(browser, jupyterlab, measured):
    cells = []
    for k in range(50):
        land = f"nbl.Landscape.from_array(heights({k}), (axis, axis))"
        shown = f"nbl.SurfaceView({land})" if k % 5 == 4 else f"nbl.explore({land}, height='420px')"
        cells.append(f"e{k} = {shown}\ne{k}")
    scripts = (f"({COUNT_CONTEXTS})()",)
    with (
        opened(browser, jupyterlab, "fifty", MANY, *cells, scripts=scripts) as lab,
        checked(lab, "fifty"),
    ):
        fewest, pictures = 10**9, set()
        for k in [*range(50), 0, 24]:
            widget = lab.widget(1 + k)
            canvas(widget).scroll_into_view_if_needed()
            fewest = min(fewest, drawn(lab, widget))
            if k % 10 == 0:
                pictures.add((k, rested(widget)))
        assert len(pictures) == 5, "a picture changed while others were looked at"
        assert len({picture for _, picture in pictures}) == 5
        measured("50 views: fewest colours of a canvas", fewest, 100, least=True)
        measured("50 views: WebGL contexts", lab.page.evaluate(LIVING), 16)
        lab.screenshot("soak_fifty")


def counts(lab, session):
    """MB of the page's heap, MB of the kernel, then: comms, threads, live explorers."""
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    kernel = lab.value(
        "[psutil.Process().memory_info().rss / 1e6, len(comm.get_comm_manager().comms),"
        " threading.active_count(), sum(r() is not None and bool(r()._source) for r in born)]",
        after="gc.collect()",
    )
    return [heap, *kernel]


def test_thirty_runs_of_a_cell_leave_nothing_behind(notebook, measured):
    lab = notebook(NETWORK, TRACK, SHOW)
    lab.page.evaluate(COUNT_CONTEXTS)
    session = lab.page.context.new_cdp_session(lab.page)
    lab.run(0)
    lab.run(1)
    found = []
    for times in (5, 30):
        for _ in range(times):
            lab.run(2)
            finished(lab.widget(2))
            lab.execute("explorer.wait(60)")
        found.append(counts(lab, session))
    before, after = found
    # Hosts keep the text of every module that they have evaluated; beyond that nothing may stay.
    text = ROOT / "nblandscape" / "widgets" / "static" / "explorer.js"
    kept = 30 * text.stat().st_size / 1e6
    measured("30 re-runs: page heap beyond the texts that hosts keep", after[0] - before[0] - kept, 4, "MB")
    measured("30 re-runs: kernel grows by", after[1] - before[1], 30, "MB")
    measured("30 re-runs: more comms", after[2] - before[2], 0)
    measured("30 re-runs: more threads", after[3] - before[3], 0)
    measured("30 re-runs: live explorers", after[4], 1)
    measured("30 re-runs: WebGL contexts", lab.page.evaluate(LIVING), 1)
    measured("30 re-runs: widgets shown", lab.page.evaluate(SHOWN), 1)
    assert colours(lab.widget(2)) > 200


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    show = "explorer = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=33)\nexplorer"
    scripts = (f"({COUNT_CONTEXTS})()",)
    with opened(browser, jupyterlab, "day", HIMMELBLAU, show, scripts=scripts) as notebook:
        # Of JupyterLab and the server, about kernels that go and come.
        notebook.watch.noise += [
            "WebSocket", "Kernel", "kernel", "Comm", "comm", "widget model not found", "status of 404",
        ]  # fmt: skip
        yield notebook


@pytest.fixture
def day(lab, request):
    """The explorer of this notebook, alive."""
    lab.run_all()
    finished(lab.widget(1))
    lab.execute("explorer.wait(60)")
    lab.page.mouse.move(2, 2)
    with checked(lab, request.node.name):
        yield lab


def moves_the_kernel(lab):
    """The slider reaches the kernel of the explorer that is shown."""
    lab.widget(1).get_by_role("slider", name="Range", exact=True).press("ArrowLeft")
    lab.until("explorer.spec['span'][0] < 5")
    finished(lab.widget(1))


def test_a_lost_context_comes_back_with_the_same_picture(day):
    widget = day.widget(1)
    before = rested(widget)
    assert day.page.evaluate(LOSE) >= 1
    day.page.wait_for_timeout(1000)
    assert colours(widget) > 200, "blank while the context is away"
    day.screenshot("soak_context_lost", widget)
    day.page.evaluate(RESTORE)
    day.page.wait_for_timeout(500)
    assert rested(widget) == before
    turned(day, widget)


# What the canvas shows, small enough that a rounding of its edges does not count.
SMALL = """canvas => {
  const small = new OffscreenCanvas(60, 60).getContext("2d", { willReadFrequently: true });
  small.drawImage(canvas, 0, 0, 60, 60);
  return [...small.getImageData(0, 0, 60, 60).data];
}"""


def test_a_theme_switch_redraws_in_the_other_colours(day):
    widget = day.widget(1)

    def look(*, dark):
        day.theme(dark=dark)
        day.page.wait_for_timeout(400)
        rested(widget)
        return canvas(widget).evaluate(SMALL)

    light, dark, again = look(dark=False), look(dark=True), look(dark=False)
    assert colours(widget) > 200
    assert max(abs(a - b) for a, b in zip(light, dark, strict=True)) > 40
    assert max(abs(a - b) for a, b in zip(light, again, strict=True)) <= 3


def test_a_notebook_that_is_closed_and_opened_again_shows_and_computes(day):
    day.save()
    day.page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")
    expect(day.page.locator(".jp-Notebook")).to_have_count(0)
    day.command("docmanager:open", path=day.path.name)
    day.wait_ready()
    widget = day.widget(1)
    drawn(day, widget, 200)
    finished(widget)
    turned(day, widget)
    moves_the_kernel(day)


GO_ON = re.compile("run the cell again", re.IGNORECASE)


def test_a_kernel_that_dies_leaves_the_picture_and_says_how_to_go_on(day):
    """One that is restarted or shut down: tests/e2e/test_lifecycle.py."""
    widget = day.widget(1)
    before = rested(widget)
    day.page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code: 'import os; os._exit(1)' }); }"
    )
    day.page.wait_for_timeout(6000)
    dialog = day.page.locator(".jp-Dialog")
    if dialog.count():
        dialog.locator("button").last.click()
    day.wait_ready()
    assert day.value("'explorer' in globals()") is False
    widget = day.widget(1)
    assert rested(widget) == before, "the last picture did not stay"
    turned(day, widget)
    widget.get_by_role("slider", name="Range", exact=True).press("ArrowLeft")
    expect(widget.locator(".nbl-status")).to_contain_text(GO_ON, timeout=15_000)
    turned(day, widget)
    day.screenshot("soak_kernel_death", widget)
    day.run_all()
    finished(day.widget(1))
    moves_the_kernel(day)
