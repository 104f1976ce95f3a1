"""Hugging Face models: memory of one with 124 million parameters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from measure import digits
from report import Report, Table

LIMITS = {"copy": 3.3, "share": 2.3}


def memory(quick: bool) -> tuple[Table, dict[str, object]]:
    """Peak memory after every step, with and without a copy of the weights."""
    points, samples = (3, 1) if quick else (17, 4)
    script = Path(__file__).with_name("huggingface_memory.py")
    found = {}
    for copy in LIMITS:
        command = [sys.executable, str(script), copy, str(points), str(samples)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        found[copy] = json.loads(run.stdout.splitlines()[-1])
    table = Table(
        "GPT-2 with 124 million parameters, 32 tokens: peak memory in units of its weights (498 MB)",
        ["step", "copy=True (limit 3.3)", "copy=False (limit 2.3)", "seconds over a bare forward's"],
    )
    forward = next(seconds for name, _, seconds in found["copy"] if name == "one bare forward")
    for (name, one, seconds), (_, two, _) in zip(found["copy"], found["share"], strict=True):
        table.rows.append([name, f"{one:.2f}", f"{two:.2f}", digits(seconds / forward)])
    for copy, limit in LIMITS.items():
        # Building a model takes what Transformers takes.
        most = max(peak for name, peak, _ in found[copy] if name != "the model itself")
        table.notes.append(f"{copy}: at most {most:.2f}, {'within' if most <= limit else 'ABOVE'} {limit}.")
    table.notes.append("Beyond the process's memory after the same steps with a tiny model.")
    return table, {"memory": found}


def run(*, quick: bool) -> Report:
    table, raw = memory(quick)
    return Report("huggingface", [table], raw)
