"""Polished critical points: known coordinates and curvatures, and what they are outside of the slice."""

import copy
import json
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import nn

import nblandscape as nbl
from nblandscape.cancel import Cancelled
from nblandscape.landscape.newton import Look, _closer, trust_region_step
from nblandscape.landscape.polish import polish

D = torch.float64


class Weights(nn.Module):
    def __init__(self, w, dtype=D):
        super().__init__()
        self.w = nn.Parameter(torch.as_tensor(w, dtype=dtype))


def function(f, start, dtype=D, **options) -> nbl.Objective:
    """An objective whose loss is f(w)."""
    return nbl.Objective.from_batch_loss(
        Weights(start, dtype), lambda m, _: (f(m.w), 1), [torch.zeros(1)], **options
    )


def axes_of(objective, count=2, rows=None) -> nbl.Subspace:
    rows = torch.eye(objective.num_parameters)[:count] if rows is None else rows
    return nbl.Subspace.from_directions(objective, rows.to(objective.dtype))


def wells(w):
    return ((w[:2].square() - 1).square()).sum() + 3 * w[2:].square().sum()


def himmelblau(w):
    return (w[0] ** 2 + w[1] - 11) ** 2 + (w[0] + w[1] ** 2 - 7) ** 2


@pytest.mark.parametrize("dtype", [D, torch.float32])
def test_every_kind_of_critical_point_of_the_double_wells(dtype):
    objective = function(wells, [0.13, -0.07, 0.0, 0.0], dtype)
    plane = axes_of(objective)
    landscape = nbl.sample(objective, plane, span=1.9, points=21)
    tree = landscape.merge_tree()
    accuracy = 1e-6 if dtype == D else 1e-4
    starts = [*tree.minima, *(v for v in tree.saddles if v >= 0), *landscape.merge_tree("superlevel").minima]
    found = {}
    for vertex in starts:
        point = polish(objective, plane, int(vertex), landscape)
        weights = objective.parameters_at(plane, point.coordinates)["w"].numpy()
        place = weights[:2].round()
        if np.abs(landscape.coordinates(int(vertex))).max() > 1.5:  # corners are no critical points
            continue
        np.testing.assert_allclose(weights[:2], place, atol=accuracy)
        np.testing.assert_allclose(point.slice_eigenvalues, np.sort(12 * place**2 - 4), rtol=1e-4)
        assert point.index == (place == 0).sum()
        assert point.kind == ["minimum", "saddle", "maximum"][point.index]
        assert point.point == ["minimum", "saddle", "saddle"][point.index]  # w_2, w_3 always curve upwards
        assert point.loss == pytest.approx(point.index, abs=accuracy)
        assert point.moved < 1
        assert point.slice_gradient < 100 * accuracy
        assert "and of the loss" in point.verdict or point.kind == "maximum"
        found[tuple(place.tolist())] = point
    assert {p for p in found if 0 not in p} == {(a, b) for a in (-1, 1) for b in (-1, 1)}
    assert (0, 0) in found
    assert sum(p.kind == "saddle" for p in found.values()) >= 3
    assert "but a saddle of the loss" in found[0, 0].verdict


@pytest.mark.parametrize(
    ("curvature", "verdict"), [(-0.5, "but a saddle of the loss"), (0.5, "and of the loss")]
)
def test_p53_a_minimum_of_the_slice_may_be_a_saddle_of_the_loss(curvature, verdict):
    objective = function(lambda w: himmelblau(w) + curvature / 2 * w[2] ** 2, [0.1, -0.2, 0.0])
    plane = axes_of(objective)
    landscape = nbl.sample(objective, plane, span=5.0, points=33)
    known = [[3, 2], [-2.805118, 3.131312], [-3.779310, -3.283186], [3.584428, -1.848126]]
    reached = []
    for vertex in landscape.merge_tree().minima:
        point = polish(objective, plane, int(vertex), landscape)
        assert point.kind == "minimum"
        assert point.smallest.value == pytest.approx(curvature)
        assert verdict in point.verdict
        assert point.loss <= point.loss_before
        reached.append(point.coordinates + np.array([0.1, -0.2]))
    assert len(reached) == 4
    for place in known:
        assert min(np.linalg.norm(r - place) for r in reached) < 1e-5
    saddles = [
        (polish(objective, plane, int(v), landscape), v) for v in landscape.merge_tree().saddles if v >= 0
    ]
    values = sorted(p.loss for p, _ in saddles)
    np.testing.assert_allclose(values, [13.3119263, 67.7191501, 104.0151629], rtol=1e-8)
    assert all(p.kind == "saddle" and p.point == "saddle" for p, _ in saddles)


def test_a_gradient_out_of_the_slice_is_told():
    objective = function(lambda w: wells(w) + 0.79 * w[2], [0.1, 0.1, 0.0])
    point = polish(objective, axes_of(objective), [0.8, -1.0], cell=0.2)
    assert point.kind == "minimum"
    assert point.point == "not a critical point"
    assert point.gradient_outside == pytest.approx(0.79)
    assert point.gradient == pytest.approx(0.79)
    assert point.gain == pytest.approx(0.79**2 / 16)
    assert point.gradient_noise is None
    assert "not a critical point of the loss: the gradient is 0.79 there, of which 0.79" in point.verdict
    told = json.loads(json.dumps(point.to_dict(), allow_nan=False))
    assert told["point"] == "not a critical point"
    assert told["smallest"]["value"] == pytest.approx(6)
    assert "Hessian products" in repr(point)
    alone = polish(objective, axes_of(objective), [0.8, -1.0], cell=0.2, check=False)
    assert alone.point is alone.gradient is alone.smallest is None
    assert alone.verdict == "A minimum of the slice; not checked in the full space."
    assert alone.products < point.products
    np.testing.assert_array_equal(alone.coordinates, point.coordinates)


def test_skew_directions_and_an_offset_origin():
    rows = torch.tensor([[2.0, 0.0, 0.0, 0.0], [1.0, 0.5, 0.0, 0.0]], dtype=D)
    objective = function(lambda w: wells(w) + w[3], [0.1, 0.1, 0.0, 0.0])
    plane = axes_of(objective, rows=rows).shifted(torch.eye(4, dtype=D)[2], 0.25, "up")
    start = np.linalg.solve(rows[:, :2].numpy().T, [0.85, -1.05])  # near (0.95, -0.95)
    point = polish(objective, plane, start, cell=0.2)
    np.testing.assert_allclose(plane.at(point.coordinates)[:3], [1, -1, 0.25], atol=1e-6)
    np.testing.assert_allclose(point.slice_eigenvalues, [8, 8], rtol=1e-6)  # for unit directions
    assert point.gradient_outside == pytest.approx(np.hypot(6 * 0.25, 1))
    assert point.slice_gradient < 1e-5


def waves(w):
    return torch.sin(2 * w[0]) * torch.cos(w[1]) + 0.1 * w[0] ** 2 + 0.1 * w[1] ** 2 + w[2] ** 2


@given(
    st.floats(-3, 3), st.floats(-3, 3), st.sampled_from([0, 1, 2, None]), st.sampled_from([D, torch.float32])
)
@settings(max_examples=25, deadline=None)
def test_what_is_said_of_a_point_is_true(a, b, index, dtype):
    objective = function(waves, [0.0, 0.0, 0.0], dtype)
    plane = axes_of(objective)
    point = polish(objective, plane, [a, b], index=index, cell=0.3, check=False)
    w = torch.tensor([*point.coordinates, 0.0], dtype=D, requires_grad=True)
    (slope,) = torch.autograd.grad(waves(w), w)
    H = torch.autograd.functional.hessian(waves, w.detach())[:2, :2].numpy()
    scale = 1e-3 if dtype == torch.float32 else 1e-8
    np.testing.assert_allclose(point.slice_eigenvalues, np.linalg.eigvalsh(H), atol=max(scale, 1e-7))
    assert abs(point.slice_gradient - slope.norm().item()) < scale
    if index == 0:
        assert point.loss <= point.loss_before + 1e-6
        assert point.kind in ("minimum", "not converged")
    if point.kind != "not converged":
        assert np.linalg.norm(np.linalg.solve(H, slope[:2].detach().numpy())) < 0.02
        assert point.kind == ["minimum", "saddle", "maximum"][(np.linalg.eigvalsh(H) < 0).sum()]
    else:
        assert "No critical point of the slice was reached" in point.verdict


def test_p30_the_model_is_untouched():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))
    data = [(torch.randn(6, 3), torch.randint(0, 2, (6,))) for _ in range(3)]
    model.train()
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data)
    gradient = objective.gradient()
    plane = nbl.Subspace.random(objective, 2)
    polish(objective, plane, [0.0, 0.0], index=0)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert model.training
    assert torch.equal(random, torch.get_rng_state())
    assert torch.equal(objective.gradient(), gradient)


def trained_digits(dtype=torch.float32):
    digits = load_digits()
    x, y = torch.tensor(digits.data[:300] / 16, dtype=torch.float32), torch.tensor(digits.target[:300])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 10))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    batches = [(x[i : i + 50], y[i : i + 50]) for i in range(0, 300, 50)]
    return nbl.Objective(model.to(dtype), nn.CrossEntropyLoss(), batches)


def test_the_minimum_of_a_random_slice_of_a_network_is_no_critical_point():
    objective = trained_digits()
    plane = nbl.Subspace.random(objective, 2, seed=1)
    landscape = nbl.sample(objective, plane, span=("relative", 0.3), points=9)
    point = polish(objective, plane, int(np.nanargmin(landscape.values)), landscape)
    assert point.kind == "minimum"
    assert point.loss < point.loss_before
    assert np.hypot(point.slice_gradient, point.gradient_outside) == pytest.approx(point.gradient, rel=1e-4)
    assert point.gradient_outside > 100 * point.slice_gradient
    moved = objective.at(objective.parameters_at(plane, point.coordinates))
    assert point.loss == pytest.approx(moved.loss(), rel=1e-5)
    assert point.gradient == pytest.approx(float(moved.gradient().norm()), rel=1e-3)
    per_batch = torch.stack([moved.on([b]).gradient() for b in objective._problem.batches]).double()
    w = torch.full((6,), 1 / 6, dtype=D)
    noise = ((per_batch - w @ per_batch).square().sum(1) @ w.square() * 6 / 5).sqrt()
    assert point.gradient_noise == pytest.approx(float(noise), rel=0.35)
    assert point.gradients < 15


def test_the_noise_of_few_parameters_is_exact():
    data = [torch.tensor([s, c]) for s, c in ((1.0, 0.2), (2.0, -0.1), (4.0, 0.3))]
    objective = nbl.Objective.from_batch_loss(
        Weights([0.2, 0.1]), lambda m, x: (3 * (x[0] * m.w.square().sum() + x[1] * m.w[0]), 3), data
    )
    point = polish(objective, axes_of(objective), [0.0, 0.0], cell=0.5)
    slopes = np.array(
        [2 * s * point.coordinates[0] + 2 * s * 0.2 + c for s, c in ((1, 0.2), (2, -0.1), (4, 0.3))]
    )
    assert point.gradient_noise == pytest.approx(np.std(slopes, ddof=1) / np.sqrt(3), abs=1e-7)
    assert point.smallest.noise is not None


@pytest.mark.parametrize("offset", [0.0, 0.05])
def test_a_gradient_within_batch_noise_decides_nothing(offset):
    data = [torch.tensor(c) for c in (5.0, -5.0 + 2 * offset)]
    objective = nbl.Objective.from_batch_loss(
        Weights([0.2, 0.0]), lambda m, c: (1e-3 * (m.w.square().sum() + c * m.w[1]), 1), data
    )
    point = polish(objective, axes_of(objective, 1), [0.0], cell=0.2)
    assert point.point == ("minimum" if offset == 0 else "undecided")
    if offset:
        assert "undecided: the gradient is" in point.verdict
        assert "spread of the batches alone" in point.verdict


def test_the_users_half_precision_does_not_round_the_point():
    objective = trained_digits(torch.bfloat16)
    assert objective.dtype == torch.float32
    plane = nbl.Subspace.random(objective, 2, seed=1)
    landscape = nbl.sample(objective, plane, span=("relative", 0.3), points=9)
    point = polish(objective, plane, int(np.nanargmin(landscape.values)), landscape, check=False)
    assert point.kind == "minimum"
    assert point.slice_gradient < 1e-3 * float(objective.gradient().norm())


def test_holes_are_not_entered():
    objective = function(lambda w: w[0] - torch.log(w[0]) + w[1] ** 2, [2.5, 0.0])
    plane = axes_of(objective)
    landscape = nbl.Landscape.from_array(np.ones((3, 3)), ([-4.0, 0.0, 4.0], [-1.0, 0.0, 1.0]))
    point = polish(objective, plane, 4, landscape, index=0)  # the first Newton step leads to log(-1.25)
    np.testing.assert_allclose(point.coordinates, [-1.5, 0], atol=1e-6)
    assert point.kind == "minimum"
    hill = function(lambda w: torch.log(w[0]) - w[0], [2.5, 0.0])
    top = polish(hill, axes_of(hill, 1), [0.0], index=1, cell=4.0, check=False)
    assert (top.kind, top.coordinates[0]) == ("maximum", pytest.approx(-1.5, abs=1e-6))
    with pytest.raises(ValueError, match=r"The loss is nan at the start \(-3, 0\)"):
        polish(objective, plane, [-3.0, 0.0])


def test_newton_steps_that_overshoot_are_refused():
    objective = function(lambda w: (1 + w.square()).sqrt().sum(), [1.5, 0.0])  # Newton: w -> -w^3
    plane = axes_of(objective, 1)
    point = polish(objective, plane, [0.0], cell=10.0, check=False)
    assert point.kind == "minimum"
    assert plane.at(point.coordinates)[0].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("values", "slope", "taken"), [([-1, 2], 0.5, True), ([1, 2], 0.5, False), ([-1, 2], 2, False)]
)
def test_a_step_towards_a_saddle_keeps_the_index_and_shrinks_the_slope(values, slope, taken):
    here, there = (Look(np.zeros(2), 0.0, torch.zeros(2), np.array([size, 0.0])) for size in (1.0, slope))
    there.values, there.curvature_noise = np.array(values, dtype=float), np.full(2, 1e-9)
    assert _closer(there, here, 1) is taken


@pytest.mark.parametrize("index", [0, 1, 2])
def test_where_there_is_none_the_verdict_says_so(index):
    objective = function(lambda w: w[0] + 0.01 * w[0] ** 2 + w[1] ** 2 + w[2] ** 2, [0.0, 0.0, 0.0])
    plane = axes_of(objective)
    landscape = nbl.sample(objective, plane, span=1.0, points=9)
    point = polish(objective, plane, 40, landscape, index=index)
    assert point.kind == "not converged"
    assert point.point is None
    assert "within 2 cells" in point.verdict or "steps did not lead" in point.verdict
    assert np.abs(point.coordinates).max() <= 0.5


def test_a_minimum_is_insisted_on_also_from_the_top_of_a_ridge():
    objective = function(wells, [0.0, 0.0, 0.0])
    point = polish(objective, axes_of(objective), [0.0, 0.0], index=0, cell=0.5, reach=3)
    np.testing.assert_allclose(np.abs(point.coordinates), 1, atol=1e-6)
    assert polish(objective, axes_of(objective), [0.0, 0.0]).kind == "maximum"
    saddle = polish(objective, axes_of(objective), [0.02, 0.9], cell=0.2)
    assert saddle.index == 1
    np.testing.assert_allclose(saddle.coordinates, [0, 1], atol=1e-6)


def test_flat_directions_are_degenerate_and_quartic_wells_are_found():
    flat = polish(function(lambda w: w[0] ** 2 + 0 * w[1], [0.3, 0.0]), axes_of_two(), [0.1, 0.0], cell=0.5)
    assert flat.kind == "degenerate"
    assert "A degenerate point of the slice" in flat.verdict
    quartic = function(lambda w: (w**4).sum(), [0.3, -0.2])
    point = polish(quartic, axes_of(quartic), [0.0, 0.0], cell=0.2, check=False)
    assert point.kind == "minimum"
    assert np.abs(point.coordinates + np.array([0.3, -0.2])).max() < 0.01


def axes_of_two() -> nbl.Subspace:
    return axes_of(function(lambda w: w[0] ** 2 + 0 * w[1], [0.3, 0.0]))


def test_finite_difference_products():
    objective = function(wells, [0.1, -0.1, 0.0], products="finite-difference")
    point = polish(objective, axes_of(objective), [0.8, 0.1], cell=0.2)
    assert point.kind == "saddle"
    np.testing.assert_allclose(point.slice_eigenvalues, [-4, 8], rtol=1e-5)


def test_one_and_three_dimensions():
    for dim in (1, 3):
        objective = function(lambda w: ((w.square() - 1).square()).sum(), [0.1] * 4)
        plane = axes_of(objective, dim)
        landscape = nbl.sample(objective, plane, span=2.0, points=17 if dim == 1 else 9)
        point = polish(objective, plane, int(landscape.values.argmin()), landscape)
        np.testing.assert_allclose(np.abs(0.1 + point.coordinates), 1, atol=1e-6)
        assert point.point == "not a critical point"  # the other weights are at 0.1


def test_it_can_be_cancelled_at_any_time():
    objective = function(wells, [0.1, -0.1, 0.0])
    plane, event = axes_of(objective), threading.Event()
    event.set()
    with pytest.raises(Cancelled):
        polish(objective, plane, [0.8, 0.8], cancel=event)
    calls = []
    polish(objective, plane, [0.8, 0.8], cancel=lambda: bool(calls.append(0)))
    for stop in range(1, len(calls), 3):
        left = iter(range(stop))
        with pytest.raises(Cancelled):
            polish(objective, plane, [0.8, 0.8], cancel=lambda left=left: next(left, None) is None)


def test_wrong_arguments_are_named():
    objective = function(wells, [0.1, -0.1, 0.0])
    plane = axes_of(objective)
    landscape = nbl.sample(objective, plane, span=1.0, points=5)
    values = landscape.values.copy()
    values[0, 0] = np.nan
    hole = nbl.Landscape.from_array(values, landscape.axes)
    line = nbl.sample(objective, axes_of(objective, 1), span=1.0, points=5)
    for arguments, options, message in (
        ((3,), {}, "start=3 is a vertex of a landscape; pass the landscape"),
        ((25, landscape), {}, "vertices 0 to 24"),
        ((0, hole), {}, "start=0 is a hole"),
        (([0.0],), {}, "expected 2 finite coordinates"),
        (([0.0, np.nan],), {}, "expected 2 finite coordinates"),
        ((0, line), {}, "1 axes, the slice 2 directions"),
        (([0.0, 0.0],), {"index": 3}, "index=3"),
        (([0.0, 0.0],), {"steps": 0}, "steps=0"),
        (([0.0, 0.0],), {"cell": (1.0, 0.0)}, "cell="),
        (([0.0, 0.0],), {"tol": 0.0}, "tol=0.0"),
    ):
        with pytest.raises(ValueError, match=message):
            polish(objective, plane, *arguments, **options)
    other = function(wells, [0.1, -0.1, 0.0, 0.0])
    with pytest.raises(ValueError, match="length 3; the objective has 4"):
        polish(other, plane, [0.0, 0.0])


@given(st.integers(1, 4), st.integers(0, 2**31), st.floats(0.01, 10), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_step_in_the_trust_region_is_the_best_one(dim, seed, radius, hard):
    rng = np.random.default_rng(seed)
    values, slopes = np.sort(rng.normal(size=dim)), rng.normal(size=dim)
    if hard:
        slopes[0] = 0.0
    p = trust_region_step(slopes, values, radius)
    assert np.linalg.norm(p) <= radius * (1 + 1e-9)
    tries = rng.normal(size=(2000, dim))
    tries *= radius * rng.uniform(0, 1, size=(2000, 1)) / np.linalg.norm(tries, axis=1, keepdims=True)
    best = (tries @ slopes + tries**2 @ values / 2).min()
    assert slopes @ p + values @ p**2 / 2 <= best + 1e-9
