"""Every kind of model in `zoo.CASES` goes through loss, derivatives, spectrum and landscape.

The oracle is the plain model in float64 with math attention, differentiated by torch.func forward over
reverse; where that does not work, by a double backward written here. Nothing of it is the package's.
"""

import copy
import functools
import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

import nblandscape as nbl
from tests.zoo import CASES, Case, cast, normal

D = torch.float64

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*is deprecated:DeprecationWarning"  # torch.compile's and vmap's own
)


def analysed_as(case: Case) -> torch.dtype:
    """Half precision is analysed in float32 unless a dtype is given."""
    return case.kwargs.get("dtype", torch.float32 if case.dtype == torch.bfloat16 else case.dtype)


def rounding(case: Case, dtype: torch.dtype) -> float:
    """Tolerance of a result that was computed in a dtype; torch adds up bfloat16 products in float32."""
    return (8 if dtype == torch.bfloat16 else case.roundings) * torch.finfo(dtype).eps


def close(ours: torch.Tensor | float, theirs: torch.Tensor | float, tolerance: float) -> None:
    """Relative to the norm of the whole: rounding does not know of small components."""
    ours, theirs = (torch.as_tensor(t, dtype=D).detach() for t in (ours, theirs))
    assert ours.shape == theirs.shape
    error = float((ours - theirs).norm() / theirs.norm())
    assert error <= tolerance, f"{error:.1e} > {tolerance:.1e}"


# ---------------------------------------------------------------------- the plain model


def ready(case: Case, model: nn.Module, dtype: torch.dtype = D) -> nn.Module:
    """Put a plain model into the mode in which the objective is asked to see it."""
    policy = case.kwargs.get("batchnorm", "eval")
    if policy == "recalibrate":
        recalibrated(case, model, dtype)
    return model.train(policy == "batch")


def recalibrated(case: Case, model: nn.Module, dtype: torch.dtype) -> None:
    """Running statistics become the means over the batches of what training mode normalises by."""
    layers = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    seen: dict[nn.Module, list[torch.Tensor]] = {layer: [] for layer in layers}
    hooks = [m.register_forward_pre_hook(lambda m, inputs: seen[m].append(inputs[0])) for m in layers]
    with torch.no_grad():
        case.mean(model.train(), dtype)
    for hook in hooks:
        hook.remove()
    for layer, inputs in seen.items():
        assert len(inputs) == len(case.batches)
        layer.running_mean.copy_(torch.stack([x.mean((0, 2, 3)) for x in inputs]).mean(0))
        layer.running_var.copy_(torch.stack([x.var((0, 2, 3)) for x in inputs]).mean(0))


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside of `torch.compile`'s wrapper; names are always those of this one."""
    return getattr(model, "_orig_mod", model)


class Oracle(nn.Module):
    """Mean loss of a plain float64 model and its derivatives with respect to what requires a gradient."""

    def __init__(self, case: Case, model: nn.Module) -> None:
        super().__init__()
        self.case, self.model = case, ready(case, unwrapped(model))
        self.chosen = {name: p for name, p in self.named_parameters() if p.requires_grad}

    def forward(self) -> torch.Tensor:
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
            return self.case.mean(self.model)

    def at(self, flat: torch.Tensor) -> torch.Tensor:
        """Mean loss at other parameters; complex ones are pairs of reals."""
        return functional_call(self, self.named(flat), ())

    def named(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        pieces = flat.split([reals(p).numel() for p in self.chosen.values()])
        return {
            name: torch.complex(*piece.view(*p.shape, 2).unbind(-1))
            if p.is_complex()
            else piece.view(p.shape)
            for (name, p), piece in zip(self.chosen.items(), pieces, strict=True)
        }

    def flat(self) -> torch.Tensor:
        return flatten(self.chosen.values())

    def gradient(self) -> torch.Tensor:
        return flatten(torch.autograd.grad(self(), list(self.chosen.values()), materialize_grads=True))

    def products(self, rows: torch.Tensor) -> torch.Tensor:
        """Hessian times rows (k, n)."""
        if self.case.functional:
            slope, origin = torch.func.grad(self.at), self.flat()
            return torch.vmap(lambda v: torch.func.jvp(slope, (origin,), (v,))[1], chunk_size=64)(rows)
        parameters = list(self.chosen.values())
        slopes = torch.autograd.grad(self(), parameters, create_graph=True, materialize_grads=True)
        slope = torch.cat([reals(g) for g in slopes])
        return torch.stack(
            [flatten(torch.autograd.grad(slope @ v, parameters, retain_graph=True)) for v in rows]
        )


class Linearised(Oracle):
    """The same loss of the model's first Taylor polynomial in the parameters."""

    def at(self, flat: torch.Tensor) -> torch.Tensor:
        origin = self.flat()

        def polynomial(*inputs: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
            def output(other: torch.Tensor) -> torch.Tensor:
                weights = {k.removeprefix("model."): v for k, v in self.named(other).items()}
                with sdpa_kernel(SDPBackend.MATH):
                    return functional_call(self.model, weights, inputs, named)

            value, slope = torch.func.jvp(output, (origin,), (flat - origin,))
            return value + slope

        return self.case.mean(polynomial)


def reals(tensor: torch.Tensor) -> torch.Tensor:
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).reshape(-1)


def flatten(tensors: object) -> torch.Tensor:
    return torch.cat([reals(t.detach()) for t in tensors])


@functools.cache
def oracle(name: str) -> Oracle:
    case = next(c for c in CASES if c.name == name)
    return Oracle(case, case.model(D))


@functools.cache
def dense(name: str) -> torch.Tensor:
    return oracle(name).products(torch.eye(len(oracle(name).flat()), dtype=D))


# ---------------------------------------------------------------------- the user's model


def state_of(model: nn.Module) -> list[object]:
    """All that must be as before, in a form that compares."""
    named = [*model.named_parameters(), *model.named_buffers()]
    return [
        [(name, id(t), t._version, t.requires_grad, bits(t), id(t.grad), bits(t.grad)) for name, t in named],
        [(name, id(m), m.training) for name, m in model.named_modules()],
        bits(torch.get_rng_state()),
        str(np.random.get_state()),  # noqa: NPY002
        random.getstate(),
    ]


def bits(tensor: torch.Tensor | None) -> bytes | None:
    return None if tensor is None else tensor.detach().reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def model(case: Case) -> Iterator[nn.Module]:
    """The user's model in the midst of a training; whatever a test does with it, it leaves no trace."""
    model = case.model().train()
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.ones_like(parameter)
    before = state_of(model)
    yield model
    for new, old in zip(state_of(model), before, strict=True):
        assert new == old


@pytest.fixture
def objective(case: Case, model: nn.Module) -> nbl.Objective:
    make = nbl.Objective.from_batch_loss if case.of_batch else nbl.Objective
    return make(model, case.loss, case.batches, **case.kwargs)


# ---------------------------------------------------------------------- the tests


def test_the_loss_is_what_the_model_itself_gives(case: Case, model: nn.Module, objective: nbl.Objective):
    plain = ready(case, copy.deepcopy(model), case.dtype)
    with torch.no_grad():
        close(objective.loss(), case.mean(plain, case.dtype), rounding(case, case.dtype))
    close(objective.loss(), oracle(case.name)(), rounding(case, analysed_as(case)))


def test_the_gradient(case: Case, objective: nbl.Objective):
    exact, tolerance = oracle(case.name), rounding(case, analysed_as(case))
    close(objective.origin(), exact.flat(), 0.0)
    close(objective.gradient(), exact.gradient(), tolerance)


def test_products_are_those_of_the_hessian_and_symmetric(case: Case, objective: nbl.Objective):
    rows = normal(4, objective.num_parameters)
    products = objective.hvp(rows.to(objective.dtype)).to(D)
    tolerance = rounding(case, analysed_as(case))
    close(products, oracle(case.name).products(rows), tolerance)
    close(objective.hvp(rows[0].to(objective.dtype)), products[0], 0.0)
    forms = rows @ products.T
    close(forms, forms.T, tolerance)


def test_the_ends_of_the_spectrum(case: Case, objective: nbl.Objective):
    tolerance = max(1e-6 if case.dense else 1e-3, 2 * rounding(case, analysed_as(case)))
    ends = 2 if case.dense else 1
    spectrum = nbl.hessian_spectrum(objective, largest=ends, smallest=ends, tol=tolerance)
    assert spectrum.converged.all()
    vectors = spectrum.vectors.to(D)
    exact = oracle(case.name).products(vectors)
    residuals = (exact - torch.tensor(spectrum.values)[:, None] * vectors).norm(dim=1).numpy()
    assert (np.abs(residuals - spectrum.residuals) <= tolerance * spectrum.norm).all()
    if case.dense:
        values = torch.linalg.eigvalsh(dense(case.name)).flip(0)[[0, 1, -2, -1]]
        np.testing.assert_allclose(spectrum.values, values, rtol=0, atol=tolerance * spectrum.norm)


def test_a_landscape_is_the_model_at_other_weights(case: Case, objective: nbl.Objective):
    tolerance = rounding(case, case.dtype)  # a state dict is rounded to the model's own type
    plane = nbl.Subspace.random(objective, 2, normalize="unit")
    landscape = nbl.sample(objective, plane, span=2.0, points=3, gradients=True)
    origin, directions = plane.origin.to(D), plane.directions.to(D)
    for i, a in enumerate(landscape.axes[0]):
        for j, b in enumerate(landscape.axes[1]):
            other = case.model()
            unwrapped(other).load_state_dict(objective.parameters_at(plane, [a, b]))
            exact = Oracle(case, cast(copy.deepcopy(other), D))
            close(exact.flat(), origin + a * directions[0] + b * directions[1], tolerance)
            close(landscape.gradients[i, j], directions @ exact.gradient(), tolerance)
            with torch.no_grad():
                plain = case.mean(ready(case, other, case.dtype), case.dtype)
            close(landscape.values[i, j], plain, tolerance)
    assert np.ptp(landscape.values) > 4 * tolerance * landscape.values.max(), "too flat to tell points apart"


def test_other_weights_by_their_state_dict(case: Case, objective: nbl.Objective):
    other = case.model()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.8)
    moved, exact = objective.at(other.state_dict()), Oracle(case, cast(copy.deepcopy(other), D))
    tolerance = rounding(case, analysed_as(case))
    close(moved.loss(), exact(), tolerance)
    close(moved.gradient(), exact.gradient(), tolerance)
    rows = normal(2, objective.num_parameters)
    close(moved.hvp(rows.to(moved.dtype)), exact.products(rows), tolerance)


def test_an_update_follows_the_training(case: Case):
    model = case.model().train()
    make = nbl.Objective.from_batch_loss if case.of_batch else nbl.Objective
    objective = make(model, case.loss, case.batches, **case.kwargs)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with torch.random.fork_rng():  # dropout
        case.mean(model, case.dtype).backward()
    optimizer.step()
    assert objective.stale
    objective.update()
    exact, tolerance = Oracle(case, cast(copy.deepcopy(model), D)), rounding(case, analysed_as(case))
    close(objective.loss(), exact(), tolerance)
    close(objective.gradient(), exact.gradient(), tolerance)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.functional and not c.of_batch], ids=lambda case: case.name
)
def test_gauss_newton_is_the_hessian_of_the_linearised_model(case: Case, objective: nbl.Objective):
    rows = normal(3, objective.num_parameters)
    exact = Linearised(case, case.model(D)).products(rows)
    close(objective.gnvp(rows.to(objective.dtype)), exact, rounding(case, analysed_as(case)))
