"""One notebook for several tests: opening JupyterLab costs more than most of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from .notebook import Notebook, write_notebook
from .server import Server
from .watch import Watch


@contextmanager
def opened(
    browser: Browser,
    server: Server,
    name: str,
    *cells: str,
    width: int = 1280,
    height: int = 1000,
    scripts: Iterable[str] = (),
) -> Iterator[Notebook]:
    """A notebook whose cells have run, in a page of its own; `scripts` run before those of the page."""
    path = Path(server.root) / f"{re.sub(r'[^A-Za-z0-9]+', '_', name)}.ipynb"
    write_notebook(path, cells)
    context = browser.new_context(viewport={"width": width, "height": height})
    for script in scripts:
        context.add_init_script(script)
    notebook = Notebook(context, server, path, Watch(context, server.url))
    try:
        context.request.get(f"{server.url}/lab?token={server.token}")
        notebook.open()
        notebook.run_all()
        yield notebook
    finally:
        notebook.close()


@contextmanager
def checked(notebook: Notebook, name: str, *, failed: bool = False) -> Iterator[Notebook]:
    """Around one test of a shared notebook: errors in the console and foreign requests fail it."""
    notebook.watch.forget()
    try:
        yield notebook
    except BaseException:
        notebook.screenshot(f"failed_{name}")
        raise
    if problems := notebook.watch.problems():
        notebook.watch.forget()
        pytest.fail("\n".join(problems), pytrace=False)
