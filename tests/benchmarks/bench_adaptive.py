"""How much of a grid an adaptive run evaluates, and what its merge tree loses by it."""

from __future__ import annotations

import gudhi
import numpy as np
import torch
from lesson import train
from measure import digits
from report import Report, Table

import nblandscape as nbl


def diagram(values: np.ndarray) -> np.ndarray:
    pairs = nbl.merge_tree(values).pairs
    deaths = np.where(np.isfinite(pairs["death"]), pairs["death"], values.max())
    return np.column_stack([pairs["birth"], deaths])


def run(*, quick: bool) -> Report:
    lesson = train()
    objective = nbl.Objective(lesson.model, torch.nn.CrossEntropyLoss(), lesson.batch)
    spectrum = nbl.hessian_spectrum(objective)
    cases = [
        ("Hessian plane, half-width 7", nbl.Subspace.hessian(objective, spectrum), 7.0),
        ("Hessian plane, half-width 28", nbl.Subspace.hessian(objective, spectrum), 28.0),
        ("filter-normalised random plane", nbl.Subspace.random(objective), 1.0),
    ]
    columns = [
        "plane",
        "points",
        "tolerance",
        "evaluated",
        "largest error / range",
        "error it states / range",
    ]
    columns += ["bottleneck distance / range", "minima above 1 %, all points", "adaptive"]
    table = Table("Adaptive sampling of the lesson's network", columns)
    for name, plane, span in cases:
        for points in (65,) if quick else (65, 129):
            full = nbl.sample(objective, plane, span=span, points=points).values
            extent = float(np.ptp(full))
            for tolerance in (0.01, 0.02, 0.05):
                part = nbl.sample(objective, plane, span=span, points=points, adaptive=tolerance)
                told = part.provenance["adaptive"]
                distance = gudhi.bottleneck_distance(diagram(full), diagram(part.values))
                counts = [len(nbl.merge_tree(v).simplify(0.01 * extent).minima) for v in (full, part.values)]
                table.rows.append([
                    name, f"{points}²", tolerance, f"{told['evaluated'] / full.size:.0%}",
                    digits(float(np.abs(full - part.values).max()) / extent),
                    digits((told["error"] or 0.0) / extent), digits(distance / extent), *counts,
                ])  # fmt: skip
    return Report("adaptive", [table])
