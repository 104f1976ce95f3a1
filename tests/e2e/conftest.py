"""Fixtures of the browser tests: one browser and one JupyterLab per session, one page per notebook."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from harness.browser import ARGUMENTS, ROOT, find_chromium
from harness.notebook import Notebook, write_notebook
from harness.server import Server, jupyterlab_server
from harness.watch import Watch

# A busy machine is slow to draw and to answer; an expectation that fails costs this long once.
expect.set_options(timeout=20_000)

OpenNotebook = Callable[..., Notebook]
failed = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of the session; there is always one, or the tests fail and say what to install."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(playwright), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def jupyterlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab with folders of its own; its kernels import this checkout and use one OpenMP thread."""
    environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with jupyterlab_server(tmp_path_factory.mktemp("jupyterlab"), **environment) as server:
        yield server


@pytest.fixture
def watched(browser: Browser) -> Iterator[Callable[..., tuple[BrowserContext, Watch]]]:
    """Make a browser context in which console errors and requests to other machines fail the test."""
    made: list[tuple[BrowserContext, Watch]] = []

    def make(*origins: str, width: int = 1280, height: int = 900) -> tuple[BrowserContext, Watch]:
        context = browser.new_context(viewport={"width": width, "height": height})
        made.append((context, Watch(context, *origins)))
        return made[-1]

    yield make
    for context, _ in made:
        context.close()
    problems = [line for _, watch in made for line in watch.problems()]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def notebook(
    jupyterlab: Server,
    watched: Callable[..., tuple[BrowserContext, Watch]],
    request: pytest.FixtureRequest,
) -> Iterator[OpenNotebook]:
    """Open notebooks: ``notebook("import x", "x.show()")`` has two code cells, none of them run yet."""
    opened: list[Notebook] = []

    def make(*cells: str, width: int = 1280, height: int = 900) -> Notebook:
        name = re.sub(r"\W+", "_", request.node.name).strip("_")
        path = Path(jupyterlab.root) / f"{name}_{len(opened)}.ipynb"
        write_notebook(path, cells)
        context, watch = watched(jupyterlab.url, width=width, height=height)
        context.request.get(f"{jupyterlab.url}/lab?token={jupyterlab.token}")
        opened.append(Notebook(context, jupyterlab, path, watch))
        opened[-1].open()
        return opened[-1]

    yield make
    for one in opened:
        try:
            if request.node.stash.get(failed, False):
                one.screenshot(f"failed_{one.path.stem}")
        finally:
            one.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember a failure, so that the notebook fixture leaves a screenshot of it."""
    report = yield
    if report.when == "call":
        item.stash[failed] = report.failed
    return report
