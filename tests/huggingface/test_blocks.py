"""Curvature by block: closed forms, a dense oracle on a GPT-2, and how names become blocks."""

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from torch import nn

import nblandscape as nbl
from nblandscape.cancel import Cancelled
from nblandscape.huggingface.blocks import block_curvature, group_by_block, iter_block_curvature

DIAGONALS = {"wte": [4.0, 1.0], "h.0": [9.0, -3.0, 0.5], "h.1": [-2.0, -1.0], "head": [7.0]}
COUPLING = 0.3


class Quadratic(nn.Module):
    """Half theta A theta, with A known: a diagonal for every block, and one number anywhere between them."""

    def __init__(self, coupling):
        super().__init__()
        self.coupling = coupling
        wte, first, second, head = (
            nn.ParameterDict({"w": nn.Parameter(torch.zeros(len(d), dtype=torch.float64))})
            for d in DIAGONALS.values()
        )
        self.wte, self.h, self.head = wte, nn.ModuleList([first, second]), head

    def forward(self, _):
        parts = [block["w"] for block in (self.wte, *self.h, self.head)]
        loss = torch.zeros((), dtype=torch.float64)
        for part, diagonal in zip(parts, DIAGONALS.values(), strict=True):
            loss = loss + 0.5 * (torch.tensor(diagonal, dtype=torch.float64) * part**2).sum()
        sums = [part.sum() for part in parts]
        total = sum(sums)
        return loss + 0.5 * self.coupling * (total**2 - sum(s**2 for s in sums))


def quadratic(coupling=0.0):
    return nbl.Objective.from_batch_loss(Quadratic(coupling), lambda model, x: (model(x), 1), [torch.ones(1)])


def tiny_gpt2():
    """A float64 GPT-2 of a few hundred parameters, and its loss on two texts."""
    transformers = pytest.importorskip("transformers")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.GPT2Config(
            vocab_size=7,
            n_positions=6,
            n_embd=4,
            n_layer=2,
            n_head=2,
            n_inner=4,
            bos_token_id=0,
            eos_token_id=0,
        )
        model = transformers.GPT2LMHeadModel(config).double().eval()
    ids = torch.tensor([[1, 2, 3, 4, 5, 6], [6, 1, 5, 2, 4, 3]])

    def loss(model, batch):
        logits = model(input_ids=batch, use_cache=False).logits[:, :-1]
        return nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten(), reduction="sum"), 10

    return model, loss, ids


@pytest.mark.parametrize("coupling", [0.0, COUPLING])
def test_blocks_of_a_known_hessian(coupling):
    found = block_curvature(quadratic(coupling), samples=40, tol=1e-8)
    assert found.names == ("embeddings", "layer 0", "layer 1", "head")
    assert found.tensors == (("wte.w",), ("h.0.w",), ("h.1.w",), ("head.w",))
    assert found.sizes == (2, 3, 2, 1)
    np.testing.assert_allclose(found.top, [max(d) for d in DIAGONALS.values()], rtol=1e-7)
    assert found.converged.all()
    assert (found.residuals < 1e-6).all()
    for trace, diagonal in zip(found.traces, DIAGONALS.values(), strict=True):
        if coupling == 0.0:  # then Rademacher vectors are exact
            assert trace.value == pytest.approx(sum(diagonal))
            assert trace.stderr == pytest.approx(0.0, abs=1e-12)
        else:
            assert 0 < trace.stderr < 1
            assert abs(trace.value - sum(diagonal)) < 4 * trace.stderr
    assert found.total.value == pytest.approx(sum(t.value for t in found.traces))


def test_blocks_of_a_gpt2_against_its_dense_hessian():
    model, loss, ids = tiny_gpt2()
    objective = nbl.Objective.from_batch_loss(model, loss, [ids])
    names = [name for name, _ in model.named_parameters()]
    model.set_attn_implementation("eager")  # the default one cannot be differentiated twice
    values = tuple(p.detach() for p in model.parameters())
    flat = torch.cat([v.flatten() for v in values])

    def of(vector):
        pieces = vector.split([v.numel() for v in values])
        state = {n: p.reshape(v.shape) for n, p, v in zip(names, pieces, values, strict=True)}
        logits = torch.func.functional_call(
            model, state, kwargs={"input_ids": ids, "use_cache": False}
        ).logits
        return nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())

    dense = torch.autograd.functional.hessian(of, flat)
    found = block_curvature(objective, samples=60, tol=1e-7, max_products=400)
    assert found.names == ("embeddings", "layer 0", "layer 1", "head")
    owner = np.repeat(
        [next(i for i, t in enumerate(found.tensors) if n in t) for n in names], [v.numel() for v in values]
    )
    for i in range(len(found)):
        mine = np.flatnonzero(owner == i)
        block = dense[np.ix_(mine, mine)]
        assert found.sizes[i] == len(mine)
        assert found.top[i] == pytest.approx(float(torch.linalg.eigvalsh(block)[-1]), rel=1e-5)
        assert abs(found.traces[i].value - float(block.trace())) < 5 * found.traces[i].stderr
    assert abs(found.total.value - float(dense.trace())) < 5 * found.total.stderr


def test_a_gpt2_by_tensor_adds_up_to_its_blocks():
    model, loss, ids = tiny_gpt2()
    objective = nbl.Objective.from_batch_loss(model, loss, [ids], parameters="transformer.h.1.*")
    by_block = block_curvature(objective, samples=5, tol=1e-4, max_products=200)
    by_tensor = block_curvature(objective, by="tensor", samples=5, tol=1e-4, max_products=200)
    assert by_block.names == ("layer 1",)
    assert by_tensor.names == tuple(objective.parameter_names)
    assert sum(t.value for t in by_tensor.traces) == pytest.approx(by_block.traces[0].value)
    # The largest eigenvalue of a part is never above that of the whole (interlacing).
    assert by_tensor.top.max() <= by_block.top[0] * (1 + 1e-3)


def test_a_block_that_the_loss_does_not_see_is_flat():
    model = nn.ModuleDict({"used": nn.Linear(2, 1), "unused": nn.Linear(2, 1)})
    objective = nbl.Objective.from_batch_loss(
        model, lambda m, x: (m["used"](x).square().sum(), len(x)), [torch.eye(2)]
    )
    found = block_curvature(objective, by="tensor", samples=2)
    flat = dict(zip(found.names, zip(found.traces, found.top, strict=True), strict=True))["unused.weight"]
    assert (flat[0].value, flat[1]) == (0.0, 0.0)


def test_partial_results_come_block_by_block_and_can_be_stopped():
    parts = list(iter_block_curvature(quadratic(), samples=3))
    assert [int(np.isfinite(part.top).sum()) for part in parts] == [0, 1, 2, 3, 4]
    assert [part.products for part in parts] == sorted({part.products for part in parts})
    seen = []

    def stop_after_two():
        return len(seen) >= 2

    with pytest.raises(Cancelled):
        block_curvature(quadratic(), samples=3, callback=seen.append, cancel=stop_after_two)
    assert len(seen) == 2


def test_same_seed_same_numbers_and_the_global_generator_is_not_used():
    before = torch.get_rng_state()
    first = block_curvature(quadratic(COUPLING), samples=3, seed=5).to_frame()
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(first, block_curvature(quadratic(COUPLING), samples=3, seed=5).to_frame())
    assert not np.array_equal(first, block_curvature(quadratic(COUPLING), samples=3, seed=6).to_frame())


def test_table_and_rows():
    found = block_curvature(quadratic(), samples=2, tol=1e-6)
    rows = found.to_frame()
    assert rows["block"].tolist() == list(found.names)
    assert rows["parameters"].sum() == 8
    assert rows["trace"].tolist() == pytest.approx([5.0, 6.5, -3.0, 7.0])
    assert "layer 1" in repr(found)
    assert f"{found.products} products" in repr(found)
    assert "not converged" not in repr(found)


@pytest.mark.filterwarnings("ignore:only 0 of 1 eigenpairs")
def test_an_eigenvalue_that_is_not_converged_says_so():
    model, loss, ids = tiny_gpt2()
    objective = nbl.Objective.from_batch_loss(model, loss, [ids])
    found = block_curvature(objective, samples=2, tol=1e-9, max_products=4)
    assert not found.converged.any()
    assert repr(found).count("not converged") == len(found)


@pytest.mark.parametrize("face", ["white", "#101418"])
def test_bars_have_the_right_lengths_errors_and_colours(face):
    found = block_curvature(quadratic(COUPLING), samples=6, tol=1e-6)
    figure = found.plot(Figure(facecolor=face))
    left, right = figure.axes
    for axes, values in ((left, [t.value for t in found.traces]), (right, found.top)):
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(list(values))
        ink = mpl.colors.to_rgba(axes.title.get_color())
        assert (sum(ink[:3]) > 1.5) == (face != "white")
    assert left.yaxis_inverted()
    whiskers = (
        next(c for c in left.containers if isinstance(c, BarContainer)).errorbar.lines[2][0].get_segments()
    )
    half = [(segment[1, 0] - segment[0, 0]) / 2 for segment in whiskers]
    assert half == pytest.approx([t.stderr for t in found.traces])
    assert [label.get_text() for label in left.get_yticklabels()] == list(found.names)


def test_bad_arguments_name_the_value_and_the_remedy():
    with pytest.raises(ValueError, match='by=\'layer\'; use "block" or "tensor"'):
        iter_block_curvature(quadratic(), by="layer")
    with pytest.raises(ValueError, match="samples=1"):
        iter_block_curvature(quadratic(), samples=1)
    with pytest.raises(ValueError, match="needs an Objective"):
        block_curvature(np.eye(3))


NAMES = {
    "llama": (
        "model.embed_tokens.weight model.layers.0.a model.layers.1.a model.norm.weight lm_head.weight",
        ["embeddings", "layer 0", "layer 1", "head"],
    ),
    "lora": (
        "base_model.model.h.0.attn.lora_A.default.weight base_model.model.h.1.attn.lora_B.default.weight",
        ["layer 0", "layer 1"],
    ),
    "t5": (
        "shared.weight encoder.block.0.layer.0.q encoder.block.1.layer.1.q encoder.final_layer_norm.weight "
        "decoder.block.0.layer.2.q decoder.final_layer_norm.weight lm_head.weight",
        ["embeddings", "encoder 0", "encoder 1", "encoder.final_layer_norm", "decoder 0", "head"],
    ),
    "resnet": (
        "resnet.embedder.convolution.weight resnet.encoder.stages.0.layers.0.layer.0.convolution.weight "
        "resnet.encoder.stages.1.layers.0.shortcut.convolution.weight classifier.1.weight",
        ["embeddings", "layer 0", "layer 1", "head"],
    ),
    "one layer": ("transformer.h.5.attn.weight transformer.h.5.mlp.weight", ["layer 5"]),
    "no layers": ("score.weight score.bias scale", ["score", "scale"]),
}


@pytest.mark.parametrize("names", NAMES)
def test_names_of_real_models(names):
    text, blocks = NAMES[names]
    assert list(group_by_block(text.split())) == blocks


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "0", "1", "h"]), min_size=1, max_size=5), unique_by=tuple)
)
def test_every_name_is_in_one_block(paths):
    names = [".".join(path) for path in paths]
    blocks = group_by_block(names)
    assert sorted(name for block in blocks.values() for name in block) == sorted(names)
    for name in names:
        first = next((part for part in name.split(".") if part.isdecimal()), None)
        (block,) = (block for block, inside in blocks.items() if name in inside)
        if block.startswith(("layer ", "a ", "h ", "b ")):
            assert block.split()[-1] == first
