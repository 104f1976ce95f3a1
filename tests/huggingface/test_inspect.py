"""`inspect`: the plan first, then an explorer; random directions where there are no products."""

import dataclasses

import numpy as np
import pytest
import torch

import nblandscape as nbl
from nblandscape.huggingface import inspect as inspecting
from nblandscape.huggingface import plan as planning
from nblandscape.huggingface.plan import plan_inspection
from nblandscape.widgets._random_plane import RandomPlaneSource

OPTIONS = {"limit": 4, "overflow": "truncate", "points": 9, "largest": 1, "smallest": 1}


@pytest.fixture(scope="module")
def objective(gpt2_folder, texts):
    return nbl.from_transformers(gpt2_folder, texts, limit=4, batch_size=2, overflow="truncate")


def test_one_line_from_a_folder_to_an_explorer(gpt2_folder, texts, capsys):
    with nbl.inspect(gpt2_folder, texts, wait=True, **OPTIONS) as explorer:
        printed = capsys.readouterr().out
        assert printed.startswith("GPT2LMHeadModel, causal-lm, from ")
        assert f"4 of {len(texts)} texts" in printed
        assert explorer.landscape.shape == (9, 9)
        assert explorer.eigenpairs.values[0] > 0
        assert explorer.source["title"] == "GPT2LMHeadModel · gpt2"
        assert explorer.plan.measured == "products and points"
        # The same as the long way round.
        made = nbl.from_transformers(gpt2_folder, texts, limit=4, overflow="truncate")
        assert explorer.landscape.origin_value == pytest.approx(made.loss(), rel=1e-6)
        assert explorer.selected_state_dict is not None


def test_texts_are_tokenised_once(gpt2_folder, texts, monkeypatch):
    from nblandscape.huggingface.text import Encoder

    calls, encode = [], Encoder.encode
    monkeypatch.setattr(Encoder, "encode", lambda self, *a, **k: calls.append(1) or encode(self, *a, **k))
    with nbl.inspect(gpt2_folder, texts, mode="random", quiet=True, **OPTIONS) as explorer:
        made = nbl.from_transformers(gpt2_folder, texts, limit=4, overflow="truncate")
        objective = explorer.objective
        assert objective.description == made.description
        assert objective.loss() == made.loss()
    assert len(calls) == 2


def test_half_a_basis_is_used_where_it_was_asked_for(gpt2_folder, texts):
    options = OPTIONS | {"parameters": "layer:-1"}
    with nbl.inspect(gpt2_folder, texts, basis="half", quiet=True, wait=True, **options) as explorer:
        found = explorer.eigenpairs
    objective = nbl.from_transformers(gpt2_folder, texts, limit=4, overflow="truncate", parameters="layer:-1")
    pairs = {"largest": 1, "smallest": 1}
    alone = nbl.hessian_spectrum(objective, basis="half", **pairs)
    np.testing.assert_allclose(found.values, alone.values)
    assert found.products != nbl.hessian_spectrum(objective, **pairs).products


def test_random_directions_are_live_and_need_no_products(gpt2_folder, texts, monkeypatch, capsys):
    def refuse(self, V):
        raise AssertionError("a Hessian product")

    monkeypatch.setattr(nbl.Objective, "hvp", refuse)
    with nbl.inspect(gpt2_folder, texts, mode="random", wait=True, quiet=True, **OPTIONS) as explorer:
        assert capsys.readouterr().out == ""
        first = explorer.landscape
        assert first.provenance["subspace"]["kind"] == "random"
        assert first.provenance["subspace"]["normalize"] == "filter"
        assert first.origin == 40
        assert explorer.source["notice"] == "No spectrum: random directions were chosen."
        assert np.isfinite(first.batch_losses).all()
        explorer.request(span=(explorer.spec["span"][0] / 2, explorer.spec["span"][1] / 2), points=17)
        explorer.wait()
        half = explorer.landscape
        # The inner points of the first grid are every fourth of the second one.
        np.testing.assert_allclose(half.values[::4, ::4], first.values[2:7, 2:7], rtol=1e-5)


def test_a_random_plane_tells_what_it_costs_and_where_the_model_is(objective):
    plane = nbl.Subspace.random(objective, 2, normalize="filter", seed=3)
    source = RandomPlaneSource(objective, plane, None)
    about = source.describe()
    assert (about["kind"], about["can_resample"], about["can_choose_axes"]) == ("function", True, False)
    assert about["title"] == "GPT2LMHeadModel"
    assert "random directions" in about["subtitle"]
    assert source.cost > 0
    assert source.default_spec().points[0] in (9, 17, 33, 65)
    with pytest.raises(ValueError, match="origin=1"):
        source.at(1)


def test_what_does_not_fit_is_refused_before_weights_are_loaded(gpt2_folder, texts, monkeypatch):
    monkeypatch.setattr(planning, "free_memory", lambda device: 1e5)

    def refuse(*args, **kwargs):
        raise AssertionError("weights were loaded")

    monkeypatch.setattr(inspecting, "objective_of", refuse)
    with pytest.raises(MemoryError, match="does not fit") as caught:
        nbl.inspect(gpt2_folder, texts, **OPTIONS)
    assert "Instead:" in str(caught.value)


def test_an_objective_can_be_inspected(objective):
    with nbl.inspect(
        objective, points=9, largest=1, smallest=1, quiet=True, wait=True, title="mine"
    ) as explorer:
        assert explorer.source["title"] == "mine"
        assert explorer.objective is objective
    with pytest.raises(TypeError, match="has its data already"):
        nbl.inspect(objective, ["text"])
    with pytest.raises(TypeError, match=r"batch_size=2: an objective was made with its own"):
        nbl.inspect(objective, batch_size=2)


@pytest.mark.parametrize(("seconds", "points"), [(1.0, 33), (200.0, 17), (1e4, 9)])
def test_points_that_nobody_chose_take_a_minute_at_most(objective, seconds, points):
    plan = plan_inspection(objective, points=33)
    slow = dataclasses.replace(
        plan, steps=(*plan.steps[:-1], dataclasses.replace(plan.steps[-1], seconds=seconds))
    )
    found = inspecting._with_points(slow)
    assert found.choice.points == points
    assert found.steps[-1].seconds == pytest.approx(seconds * (points / 33) ** 2)
    assert found.steps[-1].work == f"{points} x {points} points"


def test_the_users_model_and_generators_are_left_alone(gpt2_folder, texts, bytes_):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(gpt2_folder).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    with nbl.inspect(model, texts, tokenizer=bytes_, wait=True, quiet=True, **OPTIONS):
        pass
    assert torch.equal(state, torch.get_rng_state())
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_bad_arguments_are_found_at_once(gpt2_folder, texts, tmp_path):
    with pytest.raises(FileNotFoundError, match="folder"):
        nbl.inspect(gpt2_folder, texts, report=tmp_path / "nowhere" / "r.html")
    with pytest.raises(ValueError, match="points"):
        nbl.inspect(gpt2_folder, texts, points=8)
    with pytest.raises(FileNotFoundError, match="no folder"):
        nbl.inspect(tmp_path / "nothing", texts)
