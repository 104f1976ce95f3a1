"""Models, tokenizers and processors from a folder, the hub's cache, or objects that are already there."""

import contextlib
import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Unpack

import torch
from torch import nn

from nblandscape.huggingface.anatomy import plain
from nblandscape.huggingface.embedding import Pooling
from nblandscape.huggingface.options import Options, takes_options
from nblandscape.huggingface.quantised import notes_on, quantisation
from nblandscape.huggingface.tasks import AUTO_CLASSES, Task, check_task, task_of

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
_PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
_ADAPTER_TASKS: dict[str, Task] = {
    "CAUSAL_LM": "causal-lm",
    "SEQ_CLS": "sequence-classification",
    "SEQ_2_SEQ_LM": "seq2seq-lm",
    "TOKEN_CLS": "token-classification",
    "QUESTION_ANS": "question-answering",
    "FEATURE_EXTRACTION": "sentence-embedding",
}


@dataclass(frozen=True)
class Access:
    """How files are found: arguments that every `from_pretrained` gets.

    With `outline` no weights are read: the model has shapes only, on the meta device.
    """

    revision: str | None = None
    trust_remote_code: bool = False
    local_files_only: bool | None = None
    outline: bool = False

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments."""
        found: dict[str, Any] = {"trust_remote_code": self.trust_remote_code}
        if self.revision is not None:
            found["revision"] = self.revision
        if self.local_files_only is not None:
            found["local_files_only"] = self.local_files_only
        return found


@dataclass(frozen=True)
class Loaded:
    """A model and what is needed to feed it.

    Attributes
    ----------
    model : transformers.PreTrainedModel or peft.PeftModel
    owned : bool
        Whether nobody else has the model, so that its weights may be shared instead of copied.
    places : tuple of str
        Folders or hub names where a tokenizer or processor may lie, in the order of trying.
    quantised : str
        How the weights are quantised; "" if they are not.
    notes : tuple of str
        What a user should know about the weights.
    options : Options
        All of them, as given or by default.
    """

    model: Any
    task: Task
    source: str
    owned: bool
    places: tuple[str, ...]
    access: Access
    pooling: Pooling = field(default_factory=Pooling)
    quantised: str = ""
    notes: tuple[str, ...] = ()
    options: Options = field(default_factory=Options, repr=False)

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return self.model.config

    def tokenizer(self) -> Any:
        """The tokenizer, given or found where the model lies.

        Raises
        ------
        ValueError
            There is none.
        """
        given = self.options["tokenizer"]
        if given is not None and not isinstance(given, (str, Path)):
            return given
        places = self.places if given is None else (str(given),)
        found = _first_of("AutoTokenizer", places, _TOKENIZER_FILES, self)
        if found is None or len(found) == 0:
            raise ValueError(
                f"No tokenizer files in {_listed(places)}. Pass tokenizer=, an object or the folder or name "
                "of the model whose tokenizer was used; or data as batches of input_ids."
            )
        return found

    def processor(self) -> Any | None:
        """The image processor, given or found where the model lies; None if there is none."""
        given = self.options["processor"]
        if given is not None and not isinstance(given, (str, Path)):
            return given
        places = self.places if given is None else (str(given),)
        return _first_of("AutoImageProcessor", places, _PROCESSOR_FILES, self)


@takes_options()
def load(model_or_path: Any, *, outline: bool = False, **options: Unpack[Options]) -> Loaded:
    """Load a model, or take the given one.

    With `outline` no weights are read: a model that is loaded has shapes only, on the meta device.

    Raises
    ------
    ImportError
        Transformers, or PEFT for an adapter, is not installed.
    FileNotFoundError
        No such folder, no weights in it, or a hub name that is not in the cache and out of reach.
    ValueError
        Weights that cannot be used: pickles only, corrupted, incomplete, or on no device; a device that
        does not exist; a revision of what is not on the hub.
    """
    transformers()
    _check_device(options["device"])
    wanted = None if options["task"] is None else check_task(options["task"])
    access = Access(options["revision"], options["trust_remote_code"], options["local_files_only"], outline)
    named = isinstance(model_or_path, (str, Path))
    if options["revision"] is not None and (not named or _folder(str(model_or_path)) is not None):
        what = model_or_path if named else f"a {type(model_or_path).__name__}"
        raise ValueError(
            f"revision={options['revision']!r} is a version on the hub, and {what} is not from there. "
            "Leave it out."
        )
    if named:
        loaded = _from_place(str(model_or_path), wanted, access)
    elif isinstance(model_or_path, nn.Module):
        loaded = _given(model_or_path, wanted, access)
    else:
        raise TypeError(
            f"model_or_path is a {type(model_or_path).__name__}; pass a folder, a hub name, or a model of "
            "Transformers."
        )
    notes = [*loaded.notes, *([] if loaded.access.outline else _check_weights(loaded.model))]
    quantised = quantisation(loaded.model)
    notes += notes_on(quantised)
    return replace(
        loaded,
        quantised=quantised,
        notes=tuple(notes),
        options=options,
    )


def _check_device(device: Any) -> None:
    """Find a device that does not exist before anything is loaded."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = _first_line(error)
        raise ValueError(
            f'device={str(device)!r} cannot be used here ({reason}). Use "cpu", or leave it out.'
        ) from error


def transformers() -> Any:
    """The transformers package.

    Raises
    ------
    ImportError
        It is not installed.
    """
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name == "transformers"
        reason = "" if absent else f" (it is there, but cannot be imported: {_first_line(error)})"
        raise ImportError(
            f"Models of Hugging Face need Transformers{reason}: pip install 'nblandscape[hf]'"
        ) from error


def _given(model: nn.Module, task: Task | None, access: Access) -> Loaded:
    from nblandscape.replica import unwrap

    inner: Any = unwrap(model)
    if not hasattr(inner, "config"):
        raise TypeError(
            f"{type(inner).__name__} is no model of Transformers (it has no config). "
            "Use Objective(model, loss, batches)."
        )
    name = str(getattr(inner.config, "_name_or_path", "") or "")
    return Loaded(
        inner,
        task or task_of(inner.config, type(plain(inner)).__name__),
        name or f"a {type(inner).__name__}",
        owned=False,
        places=(name,) if name else (),
        access=Access(access.revision, access.trust_remote_code, local_files_only=True),
    )


def _from_place(place: str, task: Task | None, access: Access) -> Loaded:
    """From a folder or a hub name: a model, a sentence-transformers folder, or an adapter."""
    folder = _folder(place)
    if folder is None:
        return _from_hub(place, task, access)
    if (folder / "adapter_config.json").is_file():
        return _adapter(folder, task, access)
    pooling = Pooling()
    places = [str(folder)]
    if (folder / "modules.json").is_file():
        inner, pooling = _sentence_transformers(folder)
        task = task or "sentence-embedding"
        folder = inner
        places.insert(0, str(folder))
    _check_folder(folder)
    places.append(str(folder.parent))  # a Trainer's checkpoint-500 may lack what lies beside it
    config = _configuration(str(folder), access)
    found = task or task_of(config)
    model = _model(str(folder), config, found, access)
    return Loaded(model, found, place, True, tuple(dict.fromkeys(places)), access, pooling)


def _from_hub(name: str, task: Task | None, access: Access) -> Loaded:
    with _hub(name):
        adapter = _hub_file(name, "adapter_config.json", access)
        if adapter is not None:
            _hub_file(name, "adapter_model.safetensors", access)  # fetched, if only the other one was
            return _adapter(Path(adapter).parent, task, access, source=name)
        modules = _hub_file(name, "modules.json", access)
        pooling = Pooling()
        if modules is not None:
            task = task or "sentence-embedding"
            for module in json.loads(Path(modules).read_text()):
                _hub_file(name, f"{module['path']}/config.json".lstrip("/"), access)
            _, pooling = _sentence_transformers(Path(modules).parent)
        config = _configuration(name, access)
        found = task or task_of(config)
        model = _model(name, config, found, access)
    return Loaded(model, found, name, True, (name,), access, pooling)


def _folder(place: str) -> Path | None:
    """The folder that a place names, None for a name on the hub."""
    path = Path(place).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        raise ValueError(
            f"{place} is a file. Pass the folder that it lies in, with config.json and the weights."
        )
    if path.is_absolute() or place.startswith((".", "~")) or place.count("/") > 1 or "\\" in place:
        raise FileNotFoundError(
            f"There is no folder {place}. Check the path, or pass the name of a hub model."
        )
    return None


def _check_folder(folder: Path) -> None:
    """Find what is wrong with a folder before anything is loaded: missing files, pickles, broken weights."""
    if not (folder / "config.json").is_file():
        steps = sorted(p.name for p in folder.iterdir() if (p / "config.json").is_file())
        hint = f" It holds {', '.join(steps[:4])}: pass one of them." if steps else ""
        raise FileNotFoundError(
            f"{folder} has no config.json, so it is no "
            f"checkpoint.{hint or ' Save one with model.save_pretrained.'}"
        )
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickles = sorted(p.name for pattern in _PICKLES for p in folder.glob(pattern))
        raise _no_weights(folder, [p for p in pickles if not p.startswith(("training_args", "optimizer"))])
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text())["weight_map"].values())
        if missing := sorted(shards - {p.name for p in weights}):
            raise FileNotFoundError(
                f"{folder} lacks {len(missing)} of {len(shards)} shards: {missing[0]}. Copy it again."
            )
    for file in weights:
        check_weights_file(file)


def _no_weights(folder: Path, pickles: list[str]) -> OSError | ValueError:
    if not pickles:
        return FileNotFoundError(
            f"{folder} has a configuration but no weights (no .safetensors file). "
            "Save them with model.save_pretrained, or copy the folder again."
        )
    return ValueError(
        f"{folder} has its weights as {pickles[0]} only. Such files are pickles, which can run any code "
        "when they are read; only safetensors are. If you trust the file, convert it once: "
        "AutoModel….from_pretrained(folder).save_pretrained(new_folder), or pass the loaded model itself."
    )


def check_weights_file(file: Path) -> None:
    """Read the header of a safetensors file.

    Raises
    ------
    ValueError
        It is corrupted.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt"):
            pass
    except SafetensorError as error:
        size = file.stat().st_size
        raise ValueError(
            f"{file} is corrupted or incomplete ({size:,} bytes: {error}). Copy or download it again."
        ) from error


def _configuration(place: str, access: Access) -> Any:
    try:
        return transformers().AutoConfig.from_pretrained(place, **access.arguments())
    except (ValueError, KeyError, OSError) as error:
        if isinstance(error, OSError) and not Path(place, "config.json").is_file():
            raise  # a hub out of reach
        raise ValueError(
            f"The configuration of {place} cannot be read: {error}"
            + (
                ""
                if access.trust_remote_code
                else " (Code in the folder is not run: trust_remote_code=False.)"
            )
        ) from error


def _model(place: str, config: Any, task: Task, access: Access, *, added: tuple[str, ...] = ()) -> Any:
    """The model of a task; every weight comes from the checkpoint, but for modules that an adapter brings."""
    auto = getattr(transformers(), AUTO_CLASSES[task])
    if access.outline:
        try:
            return _outline(auto, place, config, access)
        except ValueError as error:
            raise _not_of_the_task(place, config, task, error) from error
    with torch.random.fork_rng(devices=[]):  # of which what the checkpoint lacks would be drawn
        try:
            model, info = auto.from_pretrained(
                place,
                config=config,
                dtype="auto",
                use_safetensors=True,
                output_loading_info=True,
                **access.arguments(),
            )
        except (RuntimeError, ValueError) as error:
            raise _not_of_the_task(place, config, task, error) from error
    missing = sorted(info["missing_keys"])
    if task == "sentence-embedding" and missing and all(key.startswith("pooler.") for key in missing):
        model.pooler = None  # it does not take part in the embedding
        missing = []
    missing = [key for key in missing if not any(part in added for part in key.split("."))]
    if missing:
        architecture = (config.architectures or ["an unknown class"])[0]
        raise ValueError(
            f"{place} lacks {len(missing)} weights that {task} needs ({', '.join(missing[:4])}): they would "
            f"be random. The checkpoint was saved from {architecture}. Choose its own task with task=, or "
            "train the missing part first and save the model."
        )
    return model.eval()


def _not_of_the_task(place: str, config: Any, task: Task, error: Exception) -> ValueError:
    saved = (config.architectures or ["an unknown class"])[0]
    return ValueError(
        f"{place} cannot be loaded for {task}: {_first_line(error)} It was saved from {saved}. Choose its "
        "own task with task=, or leave that out."
    )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _outline(auto: Any, place: str, config: Any, access: Access) -> Any:
    """The model that would be loaded, without its weights."""
    kept = _kept_type(Path(place)) or getattr(config, "dtype", None) or torch.float32
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        model = auto.from_config(config, dtype=kept, trust_remote_code=access.trust_remote_code)
    if (how := getattr(config, "quantization_config", None)) is not None:
        quantisers = importlib.import_module("transformers.quantizers.auto").AutoHfQuantizer
        quantisers.from_config(how, pre_quantized=True).preprocess_model(model=model, dtype=kept)
    return model.eval()


def _kept_type(folder: Path) -> torch.dtype | None:
    """Type of the first weight that the header of a safetensors file in a folder names."""
    from safetensors import safe_open

    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118
                known = {
                    "F64": torch.float64,
                    "F32": torch.float32,
                    "F16": torch.float16,
                    "BF16": torch.bfloat16,
                }
                found = known.get(tensors.get_slice(name).get_dtype())
                if found is not None:
                    return found
    return None


def _adapter(folder: Path, task: Task | None, access: Access, source: str | None = None) -> Loaded:
    """The base model that an adapter names, with the adapter on top, not merged."""
    try:
        peft = importlib.import_module("peft")
    except ImportError as error:
        raise ImportError(f"{folder} is an adapter, which needs PEFT: pip install peft") from error
    if not list(folder.glob("adapter_model*.safetensors")):
        raise _no_weights(folder, sorted(p.name for p in folder.glob("adapter_model*.bin")))
    for file in folder.glob("*.safetensors"):
        check_weights_file(file)
    adapter = peft.PeftConfig.from_pretrained(str(folder))
    base = str(adapter.base_model_name_or_path or "")
    if not base:
        raise ValueError(
            f"{folder / 'adapter_config.json'} names no base model. Load it yourself and pass "
            "PeftModel.from_pretrained(base, folder)."
        )
    beside = folder / base
    place = str(beside) if not Path(base).is_dir() and beside.is_dir() else base
    found = task or _ADAPTER_TASKS.get(str(getattr(adapter.task_type, "value", adapter.task_type)))
    base_folder = _folder(place)
    if base_folder is not None:
        _check_folder(base_folder)
    own = replace(access, revision=adapter.revision if base_folder is None else None)
    with contextlib.nullcontext() if base_folder else _hub(place):
        config = _configuration(place, own)
        found = found or task_of(config)
        added = tuple(getattr(adapter, "modules_to_save", None) or ())
        model = _model(place, config, found, own, added=added)
    with torch.random.fork_rng(devices=[]):
        if access.outline:
            with torch.device("meta"):
                adapted = peft.get_peft_model(model, adapter)
        else:
            adapted = peft.PeftModel.from_pretrained(model, str(folder), is_trainable=False)
    places = (str(folder), source or str(folder.parent), place)
    return Loaded(adapted.eval(), found, source or str(folder), True, places, access)


def _sentence_transformers(folder: Path) -> tuple[Path, Pooling]:
    """Folder of the weights, and pooling, of what sentence-transformers saved."""
    modules = json.loads((folder / "modules.json").read_text())
    kinds = {str(module["type"]).rsplit(".", 1)[-1]: folder / module["path"] for module in modules}
    if other := sorted(set(kinds) - {"Transformer", "Pooling", "Normalize"}):
        raise ValueError(
            f"{folder} has a {other[0]} module behind the pooling, which is not known here; leaving it out "
            "would be another model. Use Objective.from_batch_loss with the sentence-transformers model."
        )
    pooling = Pooling()
    file = kinds.get("Pooling", folder / "1_Pooling") / "config.json"
    if file.is_file():
        pooling = Pooling.from_config(json.loads(file.read_text()))
    return kinds.get("Transformer", folder), pooling


def _check_weights(model: Any) -> list[str]:
    """Notes about the weights; an error for those that cannot be read."""
    if offloaded := [name for name, p in model.named_parameters() if p.is_meta]:
        raise ValueError(
            f"{len(offloaded)} parameters are offloaded (on the meta device, {offloaded[0]} first) and "
            f"cannot be read. Load the model without device_map, or with device_map={{'': 'cpu'}}."
        )
    devices = sorted({str(p.device) for p in model.parameters()})
    if len(devices) > 1:
        raise ValueError(
            f"The model is spread over {', '.join(devices)}. Load it on one device: without device_map, or "
            f"with device_map={{'': '{devices[0]}'}}."
        )
    half = sorted({str(p.dtype) for p in model.parameters() if p.dtype in (torch.float16, torch.bfloat16)})
    return [
        f"The weights are {name.removeprefix('torch.')} and are analysed in float32: small displacements "
        "would be rounded away."
        for name in half
    ]


def _first_of(auto: str, places: tuple[str, ...], files: tuple[str, ...], loaded: Loaded) -> Any | None:
    """What an auto class makes of the first place that has one of its files.

    Without any, Transformers would make an empty tokenizer without an error.
    """
    for place in places:
        folder = Path(place).expanduser()
        if folder.is_dir():
            if not any((folder / name).is_file() for name in files):
                continue
        elif all(_hub_file(place, name, loaded.access) is None for name in files):
            continue
        try:
            return getattr(transformers(), auto).from_pretrained(place, **loaded.access.arguments())
        except Exception as error:  # of many libraries that parse files: what they raise is not declared
            what, option = (
                ("tokenizer", "tokenizer=") if auto == "AutoTokenizer" else ("image processor", "processor=")
            )
            raise ValueError(
                f"The {what} in {place} cannot be read ({_first_line(error)}). Save it again with "
                f"save_pretrained, or pass another one with {option}."
            ) from error
    return None


def _hub_file(name: str, file: str, access: Access) -> str | None:
    """Path of a hub file in the cache, None if the model has no such file or cannot be reached."""
    from transformers.utils.hub import cached_file

    arguments = {key: value for key, value in access.arguments().items() if key != "trust_remote_code"}
    try:
        path: str | None = cached_file(
            name,
            file,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
            _raise_exceptions_for_gated_repo=False,
            **arguments,
        )
    except OSError:
        return None
    return path


@contextlib.contextmanager
def _hub(name: str) -> Iterator[None]:
    """Say what can be done about a model that cannot be had."""
    try:
        yield
    except OSError as error:
        reason = _first_line(error)
        raise FileNotFoundError(
            f"{name} is neither a folder here nor complete in the hub's cache, and cannot be downloaded: "
            f"{reason} Run `hf download {name}` where there is a network (HF_HOME is the cache), or pass a "
            "folder."
        ) from error


def _listed(places: tuple[str, ...]) -> str:
    names = ["the present folder" if place == "." else place for place in places]
    return " or ".join(names) or "sight (the model does not say where it came from)"
