"""Checkpoints that the tests of this folder share; made once per run, in seconds."""

from pathlib import Path
from typing import Any

import pytest

from tests.huggingface import small
from tests.huggingface.small import saved, trained


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test asks for must lie on this machine."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return small.sentences()


@pytest.fixture(scope="session")
def words(texts: list[str]) -> Any:
    return small.word_tokenizer(texts)


@pytest.fixture(scope="session")
def bytes_(texts: list[str]) -> Any:
    return small.byte_tokenizer(texts)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


def _padded(tokenizer: Any, texts: list[str]) -> list[dict[str, Any]]:
    """Batches of a causal model, each of texts as long as its shortest."""
    found = []
    for start in range(0, len(texts) - 7, 8):
        ids = [tokenizer(text)["input_ids"][:40] for text in texts[start : start + 8]]
        shortest = min(map(len, ids))
        block = small.torch.tensor([row[:shortest] for row in ids])
        found.append({"input_ids": block, "labels": block})
    return found


@pytest.fixture(scope="session")
def gpt2_folder(folder: Path, texts: list[str], bytes_: Any) -> Path:
    model = trained(small.gpt2(bytes_), _padded(bytes_, texts), steps=60)
    return saved(model, folder / "gpt2", bytes_)


@pytest.fixture(scope="session")
def llama_folder(folder: Path, texts: list[str]) -> Path:
    tokenizer = small.byte_tokenizer(texts, start=True)
    model = trained(small.llama(tokenizer), _padded(tokenizer, texts), steps=60)
    return saved(model, folder / "llama", tokenizer)


@pytest.fixture(scope="session")
def classifier_folder(folder: Path, texts: list[str], words: Any) -> Path:
    """BERT that tells advice (the Zen's comparisons) from other sentences."""
    rows = small.advice(texts)
    model = small.bert(words, "BertForSequenceClassification", id2label={0: "other", 1: "advice"})
    batches = []
    for start in range(0, len(rows), 8):
        part = rows[start : start + 8]
        batch = words([text for text, _ in part], padding=True, return_tensors="pt")
        labels = small.torch.tensor([int(label == "advice") for _, label in part])
        batches.append({**batch, "labels": labels})
    return saved(trained(model, batches, steps=40), folder / "classifier", words)


@pytest.fixture(scope="session")
def digits_folder(folder: Path) -> Path:
    images, labels = small.digits(64)
    batches = [{"pixel_values": images, "labels": labels}]
    return saved(trained(small.vit(), batches, steps=60), folder / "vit")


@pytest.fixture(scope="session")
def adapter_folder(folder: Path, gpt2_folder: Path, texts: list[str], bytes_: Any) -> Path:
    """A LoRA adapter on the trained GPT-2, trained on the Zen alone."""
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(gpt2_folder)
    size = {"r": 2, "lora_alpha": 4, "target_modules": ["c_attn"], "fan_in_fan_out": True}
    config = peft.LoraConfig(task_type="CAUSAL_LM", **size)
    model = small.made(lambda: peft.get_peft_model(base, config))
    return saved(trained(model, _padded(bytes_, texts[:16]), steps=20), folder / "adapter")
