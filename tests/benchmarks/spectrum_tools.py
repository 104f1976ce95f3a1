"""One adapter per eigensolver: model in, eigenpairs and the number of Hessian products out."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.sparse.linalg
import torch
from measure import silent
from spectrum_models import Case

import nblandscape as nbl

CRITERION = torch.nn.CrossEntropyLoss()
ARPACK = "tol, ncv (0: default)"
POWER_LIMIT = 2000  # iterations per eigenvalue

Knob = tuple[float, ...]
eigsh: Callable[..., tuple[np.ndarray, np.ndarray]] = scipy.sparse.linalg.eigsh


@dataclasses.dataclass(frozen=True)
class Pairs:
    """What a tool returned, in its own order."""

    values: np.ndarray  # (k,)
    vectors: torch.Tensor  # (k, n), float64, unit length
    products: int


@dataclasses.dataclass(frozen=True)
class Tool:
    """A solver and the settings to search through: ``solve(case, seed, *knob)``."""

    solve: Callable[..., Pairs]
    knobs: list[Knob]
    setting: str  # what the numbers of a knob mean


def _pairs(values: Any, vectors: torch.Tensor, products: int) -> Pairs:
    rows = vectors.detach().to(torch.float64).reshape(len(vectors), -1)
    return Pairs(np.asarray(values, dtype=np.float64), rows / rows.norm(dim=1, keepdim=True), products)


def _flat(rows: list[list[torch.Tensor]]) -> torch.Tensor:
    return torch.stack([torch.cat([part.reshape(-1) for part in row]) for row in rows])


def ours(largest: int, smallest: int, max_miss: float = 0.05) -> Callable[..., Pairs]:
    def solve(case: Case, seed: int, tol: float) -> Pairs:
        objective = nbl.Objective(case.model, CRITERION, case.batch)
        found = nbl.hessian_spectrum(
            objective, largest=largest, smallest=smallest, tol=tol, seed=seed, max_miss=max_miss
        )
        return _pairs(found.values, found.vectors, found.products)

    return solve


def linear_operator(n: int, product: Callable[[np.ndarray], np.ndarray], dtype: type) -> Any:
    return scipy.sparse.linalg.LinearOperator((n, n), matvec=product, dtype=dtype)


def our_products(case: Case) -> Any:
    objective = nbl.Objective(case.model, CRITERION, case.batch)

    def product(v: np.ndarray) -> np.ndarray:
        return np.asarray(objective.hvp(torch.as_tensor(v.reshape(-1), dtype=torch.float32)))

    return linear_operator(case.size, product, np.float32)


def curvlinops_products(case: Case) -> Any:
    curvlinops = importlib.import_module("curvlinops")
    parameters = list(case.model.parameters())
    operator = curvlinops.HessianLinearOperator(
        case.model, CRITERION, parameters, [case.batch], check_deterministic=False
    )
    return operator.to_scipy()


def arpack(ends: tuple[str, ...], k: int, operator: Callable[[Case], Any]) -> Callable[..., Pairs]:
    def solve(case: Case, seed: int, tol: float, basis: float) -> Pairs:
        matrix, products = operator(case), 0

        def counted(v: np.ndarray) -> np.ndarray:
            nonlocal products
            products += 1
            return np.asarray(matrix.matvec(v))

        wrapped = linear_operator(case.size, counted, np.float32)
        start = np.random.default_rng(seed).standard_normal(case.size, dtype=np.float32)
        found = [
            eigsh(wrapped, k=k, which=which, tol=tol, ncv=int(basis) or None, v0=start) for which in ends
        ]
        vectors = np.concatenate([vectors.T for _, vectors in found])
        return _pairs(np.concatenate([values for values, _ in found]), torch.as_tensor(vectors), products)

    return solve


def landscaper(case: Case, seed: int, tol: float) -> Pairs:
    torch.manual_seed(seed)
    with silent():
        tool = importlib.import_module("landscaper").PyHessian(
            case.model, CRITERION, [case.batch], "cpu", try_cache=True
        )
        product, count = tool.hv_product, 0

        def counted(v: list[torch.Tensor]) -> Any:
            nonlocal count
            count += 1
            return product(v)

        tool.hv_product = counted
        values, vectors = tool.eigenvalues(maxIter=POWER_LIMIT, tol=tol, top_n=2)
    return _pairs(values, _flat(vectors), count)


def pyhessian(case: Case, seed: int, tol: float) -> Pairs:
    module: Any = importlib.import_module("pyhessian.hessian")
    case.model.zero_grad(set_to_none=True)  # it adds to .grad
    torch.manual_seed(seed)
    product, count = module.hessian_vector_product, 0

    def counted(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        return product(*arguments)

    module.hessian_vector_product = counted
    try:
        tool = module.hessian(case.model, CRITERION, data=case.batch, cuda=False)
        values, vectors = tool.eigenvalues(maxIter=POWER_LIMIT, tol=tol, top_n=2)
    finally:
        module.hessian_vector_product = product
    return _pairs(values, _flat(vectors), count)


def _eigenthings_operator(case: Case) -> Any:
    package = importlib.import_module("hessian_eigenthings")
    operator = package.HessianOperator(case.model, [case.batch], package.supervised_loss(CRITERION))
    product, operator.count = operator.matvec, 0

    def counted(v: torch.Tensor) -> torch.Tensor:
        operator.count += 1
        result: torch.Tensor = product(v)
        return result

    operator.matvec = counted
    return operator


def eigenthings(k: int, *ends: str) -> Callable[..., Pairs]:
    def solve(case: Case, seed: int, steps: float) -> Pairs:
        operator = _eigenthings_operator(case)
        if steps < k:
            raise ValueError(f"{steps:g} steps are fewer than {k} pairs")
        lanczos = importlib.import_module("hessian_eigenthings").lanczos
        found = [
            lanczos(operator, k=k, max_iter=int(steps), which=end, seed=seed, reorthogonalize=True)
            for end in ends
        ]
        values = np.concatenate([part.eigenvalues.numpy() for part in found])
        return _pairs(values, torch.cat([part.eigenvectors for part in found]), operator.count)

    return solve


def eigenthings_power(case: Case, seed: int, tol: float) -> Pairs:
    operator = _eigenthings_operator(case)
    power = importlib.import_module("hessian_eigenthings").deflated_power_iteration
    found = power(operator, k=2, max_iter=POWER_LIMIT, tol=tol, seed=seed)
    return _pairs(found.eigenvalues.numpy(), found.eigenvectors, operator.count)


def _tolerances(loosest: int, tightest: int) -> list[Knob]:
    return [(factor * 10.0**-power,) for power in range(loosest, tightest + 1) for factor in (1.0, 0.3)]


def both_ends(k: int, quick: bool) -> Mapping[str, Tool]:
    """Solvers for the k largest and the k smallest, with the settings to try."""
    own = _tolerances(3, 4)  # what is asked for is what is reached
    tolerances = _tolerances(1, 4)
    default: list[Knob] = [(t, 0.0) for (t,) in tolerances]
    chosen: list[Knob] = [(t, float(f * k)) for f in (5, 6, 8, 10) for (t,) in tolerances[::2]]
    steps: list[Knob] = [(float(m),) for m in range(4, 122, 6 if quick else 3)]
    return {
        "nblandscape": Tool(ours(k, k), own, "tol"),
        "nblandscape, max_miss = 0.01": Tool(ours(k, k, 0.01), own, "tol"),
        "nblandscape, max_miss = 1 (one copy of each value)": Tool(ours(k, k, 1.0), own, "tol"),
        "scipy eigsh BE, products of nblandscape": Tool(
            arpack(("BE",), 2 * k, our_products), default, ARPACK
        ),
        "the same, basis size of hindsight": Tool(arpack(("BE",), 2 * k, our_products), chosen, ARPACK),
        "scipy eigsh LA + SA, products of nblandscape": Tool(
            arpack(("LA", "SA"), k, our_products), default, ARPACK
        ),
        "scipy eigsh BE, products of curvlinops": Tool(
            arpack(("BE",), 2 * k, curvlinops_products), default, ARPACK
        ),
        "hessian-eigenthings Lanczos, LA + SA": Tool(eigenthings(k, "LA", "SA"), steps, "steps"),
    }


def by_magnitude(quick: bool) -> Mapping[str, Tool]:
    """Solvers for the two largest by magnitude, where these are positive: with the settings to try."""
    tolerances = _tolerances(1, 4)
    by_change = _tolerances(1, 5 if quick else 8)
    default: list[Knob] = [(t, 0.0) for (t,) in tolerances[::2]]
    steps: list[Knob] = [(float(m),) for m in range(4, 62, 6 if quick else 3)]
    return {
        "nblandscape": Tool(ours(2, 0), tolerances, "tol"),
        "scipy eigsh LM, products of curvlinops": Tool(
            arpack(("LM",), 2, curvlinops_products), default, ARPACK
        ),
        "hessian-eigenthings Lanczos, LM": Tool(eigenthings(2, "LM"), steps, "steps"),
        "hessian-eigenthings power iteration": Tool(eigenthings_power, by_change, "tol"),
        "PyHessian": Tool(pyhessian, by_change, "tol"),
        "Landscaper": Tool(landscaper, by_change, "tol"),
    }
