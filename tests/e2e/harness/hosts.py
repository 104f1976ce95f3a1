"""Starts what else shows widgets, Notebook 7, Voila and marimo, from an environment of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .browser import ROOT
from .server import START_SECONDS

REQUIREMENTS = ROOT / "tests" / "e2e" / "soak" / "hosts-requirements.txt"


def environment() -> Path:
    """Folder of the hosts' programs; made with pip at the first use."""
    sys.path.append(str(ROOT))
    import dev

    venv, constraints = dev.BUILD / "hosts-venv", ROOT / "constraints.txt"
    steps = [
        ("torch 2.13.0", ["torch==2.13.0"]),
        ("nblandscape", ["-e", "."]),
        ("Notebook 7, Voila, marimo, Jupyter Book", ["-r", str(REQUIREMENTS)]),
    ]
    inputs = [ROOT / "pyproject.toml", constraints, REQUIREMENTS]
    dev.make_environment(venv, sys.executable, inputs, steps, constraints)
    return Path(dev.python(venv)).parent


def free_port() -> int:
    """Number of a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: Path, url: str, *command: str | Path) -> Iterator[str]:
    """Run a server with everything it writes below ``folder``; yields its address when it answers."""
    own = {
        "HOME": folder / "home",
        "XDG_CONFIG_HOME": folder / "config",
        "JUPYTER_CONFIG_DIR": folder / "jupyter",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "IPYTHONDIR": folder / "ipython",
        "PYTHONPATH": ROOT,
        "OMP_NUM_THREADS": 1,
    }
    merged = os.environ | {name: str(value) for name, value in own.items()}
    (folder / "home").mkdir(exist_ok=True)
    log = folder / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen([str(p) for p in command], env=merged, stdout=out, stderr=out, cwd=folder)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(url):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(
                    f"{command[0]} did not answer. The end of its log:\n{log.read_text()[-3000:]}"
                )
            time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """Whether there is anyone."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
