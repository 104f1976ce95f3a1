"""Checkpoints that can be loaded, and those that cannot: every error says what to do."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nblandscape import from_transformers
from nblandscape.huggingface.loading import load
from tests.huggingface import small


def copied(source: Path, target: Path, *without: str) -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*without))
    return target


def test_a_folder_is_loaded_with_its_tokenizer_and_task(gpt2_folder, texts):
    loaded = load(gpt2_folder)
    assert (loaded.task, loaded.owned, loaded.notes) == ("causal-lm", True, ())
    assert loaded.tokenizer()(texts[0])["input_ids"]
    assert not loaded.model.training


def test_a_revision_of_what_is_not_on_the_hub_is_refused(gpt2_folder):
    with pytest.raises(ValueError, match=r"revision='v2' is a version on the hub, and .* is not from there"):
        load(gpt2_folder, revision="v2")
    with pytest.raises(ValueError, match="and a GPT2LMHeadModel is not from there"):
        load(load(gpt2_folder).model, revision="v2")


def test_a_folder_without_weights(gpt2_folder, tmp_path):
    folder = copied(gpt2_folder, tmp_path / "m", "*.safetensors")
    with pytest.raises(FileNotFoundError, match=r"no weights \(no .safetensors file\).*save_pretrained"):
        load(folder)
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pytorch_model.bin only.*run any code.*convert"):
        load(folder)


def test_corrupted_weights_are_named(gpt2_folder, tmp_path):
    folder = copied(gpt2_folder, tmp_path / "m")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(
        ValueError, match=r"model.safetensors is corrupted or incomplete \(1,000 bytes.*again"
    ):
        load(folder)


def test_a_missing_shard_is_named(gpt2_folder, tmp_path):
    folder = tmp_path / "m"
    small.gpt2(small.byte_tokenizer(["a b"])).save_pretrained(folder, max_shard_size="50KB")
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) > 1
    assert load(folder).model.num_parameters() > 0
    shards[1].unlink()
    with pytest.raises(FileNotFoundError, match=f"lacks 1 of {len(shards)} shards: {shards[1].name}"):
        load(folder)


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        ("/nowhere/at/all", FileNotFoundError, "no folder /nowhere/at/all"),
        ("./nowhere", FileNotFoundError, "no folder ./nowhere"),
        ("nobody/nothing", FileNotFoundError, "nor complete in the hub's cache.*hf download nobody/nothing"),
        (3, TypeError, "model_or_path is a int"),
        (torch.nn.Linear(1, 1), TypeError, "Linear is no model of Transformers.*Objective"),
    ],
)
def test_places_where_nothing_is(place, error, words):
    with pytest.raises(error, match=words):
        load(place)


def test_a_folder_of_checkpoints_names_them(gpt2_folder, tmp_path):
    copied(gpt2_folder, tmp_path / "checkpoint-20")
    with pytest.raises(FileNotFoundError, match="holds checkpoint-20: pass one"):
        load(tmp_path)
    with pytest.raises(ValueError, match=r"is a file. Pass the folder"):
        load(gpt2_folder / "model.safetensors")


def test_a_trainers_checkpoint_takes_the_tokenizer_beside_it(gpt2_folder, tmp_path, texts):
    shutil.copy(gpt2_folder / "tokenizer.json", tmp_path)
    shutil.copy(gpt2_folder / "tokenizer_config.json", tmp_path)
    folder = copied(gpt2_folder, tmp_path / "checkpoint-20", "tokenizer*")
    assert len(load(folder).tokenizer()) == len(load(gpt2_folder).tokenizer())
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    with pytest.raises(ValueError, match=r"No tokenizer files in .*Pass tokenizer="):
        from_transformers(folder, texts)


def test_a_head_that_the_checkpoint_lacks_would_be_random(gpt2_folder, texts):
    before = torch.random.get_rng_state()
    with pytest.raises(ValueError, match=r"lacks 1 weights.*score.weight.*saved from GPT2LMHeadModel.*task="):
        from_transformers(gpt2_folder, [(texts[0], 0)], task="sequence-classification")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_unknown_tasks_list_the_known_ones(gpt2_folder, tmp_path):
    with pytest.raises(ValueError, match=r'task="translation" is unknown. Tasks: causal-lm, masked-lm'):
        load(gpt2_folder, task="translation")
    folder = copied(gpt2_folder, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["GPT2Model"]}))
    with pytest.raises(ValueError, match=r"GPT2Model tells no task. Choose one with task=: causal-lm"):
        load(folder)


def test_a_broken_configuration_is_named(gpt2_folder, tmp_path):
    folder = copied(gpt2_folder, tmp_path / "m")
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"The configuration of .* cannot be read: .*not a valid JSON"):
        load(folder)


def test_code_in_the_folder_is_not_run(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    auto = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    (folder / "config.json").write_text(json.dumps({"model_type": "unheard_of", "auto_map": auto}))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(ValueError, match="trust_remote_code"):
        load(folder)
    assert not (tmp_path / "ran").exists()


def test_half_precision_is_analysed_in_float32_and_said(gpt2_folder, tmp_path, texts):
    model = load(gpt2_folder).model.to(torch.bfloat16)
    folder = small.saved(model, tmp_path / "half", load(gpt2_folder).tokenizer())
    objective = from_transformers(folder, texts, limit=3, overflow="truncate")
    assert objective.dtype == torch.float32
    assert "bfloat16 and are analysed in float32" in objective.description["notes"][0]


def test_integer_weights_stay_where_they_are(bytes_, texts):
    """As in models whose layers were quantised: the integers have no gradient."""
    model = small.gpt2(bytes_)
    block = model.transformer.h[0].mlp
    block.codes = torch.nn.Parameter(torch.ones(3, dtype=torch.int8), requires_grad=False)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    objective = from_transformers(model, texts[:3], tokenizer=bytes_)
    assert objective.description["quantised"]
    assert "quantised (int8)" in objective.description["notes"][0]
    assert "transformer.h.0.mlp.codes" not in objective.parameter_names
    assert objective.num_parameters == sum(p.numel() for p in model.parameters()) - 3


def test_models_that_are_not_all_there(bytes_):
    model = small.gpt2(bytes_)
    model.transformer.h[1].to("meta")
    with pytest.raises(ValueError, match=r"offloaded .*device_map"):
        load(model)


def test_an_adapter_is_put_on_its_base_and_not_merged(adapter_folder, gpt2_folder, texts):
    adapted = from_transformers(adapter_folder, texts[:8])
    assert adapted.parameter_names
    assert all("lora_" in name for name in adapted.parameter_names)
    whole = from_transformers(adapter_folder, texts[:8], parameters="all")
    assert whole.num_parameters == adapted.num_parameters + load(gpt2_folder).model.num_parameters()
    assert adapted.loss() < from_transformers(gpt2_folder, texts[:8]).loss()


def test_an_adapter_without_its_base(adapter_folder, tmp_path):
    folder = copied(adapter_folder, tmp_path / "a")
    config = json.loads((folder / "adapter_config.json").read_text())
    for base, words in (("/gone/away", "no folder /gone/away"), (None, "names no base model")):
        (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": base}))
        with pytest.raises((FileNotFoundError, ValueError), match=words):
            load(folder)


def test_a_missing_extra_is_named():
    script = """
import sys
sys.modules["transformers"] = None
import nblandscape
try:
    nblandscape.from_transformers("anything", ["text"])
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'nblandscape[hf]'" in done.stdout


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub's cache with nothing in it."""
    for place in ("huggingface_hub.constants.HF_HUB_CACHE", "transformers.utils.hub.constants.HF_HUB_CACHE"):
        monkeypatch.setattr(place, str(tmp_path / "hub"))
    return tmp_path / "hub"


def cached(hub: Path, name: str, source: Path) -> None:
    """Put a folder into the cache, as a download does."""
    place = hub / f"models--{name.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("0" * 40)
    shutil.copytree(source, place / "snapshots" / ("0" * 40))


def test_names_are_found_in_the_hubs_cache_without_a_network(hub, gpt2_folder, adapter_folder, texts):
    with pytest.raises(FileNotFoundError, match="someone/small is neither a folder here"):
        load("someone/small")
    cached(hub, "someone/small", gpt2_folder)
    objective = from_transformers("someone/small", texts[:3])
    assert objective.loss() == from_transformers(gpt2_folder, texts[:3]).loss()
    assert objective.description["source"] == "someone/small"
    cached(hub, "someone/adapted", adapter_folder)
    loaded = load("someone/adapted", local_files_only=True)
    assert (loaded.source, type(loaded.model).__name__) == ("someone/adapted", "PeftModelForCausalLM")
    assert len(loaded.tokenizer()) == len(load(gpt2_folder).tokenizer())


def test_pooling_is_read_from_the_hubs_cache(hub, tmp_path, words):
    folder = small.saved(small.bert(words, "BertModel"), tmp_path / "m", words)
    kinds = ("Transformer", ""), ("Pooling", "1_Pooling")
    modules = [{"type": f"sentence_transformers.models.{kind}", "path": path} for kind, path in kinds]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    cached(hub, "someone/embedder", folder)
    loaded = load("someone/embedder")
    assert (loaded.task, loaded.pooling.modes) == ("sentence-embedding", ("cls",))


def test_models_that_accelerate_placed(gpt2_folder, texts):
    """Its hooks replace `forward`; the copy's must not lead back to the user's weights."""
    accelerate = pytest.importorskip("accelerate")
    model, tokenizer = load(gpt2_folder).model, load(gpt2_folder).tokenizer()
    plain = from_transformers(model, texts[:3], tokenizer=tokenizer)
    placed = accelerate.dispatch_model(model, {"": "cpu"}, force_hooks=True)
    objective = from_transformers(placed, texts[:3], tokenizer=tokenizer)
    there = 1.5 * objective.origin()
    assert objective.point(there).loss == plain.point(there).loss != plain.loss()
