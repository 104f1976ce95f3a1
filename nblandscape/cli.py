"""``nblandscape``: the command line."""

import argparse
import importlib.util
import os
import sys
import time
import webbrowser
from pathlib import Path
from typing import Any

import nblandscape
from nblandscape.flags import in_flags

_OF_THE_USER = (OSError, ValueError, TypeError, FloatingPointError, ImportError, MemoryError)
_OTHER_FLAGS = {"largest": "--eigenpairs", "smallest": "--eigenpairs", "report=None": "--quick"}  # of inspect


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        Default: those of the process.

    Examples
    --------
    >>> main(["view", "nothing.npz"])  # says on stderr that the file does not exist
    2
    """
    parser = argparse.ArgumentParser(
        prog="nblandscape", description="Loss landscapes of PyTorch and Hugging Face models."
    )
    parser.add_argument("--version", action="version", version=f"nblandscape {nblandscape.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="run the first lesson in a real kernel and write one HTML file")
    demo.add_argument("--html", type=Path, default=Path("build/demo.html"), help="where to write it")
    view = commands.add_parser("view", help="open a saved explorer or landscape in a browser")
    view.add_argument("file", type=Path, help="what explorer.save or landscape.save wrote")
    view.add_argument("--html", type=Path, help="write the page there; do not open a browser")
    inspect = _add_inspect(commands)
    options = parser.parse_args(arguments)

    def words(text: str) -> str:
        """The package's messages name keyword arguments; here they are flags."""
        return in_flags(text, inspect, _OTHER_FLAGS)

    try:
        if options.command == "demo":
            return _demo(options.html)
        if options.command == "view":
            return _view(options.file, options.html)
        from nblandscape.huggingface.command import run

        return run(options, words)
    except _OF_THE_USER as error:
        print(f"nblandscape: {words(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("nblandscape: interrupted; nothing was written.", file=sys.stderr)
        return 130


def _add_inspect(commands: Any) -> argparse.ArgumentParser:
    """Arguments of ``nblandscape inspect``; nothing is imported for them."""
    inspect: argparse.ArgumentParser = commands.add_parser(
        "inspect",
        help="look at the loss landscape of a Hugging Face model",
        description="From a Hugging Face checkpoint to its loss landscape: a table, and a report to look at.",
    )
    inspect.add_argument(
        "path", help="a folder that save_pretrained wrote, an adapter's folder, or a model on the hub"
    )
    # What is not given is left to the defaults of nblandscape.inspect, whose options have these names.
    group = inspect.add_argument_group("model and data", argument_default=argparse.SUPPRESS)
    add = group.add_argument
    add("--text", "--data", dest="data", required=True, metavar="FILE",
        help="data: .txt (a text per line), .csv, .tsv, .json or .jsonl")  # fmt: skip
    add("--task", help="by default what the configuration says")
    add("--tokenizer", metavar="PLACE", help="folder or hub name, if it does not lie beside the model")
    add("--processor", metavar="PLACE", help="folder or hub name of the image processor")
    add("--limit", type=int, metavar="N", help="use at most so many texts (default 64; 0 for all)")
    add("--batch-size", type=int, metavar="N", help="texts per batch (default 8)")
    add("--max-length", type=int, metavar="N", help="tokens per text; by default the model's context")
    add("--overflow", choices=("error", "truncate", "split"), help="of longer texts (default error)")
    add("--text-column", help="column of the texts in the file")
    add("--label-column", help="column of the labels in the file")
    add("--parameters", help='what is analysed: all, head, adapters, layer:3, or a glob such as "*.mlp.*"')
    add("--metrics", nargs="+", metavar="NAME", help="beside the loss: accuracy")
    add("--dtype", choices=("float32", "float64", "bfloat16", "float16"), help="of the analysis")
    add("--device", help="cpu, cuda, …; by default where the model is")
    add("--batchnorm", choices=("eval", "batch", "recalibrate"), help="statistics (default eval)")
    add("--products", choices=("exact", "finite-difference"), help="how Hessian products are made")
    add("--revision", help="branch, tag or commit on the hub")
    add("--local-files-only", action="store_true", help="do not ask the hub")
    add("--trust-remote-code", action="store_true", help="run code that lies beside the model")
    add("--seed", type=int, help="of directions, masks and views (default 0)")
    group = inspect.add_argument_group("landscape", argument_default=argparse.SUPPRESS)
    add = group.add_argument
    add("--mode", choices=("auto", "hessian", "random"),
        help="directions: of the Hessian, or random ones by losses only; auto: what fits")  # fmt: skip
    add("--loss-only", dest="mode", action="store_const", const="random", help="the same as --mode random")
    add("--points", type=int, metavar="N", help="per axis, odd; by default as many as take a minute")
    add("--eigenpairs", type=int, metavar="N", help="from either end of the spectrum (default 4)")
    add("--basis", choices=("full", "half"), help="of the eigensolver; half: float16, where memory is short")
    add("--span", type=float, help="half-width of the window")
    add = inspect.add_argument_group("output").add_argument
    add("--html", type=Path, metavar="FILE", help="write a report there, and its numbers as .json beside it")
    add("--json", action="store_true", help="print the numbers as JSON instead of a table")
    add("--quick", action="store_true", help="leave out the curvature by layer and the trust report")
    add("--plan", action="store_true", help="print memory and time estimates, and stop; loads no weights")
    add("--quiet", action="store_true", help="neither plan nor progress")
    return inspect


def _view(file: Path, target: Path | None) -> int:
    explorer = nblandscape.explore(file)
    page = target or file.with_suffix(".html")
    written = explorer.to_html(page)
    explorer.close()
    print(f"{page} ({written.message})")
    if target is None and _has_display():
        webbrowser.open(page.resolve().as_uri())
    return 0


def _demo(target: Path) -> int:
    for name in ("nbclient", "nbformat", "ipykernel"):
        if importlib.util.find_spec(name) is None:
            raise ImportError(f"{name} is missing. Install it with: pip install 'nblandscape[lab]'")
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    lesson = _lesson()
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(lesson, as_version=4)
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    started, seen = time.perf_counter(), 0

    def on_start(cell: Any, **_: Any) -> None:
        nonlocal seen
        if cell.cell_type == "code":
            seen += 1
            head = next((line for line in cell.source.splitlines() if line.strip()), "")
            print(f"[{seen}/{cells}] {time.perf_counter() - started:5.1f} s  {head}", flush=True)

    def on_executed(cell: Any, **_: Any) -> None:
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stdout":
                print("\n".join("    " + line for line in output.text.rstrip().splitlines()), flush=True)

    print(f"{lesson.name} in a kernel of {Path(sys.executable).name}", flush=True)
    environment = {**os.environ, "NBLANDSCAPE_WAIT": "1", "NBLANDSCAPE_HTML": str(target)}
    client = NotebookClient(
        notebook,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        timeout=600,
        resources={"metadata": {"path": str(target.parent)}},
        on_cell_start=on_start,
        on_cell_executed=on_executed,
    )
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        print(error)
        return 1
    if not target.exists():
        raise FileNotFoundError(f"The lesson ended without writing {target}.")
    print(f"{time.perf_counter() - started:.1f} s in all")
    print(f"{target} ({target.stat().st_size / 1e6:.2f} MB): open it in a browser, it needs nothing else.")
    return 0


def _lesson() -> Path:
    """Find lesson 01: in the package of a wheel, or beside it in a checkout."""
    package = Path(nblandscape.__file__).parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        for file in sorted(folder.glob("01_*.ipynb")):
            return file
    raise FileNotFoundError(f"No lesson 01_*.ipynb in {package / 'notebooks'}; reinstall nblandscape.")


def _has_display() -> bool:
    return sys.platform in ("win32", "darwin") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


if __name__ == "__main__":
    sys.exit(main())
