"""What a Hessian product, a gradient and a sampled point cost, over what PyTorch alone needs for them."""

from __future__ import annotations

import copy
import importlib
import os
from collections.abc import Callable
from functools import partial
from unittest import mock

import numpy as np
import torch
from measure import interleave
from report import Report, Table
from spectrum_models import CASES, Case
from torch import nn

import nblandscape as nbl
from nblandscape.channels_last import Operations

CRITERION = nn.CrossEntropyLoss()
STEP = 1e-6  # of the parameters: rounding matters below, kinks of rectifiers above


def tasks_of(case: Case) -> dict[str, Callable[[], object]]:
    objective = nbl.Objective(case.model, CRITERION, case.batch)
    parameters = list(case.model.parameters())
    v = torch.randn(objective.num_parameters, generator=torch.Generator().manual_seed(0))
    vectors = [
        piece.reshape(p.shape)
        for piece, p in zip(v.split([p.numel() for p in parameters]), parameters, strict=True)
    ]
    plane = nbl.Subspace.random(objective, 2)
    at, sloped = objective.evaluator(plane), objective.evaluator(plane, gradients=True)
    with mock.patch.object(Operations, "gain", return_value=False):
        plain = nbl.Objective(case.model, CRITERION, case.batch).evaluator(plane)
    spot = np.array([0.1, -0.1])

    def loss() -> torch.Tensor:
        return CRITERION(case.model(case.inputs), case.targets)

    def gradient() -> object:
        return torch.autograd.grad(loss(), parameters)

    def double_backward() -> object:
        slopes = torch.autograd.grad(loss(), parameters, create_graph=True)
        return torch.autograd.grad(slopes, parameters, vectors)

    @torch.no_grad()
    def forward() -> object:
        return case.model(case.inputs)

    return {
        "forward": forward,
        "gradient": gradient,
        "double backward": double_backward,
        "product": lambda: objective.hvp(v),
        "Gauss–Newton": lambda: objective.gnvp(v),
        "point": lambda: at(spot),
        "point, images as given": lambda: plain(spot),
        "point with slopes": lambda: sloped(spot),
    }


def errors_of(case: Case) -> list[str]:
    """How far products in float64 are from central differences of the gradient: ours and curvlinops'."""
    model = copy.deepcopy(case.model).double()
    inputs = case.inputs.double() if case.inputs.is_floating_point() else case.inputs
    parameters = dict(model.named_parameters())
    flat = nn.utils.parameters_to_vector(parameters.values()).detach()
    v = torch.randn(flat.numel(), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    v /= v.norm()

    def gradient(step: float) -> torch.Tensor:
        nn.utils.vector_to_parameters(flat + step * v, parameters.values())
        parts = torch.autograd.grad(CRITERION(model(inputs), case.targets), list(parameters.values()))
        return torch.cat([part.reshape(-1) for part in parts])

    right = (gradient(STEP) - gradient(-STEP)) / (2 * STEP)
    nn.utils.vector_to_parameters(flat, parameters.values())
    batch = (inputs, case.targets)
    found = [nbl.Objective(model, CRITERION, batch).hvp(v)]
    curvlinops = importlib.import_module("curvlinops")
    found.append(
        curvlinops.HessianLinearOperator(
            model, CRITERION, list(parameters.values()), [batch], check_deterministic=False
        )
        @ v
    )
    return [f"{float((product - right).norm() / right.norm()):.1e}" for product in found]


def _repeated(task: Callable[[], object], repeats: int) -> None:
    for _ in range(repeats):
        task()


def run(*, quick: bool) -> Report:
    rounds = 5 if quick else 15
    chosen = os.environ.get("NBLANDSCAPE_BENCH_MODELS", "mlp,gpt2,resnet20").split(",")
    columns = ["model", "parameters", "product / gradient", "product / fresh double backward"]
    columns += ["Gauss–Newton / product", "point / bare forward", "point with slopes / gradient"]
    columns += ["point with images as given / point"]
    table = Table("One call over another", columns)
    errors = Table(
        "Relative error of a Hessian product in float64, against central differences of the gradient",
        ["model", "nblandscape", "curvlinops"],
    )
    raw = {}
    for name in chosen:
        case = CASES[name]()
        # Many calls a round, or the clock's resolution and the interpreter's state show.
        repeats = 20 if case.size < 10_000 else 1
        work = {label: partial(_repeated, task, repeats) for label, task in tasks_of(case).items()}
        times = interleave(work, rounds, warm_up=2)
        raw[name] = times.as_dict()
        pairs = [("product", "gradient"), ("product", "double backward"), ("Gauss–Newton", "product")]
        pairs += [("point", "forward"), ("point with slopes", "gradient")]
        pairs += [("point, images as given", "point")]
        table.rows.append([case.name, case.size, *(times.ratio(*pair) for pair in pairs)])
        errors.rows.append([case.name, *errors_of(case)])
    table.notes.append(f"Medians and quartiles of {rounds} interleaved rounds.")
    return Report("products", [table, errors], raw)
