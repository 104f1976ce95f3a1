"""Tasks: what a checkpoint is for, and its loss as (sum of losses, count) of a batch of tensors.

The sums are taken over the model's logits in the logits' own type: the losses that Transformers computes by
itself cast to float32, which would spoil an analysis in float64. Auxiliary losses (the routers' of mixtures
of experts) are left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import nn

from nblandscape.huggingface.embedding import Pooling, similarity_loss
from nblandscape.losses import BatchLoss

Task = Literal[
    "causal-lm",
    "masked-lm",
    "sequence-classification",
    "token-classification",
    "question-answering",
    "seq2seq-lm",
    "image-classification",
    "sentence-embedding",
]
TASKS: tuple[Task, ...] = get_args(Task)
Problem = Literal["regression", "single_label_classification", "multi_label_classification"]

IGNORED = -100
"""Label of a token that is no target."""

AUTO_CLASSES: Mapping[Task, str] = {
    "causal-lm": "AutoModelForCausalLM",
    "masked-lm": "AutoModelForMaskedLM",
    "sequence-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "seq2seq-lm": "AutoModelForSeq2SeqLM",
    "image-classification": "AutoModelForImageClassification",
    "sentence-embedding": "AutoModel",
}

_SUFFIXES: Mapping[str, Task] = {
    "ForCausalLM": "causal-lm",
    "LMHeadModel": "causal-lm",
    "ForMaskedLM": "masked-lm",
    "ForSequenceClassification": "sequence-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForQuestionAnsweringSimple": "question-answering",
    "ForImageClassification": "image-classification",
}

_NAMES: Mapping[Task, str] = {
    "causal-lm": "cross entropy of the next token",
    "masked-lm": "cross entropy of masked tokens",
    "sequence-classification": "cross entropy",
    "token-classification": "cross entropy of token labels",
    "question-answering": "cross entropy of the answer's ends",
    "seq2seq-lm": "cross entropy of the target's tokens",
    "image-classification": "cross entropy",
    "sentence-embedding": "contrastive loss",
}
_PROBLEM_NAMES: Mapping[Problem, str] = {
    "regression": "squared error",
    "single_label_classification": "cross entropy",
    "multi_label_classification": "binary cross entropy",
}

_NOT_INPUTS = frozenset({"labels", "start_positions", "end_positions", "prepared"})

Parts = tuple[torch.Tensor, float]


def check_task(task: str) -> Task:
    """Return the task.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    for known in TASKS:
        if task == known:
            return known
    raise ValueError(f'task="{task}" is unknown. Tasks: {", ".join(TASKS)}.')


def task_of(config: Any, architecture: str | None = None) -> Task:
    """Read the task from a model's configuration.

    Parameters
    ----------
    config : transformers.PretrainedConfig
        Its `architectures` name the class that the checkpoint was saved from.
    architecture : str, optional
        The class of a model that is there, which may be another one.

    Raises
    ------
    ValueError
        The class tells no task.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> task_of(SimpleNamespace(architectures=["GPT2LMHeadModel"], is_encoder_decoder=False))
    'causal-lm'
    """
    name = architecture or next(iter(getattr(config, "architectures", None) or []), None)
    if name is not None:
        if config.is_encoder_decoder and name.endswith(("ForConditionalGeneration", "LMHeadModel")):
            return "seq2seq-lm"
        for suffix, task in _SUFFIXES.items():
            if name.endswith(suffix):
                return task
    what = f"The architecture {name} tells" if name else "The configuration names no architecture and tells"
    raise ValueError(f"{what} no task. Choose one with task=: {', '.join(TASKS)}.")


def problem_of(config: Any, labels: torch.Tensor) -> Problem:
    """What a classifier's labels mean, by Transformers' rule: `problem_type`, else their number and type."""
    given: Problem | None = getattr(config, "problem_type", None)
    if given is not None:
        if given not in _PROBLEM_NAMES:
            raise ValueError(
                f'config.problem_type="{given}" is unknown; it may be {", ".join(_PROBLEM_NAMES)}.'
            )
        return given
    if config.num_labels == 1:
        return "regression"
    return "multi_label_classification" if labels.is_floating_point() else "single_label_classification"


@dataclass(frozen=True)
class TaskLoss:
    """Loss of a task as ``(model, batch) -> (sum of losses, count)``; a batch is a dict of tensors.

    Parameters
    ----------
    task : Task
    options : dict
        Arguments that every call of the model gets (``use_cache=False``).
    problem : Problem, optional
        What a classifier's labels mean.
    pooling : Pooling
        How the states of tokens become a sentence embedding.
    temperature : float
        Of the contrastive loss.
    provenance : dict
        What `describe` adds to a description of the objective.
    no_derivatives : str
        Why gradients and Hessian products are refused; "" where they are right.
    """

    task: Task
    options: Mapping[str, Any] = field(default_factory=dict)
    problem: Problem = "single_label_classification"
    pooling: Pooling = field(default_factory=Pooling)
    temperature: float = 0.05
    provenance: Mapping[str, Any] = field(default_factory=dict)
    no_derivatives: str = ""

    @property
    def __name__(self) -> str:
        """What titles call it."""
        if self.task in ("sequence-classification", "image-classification"):
            return _PROBLEM_NAMES[self.problem]
        return _NAMES[self.task]

    def __call__(self, model: nn.Module, batch: Any) -> Parts:
        """Sum and count of one batch."""
        if self.task == "sentence-embedding":
            return similarity_loss(model, batch, self.pooling, self.temperature)
        output = self.forward(model, batch)
        if self.task == "question-answering":
            return _answer_loss(output, batch)
        if self.task in ("sequence-classification", "image-classification"):
            return _label_loss(output.logits, batch["labels"], self.problem)
        return _token_loss(output.logits, _targets(self.task, output.logits, batch["labels"]))

    def forward(self, model: nn.Module, batch: Mapping[str, Any]) -> Any:
        """The model's output."""
        inputs = {key: value for key, value in batch.items() if key not in _NOT_INPUTS}
        return model(**inputs, **self.options, return_dict=True)

    def describe(self, batches: Sequence[Any]) -> dict[str, Any]:
        """Provenance: the task, where the model came from, and what the batches hold."""
        found: dict[str, Any] = {"task": self.task, **self.provenance}
        tokens = sum(int(mask.sum()) for batch in batches for mask in _token_masks(batch))
        if tokens:
            found["tokens"] = tokens
        prepared = [b["prepared"] for b in batches if isinstance(b, Mapping) and "prepared" in b]
        if prepared:
            found["data"] = dict(prepared[0])
        return found


def metrics_of(loss: TaskLoss) -> dict[str, BatchLoss]:
    """The metrics that a task has by default, by name; each costs a forward pass more.

    Accuracy: the share of right tokens, labels, answers (both ends right) or images.
    """
    if loss.task == "sentence-embedding" or (
        loss.task in ("sequence-classification", "image-classification") and loss.problem == "regression"
    ):
        return {}
    return {"accuracy": Accuracy(loss)}


@dataclass(frozen=True)
class Accuracy:
    """Number of right predictions and of predictions."""

    loss: TaskLoss

    def __call__(self, model: nn.Module, batch: Any) -> Parts:
        """Right ones and all of one batch."""
        task, output = self.loss.task, self.loss.forward(model, batch)
        if task == "question-answering":
            pairs = [
                (output.start_logits, batch["start_positions"]),
                (output.end_logits, batch["end_positions"]),
            ]
            targets = [_position(logits, position) for logits, position in pairs]
            right = torch.stack([(p[0].argmax(-1) == t) for p, t in zip(pairs, targets, strict=True)]).all(0)
            return right.sum(dtype=torch.float64), float((targets[0] < pairs[0][0].shape[1]).sum())
        labels = batch["labels"]
        if task in ("sequence-classification", "image-classification"):
            if self.loss.problem == "multi_label_classification":
                right = (output.logits > 0) == (labels > 0.5)
                return right.sum(dtype=torch.float64), float(right.numel())
        else:
            labels = _targets(task, output.logits, labels)
        return (output.logits.argmax(-1) == labels).sum(dtype=torch.float64), float((labels != IGNORED).sum())


def _targets(task: Task, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Labels at the places of the logits that predict them."""
    more = logits.shape[1] - labels.shape[1]  # virtual tokens of prompt tuning come first
    labels = F.pad(labels, (more, 0), value=IGNORED) if more else labels
    if task == "causal-lm":  # shifting the labels rather than the logits, which are far larger
        labels = F.pad(labels[:, 1:], (0, 1), value=IGNORED)
    return labels


def _token_loss(logits: torch.Tensor, labels: torch.Tensor, ignored: int = IGNORED) -> Parts:
    values = F.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=ignored, reduction="none"
    )
    return values.sum(dtype=torch.float64), float((labels != ignored).sum())


def _label_loss(logits: torch.Tensor, labels: torch.Tensor, problem: Problem) -> Parts:
    if problem == "single_label_classification":
        return _token_loss(logits, labels)
    targets = labels.to(logits.dtype).reshape(logits.shape)
    if problem == "regression":
        values = F.mse_loss(logits, targets, reduction="none")
    else:
        values = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return values.sum(dtype=torch.float64), float(values.numel())


def _answer_loss(output: Any, batch: Mapping[str, torch.Tensor]) -> Parts:
    """Half the losses of both ends; a position behind the text is ignored, one before it counts as 0.

    As in Transformers, an end is told from all positions of the batch, padding too.
    """
    total, count = output.start_logits.new_zeros((), dtype=torch.float64), 0.0
    for logits, position in (
        (output.start_logits, batch["start_positions"]),
        (output.end_logits, batch["end_positions"]),
    ):
        part, number = _token_loss(logits, _position(logits, position), ignored=logits.shape[1])
        total, count = total + part / 2, count + number / 2
    return total, count


def _position(logits: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    return position.reshape(-1).clamp(0, logits.shape[1])


def _token_masks(batch: Any) -> Iterator[torch.Tensor]:
    """Where a batch has tokens that are not padding."""
    if not isinstance(batch, Mapping):
        return
    if isinstance(batch.get("input_ids"), torch.Tensor):
        yield batch.get("attention_mask", torch.ones_like(batch["input_ids"])) != 0
    for value in batch.values():
        yield from _token_masks(value)


Metrics = Mapping[str, Callable[[nn.Module, Any], Parts]]
