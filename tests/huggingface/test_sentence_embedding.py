"""Embeddings: pooling and losses with known answers, and folders of sentence-transformers."""

import json
import math
from types import SimpleNamespace

import pytest
import torch

from nblandscape import from_transformers
from nblandscape.huggingface.embedding import Pooling, similarity_loss
from tests.huggingface import small

STATES = torch.tensor([[[1.0, 0], [3, 4], [9, 9]], [[2, 2], [0, 1], [7, 5]]])


class Fixed(torch.nn.Module):
    """States by token id, as an encoder gives them."""

    def __init__(self, states: torch.Tensor) -> None:
        super().__init__()
        self.states = states
        self.base_model = self.encode

    def encode(self, input_ids: torch.Tensor, **_: object) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.states[input_ids])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("mean", [[2.0, 2], [3, 8 / 3]]),
        ("cls", [[1.0, 0], [2, 2]]),
        ("max", [[3.0, 4], [7, 5]]),
        ("last", [[3.0, 4], [7, 5]]),
    ],
)
def test_pooling_skips_padding_on_both_sides(mode, expected):
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    torch.testing.assert_close(Pooling((mode,))(STATES, mask), torch.tensor(expected))
    left = Pooling((mode,))(
        torch.cat([torch.full((2, 1, 2), 99.0), STATES], 1), torch.nn.functional.pad(mask, (1, 0))
    )
    torch.testing.assert_close(left, torch.tensor(expected))


def test_the_contrastive_loss_has_the_value_of_its_formula():
    model = Fixed(torch.eye(3))
    side = {"input_ids": torch.tensor([[0], [1], [2]]), "attention_mask": torch.ones(3, 1)}
    total, count = similarity_loss(model, {"a": side, "b": side}, Pooling(), temperature=0.5)
    assert count == 3
    assert total.item() == pytest.approx(3 * math.log(1 + 2 * math.exp(-2)))


def test_regression_compares_cosines_with_scores():
    model = Fixed(torch.tensor([[1.0, 0], [5, 5]]))
    a, b = ({"input_ids": torch.tensor([[0], [n]])} for n in (0, 1))
    batch = {"a": a, "b": b, "labels": torch.tensor([0.5, 0.0])}
    a["input_ids"], b["input_ids"] = torch.tensor([[0], [0]]), torch.tensor([[0], [1]])
    total, count = similarity_loss(model, batch, Pooling(), temperature=0.05)
    assert (total.item(), count) == (pytest.approx(0.25 + 0.5), 2)


@pytest.fixture(scope="module")
def sentence_folder(tmp_path_factory, words):
    """As sentence-transformers saves it: the encoder, and how to pool."""
    folder = tmp_path_factory.mktemp("sentence")
    small.saved(small.bert(words, "BertModel"), folder, words)
    kinds = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
    modules = [{"type": f"sentence_transformers.models.{kind}", "path": path} for kind, path in kinds]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


def test_a_sentence_transformers_folder_says_its_task_and_pooling(sentence_folder, texts, words):
    pairs = list(zip(texts[1:9], texts[9:17], strict=True))
    objective = from_transformers(sentence_folder, pairs, batch_size=4)
    assert objective.description["task"] == "sentence-embedding"
    model = small.bert(words, "BertModel")
    expected = 0.0
    for part in (pairs[:4], pairs[4:]):
        a, b = (
            [model(**words(t, return_tensors="pt")).last_hidden_state[0, 0] for t in side]
            for side in zip(*part, strict=True)
        )
        cosines = torch.nn.functional.cosine_similarity(torch.stack(a)[:, None], torch.stack(b)[None], dim=-1)
        expected -= torch.log_softmax(cosines / 0.05, 1).diagonal().sum().item()
    assert objective.loss() == pytest.approx(expected / 8, rel=1e-4)


def test_unlabelled_texts_have_two_seeded_views(sentence_folder, texts):
    losses = [from_transformers(sentence_folder, texts[:9], batch_size=4, seed=seed) for seed in (0, 0, 1)]
    assert losses[0].loss() == losses[1].loss() != losses[2].loss()
    assert losses[0].batch_counts.tolist() == [4, 5]  # a batch of one text would have nothing to tell it from
    with pytest.raises(ValueError, match="at least two texts"):
        from_transformers(sentence_folder, texts[:1])


def test_scored_pairs_and_bad_ones(sentence_folder, texts):
    rows = [(texts[1], texts[2], 0.9), (texts[3], texts[1], 0.1), (texts[4], texts[5], -0.5)]
    assert from_transformers(sentence_folder, rows, batch_size=2).batch_counts.tolist() == [2, 1]
    with pytest.raises(ValueError, match=r"Row 1 has the score 5;.*Rescale"):
        from_transformers(sentence_folder, [rows[0], (texts[1], texts[2], 5)])
    with pytest.raises(ValueError, match="Row 0 has no second text"):
        from_transformers(sentence_folder, [texts[1], (texts[1], texts[2])])


def test_modules_that_would_be_left_out(sentence_folder, tmp_path):
    modules = json.loads((sentence_folder / "modules.json").read_text())
    dense = {"type": "sentence_transformers.models.Dense", "path": "3_Dense"}
    (tmp_path / "modules.json").write_text(json.dumps([*modules, dense]))
    with pytest.raises(ValueError, match="Dense module"):
        from_transformers(tmp_path, ["a", "b"])
    with pytest.raises(ValueError, match="pooling_mode_weightedmean_tokens is not known"):
        Pooling.from_config({"pooling_mode_weightedmean_tokens": True})
