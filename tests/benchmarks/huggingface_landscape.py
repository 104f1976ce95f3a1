"""A language model's landscape against Landscaper with a wrapper written by hand: seconds and values."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_models import CASES, Case
from huggingface_pairs import Pairs, Truth
from measure import digits, interleave, silent
from report import Table
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import nblandscape as nbl

US, LANDSCAPER = "nblandscape", "Landscaper, wrapped by hand"
DISTANCE = 0.05  # half-width of the window over the length of the weights
Axes = list[np.ndarray]


def lines_of_code(path: Path) -> int:
    """Lines that are neither blank nor comment nor the text at the top."""
    text = path.read_text()
    rest = text.splitlines()[ast.parse(text).body[0].end_lineno :]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in rest)


def rows_of(vectors: list[list[torch.Tensor]]) -> torch.Tensor:
    return torch.stack([torch.cat([part.reshape(-1) for part in row]) for row in vectors])


def shared_directions(model: Any) -> list[list[torch.Tensor]]:
    """Two random directions that Landscaper's scaling of every tensor leaves alone, of length 1."""
    generator = torch.Generator().manual_seed(0)
    found = []
    for _ in range(2):
        parts = [torch.randn(p.shape, generator=generator) for p in model.parameters()]
        parts = [part * part.numel() ** 0.5 / part.norm() for part in parts]
        length = sum(part.numel() for part in parts) ** 0.5
        found.append([part / length for part in parts])
    return found


def errors(case: Case, rows: torch.Tensor, values: np.ndarray, axes: Axes) -> np.ndarray:
    """Distance from the model's own loss in float64 at the coordinates that a tool reports."""
    model = case.model("eager").double()
    batch = {k: v.double() if v.is_floating_point() else v for k, v in case.batch.items()}
    origin, rows = parameters_to_vector(model.parameters()).detach(), rows.double()
    gaps = np.empty_like(values)
    with torch.no_grad():
        for i, a in enumerate(axes[0]):
            for j, b in enumerate(axes[1]):
                vector_to_parameters(origin + a * rows[0] + b * rows[1], model.parameters())
                gaps[i, j] = abs(values[i, j] - model(**batch).loss.item())
    return gaps


def same_plane(case: Case, points: int, rounds: int) -> tuple[Table, dict[str, Any]]:
    """The same two random directions and grid for both."""
    hand = importlib.import_module("landscaper_by_hand")
    package = importlib.import_module("landscaper")
    size = len(case.texts)
    eager, batches = hand.load(case.folder, case.texts, size)
    directions = shared_directions(eager)
    rows = rows_of(directions)
    length = float(parameters_to_vector(eager.parameters()).detach().norm())
    objective = nbl.from_transformers(case.folder, case.texts, batch_size=size)
    plane = nbl.Subspace.from_directions(objective, rows)

    def ours() -> tuple[np.ndarray, Axes]:
        found = nbl.sample(objective, plane, span=DISTANCE * length, points=points)
        return found.values, list(found.axes)

    def theirs() -> tuple[np.ndarray, Axes]:
        options = {"steps": points, "distance": DISTANCE, "dim": 2, "device": "cpu"}
        with silent():
            found = package.LossLandscape.compute(eager, batches, directions, hand.loss, **options)
        return found.loss, [axis * length for axis in found.ranges]

    inputs = {name: value for name, value in case.batch.items() if name != "labels"}
    default = case.model()

    @torch.inference_mode()
    def forwards() -> None:
        for _ in range(points**2):
            default(**inputs, use_cache=False)

    tools: dict[str, Callable[[], tuple[np.ndarray, Axes]]] = {US: ours, LANDSCAPER: theirs}
    times = interleave({"forward": forwards, **tools}, rounds)
    own = float(case.model()(**case.batch).loss.detach())
    table = Table(
        f"{case.name}: {points}² points along the same two random directions, {size} padded texts",
        ["tool", f"seconds over {US}", "seconds per point over a bare forward",
         "loss at the centre − the model's own", "largest error at the coordinates it claims"],
    )  # fmt: skip
    raw: dict[str, Any] = {"seconds": times.as_dict(), "own loss": own}
    middle = points // 2
    for name, work in tools.items():
        values, axes = work()
        gaps = errors(case, rows, values, axes)
        centre = float(values[middle, middle]) - own
        ratio = times.ratio(name, US) if name != US else 1
        over_forward = times.ratio(name, "forward")
        table.rows.append([name, ratio, over_forward, f"{centre:.1e}", digits(gaps.max())])
        raw[name] = {"centre": centre, "error": float(gaps.max())}
    forward = digits(times.seconds("forward").median / points**2 * 1e3)
    table.notes += [
        f"A bare forward pass, with the default attention: {forward} ms; medians and quartiles of {rounds} "
        f"rounds. The losses of the window span {digits(np.ptp(ours()[0]))}.",
        "Landscaper's grid ends at (points - 1) / points of the distance that it reports; its largest value "
        "gets noise.",
    ]
    return table, raw


def from_folder(case: Case, points: int, rounds: int) -> tuple[Table, dict[str, Any]]:
    """From a folder and texts to the landscape along the two top eigenvectors."""
    path = Path(__file__).with_name("landscaper_by_hand.py")
    hand = importlib.import_module(path.stem)
    truth = Truth(case)
    size = len(case.texts)
    length = float(parameters_to_vector(case.model().parameters()).detach().norm())

    def ours() -> Pairs:
        objective = nbl.from_transformers(case.folder, case.texts, batch_size=size)
        spectrum = nbl.hessian_spectrum(objective, largest=2, smallest=0)
        plane = nbl.Subspace.hessian(objective, spectrum, indices=(0, 1))
        nbl.sample(objective, plane, span=DISTANCE * length, points=points)
        return Pairs(torch.as_tensor(spectrum.values), spectrum.vectors, spectrum.products)

    def one_line() -> Pairs:
        counts = {"batch_size": size, "points": points, "largest": 2, "smallest": 2}
        with nbl.inspect(
            case.folder, case.texts, wait=True, quiet=True, span=DISTANCE * length, **counts
        ) as explorer:
            found = explorer.eigenpairs
            return Pairs(torch.as_tensor(found.values[:2]), found.vectors[:2], found.products)

    def theirs() -> Pairs:
        torch.manual_seed(0)
        with silent():
            values, vectors, _ = hand.landscape(case.folder, case.texts, points, DISTANCE, size)
        return Pairs(torch.tensor(values), rows_of(vectors), 0)

    tools = {US: ours, "nbl.inspect (two smallest pairs and density, too)": one_line, LANDSCAPER: theirs}
    times = interleave(tools, rounds, warm_up=0)
    lines = {US: 4, LANDSCAPER: lines_of_code(path)}
    table = Table(
        f"{case.name}: from folder and texts to {points}² points along top eigenvectors",
        ["tool", "lines of the user's code", f"seconds over {US}", "true residual / |λ| of the two pairs"],
    )
    raw: dict[str, Any] = {"seconds": times.as_dict(), "lines": lines}
    for name, work in tools.items():
        residual = truth.worst(work())
        ratio = times.ratio(name, US) if name != US else 1
        table.rows.append([name, lines.get(name, 1), ratio, f"{residual:.1e}"])
        raw[name] = {"residual": residual}
    table.notes.append(
        f"1 = {digits(times.seconds(US).median)} s; medians and quartiles of {rounds} rounds. Tools stop by "
        f"their defaults. Landscaper's user writes {path.name}; it rescales every tensor of its "
        "eigenvectors, so that the plane is another one."
    )
    return table, raw


def tables(quick: bool) -> list[tuple[str, Table, dict[str, Any]]]:
    case = CASES["gpt2-small" if quick else "gpt2"]()
    print(f"… landscape of {case.name}", file=sys.stderr, flush=True)
    points, rounds = (5, 2) if quick else (17, 7)
    return [
        ("same plane", *same_plane(case, points, rounds)),
        ("from folder", *from_folder(case, points, max(2, rounds // 2))),
    ]
