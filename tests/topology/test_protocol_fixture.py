"""`tests/data/protocol/tree.json`: trees and their simplifications, for the TypeScript that simplifies too.

`NBL_WRITE_FIXTURES=1 pytest tests/topology/test_protocol_fixture.py` writes it anew.

Each case holds `shape`, `axes` (not uniform), `values` (C order; null = hole), `pairs` (columns; death null =
essential), `basins`, the planar `order` of the rows, and for each of four thresholds the surviving `rows`,
the `basins` as *original* row numbers, `smad`, the `volumes` of the basins, that of the component of every
surviving row halfway up to its end (`halves`: row, height, volume), and the SMAD of every second row alone.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grid_functions import three_wells

from nblandscape.topology import cell_volumes, merge_tree, profile, smad

PATH = Path(__file__).parents[1] / "data" / "protocol" / "tree.json"


def functions() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    noise = rng.normal(size=(9, 9)).round(3)
    holes = rng.integers(0, 6, size=(6, 8)).astype(float)
    holes[:, 4] = np.nan
    holes[2, 1] = np.nan
    return {"three wells": three_wells(17).round(4), "noise": noise, "ties and holes": holes}


def case(name: str, values: np.ndarray) -> dict[str, Any]:
    axes = [np.cumsum(1 + 0.5 * np.sin(np.arange(n) + k)).round(3) for k, n in enumerate(values.shape)]
    tree = merge_tree(values, volumes=cell_volumes(axes))
    finite = np.sort(tree.persistence[np.isfinite(tree.persistence)])
    # At a persistence exactly (it survives: < removes), between two, and above all.
    chosen = [0.0, float(finite[finite.size // 2]), float(finite[-2:].mean()), float(2 * finite[-1])]
    return {
        "name": name,
        "shape": list(values.shape),
        "axes": [plain(axis) for axis in axes],
        "values": plain(values),
        "pairs": {column: plain(tree.pairs[column]) for column in tree.pairs.dtype.names},
        "beside": plain(tree.beside),
        "basins": plain(tree.basins),
        "order": plain(profile(tree).order),
        "simplified": [simplified(tree, threshold) for threshold in sorted(chosen)],
    }


def simplified(tree: Any, threshold: float) -> dict[str, Any]:
    simple = tree.simplify(threshold)
    rows = np.flatnonzero(np.isin(tree.minima, simple.minima))
    assert (tree.minima[rows] == simple.minima).all()
    original = np.where(simple.basins >= 0, rows[simple.basins], -1)
    shape = profile(simple)
    highest = float(np.nanmax(tree.values))
    ends = np.minimum(simple.pairs["death"], highest)
    halves = (simple.pairs["birth"] + ends) / 2
    every_other = simple.restrict(np.arange(len(rows)) % 2 == 0)
    return {
        "threshold": threshold,
        "rows": plain(rows),
        "basins": plain(original),
        "smad": smad(simple),
        "volumes": plain(simple.basin_volumes),
        "halves": [
            [int(row), float(h), float(shape.volume_at(k, h))]
            for k, (row, h) in enumerate(zip(rows, halves, strict=True))
        ],
        "smad_every_other": smad(every_other),
    }


def plain(array: np.ndarray) -> list[Any]:
    return [x if np.isfinite(x) else None for x in array.ravel().tolist()]


def test_fixture_holds_what_the_package_computes():
    cases = [case(name, values) for name, values in functions().items()]
    if os.environ.get("NBL_WRITE_FIXTURES") == "1":
        PATH.parent.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join(json.dumps(c, allow_nan=False, separators=(",", ":")) for c in cases)
        PATH.write_text(f'{{"cases":[\n{lines}\n]}}\n', encoding="utf-8")
    text = PATH.read_text(encoding="utf-8")
    assert len(text) < 100_000
    stored = json.loads(text)["cases"]
    for kept, made in zip(stored, json.loads(json.dumps(cases)), strict=True):
        assert {**kept, "simplified": None} == {**made, "simplified": None}
        for before, now in zip(kept["simplified"], made["simplified"], strict=True):
            for number in ("smad", "smad_every_other", "volumes"):
                assert now.pop(number) == pytest.approx(before.pop(number), rel=1e-12)
            assert np.array(now.pop("halves")) == pytest.approx(np.array(before.pop("halves")), rel=1e-12)
            assert now == before


def test_fixture_has_cases_worth_testing():
    wells, noise, holes = json.loads(PATH.read_text(encoding="utf-8"))["cases"]
    assert len(wells["simplified"][0]["rows"]) == 3
    assert len(noise["pairs"]["birth"]) >= 6
    assert max(noise["pairs"]["parent"]) > 0  # a chain: some branch merges into one that is not essential
    assert holes["pairs"]["death"].count(None) >= 2
    for one in (wells, noise, holes):
        counts = [len(s["rows"]) for s in one["simplified"]]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > counts[-1] == one["pairs"]["death"].count(None)
        assert one["simplified"][-1]["smad"] == 0
