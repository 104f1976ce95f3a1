"""The private copy of a model: every kind of model is copied whole, moves, and leaves the user's alone."""

import copy
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import nblandscape as nbl
from nblandscape import graphs

D = torch.float64
Y = torch.tensor([0, 1, 2, 0, 1, 2])


def data(*shape: int) -> torch.Tensor:
    return torch.randn(6, *shape, dtype=D, generator=torch.Generator().manual_seed(0))


def two_layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()


def assert_derivatives(objective: nbl.Objective, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradient and product against differences of losses and gradients; the same with no graph kept."""
    v = torch.randn(objective.num_parameters, dtype=D, generator=torch.Generator().manual_seed(1))
    line, h = nbl.Subspace.from_directions(objective, [v]), 1e-5
    product, at = objective.hvp(v), objective.evaluator(line)
    slope = (at(np.array([h])).loss - at(np.array([-h])).loss) / (2 * h)
    assert float(objective.gradient() @ v) == pytest.approx(slope, rel=1e-5, abs=1e-8)
    ahead, back = (objective.at(objective.parameters_at(line, [s * h])).gradient() for s in (1, -1))
    torch.testing.assert_close(product, (ahead - back) / (2 * h), rtol=1e-4, atol=1e-7)
    assert torch.equal(objective.hvp(v), product), "moving the evaluation shell changed a product"
    monkeypatch.setattr(graphs, "_SHARE", 0.0)
    again = objective.on(objective._problem.batches)
    torch.testing.assert_close(again.hvp(v), product, rtol=1e-10, atol=1e-12)
    assert again._snapshot.graphs.graphs.kept == 0


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.inner, self.head = kind(3, 5, batch_first=True, bidirectional=True), nn.Linear(10, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.inner(x)[0][:, -1])


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, activation="gelu")
        self.inner, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(4, 3)

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None = None, hidden: torch.Tensor | None = None
    ) -> torch.Tensor:
        return self.head(self.inner(x, mask=mask, src_key_padding_mask=hidden).mean(1))


class Uncopyable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.lock = two_layers(), threading.Lock()
        self.kept = {"numbers": (i for i in range(3)), "activation": self.inner[0](data(3))}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with self.lock:
            return self.inner(x)


class ExtraState(nn.Linear):
    def get_extra_state(self) -> object:
        return {"version": 3}

    def set_extra_state(self, state: object) -> None:
        assert state == {"version": 3}


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.b = nn.Sequential(self.a, nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(self.a(x))


def weight_normed() -> nn.Module:
    model = two_layers()
    nn.utils.parametrizations.weight_norm(model[0])
    return model


def spectrally_normed() -> nn.Module:
    model = two_layers()
    nn.utils.parametrizations.spectral_norm(model[0])
    return model


def partly_compiled() -> nn.Module:
    model = two_layers()
    model[0] = torch.compile(model[0], backend="aot_eager")
    return model


def convolution() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 3)
    ).double()


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (convolution, (1, 6, 6)),
        (lambda: Recurrent(nn.GRU).double(), (4, 3)),
        (lambda: Recurrent(nn.LSTM).double(), (4, 3)),
        (lambda: Encoder().double(), (5, 4)),
        (weight_normed, (3,)),  # torch's own second derivative of it is wrong without an error
        (spectrally_normed, (3,)),
        (partly_compiled, (3,)),
        (Uncopyable, (3,)),
        (lambda: ExtraState(3, 3).double(), (3,)),
        (lambda: Shared().double(), (3,)),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.filterwarnings("ignore:.*pt2|.*torch.jit.*:DeprecationWarning")
def test_models_of_every_kind(make, shape, monkeypatch):
    torch.manual_seed(0)
    model, x = make(), data(*shape)
    before = copy.deepcopy({k: v for k, v in model.state_dict().items() if isinstance(v, torch.Tensor)})
    model.train()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, Y))
    assert_derivatives(objective, monkeypatch)
    assert len(objective.description["weights_sha256"]) == 16
    for name, tensor in before.items():
        assert torch.equal(model.state_dict()[name], tensor), name
    model.eval()
    assert objective.loss() == pytest.approx(F.cross_entropy(model(x), Y).item(), rel=1e-9)


def test_masks_of_minus_infinity_are_data(monkeypatch):
    model, x = Encoder().double(), data(5, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(5).double()
    hidden = torch.zeros(6, 5, dtype=torch.bool)
    hidden[:, 3:] = True
    for inputs in ({"x": x, "mask": mask}, {"x": x, "hidden": hidden}):
        objective = nbl.Objective(model, nn.CrossEntropyLoss(), (inputs, Y))
        assert objective.loss() == pytest.approx(F.cross_entropy(model.eval()(**inputs), Y).item())
        assert_derivatives(objective, monkeypatch)


def test_embedding_options_that_only_change_the_gradient_are_off(monkeypatch):
    model = nn.Sequential(
        nn.Embedding(5, 3, padding_idx=1, scale_grad_by_freq=True), nn.Flatten(), nn.Linear(6, 3)
    ).double()
    x = torch.tensor([[0, 1], [2, 0], [3, 4], [0, 0], [1, 1], [2, 2]])
    assert_derivatives(nbl.Objective(model, nn.CrossEntropyLoss(), (x, Y)), monkeypatch)
    model[0] = nn.Embedding(5, 3, sparse=True).double()
    assert_derivatives(nbl.Objective(model, nn.CrossEntropyLoss(), (x, Y)), monkeypatch)


class OwnCopy(nn.Linear):
    def __deepcopy__(self, memo: dict) -> "OwnCopy":
        other = OwnCopy(3, 3).double()
        other.load_state_dict(self.state_dict())
        return other


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_copy_that_would_not_move_is_an_error():
    with pytest.raises(TypeError, match="__deepcopy__"):
        nbl.Objective(OwnCopy(3, 3).double(), nn.CrossEntropyLoss(), (data(3), Y))
    scripted = torch.jit.script(two_layers())
    with pytest.raises(TypeError, match="ScriptModule"):
        nbl.Objective(scripted, nn.CrossEntropyLoss(), (data(3), Y))


def test_siblings_share_no_buffer():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)).double()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (data(3), Y))
    plane = nbl.Subspace.random(objective, 1)
    before = objective.evaluator(plane)(np.zeros(1)).loss
    other = copy.deepcopy(model.state_dict())
    other["1.running_var"] *= 100
    assert objective.at(other).loss() != pytest.approx(before)
    assert objective.evaluator(plane)(np.zeros(1)).loss == before


def test_batch_statistics_write_no_buffer():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)).double()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (data(3), Y), batchnorm="batch")
    line = nbl.Subspace.random(objective, 1)
    at = objective.evaluator(line)
    at(np.array([1e200]))  # overflows: its statistics are not finite
    state = objective.parameters_at(line, [0.0])
    for name, tensor in model.state_dict().items():
        assert torch.equal(state[name], tensor), name


def test_update_takes_frozen_parts_buffers_and_replaced_tensors():
    for copied in (True, False):
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)).double()
        objective = nbl.Objective(model, nn.CrossEntropyLoss(), (data(3), Y), parameters="2.*", copy=copied)
        old = objective.evaluator(nbl.Subspace.random(objective, 1))
        before = old(np.zeros(1)).loss
        changed = {k: v * 2 if v.is_floating_point() else v for k, v in model.state_dict().items()}
        model.load_state_dict(changed, assign=True)
        objective.update()
        expected = F.cross_entropy(model.eval()(data(3)), Y).item()
        assert objective.loss() == pytest.approx(expected, rel=1e-12)
        at = objective.evaluator(nbl.Subspace.random(objective, 1))
        assert at(np.zeros(1)).loss == pytest.approx(expected, rel=1e-12)
        private = nbl.Objective(model, nn.CrossEntropyLoss(), (data(3), Y), parameters="2.*")
        v = torch.ones(objective.num_parameters, dtype=D)
        assert torch.equal(objective.hvp(v), private.hvp(v))
        assert old(np.zeros(1)).loss == before, "a running computation keeps its weights"


def test_products_of_no_rows_and_of_strided_ones():
    class Complex(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.randn(3, 3, dtype=torch.complex128))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x.to(self.w.dtype) @ self.w).abs()

    objective = nbl.Objective(Complex(), nn.CrossEntropyLoss(), (data(3), Y))
    V = torch.randn(18, 2, dtype=D)
    assert torch.equal(objective.hvp(V.T), objective.hvp(V.T.contiguous()))
    assert objective.hvp(V.T[:0]).shape == (0, 18)


def test_kept_graphs_count_the_gradients_that_hold_them():
    model = nn.Sequential(nn.Linear(200, 500, bias=False), nn.Tanh(), nn.Linear(500, 3))
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (data(200).float(), Y))
    kept = objective._snapshot.graphs.graphs
    assert kept.bytes_of(objective._problem.batches[0]) >= 2 * 4 * objective.num_parameters - 4 * 1500


def test_state_dicts_of_wrappers_fit_and_those_of_other_models_do_not():
    model = two_layers()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (data(3), Y))
    wrapped = nn.DataParallel(two_layers().requires_grad_(False))
    for parameter in wrapped.parameters():
        parameter.mul_(0.5)
    expected = F.cross_entropy(wrapped.module(data(3)), Y).item()
    assert objective.at(wrapped.state_dict()).loss() == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="does not fit"):
        objective.at({**wrapped.state_dict(), "other": torch.ones(3)})


def test_complex_weights_asked_for_in_bfloat16_stay_float32():
    model = nn.Linear(3, 3, bias=False, dtype=torch.complex64)
    objective = nbl.Objective(
        model, lambda output, _: output.abs().square().mean(), (data(3) + 0j, Y), dtype=torch.bfloat16
    )
    assert objective.dtype == torch.float32
    products = objective.hvp(torch.eye(18))
    torch.testing.assert_close(products, products.T)
    assert float(products.trace()) == pytest.approx(4 * float(data(3).square().sum()) / 6, rel=1e-5)
