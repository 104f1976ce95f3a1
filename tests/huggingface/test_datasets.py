"""Data sets of the `datasets` package itself: rows, tokens in every format, streams, images, classes."""

import datasets
import pytest
import torch

from nblandscape import from_transformers
from tests.huggingface import small

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dill")


def batches(objective):
    return objective.parts()[1].batches


@pytest.fixture(scope="module")
def lines(texts):
    return datasets.Dataset.from_dict({"text": texts[:6], "label": [0, 1] * 3})


@pytest.fixture(scope="module")
def gpt2(bytes_):
    return small.gpt2(bytes_)


def test_rows_are_texts_and_a_stream_is_read_as_far_as_needed(lines, gpt2, bytes_, texts):
    options = {"tokenizer": bytes_, "overflow": "truncate", "limit": 4}
    objective = from_transformers(gpt2, lines, **options)
    assert objective.loss() == from_transformers(gpt2, texts[:4], **options).loss()
    assert objective.description["data"]["available"] == 6
    seen = []

    def endless():
        for n in range(1000):
            seen.append(n)
            yield {"text": texts[n % 6]}

    stream = datasets.IterableDataset.from_generator(endless)
    assert from_transformers(gpt2, stream, **options).loss() == objective.loss()
    assert len(seen) < 10


@pytest.mark.parametrize("form", [None, "torch", "numpy"])
def test_tokens_in_every_format_and_a_class_is_no_target_of_a_language_model(
    lines, gpt2, bytes_, texts, form
):
    tokens = lines.map(lambda row: bytes_(row["text"], truncation=True, max_length=20), batched=True)
    objective = from_transformers(gpt2, tokens.with_format(form), tokenizer=bytes_)
    cut = from_transformers(gpt2, texts[:6], tokenizer=bytes_, overflow="truncate", max_length=20)
    assert objective.loss() == pytest.approx(cut.loss(), rel=1e-6)
    wrong = tokens.rename_column("label", "labels").with_format(form)
    with pytest.raises(ValueError, match=r"labels of shape \(6,\) for input_ids of shape \(6, 20\)"):
        from_transformers(gpt2, wrong, tokenizer=bytes_)


@pytest.mark.parametrize("tokenised", [False, True])
def test_classes_of_the_same_names_in_another_order_are_renumbered(texts, words, tokenised):
    features = {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["Other", "Advice"])}
    columns = {"text": texts[:4], "label": [0, 1, 1, 0]}
    data = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    if tokenised:
        data = data.map(lambda row: words(row["text"]), batched=True)
    same = small.bert(words, "BertForSequenceClassification", id2label={0: "other", 1: "advice"})
    turned = small.bert(words, "BertForSequenceClassification", id2label={0: "advice", 1: "other"})
    assert batches(from_transformers(same, data, tokenizer=words))[0]["labels"].tolist() == [0, 1, 1, 0]
    objective = from_transformers(turned, data, tokenizer=words)
    assert batches(objective)[0]["labels"].tolist() == [1, 0, 0, 1]
    assert objective.description["data"]["labels"] == "numbered as in the model, by name: [1, 0]"
    with torch.no_grad():
        encoded = words(texts[:1], return_tensors="pt")
        first = turned(**encoded, labels=torch.tensor([1])).loss.item()
    alone = from_transformers(turned, data, tokenizer=words, limit=1)
    assert alone.loss() == pytest.approx(first, rel=1e-6)


def test_images_of_a_data_set_are_those_of_its_processor(tmp_path):
    from PIL import Image
    from transformers import ViTImageProcessor

    pixels = (torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)) * 255).byte()
    columns = {"image": [Image.fromarray(p.numpy()) for p in pixels], "label": [3, 1, 2]}
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    data = datasets.Dataset.from_dict(columns, features=kinds).cast_column(
        "image", datasets.Image(mode="RGB")
    )
    scale = {"size": {"height": 8, "width": 8}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    objective = from_transformers(small.vit(num_channels=3), data, processor=ViTImageProcessor(**scale))
    expected = (pixels / 127.5 - 1)[:, None].expand(3, 3, 8, 8)
    torch.testing.assert_close(batches(objective)[0]["pixel_values"], expected, atol=1e-4, rtol=0)


def test_splits_and_empty_sets_say_what_to_pass(lines, gpt2, bytes_):
    with pytest.raises(ValueError, match=r"data has the splits train, test. Pass one: data\['train'\]"):
        from_transformers(gpt2, datasets.DatasetDict(train=lines, test=lines), tokenizer=bytes_)
    with pytest.raises(ValueError, match="The data hold nothing"):
        from_transformers(gpt2, lines.select([]), tokenizer=bytes_)
