"""Eigenpairs of three networks' Hessians: products and seconds at equal true residual."""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from measure import digits, interleave
from report import Report, Table
from spectrum_models import CASES, Case
from spectrum_tools import CRITERION, Knob, Pairs, Tool, both_ends, by_magnitude, eigsh, linear_operator

import nblandscape as nbl

US = "nblandscape"
TARGETS = (1e-3, 1e-4)  # of residuals, relative to the norm of the Hessian
_RELATIVE = 0.1  # of residuals, relative to the value
ROUNDS = {"mlp": 15, "gpt2": 15, "resnet20": 15}
SLOW = {"gpt2", "resnet20"}  # one seed and one target
PATIENCE = 300.0  # seconds for all settings of one tool on a slow model


class Truth:
    """Products in float64, made here without any of the tools, and the ends of the spectrum."""

    def __init__(self, case: Case, k: int) -> None:
        self._parameters = list((model := copy.deepcopy(case.model).double()).parameters())
        wide = case.inputs.double() if case.inputs.is_floating_point() else case.inputs
        loss = CRITERION(model(wide), case.targets)
        parts = torch.autograd.grad(loss, self._parameters, create_graph=True)
        self._gradient = torch.cat([part.reshape(-1) for part in parts])
        operator = linear_operator(case.size, lambda v: self.product(torch.as_tensor(v.reshape(-1))).numpy(),
                                   np.float64)  # fmt: skip
        start = np.random.default_rng(0).standard_normal(case.size)
        values, _ = eigsh(operator, k=2 * k, which="BE", tol=1e-5, ncv=8 * k, v0=start)
        self.values = np.sort(values)
        self.norm = float(np.abs(values).max())

    def product(self, v: torch.Tensor) -> torch.Tensor:
        parts = torch.autograd.grad(self._gradient, self._parameters, v, retain_graph=True)
        return torch.cat([part.reshape(-1) for part in parts])

    def ends(self, k: int) -> np.ndarray:
        return np.r_[self.values[:k], self.values[len(self.values) - k :]]

    def residuals(self, pairs: Pairs) -> np.ndarray:
        gaps = [
            self.product(v) - value * v for v, value in zip(pairs.vectors, pairs.values.tolist(), strict=True)
        ]
        return np.array([float(gap.norm()) for gap in gaps])


@dataclasses.dataclass(frozen=True)
class Trial:
    """A setting of a tool on several seeds."""

    knob: Knob
    residual: float  # worst ||Hv - lv|| / ||H|| over pairs and seeds
    relative: float  # worst ||Hv - lv|| / |l|
    error: float  # worst |l - true l| / ||H||
    products: float  # median
    most: int


def attempt(tool: Tool, knob: Knob, case: Case, truth: Truth, wanted: np.ndarray, seeds: int) -> Trial | str:
    found = []
    for seed in range(seeds):
        try:
            found.append(tool.solve(case, seed, *knob))
        except Exception as error:  # noqa: BLE001 - a peer that fails is a result
            return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    residuals = np.array([truth.residuals(pairs) for pairs in found])
    values = np.array([pairs.values for pairs in found])
    errors = np.abs(np.sort(values, axis=1) - np.sort(wanted))
    products = [pairs.products for pairs in found]
    return Trial(
        knob,
        float(residuals.max() / truth.norm),
        float((residuals / np.abs(values)).max()),
        float(errors.max() / truth.norm),
        statistics.median(products),
        max(products),
    )


def search(
    tool: Tool,
    case: Case,
    truth: Truth,
    wanted: np.ndarray,
    seeds: int,
    targets: tuple[float, ...],
    patience: float,
    slow: bool,
) -> tuple[list[Trial], set[str]]:
    trials: list[Trial] = []
    failures: set[str] = set()
    enough: set[Knob] = set()
    start = time.monotonic()
    for knob in tool.knobs:  # from loose to tight in the first number
        if knob[1:] in enough:
            continue
        if time.monotonic() - start > patience:
            failures.add(f"given up after {patience:g} s")
            break
        result = attempt(tool, knob, case, truth, wanted, seeds)
        if isinstance(result, str):
            failures.add(result)
        else:
            trials.append(result)
            if result.residual <= (1.0 if slow else 0.3) * min(targets) and result.relative <= _RELATIVE:
                enough.add(knob[1:])
    return trials, failures


def cheapest(trials: list[Trial], target: float) -> Trial | None:
    """Of the settings that reach the target on every seed, the one with the fewest products."""
    good = [t for t in trials if t.residual <= target and t.relative <= _RELATIVE]
    return min(good, key=lambda t: (t.products, t.residual), default=None)


def compare(
    question: str,
    solvers: Mapping[str, Tool],
    wanted: np.ndarray,
    case: Case,
    truth: Truth,
    key: str,
    quick: bool,
) -> tuple[list[Table], dict[str, Any]]:
    slow = key in SLOW
    seeds, rounds = (1 if slow else 2, 3) if quick else (1 if slow else 3, ROUNDS[key])
    targets = TARGETS[:1] if quick or slow else TARGETS
    patience = PATIENCE if slow else 4 * PATIENCE
    found = {}
    for name, tool in solvers.items():
        found[name] = search(tool, case, truth, wanted, seeds, targets, patience / (5 if quick else 1), slow)
        print(f"… {case.name}: {question}: {name}", file=sys.stderr, flush=True)
    tables, raw = [], {}
    for target in targets:
        chosen = {name: cheapest(trials, target) for name, (trials, _) in found.items()}
        runs: dict[str, Callable[[], object]] = {
            name: functools.partial(solvers[name].solve, case, 0, *trial.knob)
            for name, trial in chosen.items()
            if trial is not None
        }
        times = interleave(runs, rounds)
        table = Table(
            f"{case.name}: {question}, every residual ≤ {target:g} ‖H‖ and ≤ 0.1 |λ|",
            [
                "tool",
                "setting",
                "true residual / ‖H‖",
                "error of λ / ‖H‖",
                "products (most)",
                f"seconds over {US}",
            ],
        )
        for name, trial in chosen.items():
            if trial is None:
                trials, failures = found[name]
                best = min(trials, key=lambda t: t.residual, default=None)
                reached = f"best {best.residual:.1e} with {best.products:g} products" if best else "no result"
                table.rows.append([name, "none reaches it", reached, "", "", "; ".join(sorted(failures))])
                continue
            setting = f"{solvers[name].setting} = {', '.join(f'{x:g}' for x in trial.knob)}"
            ratio = "1" if name == US else str(times.ratio(name, US)) if US in runs else "n/a"
            products = f"{digits(trial.products)} ({trial.most})"
            table.rows.append([name, setting, f"{trial.residual:.1e}", f"{trial.error:.1e}", products, ratio])
        if US in runs:
            table.notes.append(f"1 = {times.seconds(US)} s, from model and data to pairs.")
        tables.append(table)
        raw[f"{target:g}"] = {"chosen": {k: dataclasses.asdict(v) if v else None for k, v in chosen.items()},
                              "seconds": times.as_dict()}  # fmt: skip
    raw["trials"] = {name: [dataclasses.asdict(t) for t in trials] for name, (trials, _) in found.items()}
    raw["failures"] = {name: sorted(failures) for name, (_, failures) in found.items()}
    return tables, raw


def multiple_eigenvalues(quick: bool) -> Table:
    """Count how often a solver returns both copies of a double eigenvalue."""
    n, seeds = 500, 3 if quick else 20
    diagonal = np.concatenate([[5.0, 5.0], np.linspace(0.0, 1.0, n - 4), [-2.0, -2.0]])
    wanted = np.array([-2.0, -2.0, 5.0, 5.0])
    matrix = torch.diag(torch.as_tensor(diagonal))
    table = Table(
        f"A double eigenvalue at both ends (diagonal, n = {n}, float64, where rounding does not help)",
        ["tool", f"all four found, of {seeds} seeds", "products (median)"],
    )

    def mine(seed: int, tol: float) -> tuple[np.ndarray, int]:
        found = nbl.hessian_spectrum(matrix, tol=tol, seed=seed)
        return found.values, found.products

    def arpack(seed: int, tol: float) -> tuple[np.ndarray, int]:
        count = 0

        def product(v: np.ndarray) -> np.ndarray:
            nonlocal count
            count += 1
            return np.asarray(diagonal * v.reshape(-1))

        operator = linear_operator(n, product, np.float64)
        start = np.random.default_rng(seed).standard_normal(n)
        values, _ = eigsh(operator, k=4, which="BE", tol=tol, v0=start)
        return values, count

    def eigenthings(seed: int, steps: float) -> tuple[np.ndarray, int]:
        peer = importlib.import_module("hessian_eigenthings")
        operator = peer.LambdaOperator(lambda v: matrix @ v, n, dtype=torch.float64)
        found = [
            peer.lanczos(operator, k=2, max_iter=int(steps), which=end, seed=seed, reorthogonalize=True)
            for end in ("LA", "SA")
        ]
        return np.concatenate([part.eigenvalues.numpy() for part in found]), 2 * int(steps)

    cases: list[tuple[str, Callable[[int, float], tuple[np.ndarray, int]], float]] = [
        (f"{US}, tol = 1e-3", mine, 1e-3),
        ("scipy eigsh BE, tol = 1e-3", arpack, 1e-3),
        ("scipy eigsh BE, tol = 0 (its default)", arpack, 0.0),
        ("hessian-eigenthings Lanczos, LA + SA, 20 steps each", eigenthings, 20),
        ("hessian-eigenthings Lanczos, LA + SA, 60 steps each", eigenthings, 60),
    ]
    for name, solve, knob in cases:
        results = [solve(seed, knob) for seed in range(seeds)]
        right = sum(bool(np.allclose(np.sort(values), wanted, atol=0.05)) for values, _ in results)
        table.rows.append([name, right, digits(statistics.median(count for _, count in results))])
    return table


def run(*, quick: bool) -> Report:
    names = os.environ.get("NBLANDSCAPE_BENCH_MODELS", ",".join(CASES)).split(",")
    tables, raw = [], {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers warn about their own tolerances
        for key in names:
            case = CASES[key]()
            truth = Truth(case, 5)
            magnitude = truth.values[np.argsort(np.abs(truth.values))[-2:]]
            questions = {
                "two largest and two smallest": (both_ends(2, quick), truth.ends(2)),
                "five largest and five smallest": (both_ends(5, quick), truth.ends(5)),
                "two largest by magnitude": (by_magnitude(quick), magnitude),
            }
            raw[key] = {"ends": truth.values.tolist(), "size": case.size}
            for question, (solvers, wanted) in questions.items():
                more, raw[key][question] = compare(question, solvers, wanted, case, truth, key, quick)
                tables += more
            tables[-1].notes.append(
                f"{case.name}: n = {case.size}, ‖H‖ = {truth.norm:.4g}, five smallest "
                f"{', '.join(f'{v:.4g}' for v in truth.values[:5])}. Landscaper and PyHessian return the "
                "largest |λ| only, which are positive here."
            )
        tables.append(multiple_eigenvalues(quick))
    tables[0].notes.append(
        "Each peer runs with the setting that needs the fewest products, known only in hindsight "
        "(from a search over its settings); so does nblandscape."
    )
    return Report("spectrum", tables, raw)
