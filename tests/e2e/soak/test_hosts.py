"""The explorer in Notebook 7, Voila and marimo: real kernels, both themes; in a Jupyter Book without one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from harness import hosts
from harness.embedded import embedded_lives, executed
from harness.notebook import Notebook, write_notebook
from harness.panel import HIMMELBLAU, canvas, colours, rested, turn
from harness.server import Server

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]
SHOW = "explorer = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=33)\nexplorer"
SHOTS = Path("build/screenshots")


@pytest.fixture(scope="module")
def programs():
    return hosts.environment()


def widget_of(page: Page, index: int = 0) -> Locator:
    widget = page.locator("[data-nbl-widget=explorer]").nth(index)
    expect(widget.get_by_role("treeitem")).to_have_count(4, timeout=60_000)
    widget.scroll_into_view_if_needed()
    return widget


def lives(widget: Locator) -> None:
    """It draws, turns, computes another window, and a click selects."""
    turn(widget)
    label = canvas(widget).get_attribute("aria-label")
    widget.get_by_role("slider", name="Range", exact=True).press("ArrowLeft")
    expect(canvas(widget)).not_to_have_attribute("aria-label", label)
    expect(widget.locator(".nbl-phase")).to_contain_text("computed")
    widget.get_by_role("treeitem").first.locator(".nbl-leaf").click()
    expect(widget.get_by_role("treeitem").first).to_have_attribute("aria-selected", "true")


def no_picture_beside(page: Page) -> None:
    for image in page.locator("img").all():
        if (image.get_attribute("src") or "").startswith("data:image/png"):
            expect(image).to_be_hidden()
    expect(page.get_by_text("A picture of this landscape appears here")).to_be_hidden()


def theme(widget: Locator, name: str) -> None:
    expect(widget).to_have_attribute("data-nbl-theme", name)
    rested(widget)
    assert colours(widget) > 200


def test_notebook_7(programs, tmp_path, watched):
    port = hosts.free_port()
    path = tmp_path / "explore.ipynb"
    write_notebook(path, (HIMMELBLAU, SHOW))
    url = f"http://127.0.0.1:{port}"
    command = (programs / "python", "-m", "notebook", "--no-browser", "--allow-root", "--ip=127.0.0.1")
    options = (
        f"--port={port}",
        "--IdentityProvider.token=",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    )
    with hosts.served(tmp_path, url, *command, *options):
        context, watch = watched(url)
        # Notebook 7 reports this on the way to another theme, with our package absent.
        watch.noise.append("reading 'schema'")
        lab = Notebook(context, Server(url, "", tmp_path, tmp_path / "server.log"), path, watch)
        lab.page.goto(f"{url}/notebooks/{path.name}")
        lab.wait_ready()
        lab.run_all()
        widget = widget_of(lab.page)
        lives(widget)
        lab.until("explorer.selection['kind'] == 'minimum'")
        no_picture_beside(lab.page)
        sources = lab.sources()
        canvas(widget).focus()
        for key in "adxdb":  # the notebook's own commands; two d delete a cell
            lab.page.keyboard.press(key)
        assert lab.sources() == sources
        for dark in (False, True):
            lab.theme(dark=dark)
            theme(widget, "dark" if dark else "light")
            lab.screenshot(f"notebook7_{'dark' if dark else 'light'}")
        context.close()


@pytest.mark.parametrize("dark", [False, True])
def test_voila(programs, tmp_path, watched, dark):
    port = hosts.free_port()
    write_notebook(tmp_path / "explore.ipynb", (HIMMELBLAU, SHOW))
    url = f"http://127.0.0.1:{port}"
    command = (programs / "voila", "explore.ipynb", "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1")
    name = "dark" if dark else "light"
    with hosts.served(tmp_path, f"{url}/static/none", *command, f"--theme={name}"):
        # Voila's own page asks a CDN for its icons, and loads extensions of JupyterLab that miss parts.
        context, watch = watched(url, "https://cdn.jsdelivr.net/npm/@fortawesome/")
        watch.noise += ["ERR_NAME_NOT_RESOLVED", "RUNTIME-012"]
        page = context.new_page()
        page.goto(url)
        widget = widget_of(page)
        lives(widget)
        no_picture_beside(page)
        theme(widget, name)
        page.screenshot(path=SHOTS / f"voila_{name}.png")
        context.close()  # before the server ends, which the page would report


MARIMO = """
import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import marimo as mo
    import nblandscape as nbl

    def himmelblau(x, y):
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    return himmelblau, mo, nbl


@app.cell
def _(himmelblau, nbl):
    explorer = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=33)
    explorer
    return (explorer,)


@app.cell
def _(himmelblau, mo, nbl):
    view = mo.ui.anywidget(nbl.explore(himmelblau, bounds=((-4, 4), (-4, 4)), points=33))
    view
    return (view,)


@app.cell
def _(mo, view):
    mo.md("selected in Python: " + view.value["selection"]["kind"])
    return


if __name__ == "__main__":
    app.run()
"""


@pytest.mark.parametrize(("mode", "dark"), [("run", False), ("run", True), ("edit", False), ("edit", True)])
def test_marimo(programs, tmp_path, watched, mode, dark):
    name = "dark" if dark else "light"
    port = hosts.free_port()
    (tmp_path / "app.py").write_text(MARIMO)
    settings = f'[tool.marimo.runtime]\nauto_instantiate = true\n[tool.marimo.display]\ntheme = "{name}"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    url = f"http://127.0.0.1:{port}"
    command = (programs / "marimo", mode, "app.py", "--headless", "--no-token", "--host", "127.0.0.1")
    with hosts.served(tmp_path, url, *command, "--port", str(port)):
        context, _ = watched(url, height=1000)
        page = context.new_page()
        page.goto(url)
        plain = widget_of(page)
        lives(plain)
        wrapped = widget_of(page, 1)
        expect(page.get_by_text("selected in Python: none")).to_be_visible()
        lives(wrapped)
        # marimo runs the cells that read the view again, and only those.
        expect(page.get_by_text("selected in Python: minimum")).to_be_visible()
        expect(page.locator("[data-nbl-widget=explorer]")).to_have_count(2)
        no_picture_beside(page)
        theme(wrapped, name)
        page.screenshot(path=SHOTS / f"marimo_{mode}_{name}.png")
        context.close()


def test_jupyter_book(programs, tmp_path, watched):
    executed(tmp_path / "intro.ipynb", "notebook", "--inplace")
    (tmp_path / "_config.yml").write_text("title: Landscapes\nexecute:\n  execute_notebooks: 'off'\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: intro\n")
    subprocess.run([programs / "jupyter-book", "build", tmp_path], check=True, capture_output=True)
    # The book's own page asks for what shows widgets, which is not there: then the picture stays.
    context, watch = watched("file:", "https://cdn.jsdelivr.net/npm/", "https://cdnjs.cloudflare.com/")
    # It also reports faults of its own theme and its own script when it is opened as a file.
    watch.noise += ["ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "THEBE_JS_URL", "invalid theme mode"]
    context.set_offline(True)
    page = context.new_page()
    page.goto((tmp_path / "_build" / "html" / "intro.html").as_uri())
    image = page.locator("img[src^='_images/']")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") > 400
    embedded_lives(page)
    page.screenshot(path=SHOTS / "jupyter_book.png")
