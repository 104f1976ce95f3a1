"""What a run was predicted to take over what it took: seconds, and memory in processes of their own."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from measure import spread, without_collection
from report import Report, Table
from spectrum_models import CASES, Case
from torch import nn

import nblandscape as nbl
import nblandscape.landscape.cost

CRITERION = nn.CrossEntropyLoss()
POINTS = {"mlp": 17, "gpt2": 7, "resnet20": 5}
PRODUCTS = 40
KINDS = ("sample", "sample with slopes", "spectrum")
BUDGET = 7.0  # seconds for the times of one cell of the table, then 3 pairs have to do
# Copies of a model's batch, so many that the peak stands out from what an allocator keeps.
COPIES = {"gpt2": (16, 4, 2), "resnet20": (12, 2, 1)}


def predicted(kind: str, objective: nbl.Objective, plane: nbl.Subspace, points: int) -> object:
    if kind == "spectrum":
        return nbl.predict_spectrum_cost(objective, products=PRODUCTS)
    return nbl.predict_cost(objective, plane, points, gradients=kind != "sample")


def work(kind: str, objective: nbl.Objective, plane: nbl.Subspace, points: int) -> int:
    """Do it; how many points or products it was."""
    if kind != "spectrum":
        return nbl.sample(objective, plane, points=points, gradients=kind != "sample").values.size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pairs that need more products
        return nbl.hessian_spectrum(objective, max_products=PRODUCTS).products


def seconds(case: Case, points: int, rounds: int) -> dict[str, list[float]]:
    """Predicted over measured, a prediction before every run."""
    objective = nbl.Objective(case.model, CRITERION, case.batch)
    plane = nbl.Subspace.random(objective)
    ratios: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        started = time.monotonic()
        while len(ratios[kind]) < rounds:
            with without_collection():
                cost = predicted(kind, objective, plane, points)
                begin = time.perf_counter()
                calls = work(kind, objective, plane, points)
                ratios[kind].append(cost.seconds / cost.calls * calls / (time.perf_counter() - begin))
            if time.monotonic() - started > BUDGET and len(ratios[kind]) >= 3:
                break
    return ratios


class Wide(nn.Sequential):
    """Four million parameters, so that vectors take more than the interpreter's own ups and downs."""

    def __init__(self) -> None:
        super().__init__(
            nn.Linear(64, 2000), nn.Tanh(), nn.Linear(2000, 2000), nn.Tanh(), nn.Linear(2000, 10)
        )


def resident(which: str) -> int:
    """Bytes: VmRSS now, VmHWM at most since the last `reset`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))


def reset() -> None:
    """Give freed memory back and forget the peak (Linux)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def memory(name: str, kind: str) -> dict[str, Any]:
    """In a fresh process: predicted bytes, and how far the run moved the process's peak."""
    nblandscape.landscape.cost.TRIAL_SECONDS = 0.0  # only bytes count here
    if name == "wide":
        torch.manual_seed(0)
        case = Case("wide MLP", Wide().eval(), torch.randn(256, 64), torch.randint(10, (256,)))
    else:
        case = CASES[name]()
        many = COPIES[name][KINDS.index(kind)]
        inputs, targets = case.inputs, case.targets
        case = Case(case.name, case.model, torch.cat([inputs] * many), torch.cat([targets] * many))
    small = nbl.Objective(
        case.model, CRITERION, (case.inputs[:1], case.targets[: len(case.targets) // len(case.inputs)])
    )
    small_plane = nbl.Subspace.random(small)
    for warm in KINDS[:2]:  # kernels and what they keep are loaded
        work(warm, small, small_plane, 3)
    small.hvp(torch.ones(small.num_parameters))
    del small_plane
    reset()
    before = resident("VmRSS")
    objective = nbl.Objective(case.model, CRITERION, case.batch)
    plane = nbl.Subspace.random(small if kind == "spectrum" else objective)
    reset()  # the peak is that of the run, what was made before it counts with what it holds
    if kind == "spectrum":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            products = nbl.hessian_spectrum(objective, max_products=10).products
    else:
        products = work(kind, objective, plane, 3)
    after = resident("VmHWM")
    if kind == "spectrum":
        cost = nbl.predict_spectrum_cost(objective, products=products)
    else:
        cost = predicted(kind, objective, plane, 3)
    return {"predicted": float(cost.bytes), "measured": float(after - before), "parts": dict(cost.parts)}


def run(*, quick: bool) -> Report:
    rounds = 2 if quick else 15
    chosen = os.environ.get("NBLANDSCAPE_BENCH_MODELS", "mlp,gpt2,resnet20").split(",")
    times = Table("Seconds: predicted over measured", ["model", *KINDS])
    raw: dict[str, object] = {"seconds": {}, "memory": {}}
    for name in chosen:
        case = CASES[name]()
        ratios = seconds(case, POINTS[name], rounds)
        print(name, {k: str(spread(v)) for k, v in ratios.items()}, file=sys.stderr, flush=True)
        raw["seconds"][name] = ratios  # type: ignore[index]
        times.rows.append([case.name, *(spread(ratios[kind]) for kind in KINDS)])
    times.notes.append(f"Medians and quartiles of 3 to {rounds} pairs; the aim is 0.8 to 1.25 in the median.")
    space = Table("Memory: predicted over measured", ["model", *KINDS])
    for name in ["wide", *(n for n in chosen if n != "mlp")]:
        row: list[object] = [name]
        for kind in KINDS:
            found = json.loads(
                subprocess.run(
                    [sys.executable, __file__, name, kind], check=True, capture_output=True, text=True
                ).stdout.splitlines()[-1]
            )
            raw["memory"][f"{name} {kind}"] = found  # type: ignore[index]
            print(name, kind, found, file=sys.stderr, flush=True)
            megabytes = [found[which] / 1e6 for which in ("predicted", "measured")]
            row.append(
                f"{megabytes[0] / max(megabytes[1], 1e-3):.2f} ({megabytes[0]:.0f} / {megabytes[1]:.0f} MB)"
            )
        space.rows.append(row)
    space.notes.append(
        "Measured: growth of the resident size (Linux) over that after the same work on one sample, which "
        "loads the kernels. The wide MLP has 4.2 million parameters; the lesson's network "
        "takes less than the noise."
    )
    return Report("cost", [times, space], raw)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.path.insert(1, str(Path(__file__).resolve().parents[2]))
    print(json.dumps(memory(sys.argv[1], sys.argv[2])))
