"""Stopwatch inside the page: when a surface was drawn, how often, and what the script cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession

from harness.notebook import Notebook, write_notebook
from harness.server import Server
from harness.watch import Watch

# Every library draws through WebGL; its draw calls tell when. One pixel is read back in the next frame, which
# waits until the graphics process has drawn. Axes and markers have fewer than `coarse` vertices.
# `fresh` and `latest`: the first and the last frame with newly uploaded heights.
# `copying`: time in drawImage, which for a WebGL canvas waits for the graphics process; `framing`: time in
# what was put off to a frame, copying included.
STOPWATCH = """(() => {
  const b = (window.nblBench = {
    coarse: 400, full: Infinity, start: 0,
    reset() {
      b.first = b.done = b.fresh = b.latest = null;
      b.frames = b.largest = b.settled = b.uploads = b.seen = b.copying = b.framing = 0;
    },
    begin(full) {
      b.reset();
      b.full = full;
      b.start = performance.now();
    },
  });
  b.reset();
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
    sum += count;
    if (sum > b.largest) b.largest = sum;
    b.settled = performance.now() - b.start;
    if (b.first === null) stamp(gl, "first");
    if (b.done === null && sum >= b.full) stamp(gl, "done");
    if (b.seen < b.uploads) {
      b.seen = b.uploads;
      if (b.fresh === null) stamp(gl, "fresh");
      stamp(gl, "latest");
    }
  };
  for (const type of [WebGLRenderingContext, WebGL2RenderingContext]) {
    const p = type.prototype;
    const { drawArrays, drawElements, drawArraysInstanced, drawElementsInstanced, drawRangeElements } = p;
    for (const name of ["texImage2D", "texSubImage2D"]) {
      const upload = p[name];
      p[name] = function (...all) {
        upload.apply(this, all);
        if (all[all.length - 1] instanceof Float32Array || all[8] instanceof Float32Array) b.uploads++;
      };
    }
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
  const { drawImage } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.drawImage = function (...all) {
    const start = performance.now();
    drawImage.apply(this, all);
    b.copying += performance.now() - start;
  };
  const { requestAnimationFrame } = window;
  window.requestAnimationFrame = (callback) => requestAnimationFrame.call(window, (time) => {
    const start = performance.now();
    try { callback(time); } finally { b.framing += performance.now() - start; }
  });
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
    steps: int  # of the mouse
    script_ms: float  # JavaScript per step, waits for the graphics process included
    copying_ms: float  # of it, copying from a WebGL canvas to another one
    framing_ms: float  # in callbacks of frames, without the copying, by the page's own clock
    task_ms: float  # everything of the main thread per step
    seconds: float
    allocated: float  # bytes per step by the tool's own script, measured in a drag of its own


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


def start(notebook: Notebook, index: int, full: int = 2**31) -> None:
    """Start the stopwatch and a cell; a surface of ``full`` vertices counts as done."""
    notebook.page.evaluate(RUN_TIMED, [index, full])


def show(notebook: Notebook, index: int, full: int, *, seconds: float = 60.0) -> dict[str, float]:
    """Run a cell; milliseconds until a surface, and one of ``full`` vertices or more, is painted."""
    page = notebook.page
    start(notebook, index, full)
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
    """Drag the mouse over a canvas (x, y, width, height), one step per frame: once timed, once for memory."""
    page = notebook.page
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    _drag(notebook, canvas, 15)  # level of detail and compilers settle
    page.evaluate("() => window.nblBench.begin(Infinity)")
    before = _metrics(session)
    _drag(notebook, canvas, moves)
    after = _metrics(session)
    frames, copying, framing = page.evaluate(
        "() => [window.nblBench.frames, window.nblBench.copying, window.nblBench.framing]"
    )
    session.send("HeapProfiler.enable")
    collected = {"includeObjectsCollectedByMajorGC": True, "includeObjectsCollectedByMinorGC": True}
    session.send("HeapProfiler.startSampling", {"samplingInterval": 1024, **collected})
    _drag(notebook, canvas, moves)
    profile = session.send("HeapProfiler.stopSampling")["profile"]
    session.detach()
    return Drag(
        frames=frames,
        steps=moves,
        script_ms=1000 * (after["ScriptDuration"] - before["ScriptDuration"]) / moves,
        copying_ms=copying / moves,
        framing_ms=(framing - copying) / moves,
        task_ms=1000 * (after["TaskDuration"] - before["TaskDuration"]) / moves,
        seconds=after["Timestamp"] - before["Timestamp"],
        allocated=_own_bytes(profile["head"]) / moves,
    )


def _drag(notebook: Notebook, canvas: tuple[float, float, float, float], moves: int) -> None:
    mouse = notebook.page.mouse
    x, y, width, height = canvas
    left, middle = x + 0.35 * width, y + 0.5 * height
    mouse.move(left, middle)
    mouse.down()
    for step in range(moves):
        mouse.move(left + 2 + (step + 1) * 0.3 * width / moves, middle + (step % 7))
        notebook.page.evaluate("() => new Promise(requestAnimationFrame)")
    mouse.up()


def _own_bytes(node: dict[str, Any]) -> float:
    """Bytes allocated by functions of a widget's script: anywidget loads it from a blob."""
    own = node["selfSize"] if node["callFrame"]["url"].startswith("blob:") else 0
    return float(own) + sum(_own_bytes(child) for child in node["children"])


def _metrics(session: CDPSession) -> dict[str, float]:
    answer: Any = session.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in answer["metrics"]}
