"""Objectives from Transformers models: the model's own task, loss and data as a function of its weights."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Unpack

from nblandscape.huggingface.anatomy import inputs_of
from nblandscape.huggingface.data import Preparation
from nblandscape.huggingface.loading import Loaded, load
from nblandscape.huggingface.options import Options, takes_options
from nblandscape.huggingface.quantised import has_derivatives
from nblandscape.huggingface.selection import select
from nblandscape.huggingface.targets import Batch
from nblandscape.huggingface.tasks import Metrics, TaskLoss, metrics_of, problem_of
from nblandscape.objective import Objective
from nblandscape.parameters import ParameterFilter


@takes_options()
def from_transformers(model_or_path: Any, data: object, **options: Unpack[Options]) -> Objective:
    """Make an objective from a model of Hugging Face and data of almost any kind.

    The loss is the model's own for its task, as a mean over what counts: tokens that are no padding and no
    prompt, labels, or pairs of texts. Auxiliary losses (mixtures of experts) are left out.

    Parameters
    ----------
    model_or_path : str, Path, transformers.PreTrainedModel or peft.PeftModel
        A folder that `save_pretrained` wrote, an adapter's or a sentence-transformers folder, a name on the
        hub (its cache is enough), or a loaded model. Only safetensors are read.
    data : object
        A list of texts or of tuples, a file (.txt: a text per line; .csv, .tsv, .json, .jsonl), a
        `datasets.Dataset`, a DataLoader, or batches. Rows by task: text; (text, label), (text, text, label);
        (words, labels); (question, context, answer); (source, target); (image, label). For sentence
        embeddings (text, text, score) compares cosines with scores; pairs and single texts (two views
        with a tenth of the tokens left out) are told apart from the others in their batch, so that the
        composition of the batches is part of the objective.
    task : str, optional
        causal-lm, masked-lm, sequence-classification, token-classification, question-answering, seq2seq-lm,
        image-classification or sentence-embedding; by default what the configuration says.
    tokenizer, processor : object or str, optional
        By default what lies beside the model.
    parameters : optional
        "all", "head", "adapters", "layer:3" ("encoder:0" with more than one stack), or names, glob, regex or
        callable as in `Objective`. Default: adapters if there are some, else what requires a gradient.
    metrics : sequence of names or dict of callables, optional
        "accuracy", or ``(model, batch) -> (sum, count)`` by name. Each costs a forward pass more per point.
    max_length : int, optional
        Tokens per text; by default the model's context.
    overflow : {"error", "truncate", "split"}
        What happens to longer texts; "split" makes several sequences of an unlabelled text, so that every
        token stays a target.
    batch_size, limit : int
        Texts per batch, and at most so many texts.
    seed : int
        Of the masks and views that are drawn once.
    revision, trust_remote_code, local_files_only
        As in Transformers. Code that lies beside a model is never run unless `trust_remote_code` says so.
    text_column, label_column : str, optional
        Columns of files and data sets, where they do not have a usual name.
    batchnorm, device, dtype, copy, products, graph_bytes
        As in `Objective`. Weights that were loaded here are not copied again.

    Returns
    -------
    Objective
        Its `description` also has the task, the model's source, the tokens, and what was done to the data.

    Raises
    ------
    ImportError
        Transformers is not installed.
    FileNotFoundError
        No such folder, file or model.
    ValueError
        A model or data that cannot be used; the text says what to do.

    Notes
    -----
    Of quantised models the parameters that are left in floating point move, and losses are exact; gradients
    and Hessian products are refused, since rounding has no derivative (methods that Transformers calls
    trainable, such as bitsandbytes under adapters, are let through). Tested: bitnet checkpoints and
    torch.ao's dynamic quantisation; others are recognised by their configuration. Transformers unpacks bitnet
    weights in functions that torch compiles at the first loss: that needs a C++ compiler, and took 40 s for a
    model of two layers; with TORCH_COMPILE_DISABLE=1 in the environment of Python there is no compilation.

    Examples
    --------
    >>> import torch, transformers
    >>> config = transformers.GPT2Config(
    ...     vocab_size=11, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    ... )
    >>> model = transformers.GPT2LMHeadModel(config)
    >>> objective = from_transformers(model, [{"input_ids": torch.arange(10).reshape(2, 5)}])
    >>> objective.description["tokens"], objective.batch_counts  # the first of five tokens is no target
    (10, array([8.]))
    """
    loaded = load(model_or_path, **options)
    return objective_of(loaded, Preparation(loaded).batches(data))


def objective_of(loaded: Loaded, prepared: list[Batch]) -> Objective:
    """The objective of a loaded model and the batches that were prepared for it."""
    loss = task_loss(loaded, prepared[0])
    with _compiling(loaded):
        return _made(loaded, prepared, loss)


@contextlib.contextmanager
def _compiling(loaded: Loaded) -> Iterator[None]:
    """Say what can be done where a model that is compiled at its first loss cannot be."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("torch._inductor", "torch._dynamo")):
            raise
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{loaded.source} has layers that torch compiles at the first loss, which fails here: {reason}. "
            "Install a C++ compiler, or start Python with TORCH_COMPILE_DISABLE=1 in its environment."
        ) from error


def _made(loaded: Loaded, prepared: list[Batch], loss: TaskLoss) -> Objective:
    options = loaded.options
    return Objective.from_batch_loss(
        loaded.model,
        loss,
        prepared,
        parameters=analysed(loaded),
        metrics=_metrics(loss, options["metrics"]),
        batchnorm=options["batchnorm"],
        device=options["device"],
        dtype=options["dtype"],
        copy=options["copy"] and not loaded.owned,
        limit=options["limit"],
        products=options["products"],
        graph_bytes=options["graph_bytes"],
    )


def task_loss(loaded: Loaded, batch: Mapping[str, Any]) -> TaskLoss:
    """The loss of a loaded model's task on batches like this one."""
    config = loaded.config
    provenance: dict[str, Any] = {"source": loaded.source}
    if loaded.options["revision"] is not None:
        provenance["revision"] = loaded.options["revision"]
    if loaded.notes:
        provenance["notes"] = list(loaded.notes)
    reason = ""
    if loaded.quantised:
        provenance["quantised"] = loaded.quantised
        if not has_derivatives(loaded.model):
            reason = (
                f"The weights are quantised ({loaded.quantised}), and what is rounded has no derivative. "
                'Losses are enough for inspect(mode="random"), Subspace.random and '
                'hessian_trace(method="loss").'
            )
    classifies = loaded.task in ("sequence-classification", "image-classification")
    return TaskLoss(
        loaded.task,
        options={"use_cache": False} if "use_cache" in inputs_of(loaded.model) else {},
        problem=problem_of(config, batch["labels"]) if classifies else "single_label_classification",
        pooling=loaded.pooling,
        provenance=provenance,
        no_derivatives=reason,
    )


def analysed(loaded: Loaded) -> ParameterFilter | None:
    """What `Objective` takes as `parameters`; of a quantised model, what can move at all."""
    chosen = select(loaded.model, loaded.options["parameters"])
    if chosen is None and loaded.quantised:
        return select(loaded.model, "all")
    return chosen


def _metrics(loss: TaskLoss, wanted: Metrics | Sequence[str] | None) -> Metrics:
    if wanted is None:
        return {}
    if isinstance(wanted, Mapping):
        return wanted
    known = metrics_of(loss)
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"metrics={unknown[0]!r} is unknown for {loss.task}; "
            f"{'there is ' + ', '.join(known) if known else 'it has none'}. Or pass a dict of callables."
        )
    return {name: known[name] for name in names}
