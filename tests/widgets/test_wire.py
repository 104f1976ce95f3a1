"""`_wire.tree`: support and proposed threshold as the page reads them; vitest reads `support.json`, too."""

import base64
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nblandscape import Landscape
from nblandscape.topology import MergeTree, Support, merge_tree, propose_threshold, support
from nblandscape.widgets import _wire
from nblandscape.widgets._spec import Spec

PATH = Path(__file__).parents[1] / "data" / "protocol" / "support.json"
SURFACE = PATH.with_name("surface.json")
OPTIONAL = ("supported", "stderr", "residual", "frequency", "factor", "basis", "proposed", "reason")


@pytest.fixture(scope="module")
def judged() -> tuple[MergeTree, Support]:
    """Three wells under batches that disagree about the right one."""
    x = np.linspace(-3, 3, 13)[:, None]
    y = np.linspace(-1, 1, 5)
    values = 1 - np.cos(2 * np.pi * x / 2.5) + 0.1 * x + y**2
    noise = np.random.default_rng(3).normal(size=24)
    batches = values[..., None] + np.where(x > 0.5, x, 0.0)[..., None] * 2.5 * noise
    tree = merge_tree(batches.mean(axis=-1))
    return tree, support(tree, batches, axes=(x.ravel(), y), rounds=40)


def test_support_travels_as_bytes_beside_the_pairs(judged: tuple[MergeTree, Support]) -> None:
    tree, known = judged
    wire = _wire.tree(tree, 4, known, propose_threshold(tree, known))
    assert np.frombuffer(wire["supported"], "u1").astype(bool).tolist() == known.supported.tolist()
    for name in ("stderr", "residual", "frequency"):
        np.testing.assert_array_equal(np.frombuffer(wire[name], "<f8"), getattr(known, name))
    assert wire["factor"] == known.factor == 3.0
    assert "24 batches" in wire["basis"]
    assert wire["proposed"] == propose_threshold(tree, known).value > 0
    assert wire["reason"] == propose_threshold(tree, known).reason
    plain = _wire.tree(tree, 4)
    assert plain == {name: value for name, value in wire.items() if name not in OPTIONAL}
    assert not set(OPTIONAL) & set(_wire.COLUMNS)  # trees of levels have no support


def test_each_of_them_comes_alone(judged: tuple[MergeTree, Support]) -> None:
    tree, known = judged
    assert "proposed" not in _wire.tree(tree, 1, known)
    alone = _wire.tree(tree, 1, None, propose_threshold(tree))
    assert "supported" not in alone
    assert "reason" in alone


def test_support_of_another_tree_is_refused(judged: tuple[MergeTree, Support]) -> None:
    tree, known = judged
    with pytest.raises(ValueError, match=r"support\.supported has shape \(2,\), but the tree has 3 rows"):
        _wire.tree(tree, 1, replace(known, supported=known.supported[:2]))
    with pytest.raises(ValueError, match=r"support\.stderr has shape \(3, 1\)"):
        _wire.tree(tree, 1, replace(known, stderr=known.stderr[:, None]))


def test_fixture_holds_what_is_sent(judged: tuple[MergeTree, Support]) -> None:
    tree, known = judged
    assert known.supported.tolist() == [True, False, True]
    wire = _wire.tree(tree, 1, known, propose_threshold(tree, known))
    made: dict[str, Any] = {
        "wire": {name: packed(value) for name, value in wire.items()},
        "supported": known.supported.tolist(),
        "stderr": [value if np.isfinite(value) else None for value in known.stderr.tolist()],
        "residual": [value if np.isfinite(value) else None for value in known.residual.tolist()],
        "frequency": known.frequency.tolist(),
    }
    if os.environ.get("NBL_WRITE_FIXTURES") == "1":
        PATH.write_text(json.dumps(made, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    stored = json.loads(PATH.read_text(encoding="utf-8"))
    assert stored.keys() == made.keys()
    assert stored["wire"].keys() == made["wire"].keys()
    for name in ("supported", "stderr", "residual", "frequency"):
        np.testing.assert_allclose(np.array(stored[name], "f8"), np.array(made[name], "f8"), rtol=1e-9)
    for name in ("proposed", "factor"):
        assert stored["wire"][name] == pytest.approx(made["wire"][name], rel=1e-9)
    for name in ("basins", "parent", "birth_vertex", "supported", "basis", "id", "shape"):
        assert stored["wire"][name] == made["wire"][name]


def test_surface_fixture_holds_what_is_sent() -> None:
    """`surface.json`: a surface with holes and what is to be said of it."""
    axes = np.linspace(-1, 1, 3), np.linspace(0, 2, 5)
    values = axes[0][:, None] ** 2 + axes[1]
    values[1, 3:5] = np.nan
    landscape = Landscape.from_array(values, axes)
    spec = Spec(3, span=(1.0, 1.0), points=(3, 5)).to_wire()
    wire = _wire.surface(landscape, spec)
    assert wire["concerns"] == [str(concern) for concern in landscape.warnings()]
    assert len(wire["concerns"]) == 1
    made = {name: packed(value) for name, value in wire.items()}
    if os.environ.get("NBL_WRITE_FIXTURES") == "1":
        SURFACE.write_text(json.dumps(made, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    stored = json.loads(SURFACE.read_text(encoding="utf-8"))
    assert stored.pop("facing") == pytest.approx(made.pop("facing"))
    assert stored == made


def packed(value: Any) -> Any:
    return {"$b": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
