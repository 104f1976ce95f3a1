"""Re-running a cell leaves nothing behind; many explorers of one objective share one drawing context."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from harness.panel import (
    COUNT_CONTEXTS,
    HIMMELBLAU,
    NETWORK,
    canvas,
    colours,
    finished,
    rested,
    surface_box,
)

TRACK = """
import gc, os, threading, weakref, psutil
born, arrays = [], []
"""
SHOW = """
explorer = nbl.explore(objective, axes=(1, 2), span=12.0, points=33)
born.append(weakref.ref(explorer))
explorer
"""
REMEMBER = """
explorer.wait(60)
arrays += [weakref.ref(explorer.landscape.values), weakref.ref(explorer.landscape.axes[0])]
arrays += [weakref.ref(explorer.merge_tree.basins)]
"""


def rerun(lab, times):
    for _ in range(times):
        lab.run(2)
        finished(lab.widget(2))
        lab.execute(REMEMBER)
    return lab.value(
        "[threading.active_count(), psutil.Process().memory_info().rss / 1e6]", after="gc.collect()"
    )


def reruns(notebook, warm, times):
    """Run the cell `warm` + `times` times; returns threads and megabytes before and after the latter."""
    lab = notebook(NETWORK, TRACK, SHOW)
    lab.page.evaluate(COUNT_CONTEXTS)
    lab.run(0)
    lab.run(1)
    before = rerun(lab, warm)
    after = rerun(lab, times)
    # Of all that were made, the one that is shown is alive.
    assert lab.value("sum(ref() is not None for ref in arrays[:-3])", after="gc.collect()") == 0
    assert lab.value("[k for k, ref in enumerate(born[:-1]) if ref() is not None and ref()._source]") == []
    assert lab.value("len(born)") == warm + times
    assert contexts(lab) == 1
    expect(lab.widget(2).locator("canvas")).to_have_count(1)
    assert colours(lab.widget(2)) > 200
    return before, after


def contexts(lab):
    """How many WebGL contexts of the page are in use."""
    return lab.page.evaluate("() => window.nblContexts.filter(c => !c.isContextLost()).length")


def test_a_cell_run_again_leaves_no_array_thread_or_context(notebook):
    (threads, _), (threads_after, _) = reruns(notebook, 1, 4)
    assert threads_after == threads


def many(notebook, number):
    """That many explorers of one objective in one notebook, each of another plane or window."""
    planes = [(i, j) for i in range(4) for j in range(-3, 4) if i != j]
    cells = [
        f"e{k} = nbl.explore(objective, axes={planes[k % len(planes)]}, span={6.0 + k / 2}, points=17, "
        f"spectrum=spectrum, height='420px')\ne{k}"
        for k in range(number)
    ]
    spectrum = "spectrum = nbl.hessian_spectrum(objective, largest=4, smallest=4)"
    lab = notebook(NETWORK, spectrum, *cells)
    lab.page.evaluate(COUNT_CONTEXTS)
    lab.run_all(seconds=120)
    pictures = {}
    for k in range(number):
        widget = lab.widget(2 + k)
        canvas(widget).scroll_into_view_if_needed()
        finished(widget)
        pictures[k] = rested(widget)
        assert colours(widget) > 100, f"explorer {k} is blank"
        title = canvas(widget).get_attribute("aria-label")
        assert f"{6 + k / 2:g}" in title
    assert len(set(pictures.values())) == number, "two explorers show the same picture"
    # The first ones have not lost their pictures to the later ones.
    for k in (0, number - 1):
        canvas(lab.widget(2 + k)).scroll_into_view_if_needed()
        assert rested(lab.widget(2 + k)) == pictures[k]
    assert contexts(lab) == 1
    assert lab.value("sum(t.name == 'nblandscape' for t in __import__('threading').enumerate())") == 1
    lab.screenshot(f"many_{number}")


PLAIN = """
view = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=33)
view
"""
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()"
SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
# A restart takes seconds; what the reader sees of it must not wait for its end. Of a shutdown the server
# tells when the kernel is gone.
NOTICED_MS = 3000
END = {RESTART: f"() => void ({RESTART})()", SHUT_DOWN: f"() => ({SHUT_DOWN})()"}
# What JupyterLab says about the words that a kernel was writing while it was ended.
CUT_SHORT = "Kernel message validation error"


@pytest.mark.parametrize("end", [RESTART, SHUT_DOWN], ids=["restart", "shut_down"])
def test_a_kernel_that_ends_is_noticed_at_once_and_the_picture_stays_and_turns(notebook, end):
    lab = notebook(HIMMELBLAU, PLAIN)
    lab.page.evaluate(COUNT_CONTEXTS)
    lab.run_all()
    widget = lab.widget(1)
    finished(widget)
    place = surface_box(widget)
    lab.watch.noise.append(CUT_SHORT)
    lab.page.evaluate(END[end])
    phase = widget.locator(".nbl-phase")
    expect(phase).to_contain_text("run the cell again", timeout=NOTICED_MS)
    expect(widget.get_by_role("slider", name="Range", exact=True)).to_be_disabled()
    before = rested(widget)
    # What says why the controls are off takes nothing from the picture.
    expect(widget.locator(".nbl-controls-reason")).to_be_visible()
    box = surface_box(widget)
    assert (box["width"], box["height"]) == (place["width"], place["height"])
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + 60, y + 20, steps=4)
    lab.page.mouse.up()
    lab.page.mouse.move(2, 2)
    assert rested(widget) != before
    assert colours(widget) > 200
    lab.screenshot("kernel_gone", widget)
    if end == RESTART:
        lab.wait_ready()
        lab.run_all()
        finished(lab.widget(1))
        expect(lab.widget(1).locator("canvas")).to_have_count(1)
        expect(lab.widget(1).locator(".nbl-phase")).not_to_contain_text("run the cell again")
        lab.widget(1).get_by_role("slider", name="Range", exact=True).press("ArrowLeft")
        lab.until("view.spec['span'][0] < 5 and view.surface['spec'] == view.spec")
        assert contexts(lab) == 1


def test_p56_four_explorers_of_one_objective_draw_each_its_own_surface(notebook):
    many(notebook, 4)


# Of JupyterLab, a setting that older versions have from the start; the active cell is never detached.
WINDOWED = """() => {
  const { content } = window.jupyterapp.shell.currentWidget;
  content.notebookConfig = { ...content.notebookConfig, windowingMode: "full" };
  content.activeCellIndex = 2;
}"""
SCROLL_TO = "index => window.jupyterapp.shell.currentWidget.content.scrollToItem(index, 'center')"
ATTACHED = "index => window.jupyterapp.shell.currentWidget.content.widgets[index].isAttached"
VIEW = """
import nblandscape as nbl, numpy as np
axis = np.linspace(-4, 4, 33)
nbl.explore(nbl.Landscape.from_array(np.cos({} * axis[:, None]) + axis**2 / 4, (axis, axis)), height="480px")
"""


def test_views_that_jupyterlab_detaches_come_back_as_they_were(notebook):
    lab = notebook(*[VIEW.format(1 + k / 4) for k in range(6)])
    lab.page.evaluate(COUNT_CONTEXTS)
    lab.run_all()
    lab.page.evaluate(WINDOWED)
    session = lab.page.context.new_cdp_session(lab.page)
    session.send("Performance.enable")

    def visited():
        """Pictures of the first and the last view, each while the other one is off the page."""
        pictures = []
        for index in (0, 5):
            lab.page.evaluate(SCROLL_TO, index)
            lab.page.wait_for_function(f"() => ({ATTACHED})({index}) && !({ATTACHED})({5 - index})")
            pictures.append(rested(lab.widget(index)))
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
        return pictures, metrics["JSEventListeners"]

    pictures, listeners = visited()
    assert pictures[0] != pictures[1]
    assert colours(lab.widget(5)) > 200
    for _ in range(2):
        again, now = visited()
        assert again == pictures
    assert now <= listeners + 30, "views that come back listen once more"
    assert contexts(lab) == 1
