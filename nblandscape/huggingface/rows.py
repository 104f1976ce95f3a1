"""Rows of a task's fields from whatever holds them: lists, files, data sets, tables of columns."""

import csv
import io
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nblandscape.huggingface.tasks import Task

Columns = str | Sequence[str] | None


@dataclass(frozen=True)
class Field:
    """One part of a row, and the columns that may hold it."""

    name: str
    columns: tuple[str, ...]
    optional: bool = False


_TEXT = ("text", "sentence", "content", "document", "sentence1", "premise", "question1")
LABELS = ("label", "labels")
_FIELDS: Mapping[Task, tuple[Field, ...]] = {
    "causal-lm": (Field("text", _TEXT),),
    "masked-lm": (Field("text", _TEXT),),
    "sequence-classification": (
        Field("text", _TEXT),
        Field("pair", ("text_pair", "sentence2", "hypothesis", "question2"), optional=True),
        Field("label", (*LABELS, "score")),
    ),
    "token-classification": (
        Field("tokens", ("tokens", "words")),
        Field("labels", ("ner_tags", "pos_tags", "tags", "labels", "label")),
    ),
    "question-answering": (
        Field("question", ("question",)),
        Field("context", ("context",)),
        Field("answers", ("answers", "answer")),
    ),
    "seq2seq-lm": (
        Field("source", ("source", "input", "document", "article", "text")),
        Field("target", ("target", "output", "summary", "highlights", "label", "labels")),
    ),
    "image-classification": (
        Field("image", ("image", "img", "pixel_values")),
        Field("label", (*LABELS, "fine_label")),
    ),
    "sentence-embedding": (
        Field("a", ("a", "anchor", "sentence1", "premise", "question", *_TEXT)),
        Field("b", ("b", "positive", "sentence2", "hypothesis", "answer"), optional=True),
        Field("score", ("score", "similarity", "label"), optional=True),
    ),
}
_SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".jsonl")


def rows_of(
    data: object,
    task: Task,
    *,
    limit: int | None = None,
    text_column: Columns = None,
    label_column: Columns = None,
) -> list[tuple[Any, ...]]:
    """Read data as rows, one tuple of a task's fields each; an optional field that is absent is None.

    Parameters
    ----------
    data : list of texts, tuples or dicts, dict of columns, path of a file, or data set
        Files: .txt (a text per line, blank ones are skipped), .csv, .tsv, .json and .jsonl.
    task : Task
    limit : int, optional
        Read at most so many rows.
    text_column, label_column : str or sequence of str, optional
        Columns of the fields before the last one, and of the last; by default those with a usual name.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        No data, a field that is missing, or a file of another kind.

    Examples
    --------
    >>> rows_of([("good", 1), ("bad", 0)], "sequence-classification")
    [('good', None, 1), ('bad', None, 0)]
    >>> rows_of({"question": ["why?"], "label": ["?"]}, "sequence-classification", text_column="question")
    [('why?', None, '?')]
    """
    fields = _renamed(_FIELDS[task], text_column, label_column)
    rows = list(itertools.islice(_iterate(data), limit))
    if not rows:
        what = f"{data} holds" if isinstance(data, (str, Path)) else "The data hold"
        raise ValueError(f"{what} nothing. Pass a list of texts or rows, a file with some, or a data set.")
    for option, column in (("text_column", text_column), ("label_column", label_column)):
        bare = None if column is None else next((row for row in rows if not isinstance(row, Mapping)), None)
        if bare is not None:
            raise ValueError(
                f"{option}={column!r} names a column, and there is a row without columns: {_short(bare)}. "
                "Leave it out, or pass a table or dicts."
            )
    return [_row(row, number, fields, task) for number, row in enumerate(rows)]


def _iterate(data: object) -> Iterable[Any]:
    if isinstance(data, (str, Path)):
        return _from_file(data)
    if isinstance(data, Mapping):
        return _from_columns(data)
    if hasattr(data, "__getitem__") and hasattr(
        data, "__len__"
    ):  # lists, and data sets that are read by number
        return (data[number] for number in range(len(data)))
    if isinstance(data, Iterable):
        return data
    raise TypeError(
        f"data is a {type(data).__name__}; pass a list of texts or rows, a file, a data set, a DataLoader, "
        "or batches."
    )


def _from_columns(data: Mapping[Any, Any]) -> Iterable[dict[Any, Any]]:
    if splits := [name for name, part in data.items() if hasattr(part, "column_names")]:
        raise ValueError(f"data has the splits {', '.join(map(str, splits))}. Pass one: data[{splits[0]!r}].")
    lengths = {key: len(column) for key, column in data.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"The columns have different lengths: {lengths}.")
    return (dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True))


def _from_file(data: str | Path) -> Iterable[Any]:
    path = Path(data).expanduser()
    short = str(data) if len(str(data)) < 80 else str(data)[:77] + "…"
    if isinstance(data, str) and (len(data) > 1000 or "\n" in data):
        raise ValueError(f"data is one text ({short!r}). Pass a list of texts: [text].")
    if not path.is_file():
        what = f"{short} is a folder, not a file" if path.is_dir() else f"There is no file {short}"
        raise FileNotFoundError(f"{what}. Pass a list of texts ([text]) or the path of a file.")
    kind = path.suffix.lower()
    if kind not in _SUFFIXES:
        raise ValueError(
            f"{path} is no {', '.join(_SUFFIXES)} file. Read it yourself and pass a list of rows."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 (byte {error.start}). Convert it, or pass a list of texts."
        ) from error
    if kind == ".txt":
        return [line for line in text.split("\n") if line.strip()]
    if kind in (".csv", ".tsv"):
        return list(csv.DictReader(io.StringIO(text), delimiter="\t" if kind == ".tsv" else ","))
    return _from_json(text, path, lines=kind == ".jsonl")


def _from_json(text: str, path: Path, *, lines: bool) -> Iterable[Any]:
    # Not splitlines: it also cuts at U+2028 and form feeds, which may stand within a string.
    parts = list(enumerate(text.split("\n"), 1)) if lines else [(0, text)]
    rows = []
    for number, part in parts:
        try:
            rows += [json.loads(part)] if part.strip() or not lines else []
        except json.JSONDecodeError as error:
            where = f"line {number} of {path}" if lines else path
            raise ValueError(f"{where} is not valid JSON: {error}.") from error
    found: Any = rows if lines else rows[0]
    if isinstance(found, Mapping) and isinstance(found.get("data"), list):
        found = found["data"]
    if isinstance(found, Mapping):
        return _from_columns(found)
    if not isinstance(found, list):
        raise ValueError(f"{path} holds one {type(found).__name__}; a list of rows is needed.")  # noqa: TRY004
    return found


def label_columns(task: Task, label_column: Columns) -> tuple[str, ...]:
    """Columns that may hold a task's labels."""
    return _renamed(_FIELDS[task], None, label_column)[-1].columns


def _renamed(fields: tuple[Field, ...], texts: Columns, label: Columns) -> tuple[Field, ...]:
    """The fields with the columns that the user named."""
    result = list(fields)
    for number, column in enumerate([texts] if isinstance(texts, str) else texts or ()):
        if number >= len(fields):
            raise ValueError(f"text_column={texts!r} names more columns than this task has fields.")
        result[number] = Field(fields[number].name, (column,))
    if label is not None:
        result[-1] = Field(fields[-1].name, (label if isinstance(label, str) else label[0],))
    return tuple(result)


def _row(row: Any, number: int, fields: tuple[Field, ...], task: Task) -> tuple[Any, ...]:
    if isinstance(row, Mapping):
        return tuple(_value(row, field, number) for field in fields)
    parts = tuple(row) if isinstance(row, (tuple, list)) else (row,)
    if len(parts) == len(fields):
        return parts
    needed = [field for field in fields if not field.optional]
    if task == "sentence-embedding":
        needed = list(fields[: len(parts)])
    if len(parts) != len(needed):
        raise ValueError(
            f"Row {number} has {len(parts)} part{'s' if len(parts) != 1 else ''} ({_short(row)}); {task} "
            f"needs {', '.join(field.name for field in needed)}. Pass tuples of these, dicts, or a table "
            "with such columns."
        )
    values = dict(zip((field.name for field in needed), parts, strict=True))
    return tuple(values.get(field.name) for field in fields)


def _value(row: Mapping[Any, Any], field: Field, number: int) -> Any:
    for column in field.columns:
        if row.get(column) is not None:
            return row[column]
    if field.optional:
        return None
    if blank := [column for column in field.columns if column in row]:
        raise ValueError(f"Row {number} has nothing in its column {blank[0]}. Leave such rows out.")
    raise ValueError(
        f"Row {number} has no {field.name}: its columns are {', '.join(map(str, row))}, looked for "
        f"{', '.join(field.columns)}. Name the right one with text_column= or label_column=."
    )


def _short(row: Any) -> str:
    text = repr(row)
    return text if len(text) < 60 else text[:57] + "…"
