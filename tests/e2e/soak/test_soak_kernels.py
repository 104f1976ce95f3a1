"""Other versions of ipykernel: the surface streams while a cell runs, and a request is answered or waits."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from playwright.sync_api import expect

import dev
from harness.browser import ROOT
from harness.panel import HIMMELBLAU, colours, finished, rested
from harness.server import jupyterlab_server
from harness.shared import checked, opened

pytestmark = [pytest.mark.soak, pytest.mark.timeout(400)]

SLOW = """
import time

def slowed(x, y):
    time.sleep(0.002)
    return himmelblau(x, y)

explorer = nbl.explore(slowed, bounds=((-5, 5), (-5, 5)), points=33)
explorer
"""
SLEEP = "time.sleep(8); slept = True"
BUSY = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"


def interpreter(version: str) -> str:
    """Python with this ipykernel; all else is what the tests run with."""
    if importlib.metadata.version("ipykernel") == version:
        return sys.executable
    folder = ROOT / "build" / f"ipykernel-{version}"
    folder.parent.mkdir(exist_ok=True)
    pinned = folder.with_suffix(".txt")
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned.write_text("\n".join(line for line in lines if not line.startswith("ipykernel==")) + "\n")
    steps = [(f"ipykernel {version}", [f"ipykernel=={version}"])]
    dev.make_environment(folder, sys.executable, [pinned], steps, pinned)
    python = dev.python(folder)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    Path(own, "rest.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.fixture(params=["6.31.0", "7.0.1", "7.4.0"])
def kernel(request, browser, tmp_path):
    """A notebook whose kernel has that version."""
    spec = tmp_path / "path" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [interpreter(request.param), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "JUPYTER_PATH": str(tmp_path / "path")}
    folder = tmp_path / "lab"
    folder.mkdir()
    with (
        jupyterlab_server(folder, **environment) as server,
        opened(browser, server, "kernel", HIMMELBLAU, "import time", "1", "1") as lab,
    ):
        assert lab.value("__import__('ipykernel').__version__") == request.param
        yield lab


def source(lab, index, code):
    lab.page.evaluate(
        "([index, code]) => window.jupyterapp.shell.currentWidget.content.widgets[index]"
        ".model.sharedModel.setSource(code)",
        [index, code.strip()],
    )


def test_it_streams_and_answers_while_a_cell_runs(kernel):
    lab = kernel
    with checked(lab, "kernel_versions"):
        source(lab, 2, SLOW)
        source(lab, 3, SLEEP)
        lab.run(2)
        widget = lab.widget(2)
        lab.run(3, wait=False)
        lab.page.wait_for_function(BUSY)
        finished(widget, 7)
        assert lab.cells()[3]["execution_count"] is None, "the cell had ended before the surface was whole"
        rested(widget)
        assert colours(widget) > 200
        lab.finish(3)

        lab.run(3, wait=False)
        lab.page.wait_for_function(BUSY)
        widget.get_by_role("slider", name="Range", exact=True).press("ArrowLeft")
        phase = widget.locator(".nbl-phase")
        expect(phase.filter(has_text=re.compile("computed in|kernel is busy"))).to_be_visible(timeout=6000)
        assert lab.cells()[3]["execution_count"] is None
        lab.finish(3)
        finished(widget)
        lab.until("explorer.spec['span'][0] < 5 and explorer.surface['spec'] == explorer.spec")
