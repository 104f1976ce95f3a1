"""From data of any kind to batches: nothing lost, nothing counted twice, bad data named."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from nblandscape import from_transformers
from nblandscape.huggingface.data import Preparation
from nblandscape.huggingface.labels import class_labels
from nblandscape.huggingface.loading import load
from nblandscape.huggingface.rows import rows_of
from nblandscape.huggingface.text import pieces
from tests.huggingface import small

ids = st.lists(st.integers(10, 99), min_size=1, max_size=40)


def prepared(model: Any, data: Any, tokenizer: Any = None, **options: Any) -> list[dict[str, Any]]:
    return Preparation(load(model, tokenizer=tokenizer, **options)).batches(data)


# ---------------------------------------------------------------------- long texts


@given(ids, st.integers(3, 12), st.booleans(), st.booleans())
def test_a_split_text_is_predicted_exactly_once(inner, room, begins, ends):
    front, back = [1] * begins, [2] * ends
    found = pieces(inner, front, back, room)
    assert all(len(piece) <= room for piece in found)
    targets = [token for piece in found for token in piece[1:]]
    assert targets == ([*inner, *back] if begins else [*inner, *back][1:])


def test_too_long_texts_are_refused_cut_or_split(gpt2_folder, texts):
    long = [texts[1], " ".join(texts[:6])]
    model, tokenizer = load(gpt2_folder).model, load(gpt2_folder).tokenizer()
    count = len(tokenizer(long[1])["input_ids"])
    with pytest.raises(
        ValueError, match=rf'Text 1 has {count} tokens; .* at most 48. Use overflow="truncate"'
    ):
        from_transformers(model, long, tokenizer=tokenizer)
    cut = prepared(model, long, tokenizer, overflow="truncate")
    assert cut[0]["prepared"]["truncated"] == 1
    assert int(cut[0]["attention_mask"][1].sum()) == 48
    split = prepared(model, long, tokenizer, overflow="split", batch_size=2)
    targets = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in split)
    assert targets == sum(len(tokenizer(text)["input_ids"]) - 1 for text in long)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_length": 1}, "max_length=1: a sequence needs at least 2"),
        ({"max_length": 99}, "max_length=99 is more than the 48 tokens"),
        ({"overflow": "cut"}, 'overflow="cut"; use error, truncate, split'),
        ({"batch_size": 0}, "batch_size=0"),
        ({"limit": 0}, "limit=0"),
    ],
)
def test_options_out_of_range(gpt2_folder, texts, options, words):
    with pytest.raises(ValueError, match=words):
        from_transformers(gpt2_folder, texts[:3], **options)


def test_what_parts_texts_from_labels_is_refused(classifier_folder, texts):
    with pytest.raises(ValueError, match='overflow="split" would part texts from their labels'):
        from_transformers(classifier_folder, small.advice(texts), overflow="split")


# ---------------------------------------------------------------------- padding


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_padding_changes_no_loss(kind, gpt2_folder, llama_folder, texts):
    """Texts alone, in one ragged batch, and with a tokenizer that would pad on the left."""
    folder = gpt2_folder if kind == "gpt2" else llama_folder
    tokenizer = load(folder).tokenizer()
    tokenizer.padding_side = "left"
    whole = from_transformers(folder, texts[:7], tokenizer=tokenizer)
    alone = from_transformers(folder, texts[:7], batch_size=1)
    assert whole.loss() == pytest.approx(alone.loss(), rel=1e-5)
    assert whole.batch_counts.sum() == alone.batch_counts.sum()


def test_a_real_end_of_text_stays_a_target(gpt2_folder, texts):
    """Padding has the same id, since the tokenizer has none of its own."""
    batch = prepared(gpt2_folder, [texts[1] + small.END, texts[2] + " " + texts[3]])[0]
    end = int(batch["attention_mask"][0].sum()) - 1
    assert batch["input_ids"][0, end:].tolist() == [0] * (batch["input_ids"].shape[1] - end)
    assert batch["labels"][0, end:].tolist() == [0] + [-100] * (batch["input_ids"].shape[1] - end - 1)


def test_a_classifier_that_cannot_tell_padding_takes_texts_one_by_one(bytes_, texts):
    """GPT-2 looks at the last token that is not padding, and refuses batches without a pad_token_id."""
    rows = [(texts[1], 0), (texts[2] + texts[3], 1)]
    model = small.gpt2(bytes_, "GPT2ForSequenceClassification")
    objective = from_transformers(model, rows, tokenizer=bytes_)
    assert objective.num_batches == 2
    assert "no pad_token_id" in objective.description["data"]["batch_size"]


# ---------------------------------------------------------------------- tokenizers that do not fit


def test_a_tokenizer_of_another_model(texts, bytes_):
    model = small.gpt2(["a"] * 50)
    with pytest.raises(
        ValueError, match=r"Token '.*' \(text 0\) has id \d+, but the model knows only 50 tokens"
    ):
        from_transformers(model, texts[:2], tokenizer=bytes_)
    with pytest.raises(ValueError, match="Batch 0 has the token id 50 in input_ids"):
        from_transformers(model, [{"input_ids": torch.tensor([[1, 50]])}])
    with pytest.raises(ValueError, match="Batch 0 has 49 tokens per text; the model reads at most 48"):
        from_transformers(model, [{"input_ids": torch.ones(1, 49, dtype=torch.long)}])
    with pytest.raises(ValueError, match="Pass tokenizer="):
        from_transformers(model, texts[:2])


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (["a", "", " "], ValueError, "Text 1 and 1 more is empty"),
        (["", "\n"], ValueError, "All 2 texts are empty"),
        ([], ValueError, "hold nothing"),
        (["a", 7], TypeError, r"Text 1 is a int \(7\)"),
        ("one text\nof two lines", ValueError, r"data is one text.*\[text\]"),
        ("missing.txt", FileNotFoundError, "no file missing.txt"),
        (7, TypeError, "data is a int"),
        ([("a", "b")], ValueError, "Row 0 has 2 parts"),
    ],
)
def test_data_that_are_no_texts(gpt2_folder, data, error, words):
    with pytest.raises(error, match=words):
        from_transformers(gpt2_folder, data)


# ---------------------------------------------------------------------- files and tables


def test_files_of_every_kind_hold_the_same_rows(tmp_path):
    rows = [("good, really", None, "1"), ("bad", None, "0")]
    table = [{"text": text, "label": label, "more": 1} for text, _, label in rows]
    csv = 'text,label\n"good, really",1\nbad,0\n'
    written = {
        "a.csv": csv,
        "a.tsv": csv.replace(",1", "\t1").replace(",0", "\t0").replace("text,", "text\t"),
        "a.json": json.dumps(table),
        "b.json": json.dumps({"data": table}),
        "c.json": json.dumps({"text": [r[0] for r in rows], "label": [r[2] for r in rows]}),
        "a.jsonl": "\n".join(map(json.dumps, table)),
    }
    for name, content in written.items():
        (tmp_path / name).write_text(content)
        assert rows_of(tmp_path / name, "sequence-classification") == rows, name
    (tmp_path / "a.txt").write_text("one\n\n  \ntwo\n")
    assert rows_of(tmp_path / "a.txt", "causal-lm") == [("one",), ("two",)]


def test_separators_within_a_text_of_a_file_do_not_cut_it(tmp_path):
    text = "one\u2028still one\x0cand \x85 one"
    (tmp_path / "a.txt").write_text(f"{text}\r\ntwo\n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": text}, ensure_ascii=False) + "\n", encoding="utf-8")
    (tmp_path / "a.csv").write_text(f'text\n{text}\n"two\nlines"\n', encoding="utf-8")
    assert rows_of(tmp_path / "a.txt", "causal-lm") == [(text,), ("two",)]
    assert rows_of(tmp_path / "a.jsonl", "causal-lm") == [(text,)]
    assert rows_of(tmp_path / "a.csv", "causal-lm") == [(text,), ("two\nlines",)]


def test_a_column_that_is_named_for_rows_without_columns_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"text_column='verse' names a column.*without columns: 'a'\. Leave"):
        rows_of(["a", "b"], "causal-lm", text_column="verse")
    with pytest.raises(ValueError, match=r"label_column='y' names a column"):
        rows_of([("a", 1)], "sequence-classification", label_column="y")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.parquet", b"PAR1", "is no .txt, .csv"),
        ("a.txt", b"caf\xe9", "is not UTF-8 .byte 3."),
        ("a.json", b"{", "is not valid JSON"),
        ("a.jsonl", b'{"text": "a"}\n\n{oops', r"line 3 of .*a.jsonl is not valid JSON"),
        ("a.json", b"3", "holds one int"),
        (
            "a.csv",
            b"review,stars\ngood,1\n",
            "Row 0 has no text: its columns are review, stars.*text_column=",
        ),
        ("a.txt", b"\n", r"a\.txt holds nothing"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words):
        rows_of(tmp_path / name, "sequence-classification")


class Table:
    """What `datasets.Dataset` is to its users."""

    column_names = ("sentence", "stars")
    reads = 0

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, number: int) -> dict[str, Any]:
        if not 0 <= number < 1000:
            raise IndexError(number)
        self.reads += 1
        return {"sentence": f"text {number}", "stars": number % 2}


def test_a_data_set_is_read_no_further_than_the_limit(classifier_folder):
    table = Table()
    objective = from_transformers(classifier_folder, table, limit=5, label_column="stars")
    assert objective.num_samples == 5
    assert table.reads <= 6  # one to see what a row is
    assert objective.description["data"] == {"rows": 5, "available": 1000, "max_length": 48}


def test_columns_of_an_iterator():
    stream = ({"body": str(n), "y": n} for n in range(10**9))
    found = rows_of(stream, "sequence-classification", limit=2, text_column="body", label_column="y")
    assert found == [("0", None, 0), ("1", None, 1)]


# ---------------------------------------------------------------------- labels


def config(**options: Any) -> Any:
    names = {"other": 0, "advice": 1, "third": 2}
    return SimpleNamespace(**{"num_labels": 3, "label2id": names, "problem_type": None, **options})


def test_labels_are_numbers_or_the_configurations_names():
    values = ["advice", 2, "0", np.int64(1), torch.tensor(2), True]
    assert class_labels(values, config()).tolist() == [1, 2, 0, 1, 2, 1]
    assert class_labels([["advice", "third"], ["other"]], config()).tolist() == [[0, 1, 1], [1, 0, 0]]
    assert class_labels([[0, 1, 1]], config()).tolist() == [[0, 1, 1]]
    assert class_labels(["0.5", 2], config(num_labels=1)).tolist() == [0.5, 2]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, "Row 1 has the label 3, but the model has 3 labels"),
        (-1, "Row 1 has the label -1"),
        ("good", "Row 1 has the label 'good'; the configuration knows other, advice, third"),
        (0.5, "whole numbers"),
        (None, "Row 1 has no label"),
    ],
)
def test_labels_that_the_model_does_not_have(value, words):
    with pytest.raises(ValueError, match=words):
        class_labels([0, value], config())


def test_unlabelled_data_for_a_classifier(classifier_folder, texts):
    with pytest.raises(ValueError, match=r"Row 0 has 1 part .*sequence-classification needs text, label"):
        from_transformers(classifier_folder, texts)
    ready = {"input_ids": torch.tensor([[2, 5, 3]]), "attention_mask": torch.ones(1, 3)}
    with pytest.raises(ValueError, match="Batch 0 has no labels, which sequence-classification needs"):
        from_transformers(classifier_folder, [ready])
    with pytest.raises(ValueError, match="Row 0 has the label 7, but the model has 2"):
        from_transformers(classifier_folder, [{**ready, "labels": torch.tensor([7])}])


# ---------------------------------------------------------------------- tasks


def test_masks_are_drawn_once_and_hide_something_in_every_text(words, texts):
    model = small.bert(words, "BertForMaskedLM")
    whole = [prepared(model, texts, words, overflow="truncate", seed=seed) for seed in (0, 0, 1)]
    assert all(torch.equal(a["labels"], b["labels"]) for a, b in zip(whole[0], whole[1], strict=True))
    assert not all(torch.equal(a["labels"], b["labels"]) for a, b in zip(whole[0], whole[2], strict=True))
    hidden = same = tokens = masks = 0
    for batch in whole[0]:
        chosen = batch["labels"] != -100
        assert chosen.any(dim=1).all()
        assert not torch.isin(batch["labels"], torch.tensor([0, 2, 3, 4])).any()
        hidden, tokens = hidden + int(chosen.sum()), tokens + int(batch["attention_mask"].sum())
        masks += int((batch["input_ids"][chosen] == words.mask_token_id).sum())
        same += int((batch["input_ids"] == batch["labels"])[chosen].sum())
    assert 0.1 < hidden / tokens < 0.25
    assert 0.65 < masks / hidden < 0.95
    assert same > 0


def test_words_are_tagged_at_their_first_token(bytes_):
    model = small.gpt2(bytes_, "GPT2ForTokenClassification", num_labels=3)
    rows = [(["unbelievable", "x"], [2, 1]), (["y"], [-100])]
    batch = prepared(model, rows, bytes_)[0]
    first = bytes_(["unbelievable"], is_split_into_words=True)["input_ids"]
    assert batch["labels"][0, 0] == 2
    assert (batch["labels"] != -100).sum() == 2
    assert first == batch["input_ids"][0, : len(first)].tolist()
    with pytest.raises(ValueError, match="Row 0: token-classification needs a list of words"):
        prepared(model, [("a b", [1, 2])], bytes_)


def test_answers_become_places_of_tokens(words):
    model = small.bert(words, "BertForQuestionAnswering")
    context = "Beautiful is better than ugly ."
    answers = [
        "better than",
        (13, "better than"),
        {"text": ["better than"], "answer_start": [13]},
        {"text": [], "answer_start": []},
    ]
    batch = prepared(model, [("What is ?", context, answer) for answer in answers], words)[0]
    found = words("What is ?", context)["input_ids"]
    start = found.index(words.convert_tokens_to_ids("better"))
    assert batch["start_positions"].tolist() == [start] * 3 + [0]
    assert batch["end_positions"].tolist() == [start + 1] * 3 + [0]
    assert (
        batch["token_type_ids"][0].tolist()
        == words("What is ?", context, return_token_type_ids=True)["token_type_ids"]
    )
    with pytest.raises(ValueError, match="Row 0: the answer 'worse' does not stand in the context"):
        prepared(model, [("What?", context, "worse")], words)
    cut = prepared(
        model,
        [("What is ?", context, "ugly"), ("What is ?", context, "is")],
        words,
        max_length=9,
        overflow="truncate",
    )[0]
    assert cut["prepared"]["answers_cut_off"] == 1
    assert from_transformers(
        model, [{k: v for k, v in cut.items() if k != "prepared"}]
    ).batch_counts.tolist() == [1]


def test_targets_of_translations_are_shifted_by_the_models_rule(texts):
    tokenizer = small.sequence_tokenizer(texts)
    batch = prepared(small.t5(tokenizer), [(texts[1], texts[2]), (texts[3], "Python")], tokenizer)[0]
    labels, inputs = batch["labels"], batch["decoder_input_ids"]
    assert torch.equal(inputs[:, 1:], labels[:, :-1].masked_fill(labels[:, :-1] == -100, 0))
    assert inputs[:, 0].tolist() == [0, 0]
    assert labels[0, labels[0] != -100][-1] == tokenizer.eos_token_id


def test_images_by_a_processor_or_ready():
    from PIL import Image
    from transformers import ViTImageProcessorPil

    processor = ViTImageProcessorPil(
        size={"height": 8, "width": 8}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    model = small.vit(num_channels=3)
    array = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    ready = torch.tensor(array / 127.5 - 1, dtype=torch.float32).permute(2, 0, 1)
    losses = [
        from_transformers(model, [(image, 4)], processor=processor).loss()
        for image in (array, Image.fromarray(array), ready, ready.numpy())
    ]
    assert losses == pytest.approx([losses[0]] * 4, rel=1e-5)
    with pytest.raises(ValueError, match=r"Image 0 is a ndarray of uint8 with shape \(8, 8, 3\).*processor="):
        from_transformers(model, [(array, 4)])
    with pytest.raises(ValueError, match="images have 1 channels, the model 3"):
        from_transformers(model, [(ready[:1], 4)])
    with pytest.raises(ValueError, match="images are 4 by 4, the model's 8 by 8"):
        from_transformers(model, [(ready[:, :4, :4], 4)])


def test_loaders_and_ready_batches_are_the_same(digits_folder):
    images, labels = small.digits(20)
    pairs = list(zip(images, labels, strict=True))
    before = torch.random.get_rng_state()
    loader = DataLoader(pairs, batch_size=8, shuffle=True)
    mixed = from_transformers(digits_folder, loader)
    assert torch.equal(torch.random.get_rng_state(), before)
    ready = from_transformers(digits_folder, [{"pixel_values": images, "labels": labels, "name": "x"}])
    rows = from_transformers(digits_folder, [(image.numpy(), int(label)) for image, label in pairs])
    assert mixed.loss() == pytest.approx(ready.loss(), rel=1e-5)
    assert rows.loss() == pytest.approx(ready.loss(), rel=1e-5)
    assert from_transformers(digits_folder, loader, limit=5).num_samples == 5
    with pytest.raises(ValueError, match="hold no input_ids or pixel_values"):
        from_transformers(digits_folder, DataLoader(["a", "b"]))


def test_a_tokenised_data_set_gives_what_its_texts_give(classifier_folder, gpt2_folder, texts):
    rows = small.advice(texts)[:9]
    tokenizer, names = load(classifier_folder).tokenizer(), {"other": 0, "advice": 1}
    tokens = [
        {**tokenizer(text, return_token_type_ids=True), "text": text, "label": names[label]}
        for text, label in rows
    ]
    plain = from_transformers(classifier_folder, rows)
    assert from_transformers(classifier_folder, tokens).loss() == plain.loss()
    tokenizer = load(gpt2_folder).tokenizer()
    tokens = [{"input_ids": torch.tensor(tokenizer(text)["input_ids"])} for text in texts[:5]]
    causal = from_transformers(gpt2_folder, tokens, limit=4)
    assert (
        causal.description["data_sha256"]
        == from_transformers(gpt2_folder, texts[:4]).description["data_sha256"]
    )


def test_second_texts_are_checked_too(classifier_folder, texts):
    with pytest.raises(ValueError, match="Text 1 is empty"):
        from_transformers(classifier_folder, [("a", "b", 0), ("a", "", 1)])
    with pytest.raises(TypeError, match="Text 1 is a NoneType"):
        from_transformers(classifier_folder, [("a", "b", 0), ("a", None, 1)])
    tokenizer = small.sequence_tokenizer(texts)
    with pytest.raises(ValueError, match="All 1 texts are empty"):
        from_transformers(small.t5(tokenizer), [("a", "")], tokenizer=tokenizer)


def test_streams_of_tokens_need_no_labels(gpt2_folder, texts, bytes_):
    """Ids alone, as a data loader, a stream or a tensor brings them, are all that a language model needs."""
    ids = torch.tensor([bytes_(text * 3)["input_ids"][:20] for text in texts[:8]])
    whole = from_transformers(gpt2_folder, [{"input_ids": ids}]).loss()
    for data in (
        ids,
        [ids[:4], ids[4:]],
        DataLoader(ids, batch_size=4),
        DataLoader(TensorDataset(ids), batch_size=4),
        ({"input_ids": row.tolist()} for row in ids),
    ):
        assert from_transformers(gpt2_folder, data).loss() == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (["a", "b"], ValueError, "The first token of a text is predicted from nothing. Pass longer"),
        ([{"input_ids": torch.ones(1, 5)}], ValueError, r"input_ids of torch.float32.*pass input_ids.long"),
        (
            [{"input_ids": torch.ones(1, 5, dtype=int), "labels": torch.ones(1, 5)}],
            ValueError,
            r"labels of torch.float32.*pass labels.long",
        ),
        (
            [{"input_ids": torch.ones(1, 5, dtype=int), "labels": torch.full((1, 5), -100)}],
            ValueError,
            "No token has a label that counts, so causal-lm has no loss",
        ),
        ([torch.ones(5, dtype=int)], TypeError, r'Token ids go into rows {"input_ids": …}'),
    ],
)
def test_tokens_that_cannot_be_learned(gpt2_folder, data, error, words):
    with pytest.raises(error, match=words):
        from_transformers(gpt2_folder, data)
