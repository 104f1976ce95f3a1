"""Parts of models by name: heads, adapters, layers."""

import re

import pytest

from nblandscape.huggingface.selection import select
from tests.huggingface import small
from tests.huggingface.test_task_losses import NINE


def names(model, wanted):
    return select(model, wanted)


def test_heads_are_what_lies_behind_the_base_model():
    bert = small.bert(NINE, "BertForSequenceClassification")
    assert names(bert, "head") == ["classifier.weight", "classifier.bias"]
    answers = small.bert(NINE, "BertForQuestionAnswering")
    assert names(answers, "head") == ["qa_outputs.weight", "qa_outputs.bias"]
    assert names(small.vit(), "head") == ["classifier.weight", "classifier.bias"]
    assert names(small.resnet(), "head") == ["classifier.1.weight", "classifier.1.bias"]


def test_a_tied_head_has_the_name_of_its_embedding():
    assert names(small.gpt2(NINE), "head") == ["transformer.wte.weight"]
    assert names(small.llama(NINE), "head") == ["lm_head.weight"]
    assert "bert.embeddings.word_embeddings.weight" in names(small.bert(NINE, "BertForMaskedLM"), "head")
    assert names(small.t5(NINE), "head") == ["shared.weight"]
    with pytest.raises(ValueError, match='parameters="head": BertModel has none'):
        names(small.bert(NINE, "BertModel"), "head")


def test_layers_are_counted_from_both_ends():
    model = small.gpt2(NINE)
    last = names(model, "layer:-1")
    assert last == names(model, "layer:1") == names(model, "h:1")
    assert all(name.startswith("transformer.h.1.") for name in last)
    assert len(last) == len(list(model.transformer.h[1].parameters()))
    with pytest.raises(ValueError, match=r"no such layer. There are: transformer.h:0 to transformer.h:1"):
        names(model, "layer:7")


def test_with_two_stacks_one_must_be_named():
    model = small.t5(NINE)
    with pytest.raises(
        ValueError, match=r"fits 2 stacks.*encoder.block:0 to encoder.block:1, decoder.block:0"
    ):
        names(model, "layer:0")
    assert names(model, "encoder:0") == [
        name for name, _ in model.named_parameters() if name.startswith("encoder.block.0.")
    ]


def test_other_filters_pass():
    model = small.gpt2(NINE)
    pattern = re.compile("ln_")
    for wanted in (None, "*.weight", pattern, ["transformer.wte.weight"]):
        assert select(model, wanted) == wanted
    model.transformer.wte.requires_grad_(False)
    assert len(names(model, "all")) == len(list(model.parameters()))


def test_adapters_are_the_default_of_models_that_have_some():
    peft = pytest.importorskip("peft")
    base = small.bert(NINE, "BertForSequenceClassification")
    config = peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query"])
    model = peft.get_peft_model(base, config)
    trainable = [name for name, p in model.named_parameters() if p.requires_grad]
    assert names(model, None) == names(model, "adapters") == trainable
    assert any("classifier" in name for name in trainable)  # trained beside the adapters
    with pytest.raises(ValueError, match='"adapters": GPT2LMHeadModel has none'):
        names(small.gpt2(NINE), "adapters")
