"""The objective: closed forms, and the promise that the user's model is never touched."""

import copy
import gc
import random
import re
import threading
import weakref
from collections import UserDict

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import nblandscape as nbl


def small_network(seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Module:
    generator_state = torch.get_rng_state()
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).to(dtype)
    torch.set_rng_state(generator_state)
    return model


def small_data(n: int = 20, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(size=(n, 3)), dtype=dtype), torch.tensor(rng.integers(0, 3, n))


def state_of(model: nn.Module) -> dict:
    return {
        "weights": {k: v.clone() for k, v in model.state_dict().items()},
        "modes": [m.training for m in model.modules()],
        "flags": [p.requires_grad for p in model.parameters()],
        "grads": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "versions": [p._version for p in model.parameters()],
        "ids": [id(p) for p in model.parameters()],
    }


def assert_untouched(model: nn.Module, before: dict) -> None:
    after = state_of(model)
    for key in ("modes", "flags", "versions", "ids"):
        assert after[key] == before[key], key
    assert after["weights"].keys() == before["weights"].keys()
    for name, value in before["weights"].items():
        assert torch.equal(after["weights"][name], value), name
    for new, old in zip(after["grads"], before["grads"], strict=True):
        assert (new is None) == (old is None)
        assert new is None or torch.equal(new, old)


def test_p15_batches_are_weighted_by_the_losses_own_denominator():
    model, (x, y) = small_network(), small_data()
    whole = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y)).loss()
    assert nbl.Objective(
        model, nn.CrossEntropyLoss(), [(x[:3], y[:3]), (x[3:], y[3:])]
    ).loss() == pytest.approx(whole)
    ignored = y.clone()
    ignored[:9] = -100
    reference = F.cross_entropy(model(x), ignored).item()
    uneven = [(x[:10], ignored[:10]), (x[10:], ignored[10:])]
    assert nbl.Objective(model, nn.CrossEntropyLoss(), uneven).loss() == pytest.approx(reference)
    assert nbl.Objective(model, F.cross_entropy, uneven).loss() == pytest.approx(reference)
    weights = torch.tensor([1.0, 5.0, 0.2], dtype=torch.float64)
    weighted = nn.CrossEntropyLoss(weight=weights, label_smoothing=0.1)
    reference = weighted(model(x), y).item()
    assert nbl.Objective(model, weighted, [(x[:3], y[:3]), (x[3:], y[3:])]).loss() == pytest.approx(reference)
    targets = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for loss in (nn.MSELoss(), nn.L1Loss(), nn.HuberLoss(), nn.KLDivLoss(reduction="batchmean")):
        reference = loss(model(x), targets.softmax(1)).item()
        parts = [(x[:3], targets[:3].softmax(1)), (x[3:], targets[3:].softmax(1))]
        assert nbl.Objective(model, loss, parts).loss() == pytest.approx(reference), loss


def test_p16_plain_callables_weigh_by_samples():
    model, (x, y) = small_network(), small_data()

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (output.logsumexp(1) - output[torch.arange(len(target)), target]).mean()

    parts = [(x[:3], y[:3]), (x[3:], y[3:])]
    assert nbl.Objective(model, loss, parts).loss() == pytest.approx(F.cross_entropy(model(x), y).item())


def test_a_seeded_training_loop_is_the_same_with_and_without_an_objective():
    def train(*, watched: bool) -> nn.Module:
        model = small_network(dtype=torch.float32)
        x, y = small_data(dtype=torch.float32)
        torch.manual_seed(3)
        np.random.seed(3)  # noqa: NPY002
        random.seed(3)
        loader = DataLoader(TensorDataset(x, y), batch_size=5, shuffle=True)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(3):
            if watched:
                objective = nbl.Objective(model, nn.CrossEntropyLoss(), loader)
                objective.hvp(torch.ones(objective.num_parameters))
                plane = nbl.Subspace.random(objective, 2)
                nbl.sample(objective, plane, span=1.0, points=3)
            for a, b in loader:
                optimizer.zero_grad()
                (
                    F.cross_entropy(model(a), b) + 0.01 * torch.rand(()) * model[0].weight.square().sum()
                ).backward()
                optimizer.step()
        return model

    one, two = train(watched=False), train(watched=True)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def test_p30_the_model_is_untouched_by_success_errors_cancel_and_interrupts():
    model = (
        nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)).double().train()
    )
    model[0].bias.requires_grad_(False)
    x, y = small_data()
    F.cross_entropy(model(x), y).backward()
    before = state_of(model)
    rng = torch.get_rng_state()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    plane = nbl.Subspace.random(objective, 2)
    objective.hvp(torch.ones(2, objective.num_parameters, dtype=torch.float64))
    nbl.sample(objective, plane, points=5)
    assert_untouched(model, before)

    with pytest.raises(nbl.Cancelled):
        nbl.sample(objective, plane, points=5, cancel=lambda: True)
    assert_untouched(model, before)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nbl.sample(objective, plane, points=5, callback=interrupt)
    assert_untouched(model, before)
    with pytest.raises(ValueError, match="one number"):
        nbl.Objective(model, lambda out, t: out, (x, y))
    assert_untouched(model, before)
    assert torch.equal(rng, torch.get_rng_state())


def test_batchnorm_statistics_of_the_batch_leave_the_running_ones_alone():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)).double()
    x, y = small_data()
    running = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y)).loss()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y), batchnorm="batch")
    values = [nbl.sample(objective, nbl.Subspace.random(objective, 1), points=3).values for _ in range(2)]
    np.testing.assert_array_equal(*values)
    model.train()
    assert objective.loss() == pytest.approx(F.cross_entropy(copy.deepcopy(model)(x), y).item())
    assert objective.loss() != pytest.approx(running)


def test_p48_padding_rows_have_their_true_derivative():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5, 3, padding_idx=0), nn.Flatten(), nn.Linear(6, 3)).double()
    x = torch.tensor([[0, 1], [2, 0], [3, 4], [0, 0]])
    with torch.no_grad():
        model[0].weight[0] = 0.3
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, torch.tensor([0, 1, 2, 1])))
    direction = torch.zeros(objective.num_parameters, dtype=torch.float64)
    direction[:3] = 1.0  # the padding row
    line = nbl.Subspace.from_directions(objective, [direction])
    losses = nbl.sample(objective, line, span=1e-5, points=3).values
    slope = (losses[2] - losses[0]) / 2e-5
    assert float(objective.gradient() @ direction) == pytest.approx(slope, rel=1e-6)
    assert model[0].padding_idx == 0


@pytest.mark.parametrize("fast", ["sdpa", "module"])
def test_p1_attention_is_differentiated_twice_without_process_wide_flags(fast):
    class Sdpa(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.project = nn.Linear(4, 12)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q, k, v = self.project(x).chunk(3, -1)
            return F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None], is_causal=True).mean(
                (1, 2)
            )

    class Module(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x).mean(1)

    torch.manual_seed(0)
    model = (Sdpa() if fast == "sdpa" else Module()).double()
    x = torch.randn(6, 5, 4, dtype=torch.float64)
    y = torch.tensor([0, 1, 2, 3, 0, 1])
    flags = (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled())
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    assert objective.loss() == pytest.approx(F.cross_entropy(model.eval()(x), y).item(), rel=1e-10)
    v = torch.randn(objective.num_parameters, dtype=torch.float64)
    product, h = objective.hvp(v), 1e-5
    gradients = [
        objective.at({**model.state_dict(), **objective.unflatten(objective.origin() + s * h * v)}).gradient()
        for s in (1, -1)
    ]
    torch.testing.assert_close(product, (gradients[0] - gradients[1]) / (2 * h), rtol=1e-5, atol=1e-7)
    assert flags == (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled())


def test_p49_a_product_while_the_evaluation_shell_moves():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.LayerNorm([3, 4, 4]), nn.Tanh(), nn.Flatten(), nn.Linear(48, 3)
    )
    x, y = torch.randn(8, 1, 6, 6), torch.arange(8) % 3
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    v = torch.randn(objective.num_parameters)
    idle = objective.hvp(v), objective.gradient()
    plane = nbl.Subspace.random(objective, 2)
    during: list[tuple[torch.Tensor, torch.Tensor]] = []
    nbl.sample(
        objective,
        plane,
        points=9,
        callback=lambda *_: during.append((objective.hvp(v), objective.gradient())),
    )
    assert len(during) >= 3
    for product, gradient in during:
        assert torch.equal(product, idle[0])
        assert torch.equal(gradient, idle[1])


def test_threads_see_their_own_points():
    model, (x, y) = small_network(), small_data()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    planes = [nbl.Subspace.random(objective, 2, seed=s) for s in range(4)]
    alone = [nbl.sample(objective, p, points=9).values for p in planes]
    results: list[np.ndarray | None] = [None] * 4

    def work(i: int) -> None:
        results[i] = nbl.sample(objective, planes[i], points=9).values

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, results, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_p58_models_that_deepcopy_refuses():
    torch.manual_seed(0)
    model = nn.Sequential(nn.utils.weight_norm(nn.Linear(3, 4)), nn.Tanh(), nn.Linear(4, 3)).double()
    x, y = small_data()
    model[0].kept = model(x)  # an activation with a graph
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    assert objective.loss() == pytest.approx(F.cross_entropy(model(x), y).item())
    assert objective.gradient()[: model[0].weight_g.numel()].abs().sum() > 0  # the hook is kept


def test_a_loss_that_uses_the_users_model_is_an_error_that_names_the_parameters():
    model, (x, y) = small_network(), small_data()
    with pytest.raises(ValueError, match=r"0\.bias.*from_batch_loss"):
        nbl.Objective(
            model,
            lambda o, t: F.cross_entropy(o, t) + sum(p.square().sum() for p in model.parameters()),
            (x, y),
        )
    objective = nbl.Objective.from_batch_loss(
        model,
        lambda m, b: (
            F.cross_entropy(m(b[0]), b[1], reduction="sum") + sum(p.square().sum() for p in m.parameters()),
            len(b[1]),
        ),
        [(x, y)],
    )
    assert objective.hvp(torch.eye(objective.num_parameters, dtype=torch.float64)).isfinite().all()


def test_user_hooks_do_not_run_during_the_analysis():
    model, (x, y) = small_network(), small_data()
    calls: list[int] = []
    model[0].register_forward_hook(lambda *_: calls.append(1))
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    seen = len(calls)
    nbl.sample(objective, nbl.Subspace.random(objective, 1), points=5)
    objective.hvp(torch.ones(objective.num_parameters, dtype=torch.float64))
    assert len(calls) == seen
    model[0].register_forward_hook(lambda _m, _i, output: 2 * output)  # one that matters is kept
    assert nbl.Objective(model, nn.CrossEntropyLoss(), (x, y)).loss() == pytest.approx(
        F.cross_entropy(model(x), y).item()
    )


def test_complex_and_tied_and_half_precision_parameters():
    class Complex(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.tensor([1 + 2j, 0.5 - 1j], dtype=torch.complex128))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x.to(self.w.dtype) @ self.w).abs().square()

    x = torch.eye(2, dtype=torch.float64)
    objective = nbl.Objective(Complex(), lambda o, _: o.mean(), [(x, x)])
    assert objective.num_parameters == 4  # twice as many reals
    torch.testing.assert_close(
        objective.hvp(torch.eye(4, dtype=torch.float64)), torch.eye(4, dtype=torch.float64)
    )

    tied = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 3, bias=False)).double()
    tied[2].weight = tied[0].weight
    x, y = small_data()
    objective = nbl.Objective(tied, nn.CrossEntropyLoss(), (x, y))
    assert objective.num_parameters == 9
    state = objective.parameters_at(nbl.Subspace.random(objective, 1, normalize="unit"), [0.5])
    assert torch.equal(state["0.weight"], state["2.weight"])

    half = small_network(dtype=torch.bfloat16)
    objective = nbl.Objective(half, nn.CrossEntropyLoss(), (x, y))
    assert objective.dtype == torch.float32
    state = objective.parameters_at(nbl.Subspace.random(objective, 1), [0.0])
    assert state["0.weight"].dtype == torch.bfloat16
    assert torch.equal(state["0.weight"], half[0].weight)


def test_parameters_at_is_what_was_sampled():
    model, (x, y) = small_network(), small_data()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    plane = nbl.Subspace.random(objective, 2)
    landscape = nbl.sample(objective, plane, span=0.5, points=5)
    other = small_network(seed=1)
    other.load_state_dict(objective.parameters_at(plane, landscape.coordinates(7)))
    assert F.cross_entropy(other(x), y).item() == pytest.approx(landscape.values.flat[7], rel=1e-12)
    assert objective.at(other.state_dict()).loss() == pytest.approx(landscape.values.flat[7], rel=1e-12)
    assert objective.on((x[:5], y[:5])).loss() == pytest.approx(F.cross_entropy(model(x[:5]), y[:5]).item())


def test_update_takes_new_weights_and_keeps_the_old_ones_on_errors():
    model, (x, y) = small_network(), small_data()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    before, product = (
        objective.loss(),
        objective.hvp(torch.ones(objective.num_parameters, dtype=torch.float64)),
    )
    assert not objective.stale
    with torch.no_grad():
        model[0].weight.mul_(1.5)
    assert objective.stale
    assert objective.loss() == before
    objective.update()
    assert not objective.stale
    assert objective.loss() == pytest.approx(F.cross_entropy(model(x), y).item())
    assert not torch.equal(product, objective.hvp(torch.ones(objective.num_parameters, dtype=torch.float64)))
    good = objective.loss()
    with torch.no_grad():
        model[0].weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="nan"):
        objective.update()
    assert objective.loss() == good
    assert np.isfinite(objective.gradient().numpy()).all()


def test_sharing_weights_notices_training():
    model, (x, y) = small_network(), small_data()
    shared = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y), copy=False)
    private = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    v = torch.ones(shared.num_parameters, dtype=torch.float64)
    assert torch.equal(shared.hvp(v), private.hvp(v))
    plane = nbl.Subspace.random(shared, 2)
    before = state_of(model)
    np.testing.assert_array_equal(
        nbl.sample(shared, plane, points=3).values, nbl.sample(private, plane, points=3).values
    )
    assert_untouched(model, before)
    with torch.no_grad():
        model[0].weight.mul_(1.5)
    with pytest.raises(RuntimeError, match=r"update\(\)"):
        shared.hvp(v)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (["2.bias"], ["2.bias"]),
        ("0.*", ["0.weight", "0.bias"]),
        (re.compile("weight$"), ["0.weight", "2.weight"]),
        (lambda name, p: p.ndim == 1, ["0.bias", "2.bias"]),
    ],
)
def test_choosing_parameters(wanted, names):
    model, (x, y) = small_network(), small_data()
    model[2].weight.requires_grad_(False)
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y), parameters=wanted)
    assert objective.parameter_names == names
    assert objective.gradient().numel() == sum(dict(model.named_parameters())[n].numel() for n in names)
    assert not model[2].weight.requires_grad


def test_p17_mappings_as_batches():
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small_network()

        def forward(self, *, values: torch.Tensor) -> torch.Tensor:
            return self.inner(values)

    x, y = small_data()
    model = Model()
    for mapping in ({"values": x}, UserDict({"values": x})):
        objective = nbl.Objective(model, nn.CrossEntropyLoss(), [(mapping, y)])
        assert objective.loss() == pytest.approx(F.cross_entropy(model(values=x), y).item())


def test_numpy_data_and_limit_and_private_copies():
    model, (x, y) = small_network(dtype=torch.float32), small_data()
    arrays = x.numpy().copy(), y.numpy().copy()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), arrays, limit=7)
    assert objective.num_samples == 7
    arrays[0][:] = 0.0
    assert objective.gradient().abs().sum() > 0
    assert objective.loss() == pytest.approx(F.cross_entropy(model(x[:7].float()), y[:7]).item(), rel=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batches": []}, "No batches"),
        ({"batches": (torch.zeros(0, 3).double(), torch.zeros(0).long())}, "empty"),
        ({"batches": 3}, "int"),
        ({"batches": (torch.full((2, 3), torch.nan).double(), torch.tensor([0, 1]))}, "NaN"),
        ({"parameters": ["0.wieght"]}, "0.weight"),
        ({"parameters": "nothing*"}, "matches none"),
        ({"parameters": lambda *_: False}, "matches none"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, "reduction"),
        ({"loss": lambda o, t: o}, "shape"),
        ({"loss": lambda o, t: 1.0}, "float"),
        ({"loss": lambda o, t: o.detach().mean()}, "does not depend"),
        ({"loss": lambda o, t: o.mean() * torch.nan}, "nan"),
        ({"loss": "mse"}, "callable"),
        ({"batchnorm": "train"}, "batchnorm"),
        ({"dtype": torch.int32}, "int32"),
        ({"limit": 0}, "limit"),
        ({"batches": [(torch.zeros(2, 3).double(),)]}, "pair"),
    ],
)
def test_bad_input_is_named(change, message):
    model, data = small_network(), small_data()
    before = state_of(model)
    arguments = {"model": model, "loss": nn.CrossEntropyLoss(), "batches": data, **change}
    with pytest.raises((ValueError, TypeError), match=message):
        nbl.Objective(**arguments)
    assert_untouched(model, before)


def test_frozen_models_and_wrong_vectors():
    model, data = small_network(), small_data()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data)
    with pytest.raises(ValueError, match="31"):
        objective.hvp(torch.ones(7, dtype=torch.float64))
    with pytest.raises(ValueError, match="does not fit"):
        objective.at({"nonsense": torch.zeros(3)})
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="Unfreeze"):
        nbl.Objective(model, nn.CrossEntropyLoss(), data)


def test_a_dropped_objective_frees_its_weights_at_once():
    """A cycle would keep copies of all weights until a garbage collection, which may be long in coming."""
    gc.disable()
    try:
        objective = nbl.Objective(small_network(), nn.CrossEntropyLoss(), small_data())
        nbl.hessian_spectrum(objective, largest=1, smallest=1)
        nbl.hessian_trace(nbl.GaussNewtonOperator(objective), samples=2)
        nbl.sample(objective, nbl.Subspace.random(objective, 2), span=0.1, points=3)
        held = objective._snapshot
        weights = [weakref.ref(p) for p in (*held.weights, *held.shell.parameters())]
        assert all(weight() is not None for weight in weights)
        del objective, held
        assert all(weight() is None for weight in weights)
    finally:
        gc.enable()
