"""A real JupyterLab: time to the first painted surface, cost of a rotated frame, latency of a slider."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import widget_page as page
from measure import Spread, digits, spread
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as PageError
from report import OUT, ROOT, Report, Table
from widget_slider import sliders

from harness.browser import ARGUMENTS, find_chromium
from harness.notebook import Notebook
from harness.server import Server, jupyterlab_server

US, WHOLE = "nblandscape SurfaceView", "nblandscape explore"
HEIGHT = 512
DATA = """import numpy as np
x, y = np.meshgrid(*[np.linspace(-5, 5, {n})] * 2, indexing="ij")
values = (((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2) / 890).astype(np.float32)
"""
# Each tool: what is imported beforehand, and the cell that shows the surface with its usual decoration.
TOOLS = {
    US: (
        "import nblandscape as nbl; nbl.SurfaceView, nbl.Landscape",
        f"nbl.SurfaceView(nbl.Landscape.from_array(values), height='{HEIGHT}px')",
    ),
    WHOLE: ("import nblandscape as nbl; nbl.explore", "nbl.explore(values)"),
    "plotly FigureWidget": (
        "import plotly.graph_objects as go; go.FigureWidget, go.Surface",
        "go.FigureWidget(go.Surface(z=values), "
        f"layout=dict(height={HEIGHT}, margin=dict(l=0, r=0, t=0, b=0)))",
    ),
    "K3D": (
        "import k3d",
        f"plot = k3d.plot(height={HEIGHT}); plot += k3d.surface(values, attribute=values, "
        "color_map=k3d.matplotlib_color_maps.viridis, bounds=[-1, 1, -1, 1]); plot.display()",
    ),
}


@dataclasses.dataclass
class Round:
    """One tool once, in a new page."""

    first: dict[str, float]  # stopwatch of the first widget of the page
    second: dict[str, float]  # of a second one
    drag: page.Drag
    canvas: tuple[float, float]
    problems: list[str]


def one_round(browser: Browser, server: Server, name: str, n: int, picture: Path) -> Round:
    before, cell = TOOLS[name]
    full = 3 * (n - 1) ** 2  # at least half of the triangles' vertices
    with page.notebook_page(browser, server, "bench", (DATA.format(n=n) + before, cell, cell)) as notebook:
        notebook.run(0)
        first = page.show(notebook, 1, full)
        page.rest(notebook)
        second = page.show(notebook, 2, full)
        page.rest(notebook)
        notebook.output(2).scroll_into_view_if_needed()
        canvas = _canvas(notebook, 2)
        drag = page.drag(notebook, canvas)
        page.rest(notebook)
        picture.parent.mkdir(parents=True, exist_ok=True)
        notebook.page.screenshot(path=picture)
        return Round(first, second, drag, (canvas[2], canvas[3]), notebook.watch.problems())


def _canvas(notebook: Notebook, index: int) -> tuple[float, float, float, float]:
    found = notebook.output(index).locator("canvas")
    boxes = [box for k in range(found.count()) if (box := found.nth(k).bounding_box())]
    box = max(boxes, key=lambda b: b["width"] * b["height"])
    return box["x"], box["y"], box["width"], box["height"]


def surfaces(browser: Browser, server: Server, quick: bool) -> tuple[list[Table], dict[str, Any]]:
    sizes, rounds = ((129,), 1) if quick else ((129, 257), 5)
    tables, raw = [], {}
    for n in sizes:
        found: dict[str, list[Round]] = {name: [] for name in TOOLS}
        failures: dict[str, list[str]] = {name: [] for name in TOOLS}
        names = list(TOOLS)
        for turn in range(rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                picture = OUT / f"widget-{name.replace(' ', '-')}-{n}.png"
                try:
                    found[name].append(one_round(browser, server, name, n, picture))
                except (PageError, AssertionError) as error:
                    failures[name].append(str(error)[-1500:])
        tables.append(_surface_table(n, rounds, found, failures))
        raw[str(n)] = {
            name: {"rounds": [dataclasses.asdict(r) for r in done], "failures": failures[name]}
            for name, done in found.items()
        }
    return tables, raw


def _surface_table(
    n: int, rounds: int, found: dict[str, list[Round]], failures: dict[str, list[str]]
) -> Table:
    table = Table(
        f"The same {n}² surface in JupyterLab, {rounds} rounds, each in new pages",
        ["tool", f"cell to full surface, over {US}", "second widget", "ms, first / second",
         "script ms per rotated frame (of it copying)", "all ms per rotated frame",
         f"rotated frame, over {US}",
         "kB allocated per rotated frame",
         "canvas"],
    )  # fmt: skip

    def over(name: str, pick: Callable[[Round], float]) -> Spread | str:
        if len(found[name]) != len(found[US]) or not found[name]:
            return "n/a"
        return spread([pick(a) / pick(b) for a, b in zip(found[name], found[US], strict=True)])

    def middle(name: str, pick: Callable[[Round], float]) -> str:
        return digits(spread([pick(r) for r in found[name]]).median)

    for name, done in found.items():
        if not done:
            table.rows.append([name, f"failed: {failures[name][0].splitlines()[0]}", *[""] * 7])
            continue
        drags = functools.partial(_spread_of, [r.drag for r in done])
        table.rows.append([
            name,
            over(name, lambda r: r.first["done"]),
            over(name, lambda r: r.second["done"]),
            f"{middle(name, lambda r: r.first['done'])} / {middle(name, lambda r: r.second['done'])}",
            f"{drags('script_ms')} ({digits(drags('copying_ms').median)})",
            spread([1000 * _frame(r) for r in done]),
            over(name, _frame),
            digits(drags("allocated").median / 1000),
            "{:.0f} × {:.0f}".format(*done[-1].canvas),
        ])  # fmt: skip
        for line in sorted({line for r in done for line in r.problems})[:3]:
            table.notes.append(f"{name}, in the page: {line}")
        if failures[name]:
            table.notes.append(f"{name}: {len(failures[name])} of {rounds} rounds failed.")
    table.notes += [
        "From the start of the cell in the page (imports done in an earlier cell) until the frame in which "
        "the full grid has been drawn and read back. The first widget of a page also loads the script.",
        "Script is the browser's own count over 60 mouse steps, one per frame, and includes waiting for the "
        "renderer, in software without a GPU; while moving, nblandscape draws as much as fits into 33 ms. "
        "Allocations by functions of the tool's own script, from a sampled drag of its own.",
        "Cameras and decorations are their own: K3D's surface covers the fewest pixels, plotly draws twice "
        "per step, once to pick.",
    ]
    return table


def _frame(r: Round) -> float:
    """Seconds from one mouse step's frame to the next."""
    return r.drag.seconds / r.drag.steps


def _spread_of(drags: list[page.Drag], field: str) -> Spread:
    return spread([getattr(d, field) for d in drags])


def run(*, quick: bool) -> Report:
    here: Sequence[str] = (str(ROOT), str(Path(__file__).parent))
    with (
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as folder,
        jupyterlab_server(Path(folder), OMP_NUM_THREADS="1", PYTHONPATH=":".join(here)) as server,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=ARGUMENTS)
        tables, raw = surfaces(browser, server, quick)
        table, moved = sliders(browser, server, moves=5 if quick else 15)
        raw["slider"] = moved
        raw["browser"] = browser.version
        browser.close()
    return Report("widget", [*tables, table], raw)
