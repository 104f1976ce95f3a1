"""From a checkpoint to its landscape: trained models are at a minimum, and the user's model stays."""

import copy

import numpy as np
import pytest
import torch

import nblandscape as nbl
from nblandscape.huggingface.loading import load
from tests.huggingface import small


def test_a_trained_language_model_lies_in_a_basin(gpt2_folder, texts, bytes_):
    untrained = nbl.from_transformers(small.gpt2(bytes_), texts, tokenizer=bytes_, overflow="split")
    objective = nbl.from_transformers(gpt2_folder, texts, overflow="split", metrics=["accuracy"])
    assert objective.loss() < 0.75 * untrained.loss()
    plane = nbl.Subspace.random(objective, 2, seed=0)
    landscape = nbl.sample(objective, plane, points=5, span=("relative", 1.0))
    assert np.unravel_index(np.argmin(landscape.values), (5, 5)) == (2, 2)
    assert landscape.metrics["accuracy"].shape == (5, 5)
    assert landscape.provenance["objective"]["task"] == "causal-lm"


def test_a_trained_image_classifier_lies_in_a_basin(digits_folder):
    images, labels = small.digits(64)
    objective = nbl.from_transformers(digits_folder, (images, labels), metrics="accuracy")
    assert objective.point(objective.origin()).metrics["accuracy"] > 0.9
    spectrum = nbl.hessian_spectrum(objective, largest=1, smallest=0, tol=1e-2)
    assert spectrum.converged.all()
    assert spectrum.values[0] > 0


def test_labels_by_name(classifier_folder, texts):
    rows = small.advice(texts)
    objective = nbl.from_transformers(classifier_folder, rows, metrics=["accuracy"])
    assert objective.point(objective.origin()).metrics["accuracy"] > 0.9


def test_the_users_model_and_the_generators_stay_as_they_are(bytes_, texts):
    model = small.gpt2(bytes_).train()
    model.transformer.wpe.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    state, numbers = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    settings = model.config.to_dict()
    objective = nbl.from_transformers(model, texts[:5], tokenizer=bytes_)
    objective.hvp(torch.ones(1, objective.num_parameters))
    objective.point(objective.origin() + 0.1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert [n for n, p in model.named_parameters() if not p.requires_grad] == ["transformer.wpe.weight"]
    assert "transformer.wpe.weight" not in objective.parameter_names
    assert model.config.to_dict() == settings
    assert model.config._attn_implementation == "sdpa"
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (np.random.get_state()[1] == numbers).all()  # noqa: NPY002


def test_provenance_follows_the_data_and_the_weights(gpt2_folder, texts):
    objective = nbl.from_transformers(gpt2_folder, texts[:3])
    found = objective.description
    assert (found["task"], found["source"]) == ("causal-lm", str(gpt2_folder))
    assert found["loss"] == "cross entropy of the next token"
    assert found["tokens"] == objective.batch_counts.sum() + 3
    assert found["data"]["rows"] == 3
    other = objective.on(
        [{"input_ids": torch.ones(2, 5, dtype=torch.long), "labels": torch.ones(2, 5, dtype=torch.long)}]
    )
    assert other.description["tokens"] == 10
    assert "data" not in other.description
    moved = objective.at({name: 2 * value for name, value in load(gpt2_folder).model.state_dict().items()})
    assert moved.description["data"] == found["data"]
    assert moved.description["weights_sha256"] != found["weights_sha256"]


def test_a_part_of_the_parameters(gpt2_folder, texts):
    whole = nbl.from_transformers(gpt2_folder, texts[:3])
    layer = nbl.from_transformers(gpt2_folder, texts[:3], parameters="layer:-1")
    v = torch.randn(1, layer.num_parameters, generator=torch.Generator().manual_seed(0))
    named = {name: torch.zeros_like(value) for name, value in whole.unflatten(whole.origin()).items()}
    product = whole.unflatten(whole.hvp(whole.flatten({**named, **layer.unflatten(v[0])})[None])[0])
    expected = layer.flatten({name: product[name] for name in layer.parameter_names})
    torch.testing.assert_close(layer.hvp(v)[0], expected, rtol=1e-4, atol=1e-5)


def test_an_objective_travels_to_other_processes(gpt2_folder, texts):
    import pickle

    objective = nbl.from_transformers(gpt2_folder, texts[:3], metrics=["accuracy"])
    there = nbl.Objective.from_parts(pickle.loads(pickle.dumps(objective.parts())))
    assert there.loss() == objective.loss()


def test_unknown_metrics_name_the_known(gpt2_folder, texts):
    with pytest.raises(ValueError, match=r"metrics='perplexity' is unknown for causal-lm; there is accuracy"):
        nbl.from_transformers(gpt2_folder, texts[:3], metrics=["perplexity"])
