"""Every task's loss and Hessian products, against the model's own loss and against texts taken one by one."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from nblandscape import from_transformers, hessian_spectrum
from tests.huggingface import small

D = torch.float64
TINY = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 6}


class Words(list[str]):
    """Stands for a tokenizer in the models' constructors, which ask for its size only."""


NINE = Words("abcdefghi")


@dataclass(frozen=True)
class Family:
    """A task on one architecture: the model, how big it may be, and a batch of ragged, padded samples."""

    name: str
    task: str
    make: Callable[[], Any]
    batch: Callable[[int], dict[str, torch.Tensor]]


def ragged(seed: int, lengths: tuple[int, ...] = (5, 3, 2), low: int = 4) -> dict[str, torch.Tensor]:
    """Random ids from `low` to 8 with padding (0) on the right."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(low, 9, (len(lengths), max(lengths)), generator=generator)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return {"input_ids": ids * mask, "attention_mask": mask}


def causal(seed: int) -> dict[str, torch.Tensor]:
    batch = ragged(seed)
    return {**batch, "labels": batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)}


def masked(seed: int) -> dict[str, torch.Tensor]:
    batch = ragged(seed)
    labels = torch.full_like(batch["input_ids"], -100)
    labels[:, 0], labels[0, 3] = batch["input_ids"][:, 0], 5
    return {**batch, "input_ids": batch["input_ids"].masked_fill(labels != -100, 1), "labels": labels}


def classes(seed: int) -> dict[str, torch.Tensor]:
    return {**ragged(seed), "labels": torch.tensor([seed % 3, 1, 2])}


def several(seed: int) -> dict[str, torch.Tensor]:
    return {**ragged(seed), "labels": torch.tensor([[1.0, 0, 1], [0, 0, 1], [seed % 2, 1, 0]])}


def numbers(seed: int) -> dict[str, torch.Tensor]:
    return {**ragged(seed), "labels": torch.tensor([0.3, -1.2, float(seed)])}


def tags(seed: int) -> dict[str, torch.Tensor]:
    labels = torch.tensor([[-100, 0, 1, 2, -100], [1, -100, 2, -100, -100], [0, 1, -100, -100, -100]])
    return {**ragged(seed), "labels": labels}


def spans(seed: int) -> dict[str, torch.Tensor]:
    """The last answer was cut off."""
    return {
        **ragged(seed),
        "start_positions": torch.tensor([1, 0, 99]),
        "end_positions": torch.tensor([seed % 5, 2, 99]),
    }


def translation(seed: int) -> dict[str, torch.Tensor]:
    target = ragged(seed + 10, (2, 4, 3))
    return {**ragged(seed), "labels": target["input_ids"].masked_fill(target["attention_mask"] == 0, -100)}


def pictures(seed: int) -> dict[str, torch.Tensor]:
    images, labels = small.digits(8)
    return {"pixel_values": images[seed::3], "labels": labels[seed::3]}


def bert(kind: str, **options: Any) -> Callable[[], Any]:
    return lambda: small.bert(NINE, kind, **{**TINY, "max_position_embeddings": 6, **options})


TINY_GPT = {"n_positions": 6, "n_embd": 4, "n_layer": 1, "n_head": 2, "pad_token_id": 0}
TINY_LLAMA = {**TINY, "max_position_embeddings": 6, "pad_token_id": 0}
TINY_BART = {"d_model": 4, "max_position_embeddings": 6, "encoder_ffn_dim": 4, "decoder_ffn_dim": 4}
TINY_T5 = {"d_model": 4, "d_kv": 2, "d_ff": 6, "num_layers": 1, "relative_attention_num_buckets": 4}
FAMILIES = [
    Family("gpt2", "causal-lm", lambda: small.gpt2(NINE, **TINY_GPT), causal),
    Family("llama", "causal-lm", lambda: small.llama(NINE, **TINY_LLAMA), causal),
    Family("bert", "masked-lm", bert("BertForMaskedLM"), masked),
    Family("bert", "sequence-classification", bert("BertForSequenceClassification", num_labels=3), classes),
    Family("bert", "regression", bert("BertForSequenceClassification", num_labels=1), numbers),
    Family("bert", "multi-label", bert("BertForSequenceClassification", num_labels=3), several),
    Family("bert", "token-classification", bert("BertForTokenClassification", num_labels=3), tags),
    Family("bert", "question-answering", bert("BertForQuestionAnswering"), spans),
    Family(
        "gpt2",
        "sequence-classification",
        lambda: small.gpt2(NINE, "GPT2ForSequenceClassification", **TINY_GPT, num_labels=3),
        classes,
    ),
    Family(
        "llama",
        "sequence-classification",
        lambda: small.llama(NINE, "LlamaForSequenceClassification", **TINY_LLAMA, num_labels=3),
        classes,
    ),
    Family("t5", "seq2seq-lm", lambda: small.t5(NINE, **TINY_T5), translation),
    Family("bart", "seq2seq-lm", lambda: small.bart(NINE, **TINY_BART), translation),
    Family("vit", "image-classification", lambda: small.vit(**TINY), pictures),
    Family(
        "resnet",
        "image-classification",
        lambda: small.resnet(embedding_size=2, hidden_sizes=[2, 3]),
        pictures,
    ),
]


def adapted() -> Any:
    """LoRA on a linear layer and on a head that is trained with it."""
    import peft

    base = small.bert(
        NINE, "BertForSequenceClassification", **{**TINY, "max_position_embeddings": 6}, num_labels=3
    )
    config = peft.LoraConfig(task_type="SEQ_CLS", r=1, target_modules=["query", "value"])
    return small.made(lambda: peft.get_peft_model(base, config))


FAMILIES.append(Family("lora", "sequence-classification", adapted, classes))
OF_EACH_ARCHITECTURE = list({family.name: family for family in FAMILIES}.values())
SHIFT = "prepare_decoder_input_ids_from_labels"
SINGLE = ("llama", "t5", "vit")  # their norms and attention compute in float32, whatever the model's type
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f"{f.name}-{f.task}")


def perturbed(family: Family) -> Any:
    """The model away from its initial weights, where most derivatives are nearly 0."""
    model = family.make()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


def counted(family: Family, batch: Mapping[str, torch.Tensor]) -> float:
    """What the model's own mean is taken over."""
    if family.task == "question-answering":
        return float((batch["start_positions"] < batch["input_ids"].shape[1]).sum())
    labels = batch["labels"][:, 1:] if family.task == "causal-lm" else batch["labels"]
    return float((labels != -100).sum()) if not labels.is_floating_point() else float(labels.numel())


@each_family
def test_the_loss_is_the_models_own_on_ragged_padded_batches(family):
    model = perturbed(family)
    batches = [family.batch(0), {k: v[:2] for k, v in family.batch(1).items()}, family.batch(2)]
    counts = [counted(family, batch) for batch in batches]
    with torch.no_grad():
        own = [copy.deepcopy(model)(**batch).loss.item() for batch in batches]
    expected = sum(c * value for c, value in zip(counts, own, strict=True)) / sum(counts)
    objective = from_transformers(model, batches)
    assert objective.loss() == pytest.approx(expected, rel=1e-6)
    assert objective.batch_counts.tolist() == counts
    assert model.config._attn_implementation in ("sdpa", None) or family.name == "resnet"


def one_by_one(model: Any, family: Family, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Summed loss of samples without padding, which only the ends of answers are told from too."""
    total = torch.zeros((), dtype=D)
    for n in range(len(next(iter(batch.values())))):
        sample = {key: value[n : n + 1] for key, value in batch.items()}
        if "attention_mask" in sample and family.task != "question-answering":
            length = int(sample.pop("attention_mask").sum())
            sample["input_ids"] = sample["input_ids"][:, :length]
        labels = sample.pop("labels", None)
        if family.task == "question-answering":
            ends = [int(sample.pop(key)) for key in ("start_positions", "end_positions")]
            output = model(**sample)
            for logits, end in zip((output.start_logits, output.end_logits), ends, strict=True):
                total = total - (F.log_softmax(logits[0], 0)[end] / 2 if end < 50 else 0)
            continue
        assert labels is not None
        if family.task == "seq2seq-lm":
            labels = labels[:, : int((labels != -100).sum())]
            sample["decoder_input_ids"] = model.prepare_decoder_input_ids_from_labels(labels=labels)
        logits = model(**sample).logits[0]
        if family.task == "regression":
            total = total + (logits[0] - labels[0]).square()
        elif family.task == "multi-label":
            signs = 2 * labels[0] - 1
            total = total - F.logsigmoid(signs.to(D) * logits).sum()
        else:
            rows = logits if logits.ndim == 2 else logits[None]
            targets = labels[0, 1:].tolist() if family.task == "causal-lm" else labels.reshape(-1).tolist()
            for row, target in zip(rows, targets, strict=False):
                total = total - (F.log_softmax(row, 0)[target] if target >= 0 else 0)
    return total


@each_family
def test_products_and_eigenvalues_are_those_of_the_dense_hessian_of_unpadded_samples(family):
    """In float64, on the model as it is: its default attention has no second derivative of its own."""
    model = perturbed(family).to(D)
    batches = [family.batch(0), family.batch(2)]
    inputs = [
        {key: value.to(D) if value.is_floating_point() else value for key, value in batch.items()}
        for batch in batches
    ]
    objective = from_transformers(model, batches)
    eager = copy.deepcopy(model)
    eager.set_attn_implementation("eager")
    for module in eager.modules():
        if isinstance(module, torch.nn.Embedding):
            module.padding_idx = None  # it would hide a part of the gradient, not of the loss
    shapes = {name: p for name, p in eager.named_parameters() if name in objective.parameter_names}
    count = sum(counted(family, batch) for batch in batches)

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts = flat.split([p.numel() for p in shapes.values()])
        weights = {name: part.view(p.shape) for (name, p), part in zip(shapes.items(), parts, strict=True)}

        class Moved:
            prepare_decoder_input_ids_from_labels = getattr(eager, SHIFT, None)

            def __call__(self, **arguments: Any) -> Any:
                return functional_call(eager, weights, (), arguments)

        return sum(one_by_one(Moved(), family, batch) for batch in inputs) / count

    origin = objective.origin().requires_grad_()
    value = loss(origin)
    tolerance = 1e-6 if family.name in SINGLE else 1e-10
    assert objective.loss() == pytest.approx(value.item(), rel=tolerance)
    (gradient,) = torch.autograd.grad(value, origin, create_graph=True)
    every = torch.eye(len(origin), dtype=D)
    (dense,) = torch.autograd.grad(gradient, origin, every, is_grads_batched=True)
    assert torch.linalg.norm(dense) > 1e-3  # there is a curvature to be wrong about
    some = torch.randn(6, len(origin), dtype=D, generator=torch.Generator().manual_seed(0))
    difference = objective.hvp(some) - some @ dense
    assert torch.linalg.norm(difference) < tolerance * torch.linalg.norm(some @ dense)
    if family in OF_EACH_ARCHITECTURE:
        exact = torch.linalg.eigvalsh((dense + dense.T) / 2).numpy()
        found = hessian_spectrum(objective, largest=1, smallest=1, tol=1e-5)
        error = np.abs(found.values - exact[[-1, 0]])
        assert (error <= found.residuals + 10 * tolerance * found.norm).all()
        assert found.converged.all()


@pytest.mark.parametrize("labelled", [True, False])
def test_left_padding_predicts_nothing(labelled):
    """Transformers counts a text's first token, predicted from what stands at the padding before it."""
    model = perturbed(FAMILIES[1])
    batch = {key: value.flip(1) for key, value in causal(0).items()}
    first = batch["attention_mask"].argmax(1, keepdim=True)
    with torch.no_grad():
        own = copy.deepcopy(model)(**{**batch, "labels": batch["labels"].scatter(1, first, -100)}).loss.item()
    if not labelled:
        del batch["labels"]
    objective = from_transformers(model, [batch])
    assert objective.loss() == pytest.approx(own, rel=1e-6)
    assert objective.batch_counts.tolist() == [4 + 2 + 1]
    # Llama's positions are relative: the padding's side makes no difference.
    assert objective.loss() == pytest.approx(from_transformers(model, [right_of(batch)]).loss(), rel=1e-5)


def right_of(batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A batch padded on the left, padded on the right."""
    order = (1 - batch["attention_mask"]).sort(dim=1, stable=True).indices
    return {key: value.gather(1, order) for key, value in batch.items()}


def test_accuracies_are_shares_of_what_counts():
    for family in FAMILIES:
        model, batch = perturbed(family), family.batch(0)
        if family.task == "regression":
            with pytest.raises(ValueError, match="it has none"):
                from_transformers(model, [batch], metrics=["accuracy"])
            continue
        objective = from_transformers(model, [batch], metrics=["accuracy"])
        with torch.no_grad():
            output = model(**{k: v for k, v in batch.items() if "positions" not in k})
        if family.task == "question-answering":
            guesses = torch.stack([output.start_logits.argmax(1), output.end_logits.argmax(1)], 1)
            truth = torch.stack([batch["start_positions"], batch["end_positions"]], 1)
            expected = (guesses == truth)[:2].all(1).double().mean()
        elif family.task == "multi-label":
            expected = ((output.logits > 0) == (batch["labels"] == 1)).double().mean()
        else:
            guesses, labels = output.logits.argmax(-1), batch["labels"]
            if family.task == "causal-lm":
                guesses, labels = guesses[:, :-1], labels[:, 1:]
            expected = (guesses == labels)[labels != -100].double().mean()
        found = objective.point(objective.origin()).metrics["accuracy"]
        assert found == pytest.approx(expected.item()), (family.name, family.task)


@pytest.mark.parametrize("kind", ["PromptTuningConfig", "PrefixTuningConfig"])
def test_virtual_tokens_of_a_prompt_are_no_targets(kind):
    peft = pytest.importorskip("peft")
    config = getattr(peft, kind)(task_type="CAUSAL_LM", num_virtual_tokens=2)
    model = small.made(lambda: peft.get_peft_model(small.gpt2(NINE), config))
    batch = causal(0)
    with torch.no_grad():
        own = copy.deepcopy(model)(**batch).loss.item()
    objective = from_transformers(model, [batch])
    assert objective.loss() == pytest.approx(own, rel=1e-6)
    assert objective.parameter_names == ["prompt_encoder.default.embedding.weight"]
