"""Merge trees, persistence and SMAD in two to four dimensions: seconds, growth and answers."""

from __future__ import annotations

import functools
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gudhi
import numpy as np
import skimage.morphology
from gudhi.sklearn.cubical_persistence import CubicalPersistence
from measure import Spread, digits, interleave, spread
from report import Report, Table

from nblandscape.topology import (
    contour_tree,
    critical_points,
    landscaper_smad,
    merge_tree,
    morse_smale,
    persistence,
    profile,
    smad,
    summary,
    support,
)

PEER_SECONDS = 60.0
# Newton's method on the continuous function; a grid differs from it by its resolution
HIMMELBLAU_PERSISTENCE = (104.0151629, 67.7191501, 13.3119263)
HIMMELBLAU_SMAD = 49.589541


def himmelblau(n: int) -> np.ndarray:
    x, y = np.meshgrid(*[np.linspace(-5.0, 5.0, n)] * 2, indexing="ij")
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def wells(n: int, dimension: int) -> np.ndarray:
    """Smooth, with 2^d wells of different depths, as sums over axes."""
    x = np.linspace(-2.0, 2.0, n)
    lines = [(x**2 - 1) ** 2 + 0.1 * np.sin(5 * x + axis) for axis in range(dimension)]
    return functools.reduce(np.add.outer, lines)


def noise(n: int, dimension: int = 2) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n,) * dimension)


def ours(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Tree, pairs, basins and SMAD; returns the finite persistences, descending, and SMAD."""
    tree = merge_tree(values)
    assert tree.basins.shape == values.shape
    pairs = tree.pairs
    finite = pairs[np.isfinite(pairs["death"])]
    return np.sort(finite["death"] - finite["birth"])[::-1], smad(tree)


def _lengths(intervals: np.ndarray) -> np.ndarray:
    finite = intervals[np.isfinite(intervals[:, 1])]
    lengths = finite[:, 1] - finite[:, 0]
    return np.sort(lengths[lengths > 0])[::-1]


def gudhi_complex(values: np.ndarray) -> np.ndarray:
    """The cubical complex with full connectivity, as in ours; all dimensions, there is no other way."""
    made = gudhi.CubicalComplex(top_dimensional_cells=values)
    made.compute_persistence()
    return _lengths(made.persistence_intervals_in_dimension(0))


def gudhi_fast(values: np.ndarray) -> np.ndarray:
    """The special path for dimension 0 of images."""
    tool = CubicalPersistence(homology_dimensions=0, input_type="top_dimensional_cells")
    [intervals] = tool.fit_transform([values])
    return _lengths(np.asarray(intervals))


def landscaper(values: np.ndarray, seconds: float) -> tuple[list[dict[str, float]], str]:
    """Finished rounds, and why there are no more."""
    worker = Path(__file__).with_name("topology_peer.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "values.npy"
        np.save(path, values)
        command = [sys.executable, str(worker), str(path), str(seconds / 2)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 5, check=False)
        except subprocess.TimeoutExpired as late:
            out = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
            return [json.loads(line) for line in out.splitlines()], f"not finished after {seconds:.0f} s"
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return lines, f"failed: {last}"
    return lines, ""


def component_tree(values: np.ndarray) -> np.ndarray:
    """scikit-image's tree of all superlevel components, full connectivity; no pairs, no basins."""
    parent, _ = skimage.morphology.max_tree(-values, connectivity=values.ndim)
    return np.asarray(parent)


def run(*, quick: bool) -> Report:
    raw: dict[str, Any] = {}
    speed, answers = _speed_and_answers(quick, raw)
    return Report("topology", [speed, answers, _growth(quick, raw), _everything(quick, raw)], raw)


def _speed_and_answers(quick: bool, raw: dict[str, Any]) -> tuple[Table, Table]:
    rounds = 3 if quick else 15
    speed = Table(
        "Seconds over nblandscape (merge tree, pairs, basins, SMAD)",
        ["function", "grid", "nblandscape, seconds", "over one argsort", "gudhi CubicalComplex (pairs only)",
         "gudhi CubicalPersistence (pairs only)", "scikit-image max_tree (tree only)",
         "Landscaper (tree, SMAD, persistences)"],
    )  # fmt: skip
    answers = Table(
        "Himmelblau's function: exact SMAD 49.5895, persistences 104.015, 67.719, 13.312",
        [
            "grid",
            "nblandscape SMAD",
            "finite persistences",
            "gudhi's equal (both)",
            "Landscaper SMAD",
            "landscaper_smad, ours",
            "Landscaper's leaves",
        ],
    )
    for function, n, dimension, make in _fields(quick):
        values = make()
        plane = dimension == 2
        tasks: dict[str, Callable[[], object]] = {
            "nblandscape": functools.partial(ours, values),
            "argsort": functools.partial(np.argsort, values, axis=None, kind="stable"),
            "complex": functools.partial(gudhi_complex, values),
            "max_tree": functools.partial(component_tree, values),
        }
        if plane:
            tasks["fast"] = functools.partial(gudhi_fast, values)
        large = values.size > 500_000
        repeats = min(rounds, 5 if plane else 1) if large else rounds
        times = interleave(tasks, repeats, warm_up=0 if large else 1)
        seconds = 5.0 if quick else PEER_SECONDS
        peer, why = landscaper(values, seconds) if function == "Himmelblau" else ([], "not run")
        over: Spread | str = spread([line["peer"] / line["ours"] for line in peer]) if peer else why
        speed.rows.append([
            function, f"{n}^{dimension}", times.seconds("nblandscape"), times.ratio("nblandscape", "argsort"),
            times.ratio("complex", "nblandscape"),
            times.ratio("fast", "nblandscape") if plane else "2-D only",
            times.ratio("max_tree", "nblandscape"), over,
        ])  # fmt: skip
        lengths, mean = ours(values)
        equal = [
            _equal(lengths, other(values))
            for other in ((gudhi_complex, gudhi_fast) if plane else (gudhi_complex,))
        ]
        raw[f"{function} {n}^{dimension}"] = {
            "seconds": times.as_dict(), "landscaper": peer, "why": why,
            "smad": mean, "pairs": len(lengths), "equal": equal,
        }  # fmt: skip
        if not all(equal):
            answers.notes.append(
                f"{function} at {n}^{dimension}: persistences differ from gudhi's ({equal})."
            )
        if function == "Himmelblau":
            answers.rows.append([
                f"{n}²", f"{mean:.4f}", ", ".join(f"{length:.3f}" for length in lengths[:6]),
                " ".join("yes" if same else "NO" for same in equal),
                f"{peer[0]['smad']:.4f}" if peer else why, f"{landscaper_smad(values):.4f}",
                int(peer[0]["leaves"]) if peer else "",
            ])  # fmt: skip
    speed.notes += [
        "gudhi gives pairs only: no tree, no basins, no SMAD. Its complex computes every dimension.",
        "Ratios above 1: nblandscape is faster. Landscaper runs in a process of its own, in turn with "
        f"nblandscape, for at most {PEER_SECONDS:.0f} s and in 0.8 of the free memory.",
    ]
    exact_error = abs(ours(himmelblau(401))[1] - HIMMELBLAU_SMAD)
    answers.notes.append(f"At 401² nblandscape's SMAD is {digits(exact_error)} from the exact value.")
    return speed, answers


def _fields(quick: bool) -> Iterator[tuple[str, int, int, Callable[[], np.ndarray]]]:
    sizes = (21, 101) if quick else (21, 31, 101, 1001)
    for n in sizes:
        yield "Himmelblau", n, 2, functools.partial(himmelblau, n)
    for n in sizes:
        yield "noise", n, 2, functools.partial(noise, n)
    for n, dimension in ((21, 3), (9, 4)) if quick else ((101, 3), (33, 4)):
        yield "wells", n, dimension, functools.partial(wells, n, dimension)
        yield "noise", n, dimension, functools.partial(noise, n, dimension)


def _growth(quick: bool, raw: dict[str, Any]) -> Table:
    """Seconds per N log N: a constant column is N log N, a falling one less."""
    table = Table(
        "Growth of merge tree, pairs, basins and SMAD in two dimensions",
        ["function", "points", "seconds / (N log N), first row = 1"],
    )
    for name, make in (("wells", functools.partial(wells, dimension=2)), ("noise", noise)):
        first = 0.0
        for n in (32, 100) if quick else (100, 316, 1000, 3163):
            values = make(n)
            seconds = interleave({"ours": functools.partial(ours, values)}, 1 if n > 2000 else 5).seconds(
                "ours"
            )
            per = seconds.median / (values.size * math.log(values.size))
            first = first or per
            raw[f"growth {name} {n}"] = seconds.median
            table.rows.append([name, f"{values.size:.1e}", digits(per / first)])
    return table


def _everything(quick: bool, raw: dict[str, Any]) -> Table:
    """What the other results cost, over one merge tree of the same values."""
    results: dict[str, Callable[[np.ndarray], object]] = {
        "merge_tree": merge_tree,
        "profile": lambda values: profile(merge_tree(values)),
        "summary": lambda values: summary(merge_tree(values)),
        "support, 16 batches, without frequency": lambda values: _supported(values, frequency=False),
        "support, 16 batches": lambda values: _supported(values, frequency=True),
        "critical_points": critical_points,
        "contour_tree": contour_tree,
        "morse_smale, cells": lambda values: morse_smale(values).cells,
        "persistence, all dimensions": persistence,
    }
    grids = ((33, 2), (9, 3)) if quick else ((65, 2), (257, 2), (33, 3))
    fields = [
        (f"{name} {n}^{dimension}", make(n, dimension))
        for n, dimension in grids
        for name, make in (("wells", wells), ("noise", noise))
    ]
    table = Table(
        "Seconds of other results over those of a merge tree with pairs and basins",
        ["function", "merge_tree, seconds", *list(results)[1:]],
    )
    for name, values in fields:
        tasks = {result: functools.partial(task, values) for result, task in results.items()}
        times = interleave(tasks, 2 if values.size > 10_000 else 5)
        ratios = [times.ratio(result, "merge_tree") for result in tasks if result != "merge_tree"]
        table.rows.append([name, times.seconds("merge_tree"), *(digits(ratio.median) for ratio in ratios)])
        raw[f"everything {name}"] = times.as_dict()
    return table


@functools.lru_cache(maxsize=1)
def _batches(key: bytes, shape: tuple[int, ...]) -> np.ndarray:
    values = np.frombuffer(key).reshape(shape)
    noise_ = np.random.default_rng(1).standard_normal((*shape, 16))
    return values[..., None] + 0.1 * (noise_ - noise_.mean(axis=-1, keepdims=True))


def _supported(values: np.ndarray, *, frequency: bool) -> object:
    return support(merge_tree(values), _batches(values.tobytes(), values.shape), frequency=frequency)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return len(a) == len(b) and bool(np.allclose(a, b, rtol=1e-6, atol=1e-6))
