"""Requests while the kernel has other things to do: a burst of slider moves, and a cell that runs."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from harness.panel import HIMMELBLAU, canvas, fingerprint, finished, rested
from harness.shared import checked, opened

# Level 0 has 25 points: 50 ms, whatever the machine does beside it. The centre is asked for once per run.
COUNTED = """
import time
centres = 0

def slowed(x, y):
    global centres
    centres += x == 0.5 and y == -0.5
    time.sleep(0.002)
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

explorer = nbl.explore(slowed, bounds=((-4.5, 5.5), (-5.5, 4.5)), points=33)
explorer
"""
PLAIN = """
view = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=33)
view
"""
SLEEP = "time.sleep(4); slept = True"
SPIN = """
end = time.monotonic() + 4
while time.monotonic() < end:
    sum(i * i for i in range(1000))
spun = True
"""


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    with opened(browser, jupyterlab, "busy", HIMMELBLAU, COUNTED, PLAIN, "1", "1") as notebook:
        notebook.execute("explorer.wait(60); view.wait(60)")
        yield notebook


def test_a_burst_of_120_moves_paints_on_the_way_and_ends_on_the_last_value(lab):
    with checked(lab, "burst"):
        widget = lab.widget(1)
        finished(widget)
        slider = widget.get_by_role("slider", name="Range", exact=True)
        canvas(widget).scroll_into_view_if_needed()
        lab.execute("centres = 0")
        pictures, wanted, seconds, styles = slider.evaluate(BURST)
        # How often depends on the software renderer; one picture would be the one from before.
        assert len(set(pictures)) >= 2, "the surface was not painted while the slider was moved"
        assert styles == 0, "the colours of the theme were asked for while the slider was moved"
        finished(widget)
        lab.execute("explorer.wait(60)")
        # One call of the centre comes before the grid, one is the grid's own.
        started = lab.value("centres / 2")
        assert 1 <= started < 40, f"{started} computations in a burst of {seconds:.2f} s"
        print(f"{started} computations, {seconds:.2f} s, {len(set(pictures))} pictures")
        assert slider.input_value() == wanted
        spec = lab.value("explorer.spec")
        assert spec == lab.value("explorer.surface['spec']")
        half = lab.value("float(explorer.landscape.axes[0][-1]) - 0.5")
        assert half == pytest.approx(spec["span"][0], rel=1e-9)
        assert half == pytest.approx(2.718281828 ** float(wanted), rel=2e-3)
        name = widget.get_by_role("img", name="minim").get_attribute("aria-label")
        ends = [float(text.replace("−", "-")) for text in re.findall(r"x from (\S+) to (\S+) ", name)[0]]
        assert ends == pytest.approx([0.5 - half, 0.5 + half], rel=1e-3)
        # Nothing older arrives afterwards.
        picture = rested(widget)
        lab.page.wait_for_timeout(500)
        assert fingerprint(widget) == picture


@pytest.mark.parametrize("code", [SLEEP, SPIN], ids=["sleeping", "spinning"])
def test_a_request_while_a_cell_runs_is_answered_or_waits_visibly(lab, code):
    with checked(lab, "request_while_busy"):
        widget = lab.widget(2)
        finished(widget)
        before = lab.value("view.spec")
        set_source(lab, 3, code)
        lab.run(3, wait=False)
        lab.page.wait_for_function(BUSY)
        widget.get_by_role("slider", name="Range", exact=True).press("ArrowLeft")
        phase = widget.locator(".nbl-phase")
        # Either the surface is finished while the cell runs, or the status says what it waits for.
        expect(phase.filter(has_text=re.compile("computed in|kernel is busy"))).to_be_visible(timeout=6000)
        answered = "computed" in phase.inner_text()
        if not answered:
            expect(phase).to_contain_text("waiting")
            expect(widget.get_by_role("img", name="Predicted")).to_be_visible()
            lab.screenshot("waiting", widget)
        still = lab.cells()[3]["execution_count"] is None
        assert still, "the cell had ended before the question was asked"
        lab.finish(3)
        finished(widget)
        lab.until(f"view.spec['id'] > {before['id']} and view.surface['spec'] == view.spec")
        assert lab.value("view.spec['span'][0]") < before["span"][0]
        assert lab.value("bool(globals().get('slept') or globals().get('spun'))")


BUSY = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
# 120 moves, one every 12 ms (late ones follow at once, as from a mouse that does not wait for pictures): what
# the canvas shows on the way, the last value, the seconds, how often the widget asked for styles, which
# makes the browser style at once what has changed; then the release.
BURST = """async slider => {
  const canvas = slider.getRootNode().querySelector("canvas");
  const small = new OffscreenCanvas(120, 80).getContext("2d", { willReadFrequently: true });
  const look = () => {
    small.clearRect(0, 0, 120, 80);
    small.drawImage(canvas, 0, 0, 120, 80);
    return small.getImageData(0, 0, 120, 80).data.reduce((hash, v) => Math.imul(hash ^ v, 16777619), 1);
  };
  const [start, end] = [slider.valueAsNumber, Number(slider.min) + 0.4 * (slider.max - slider.min)];
  const { getComputedStyle } = window;
  let styles = 0;
  window.getComputedStyle = (element, ...more) => {
    if (element.getRootNode() === slider.getRootNode()) styles++;
    return getComputedStyle(element, ...more);
  };
  const pictures = [look()];
  const begin = performance.now();
  for (let k = 1; k <= 120; k++) {
    slider.value = start + ((end - start) * k) / 120;
    slider.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
    while (performance.now() < begin + 12 * k) await new Promise(done => setTimeout(done, 2));
    if (k % 12 === 0) pictures.push(look());
  }
  window.getComputedStyle = getComputedStyle;
  const wanted = slider.value;
  slider.dispatchEvent(new Event("change", { bubbles: true, composed: true }));
  return [pictures, wanted, (performance.now() - begin) / 1000, styles];
}"""


def set_source(lab, index, code):
    lab.page.evaluate(
        "([index, code]) => window.jupyterapp.shell.currentWidget.content.widgets[index]"
        ".model.sharedModel.setSource(code)",
        [index, code.strip()],
    )
