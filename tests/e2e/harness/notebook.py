"""One notebook in one page: run its cells, read them, ask its kernel, save, reload."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import BrowserContext, Locator, expect

from .server import Server
from .watch import Watch

SCREENSHOTS = Path(__file__).resolve().parents[3] / "build" / "screenshots"
SECONDS = 60.0

# The 'idle' that JupyterLab shows is not enough: a cell started before the connection stands is lost.
READY = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const kernel = panel?.sessionContext?.session?.kernel;
  const idle = kernel?.connectionStatus === "connected" && kernel.status === "idle";
  return idle && panel.content.widgets.length > 0;
}"""
RUN = """index => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  const state = { done: false, error: null };
  (window.nblRuns ??= {})[index] = state;
  notebook.activeCellIndex = index;
  notebook.deselectAll();
  app.commands.execute("notebook:run-cell").then(
    () => { state.done = true; },
    error => { state.done = true; state.error = String(error); },
  );
}"""
ASK = """async ([code, expression]) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const request = { code, user_expressions: { value: expression }, store_history: false, silent: false };
  const { content } = await kernel.requestExecute(request).done;
  return content.status === "ok" ? content.user_expressions.value : content;
}"""
SAVE_WIDGET_STATE = """async wanted => {
  const { commands } = window.jupyterapp, name = "@jupyter-widgets/jupyterlab-manager:saveWidgetState";
  if (commands.isToggled(name) !== wanted) await commands.execute(name);
  return commands.isToggled(name);
}"""
COMMAND = "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)"
# Of this cell only: those of fifty widgets with their pictures are megabytes.
OUTPUTS = "index => window.jupyterapp.shell.currentWidget.content.widgets[index].model.toJSON().outputs ?? []"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.toJSON())"


class Notebook:
    """A notebook that is open in JupyterLab, in a page and browser context of its own."""

    def __init__(self, context: BrowserContext, server: Server, path: Path, watch: Watch) -> None:
        self.context, self.server, self.path, self.watch = context, server, path, watch
        self.page = context.new_page()

    # --- opening and closing

    def open(self) -> None:
        """Show the file in the page, with a kernel; returns when cells can be run."""
        self.page.goto(f"{self.server.url}/lab/tree/{self.path.name}?reset")
        self.wait_ready()

    def wait_ready(self, seconds: float = SECONDS) -> None:
        """Wait until the kernel is connected and idle."""
        self.page.wait_for_function(READY, timeout=seconds * 1000)

    def save(self, *, widget_state: bool = False) -> dict[str, Any]:
        """Save, and return the file as it lies on the disk (nbformat 4, as JSON).

        Whether widgets are kept in it is a setting of the server that outlives the page: said each time.
        """
        assert self.page.evaluate(SAVE_WIDGET_STATE, widget_state) is widget_state
        self.command("docmanager:save")
        saved: dict[str, Any] = json.loads(self.path.read_text())
        return saved

    def reload(self) -> None:
        """Reload the page; the kernel goes on, as when a person presses F5."""
        self.page.reload()
        self.wait_ready()

    def reopen(self) -> None:
        """Open the saved file with a new kernel that has run nothing, as on the next day."""
        self.shut_down_kernel()
        self.open()

    def shut_down_kernel(self) -> None:
        """End every kernel of this notebook."""
        for session in self.server.api("sessions"):
            if session["path"] == self.path.name:
                self.server.api(f"sessions/{session['id']}", "DELETE")

    def close(self) -> None:
        """Close the page and end the kernel."""
        self.context.close()
        self.shut_down_kernel()

    # --- cells

    def run(
        self, index: int, *, wait: bool = True, seconds: float = SECONDS, may_fail: bool = False
    ) -> list[Any]:
        """Run a cell; returns its outputs. An error in the cell fails the test unless ``may_fail``."""
        self.page.evaluate(RUN, index)
        return self.finish(index, seconds=seconds, may_fail=may_fail) if wait else []

    def finish(self, index: int, *, seconds: float = SECONDS, may_fail: bool = False) -> list[Any]:
        """Wait for a cell that runs; returns its outputs."""
        self.page.wait_for_function("index => window.nblRuns[index].done", arg=index, timeout=seconds * 1000)
        failed = self.page.evaluate("index => window.nblRuns[index].error", index)
        assert failed is None, f"JupyterLab could not run cell {index}: {failed}"
        outputs = self.outputs(index)
        for output in outputs:
            if output["output_type"] == "error" and not may_fail:
                text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output["traceback"]))
                raise AssertionError(f"cell {index} of {self.path.name} failed:\n{text}")
        return outputs

    def run_all(self, *, seconds: float = SECONDS) -> None:
        """Run every code cell in turn."""
        for index, cell in enumerate(self.cells()):
            if cell["cell_type"] == "code":
                self.run(index, seconds=seconds)

    def cells(self) -> list[dict[str, Any]]:
        """The cells as the page holds them now (nbformat 4, as JSON)."""
        cells: list[dict[str, Any]] = self.page.evaluate(CELLS)
        return cells

    def sources(self) -> list[str]:
        """The text of every cell, to see that no key pressed in a widget reached the notebook."""
        return ["".join(cell["source"]) for cell in self.cells()]

    def outputs(self, index: int) -> list[Any]:
        """The outputs of a cell, as they would be saved."""
        outputs: list[Any] = self.page.evaluate(OUTPUTS, index)
        return outputs

    # --- what is drawn

    def cell(self, index: int) -> Locator:
        """The element of a cell."""
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        """The element of a cell's outputs. CSS locators below it see into open shadow roots."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def widget(self, index: int) -> Locator:
        """The first widget shown by a cell, in view; locators below it see into its shadow root."""
        widget = self.output(index).locator(".jp-OutputArea-output > .lm-Widget").first
        expect(widget).to_be_attached(timeout=SECONDS * 1000)
        widget.scroll_into_view_if_needed()
        return widget

    def theme(self, *, dark: bool) -> None:
        """Switch JupyterLab's theme and wait until it is applied."""
        self.command("apputils:change-theme", theme="JupyterLab Dark" if dark else "JupyterLab Light")
        light = "false" if dark else "true"
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Write build/screenshots/NAME.png, of the page or of one element."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        (of or self.page).screenshot(path=path)
        return path

    # --- JupyterLab and the kernel

    def command(self, name: str, **arguments: Any) -> None:
        """Run a command of JupyterLab and wait until it is done."""
        self.page.evaluate(COMMAND, [name, arguments])

    def value(self, expression: str, *, after: str = "") -> Any:
        """Value of a Python expression in the kernel (anything that JSON can hold), after running some code.

        It goes through the page's connection and waits for a cell that runs, as any cell does.
        """
        answer = self.page.evaluate(ASK, [after, f"__import__('json').dumps({expression})"])
        if answer["status"] != "ok":
            raise AssertionError(
                f"{after}\n{expression}\nfailed in the kernel: {answer['ename']}: {answer['evalue']}"
            )
        text = answer["data"]["text/plain"]
        return json.loads(eval(text, {}))

    def until(self, expression: str, *, seconds: float = 30.0) -> None:
        """Wait until an expression is true in the kernel; fails with its last value."""
        deadline = time.monotonic() + seconds
        while not (value := self.value(expression)):
            assert time.monotonic() < deadline, f"{expression} is still {value!r} after {seconds} s"
            self.page.wait_for_timeout(50)

    def execute(self, code: str) -> None:
        """Run code in the kernel without a cell."""
        self.value("None", after=code)


def write_notebook(path: Path, cells: tuple[str, ...]) -> None:
    """Write a notebook of code cells, as its author would have saved it without running it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source.strip()) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
