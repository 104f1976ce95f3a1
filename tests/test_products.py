"""Products with the Hessian, Gauss–Newton and Fisher matrices against dense float64 oracles."""

import functools
import gc
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

import nblandscape as nbl
from nblandscape.curvature.gauss_newton import FisherOperator, GaussNewtonOperator

D = torch.float64


def seeded(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make()


def mlp(classes: int = 3) -> nn.Module:
    return seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, classes)).double())


def data(samples: int = 12, classes: int = 3):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(samples, 4, generator=generator, dtype=D)
    return x, torch.randint(classes, (samples,), generator=generator)


def cut(x, y, sizes):
    return list(zip(x.split(sizes), y.split(sizes), strict=True))


def dense(model: nn.Module, loss, names=None) -> torch.Tensor:
    """Hessian of loss(model with parameters) by autograd's own function, in the order of the parameters."""
    named = {k: p.detach() for k, p in model.named_parameters() if names is None or k in names}
    shapes = {k: p.shape for k, p in named.items()}
    flat = torch.cat([p.reshape(-1) for p in named.values()])

    def function(vector):
        pieces = vector.split([shape.numel() for shape in shapes.values()])
        return loss(
            lambda *a: functional_call(
                model, {k: p.view(s) for (k, s), p in zip(shapes.items(), pieces, strict=True)}, a
            )
        )

    return torch.autograd.functional.hessian(function, flat)


def products(objective, method="hvp") -> torch.Tensor:
    return getattr(objective, method)(torch.eye(objective.num_parameters, dtype=objective.dtype))


def close(a, b, tol=1e-10):
    torch.testing.assert_close(a, b, rtol=tol, atol=tol)


# ---------------------------------------------------------------------- what is kept


@pytest.mark.parametrize("graph_bytes", [None, 0, 3000])
def test_the_budget_for_graphs_does_not_change_a_product(graph_bytes):
    model, (x, y) = mlp(), data()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), cut(x, y, 4), graph_bytes=graph_bytes)
    exact = dense(model, lambda f: F.cross_entropy(f(x), y))
    close(products(objective), exact)
    close(products(objective), exact)
    graphs = objective._snapshot.graphs.graphs
    one = graphs.bytes_of(objective._problem.batches[0])
    assert graphs.kept == (3 if graph_bytes is None else min(3, int(graph_bytes // one)))
    if graph_bytes == 3000:
        assert 0 < graphs.kept < 3


def test_p14_graphs_are_freed_with_the_objective_and_no_gradient_is_left():
    model, (x, y) = mlp(), data()
    gc.collect()

    def live():
        gc.collect()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sum(isinstance(o, torch.Tensor) for o in gc.get_objects())

    before = live()
    for _ in range(3):
        objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
        objective.hvp(torch.ones(objective.num_parameters))
        objective.gnvp(torch.ones(objective.num_parameters))
        del objective
    assert live() <= before + 2
    assert all(p.grad is None for p in model.parameters())


def test_p43_a_block_of_vectors_is_multiplied_row_by_row_in_bounded_memory():
    objective = nbl.Objective(mlp(), nn.CrossEntropyLoss(), data())
    V = torch.randn(50, objective.num_parameters, dtype=D)
    close(objective.hvp(V), torch.stack([objective.hvp(v) for v in V]), 1e-14)


# ---------------------------------------------------------------------- Gauss–Newton and Fisher


def test_the_gauss_newton_matrix_against_its_definition():
    model, (x, y) = mlp(), data()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), cut(x, y, 5))
    names = [k for k, _ in model.named_parameters()]
    parameters = tuple(p.detach() for p in model.parameters())

    def output(*ps):
        return functional_call(model, dict(zip(names, ps, strict=True)), (x,))

    J = torch.cat([j.reshape(36, -1) for j in torch.autograd.functional.jacobian(output, parameters)], dim=1)
    p = F.softmax(model(x), 1).detach()
    blocks = torch.block_diag(*[torch.diag(q) - torch.outer(q, q) for q in p]) / 12
    close(products(objective, "gnvp"), J.T @ blocks @ J)
    assert torch.linalg.eigvalsh(products(objective, "gnvp"))[0] > -1e-12


def test_gauss_newton_is_the_hessian_of_a_linear_model_and_not_of_another():
    x, _ = data()
    target = torch.randn(12, 2, dtype=D, generator=torch.Generator().manual_seed(3))
    linear = seeded(lambda: nn.Linear(4, 2).double())
    objective = nbl.Objective(linear, nn.MSELoss(), (x, target))
    close(products(objective, "gnvp"), products(objective))
    bent = nbl.Objective(mlp(2), nn.MSELoss(), (x, target))
    assert (products(bent, "gnvp") - products(bent)).abs().max() > 1e-3


@pytest.mark.parametrize(
    "loss", [nn.CrossEntropyLoss(), lambda output, target: F.cross_entropy(output, target)]
)
def test_the_empirical_fisher_matrix_against_its_definition(loss):
    model, (x, y) = mlp(), data()
    objective = nbl.Objective(model, loss, cut(x, y, 5))
    rows = []
    for i in range(12):
        gradients = torch.autograd.grad(
            F.cross_entropy(model(x[i : i + 1]), y[i : i + 1]), model.parameters()
        )
        rows.append(torch.cat([g.reshape(-1) for g in gradients]))
    G = torch.stack(rows)
    close(products(objective, "fvp"), G.T @ G / 12)


def test_fisher_weighs_every_sample_alike_whatever_the_denominator_of_the_loss():
    x, _ = data()
    target = torch.randn(12, 2, dtype=D, generator=torch.Generator().manual_seed(3))
    model = mlp(2)
    objective = nbl.Objective(model, nn.MSELoss(), cut(x, target, 4))  # counts elements, not samples
    rows = []
    for i in range(12):
        gradients = torch.autograd.grad(
            F.mse_loss(model(x[i : i + 1]), target[i : i + 1]), model.parameters()
        )
        rows.append(torch.cat([g.reshape(-1) for g in gradients]))
    G = torch.stack(rows)
    close(products(objective, "fvp"), G.T @ G / 12)
    close(G.mean(0), objective.gradient())


def test_they_have_spectra_and_traces_like_the_hessian():
    objective = nbl.Objective(mlp(), nn.CrossEntropyLoss(), data())
    for operator, method in ((GaussNewtonOperator(objective), "gnvp"), (FisherOperator(objective), "fvp")):
        matrix = products(objective, method)
        spectrum = nbl.hessian_spectrum(operator, largest=2, smallest=0)
        np.testing.assert_allclose(spectrum.values, torch.linalg.eigvalsh(matrix).flip(0)[:2], rtol=1e-6)
        trace = nbl.hessian_trace(operator, samples=200)
        assert abs(trace.value - float(matrix.trace())) < 4 * trace.stderr


def test_a_batch_loss_has_no_output_to_linearise():
    x, y = data()
    objective = nbl.Objective.from_batch_loss(
        mlp(), lambda m, b: (F.cross_entropy(m(b[0]), b[1], reduction="sum"), 12), [(x, y)]
    )
    with pytest.raises(TypeError, match="Objective\\(model, loss, batches\\)"):
        objective.gnvp(torch.ones(objective.num_parameters, dtype=D))


# ---------------------------------------------------------------------- finite differences


class Once(torch.autograd.Function):
    """An operation whose backward cannot be differentiated, like a Triton kernel's."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.cos()


class Kernel(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.inner, self.outer, self.function = nn.Linear(4, 5), nn.Linear(5, 3), function

    def forward(self, x):
        return self.outer(self.function(self.inner(x)))


def test_p13_an_operation_without_a_second_derivative_is_named_and_differences_work():
    x, y = data()
    model = seeded(lambda: Kernel(Once.apply).double())
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    with pytest.raises(RuntimeError, match=r"OnceBackward.*finite-difference"):
        objective.hvp(torch.ones(objective.num_parameters, dtype=D))
    other = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y), products="finite-difference")
    model.function = torch.sin
    exact = dense(model, lambda f: F.cross_entropy(f(x), y))
    close(products(other), exact, 1e-7)
    assert other.description["products"] == "finite-difference"
    assert nbl.hessian_spectrum(other, tol=1e-4).converged.all()


class Twice(torch.autograd.Function):
    """The same with a backward that can be differentiated."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.cos()


def test_an_operation_of_the_users_own_with_second_derivatives_is_exact():
    x, y = data()
    model = seeded(lambda: Kernel(Twice.apply).double())
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    result = products(objective)
    model.function = torch.sin
    close(result, dense(model, lambda f: F.cross_entropy(f(x), y)))


def test_the_sum_of_an_operation_that_drops_second_derivatives_silently_is_caught_too():
    """Its gradient does not require one, so that not even PyTorch's own error would come."""
    x, _ = data()
    model = seeded(lambda: Kernel(Once.apply).double())
    objective = nbl.Objective(model, lambda output, target: output.mean(), (x, torch.zeros(12)))
    with pytest.raises(RuntimeError, match="finite-difference"):
        objective.hvp(torch.ones(objective.num_parameters, dtype=D))


def test_a_boolean_mask_of_attention_masks():
    model, x, mask, y = attention_case()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), [((x, mask), y)])
    assert objective.loss() == pytest.approx(float(F.cross_entropy(model(x, mask), y).detach()), rel=1e-12)


def test_p26_differences_start_from_a_snapshot_in_float32_also_for_bfloat16_models():
    x, y = data()
    model = mlp().to(torch.bfloat16)
    weights = [p.detach().clone() for p in model.parameters()]
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y), products="finite-difference")
    assert objective.dtype == torch.float32
    exact = products(nbl.Objective(model, nn.CrossEntropyLoss(), (x, y), dtype=D))
    error = (products(objective).double() - exact).norm() / exact.norm()
    assert error < 3e-3
    assert all(torch.equal(a, b) for a, b in zip(weights, model.parameters(), strict=True))
    assert objective.hvp(torch.zeros(objective.num_parameters)).abs().max() == 0
    assert objective.loss() == objective.point(objective.origin()).loss


def test_p27_the_symmetry_defect_tells_float32_from_exact_and_bfloat16_weights_stay_healthy():
    x, y = data(64)
    for dtype, limit in ((D, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 1e-5)):
        objective = nbl.Objective(mlp().to(dtype), nn.CrossEntropyLoss(), (x, y))
        assert nbl.hessian_spectrum(objective, tol=1e-3).symmetry_defect < limit
    difference = nbl.Objective(mlp().float(), nn.CrossEntropyLoss(), (x, y), products="finite-difference")
    assert 1e-7 < nbl.hessian_spectrum(difference, tol=1e-2).symmetry_defect < 1e-2


# ---------------------------------------------------------------------- kinds of models


class Attention(nn.Module):
    """Scaled dot-product attention with a mask that is known only at run time."""

    def __init__(self):
        super().__init__()
        self.qkv, self.head = nn.Linear(4, 12), nn.Linear(4, 3)

    def forward(self, x, mask):
        q, k, v = (part[:, None] for part in self.qkv(x).chunk(3, -1))
        if mask.all():
            mask = None
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=None if mask is None else mask[:, None, None])
        return self.head(out[:, 0].mean(1))


def attention_case():
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(6, 5, 4, generator=generator, dtype=D)
    mask = torch.ones(6, 5, dtype=torch.bool)
    mask[::2, 3:] = False
    return seeded(lambda: Attention().double()), x, mask, torch.randint(3, (6,), generator=generator)


def attention_oracle(model, x, mask, y):
    def explicit(f):
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            return F.cross_entropy(f(x, mask), y)

    return dense(model, explicit)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_p1_p2_attention_is_exact_from_a_thread_and_the_users_flags_stay():
    """Fused attention has no second derivative, and none in forward mode either."""
    model, x, mask, y = attention_case()
    plain = F.cross_entropy(model(x, mask | True), y)
    g = torch.autograd.grad(plain, model.qkv.weight, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="not implemented"):
        torch.autograd.grad(g.sum(), model.qkv.weight)
    heads = x[:, None]
    with pytest.raises(NotImplementedError):
        torch.func.jvp(lambda q: F.scaled_dot_product_attention(q, q, q), (heads,), (heads,))
    flags = torch.backends.cuda.flash_sdp_enabled, torch.backends.cuda.mem_efficient_sdp_enabled
    before = [flag() for flag in flags]
    seen, results = [], []

    def work():
        objective = nbl.Objective(model, nn.CrossEntropyLoss(), [((x, mask), y)])
        results.append(products(objective))
        seen.append([flag() for flag in flags])

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        assert [flag() for flag in flags] == before
        thread.join(0.001)
    close(results[0], attention_oracle(model, x, mask, y))
    assert seen == [before]


def test_p4_p5_masks_that_depend_on_the_data_need_no_functional_transform():
    model, x, mask, y = attention_case()
    for chosen in (mask, torch.ones_like(mask)):
        objective = nbl.Objective(model, nn.CrossEntropyLoss(), [((x, chosen), y)])
        close(products(objective), attention_oracle(model, x, chosen, y))


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("reentrant", [False, True])
def test_p6_gradient_checkpointing(reentrant):
    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.inner, self.outer = nn.Linear(4, 4), nn.Linear(4, 5), nn.Linear(5, 3)

        def forward(self, x):
            x = self.first(x)
            return self.outer(checkpoint(lambda z: self.inner(z).tanh(), x, use_reentrant=reentrant))

    x, y = data()
    model = seeded(lambda: Checkpointed().double())
    if reentrant:
        with pytest.raises(RuntimeError, match="use_reentrant=False"):
            nbl.Objective(model, nn.CrossEntropyLoss(), (x, y)).hvp(torch.ones(63, dtype=D))
        return
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    plain = nn.Sequential(model.first, model.inner, nn.Tanh(), model.outer)
    close(products(objective), dense(plain, lambda f: F.cross_entropy(f(x), y)))


def test_p7_products_change_no_running_statistics():
    model = seeded(
        lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3)).double()
    )
    x, y = data()
    model(x)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    for batchnorm in ("eval", "batch"):
        objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y), batchnorm=batchnorm)
        first = products(objective)
        assert torch.equal(first, products(objective))
        model.train(batchnorm == "batch")
        copy = {k: v.clone() for k, v in model.state_dict().items()}
        close(first, dense(model, lambda f: F.cross_entropy(f(x), y)))
        model.load_state_dict(copy)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, state[name], msg=name)


def test_p9_unused_parameters_and_those_the_loss_is_linear_in_have_zero_curvature():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Parameter(torch.ones(2, dtype=D))
            self.linear = nn.Parameter(torch.ones(3, dtype=D))
            self.square = nn.Parameter(torch.ones(1, dtype=D))

        def forward(self, x):
            return self.linear.sum() * x + self.square**2 * x

    objective = nbl.Objective(Odd(), lambda out, y: out.mean(), (torch.ones(4, 1, dtype=D), torch.zeros(4)))
    close(products(objective), torch.diag(torch.tensor([0, 0, 0, 0, 0, 2.0], dtype=D)))
    linear_only = nbl.Objective(
        Odd(), lambda out, y: out.mean(), (torch.ones(4, 1, dtype=D), torch.zeros(4)), parameters=["linear"]
    )
    assert products(linear_only).abs().max() == 0


def test_p10_adapters_are_analysed_alone_and_the_base_is_left_as_it_is():
    import peft
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=17, n_positions=8, n_embd=4, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base = seeded(lambda: GPT2LMHeadModel(config).double())
        model = peft.get_peft_model(
            base, peft.LoraConfig(r=1, target_modules=["c_attn"], fan_in_fan_out=True)
        )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.constant_(parameter, 0.1)
    model = model.double().eval()
    ids = torch.randint(17, (3, 6), generator=torch.Generator().manual_seed(0))

    def batch_loss(m, batch):
        logits = m(input_ids=batch).logits[:, :-1]
        return F.cross_entropy(logits.reshape(-1, 17), batch[:, 1:].reshape(-1), reduction="sum"), 15

    objective = nbl.Objective.from_batch_loss(model, batch_loss, [ids])
    assert objective.parameter_names == [k for k, p in model.named_parameters() if p.requires_grad]
    assert all("lora_" in name for name in objective.parameter_names)
    same = nbl.Objective.from_batch_loss(model, batch_loss, [ids], parameters="*lora_*")
    names = objective.parameter_names

    def loss(f):
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            logits = f(ids).logits[:, :-1]
        return F.cross_entropy(logits.reshape(-1, 17), ids[:, 1:].reshape(-1))

    exact = dense(model, loss, names)
    close(products(objective), exact, 1e-8)
    close(products(same), exact, 1e-8)
    frozen = nbl.Objective.from_batch_loss(
        model, batch_loss, [ids], parameters=["base_model.model.transformer.wpe.weight"]
    )
    assert frozen.num_parameters == 8 * 4


def test_p10_integer_weights_are_refused_up_front():
    model = mlp()
    model.register_parameter("packed", nn.Parameter(torch.zeros(3, dtype=torch.int8), requires_grad=False))
    assert "packed" not in nbl.Objective(model, nn.CrossEntropyLoss(), data()).parameter_names
    with pytest.raises(ValueError, match="packed has dtype"):
        nbl.Objective(model, nn.CrossEntropyLoss(), data(), parameters="packed")


def test_p11_tied_weights_are_one_parameter():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, ids):
            return self.head(self.embedding(ids).tanh().mean(1))

    model = seeded(lambda: Tied().double())
    ids = torch.arange(12).reshape(4, 3) % 5
    y = torch.arange(4)
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (ids, y))
    assert objective.parameter_names == ["embedding.weight"]
    close(products(objective), dense(model, lambda f: F.cross_entropy(f(ids), y)))
    moved = objective.parameters_at(
        nbl.Subspace.from_directions(objective, torch.ones(1, 15, dtype=D)), [0.5]
    )
    assert torch.equal(moved["embedding.weight"], moved["head.weight"])


def test_p12_a_shared_submodule_keeps_its_parameters():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.b = self.a
            self.out = nn.Linear(4, 3)

        def forward(self, x):
            return self.out(self.b(self.a(x).tanh()).tanh())

    model = seeded(lambda: Shared().double())
    before = dict(model.named_parameters())
    x, y = data()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    result = products(objective)
    assert all(p is before[name] for name, p in model.named_parameters())
    assert all(isinstance(p, nn.Parameter) for p in model.b.parameters())
    close(result, dense(model, lambda f: F.cross_entropy(f(x), y)))


def test_p48_a_padding_row_has_its_true_curvature():
    model = seeded(
        lambda: nn.Sequential(nn.Embedding(5, 4, padding_idx=0), nn.Flatten(), nn.Linear(12, 3)).double()
    )
    with torch.no_grad():
        model[0].weight[0] = 0.3
    ids, y = torch.tensor([[0, 1, 2], [0, 0, 3], [4, 0, 1]]), torch.arange(3)
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (ids, y))
    plain = seeded(lambda: nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Linear(12, 3)).double())
    plain.load_state_dict(model.state_dict())
    close(products(objective), dense(plain, lambda f: F.cross_entropy(f(ids), y)))
    assert model[0].padding_idx == 0


# ---------------------------------------------------------------------- averaging


def test_p15_p18_batches_weigh_by_their_own_denominator():
    """Targets that are ignored, unequal batches: the Hessian is that of all data at once."""
    model, (x, y) = mlp(), data()
    y[::5] = -100
    exact = dense(model, lambda f: F.cross_entropy(f(x), y))
    for sizes in ([12], [1, 4, 7], [6, 6]):
        close(products(nbl.Objective(model, nn.CrossEntropyLoss(), cut(x, y, sizes))), exact)


def test_p16_functions_partials_and_modules_agree():
    model, (x, y) = mlp(), data()
    y[0] = -100
    batches = cut(x, y, [1, 11])
    weight = torch.tensor([1.0, 2.0, 0.5], dtype=D)
    reference = nbl.Objective(model, nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1), [(x, y)])
    partial = functools.partial(F.cross_entropy, weight=weight, label_smoothing=0.1)
    objective = nbl.Objective(model, partial, [(x, y)])
    assert objective.loss() == pytest.approx(reference.loss(), rel=1e-12)
    assert nbl.Objective(model, functools.partial(F.cross_entropy), batches).loss() == pytest.approx(
        nbl.Objective(model, F.cross_entropy, [(x, y)]).loss(), rel=1e-12
    )
    assert "cross_entropy" in repr(objective)


def test_p21_sums_are_float64_for_float32_models():
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    x = torch.full((40_000, 1), 1.0 + 2.0**-12)
    objective = nbl.Objective(model, nn.MSELoss(), (x, torch.zeros(40_000, 1)))
    assert objective.loss() == pytest.approx((1.0 + 2.0**-12) ** 2, rel=1e-7)


def test_p44_importing_flips_no_flag_and_prints_nothing():
    code = """
import torch
flags = lambda: (torch.backends.cuda.flash_sdp_enabled(), torch.get_default_dtype(), torch.is_grad_enabled(),
                 torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
before = flags()
import nblandscape
for name in nblandscape.__all__:
    getattr(nblandscape, name)
assert flags() == before, (before, flags())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("option", "value"), [("products", "numerical"), ("graph_bytes", -1)])
def test_unknown_options(option, value):
    with pytest.raises(ValueError, match=option):
        nbl.Objective(mlp(), nn.CrossEntropyLoss(), data(), **{option: value})


# ---------------------------------------------------------------------- wrappers


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_p3_a_compiled_model_keeps_its_second_derivatives():
    """Compiled code has no double backward, or drops it silently: the model in the wrapper is analysed."""
    model, (x, y) = mlp(), data()
    exact = dense(model, lambda f: F.cross_entropy(f(x), y))
    compiled = torch.compile(model)  # compiles at its first call, which never comes
    objective = nbl.Objective(compiled, nn.CrossEntropyLoss(), (x, y))
    close(products(objective), exact)
    assert not any("_orig_mod" in name for name in objective.parameter_names)


def test_p45_data_parallel_wrappers_are_looked_through():
    """Their hooks see no gradient that `autograd.grad` takes: the module inside is analysed."""
    model, (x, y) = mlp(), data()
    objective = nbl.Objective(nn.DataParallel(model), nn.CrossEntropyLoss(), (x, y))
    assert not any(name.startswith("module.") for name in objective.parameter_names)
    close(products(objective), dense(model, lambda f: F.cross_entropy(f(x), y)))
