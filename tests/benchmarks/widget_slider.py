"""The explorer of the lesson's model, live: from a slider's input to the surface on the screen."""

from __future__ import annotations

from typing import Any

import widget_page as page
from measure import spread
from playwright.sync_api import Browser, Locator, expect
from report import OUT, Table

from harness.notebook import Notebook
from harness.server import Server

POINTS = 33
LESSON = """import torch, time, nblandscape as nbl, lesson
trained = lesson.train()
objective = nbl.Objective(trained.model, torch.nn.CrossEntropyLoss(), trained.batch)
plane = nbl.Subspace.hessian(objective, nbl.hessian_spectrum(objective), indices=(0, -1))
nbl.explore
def seconds(points):
    start = time.perf_counter()
    nbl.sample(objective, plane, span=8.0, points=points)
    return time.perf_counter() - start
"""
SHOW = f"nbl.explore(objective, points={POINTS})"
SLIDE = """(slider, share) => {
  const [low, high] = [Number(slider.min), Number(slider.max)];
  slider.value = String(low + share * (high - low));
  window.nblBench.begin(Infinity);
  slider.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
  slider.dispatchEvent(new Event("change", { bubbles: true, composed: true }));
}"""
# Nothing new for a while after heights were last uploaded and painted
QUIET = """() => {
  const b = window.nblBench;
  return b.latest > 0 && performance.now() - b.start - Math.max(b.settled, b.latest) > 700;
}"""


def sliders(browser: Browser, server: Server, *, moves: int) -> tuple[Table, dict[str, Any]]:
    """Move the sliders of range and offset, one input each, and the cell itself before."""
    rows: dict[str, list[dict[str, float]]] = {}
    with page.notebook_page(browser, server, "slider", (LESSON, SHOW)) as notebook:
        notebook.run(0)
        output = notebook.output(1)
        page.start(notebook, 1)
        rows["the cell, eigenpairs included"] = [_measure(notebook, output)]
        controls = {"Range": (0.45, 0.7), "Offset": (0.55, 0.75)}
        output.get_by_label("Eigenvector of the offset").select_option(index=1)
        notebook.page.wait_for_function(QUIET, timeout=60_000)
        for label, shares in controls.items():
            slider = output.locator(f'input[type=range][aria-label="{label}"]')
            for move in range(moves + 1):
                slider.evaluate(SLIDE, shares[move % 2] + 0.01 * move)  # never a plane that was seen before
                found = _measure(notebook, output)
                if move:  # the first one settles
                    rows.setdefault(label, []).append(found)
        OUT.mkdir(parents=True, exist_ok=True)
        notebook.page.screenshot(path=OUT / "widget-slider.png")
        status = output.locator(".nbl-phase").inner_text()
        problems = notebook.watch.problems()
    table = Table(
        f"Lesson's explorer, {POINTS}² points, {moves} moves of each slider",
        ["input", "ms to the first new surface", "ms to the finished one", "finished, over nbl.sample alone"],
    )
    for label, found_rows in rows.items():
        first, last = ([r[name] for r in found_rows] for name in ("fresh", "latest"))
        over = [r["latest"] / r["sample"] for r in found_rows]
        table.rows.append([label, spread(first), spread(last), spread(over)])
    table.notes.append(
        "From the input event to the frame that shows it, read back; the first new surface may be the "
        "quadratic preview. nbl.sample runs in the same kernel right after each move."
    )
    table.notes.append(f"The status line in the end: {status!r}.")
    table.notes += [f"in the page: {line}" for line in problems[:5]]
    return table, {"moves": rows, "problems": problems, "status": status}


def _measure(notebook: Notebook, output: Locator) -> dict[str, float]:
    notebook.page.wait_for_function(QUIET, timeout=60_000)
    expect(output.get_by_role("progressbar", name="Surface")).to_have_count(0, timeout=60_000)
    notebook.page.wait_for_function(QUIET, timeout=60_000)
    found: dict[str, float] = notebook.page.evaluate("() => ({ ...window.nblBench })")
    return found | {"sample": 1000 * float(notebook.value(f"seconds({POINTS})"))}
