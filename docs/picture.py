"""Photograph the explorer in a real JupyterLab for README, light and dark: ``python docs/picture.py``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "e2e")]
from harness.browser import ARGUMENTS, ROOT, find_chromium  # noqa: E402
from harness.notebook import Notebook, write_notebook  # noqa: E402
from harness.panel import finished  # noqa: E402
from harness.server import jupyterlab_server  # noqa: E402
from harness.watch import Watch  # noqa: E402

TRAIN = """
import torch
from sklearn.datasets import load_digits

import nblandscape as nbl

pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(labels)
torch.manual_seed(0)
hidden = torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 32), torch.nn.Tanh()
model = torch.nn.Sequential(*hidden, torch.nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
with nbl.Recorder(model, "run", every=15) as recorder:
    for epoch in range(40):
        for batch in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
            recorder.step()
objective = nbl.Objective(model, torch.nn.CrossEntropyLoss(), list(zip(x.split(100), y.split(100))))
"""
SHOW = """
explorer = nbl.explore(
    objective, span=28, points=65, title="Tanh network on digits", paths={"Adam": "run"}
)
explorer
"""


def main() -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=ARGUMENTS)
        with jupyterlab_server(Path(folder), OMP_NUM_THREADS="1", PYTHONPATH=str(ROOT)) as server:
            path = server.root / "picture.ipynb"
            write_notebook(path, (TRAIN, SHOW))
            context = browser.new_context(viewport={"width": 1770, "height": 1000})
            context.request.get(f"{server.url}/lab?token={server.token}")
            notebook = Notebook(context, server, path, Watch(context, server.url))
            notebook.open()
            notebook.run_all()
            widget = notebook.widget(1)
            finished(widget)
            notebook.value("1", after="explorer.wait(); explorer.select_minimum(1)")
            widget.get_by_role("button", name="What can this slice show?").click()
            expect(widget.get_by_role("button", name="numbers", exact=True)).to_be_visible(timeout=60_000)
            for dark in (False, True):
                notebook.theme(dark=dark)
                notebook.page.mouse.move(1, 1)
                notebook.page.wait_for_timeout(1500)
                widget.screenshot(path=HERE / ("explorer-dark.png" if dark else "explorer.png"))
            notebook.close()


if __name__ == "__main__":
    main()
