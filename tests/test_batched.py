"""Many points in one call: chosen by measurement, the values of the loop, and the loop where vmap cannot."""

import contextlib
import threading

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl
from nblandscape import batched
from nblandscape.landscape import sampler
from nblandscape.memory import peak_bytes

D = torch.float64


@pytest.fixture
def forced(monkeypatch):
    """Vmap wherever it gives the values of the loop, however long it takes."""
    monkeypatch.setattr(batched, "GAIN", 0.0)
    monkeypatch.setattr(sampler, "ONE_BY_ONE", frozenset())
    monkeypatch.setattr(batched.Ahead, "_slower", lambda self, seconds, count: False)


def seeded(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make()


def mlp(dtype=D):
    return seeded(lambda: nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))).to(dtype)


def data(dtype=D, sizes=(6, 4)):
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(n, 5, dtype=dtype, generator=generator), torch.randint(3, (n,), generator=generator))
        for n in sizes
    ]


def both(objective, monkeypatch, plane=None, **options):
    """A landscape with the loop alone, and one with what `batched` chooses."""
    plane = plane or nbl.Subspace.random(objective, 2)
    options = {"points": 11, **options}
    with monkeypatch.context() as patch:
        patch.setattr(nbl.Objective, "block_evaluator", lambda self, subspace: None)
        alone = nbl.sample(objective, plane, **options)
    assert alone.provenance["points_at_once"] == 1
    return alone, nbl.sample(objective, plane, **options)


def error(output, target):
    return (output.argmax(1) != target).double().mean()


@pytest.mark.parametrize("dtype", [torch.float32, D])
def test_values_batch_losses_and_metrics_are_those_of_the_loop(forced, monkeypatch, dtype):
    objective = nbl.Objective(mlp(dtype), nn.CrossEntropyLoss(), data(dtype), metrics={"error": error})
    alone, together = both(objective, monkeypatch)
    assert together.provenance["points_at_once"] >= 16
    bound = batched.ROUNDING * torch.finfo(dtype).eps
    np.testing.assert_allclose(together.values, alone.values, rtol=bound)
    np.testing.assert_allclose(together.batch_losses, alone.batch_losses, rtol=bound)
    np.testing.assert_allclose(together.metrics["error"], alone.metrics["error"], atol=1e-12)
    assert together.origin_value == objective.loss()  # the origin is always evaluated by itself


class Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.out = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Linear(48, 4)

    def forward(self, x):
        return self.out(torch.relu(self.norm(self.conv(x))).flatten(1))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.inner = nn.Embedding(7, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.embed.weight.requires_grad_(False)

    def forward(self, ids):
        return self.inner(self.embed(ids)).mean(1)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(5, 5, bias=False), nn.Linear(5, 5, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(torch.tanh(self.first(x)))


CASES = {
    "convolution": (Convolutional, "eval", lambda g: torch.randn(6, 1, 6, 6, generator=g, dtype=D), 4),
    "batch statistics": (Convolutional, "batch", lambda g: torch.randn(6, 1, 6, 6, generator=g, dtype=D), 4),
    "attention": (Attention, "eval", lambda g: torch.randint(7, (6, 4), generator=g), 8),
    "tied": (Tied, "eval", lambda g: torch.randn(6, 5, generator=g, dtype=D), 5),
    "weight norm": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(5, 3)),
        "eval",
        lambda g: torch.randn(6, 5, generator=g, dtype=D),
        3,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_models_of_all_sorts(forced, monkeypatch, name):
    make, policy, inputs, classes = CASES[name]
    generator = torch.Generator().manual_seed(2)
    model = seeded(make).double()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    batch = (inputs(generator), torch.randint(classes, (6,), generator=generator))
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), batch, batchnorm=policy)
    alone, together = both(objective, monkeypatch)
    if name != "weight norm":  # its norm has no rule for vmap, which warns, and warnings are errors here
        assert together.provenance["points_at_once"] >= 16
    np.testing.assert_allclose(together.values, alone.values, rtol=1e-11)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    at = objective.evaluator(nbl.Subspace.random(objective, 2))
    assert at(np.zeros(2)).loss == objective.loss()  # the shell of the loop is as it was


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(5, 3)

    def forward(self, x):
        y = self.inner(x)
        return y if y.sum() > 0 else 2 * y


class Twice(nn.Module):
    """The same module under two names, which `functional_call` would leave without its parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(5, 5)
        self.b = self.a

    def forward(self, x):
        return self.b(torch.tanh(self.a(x)))


def counted(output, target):
    return float((output.argmax(1) == target).sum())


def penalty(model, batch):
    x = batch[0].clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
    return slope.square().sum(), len(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nbl.Objective(Branching().double(), nn.CrossEntropyLoss(), data()),
        lambda: nbl.Objective(Twice().double(), nn.CrossEntropyLoss(), data()),
        lambda: nbl.Objective(mlp(), nn.CrossEntropyLoss(), data(), metrics={"right": counted}),
        lambda: nbl.Objective.from_batch_loss(mlp(), penalty, data()),
        lambda: nbl.Objective(
            seeded(Convolutional).double(),
            nn.CrossEntropyLoss(),
            (torch.ones(3, 1, 6, 6, dtype=D), torch.tensor([0, 1, 2])),
            batchnorm="recalibrate",
        ),
    ],
    ids=["branches", "one module twice", "metric with item", "derivative inside", "recalibrated"],
)
def test_what_vmap_cannot_do_is_done_one_by_one(forced, make):
    objective = seeded(make)
    before = objective.description["weights_sha256"]
    landscape = nbl.sample(objective, nbl.Subspace.random(objective, 2), points=11)
    assert landscape.provenance["points_at_once"] == 1
    assert landscape.holes == 0
    assert landscape.origin_value == pytest.approx(objective.loss(), rel=1e-12)
    assert objective.description["weights_sha256"] == before


def test_other_values_than_the_loops_are_not_taken(forced):
    class Peeking(nn.Module):
        """Another function under vmap, without an error."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(5, 3)

        def forward(self, x):
            off = 0.01 * float(torch._C._functorch.is_batchedtensor(self.inner.weight))
            return self.inner(x) * (1 + off)

    objective = nbl.Objective(seeded(Peeking).double(), nn.CrossEntropyLoss(), data())
    landscape = nbl.sample(objective, nbl.Subspace.random(objective, 2), points=11)
    assert landscape.provenance["points_at_once"] == 1


def test_p38_holes_stay_holes(forced, monkeypatch):
    model = nn.Linear(2, 1, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([1.0, 0.0]))
    objective = nbl.Objective.from_batch_loss(
        model, lambda m, _: (m.weight[0, 0].log().square() + m.weight[0, 1], 1), [torch.zeros(1)]
    )
    plane = nbl.Subspace.from_directions(objective, torch.eye(2, dtype=D))
    alone, together = both(objective, monkeypatch, plane, span=2.0)
    assert together.provenance["points_at_once"] >= 16
    np.testing.assert_array_equal(np.isnan(together.values), np.isnan(alone.values))
    assert together.holes == alone.holes > 0


def test_cancellation_between_calls_and_chunks_in_order(forced):
    objective = nbl.Objective(mlp(), nn.CrossEntropyLoss(), data())
    plane = nbl.Subspace.random(objective, 2)
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > 40

    with pytest.raises(nbl.Cancelled):
        nbl.sample(objective, plane, points=33, cancel=cancel)
    assert asked == 41  # before every point, also those that are known already
    seen: list[np.ndarray] = []
    landscape = nbl.sample(objective, plane, points=17, callback=lambda _, v, x: seen.append(v))
    assert landscape.provenance["points_at_once"] >= 16
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(17**2))


def test_grad_mode_and_random_numbers_are_as_before(forced):
    objective = nbl.Objective(mlp(), nn.CrossEntropyLoss(), data())
    plane = nbl.Subspace.random(objective, 2)
    state, mode = torch.get_rng_state(), torch.is_grad_enabled()
    nbl.sample(objective, plane, points=11)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.is_grad_enabled() == mode
    v = torch.ones(objective.num_parameters, dtype=D)
    product = objective.hvp(v)
    worker = threading.Thread(target=lambda: nbl.sample(objective, plane, points=33))
    worker.start()
    while worker.is_alive():
        torch.testing.assert_close(objective.hvp(v), product, rtol=0, atol=0)
    worker.join()


def test_memory_bounds_the_call(forced, monkeypatch):
    objective = nbl.Objective(mlp(), nn.CrossEntropyLoss(), data())
    plane = nbl.Subspace.random(objective, 2)
    at = objective.evaluator(plane)
    one = objective.num_parameters * 8 + peak_bytes(lambda: at(np.zeros(2)))
    monkeypatch.setattr(batched, "free_memory", lambda device: 20.5 * one / batched.SHARE)
    assert nbl.sample(objective, plane, points=33).provenance["points_at_once"] in range(16, 21)
    monkeypatch.setattr(batched, "free_memory", lambda device: 4.5 * one / batched.SHARE)
    assert nbl.sample(objective, plane, points=33).provenance["points_at_once"] == 1


def test_out_of_memory_halves_the_call(forced, monkeypatch):
    real = batched.Batched.__call__

    def short_of_memory(self, which, batch, buffers):
        if len(next(iter(buffers.values()))) > 20:
            raise torch.OutOfMemoryError
        return real(self, which, batch, buffers)

    monkeypatch.setattr(batched.Batched, "__call__", short_of_memory)
    objective = nbl.Objective(mlp(), nn.CrossEntropyLoss(), data())
    landscape = nbl.sample(objective, nbl.Subspace.random(objective, 2), points=33)
    assert landscape.provenance["points_at_once"] == 16
    assert landscape.holes == 0


def test_a_run_on_a_cpu_repeats_to_the_last_bit_whatever_a_clock_says(monkeypatch):
    calls = []
    monkeypatch.setattr(batched.Batched, "__call__", lambda *_: calls.append(1))
    objective = nbl.Objective(mlp(), nn.CrossEntropyLoss(), data())
    plane = nbl.Subspace.random(objective, 2)
    first, again = (nbl.sample(objective, plane, points=11) for _ in range(2))
    np.testing.assert_array_equal(first.values, again.values)
    assert first.provenance["points_at_once"] == 1
    assert not calls


def test_no_flag_of_the_process_changes(forced):
    flags = lambda: (  # noqa: E731
        torch.backends.cuda.flash_sdp_enabled(),
        torch.backends.cuda.math_sdp_enabled(),
        torch.get_num_threads(),
        torch._C._functorch._is_vmap_fallback_enabled(),
    )
    before = flags()
    objective = nbl.Objective(mlp(), nn.CrossEntropyLoss(), data())
    nbl.sample(objective, nbl.Subspace.random(objective, 2), points=11)
    assert flags() == before


def test_a_loss_below_the_normal_range_is_the_loss():
    """Flushing denormals would be faster far out, where it also changes losses."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Sigmoid())
    with torch.no_grad():
        model[0].weight.fill_(-1.0)
    objective = nbl.Objective(model, nn.BCELoss(), (torch.ones(1, 1), torch.ones(1, 1)))
    line = nbl.Subspace.from_directions(objective, torch.ones(1, 1))
    found = objective.evaluator(line)(np.array([-87.0])).loss  # sigmoid(-88) is 6e-39
    assert found == pytest.approx(88.0, abs=1e-2)
    with contextlib.ExitStack() as stack:
        if not torch.set_flush_denormal(True):
            pytest.skip("This processor does not flush denormals.")
        stack.callback(torch.set_flush_denormal, False)
        assert objective.evaluator(line)(np.array([-87.0])).loss == 100.0  # the clamp of log(0)
