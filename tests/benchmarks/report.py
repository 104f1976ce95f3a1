"""What a benchmark hands back: markdown tables for people and JSON for later comparison."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "bench"
PACKAGES = (
    "torch", "numpy", "scipy", "gudhi", "scikit-image", "Landscaper", "topopy", "nglpy", "pyhessian",
    "curvlinops-for-pytorch", "hessian-eigenthings", "loss-landscapes", "plotly", "k3d", "anywidget",
    "ipywidgets", "jupyterlab", "playwright",
)  # fmt: skip


@dataclasses.dataclass
class Table:
    """One markdown table with the remarks that belong under it."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[object]] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"### {self.title}", "", _line(self.columns), _line(["---"] * len(self.columns))]
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, *([""] if self.notes else []), *(f"- {note}" for note in self.notes), ""])


@dataclasses.dataclass
class Report:
    """All tables of one benchmark and the raw numbers behind them."""

    name: str
    tables: list[Table]
    raw: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return f"## {self.name}\n\n" + "\n".join(str(table) for table in self.tables)

    def save(self, *, quick: bool) -> Path:
        OUT.mkdir(parents=True, exist_ok=True)
        path = OUT / f"{self.name}{'-quick' if quick else ''}.json"
        tables = [dataclasses.asdict(table) for table in self.tables]
        content = {"name": self.name, "quick": quick, "machine": machine(), "tables": tables, "raw": self.raw}
        path.write_text(json.dumps(content, indent=1, default=str) + "\n")
        path.with_suffix(".md").write_text(f"{self}\n")
        return path


def machine() -> dict[str, Any]:
    """Where and with what this ran."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "uncommitted": bool(_git("status", "--porcelain", "--", "nblandscape", "js", "tests/benchmarks")),
        "versions": versions,
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
