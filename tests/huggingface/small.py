"""Small checkpoints as people save them, trained for seconds on text and images that are always there."""

import codecs
import contextlib
import importlib
import io
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

STDLIB = ("argparse", "collections", "csv", "difflib", "random", "string", "textwrap", "threading")
SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
GPT = {"n_positions": 48, "n_embd": 32, "n_layer": 2, "n_head": 2}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
END = "<|endoftext|>"


def sentences() -> list[str]:
    """The Zen of Python, and first sentences of the standard library's documentation."""
    with contextlib.redirect_stdout(io.StringIO()):
        zen = codecs.decode(importlib.import_module("this").s, "rot13")
    found = [line for line in zen.splitlines() if line]
    for name in STDLIB:
        paragraphs = (importlib.import_module(name).__doc__ or "").split("\n\n")
        found += [" ".join(p.split()) for p in paragraphs if 20 < len(p) < 160]
    return found


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)


def word_tokenizer(texts: list[str]) -> Any:
    """A WordLevel tokenizer with BERT's special tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=300, special_tokens=SPECIAL, show_progress=False)
    core.train_from_iterator(texts, trainer)
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def byte_tokenizer(texts: list[str], *, start: bool = False) -> Any:
    """A byte-level BPE tokenizer without a padding token; with `start`, texts begin with one, as Llama's."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = [END, "<s>"] if start else [END]
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    if start:
        core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
        return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token=END)
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token=END, eos_token=END)


def sequence_tokenizer(texts: list[str]) -> Any:
    """A WordLevel tokenizer that ends every text, as T5's does."""
    from tokenizers import processors

    found = word_tokenizer(texts)
    found.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [SEP]", special_tokens=[("[SEP]", 3)]
    )
    found.eos_token = "[SEP]"
    return found


def made(make: Callable[[], Any]) -> Any:
    """A model with the same weights at every call; the global generator is left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make().eval()


def trained(model: Any, batches: list[dict[str, torch.Tensor]], *, steps: int, rate: float = 3e-3) -> Any:
    """The model after some steps on its own loss, without dropout."""
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    for batch in itertools.islice(itertools.cycle(batches), steps):
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()
    model.zero_grad(set_to_none=True)
    return model.eval()


def saved(model: Any, folder: Path, *tokenizers: Any) -> Path:
    """The folder after `save_pretrained`."""
    model.save_pretrained(folder)
    for tokenizer in tokenizers:
        tokenizer.save_pretrained(folder)
    return folder


def gpt2(tokenizer: Any, kind: str = "GPT2LMHeadModel", **options: Any) -> Any:
    import transformers

    ids = {"bos_token_id": 0, "eos_token_id": 0, "vocab_size": len(tokenizer)}
    return made(lambda: getattr(transformers, kind)(transformers.GPT2Config(**ids, **{**GPT, **options})))


def llama(tokenizer: Any, kind: str = "LlamaForCausalLM", **options: Any) -> Any:
    import transformers

    size = {**SIZE, "num_key_value_heads": 1, "max_position_embeddings": 48, **options}
    ids = {"bos_token_id": 1, "eos_token_id": 0, "vocab_size": len(tokenizer)}
    return made(lambda: getattr(transformers, kind)(transformers.LlamaConfig(**ids, **size)))


def bert(tokenizer: Any, kind: str, **options: Any) -> Any:
    import transformers

    config = {**SIZE, "max_position_embeddings": 48, "vocab_size": len(tokenizer), **options}
    return made(lambda: getattr(transformers, kind)(transformers.BertConfig(**config)))


def t5(tokenizer: Any, **options: Any) -> Any:
    import transformers

    size = {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 2, "num_heads": 2, **options}
    ids = {"vocab_size": len(tokenizer), "pad_token_id": 0, "eos_token_id": 3, "decoder_start_token_id": 0}
    return made(lambda: transformers.T5ForConditionalGeneration(transformers.T5Config(**ids, **size)))


def bart(tokenizer: Any, **options: Any) -> Any:
    import transformers

    size = {"d_model": 32, "max_position_embeddings": 48}
    for side in ("encoder", "decoder"):
        size |= {f"{side}_layers": 1, f"{side}_ffn_dim": 48, f"{side}_attention_heads": 2}
    ids = {
        "vocab_size": len(tokenizer),
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "decoder_start_token_id": 3,
        "forced_eos_token_id": 3,
    }
    size |= options
    return made(lambda: transformers.BartForConditionalGeneration(transformers.BartConfig(**ids, **size)))


def vit(**options: Any) -> Any:
    import transformers

    config = {**SIZE, "image_size": 8, "patch_size": 4, "num_channels": 1, "num_labels": 10, **options}
    return made(lambda: transformers.ViTForImageClassification(transformers.ViTConfig(**config)))


def resnet(**options: Any) -> Any:
    import transformers

    size = {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 1], "layer_type": "basic"}
    config = {**size, "num_channels": 1, "num_labels": 10, **options}
    return made(lambda: transformers.ResNetForImageClassification(transformers.ResNetConfig(**config)))


def digits(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Handwritten digits (B, 1, 8, 8) between -1 and 1, and their labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.tensor(data.images[:count] / 8 - 1, dtype=torch.float32)[:, None]
    return images, torch.tensor(data.target[:count])


def advice(texts: list[str]) -> list[tuple[str, str]]:
    """Sentences with a label: whether they compare or forbid."""
    hints = ("better", "never", "should", "don't", "must", "may not", "good", "bad")
    return [(t, "advice" if any(hint in t.lower() for hint in hints) else "other") for t in texts[:32]]


def bitnet(model: Any, folder: Path, tokenizer: Any) -> Path:
    """The folder of a model whose linear layers are ternary, packed as published BitNet checkpoints are."""
    from safetensors.torch import load_file, save_file
    from transformers.integrations.bitnet import pack_weights

    saved(model, folder, tokenizer)
    file, state = folder / "model.safetensors", {}
    for name, weight in load_file(file).items():
        if name.endswith("_proj.weight"):
            scale = 1 / weight.abs().mean()
            state[f"{name}_scale"] = scale[None]
            weight = pack_weights((weight * scale).round().clamp(-1, 1))
        state[name] = weight
    save_file(state, file, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitnet", "modules_to_not_convert": ["lm_head"]}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
