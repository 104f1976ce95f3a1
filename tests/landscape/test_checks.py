"""Warnings: each published mistake is caught, and sound landscapes are left alone."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl
from nblandscape.landscape.checks import compare_settings, warnings


def kinds(landscape, **options) -> list[str]:
    return [w.kind for w in warnings(landscape, **options)]


def array(values, **provenance) -> nbl.Landscape:
    axes = [np.arange(n) - n // 2 for n in values.shape]
    return nbl.Landscape.from_array(values, axes, provenance=provenance)


def bowl(n=21, m=17) -> np.ndarray:
    x, y = np.linspace(-1, 1, n), np.linspace(-1, 1, m)
    return 1 + (x[:, None] + 0.13) ** 2 * 2 + (y - 0.2) ** 2


def serpentine(values, axis, along, shift) -> np.ndarray:
    rows = np.moveaxis(values, (axis, along), (0, 1)).copy()
    rows[1::2] = np.roll(rows[1::2], shift, axis=1)
    return np.moveaxis(rows, (0, 1), (axis, along))


# ---------------------------------------------------------------------- every other row shifted


@pytest.mark.parametrize(("axis", "along"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("shift", [1, -1])
@pytest.mark.parametrize("n", [9, 21])
def test_p32_a_bowl_with_shifted_odd_rows(axis, along, shift, n):
    values = bowl(n, 17)
    values[0, 0] = np.nan
    (found,) = [w for w in warnings(array(serpentine(values, axis, along, shift))) if w.kind != "holes"]
    assert found.kind == "row pattern"
    assert (found.numbers["axis"], found.numbers["along"]) == (axis, along)
    assert found.numbers["shift"] == -shift
    assert found.numbers["ratio"] < (0.2 if n == 21 else 0.5)
    assert f"row of axis {axis} looks shifted by one cell along axis {along}" in str(found)


@pytest.mark.parametrize("scale", [1e-300, 1e200])
def test_shifted_rows_of_tiny_and_huge_values(scale):
    assert kinds(array(scale * serpentine(bowl(), 0, 1, 1))) == ["row pattern"]
    assert kinds(array(scale * bowl())) == []


def test_p52_shifted_rows_of_networks_and_in_three_dimensions():
    x = np.linspace(-1, 1, 11)
    a, b, c = np.meshgrid(x, x, x, indexing="ij")
    values = (a - 0.1) ** 2 + 2 * (b + 0.3) ** 2 + np.exp(c)
    assert kinds(array(values)) == []
    for axis, along in ((0, 2), (2, 1)):
        (found,) = warnings(array(serpentine(values, axis, along, 1)))
        assert (found.numbers["axis"], found.numbers["along"]) == (axis, along)


def smooth(rng, n, length):
    """Random waves with a correlation length in cells."""
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    waves = [(rng.normal(size=2) / length, rng.uniform(0, 7)) for _ in range(40)]
    return sum(np.cos(k[0] * i + k[1] * j + phase) for k, phase in waves)


def sound_landscapes():
    rng = np.random.default_rng(0)
    for n in (9, 11, 17, 33):
        x, y = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n), indexing="ij")
        yield bowl(n, n)
        yield (4 * x**2 + 4 * y - 11) ** 2 + (4 * x + 4 * y**2 - 7) ** 2
        yield 100 * (2 * y - 4 * x**2) ** 2 + (1 - 2 * x) ** 2
        yield x + 2 * y
        for degrees in (10, 26.565, 45, 60, 135):
            c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
            for ratio in (10, 1e3, 1e4):
                yield (c * x + s * y) ** 2 + ratio * (c * y - s * x) ** 2
            yield -np.exp(-(((c * y - s * x) / 0.05) ** 2)) + 0.1 * x**2
        for half in (2, 2.5, 4, 8):  # on some of these grids the waves of Rastrigin's function alternate
            a, b = half * x, half * y
            yield 20 + a**2 - 10 * np.cos(2 * np.pi * a) + b**2 - 10 * np.cos(2 * np.pi * b)
            yield np.cos(np.pi * a) * np.cos(np.pi * b) + 0.1 * a**2
            yield np.cos(np.pi * (a + b)) + 0.01 * x
        for length in (0.5, 1, 1.5, 2, 4):
            for _ in range(4):
                yield smooth(rng, n, length)
        for level in (0.001, 0.03, 10):
            for _ in range(3):
                yield bowl(n, n) + level * rng.normal(size=(n, n))


def test_sound_landscapes_raise_no_alarm():
    made = list(sound_landscapes())
    assert len(made) > 200
    assert [i for i, values in enumerate(made) if kinds(array(values))] == []


def test_white_noise_hardly_ever_raises_an_alarm():
    rng = np.random.default_rng(2)
    alarms = [len(kinds(array(rng.normal(size=(9, 9))))) for _ in range(400)]
    assert sum(alarms) <= 4  # 1 in 400 was measured


def test_most_smooth_fields_with_shifted_rows_are_caught():
    rng = np.random.default_rng(1)
    caught = [
        "row pattern" in kinds(array(serpentine(smooth(rng, 17, length), 0, 1, 1)))
        for length in (1.5, 3, 8)
        for _ in range(10)
    ]
    assert np.mean(caught) > 0.9


def test_few_rows_show_parity_by_chance_and_are_not_tested():
    rng = np.random.default_rng(0)
    assert not any(kinds(array(rng.normal(size=(5, 6)))) for _ in range(100))
    assert kinds(array(np.arange(12.0))) == []


# ---------------------------------------------------------------------- plateaus


def classifier(scale=1.0):
    torch.manual_seed(0)
    x, y = torch.randn(60, 4), torch.arange(60) % 10
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 10))
    with torch.no_grad():
        model[2].weight.mul_(scale)
        model[2].bias.mul_(scale)
    return nbl.Objective(model, nn.CrossEntropyLoss(), [(x[i : i + 20], y[i : i + 20]) for i in (0, 20, 40)])


def test_a_plateau_at_chance_level():
    objective = classifier(scale=1e-3)
    plane = nbl.Subspace.random(objective, 2, normalize="unit")
    landscape = nbl.sample(objective, plane, span=0.05, points=9)
    found = {w.kind: w for w in warnings(landscape)}
    assert found["chance level"].numbers["classes"] == 10
    assert "ln 10 = 2.303" in str(found["chance level"])
    assert "chance level" in kinds(landscape, classes=10)
    assert "chance level" not in kinds(landscape, classes=12)
    far = nbl.sample(objective, plane, span=5.0, points=9)
    assert kinds(far, weights_norm=100.0) == []


def test_chance_needs_a_cross_entropy_or_the_number_of_classes():
    flat = np.log(10) + 1e-3 * bowl(9, 9)
    assert kinds(array(flat)) == []
    assert kinds(array(flat, objective={"loss": "MSELoss"})) == []
    assert kinds(array(flat, objective={"loss": "CrossEntropyLoss"})) == ["chance level"]
    assert kinds(array(flat), classes=10) == ["chance level"]
    assert kinds(array(flat + 0.1), classes=10) == ["worse than chance"]  # as of models said to be 92 % right
    assert kinds(array(flat - 0.1), classes=10) == []
    wide = np.log(10) + bowl(9, 9) - bowl(9, 9)[4, 4]
    assert kinds(array(wide, origin=40), classes=10) == []
    with pytest.raises(ValueError, match="classes=1"):
        warnings(array(flat), classes=1)


def with_batches(size, noise, same_for_all_points, counts=(10.0, 30.0, 20.0, 20.0)) -> nbl.Landscape:
    rng = np.random.default_rng(0)
    weights = np.array(counts) / sum(counts)
    shared = noise * rng.normal(size=(1, 1, 4) if same_for_all_points else (9, 9, 4))
    losses = 1 + size * bowl(9, 9)[..., None] + shared
    return nbl.Landscape(
        losses @ weights, (np.arange(-4.0, 5),) * 2, ("a", "b"), {}, losses, np.array(counts), {"origin": 40}
    )


def test_a_range_below_the_noise_between_batches():
    assert kinds(with_batches(1e-2, 1.0, same_for_all_points=False)) == ["plateau"]
    assert kinds(with_batches(10.0, 1.0, same_for_all_points=False)) == []
    assert kinds(with_batches(1e-2, 1.0, same_for_all_points=True)) == []  # paired: every batch has the shape
    smooth_noise = with_batches(1.0, 0.0, same_for_all_points=True)
    slopes = np.array([5.0, -5.0, 4.0, -4.0])
    losses = smooth_noise.batch_losses / 10 + np.arange(9.0)[:, None, None] * slopes
    weights = smooth_noise.batch_counts / smooth_noise.batch_counts.sum()
    tilted = nbl.Landscape(
        losses @ weights, smooth_noise.axes, ("a", "b"), {}, losses, smooth_noise.batch_counts, {}
    )
    assert kinds(tilted) == ["plateau"]


def test_pure_noise_between_batches_is_a_plateau_nearly_always():
    rng = np.random.default_rng(3)
    found = []
    for n, b in ((9, 4), (9, 20), (21, 8)):
        for _ in range(40):
            losses = rng.normal(size=(n, n, b))
            axes = (np.arange(n) - n // 2.0,) * 2
            found.append(kinds(nbl.Landscape(losses.mean(-1), axes, ("a", "b"), {}, losses)))
    assert np.mean([f == ["plateau"] for f in found]) > 0.85


def test_a_range_that_is_rounding():
    rng = np.random.default_rng(0)
    rough = 2 + 5e-7 * rng.uniform(size=(9, 9))
    assert kinds(array(rough)) == []
    assert kinds(array(rough, objective={"dtype": "float32"})) == ["plateau"]
    assert kinds(array(np.ones((5, 5)))) == ["plateau"]


# ---------------------------------------------------------------------- range and holes


def test_p38_holes_are_counted_and_too_many_mean_too_large_a_range():
    values = bowl(9, 9)
    values[0, :3] = np.inf
    (found,) = warnings(array(values))
    assert (found.kind, dict(found.numbers)) == ("holes", {"holes": 3, "points": 81})
    values[:5] = np.nan
    assert kinds(array(values)) == ["holes", "range too large"]
    nothing = nbl.Landscape(np.full((9, 9), np.nan), (np.arange(9.0),) * 2, ("a", "b"))
    assert kinds(nothing, classes=10) == ["holes", "range too large"]


def test_a_loss_at_the_border_that_is_no_loss_of_a_network():
    steep = 0.1 + np.maximum(np.abs(np.arange(-4, 5))[:, None], np.abs(np.arange(-4, 5))) ** 8.0
    told = {"quantity": "loss", "origin": 40}
    (found,) = warnings(array(steep, **told))
    assert found.kind == "range too large"
    assert found.numbers["ratio"] == pytest.approx((0.1 + 4**8) / 0.1)
    assert kinds(array(steep, **told), largest_ratio=1e6) == []
    assert kinds(array(steep - 0.1)) == []  # a function, not a loss


def test_a_displacement_beyond_the_norm_of_the_weights():
    objective = classifier()
    unit = nbl.Subspace.random(objective, 2, normalize="unit")
    plane = nbl.Subspace.from_directions(objective, 4 * unit.directions, unit.labels)
    norm = float(objective.origin().norm())
    landscape = nbl.sample(objective, plane, span=(0.125 * norm, 0.3 * norm), points=5)
    (found,) = warnings(landscape)  # the sampler wrote the norm down
    assert found.kind == "range too large"
    assert found.numbers["axis"] == 1
    assert found.numbers["share"] == pytest.approx(1.2, rel=1e-5)
    assert "(random 2) moves the parameters by 1.2 times" in str(found)
    assert kinds(landscape, weights_norm=norm, largest_displacement=1.3) == []
    assert kinds(nbl.sample(objective, plane, span=("relative", 1.0), points=5)) == []
    assert kinds(landscape, weights_norm=10 * norm) == []


# ---------------------------------------------------------------------- the centre


def test_the_centre_must_be_the_models_loss():
    objective = classifier()
    landscape = nbl.sample(objective, nbl.Subspace.random(objective, 2), span=3.0, points=5)
    assert landscape.provenance["model_loss"] == objective.loss()
    assert kinds(landscape, weights_norm=100.0) == []
    (found,) = warnings(landscape, loss=objective.loss() + 0.1, weights_norm=100.0)
    assert found.kind == "centre"
    assert "the model's loss is" in str(found)
    told = copy.deepcopy(dict(landscape.provenance)) | {"model_loss": 1.0}
    other = nbl.Landscape.from_array(landscape.values, landscape.axes, provenance=told)
    assert kinds(other, weights_norm=100.0) == ["centre"]
    batches = landscape.batch_losses + 0.1
    wrong = nbl.Landscape(
        landscape.values, landscape.axes, landscape.labels, {}, batches, landscape.batch_counts, told
    )
    assert sum("the mean of its batches" in str(w) for w in warnings(wrong, loss=objective.loss())) == 1
    beside = nbl.Landscape.from_array(landscape.values, landscape.axes, provenance=told | {"origin": None})
    assert kinds(beside, weights_norm=100.0) == []  # the slice does not pass through the model


def test_p34_a_grid_without_the_model():
    x = np.linspace(-0.5, 0.4, 10)
    landscape = nbl.Landscape.from_array(bowl(10, 10), (x, x + 0.02))
    assert kinds(landscape) == []
    (found,) = warnings(landscape, loss=1.0)
    assert "No point of the grid is the model: the nearest to it is at (" in str(found)
    odd = np.linspace(-0.5, 0.5, 11)
    assert kinds(nbl.Landscape.from_array(bowl(11, 11), (odd, odd)), loss=bowl(11, 11)[5, 5]) == []
    misplaced = nbl.Landscape.from_array(bowl(11, 11), (odd, odd), provenance={"origin": 0})
    assert kinds(misplaced) == ["centre"]
    values = bowl(11, 11)
    values[5, 5] = np.nan
    hole = nbl.Landscape.from_array(values, (odd, odd), provenance={"origin": 60})
    assert kinds(hole) == ["holes", "centre"]


# ---------------------------------------------------------------------- comparisons


def test_equal_settings_of_different_models_are_fine():
    one, two = classifier(1.0), classifier(0.5)
    made = {
        name: nbl.sample(o, nbl.Subspace.random(o, 2, seed=seed), span=0.5, points=5)
        for name, o, seed in (("one", one, 0), ("two", two, 1))
    }
    assert compare_settings(made) == []
    assert compare_settings([]) == compare_settings([made["one"]]) == []


def test_what_differs_is_named_with_its_values():
    objective = classifier()
    plane = nbl.Subspace.random(objective, 2)
    first = nbl.sample(objective, plane, span=0.5, points=5)

    def different(**options):
        other = options.get("objective", objective)
        second = nbl.sample(
            other, options.get("plane", plane), span=options.get("span", 0.5), points=options.get("points", 5)
        )
        return {w.kind.removeprefix("different "): w for w in compare_settings({"a": first, "b": second})}

    found = different(span=(1.0, 0.5))
    assert set(found) == {"span"}
    assert str(found["span"]).endswith("span: ±0.5 × ±0.5 (a), ±1 × ±0.5 (b).")
    assert found["span"].numbers == {"a": "±0.5 × ±0.5", "b": "±1 × ±0.5"}
    assert set(different(points=(5, 7))) == {"points"}
    assert set(different(plane=nbl.Subspace.random(objective, 2, normalize="layer"))) >= {"normalisation"}
    raw = different(plane=nbl.Subspace.random(objective, 2, normalize=None))["normalisation"]
    assert raw.numbers == {"a": "filter", "b": "none"}
    spectrum = nbl.hessian_spectrum(objective, largest=1, smallest=1)
    assert "directions" in different(plane=nbl.Subspace.hessian(objective, spectrum))
    data = [(torch.randn(60, 4), torch.arange(60) % 10)]
    assert set(different(objective=objective.on(data))) == {"data", "batches"}
    shifted = plane.shifted(plane.directions[0], 0.1, "up")
    assert set(different(plane=shifted)) == {"offset"}


def test_loss_batchnorm_and_type_are_compared_and_what_is_unknown_is_not():
    told = {"objective": {"loss": "MSELoss", "batchnorm": "eval", "dtype": "float32"}, "quantity": "loss"}
    other = {"objective": {"loss": "L1Loss", "batchnorm": "batch", "dtype": "float64"}, "quantity": "loss"}
    one, two, bare = array(bowl(), **told), array(bowl(), **other), array(bowl())
    found = {w.kind for w in compare_settings([one, two, bare])}
    assert found == {"different loss", "different batchnorm", "different dtype"}
    assert compare_settings([one, bare]) == []
    (line,) = [w for w in compare_settings([one, two, one]) if w.kind == "different loss"]
    assert str(line) == "The landscapes have different loss: MSELoss (1, 3), L1Loss (2)."


def test_spans_relative_to_the_weights_may_be_the_same():
    def made(norm, span):
        told = {"gram": np.eye(2).tolist(), "weights_norm": norm}
        return nbl.Landscape.from_array(np.eye(3), [[-span, 0, span]] * 2, provenance=told)

    assert compare_settings([made(1.0, 0.5), made(2.0, 1.0)]) == []
    assert len(compare_settings([made(1.0, 0.5), made(2.0, 0.6)])) == 1
