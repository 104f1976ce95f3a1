"""Stopwatch inside the page: when a surface was drawn, how often, and what the script cost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))
from harness.notebook import Notebook, write_notebook
from harness.server import Server
from harness.watch import Watch

# Every library draws through WebGL; its draw calls tell when. One pixel is read back in the next frame, which
# waits until the graphics process has really drawn. Axes and markers are smaller than `coarse` vertices.
STOPWATCH = """(() => {
  const b = (window.nblBench = {
    coarse: 400, full: Infinity, start: 0,
    first: null, done: null, frames: 0, calls: 0, largest: 0, settled: 0,
    begin(full) {
      Object.assign(b, { full, first: null, done: null, frames: 0, calls: 0, largest: 0, settled: 0 });
      b.start = performance.now();
    },
  });
  let frame = -1, sum = 0;
  const pixel = new Uint8Array(4);
  const stamp = (gl, name) => {
    b[name] = -1;
    requestAnimationFrame(() => {
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
      b[name] = performance.now() - b.start;
    });
  };
  const note = (gl, count) => {
    if (count < b.coarse) return;
    const now = document.timeline.currentTime;
    if (now !== frame) { frame = now; sum = 0; b.frames++; }
    sum += count; b.calls++;
    if (sum > b.largest) b.largest = sum;
    b.settled = performance.now() - b.start;
    if (b.first === null) stamp(gl, "first");
    if (b.done === null && sum >= b.full) stamp(gl, "done");
  };
  for (const type of [WebGLRenderingContext, WebGL2RenderingContext]) {
    const p = type.prototype;
    const { drawArrays, drawElements, drawArraysInstanced, drawElementsInstanced, drawRangeElements } = p;
    p.drawArrays = function (m, f, n) { drawArrays.call(this, m, f, n); note(this, n); };
    p.drawElements = function (m, n, t, o) { drawElements.call(this, m, n, t, o); note(this, n); };
    if (drawArraysInstanced) {
      p.drawArraysInstanced = function (m, f, n, i) {
        drawArraysInstanced.call(this, m, f, n, i); note(this, n * i);
      };
      p.drawElementsInstanced = function (m, n, t, o, i) {
        drawElementsInstanced.call(this, m, n, t, o, i); note(this, n * i);
      };
      p.drawRangeElements = function (m, s, e, n, t, o) {
        drawRangeElements.call(this, m, s, e, n, t, o); note(this, n);
      };
    }
  }
})();"""
RUN_TIMED = """([index, full]) => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  const state = { done: false, error: null };
  (window.nblRuns ??= {})[index] = state;
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  window.nblBench.begin(full);
  app.commands.execute("notebook:run-cell").then(
    () => { state.done = true; }, error => { state.done = true; state.error = String(error); },
  );
}"""


@dataclass(frozen=True)
class Drag:
    """What rotating by the mouse costs."""

    frames: int  # with the surface drawn
    script_ms: float  # JavaScript per frame
    task_ms: float  # everything of the main thread per frame
    heap_bytes: float  # allocated per frame, a lower bound when the collector ran
    seconds: float


@contextmanager
def notebook_page(browser: Browser, server: Server, name: str, cells: tuple[str, ...]) -> Iterator[Notebook]:
    """Open a notebook in a browser context of its own, with the stopwatch in every page."""
    path = Path(server.root) / f"{name}.ipynb"
    write_notebook(path, cells)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(STOPWATCH)
    context.request.get(f"{server.url}/lab?token={server.token}")
    notebook = Notebook(context, server, path, Watch(context, server.url))
    try:
        notebook.open()
        yield notebook
    finally:
        notebook.close()


def show(notebook: Notebook, index: int, full: int, *, seconds: float = 60.0) -> dict[str, float]:
    """Run a cell; milliseconds until a surface, and one of ``full`` vertices or more, is painted."""
    page = notebook.page
    page.evaluate(RUN_TIMED, [index, full])
    notebook.finish(index, seconds=seconds)
    page.wait_for_function(
        "() => window.nblBench.done > 0 && window.nblBench.first > 0", timeout=seconds * 1000
    )
    result: dict[str, float] = page.evaluate("() => ({ ...window.nblBench })")
    return result


def rest(notebook: Notebook, *, quiet: float = 500.0, seconds: float = 30.0) -> None:
    """Wait until nothing was drawn for a while."""
    condition = f"() => performance.now() - window.nblBench.start - window.nblBench.settled > {quiet}"
    notebook.page.wait_for_function(condition, timeout=seconds * 1000)


def drag(notebook: Notebook, canvas: tuple[float, float, float, float], *, moves: int = 60) -> Drag:
    """Drag the mouse over a canvas (x, y, width, height), one step per frame."""
    page = notebook.page
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    x, y, width, height = canvas
    left, middle = x + 0.35 * width, y + 0.5 * height
    page.mouse.move(left, middle)
    page.mouse.down()
    page.mouse.move(left + 2, middle)
    page.evaluate("() => window.nblBench.begin(Infinity)")
    before, draws = _metrics(session), 0
    for step in range(moves):
        page.mouse.move(left + 2 + (step + 1) * 0.3 * width / moves, middle + (step % 7))
        page.evaluate("() => new Promise(requestAnimationFrame)")
    after = _metrics(session)
    draws = page.evaluate("() => window.nblBench.frames")
    page.mouse.up()
    session.detach()
    frames = max(draws, 1)
    return Drag(
        frames=draws,
        script_ms=1000 * (after["ScriptDuration"] - before["ScriptDuration"]) / frames,
        task_ms=1000 * (after["TaskDuration"] - before["TaskDuration"]) / frames,
        heap_bytes=(after["JSHeapUsedSize"] - before["JSHeapUsedSize"]) / frames,
        seconds=after["Timestamp"] - before["Timestamp"],
    )


def _metrics(session: CDPSession) -> dict[str, float]:
    answer: Any = session.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in answer["metrics"]}
