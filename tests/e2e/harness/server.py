"""Starts a JupyterLab of its own, apart from the user's settings."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running JupyterLab."""

    url: str  # without a slash at the end
    token: str
    root: Path  # the folder it shows
    log: Path

    def api(self, path: str, method: str = "GET") -> Any:
        """Answer of Jupyter's REST interface, decoded."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None


@contextmanager
def jupyterlab_server(folder: Path, **environment: str) -> Iterator[Server]:
    """Run JupyterLab with everything it writes below ``folder``; environment variables reach the kernels."""
    root, settings = folder / "notebooks", folder / "settings"
    root.mkdir()
    write_settings(settings)
    write_page_config(folder / "config")
    own = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "IPYTHONDIR": folder / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": settings,
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", secrets.token_hex(16), root, folder / "jupyterlab.log")
    command = [
        *(
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
        ),
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={server.token}",
        f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    merged = os.environ | {name: str(path) for name, path in own.items()} | environment
    with server.log.open("w") as log:
        process = subprocess.Popen(command, env=merged, stdout=log, stderr=log, cwd=root)
    try:
        wait_until_up(server, process)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def write_settings(folder: Path) -> None:
    """Turn off what would ask the network or cover the page."""
    plugin = folder / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}))


def write_page_config(folder: Path) -> None:
    """Let no page ask whether JupyterLab is to be built anew, for which the server starts Node each time."""
    place = folder / "labconfig"
    place.mkdir(parents=True)
    (place / "page_config.json").write_text(json.dumps({"buildCheck": False, "buildAvailable": False}))


def wait_until_up(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Return when the server answers; `RuntimeError` with its log when it ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.api("status")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    tail = "\n".join(server.log.read_text().splitlines()[-30:])
    raise RuntimeError(f"JupyterLab did not answer within {START_SECONDS} s. The end of its log:\n{tail}")
