"""Checkpoints of Hugging Face models, made on the spot: trained for seconds, saved, each with one batch."""

from __future__ import annotations

import atexit
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
# curvlinops pulls a CUDA build of torchvision that cannot be imported beside a CPU torch.
sys.modules.setdefault("torchvision", None)  # type: ignore[arg-type]
import torch  # noqa: E402
import transformers  # noqa: E402

from tests.huggingface import small  # noqa: E402

Batch = dict[str, torch.Tensor]
KINDS = {
    "GPT2LMHeadModel": "AutoModelForCausalLM",
    "BertForSequenceClassification": "AutoModelForSequenceClassification",
    "ViTForImageClassification": "AutoModelForImageClassification",
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A saved checkpoint, the batch on which it is analysed (with labels), and the texts behind the batch."""

    name: str
    folder: Path
    batch: Batch
    texts: list[str]

    def model(self, attention: str | None = None) -> Any:
        """Load it as people do, in eval mode; `attention` None: the default implementation."""
        kind = transformers.AutoConfig.from_pretrained(self.folder).architectures[0]
        chosen = {} if attention is None else {"attn_implementation": attention}
        return getattr(transformers, KINDS[kind]).from_pretrained(self.folder, **chosen).eval()


def _saved(name: str, model: Any, batch: Batch, steps: int, texts: list[str], *tokenizers: Any) -> Case:
    folder = Path(tempfile.mkdtemp(prefix="nblandscape-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    small.saved(small.trained(model, [batch], steps=steps), folder, *tokenizers)
    return Case(name, folder, batch, texts)


def gpt2(layers: int, width: int, count: int, steps: int) -> Case:
    """Ragged sentences, padded: what is padding has no label."""
    sentences = small.sentences()
    tokenizer = small.byte_tokenizer(sentences)
    tokenizer.pad_token = tokenizer.eos_token
    texts = [text for text in sentences if len(tokenizer(text)["input_ids"]) <= 48][:count]
    batch = dict(tokenizer(texts, padding=True, return_tensors="pt"))
    batch["labels"] = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    model = small.gpt2(tokenizer, n_embd=width, n_layer=layers, n_head=4)
    return _saved(f"GPT-2, {layers} layers of {width}", model, batch, steps, texts, tokenizer)


def bert(layers: int = 3, width: int = 128, count: int = 16) -> Case:
    sentences = small.sentences()
    tokenizer = small.word_tokenizer(sentences)
    rows = small.advice(sentences)[:count]
    batch = dict(tokenizer([text for text, _ in rows], padding=True, return_tensors="pt"))
    batch["labels"] = torch.tensor([int(label == "advice") for _, label in rows])
    size = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": 4}
    model = small.bert(tokenizer, "BertForSequenceClassification", intermediate_size=4 * width, **size)
    return _saved(f"BERT classifier, {layers} layers of {width}", model, batch, 15, [], tokenizer)


def vit(layers: int = 4, width: int = 128, count: int = 32) -> Case:
    images, labels = small.digits(count)
    size = {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": 4}
    model = small.vit(patch_size=2, intermediate_size=4 * width, **size)
    batch = {"pixel_values": images, "labels": labels}
    return _saved(f"ViT, {layers} layers of {width}", model, batch, 60, [])


CASES: dict[str, Callable[[], Case]] = {
    "gpt2-small": lambda: gpt2(2, 64, 8, 40),
    "gpt2": lambda: gpt2(4, 128, 12, 40),
    "bert": bert,
    "vit": vit,
}
