"""Nested grids, sampling, spans, saving."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import nblandscape as nbl
from nblandscape.landscape.grid import axis_coordinates, check_points, nested_levels
from nblandscape.landscape.span import half_widths


def quadratic(curvatures: list[float], start: list[float] | None = None) -> nbl.Objective:
    """L(w) = 1/2 sum c_i w_i^2 at `start`."""
    model = nn.Linear(len(curvatures), 1, bias=False).double()
    weights = torch.zeros(len(curvatures)) if start is None else torch.tensor(start)
    with torch.no_grad():
        model.weight.copy_(weights)
    c = torch.tensor(curvatures, dtype=torch.float64)
    return nbl.Objective.from_batch_loss(
        model, lambda m, _: (0.5 * (c * m.weight.square()).sum(), 1), [torch.zeros(1)]
    )


@given(
    st.lists(st.integers(1, 12).map(lambda k: 2 * k + 1), min_size=1, max_size=3), st.sampled_from([3, 5, 9])
)
@settings(max_examples=60, deadline=None)
def test_levels_hold_every_vertex_once_and_each_is_a_grid_around_the_centre(shape, coarsest):
    levels = nested_levels(shape, coarsest=coarsest)
    everything = np.concatenate([level.vertices for level in levels])
    assert np.array_equal(np.sort(everything), np.arange(np.prod(shape)))
    assert levels[-1].strides == (1,) * len(shape)
    center = np.ravel_multi_index(tuple(n // 2 for n in shape), shape)
    assert levels[0].vertices[0] == center
    known: set[int] = set()
    for level in levels:
        known |= set(level.vertices.tolist())
        lines = [range((n // 2) % s, n, s) for n, s in zip(shape, level.strides, strict=True)]
        expected = {int(np.ravel_multi_index(i, tuple(shape))) for i in itertools.product(*lines)}
        assert known == expected


def test_powers_of_two_reach_the_border_at_every_level():
    for level in nested_levels((33, 17)):
        assert {0, 33 * 17 - 1} <= set(np.concatenate([k.vertices for k in nested_levels((33, 17))]).tolist())
        assert all((n - 1) % s == 0 for n, s in zip((33, 17), level.strides, strict=True))


@pytest.mark.parametrize("points", [4, 2, 1, (5, 6), (5,), (5, 5, 5), 0, -3])
def test_p34_even_or_missing_points_are_errors(points):
    with pytest.raises(ValueError, match="points="):
        check_points(points, 2)


def test_the_middle_coordinate_is_exact():
    for width in (0.1, 1e-7, 3.3e5, np.pi):
        axis = axis_coordinates(width, 33, center=0.7)
        assert axis[16] == 0.7
        assert axis[-1] == pytest.approx(0.7 + width)
        np.testing.assert_allclose(axis - 0.7, -(axis - 0.7)[::-1], atol=1e-12 * width)


def test_p33_values_are_ij_and_coordinates_are_true_displacements():
    objective = quadratic([100.0, 1.0, 7.0], start=[0.5, -1.0, 2.0])
    plane = nbl.Subspace.from_directions(objective, torch.eye(3, dtype=torch.float64)[:2], ["steep", "flat"])
    landscape = nbl.sample(objective, plane, span=(1.0, 2.0), points=(5, 9))
    a, b = np.meshgrid(*landscape.axes, indexing="ij")
    expected = 50 * (0.5 + a) ** 2 + 0.5 * (-1 + b) ** 2 + 14
    assert landscape.shape == (5, 9)
    np.testing.assert_allclose(landscape.values, expected, rtol=1e-14)
    assert landscape.origin_value == objective.loss()
    assert landscape.labels == ("steep", "flat")


@pytest.mark.parametrize("dim", [1, 2, 3, 4])
def test_any_dimension(dim):
    objective = quadratic([1.0, 2.0, 3.0, 4.0, 5.0])
    directions = torch.eye(5, dtype=torch.float64)[:dim]
    landscape = nbl.sample(objective, nbl.Subspace.from_directions(objective, directions), span=1.0, points=5)
    grids = np.meshgrid(*landscape.axes, indexing="ij")
    np.testing.assert_allclose(landscape.values, sum(0.5 * (i + 1) * g**2 for i, g in enumerate(grids)))


def test_p52_the_order_of_evaluation_does_not_show():
    objective = quadratic([2.0, 3.0], start=[0.3, 0.1])
    plane = nbl.Subspace.from_directions(objective, torch.eye(2, dtype=torch.float64))
    one = nbl.sample(objective, plane, span=1.0, points=9).values
    coarse_first = dict.fromkeys(range(81))
    steps = nbl.iter_sample(objective, plane, span=1.0, points=9, coarsest=9)
    for _, vertices, values in steps:
        coarse_first.update(zip(vertices.tolist(), values.tolist(), strict=True))
    np.testing.assert_array_equal(one.ravel(), [coarse_first[i] for i in range(81)])


def test_chunks_add_up_and_the_callback_sees_them():
    objective = quadratic([2.0, 3.0])
    plane = nbl.Subspace.from_directions(objective, torch.eye(2, dtype=torch.float64))
    seen: list[tuple[int, np.ndarray, np.ndarray]] = []
    landscape = nbl.sample(objective, plane, span=1.0, points=9, callback=lambda *chunk: seen.append(chunk))
    levels = [level for level, _, _ in seen]
    assert levels == sorted(levels)
    vertices = np.concatenate([v for _, v, _ in seen])
    np.testing.assert_array_equal(landscape.values.flat[vertices], np.concatenate([x for _, _, x in seen]))
    assert len(vertices) == 81


def test_cancel_stops_before_the_next_point():
    objective = quadratic([2.0, 3.0])
    plane = nbl.Subspace.from_directions(objective, torch.eye(2, dtype=torch.float64))
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    with pytest.raises(nbl.Cancelled):
        nbl.sample(objective, plane, span=1.0, points=9, cancel=cancel)
    assert asked == 6


def test_p38_not_finite_losses_are_holes_and_counted():
    model = nn.Linear(2, 1, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([1.0, 0.0]))
    objective = nbl.Objective.from_batch_loss(
        model, lambda m, _: (m.weight[0, 0].log().square(), 1), [torch.zeros(1)]
    )
    plane = nbl.Subspace.from_directions(objective, torch.eye(2, dtype=torch.float64))
    landscape = nbl.sample(objective, plane, span=2.0, points=5)
    assert landscape.holes == 10  # two of five columns have weights of at most zero
    assert landscape.provenance["holes"] == 10
    assert np.isnan(landscape.values[0]).all()
    assert len(landscape.merge_tree().minima) == 1


def test_spans():
    objective = quadratic([8.0, -2.0], start=[3.0, 4.0])
    plane = nbl.Subspace(
        objective.origin(), torch.eye(2, dtype=torch.float64), ("a", "b"), curvatures=(8.0, -2.0)
    )
    assert half_widths(0.25, plane, 1.0) == (0.25, 0.25)
    assert half_widths((1.0, 2.0), plane, 1.0) == (1.0, 2.0)
    assert half_widths(("relative", 0.1), plane, 1.0) == pytest.approx((0.5, 0.5))
    assert half_widths(None, plane, 1.0) == pytest.approx((np.sqrt(0.5), np.sqrt(2)))
    assert half_widths(("loss", 2), plane, 1e9) == pytest.approx((5.0, 5.0))  # at most ||theta||
    assert half_widths(("loss", 2), plane, 0.0) == pytest.approx((np.sqrt(5e-4), np.sqrt(2e-3)))
    for bad in (0.0, -1.0, np.nan, ("loss", -1), ("wide", 1), (1.0, 2.0, 3.0)):
        with pytest.raises(ValueError, match=r"span|axes|math"):
            half_widths(bad, plane, 1.0)


def test_metrics_and_batch_losses():
    x = torch.tensor(np.random.default_rng(0).normal(size=(12, 2)))
    y = (x[:, 0] > 0).long()
    model = nn.Linear(2, 2).double()
    error = lambda output, target: (output.argmax(1) != target).double().mean()  # noqa: E731
    objective = nbl.Objective(
        model, nn.CrossEntropyLoss(), [(x[:4], y[:4]), (x[4:], y[4:])], metrics={"error": error}
    )
    landscape = nbl.sample(objective, nbl.Subspace.random(objective, 2, normalize="unit"), points=5)
    assert landscape.batch_losses.shape == (5, 5, 2)
    np.testing.assert_allclose(landscape.batch_losses @ landscape.batch_counts / 12, landscape.values)
    middle = landscape.metrics["error"][2, 2]
    assert middle == pytest.approx(float(error(model(x), y)))


def test_saving_and_loading(tmp_path):
    objective = quadratic([2.0, 3.0])
    plane = nbl.Subspace.from_directions(objective, torch.eye(2, dtype=torch.float64))
    landscape = nbl.sample(objective, plane, span=1.0, points=5)
    path = landscape.save(tmp_path / "plane")
    again = nbl.Landscape.load(path)
    np.testing.assert_array_equal(landscape.values, again.values)
    np.testing.assert_array_equal(landscape.batch_losses, again.batch_losses)
    assert again.provenance == landscape.provenance
    assert again.labels == landscape.labels
    assert landscape.to_xarray()["loss"].shape == (5, 5)

    good = path.read_bytes()
    with pytest.raises(TypeError):
        nbl.Landscape.from_array(np.eye(3), provenance={"odd": object()}).save(path)
    assert path.read_bytes() == good  # a failed save leaves the old file
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(ValueError, match="damaged"):
        nbl.Landscape.load(path)
    with pytest.raises(FileNotFoundError):
        nbl.Landscape.load(tmp_path / "nothing.npz")
    np.savez(tmp_path / "other.npz", a=np.eye(2))
    with pytest.raises(ValueError, match="not a file saved"):
        nbl.Landscape.load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (3.0, {}, "shape"),
        ([[1.0], [2.0]], {}, "two points"),
        (np.full((3, 3), np.nan), {}, "finite"),
        (np.eye(3), {"axes": [[0, 1, 2]]}, "1 axes"),
        (np.eye(3), {"axes": [[0, 1, 2], [0, 0, 1]]}, "increase"),
        (np.eye(3), {"axes": [[0, 1, 2], [0, 1]]}, "Axis 1"),
        (np.eye(3), {"labels": ["a"]}, "1 labels"),
        (np.eye(3), {"metrics": {"m": np.eye(2)}}, "Metric"),
    ],
)
def test_arrays_that_are_no_landscape(values, options, message):
    with pytest.raises(ValueError, match=message):
        nbl.Landscape.from_array(values, **options)
