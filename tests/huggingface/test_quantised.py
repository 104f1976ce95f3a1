"""Models with quantised weights: losses are the model's own, derivatives are refused, and both say why."""

import json
import warnings

import numpy as np
import pytest
import torch
from torch._inductor.exc import InvalidCxxCompiler

import nblandscape as nbl
from nblandscape.cli import main
from nblandscape.huggingface.loading import load
from nblandscape.huggingface.plan import plan_inspection
from nblandscape.huggingface.quantised import quantisation
from nblandscape.huggingface.tasks import TaskLoss
from tests.huggingface import small

pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning"),  # of inductor itself
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning"),
]
FEW = {"limit": 4, "overflow": "truncate"}


@pytest.fixture(scope="module", autouse=True)
def _no_compilation():
    """Transformers' layers unpack their weights in compiled functions: minutes, for models of this size."""
    with torch.compiler.set_stance("force_eager"):
        yield


@pytest.fixture(scope="module")
def bitnet_folder(llama_folder, tmp_path_factory):
    loaded = load(llama_folder)
    return small.bitnet(loaded.model, tmp_path_factory.mktemp("quantised") / "bitnet", loaded.tokenizer())


@pytest.fixture(scope="module")
def dynamic(classifier_folder):
    """BERT with linear layers of int8, by torch itself."""
    model = load(classifier_folder).model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to move this elsewhere
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)


def test_a_bitnet_checkpoint_moves_what_is_left_in_floating_point(bitnet_folder, texts):
    objective = nbl.from_transformers(bitnet_folder, texts, **FEW)
    model = load(bitnet_folder).model
    packed = {n for n, b in model.named_buffers() if b.dtype == torch.uint8}
    assert len(packed) == 14
    assert objective.parameter_names == [n for n, _ in model.named_parameters()]
    assert objective.description["quantised"] == "bitnet"
    # The losses at a displacement are those of a model whose parameters were moved by hand.
    plane = nbl.Subspace.random(objective, 1, seed=1)
    moved = objective.parameters_at(plane, [0.5])
    model.load_state_dict(moved, strict=False)
    batch = objective.parts()[1].batches[0]
    with torch.no_grad():
        logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    labels = batch["labels"][:, 1:]
    by_hand = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels.flatten()).item()
    assert objective.evaluator(plane)(np.array([0.5])).loss == pytest.approx(by_hand, rel=1e-5)
    assert by_hand != pytest.approx(objective.loss(), rel=1e-3)


def test_the_plan_of_a_bitnet_checkpoint_is_that_of_the_loaded_model(bitnet_folder, texts):
    plan = plan_inspection(bitnet_folder, texts, **FEW)
    model = load(bitnet_folder).model
    assert plan.sizes.total == plan.sizes.analysed == sum(p.numel() for p in model.parameters())
    packed = sum(b.nbytes for b in model.buffers() if b.dtype == torch.uint8)
    assert plan.sizes.stored == 4 * plan.sizes.total + packed
    assert plan.choice.mode == "random"
    assert "random directions: the weights are quantised (bitnet)" in repr(plan)
    with pytest.raises(ValueError, match=r'quantised \(bitnet\).*Use mode="random"'):
        plan_inspection(bitnet_folder, texts, mode="hessian", **FEW)


def test_a_missing_compiler_has_its_remedy(bitnet_folder, texts, monkeypatch):
    """The error is torch's own, where it looks for a C++ compiler at the first loss."""

    def refuse(*args, **kwargs):
        raise InvalidCxxCompiler

    monkeypatch.setattr(TaskLoss, "forward", refuse)
    with pytest.raises(ValueError, match=r"No working C\+\+ compiler.*with TORCH_COMPILE_DISABLE=1 in"):
        nbl.from_transformers(bitnet_folder, texts, **FEW)


def test_compilation_is_in_the_plan(bitnet_folder, texts, monkeypatch):
    monkeypatch.delenv("TORCH_COMPILE_DISABLE", raising=False)
    assert "torch compiles the unpacking" in repr(plan_inspection(bitnet_folder, texts, **FEW))
    monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")
    assert "torch compiles" not in repr(plan_inspection(bitnet_folder, texts, **FEW))


@pytest.mark.parametrize(
    "call",
    [
        lambda o: o.gradient(),
        lambda o: o.hvp(torch.ones(o.num_parameters)),
        lambda o: nbl.hessian_spectrum(o, largest=1, smallest=1),
        lambda o: nbl.hessian_trace(o, samples=2),
        lambda o: nbl.block_curvature(o, samples=2),
    ],
    ids=["gradient", "product", "spectrum", "trace", "blocks"],
)
def test_derivatives_are_refused(bitnet_folder, texts, call):
    objective = nbl.from_transformers(bitnet_folder, texts, **FEW)
    with pytest.raises(
        ValueError, match=r"quantised \(bitnet\), and what is rounded has no derivative. Losses"
    ):
        call(objective)


def test_dynamic_quantisation_of_torch_is_seen_and_left_alone(dynamic, texts, words):
    assert quantisation(dynamic) == "torch.ao"
    before = {name: p.detach().clone() for name, p in dynamic.named_parameters()}
    rows = [(text, int(label == "advice")) for text, label in small.advice(texts)[:6]]
    objective = nbl.from_transformers(dynamic, rows, tokenizer=words)
    batch = words([text for text, _ in rows], padding=True, return_tensors="pt")
    with torch.no_grad():
        own = dynamic(**batch, labels=torch.tensor([label for _, label in rows])).loss.item()
    assert objective.loss() == pytest.approx(own, rel=1e-5)
    landscape = nbl.sample(objective, nbl.Subspace.random(objective, 2, stored=False), points=5)
    assert np.isfinite(landscape.values).all()
    assert np.ptp(landscape.values) > 1e-3
    assert all(torch.equal(p, before[name]) for name, p in dynamic.named_parameters())
    with pytest.raises(ValueError, match=r"quantised \(torch\.ao\)"):
        objective.gradient()


def test_the_command_says_in_table_page_and_json_that_there_is_no_spectrum(
    bitnet_folder, texts, tmp_path, capsys
):
    notes, page = tmp_path / "notes.txt", tmp_path / "report.html"
    notes.write_text("\n".join(texts[:4]), encoding="utf-8")
    given = ["inspect", str(bitnet_folder), "--text", str(notes), "--overflow", "truncate", "--points", "9"]
    assert main([*given, "--html", str(page), "--quiet"]) == 0
    table = capsys.readouterr().out
    assert "spectrum             none: the weights are quantised (bitnet)" in table
    assert "trace from losses    " in table
    told = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert told["spectrum"] is told["blocks"] is told["trust"] is None
    assert told["trace"]["method"] == "loss"
    assert told["trace"]["stderr"] > 0
    assert told["no_spectrum"] == told["plan"]["reason"]
    shown = page.read_text(encoding="utf-8")
    assert "None: the weights are quantised (bitnet)" in shown
    assert "Trace of the Hessian from losses alone: " in shown
