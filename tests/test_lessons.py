"""Lessons run top to bottom in a real kernel, in time, and carry no outputs."""

import json
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.timeout(300)
def test_the_demo_runs_the_first_lesson_prints_its_figures_and_writes_a_page(tmp_path):
    page = tmp_path / "demo.html"
    begin = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-m", "nblandscape", "demo", "--html", str(page)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert time.perf_counter() - begin < 180
    numbers = result.stdout
    assert float(re.search(r"accuracy on these images (\S+)", numbers)[1]) > 0.98
    assert re.search(r"0 +\d\.\d+ +\d\.\de-\d\d", numbers), "eigenvalues come with residuals"
    assert int(re.search(r"(\d+) minima, SMAD", numbers)[1]) >= 3
    assert 0.5e5 < page.stat().st_size < 3e6
    assert "Content-Security-Policy" in page.read_text()[:600]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lesson", LESSONS[1:], ids=lambda path: path.stem)
def test_the_other_lessons_run_in_a_real_kernel_within_three_minutes(lesson, tmp_path, monkeypatch):
    monkeypatch.setenv("NBLANDSCAPE_WAIT", "1")  # a view waits for its picture, as for nbconvert
    notebook = nbformat.read(lesson, as_version=4)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's transport
        NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert time.perf_counter() - begin < 180
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    assert not [output for output in outputs if output.get("name") == "stderr"]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lessons_are_stripped_and_ask_the_reader(lesson):
    cells = json.loads(lesson.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "Question" in prose
    assert len(code) >= 5


def test_there_are_lessons():
    assert LESSONS, "notebooks/ is empty"
