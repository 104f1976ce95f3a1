"""Hugging Face models: eigenpairs and landscapes against peers, memory of one with 124 million parameters."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import digits
from report import Report, Table

Numbers = tuple[str, Table, Any]
LIMITS = {"copy": 3.3, "share": 2.3}


def memory(quick: bool) -> Iterator[Numbers]:
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
        _, *losses, stored, _ = (peak for _, peak, _ in found[copy])
        for what, most, allowed in (("losses", max(losses), limit), ("stored directions", stored, limit + 2)):
            verdict = "within" if most <= allowed else "ABOVE"
            table.notes.append(f"{copy}, {what}: at most {most:.2f}, {verdict} {allowed:g}.")
    table.notes.append("Hessian pairs also keep a vector of the block's size for every product.")
    table.notes.append("Beyond the process's memory after the same steps with a tiny model.")
    yield "memory", table, found


def pairs(quick: bool) -> Iterator[Numbers]:
    """Eigenpairs; the peers are imported only here."""
    yield from importlib.import_module("huggingface_pairs").tables(quick)


def landscape(quick: bool) -> Iterator[Numbers]:
    """A language model's landscape, likewise."""
    yield from importlib.import_module("huggingface_landscape").tables(quick)


PARTS = {"memory": memory, "pairs": pairs, "landscape": landscape}


def run(*, quick: bool) -> Report:
    chosen = os.environ.get("NBLANDSCAPE_BENCH_PARTS", ",".join(PARTS)).split(",")
    tables, raw = [], {}
    for part in chosen:
        for name, table, numbers in PARTS[part](quick):
            print(table, file=sys.stderr, flush=True)  # half an hour of them: a later failure loses none
            tables.append(table)
            raw[name] = numbers
    return Report("huggingface", tables, raw)
