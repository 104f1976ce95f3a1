"""Norms of random directions: what a filter is depends on the module."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl
from nblandscape.subspace.normalization import filters


class Conv1D(nn.Module):
    """GPT-2's linear layer, whose weight is (in, out)."""

    def __init__(self, nf: int, nx: int) -> None:
        super().__init__()
        self.nf = nf
        self.weight = nn.Parameter(torch.randn(nx, nf))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


class Zoo(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(5, 4, padding_idx=0)
        self.positions = nn.Parameter(torch.randn(1, 3, 4))
        self.class_token = nn.Parameter(torch.randn(1, 1, 4))
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True, add_bias_kv=True)
        self.norm = nn.LayerNorm((3, 4))
        self.recurrent = nn.LSTM(4, 2, batch_first=True)
        self.conv = nn.Conv1d(2, 4, 3, padding=1)
        self.up = nn.ConvTranspose1d(4, 6, 2, groups=2)
        self.gpt = Conv1D(4, 6)
        self.phase = nn.Parameter(torch.randn(3, 4, dtype=torch.complex64))
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.tokens.weight
        self.number = nn.Parameter(torch.tensor(1.5))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids) + self.positions + self.class_token
        x = self.norm(x + self.attention(x, x, x)[0])
        x = self.up(self.conv(self.recurrent(x)[0].mT)).mT[:, :3]
        x = self.gpt(x) * self.phase.abs() * self.number
        return self.head(x).mT


@pytest.fixture(scope="module")
def zoo() -> nbl.Objective:
    torch.manual_seed(0)
    model = Zoo()
    ids = torch.randint(0, 5, (4, 3))
    return nbl.Objective(model, nn.CrossEntropyLoss(), (ids, ids))


# name -> dimensions that make up one filter; None: no filters
DIMS = {
    "tokens.weight": (1,),
    "positions": (2,),
    "class_token": None,
    "attention.in_proj_weight": (1,),
    "attention.in_proj_bias": None,
    "attention.bias_k": None,
    "attention.out_proj.weight": (1,),
    "norm.weight": None,
    "recurrent.weight_ih_l0": (1,),
    "conv.weight": (1, 2),
    "gpt.weight": (0,),
    "phase": (1,),
    "number": None,
}


def test_p37_filters_are_what_makes_one_output(zoo):
    weights = zoo.unflatten(zoo.origin())
    plane = nbl.Subspace.random(zoo, 2, normalize="filter")
    for row in plane.directions:
        pieces = zoo.unflatten(row)
        assert "head.weight" not in pieces  # tied weights count once
        for name, dims in DIMS.items():
            if dims is None:
                assert not pieces[name].any(), name
                continue
            ours, theirs = pieces[name].norm(dim=dims), weights[name].norm(dim=dims)
            torch.testing.assert_close(ours, theirs, msg=name)
            if pieces[name].numel() > ours.numel():  # never element-wise
                assert not torch.allclose(pieces[name].abs(), weights[name].abs())
        assert not pieces["tokens.weight"][0].any()  # a filter of norm zero: the padding token's row
        up, down = pieces["up.weight"], weights["up.weight"]  # (in, out / groups, kernel), two groups
        for group in (slice(0, 2), slice(2, 4)):
            torch.testing.assert_close(up[group].norm(dim=(0, 2)), down[group].norm(dim=(0, 2)))
    assert plane.provenance["one_dimensional"] == "zero"


def test_vectors_can_be_kept_by_their_norm(zoo):
    weights = zoo.unflatten(zoo.origin())
    plane = nbl.Subspace.random(zoo, 1, normalize="filter", one_dimensional="norm")
    pieces = zoo.unflatten(plane.directions[0])
    for name, dims in DIMS.items():
        size, target = (t[name].norm(dim=dims) for t in (pieces, weights))
        torch.testing.assert_close(size, target, msg=name)


def test_layers_have_the_norms_of_the_weights(zoo):
    weights = zoo.unflatten(zoo.origin())
    pieces = zoo.unflatten(nbl.Subspace.random(zoo, 1, normalize="layer").directions[0])
    for name, piece in pieces.items():
        torch.testing.assert_close(piece.norm(), weights[name].norm(), msg=name)


def test_biases_alone_move_only_by_their_norm():
    model = nn.Linear(2, 3)
    data = (torch.ones(2, 2), torch.tensor([0, 1]))
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data, parameters=["bias"])
    with pytest.raises(ValueError, match='one_dimensional="norm"'):
        nbl.Subspace.random(objective, 1)
    plane = nbl.Subspace.random(objective, 1, one_dimensional="norm")
    assert plane.lengths[0] == pytest.approx(float(model.bias.detach().norm()))
    with pytest.raises(ValueError, match="one_dimensional='drop'"):
        nbl.Subspace.random(objective, 1, one_dimensional="drop")


@pytest.mark.parametrize(
    ("module", "leaf", "shape", "view"),
    [
        (nn.Linear(1, 4), "weight", (4, 1), ((4, 1), (1,))),
        (nn.Conv2d(3, 1, 2), "weight", (1, 3, 2, 2), ((1, 3, 2, 2), (1, 2, 3))),
        (nn.Bilinear(2, 3, 4), "weight", (4, 2, 3), ((4, 2, 3), (1, 2))),
        (nn.Linear(3, 4), "weight_g", (4, 1), None),  # magnitudes under weight normalisation
        (nn.BatchNorm2d(3), "weight", (3,), None),
        (nn.Module(), "experts", (8, 4, 5), ((8, 4, 5), (1, 2))),
    ],
)
def test_p37_what_a_filter_is(module, leaf, shape, view):
    assert filters(module, leaf, torch.Size(shape)) == view


def test_p35_normalised_first_then_orthonormal(zoo):
    plane = nbl.Subspace.random(zoo, 3, normalize="filter")
    assert np.abs(plane.gram - np.diag(np.diag(plane.gram))).max() > 0.1  # told, not hidden
    square = plane.orthonormalized()
    np.testing.assert_allclose(square.gram, np.eye(3), atol=1e-5)
    point = plane.at([0.3, -0.2, 0.5])
    away = (point - square.origin).double()
    inside = square.directions.double().T @ (square.directions.double() @ away)
    torch.testing.assert_close(inside, away, rtol=0, atol=1e-5)
    assert float(square.directions[0] @ plane.directions[0]) == pytest.approx(plane.lengths[0], rel=1e-5)
    assert square.provenance["orthonormalized"]
    twice = nbl.Subspace.from_directions(zoo, [plane.directions[0], 2 * plane.directions[0]])
    with pytest.raises(ValueError, match=r"Direction 1 .* depends on those before"):
        twice.orthonormalized()


def test_p35_only_random_directions_are_normalised(zoo):
    rows = torch.randn(1, zoo.num_parameters, generator=torch.Generator().manual_seed(1))
    own = nbl.Subspace.from_directions(zoo, rows)
    pieces = zoo.unflatten(own.normalized(zoo, "layer").directions[0])
    weights = zoo.unflatten(zoo.origin())
    torch.testing.assert_close(pieces["gpt.weight"].norm(), weights["gpt.weight"].norm())
    assert own.normalized(zoo, "unit").lengths[0] == pytest.approx(1)
    small = nbl.Objective(nn.Linear(2, 2), nn.MSELoss(), (torch.eye(2), torch.eye(2)))
    vectors = nbl.Subspace.hessian(small, nbl.hessian_spectrum(small, largest=1, smallest=1), (0, -1))
    gradient = nbl.Subspace.gradient(small)
    for plane in (vectors, gradient):
        with pytest.raises(ValueError, match="Only random directions are normalised"):
            plane.normalized(small, "filter")


def test_orthonormalizing_keeps_curvatures_only_of_orthogonal_directions():
    rows = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.5, 0.0]])
    plane = nbl.Subspace(torch.zeros(3), rows, ("a", "b"), curvatures=(8.0, 1.0), anchors=np.eye(2))
    square = plane.orthonormalized()
    assert square.curvatures == (2.0, 4.0)
    np.testing.assert_allclose(square.anchors, [[2, 0], [0, 0.5]])
    skew = nbl.Subspace(torch.zeros(3), rows + 1.0, ("a", "b"), curvatures=(8.0, 1.0), anchors=np.eye(2))
    assert skew.orthonormalized().curvatures is None
    for anchor, old in zip(skew.orthonormalized().anchors, skew.anchors, strict=True):
        torch.testing.assert_close(skew.orthonormalized().at(anchor), skew.at(old), atol=1e-6, rtol=0)


def test_p40_filter_normalised_slices_do_not_see_a_rescaled_network():
    """ReLU(c w) v / c is the same function; only normalised directions give it the same slice."""
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(3, 6, bias=False), nn.ReLU(), nn.Linear(6, 2, bias=False)).double()
    scaled = copy.deepcopy(plain)
    with torch.no_grad():
        scaled[0].weight.mul_(10)
        scaled[2].weight.div_(10)
    data = (torch.randn(20, 3), torch.arange(20) % 2)
    first, second = (nbl.Objective(m, nn.CrossEntropyLoss(), data) for m in (plain, scaled))
    for normalize, same in (("filter", True), ("layer", True), ("unit", False), (None, False)):
        slices = [
            nbl.sample(o, nbl.Subspace.random(o, 2, normalize=normalize), span=0.5, points=5).values
            for o in (first, second)
        ]
        assert np.allclose(*slices, rtol=1e-9) == same, normalize
