"""Data of any kind to padded batches: dicts of tensors that a task's loss takes."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch.utils.data import DataLoader

from nblandscape.batches import batch_size
from nblandscape.huggingface.anatomy import inputs_of, vocabulary_of
from nblandscape.huggingface.answers import BEHIND, answer_span, tokens_of
from nblandscape.huggingface.images import pixel_values
from nblandscape.huggingface.labels import class_labels, class_of, renumbered, renumbering
from nblandscape.huggingface.loading import Loaded
from nblandscape.huggingface.ready import completed, padded_rows, ready_batches, token_rows
from nblandscape.huggingface.rows import LABELS, label_columns, rows_of
from nblandscape.huggingface.targets import Batch, with_decoder_inputs, with_masks, with_own_tokens
from nblandscape.huggingface.tasks import IGNORED, Task
from nblandscape.huggingface.text import (
    OVERFLOWS,
    Encoder,
    Encoding,
    check_texts,
    pad_id,
    padded,
    room_of,
)

_DROPPED = 0.1  # of the tokens in a view of an unlabelled text
_TOKEN_TASKS: frozenset[Task] = frozenset({"causal-lm", "masked-lm", "seq2seq-lm", "token-classification"})
_LABELLED: frozenset[Task] = frozenset(
    {
        "sequence-classification",
        "token-classification",
        "question-answering",
        "seq2seq-lm",
        "image-classification",
    }
)


@dataclass
class Preparation:
    """Turns data into the batches of one loaded model, by its options; `report` says what was done."""

    loaded: Loaded
    report: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        options = self.loaded.options
        self.overflow, self.batch_size = options["overflow"], options["batch_size"]
        self.limit, self.seed = options["limit"], options["seed"]

    def batches(self, data: object) -> list[Batch]:
        """Batches of texts, rows, a file, a data set, a DataLoader, or batches that are ready.

        Raises
        ------
        ValueError
            Data that do not fit the task or the model.
        """
        self._check_options()
        if (
            isinstance(data, Iterable)
            and not isinstance(data, DataLoader)
            and not hasattr(data, "__getitem__")
        ):
            data = list(itertools.islice(data, self.limit))  # a stream
        if (ready := ready_batches(data, self.limit)) is not None:
            return self._with_targets([completed(b, n, self.loaded, self.seed) for n, b in enumerate(ready)])
        numbers = self._numbers_by_name(data)
        if (tokens := token_rows(data, self.limit)) is not None:
            if numbers is not None:
                tokens = [
                    {k: renumbered(v, numbers) if k in LABELS else v for k, v in row.items()}
                    for row in tokens
                ]
            pad = pad_id(None, self.loaded.config, vocabulary_of(self.loaded.model))
            padded_groups = [padded_rows(group, pad, self.loaded.task) for group in self._groups(tokens)]
            made = [completed(b, n, self.loaded, self.seed) for n, b in enumerate(padded_groups)]
            self.report["rows"] = len(tokens)
        else:
            named = self.loaded.options["text_column"], self.loaded.options["label_column"]
            rows = rows_of(
                data, self.loaded.task, limit=self.limit, text_column=named[0], label_column=named[1]
            )
            if numbers is not None:
                rows = [(*row[:-1], renumbered(row[-1], numbers)) for row in rows]
            made = _MAKERS[self.loaded.task](self, rows)
            self.report["rows"] = len(rows)
        if hasattr(data, "__len__") and not isinstance(data, (str, Mapping)):
            self.report["available"] = len(data)
        made[0]["prepared"] = self.report
        return self._with_targets(made)

    def _check_options(self) -> None:
        if self.overflow not in OVERFLOWS:
            raise ValueError(f'overflow="{self.overflow}"; use {", ".join(OVERFLOWS)}.')
        if self.batch_size < 1:
            raise ValueError(f"batch_size={self.batch_size}: at least 1 is needed.")
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit={self.limit}: at least one sample is needed.")
        if self.overflow == "split" and self.loaded.task in _LABELLED:
            raise ValueError(
                f'overflow="split" would part texts from their labels ({self.loaded.task}). Use "truncate".'
            )

    def _with_targets(self, batches: list[Batch]) -> list[Batch]:
        """The batches, if there is anything in them to be predicted."""
        if self.loaded.task not in _TOKEN_TASKS:
            return batches
        causal = self.loaded.task == "causal-lm"
        virtual = any("prompt_encoder" in name for name, _ in self.loaded.model.named_parameters())
        skipped = 1 if causal and not virtual else 0
        labels = [batch["labels"][:, skipped:] for batch in batches if "labels" in batch]
        if not any((part != IGNORED).any() for part in labels):
            first = " The first token of a text is predicted from nothing." if causal else ""
            raise ValueError(
                f"No token has a label that counts, so {self.loaded.task} has no loss.{first} Pass longer "
                f"texts, or labels and masks that leave something ({IGNORED} and masked tokens are ignored)."
            )
        return batches

    def _numbers_by_name(self, data: object) -> list[int] | None:
        """What to call a data set's classes, if it has the model's names in another order."""
        if not self.loaded.task.endswith("-classification"):
            return None
        columns = label_columns(self.loaded.task, self.loaded.options["label_column"])
        found = renumbering(data, columns, self.loaded.config)
        if found is not None:
            self.report["labels"] = f"numbered as in the model, by name: {found}"
        return found

    # ------------------------------------------------------------------ tasks

    def _causal(self, rows: list[tuple[Any, ...]]) -> list[Batch]:
        encodings = self._texts([row[0] for row in rows])
        return [with_own_tokens(self._encoder.collate(group)) for group in self._groups(encodings)]

    def _masked(self, rows: list[tuple[Any, ...]]) -> list[Batch]:
        encodings = self._texts([row[0] for row in rows])
        generator = torch.Generator().manual_seed(self.seed)
        collated = (self._encoder.collate(group) for group in self._groups(encodings))
        return [
            with_masks(batch, self.loaded.model, self._encoder.tokenizer, generator) for batch in collated
        ]

    def _classified(self, rows: list[tuple[Any, ...]]) -> list[Batch]:
        texts, pairs, values = zip(*rows, strict=True)
        labels = class_labels(values, self.loaded.config)
        paired = {} if all(pair is None for pair in pairs) else {"text_pair": list(pairs)}
        encodings = self._encoded(texts, **paired)
        batches = [self._encoder.collate(group) for group in self._groups(encodings)]
        return _shared_out(batches, labels=labels)

    def _tagged(self, rows: list[tuple[Any, ...]]) -> list[Batch]:
        words, tags = zip(*rows, strict=True)
        for number, (text, values) in enumerate(rows):
            if isinstance(text, str) or len(text) != len(values):
                raise ValueError(
                    f"Row {number}: token-classification needs a list of words and as many labels"
                    f"{'' if isinstance(text, str) else f', not {len(text)} and {len(values)}'}."
                )
        self._need_fast("the words that tokens belong to")
        whole, encodings = self._encode([list(text) for text in words], is_split_into_words=True)
        for number, (encoding, values) in enumerate(zip(encodings, tags, strict=True)):
            owners = whole.word_ids(number)
            first = [
                word is not None and word != before
                for word, before in zip(owners, [None, *owners], strict=False)
            ]
            encoding["labels"] = [
                class_of(values[word], number, self.loaded.config)
                if begins and values[word] != IGNORED
                else IGNORED
                for word, begins in zip(owners, first, strict=True)
            ]
        return [self._encoder.collate(group) for group in self._groups(encodings)]

    def _answered(self, rows: list[tuple[Any, ...]]) -> list[Batch]:
        questions, contexts, answers = zip(*rows, strict=True)
        self._need_fast("the places of characters")
        cut = {"truncation": "only_second"} if self.overflow == "truncate" and self._encoder.room else {}
        whole, encodings = self._encode(
            list(questions), text_pair=list(contexts), return_offsets_mapping=True, **cut
        )
        ends = []
        for number, (context, answer) in enumerate(zip(contexts, answers, strict=True)):
            span = answer_span(answer, context, number)
            ends.append(
                tokens_of(span, whole["offset_mapping"][number], whole.sequence_ids(number))
                if span
                else (0, 0)
            )
        self.report["answers_cut_off"] = sum(start == BEHIND for start, _ in ends)
        batches = [self._encoder.collate(group) for group in self._groups(encodings)]
        starts, stops = torch.tensor(ends).T
        return _shared_out(batches, start_positions=starts, end_positions=stops)

    def _translated(self, rows: list[tuple[Any, ...]]) -> list[Batch]:
        sources, targets = zip(*rows, strict=True)
        encodings = self._encoded(sources)
        check_texts(targets)
        cut = {"truncation": True, "max_length": self._encoder.room} if self.overflow == "truncate" else {}
        found = self._encoder.tokenizer(text_target=list(targets), padding=False, verbose=False, **cut)
        labels = found["input_ids"]
        for number, ids in enumerate(labels):
            self._encoder.check(ids, number)
        batches = [self._encoder.collate(group) for group in self._groups(encodings)]
        for batch, group in zip(batches, self._groups(labels), strict=True):
            batch["labels"] = padded(group, IGNORED)
        return [with_decoder_inputs(batch, self.loaded.model) for batch in batches]

    def _pictured(self, rows: list[tuple[Any, ...]]) -> list[Batch]:
        images, values = zip(*rows, strict=True)
        labels = class_labels(values, self.loaded.config)
        pixels = pixel_values(images, self.loaded.processor(), self.loaded.config)
        return _shared_out([{"pixel_values": x} for x in torch.split(pixels, self.batch_size)], labels=labels)

    def _embedded(self, rows: list[tuple[Any, ...]]) -> list[Batch]:
        a, b, scores = zip(*rows, strict=True)
        if any(text is None for text in b):
            if not all(text is None for text in b):
                number = next(n for n, text in enumerate(b) if text is None)
                raise ValueError(
                    f"Row {number} has no second text, others have one. Pass pairs or texts, not both."
                )
            sides = self._views(a)
        else:
            sides = self._encoded(a), self._encoded(b)
        regression = any(score is not None for score in scores)
        groups = self._groups if regression else self._groups_of_two
        left, right = ([self._encoder.collate(group) for group in groups(side)] for side in sides)
        batches: list[Batch] = [{"a": x, "b": y} for x, y in zip(left, right, strict=True)]
        if regression:
            values = torch.tensor(
                [_score(value, number) for number, value in enumerate(scores)], dtype=torch.float64
            )
            _shared_out(batches, labels=values)
        return batches

    # ------------------------------------------------------------------ texts

    @cached_property
    def _encoder(self) -> Encoder:
        model, tokenizer, config = self.loaded.model, self.loaded.tokenizer(), self.loaded.config
        vocabulary, types = vocabulary_of(model), getattr(config, "type_vocab_size", 0) or 0
        room = self.report["max_length"] = room_of(model, tokenizer, self.loaded.options["max_length"])
        return Encoder(
            tokenizer,
            room,
            self.overflow,
            vocabulary,
            pad_id(tokenizer, config, vocabulary),
            token_types=types > 1 and "token_type_ids" in inputs_of(model),
        )

    def _texts(self, texts: Sequence[Any]) -> list[Encoding]:
        """Encodings of unlabelled texts, which may be split."""
        if self.overflow != "split":
            return self._encoded(texts)
        found = self._encoder.split(texts)
        self.report["split_into"] = len(found)
        return found[: self.limit]

    def _encoded(self, texts: Sequence[Any], **options: Any) -> list[Encoding]:
        return self._encode(texts, **options)[1]

    def _encode(self, texts: Sequence[Any], **options: Any) -> tuple[Any, list[Encoding]]:
        whole, encodings = self._encoder.encode(texts, **options)
        if self.overflow == "truncate" and self._encoder.room is not None:
            plain = {k: v for k, v in options.items() if k in ("text_pair", "is_split_into_words")}
            longer = sum(n > self._encoder.room for n in self._encoder.lengths(texts, **plain))
            self.report["truncated"] = self.report.get("truncated", 0) + longer
        return whole, encodings

    def _groups(self, items: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Runs of `batch_size`; of one where a classifier could not tell padding from text."""
        size = self.batch_size
        config = self.loaded.config.get_text_config()
        if self.loaded.task == "sequence-classification" and getattr(config, "pad_token_id", None) is None:
            size = 1
            self.report["batch_size"] = "1, since the configuration has no pad_token_id"
        return [items[start : start + size] for start in range(0, len(items), size)]

    def _groups_of_two(self, items: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Runs of `batch_size`, none of a single text, which would have no other to be told from."""
        if len(items) < 2 or self.batch_size < 2:
            raise ValueError(
                f"A contrastive loss needs at least two texts in a batch; there are {len(items)} in all, and "
                f"batch_size={self.batch_size}. Pass more, or scores: (text, text, similarity)."
            )
        groups = [
            list(items[start : start + self.batch_size]) for start in range(0, len(items), self.batch_size)
        ]
        if len(groups[-1]) == 1:
            groups[-2:] = [groups[-2] + groups[-1]]
        return groups

    def _views(self, texts: Sequence[Any]) -> tuple[list[Encoding], list[Encoding]]:
        """Two views of each text, with some of its tokens left out."""
        encodings = self._texts(texts)
        generator = torch.Generator().manual_seed(self.seed)
        special = self._encoder.special_ids()

        def view(encoding: Encoding) -> Encoding:
            content = [n for n, token in enumerate(encoding["input_ids"]) if token not in special]
            out = torch.rand(len(content), generator=generator) < _DROPPED
            dropped = {n for n, gone in zip(content, out.tolist(), strict=True) if gone}
            if len(dropped) == len(content):
                dropped = set()
            return {key: [v for n, v in enumerate(row) if n not in dropped] for key, row in encoding.items()}

        return [view(e) for e in encodings], [view(e) for e in encodings]

    def _need_fast(self, what: str) -> None:
        if not self._encoder.tokenizer.is_fast:
            raise ValueError(
                f"This tokenizer does not tell {what}; pass a fast one (PreTrainedTokenizerFast) as "
                "tokenizer=."
            )


_MAKERS: Mapping[Task, Callable[[Preparation, list[tuple[Any, ...]]], list[Batch]]] = {
    "causal-lm": Preparation._causal,
    "masked-lm": Preparation._masked,
    "sequence-classification": Preparation._classified,
    "token-classification": Preparation._tagged,
    "question-answering": Preparation._answered,
    "seq2seq-lm": Preparation._translated,
    "image-classification": Preparation._pictured,
    "sentence-embedding": Preparation._embedded,
}


def _shared_out(batches: list[Batch], **columns: torch.Tensor) -> list[Batch]:
    """Give every batch its rows of the columns."""
    sizes = [batch_size(batch) or 0 for batch in batches]
    for name, column in columns.items():
        for batch, part in zip(batches, torch.split(column, sizes), strict=True):
            batch[name] = part
    return batches


def _score(value: Any, number: int) -> float:
    if value is None:
        raise ValueError(f"Row {number} has no score, others have one.")
    found = float(value)
    if not -1 <= found <= 1:
        raise ValueError(
            f"Row {number} has the score {found:g}; a cosine lies between -1 and 1. Rescale the scores."
        )
    return found
