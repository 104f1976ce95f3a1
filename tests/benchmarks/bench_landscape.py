"""The lesson's landscape at 33²: cost of a point over one bare forward, and whether the values are right."""

from __future__ import annotations

import copy
import dataclasses
import importlib
from collections.abc import Callable

import numpy as np
import torch
from lesson import Lesson, train
from measure import digits, interleave, silent
from report import Report, Table
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import nblandscape as nbl

CRITERION = torch.nn.CrossEntropyLoss()
HALF_WIDTH = 16.0

Sweep = Callable[
    [], tuple[np.ndarray, list[np.ndarray]]
]  # values (n, n) and the coordinates they are said to have


@dataclasses.dataclass(frozen=True)
class Plane:
    """The plane of the largest and the smallest eigenvalue."""

    origin: torch.Tensor  # (n,)
    directions: torch.Tensor  # (2, n), orthonormal

    def parts(self, lesson: Lesson) -> list[list[torch.Tensor]]:
        """Split the directions into tensors of the parameters' shapes."""
        shapes = [p.shape for p in lesson.model.parameters()]
        sizes = [shape.numel() for shape in shapes]
        return [
            [piece.reshape(shape).clone() for piece, shape in zip(row.split(sizes), shapes, strict=True)]
            for row in self.directions
        ]

    def model_at(self, lesson: Lesson, a: float, b: float) -> torch.nn.Module:
        model = copy.deepcopy(lesson.model)
        offset = torch.tensor([a, b]) @ self.directions
        vector_to_parameters(self.origin + offset, model.parameters())
        return model


def truth(lesson: Lesson, plane: Plane, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Losses in float64 at the displacements first[i] and second[j], without any of the tools."""
    model = copy.deepcopy(lesson.model).double()
    inputs, origin, rows = lesson.inputs.double(), plane.origin.double(), plane.directions.double()
    values = np.empty((len(first), len(second)))
    with torch.no_grad():
        for i, a in enumerate(first):
            for j, b in enumerate(second):
                vector_to_parameters(origin + a * rows[0] + b * rows[1], model.parameters())
                values[i, j] = CRITERION(model(inputs), lesson.targets)
    return values


def landscaper(lesson: Lesson, plane: Plane, points: int) -> Sweep:
    compute = importlib.import_module("landscaper").LossLandscape.compute
    length = float(plane.origin.norm())
    directions = plane.parts(lesson)

    def loss(model: torch.nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> float:
        return float(CRITERION(model(batch[0]), batch[1]))

    def work() -> tuple[np.ndarray, list[np.ndarray]]:
        with silent():
            found = compute(
                lesson.model, lesson.batch, directions, loss,
                steps=points, distance=HALF_WIDTH / length, dim=2, device="cpu",
            )  # fmt: skip
        return found.loss, [axis * length for axis in found.ranges]

    return work


def loss_landscapes(lesson: Lesson, plane: Plane, points: int) -> Sweep:
    package = importlib.import_module("loss_landscapes")
    metrics = importlib.import_module("loss_landscapes.metrics")
    # it divides the way to the end by the number of points and stops one short of it
    far = HALF_WIDTH + 2 * HALF_WIDTH / (points - 1)
    axis = np.linspace(-HALF_WIDTH, HALF_WIDTH, points)
    ends = [plane.model_at(lesson, far, -HALF_WIDTH), plane.model_at(lesson, -HALF_WIDTH, far)]
    metric = metrics.Loss(CRITERION, *lesson.batch)

    def work() -> tuple[np.ndarray, list[np.ndarray]]:
        corner = plane.model_at(lesson, -HALF_WIDTH, -HALF_WIDTH)  # it moves this model
        with torch.no_grad():
            return package.planar_interpolation(corner, *ends, metric, steps=points), [axis, axis]

    return work


def run(*, quick: bool) -> Report:
    points, rounds = (9, 3) if quick else (33, 15)
    lesson = train()
    objective = nbl.Objective(lesson.model, CRITERION, lesson.batch)
    spectrum = nbl.hessian_spectrum(objective)
    subspace = nbl.Subspace.hessian(objective, spectrum, indices=(0, -1))
    plane = Plane(parameters_to_vector(lesson.model.parameters()).detach(), subspace.directions.detach())

    def ours() -> tuple[np.ndarray, list[np.ndarray]]:
        found = nbl.sample(objective, subspace, span=HALF_WIDTH, points=points)
        return found.values, list(found.axes)

    @torch.inference_mode()
    def forwards() -> None:
        for _ in range(points**2):
            lesson.model(lesson.inputs)

    @torch.inference_mode()
    def losses() -> None:
        for _ in range(points**2):
            CRITERION(lesson.model(lesson.inputs), lesson.targets).item()

    tools = {
        "nblandscape": ours,
        "Landscaper": landscaper(lesson, plane, points),
        "loss-landscapes (planar_interpolation)": loss_landscapes(lesson, plane, points),
    }
    again = "a bare forward, once more"  # what the machine's own noise makes of a ratio of 1
    times = interleave({"forward": forwards, "forward and loss": losses, again: forwards, **tools}, rounds)
    table = Table(
        f"{points}² points, n = {lesson.size}, {len(lesson.targets)} samples in one batch",
        ["tool", "seconds per point over a bare forward", "over forward and loss",
         "largest error at the coordinates it claims", "relative"],
    )  # fmt: skip
    errors = {}
    for name, work in tools.items():
        values, axes = work()
        right = truth(lesson, plane, *axes)
        gap = np.abs(values - right)
        errors[name] = {"absolute": float(gap.max()), "relative": float((gap / right).max())}
        table.rows.append([
            name, times.ratio(name, "forward"), times.ratio(name, "forward and loss"),
            digits(gap.max()), digits((gap / right).max()),
        ])  # fmt: skip
    table.rows.append([again, times.ratio(again, "forward"), times.ratio(again, "forward and loss"), "", ""])
    table.notes += [
        f"A bare forward: {digits(times.seconds('forward').median / points**2 * 1e3)} ms; medians and "
        f"quartiles of {rounds} interleaved rounds. Forward and loss over forward: "
        f"{times.ratio('forward and loss', 'forward')}.",
        "Errors against an own evaluation in float64 at θ + a v₁ + b vₙ, a and b as the tool reports them. "
        "Landscaper rescales every tensor of an eigenvector and ends at (steps - 1) / steps of the distance. "
        "loss-landscapes evaluates after its step, which also shifts every other row.",
    ]
    return Report("landscape", [table], {"seconds": times.as_dict(), "errors": errors, "points": points})
