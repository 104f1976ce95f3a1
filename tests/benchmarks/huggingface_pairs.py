"""Top eigenpairs of Hugging Face models against hessian-eigenthings at equal residual."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from huggingface_models import CASES, Case
from measure import digits, interleave
from report import Table

import nblandscape as nbl

US, LANCZOS, POWER = "nblandscape", "hessian-eigenthings Lanczos", "hessian-eigenthings power iteration"
ONE_COPY = "nblandscape, max_miss = 1 (no search for further copies)"
TARGET = 1e-3  # of every true residual over its eigenvalue
LIMIT = 200  # steps of Lanczos


@dataclasses.dataclass(frozen=True)
class Pairs:
    values: torch.Tensor  # (k,)
    vectors: torch.Tensor  # (k, n)
    products: int


class Truth:
    """Hessian products in float64, made here without any of the tools."""

    def __init__(self, case: Case) -> None:
        model = case.model("eager").double()
        for module in model.modules():
            if isinstance(module, torch.nn.Embedding):
                module.padding_idx = None  # a gradient that leaves a row out is not the derivative
        self._parameters = list(model.parameters())
        self.size = sum(p.numel() for p in self._parameters)
        batch = {k: v.double() if v.is_floating_point() else v for k, v in case.batch.items()}
        parts = torch.autograd.grad(model(**batch).loss, self._parameters, create_graph=True)
        self._gradient = torch.cat([part.reshape(-1) for part in parts])

    def worst(self, pairs: Pairs) -> float:
        """Largest ||Hv - lv|| / |l| over the pairs, vectors scaled to length 1."""
        found = []
        for value, row in zip(pairs.values.double(), pairs.vectors.double(), strict=True):
            v = row / row.norm()
            product = torch.autograd.grad(self._gradient, self._parameters, v, retain_graph=True)
            gap = torch.cat([part.reshape(-1) for part in product]) - value * v
            found.append(float(gap.norm() / value.abs()))
        return max(found)


def ours(case: Case, model: Any, k: int, tol: float, **options: Any) -> Pairs:
    objective = nbl.from_transformers(model, [case.batch])
    found = nbl.hessian_spectrum(objective, largest=k, smallest=0, tol=tol, **options)
    return Pairs(torch.as_tensor(found.values), found.vectors, found.products)


def eigenthings(case: Case, model: Any, method: str, k: int, **options: Any) -> Pairs:
    package = importlib.import_module("hessian_eigenthings")
    operator = package.HessianOperator(model, [case.batch], package.loss_fns.hf_lm_loss())
    product, count = operator.matvec, 0

    def counted(v: torch.Tensor) -> torch.Tensor:
        nonlocal count
        count += 1
        result: torch.Tensor = product(v)
        return result

    operator.matvec = counted
    found = getattr(package, method)(operator, k=k, seed=0, **options)
    return Pairs(found.eigenvalues, found.eigenvectors, count)


Solve = Callable[[Any], Pairs]


def least_steps(solve: Solve, truth: Truth, first: int) -> int:
    """The fewest steps that reach the target, known in hindsight."""
    low, high = first - 1, first
    while high < LIMIT and truth.worst(solve(high)) > TARGET:
        low, high = high, min(2 * high, LIMIT)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if truth.worst(solve(middle)) <= TARGET else (middle, high)
    return high


def loosest(solve: Solve, truth: Truth, tolerances: Sequence[float]) -> float:
    """The loosest tolerance that reaches the target, else the tightest one."""
    good = (tol for tol in tolerances if truth.worst(solve(tol)) <= TARGET)
    return next(good, tolerances[-1])


def compare(case: Case, k: int, rounds: int) -> tuple[Table, dict[str, Any]]:
    truth = Truth(case)
    default, eager = case.model(), case.model("eager")

    def search(tol: float) -> Pairs:
        return ours(case, default, k, tol)

    def once(tol: float) -> Pairs:
        return ours(case, default, k, tol, max_miss=1.0)

    def lanczos(steps: int) -> Pairs:
        return eigenthings(case, eager, "lanczos", k, max_iter=steps, which="LA", reorthogonalize=True)

    def power(tol: float) -> Pairs:
        return eigenthings(case, eager, "deflated_power_iteration", k, tol=tol)

    own = (1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5)
    tools: dict[str, tuple[Solve, str, float]] = {
        US: (search, "tol", loosest(search, truth, own)),
        ONE_COPY: (once, "tol", loosest(once, truth, own)),
        LANCZOS: (lanczos, "steps", least_steps(lanczos, truth, k + 1)),
        f"{LANCZOS}, its default": (lanczos, "steps", 2 * k),
    }
    if k == 1:  # further pairs take it hundreds of products each
        tools[POWER] = (power, "tol", loosest(power, truth, (1e-3, 3e-4)))
    found = {name: solve(setting) for name, (solve, _, setting) in tools.items()}
    residuals = {name: truth.worst(pairs) for name, pairs in found.items()}
    runs: dict[str, Callable[[], object]] = {
        name: functools.partial(solve, setting)
        for name, (solve, _, setting) in tools.items()
        if residuals[name] <= TARGET
    }
    times = interleave(runs, rounds, warm_up=0)
    wanted = "the largest eigenvalue" if k == 1 else f"the {k} largest eigenvalues"
    table = Table(
        f"{case.name}, n = {truth.size}: {wanted}, every true residual ≤ {TARGET:g} |λ|",
        ["tool", "setting", "largest true residual / |λ|", "products", f"seconds over {US}"],
    )
    for name, (_, meaning, setting) in tools.items():
        ratio: object = f"misses {TARGET:g}"
        if {name, US} <= runs.keys():
            ratio = times.ratio(name, US) if name != US else 1
        told = f"{meaning} {setting:g}"
        table.rows.append([name, told, f"{residuals[name]:.1e}", found[name].products, ratio])
    if US in runs:
        table.notes.append(
            f"1 = {digits(times.seconds(US).median)} s; medians and quartiles of {rounds} rounds."
        )
    values = {name: pairs.values.tolist() for name, pairs in found.items()}
    return table, {"values": values, "residuals": residuals, "seconds": times.as_dict(), "size": truth.size}


def default_attention(case: Case) -> str:
    """What the peer says to the attention that Transformers takes by default."""
    try:
        eigenthings(case, case.model(), "lanczos", 1, max_iter=2)
    except Exception as error:  # noqa: BLE001 - a peer that fails is a result
        return f"{type(error).__name__}: {str(error).splitlines()[0][:110]}"
    return ""


def tables(quick: bool) -> Iterator[tuple[str, Table, dict[str, Any]]]:
    for key, make in CASES.items():
        case = make()
        print(f"… eigenpairs of {case.name}", file=sys.stderr, flush=True)
        refused = default_attention(case)
        for k in (1,) if quick else (1, 4):
            table, raw = compare(case, k, 2 if quick else 7)
            raw["default attention"] = refused
            if refused:
                table.notes.append(
                    "hessian-eigenthings had to be given the model with attn_implementation='eager'; with "
                    f"the default it stops: {refused}."
                )
            yield f"pairs {key}, {k}", table, raw
