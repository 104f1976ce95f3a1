"""Runs of the Trainer that nobody planned to look at, and adapters beside full fine-tuning."""

import copy
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

import nblandscape as nbl
from nblandscape.callbacks import Transformers
from nblandscape.checkpoints import stages_of
from nblandscape.recorder import Recorder

peft = pytest.importorskip("peft")

FEW: dict[str, Any] = {"plane": None, "curvature": False, "through": False}


def made() -> GPT2LMHeadModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        size = {"vocab_size": 13, "n_positions": 8, "n_embd": 8, "n_layer": 2, "n_head": 2}
        return GPT2LMHeadModel(GPT2Config(**size, bos_token_id=0, eos_token_id=0))


def ids() -> torch.Tensor:
    return torch.randint(0, 13, (16, 6), generator=torch.Generator().manual_seed(0))


def batches() -> list[dict[str, torch.Tensor]]:
    return [{"input_ids": part, "labels": part} for part in ids().split(4)]


def train(model: Any, folder: Path, **options: Any) -> Trainer:
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=4,
        learning_rate=0.05,
        logging_steps=5,
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **{"max_steps": 10, "save_steps": 5, **options},
    )
    data = [{"input_ids": row, "labels": row} for row in ids()]
    trainer = Trainer(model, arguments, train_dataset=data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.train()
    return trainer


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, GPT2LMHeadModel, list[dict[str, Any]]]:
    """A Trainer's output folder, without any thought of landscapes; the model at its end; the log."""
    folder, model = tmp_path_factory.mktemp("run"), made()
    trainer = train(model, folder)
    return folder, model.eval(), trainer.state.log_history


def own_loss(model: Any) -> float:
    """All batches have as many targets."""
    return float(np.mean([float(model.eval()(**batch).loss.detach()) for batch in batches()]))


def test_an_output_folder_of_the_trainer_is_a_run(run):
    folder, model, log = run
    objective = nbl.from_transformers(model, batches())
    study = nbl.compare_checkpoints(objective, folder, points=3, trace_samples=2)
    assert study.steps.tolist() == [5, 10]
    assert study.rows[1].loss == objective.loss() == pytest.approx(own_loss(model), rel=1e-6)
    first = AutoModelForCausalLM.from_pretrained(folder / "checkpoint-5")
    assert study.rows[0].loss == pytest.approx(own_loss(first), rel=1e-6)  # tied weights are in the file once
    np.testing.assert_allclose(study.perplexity, np.exp([row.loss for row in study.rows]))
    frame = study.to_frame()
    np.testing.assert_allclose(frame["perplexity_stderr"], frame["perplexity"] * frame["loss_stderr"])
    assert "perplexity" in str(study)
    logged = {entry["step"]: entry["loss"] for entry in log if "loss" in entry}
    stage = stages_of(objective, folder)[0]
    assert stage.source.loss == pytest.approx(logged[5])


def test_a_path_and_data_are_enough(run):
    folder, model, _ = run
    study = nbl.compare_checkpoints(str(folder), data=batches(), **FEW)
    assert study.task == "causal-lm"
    assert study.rows[1].loss == pytest.approx(own_loss(model), rel=1e-6)
    with torch.no_grad():
        guesses = model(ids()).logits[:, :-1].argmax(-1)
    accuracy = float((guesses == ids()[:, 1:]).double().mean())
    assert study.to_frame()["accuracy"][1] == pytest.approx(accuracy)


def test_steps_go_by_number_and_other_folders_are_left_out(run, tmp_path):
    folder, model, _ = run
    for step in (1000, 200):
        shutil.copytree(folder / "checkpoint-5", tmp_path / f"checkpoint-{step}")
    (tmp_path / "tmp-checkpoint-300").mkdir()
    objective = nbl.from_transformers(model, batches())
    assert [s.step for s in stages_of(objective, tmp_path)] == [200, 1000]
    single = stages_of(objective, [tmp_path / "checkpoint-1000"])
    assert [(s.title, s.step) for s in single] == [("checkpoint-1000", 1000)] or single[0].step == 1000


def test_a_save_that_was_interrupted_is_named(run, tmp_path):
    folder, model, _ = run
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "checkpoint-5" / "model.safetensors").unlink()
    objective = nbl.from_transformers(model, batches())
    with pytest.raises(FileNotFoundError, match=r"checkpoint-5 in .* no weights.*Delete these folders"):
        nbl.compare_checkpoints(objective, tmp_path, **FEW)
    (tmp_path / "checkpoint-5" / "model.safetensors").write_bytes(b"not a tensor")
    with pytest.raises(ValueError, match=r"checkpoint-5.*damaged"):
        nbl.compare_checkpoints(objective, tmp_path, **FEW)


def test_shards_are_one_checkpoint(run, tmp_path):
    _, model, _ = run
    model.save_pretrained(tmp_path / "checkpoint-10", max_shard_size="4KB")
    assert len(list((tmp_path / "checkpoint-10").glob("*.safetensors"))) > 1
    objective = nbl.from_transformers(model, batches())
    study = nbl.compare_checkpoints(objective, tmp_path, **FEW)
    assert study.rows[0].loss == objective.loss()
    assert study.rows[0].step == 10


def test_the_callback_makes_its_recorder_from_a_folder(tmp_path):
    model = made()
    callback = Transformers(tmp_path / "recording")
    with pytest.raises(RuntimeError, match="before the training begins"):
        _ = callback.recorder
    data = [{"input_ids": row, "labels": row} for row in ids()]

    def trainer(steps: int, model: Any, callback: Any) -> Trainer:
        arguments = TrainingArguments(
            output_dir=str(tmp_path / "out"),
            max_steps=steps,
            save_steps=10,
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        return Trainer(model, arguments, train_dataset=data, callbacks=[callback])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer(20, model, callback).train()
        assert callback.recorder.recording.steps.tolist() == list(range(0, 21, 2))  # a tenth of the run
        trainer(30, made(), Transformers(tmp_path / "recording", every=5)).train(resume_from_checkpoint=True)
    assert Recorder.open(tmp_path / "recording").steps.tolist() == [*range(0, 21, 2), 25, 30]
    with pytest.raises(ValueError, match="every= belongs to a folder"):
        Transformers(callback.recorder, every=3)


def with_adapter(**options: Any) -> Any:
    """A PEFT model on the same base, its adapter away from zero."""
    size = {"r": 2, "lora_alpha": 6, "target_modules": ["c_attn", "c_proj"], "fan_in_fan_out": True}
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(1)
        model = peft.get_peft_model(made(), peft.LoraConfig(task_type="CAUSAL_LM", **{**size, **options}))
        for name, p in model.named_parameters():
            if "lora_" in name:
                p.data.normal_(std=0.3)
    return model.eval()


KINDS: dict[str, dict[str, Any]] = {
    "attention": {},
    "rank-stabilised": {"use_rslora": True},
    "patterns": {"rank_pattern": {"c_proj": 1}, "alpha_pattern": {"h.0.attn.c_attn": 2}},
    "embedding": {"target_modules": ["wpe", "c_attn"]},
    "saved module": {"modules_to_save": ["ln_f"]},
    "biases": {"bias": "lora_only"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_are_merged_as_peft_does(kind, tmp_path):
    model = with_adapter(**KINDS[kind])
    if kind == "saved module":
        model.base_model.model.transformer.ln_f.weight.data += 0.5
    if kind == "biases":
        model.base_model.model.transformer.h[0].attn.c_attn.base_layer.bias.data += 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(tmp_path)
        expected = copy.deepcopy(model).merge_and_unload().state_dict()
    base, before = made(), {name: value.clone() for name, value in model.state_dict().items()}
    untouched = {name: value.clone() for name, value in base.state_dict().items()}
    state = torch.get_rng_state()
    for adapter in (tmp_path, model):
        merged = nbl.merged_state_dict(base, adapter)
        assert merged.keys() == expected.keys()
        for name, value in merged.items():
            torch.testing.assert_close(value, expected[name], rtol=1e-6, atol=1e-7)
    assert all(torch.equal(value, untouched[name]) for name, value in base.state_dict().items())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_base_adapter_and_full_fine_tuning_lie_in_one_plane(run, tmp_path):
    _, full, _ = run
    model = with_adapter()
    base = made().eval()
    model.save_pretrained(tmp_path)
    objective = nbl.from_transformers(base, batches())
    for adapter in (model, tmp_path):
        models = {"base": base, "LoRA": adapter, "full": full}
        study = nbl.compare_checkpoints(objective, models, plane=None, curvature=False, points=5)
        losses = [own_loss(m) for m in (base, model, full)]
        np.testing.assert_allclose(study.to_frame()["loss"], losses, rtol=1e-5)
        plane = nbl.Subspace.through(
            objective, base, nbl.merged_state_dict(base, adapter), full, origin="mean"
        )
        for place, loss in zip(study.path, losses, strict=True):
            assert objective.point(plane.at(place)).loss == pytest.approx(loss, rel=1e-4)


def test_an_adapter_is_merged_into_its_own_base_and_not_into_the_objective(run, tmp_path):
    """The objective may stand elsewhere, at the end of the full fine-tuning, say."""
    _, full, _ = run
    base = made()
    base.save_pretrained(tmp_path / "base")
    model = with_adapter()
    model.peft_config["default"].base_model_name_or_path = str(tmp_path / "base")
    model.save_pretrained(tmp_path / "adapter")
    objective = nbl.from_transformers(full, batches())
    for adapter in (tmp_path / "adapter", model):
        study = nbl.compare_checkpoints(objective, {"LoRA": adapter}, **FEW)
        assert study.rows[0].loss == pytest.approx(own_loss(model), rel=1e-5)


def test_a_run_of_adapters_is_compared_among_adapters_and_among_models(tmp_path):
    model = with_adapter()
    train(model, tmp_path)
    assert (tmp_path / "checkpoint-5" / "adapter_model.safetensors").exists()
    among_adapters = nbl.from_transformers(model, batches())
    assert all(".lora_" in name for name in among_adapters.parameter_names)
    study = nbl.compare_checkpoints(among_adapters, tmp_path, points=3, trace_samples=2)
    assert study.steps.tolist() == [5, 10]
    assert study.rows[1].loss == pytest.approx(own_loss(model), rel=1e-6)
    assert study.plane is not None
    among_models = nbl.from_transformers(made(), batches())
    merged = nbl.compare_checkpoints(among_models, tmp_path, **FEW)
    np.testing.assert_allclose(merged.to_frame()["loss"], study.to_frame()["loss"], rtol=1e-5)


def test_adapters_that_cannot_be_merged(tmp_path):
    base = made()
    objective = nbl.from_transformers(base, batches())
    with_adapter(use_dora=True).save_pretrained(tmp_path / "dora")
    with pytest.raises(ValueError, match=r"use_dora.*merge_and_unload"):
        nbl.compare_checkpoints(objective, {"a": tmp_path / "dora"}, **FEW)
    with pytest.raises(FileNotFoundError, match="no folder of an adapter"):
        nbl.merged_state_dict(base, tmp_path)
    with_adapter().save_pretrained(tmp_path / "lora")
    other = GPT2LMHeadModel(GPT2Config(vocab_size=13, n_positions=8, n_embd=4, n_layer=2, n_head=2))
    with pytest.raises(ValueError, match="adapter of another model"):
        nbl.merged_state_dict(other, tmp_path / "lora")
    with pytest.raises(ValueError, match=r"which the model lacks.*another model"):
        nbl.merged_state_dict(torch.nn.Linear(2, 2), tmp_path / "lora")
    (tmp_path / "lora" / "adapter_config.json").write_text("{")
    with pytest.raises(ValueError, match=r"adapter_config.json is damaged"):
        nbl.merged_state_dict(base, tmp_path / "lora")
    shutil.copy(tmp_path / "dora" / "adapter_config.json", tmp_path / "lora")
    (tmp_path / "lora" / "adapter_model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"no adapter_model.safetensors"):
        nbl.merged_state_dict(base, tmp_path / "lora")


def test_the_embedding_of_another_adapter_has_no_place(tmp_path):
    with_adapter(target_modules=["c_fc"]).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["peft_type"] == "LORA"
    objective = nbl.from_transformers(with_adapter(), batches())
    with pytest.raises(ValueError, match="has no place in the objective's model"):
        nbl.compare_checkpoints(objective, {"a": tmp_path}, **FEW)
