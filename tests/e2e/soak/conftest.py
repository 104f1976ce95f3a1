"""The table of the long tests: what was measured, against which limit; printed and in build/soak.json."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator

import pytest

from harness.browser import ROOT

rows: list[dict[str, object]] = []

Measured = Callable[..., None]


@pytest.fixture
def measured() -> Measured:
    """``measured(name, value, limit, unit)``: a row of the table, and a failure above the limit.

    With ``least=True`` the value has to reach the limit; with ``limit=None`` it is only told.
    """
    failed: list[str] = []

    def note(name: str, value: float, limit: float | None, unit: str = "", *, least: bool = False) -> None:
        ok = limit is None or (value >= limit if least else value <= limit)
        bound = "" if limit is None else f"{'>=' if least else '<='} {limit:g}"
        rows.append({"name": name, "measured": value, "unit": unit, "limit": bound, "ok": ok})
        if not ok:
            failed.append(f"{name}: {value:g} {unit}, wanted {bound}")

    yield note
    if failed:
        pytest.fail("\n".join(failed), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Every long test is a row as well, measured or not."""
    report = yield
    if report.when == "call" or report.failed:
        row = {"name": item.name, "measured": round(report.duration, 1), "unit": "s", "limit": ""}
        rows.append(row | {"ok": report.passed})
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, and write it for later comparison."""
    if not rows:
        return
    target = ROOT / "build" / "soak.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"cpus": os.cpu_count(), "load": os.getloadavg(), "rows": rows}, indent=1))
    width = max(len(str(row["name"])) for row in rows)
    terminalreporter.section("soak")
    for row in rows:
        value = f"{row['measured']:.4g} {row['unit']}".strip()
        verdict = "ok" if row["ok"] else "FAILED"
        terminalreporter.line(f"{row['name']:<{width}}  {value:>12}  {row['limit']:>12}  {verdict}")
