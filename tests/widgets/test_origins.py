"""Points that become the origin of further planes, and points that are sent to Python."""

import json
import threading
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import nblandscape as nbl
from nblandscape.widgets import _origins
from nblandscape.widgets._points import value_at

CURVATURES = torch.tensor([8.0, 5.0, 3.0, 2.0, 1.0, 0.5])


class Bowl(nn.Module):
    """Loss sum_i c_i (w_i - t_i)^2 / 2: the Hessian is diag(c) everywhere."""

    def __init__(self, start: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((6,), start))
        self.register_buffer("target", torch.linspace(-1.0, 1.0, 6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * (self.weight - self.target) ** 2).sum() / 2


def bowl(**options) -> tuple[nn.Module, nbl.Objective]:
    model = Bowl().double()

    def loss(model: nn.Module, batch: torch.Tensor) -> tuple[torch.Tensor, int]:
        return model(batch), 1

    return model, nbl.Objective.from_batch_loss(model, loss, [CURVATURES.double()], **options)


def network() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=generator))
    return model, torch.randn(200, 5, generator=generator), torch.randint(0, 3, (200,), generator=generator)


def accuracy(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (output.argmax(1) == target).double().mean()


@pytest.fixture
def quadratic(explore):
    model, objective = bowl()
    return model, objective, explore(objective, points=9, span=2.0, tol=1e-8, largest=3, smallest=3).wait(60)


@pytest.fixture
def trained(explore):
    model, x, y = network()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y), metrics={"accuracy": accuracy})
    return model, x, y, explore(objective, points=9, span=3.0, largest=2, smallest=2).wait(60)


def replies(explorer: nbl.Explorer) -> list[dict]:
    """What the page is answered, recorded instead of sent."""
    heard: list[dict] = []
    explorer.send = lambda content, buffers=None: heard.append(content)
    return heard


def asked(explorer: nbl.Explorer, **changes) -> None:
    explorer.request(**changes)
    explorer.wait(60)


def call(explorer: nbl.Explorer, method: str, **params) -> None:
    told = {"kind": "point", "vertex": None, "spec": explorer.surface["spec"], **params}
    explorer._on_message(explorer, {"kind": "rpc", "id": method, "method": method, "params": told}, [])


def test_a_quadratic_has_the_same_spectrum_at_its_minimum_and_no_gradient(quadratic):
    _, objective, explorer = quadratic
    before = explorer.eigenpairs
    explorer.new_origin((0.5, -1.0))
    explorer.wait(60)
    assert explorer.spec["origin"] == 1
    assert explorer.eigenpairs is not before
    np.testing.assert_allclose(explorer.eigenpairs.values, before.values, atol=1e-6)
    np.testing.assert_allclose(explorer.eigenpairs.values, CURVATURES.sort(descending=True)[0], atol=1e-6)
    # Along eigenvectors that are the axes: the gradient is c (w - t), the displacement is as told.
    moved = explorer.objective.origin() - objective.origin()
    assert float(moved.norm()) == pytest.approx(np.hypot(0.5, 1.0))
    torch.testing.assert_close(explorer.objective.gradient() - objective.gradient(), CURVATURES * moved)
    # Six steps to where the gradient is zero: each axis of the plane at a time.
    for axes in ((0, -1), (1, -2), (2, -3)):
        explorer.request(axes=axes)
        explorer.wait(60)
        pairs, there = explorer.eigenpairs, explorer.objective
        slopes = pairs.vectors[list(axes)] @ there.gradient()
        explorer.new_origin([float(-s / pairs.values[i]) for s, i in zip(slopes, axes, strict=True)])
        explorer.wait(60)
    assert float(explorer.objective.gradient().norm()) < 1e-6
    assert explorer.objective.loss() == pytest.approx(0.0, abs=1e-12)
    assert explorer.origins[-1].distance == pytest.approx(
        float((Bowl().target - 1.0).double().norm()), rel=1e-6
    )
    torch.testing.assert_close(
        explorer.state_dict_at((0.0, 0.0))["weight"], Bowl().double().target, atol=1e-6, rtol=0
    )


def test_the_model_is_found_in_the_plane_or_its_distance_told(quadratic):
    _, _, explorer = quadratic
    assert explorer.surface["model"]["at"] == pytest.approx([0, 0])
    assert explorer.surface["model"]["apart"] == pytest.approx(0, abs=1e-12)
    assert explorer.surface["origin"] == 40
    explorer.request(offset={1: 0.75})
    explorer.wait(60)
    assert explorer.surface["model"]["apart"] == pytest.approx(0.75)
    explorer.request(offset={})
    explorer.wait(60)
    explorer.new_origin((0.5, -1.0))
    explorer.wait(60)
    place = explorer.surface["model"]
    signs = np.sign(explorer.eigenpairs.vectors[[0, -1]].sum(1).numpy())
    assert explorer.surface["origin"] is None
    assert np.abs(place["at"]) == pytest.approx([0.5, 1.0], abs=1e-6), signs
    assert place["apart"] == pytest.approx(0, abs=1e-6)
    assert _origins.distance_at(place, (0.0, 0.0)) == pytest.approx(np.hypot(0.5, 1.0))
    explorer.request(axes=(1, -2))  # now the model is not in the plane
    explorer.wait(60)
    assert explorer.surface["model"]["apart"] == pytest.approx(np.hypot(0.5, 1.0))
    assert explorer.surface["model"]["at"] == pytest.approx([0, 0], abs=1e-6)


def test_distances_respect_directions_that_are_not_orthonormal(explore):
    _, objective = bowl()
    rows = torch.tensor([[2.0, 0, 0, 0, 0, 0], [1.0, 1.0, 0, 0, 0, 0]], dtype=torch.float64)
    plane = nbl.Subspace.from_directions(objective, rows)
    explorer = explore(nbl.sample(objective, plane, span=1.0, points=5))
    place = explorer.surface["model"]
    assert place["apart"] == 0
    assert _origins.distance_at(place, (1.0, 2.0)) == pytest.approx(float((rows[0] + 2 * rows[1]).norm()))
    assert "recipe" not in explorer.surface


def test_back_and_forth_computes_nothing_again(trained, monkeypatch):
    model, *_, explorer = trained
    weights = {name: p.clone() for name, p in model.state_dict().items()}
    explorer.select_minimum(0)
    chosen, target = explorer.selection, explorer.selected_state_dict()
    first = explorer.landscape, explorer.eigenpairs, explorer.spectrum
    explorer.new_origin()
    explorer.wait(60)
    second = explorer.landscape, explorer.eigenpairs, explorer.spectrum
    assert explorer.selection["kind"] == "none"
    assert second[0].origin_value == pytest.approx(chosen["loss"], rel=1e-6)
    for name, tensor in explorer.state_dict_at((0.0, 0.0)).items():
        assert torch.equal(tensor, target[name]), name
    assert (second[2]["origin"], first[2].get("origin")) == (1, None)
    monkeypatch.setattr(nbl.Objective, "hvp", lambda *_: pytest.fail("computed again"))
    monkeypatch.setattr(nbl.Objective, "evaluator", lambda *_: pytest.fail("evaluated again"))
    for number, known in ((0, first), (1, second), (0, first)):
        explorer.request(origin=number)
        explorer.wait(60)
        assert explorer.landscape is known[0]
        assert explorer.eigenpairs is known[1]
        assert explorer.spectrum == known[2]
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    origin = explorer.origins[1]
    assert (origin.number, origin.kind, origin.plane["origin"]) == (1, "minimum", 0)
    assert origin.coordinates == tuple(chosen["coordinates"])
    assert "minimum at" in repr(origin)
    assert explorer.source["origins"][0]["loss"] == pytest.approx(chosen["loss"], rel=1e-6)


def test_origins_lead_to_further_origins(trained):
    model, x, y, explorer = trained
    other, _, _ = network()
    for step, at in enumerate(((0.5, -0.25), (-1.0, 0.125), (0.25, 2.0))):
        expected = explorer.state_dict_at(at)
        explorer.new_origin(at)
        explorer.wait(60)
        assert explorer.origins[-1].plane["origin"] == step
        for name, tensor in explorer.state_dict_at((0.0, 0.0)).items():
            torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-7)
        other.load_state_dict(expected)
        assert explorer.landscape.origin_value == pytest.approx(F.cross_entropy(other(x), y).item(), rel=1e-6)
    away = torch.cat([(expected[n] - p).flatten() for n, p in model.state_dict().items()])
    assert explorer.origins[-1].distance == pytest.approx(float(away.norm()), rel=1e-5)
    assert [o.number for o in explorer.origins] == [0, 1, 2, 3]


def test_a_polished_minimum_of_the_new_plane_is_where_its_slopes_vanish(trained):
    *_, explorer = trained
    explorer.select_minimum(0)
    point = explorer.polish_selected(check=False)
    explorer.new_origin(point.coordinates)
    explorer.wait(60)
    pairs = nbl.hessian_spectrum(explorer.objective, largest=2, smallest=2)
    assert np.isfinite(pairs.values).all()
    old = explorer._source.at(0)
    plane = old.plane(nbl.widgets._spec.Spec.from_wire({**explorer.spec, "origin": 0}))
    slopes = plane.directions @ explorer.objective.gradient()
    assert float(slopes.norm()) == pytest.approx(point.slice_gradient, abs=1e-4)
    explorer.select_minimum(0)
    assert explorer.polish_selected(check=False).loss <= point.loss + 1e-6


def test_the_page_asks_and_is_answered_with_the_number(trained):
    *_, explorer = trained
    heard = replies(explorer)
    call(explorer, "origin", coordinates=[0.5, 0.5])
    explorer.wait(60)
    *partial, whole = [m["spectrum"] for m in heard if m["kind"] == "spectrum"]
    assert heard[-1] == {"kind": "reply", "id": "origin", "ok": True, "result": 1}
    assert (whole["origin"], whole["complete"]) == (1, True)
    assert all(spectrum["origin"] == -1 and not spectrum["complete"] for spectrum in partial)
    assert explorer.spec.get("origin", 0) == 0  # the page writes it, and with it a step to undo
    assert explorer.spectrum.get("origin", 0) == 0
    assert [o["number"] for o in explorer.source["origins"]] == [1]
    explorer.set_state({"spec": {**explorer.spec, "id": explorer.spec["id"] + 1, "origin": 1}})
    explorer.wait(60)
    assert (explorer.surface["spec"]["origin"], explorer.spectrum["origin"]) == (1, 1)


@pytest.mark.parametrize(
    ("params", "reason"),
    [({"kind": "none", "coordinates": [0, 0]}, "nothing is selected"), ({"coordinates": None}, "two numbers"),
     ({"coordinates": [float("nan"), 0]}, "finite"), ({"coordinates": [1, 2], "spec": None}, "Not a spec"),
     ({"coordinates": [1, 2, 3]}, "two numbers")],
)  # fmt: skip
@pytest.mark.parametrize("method", ["origin", "send"])
def test_what_is_no_point_is_refused_with_the_reason(trained, method, params, reason):
    *_, explorer = trained
    heard = replies(explorer)
    call(explorer, method, **params)
    with pytest.raises(ValueError, match=reason):
        explorer.wait(60)
    assert not heard[-1]["ok"]
    assert reason in heard[-1]["error"]
    assert len(explorer.origins) == 1
    assert explorer.sent == []
    explorer.request(span=1.0)
    assert explorer.wait(60).status["phase"] == "done"


def test_a_loss_that_is_not_finite_there_makes_no_origin(explore):
    model = nn.Linear(2, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.log(output).square().mean() + 0 * target.sum()

    explorer = explore(nbl.Objective(model, loss, (torch.eye(2), torch.ones(2, 1))), points=9, span=0.5)
    explorer.wait(60)
    explorer.new_origin((-3.0, -3.0))
    with pytest.raises(ValueError, match=r"No plane can start at \(-3, -3\)"):
        explorer.wait(60)
    explorer.error = None
    assert len(explorer.origins) == 1
    assert explorer.spec.get("origin", 0) == 0


def test_what_has_no_other_origin_says_so(explore):
    for explorer in (explore(np.eye(5)), explore(lambda a, b: a * b, bounds=((-1, 1), (-1, 1)), points=9)):
        explorer.wait(60)
        with pytest.raises(RuntimeError, match="no model"):
            explorer.new_origin((0.0, 0.0))
        with pytest.raises(RuntimeError, match="no model"):
            _ = explorer.origins
    explorer.request(origin=1)
    with pytest.raises(ValueError, match="only planes of a model"):
        explorer.wait(60)


def test_unknown_dropped_and_outdated_origins_are_told_apart(trained, monkeypatch):
    model, *_, explorer = trained
    monkeypatch.setattr(_origins, "KEPT", 2)
    for at in ((0.5, 0.0), (0.0, 0.5), (0.25, 0.25)):
        explorer.new_origin(at)
        explorer.wait(60)
        explorer.request(origin=0)
        explorer.wait(60)
    assert [o["kept"] for o in explorer.source["origins"]] == [False, True, True]
    for number, reason in ((1, "were dropped"), (7, "1 to 3 are known"), (-1, "0 is the model")):
        with pytest.raises(ValueError, match=reason):
            asked(explorer, origin=number)
    explorer.request(origin=3)
    explorer.wait(60)
    with torch.no_grad():
        model[0].weight.mul_(1.5)
    explorer.update()
    explorer.wait(60)
    assert explorer.spec["origin"] == 0
    assert len(explorer.origins) == 1
    assert explorer.objective is explorer._source.objective
    with pytest.raises(ValueError, match="earlier weights"):
        asked(explorer, origin=3)
    explorer.request(origin=0)
    explorer.wait(60)
    explorer.new_origin((0.5, 0.5))
    explorer.wait(60)
    assert explorer.spec["origin"] == 4  # numbers are not used twice


def test_origins_are_also_bounded_in_bytes(trained, monkeypatch):
    *_, explorer = trained
    monkeypatch.setattr(_origins, "_KEPT_BYTES", 1.0)
    for at in ((0.5, 0.0), (0.0, 0.5), (0.25, 0.25)):
        explorer.new_origin(at)
        explorer.wait(60)
    assert [o["kept"] for o in explorer.source["origins"]] == [False, True, True]


def test_saved_and_exported_origins(trained, explore, tmp_path):
    *_, explorer = trained
    explorer.new_origin((0.5, 0.5))
    explorer.wait(60)
    call(explorer, "send", coordinates=[0.25, 0.0])
    explorer.wait(60)
    again = explore(explorer.save(tmp_path / "view"))
    assert again.spec["origin"] == 1
    assert again.source["origins"][0]["at"] == [0.5, 0.5]
    assert not again.source["origins"][0]["kept"]
    assert again.spectrum["origin"] == 1
    assert again.sent == explorer.sent
    assert again.surface["model"] == explorer.surface["model"]
    assert again.surface["recipe"] == explorer.surface["recipe"]
    assert set(again.surface["metrics"]) == {"accuracy"}
    page = explorer.to_html()
    state = json.loads(page.split('id="nblandscape-state">')[1].split("</script>")[0])
    frames = {frame["spec"].get("origin", 0): frame for frame in state["frames"]}
    assert set(frames) == {0, 1}
    assert frames[0]["spectrum"]["values"] == explorer._source.spectra[0]["values"]
    assert "spectrum" not in frames[1]
    explorer.request(origin=0)
    explorer.wait(60)
    explorer.to_html(frames=[{"span": 1.0}, {"origin": 1, "span": 1.0}])
    assert sum(key[0] == 1 and key[3] == (1.0, 1.0) for key, _ in explorer._results.items()) == 1


def test_half_precision_models_keep_small_displacements(explore):
    model = Bowl().to(torch.bfloat16)

    def loss(model: nn.Module, batch: torch.Tensor) -> tuple[torch.Tensor, int]:
        return model(batch), 1

    explorer = explore(nbl.Objective.from_batch_loss(model, loss, [CURVATURES]), points=9, span=0.1).wait(60)
    explorer.new_origin((1e-3, 0.0))
    explorer.wait(60)
    assert explorer.origins[1].distance == pytest.approx(1e-3, rel=1e-3)
    assert explorer.state_dict_at((0.0, 0.0))["weight"].dtype == torch.bfloat16


# ---------------------------------------------------------------------------- threads


def slow(model: nn.Module, seconds: float, x: torch.Tensor, y: torch.Tensor) -> nbl.Objective:
    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        time.sleep(seconds)
        return F.cross_entropy(output, target)

    return nbl.Objective(model, loss, (x, y))


def test_a_new_origin_while_a_surface_refines_lets_both_finish(explore):
    model, x, y = network()
    explorer = explore(slow(model, 0.001, x, y), points=9, span=3.0, largest=1, smallest=1).wait(60)
    explorer.request(points=17)
    explorer.new_origin((0.5, 0.0))
    explorer.request(points=33, scale="log")
    explorer.wait(60)
    assert (explorer.spec["origin"], explorer.spec["points"]) == (1, [33, 33])
    assert explorer.landscape.shape == (33, 33)
    assert explorer.surface["spec"]["origin"] == 1
    assert explorer.landscape.origin_value == pytest.approx(explorer.objective.loss(), rel=1e-6)


def test_the_eigenvalues_return_with_the_plane_before_the_other_was_computed(explore):
    model, x, y = network()
    explorer = explore(slow(model, 0.002, x, y), points=9, span=3.0, largest=1, smallest=1).wait(60)
    first = explorer.spectrum
    explorer.new_origin((0.5, 0.0))
    explorer.wait(60)
    explorer.request(origin=0)
    explorer.wait(60)
    explorer.request(origin=1, points=33)
    until = time.monotonic() + 10
    while explorer.spectrum == first and time.monotonic() < until:
        time.sleep(0.001)
    explorer.request(origin=0, points=9)
    explorer.wait(60)
    assert explorer.landscape.shape == (9, 9)
    assert explorer.spectrum == first
    assert explorer.page_state()["spectrum"] == first


@pytest.mark.parametrize("end", ["cancel", "close", "update"])
def test_a_new_origin_that_is_given_up_leaves_the_old_one(explore, end):
    model, x, y = network()
    explorer = explore(slow(model, 0.0, x, y), points=9, span=3.0, largest=1, smallest=1).wait(60)
    heard, entered, go = replies(explorer), threading.Event(), threading.Event()
    product = nbl.Objective.hvp

    def hvp(self: nbl.Objective, V: torch.Tensor) -> torch.Tensor:
        if self is not explorer_objective:
            entered.set()
            go.wait(10)
        return product(self, V)

    explorer_objective = explorer.objective
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nbl.Objective, "hvp", hvp)
        call(explorer, "origin", coordinates=[0.5, 0.0])
        assert entered.wait(10)
        if end == "close":
            explorer.close()
        elif end == "cancel":
            explorer.cancel()
        else:
            explorer.update()
        go.set()
        explorer.wait(60)
    assert [m["ok"] for m in heard if m["kind"] == "reply"] == [False]
    if end == "close":
        return
    assert explorer.spec.get("origin", 0) == 0
    assert len(explorer.origins) == 1
    assert explorer.spectrum.get("origin", 0) == 0
    assert explorer.spectrum["complete"]


def test_closed_explorers_keep_no_origin_alive(explore):
    import gc
    import weakref

    model, x, y = network()
    explorer = explore(nbl.Objective(model, nn.CrossEntropyLoss(), (x, y)), points=9).wait(60)
    explorer.new_origin((0.5, 0.5))
    explorer.wait(60)
    dead = [
        weakref.ref(explorer.objective),
        weakref.ref(explorer.eigenpairs),
        weakref.ref(explorer.landscape),
    ]
    explorer.close()
    for _ in range(100):
        gc.collect()
        if all(reference() is None for reference in dead):
            break
        time.sleep(0.02)
    assert all(reference() is None for reference in dead)


# ---------------------------------------------------------------------------- sending


def test_a_point_is_sent_with_everything_that_python_needs(trained):
    _, _, _, explorer = trained
    heard, seen, called = replies(explorer), [], []
    explorer.observe(lambda change: seen.append(len(change["new"])), names="sent")
    explorer.on_send(called.append)
    explorer.select_minimum(0)
    vertex, coordinates = explorer.selection["vertex"], explorer.selection["coordinates"]
    expected = explorer.selected_state_dict()
    call(explorer, "send", kind="minimum", vertex=vertex, coordinates=coordinates, label="Minimum 1 of 1")
    explorer.wait(60)
    assert heard[-1]["result"] == 0
    entry = explorer.sent[-1]
    assert called == [entry]
    assert seen == [1]
    assert (entry["kind"], entry["label"]) == ("minimum", "Minimum 1 of 1")
    assert entry["loss"] == explorer.landscape.values.flat[vertex]
    assert entry["metrics"] == {"accuracy": explorer.landscape.metrics["accuracy"].flat[vertex]}
    assert entry["distance"] == pytest.approx(float(np.hypot(*coordinates)), rel=1e-5)
    assert json.loads(json.dumps(entry)) == entry
    # The entry still means its own plane, of its own eigenvectors.
    explorer._on_message(
        explorer,
        {"kind": "rpc", "id": "m", "method": "eigenpairs", "params": {"largest": 4, "smallest": 4}},
        [],
    )
    explorer.wait(60)
    explorer.new_origin((0.5, 0.5))
    explorer.wait(60)
    for name, tensor in explorer.state_dict_at(explorer.sent[-1]).items():
        assert torch.equal(tensor, expected[name]), name
    with torch.no_grad():
        next(iter(trained[0].parameters())).mul_(1.5)
    explorer.update()
    explorer.wait(60)
    with pytest.raises(ValueError, match="other weights"):
        explorer.state_dict_at(entry)


def test_a_callback_that_fails_is_told_and_the_point_is_kept(trained):
    *_, explorer = trained
    heard = replies(explorer)
    explorer.on_send(lambda _: 1 / 0)
    call(explorer, "send", coordinates=[0.25, 0.5])
    with pytest.raises(ZeroDivisionError):
        explorer.wait(60)
    assert not heard[-1]["ok"]
    assert len(explorer.sent) == 1


def test_a_landscape_can_be_sent_from_too(explore):
    explorer = explore(np.arange(12.0).reshape(3, 4))
    call(explorer, "send", coordinates=[0.5, 1.5])
    explorer.wait(60)
    entry = explorer.sent[0]
    assert (entry["loss"], entry["metrics"], entry["distance"], entry["weights"]) == (3.5, {}, None, None)
    with pytest.raises(RuntimeError, match="no model"):
        explorer.state_dict_at(entry)


def test_values_between_vertices_next_to_holes_and_beyond_the_border():
    axes = np.array([0.0, 1.0, 3.0]), np.array([-1.0, 1.0])
    landscape = nbl.Landscape.from_array([[0.0, 2.0], [4.0, np.nan], [8.0, 6.0]], axes)
    assert value_at(landscape, landscape.values, (0.0, 0.0)) == 1.0
    assert value_at(landscape, landscape.values, (2.0, -1.0)) == 6.0
    assert value_at(landscape, landscape.values, (0.5, 0.0)) is None
    assert value_at(landscape, landscape.values, (9.0, 1.0)) == 6.0
    assert value_at(landscape, landscape.values, (3.0, -1.0), 4) == 8.0
    assert (
        value_at(landscape, landscape.values, (0.0, 0.0), 4) == 1.0
    )  # of the model, whose vertex is the nearest
