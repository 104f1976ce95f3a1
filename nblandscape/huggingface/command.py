"""``nblandscape inspect``: a plan, progress, a table of the numbers, and a report."""

import json
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import torch
from tqdm import tqdm

from nblandscape.huggingface.inspect import inspect
from nblandscape.huggingface.loading import transformers
from nblandscape.huggingface.options import Options
from nblandscape.huggingface.plan import plan_inspection
from nblandscape.huggingface.report import (
    Report,
    check_target,
    error_text,
    measure_report,
    plain,
    write_report,
)
from nblandscape.widgets._export import in_words
from nblandscape.widgets.explorer import Explorer

Words = Callable[[str], str]

_POLL = 0.1  # seconds


def run(options: Namespace, words: Words) -> int:
    """Do what the arguments say and return the exit status; `words` turns keyword arguments into flags."""
    transformers().utils.logging.disable_progress_bar()  # the bar below is the only one
    transformers().utils.logging.set_verbosity_error()
    warnings.simplefilter("ignore", FutureWarning)  # of one library about another
    if options.html is not None:
        check_target(options.html)
    arguments = _arguments(vars(options)) | {"report": not options.quick}
    if options.plan:
        arguments.pop("span", None)
        plan = plan_inspection(options.path, options.data, **arguments)
        _print(_json(plan.to_dict()) if options.json else words(repr(plan)))
        return 0
    explorer = inspect(options.path, options.data, quiet=True, **arguments)
    try:
        if not options.quiet:
            _print(words(repr(explorer.plan)), error=options.json)
        report = _measured(explorer, options)
        if options.html is not None:
            write_report(explorer, options.html, report=report)
    finally:
        explorer.cancel()
        explorer.close()
    _print(report.to_json().rstrip() if options.json else words(summary_of(report)))
    if options.html is not None and not options.json:
        beside = options.html.with_suffix(".json")
        _print(f"{options.html} ({in_words(options.html.stat().st_size)}) and {beside.name}")
    return 0


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments of `inspect`: what the command line has of its options."""
    names = (*Options.__annotations__, "mode", "points", "span", "basis")
    found = {name: given[name] for name in names if name in given}
    if found.get("limit") == 0:
        found["limit"] = None
    if "dtype" in found:
        found["dtype"] = getattr(torch, found["dtype"])
    if "eigenpairs" in given:
        found["largest"] = found["smallest"] = given["eigenpairs"]
    return found


def _measured(explorer: Explorer, options: Namespace) -> Report:
    """Wait for the landscape, then measure the rest; with a bar on stderr unless it shall be quiet."""
    with tqdm(
        total=100, disable=options.quiet, file=sys.stderr, bar_format="{desc}: {n:.0f} % {elapsed}"
    ) as bar:

        def say(text: str, share: float) -> None:
            bar.set_description_str(text, refresh=False)
            bar.n = round(100 * share)
            bar.refresh()

        while True:
            if explorer.error is None:  # else it is told once, as the error that it is
                say(*explorer.progress())
            try:
                explorer.wait(_POLL)
                break
            except TimeoutError:
                continue
        wanted = False if options.quick else None
        seed = {"seed": options.seed} if "seed" in options else {}
        return measure_report(explorer, blocks=wanted, trust=wanted, trace=wanted, progress=say, **seed)


def summary_of(report: Report) -> str:
    """The numbers that matter most, as a table."""
    told = report.numbers
    numbers = told["topology"]["numbers"]
    rows = [] if told["loss"] is None else [("loss", _pair(told["loss"]))]
    if told["spectrum"] is not None:
        values, residuals = told["spectrum"]["values"], told["spectrum"]["residuals"]
        rows += [
            ("largest eigenvalue", f"{values[0]:.4g} (residual {residuals[0]:.1e})"),
            ("smallest eigenvalue", f"{values[-1]:.4g} (residual {residuals[-1]:.1e})"),
        ]
    if told["no_spectrum"]:
        rows.append(("spectrum", f"none: {told['no_spectrum']}"))
    if report.trace is not None:
        rows.append(("trace from losses", _pair(told["trace"])))
    if report.blocks is not None:
        found = report.blocks
        sharpest = int(found.top.argmax())
        rows.append(("trace", f"{found.total.value:.4g}{error_text(found.total.stderr)}"))
        rows.append(
            ("sharpest block", f"{found.names[sharpest]} (largest eigenvalue {found.top[sharpest]:.4g})")
        )
    supported = told["topology"]["supported"]
    minima = f"{numbers['minima']['value']}" + (f", {supported['minima']} supported" if supported else "")
    rows.append(("minima of the slice", minima))
    rows += [
        (name, _pair(numbers[key]))
        for name, key in (("SMAD", "smad"), ("persistence", "average_persistence"))
    ]
    if told["topology"]["holes"]:
        rows.append(("not finite", f"{told['topology']['holes']} points"))
    width = max(len(name) for name, _ in rows)
    lines = [told["title"], *(f"{name:<{width}}  {text}" for name, text in rows)]
    return "\n".join(lines + ([] if report.trust is None else [report.trust.verdict]))


def _pair(number: dict[str, float | None]) -> str:
    error = error_text(number["stderr"])
    return "not finite" if number["value"] is None else f"{number['value']:.4g}{error}"


def _json(value: Any) -> str:
    return json.dumps(plain(value), indent=1, allow_nan=False, ensure_ascii=False)


def _print(text: str, *, error: bool = False) -> None:
    stream = sys.stderr if error else sys.stdout
    stream.write(text + "\n")
    stream.flush()
