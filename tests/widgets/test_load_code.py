"""Code to copy that loads a clicked point into the model: the page's very text is run here.

`points.json` holds what the kernel sends, written by this test (NBL_WRITE_FIXTURES=1), and the code that
js/src/model/python-point.test.ts makes of it.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import nblandscape as nbl

PATH = Path(__file__).parents[1] / "data" / "protocol" / "points.json"


def network() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.BatchNorm1d(6), nn.Linear(6, 3)).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=generator, dtype=p.dtype))
    x = torch.randn(100, 5, generator=generator, dtype=torch.float64)
    return model, x, torch.randint(0, 3, (100,), generator=generator)


def call(explorer: nbl.Explorer, method: str, **params: Any) -> None:
    explorer._on_message(explorer, {"kind": "rpc", "id": method, "method": method, "params": params}, [])
    explorer.wait(60)


def moved(explorer: nbl.Explorer, at: tuple[float, float], **changes: Any) -> None:
    """Through a plane of its own to the next origin."""
    explorer.request(**changes)
    explorer.wait(60)
    explorer.new_origin(at)
    explorer.wait(60)


def plain(_: nbl.Explorer) -> None:
    pass


def with_offset(explorer: nbl.Explorer) -> None:
    explorer.request(axes=(1, -2), offset={0: -0.375})


def with_more_eigenpairs(explorer: nbl.Explorer) -> None:
    call(explorer, "eigenpairs", largest=4, smallest=3)
    explorer.request(axes=(3, -3))


def at_an_origin(explorer: nbl.Explorer) -> None:
    moved(explorer, (0.75, -0.5), offset={1: 0.25})
    explorer.request(axes=(0, 1), offset={-1: 0.125})


def at_an_origin_of_an_origin(explorer: nbl.Explorer) -> None:
    moved(explorer, (0.75, -0.5))
    moved(explorer, (-0.25, 1.5), axes=(1, -1))
    call(explorer, "eigenpairs", largest=3, smallest=3)
    explorer.request(axes=(2, -3))


CASES: dict[str, Callable[[nbl.Explorer], None]] = {
    "a point of the first plane": plain,
    "a point of a moved plane": with_offset,
    "a point along eigenvectors that were asked for later": with_more_eigenpairs,
    "a point at an origin": at_an_origin,
    "a point at the origin of an origin": at_an_origin_of_an_origin,
}
POINT = (0.3, -1.1)


@pytest.fixture(params=CASES)
def case(request, explore):
    model, x, y = network()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    explorer = explore(objective, points=5, span=2.0, largest=2, smallest=2, variable="mine").wait(60)
    CASES[request.param](explorer)
    explorer.wait(60)
    return request.param, model, objective, explorer


def stored() -> dict[str, Any]:
    known: list[dict[str, Any]] = (
        json.loads(PATH.read_text(encoding="utf-8"))["cases"] if PATH.exists() else []
    )
    return {one["name"]: one for one in known}


def told(explorer: nbl.Explorer) -> dict[str, Any]:
    """What the code is made of, without losses, which differ in their last bits elsewhere."""
    source = {name: explorer.source[name] for name in ("kind", "variable")}
    origins = [{**o, "loss": 1.0, "distance": 1.0} for o in explorer.source["origins"]]
    surface = {name: explorer.surface[name] for name in ("spec", "recipe")}
    return {"source": {**source, "origins": origins}, "surface": surface, "coordinates": list(POINT)}


def test_the_pages_code_loads_the_point_to_rounding(case) -> None:
    name, model, objective, explorer = case
    made = json.loads(json.dumps({"name": name, **told(explorer)}))
    cases = stored()
    if os.environ.get("NBL_WRITE_FIXTURES") == "1":
        cases[name] = {**made, "code": cases.get(name, {}).get("code", "")}
        text = json.dumps({"cases": [cases[n] for n in CASES if n in cases]}, indent=1)
        PATH.write_text(text + "\n", encoding="utf-8")
    code = cases[name].pop("code")
    assert cases[name] == made
    explorer.selection = {"kind": "point", "vertex": None, "coordinates": list(POINT), "loss": 1.0}
    expected = explorer.selected_state_dict()
    fresh = network()[0]
    scope: dict[str, Any] = {"mine": objective, "model": fresh}
    exec(code, scope)
    for key, tensor in fresh.state_dict().items():
        torch.testing.assert_close(tensor, expected[key], rtol=0, atol=1e-9, msg=key)
    first = next(iter(expected))
    assert not torch.allclose(expected[first], model.state_dict()[first], atol=1e-3)
    assert not code.startswith("nbl")
    assert nbl.__name__ in code


def test_given_eigenpairs_are_named_and_earlier_ones_admitted(explore) -> None:
    model, x, y = network()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    spectrum = nbl.hessian_spectrum(objective, largest=1, smallest=1)
    explorer = explore(objective, spectrum=spectrum, points=5).wait(60)
    assert explorer.surface["recipe"] == {"start": "given", "steps": []}
    explorer.update()
    explorer.wait(60)
    assert explorer.surface["recipe"]["start"] == "earlier"
    again = explore(objective, points=5, largest=4, smallest=4).wait(60)
    assert again.surface["recipe"] == explorer.surface["recipe"]  # they share what was computed
