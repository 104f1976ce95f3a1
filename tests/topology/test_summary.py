"""All numbers: the table of known answers, plain recomputation, properties, levels, metrics of basins."""

import json

import numpy as np
import pytest
from grid_functions import ackley, camel, himmelblau, rastrigin, rotated_valley, sampled, wells
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nblandscape.landscape.grid import nested_levels
from nblandscape.topology.merge_tree import merge_tree
from nblandscape.topology.neighbours import cell_volumes
from nblandscape.topology.smad import smad
from nblandscape.topology.summary import basin_metric, over_levels, summary
from nblandscape.topology.support import support

HOLED = st.one_of(*[st.integers(-5, 5).map(float)] * 5, st.just(np.nan))
GRIDS = npst.arrays(np.float64, npst.array_shapes(min_dims=1, max_dims=2, max_side=8), elements=HOLED).filter(
    lambda a: np.isfinite(a).any()
)


def tilted(dimension: int, n: int) -> np.ndarray:
    x = np.linspace(-2, 2, n)
    return sampled(lambda *c: sum((a**2 - 1) ** 2 + a / 4 for a in c), *[x] * dimension)


def rosenbrock(n: int) -> np.ndarray:
    return sampled(
        lambda a, b: (1 - a) ** 2 + 100 * (b - a**2) ** 2, np.linspace(-2, 2, n), np.linspace(-1, 3, n)
    )


@pytest.mark.parametrize(
    ("values", "minima", "saddles", "smad", "average", "largest"),
    [
        (wells(1), 2, 1, 1, 1, 1),
        (wells(2), 4, 3, 1, 1, 1),
        (wells(3), 8, 7, 1, 1, 1),
        (wells(4), 16, 15, 1, 1, 1),
        (tilted(1, 4001), 2, 1, 1.011742, 0.761865, 0.761865),
        (tilted(2, 801), 4, 3, 0.886803, 0.761865, 0.761865),
        (tilted(3, 121), 8, 7, 0.824334, 0.761865, 0.761865),
        (himmelblau(1601), 4, 3, 49.589541, 61.682080, 104.0151629),
        (camel(1201), 6, 5, 0.638639, 0.560041, 1.0316285),
        (rastrigin(801), 25, 24, 18.672313, 18.606523, None),
        (rastrigin(41), 25, 24, 18.65, 18.5833, None),
        (ackley(1001), 25, 24, 0.980117, 0.885436, None),
        (ackley(41), 25, 24, 0.93796, 0.84152, None),
        (rotated_valley(1), 1, 0, 0, 0, 0),
        (rotated_valley(10), 1, 0, 0, 0, 0),
    ],
    ids=lambda v: "x".join(map(str, v.shape)) if isinstance(v, np.ndarray) else str(v),
)
def test_known_answers(values, minima, saddles, smad, average, largest):
    found = summary(merge_tree(values)).all
    assert (found.minima, found.saddles) == (minima, saddles)
    assert found.smad == pytest.approx(smad, rel=1e-3)
    assert found.average_persistence == pytest.approx(average, rel=1e-3)
    assert found.total_persistence == pytest.approx(average * (minima - 1), rel=1e-3)
    if largest is not None:
        assert found.largest_persistence == pytest.approx(largest, rel=1e-3)
    assert found.smad_normalized == pytest.approx(found.smad / np.ptp(values))


def test_a_double_well_beside_a_bowl_has_the_exact_numbers_of_the_table():
    x = np.linspace(-2, 2, 41)
    numbers = summary(merge_tree(sampled(lambda a, b: (a**2 - 1) ** 2 + b**2, x, x)))
    assert (numbers.all.minima, numbers.all.saddles) == (2, 1)
    for name in ("smad", "smad_weighted", "average_persistence", "total_persistence", "largest_persistence"):
        assert getattr(numbers.all, name) == pytest.approx(1)
    assert numbers.range == pytest.approx(13)


@pytest.mark.parametrize(
    "values",
    [rosenbrock(41), rosenbrock(201), *(rotated_valley(k, n=41) for k in (10, 100, 1000))],
    ids=["rosenbrock41", "rosenbrock201", "10", "100", "1000"],
)
def test_valleys_have_one_supported_minimum(values):
    tree = merge_tree(values)
    found = summary(tree, support(tree))
    assert (found.supported.minima, found.supported.saddles) == (1, 0)
    assert found.supported.smad == found.supported.total_persistence == found.supported.entropy == 0
    assert "interpolation residual only" in found.basis


def test_supported_numbers_are_those_of_the_restricted_tree():
    tree = merge_tree(himmelblau(201), connectivity="faces")
    found = summary(tree, bars := support(tree))
    assert (found.all.minima, found.supported.minima) == (5, 4)
    assert found.all.smad == pytest.approx(18.88, abs=0.05)
    assert found.supported == summary(tree.restrict(bars.supported)).all
    assert found.supported.smad == pytest.approx(49.59, abs=0.1)
    assert summary(tree).supported is None
    with pytest.raises(ValueError, match="5 rows"):
        summary(tree, support(merge_tree(himmelblau(21))))


@given(GRIDS, st.sampled_from(["sublevel", "superlevel"]))
@settings(max_examples=40)
def test_numbers_are_what_plain_loops_say(values, kind):
    tree = merge_tree(values, kind=kind)
    found = summary(tree)
    pairs = [abs(p["death"] - p["birth"]) for p in tree.pairs if p["parent"] >= 0]
    assert found.all.minima == len(tree.pairs)
    assert found.all.saddles == len({p["death_vertex"] for p in tree.pairs if p["parent"] >= 0})
    assert found.all.total_persistence == pytest.approx(sum(pairs))
    assert found.all.largest_persistence == max(pairs, default=0)
    assert found.all.average_persistence == pytest.approx(sum(pairs) / max(len(pairs), 1))
    entropy = -sum(p / sum(pairs) * np.log(p / sum(pairs)) for p in pairs)
    assert found.all.entropy == pytest.approx(entropy, abs=1e-12)
    assert 0 <= found.all.entropy_normalized <= 1 + 1e-12
    if len(pairs) > 1:
        assert found.all.entropy_normalized == pytest.approx(entropy / np.log(len(pairs)))
    assert found.essential.tolist() == [p["birth"] for p in tree.pairs if p["parent"] < 0]
    assert found.range == np.nanmax(values) - np.nanmin(values)
    assert found.holes == np.isnan(values).sum()
    assert found.volume.tolist() == [(tree.basins == i).sum() for i in range(len(tree.pairs))]
    for row, depth in enumerate(found.depth):
        deaths = [p["death"] for i, p in enumerate(tree.pairs) if i == row or p["parent"] == row]
        assert depth == min(abs(d - tree.pairs["birth"][row]) for d in deaths)


@given(GRIDS, st.sampled_from([0.5, 4.0]), st.integers(-8, 8))
@settings(max_examples=25)
def test_scaling_and_shifting(values, a, b):
    plain, moved = summary(merge_tree(values)).all, summary(merge_tree(a * values + b)).all
    for name in ("smad", "smad_weighted", "average_persistence", "total_persistence", "largest_persistence"):
        assert getattr(moved, name) == pytest.approx(a * getattr(plain, name))
    for name in ("minima", "saddles", "smad_normalized", "entropy", "entropy_normalized"):
        assert getattr(moved, name) == pytest.approx(getattr(plain, name))


def test_entropy_is_largest_for_pairs_alike():
    alike, one = summary(merge_tree(wells(2))).all, summary(merge_tree(wells(1))).all
    assert alike.entropy == pytest.approx(np.log(3))
    assert alike.entropy_normalized == pytest.approx(1)
    assert (one.entropy, one.entropy_normalized) == (0, 0)


def test_volumes_and_widths_are_those_of_the_coordinates():
    x, y = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 1.25, 2.0]), np.linspace(-3, 3, 9)
    values = sampled(lambda a, b: (a**2 - 1) ** 2 + b**2, x, y)
    found = summary(merge_tree(values, volumes=cell_volumes((x, y))))
    assert found.volume.sum() == pytest.approx(4 * 6)
    np.testing.assert_allclose(found.width**2, found.volume)
    for dimension in (1, 3):
        cubes = summary(merge_tree(wells(dimension, 9)))
        np.testing.assert_allclose(cubes.width**dimension, cubes.volume)
    plain = summary(merge_tree(values))
    assert plain.volume.sum() == 63
    assert plain.all.smad == found.all.smad


def test_a_lone_basin_never_spills():
    found = summary(merge_tree([1.0, np.nan, 2.0, 5.0, 3.0]))
    assert found.essential.tolist() == [1, 2]
    assert found.depth.tolist() == [np.inf, 3, 2]
    assert found.holes == 1
    assert found.to_dict()["basins"]["depth"] == [None, 3, 2]
    assert "holes: 1" in str(found)


def test_a_summary_reads_as_a_table_and_as_json():
    tree = merge_tree(himmelblau(201), connectivity="faces")
    found = summary(tree, support(tree))
    lines = str(found).splitlines()
    assert lines[0].split() == ["all", "supported"]
    assert lines[1].split() == ["minima", "5", "4"]
    assert any(line.startswith("SMAD weighted normalized") for line in lines)
    assert "range 890" in str(found)
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert again["supported"]["minima"] == 4
    assert again["all"]["smad"] == found.all.smad
    assert len(again["basins"]["width"]) == 5
    assert summary(tree).to_dict()["supported"] is None
    assert str(summary(tree)).splitlines()[0].split() == ["all"]


# ---- levels


@pytest.mark.parametrize(
    "shape", [(33, 33), (41, 21), (65,), (17, 9, 12), (9, 13), (2, 50), (1, 30)], ids=str
)
@pytest.mark.parametrize("coarsest", [3, 9])
def test_levels_are_those_of_the_sampler(shape, coarsest):
    places = np.arange(np.prod(shape), dtype=float).reshape(shape)
    levels = over_levels(places, coarsest=coarsest)
    seen, wanted = set(), []
    for level in nested_levels(shape, coarsest=coarsest):
        seen |= set(level.vertices.tolist())
        wanted.append(len(seen))
    assert [int(np.prod(s)) for s in levels.shapes] == wanted
    assert levels.shapes[-1] == shape
    assert [s.essential[0] for s in levels.summaries][-1] == 0


def test_a_level_is_the_summary_of_its_subgrid():
    values = himmelblau(41)
    x = np.linspace(-5, 5, 41)
    levels = over_levels(values, axes=(x, x), coarsest=11)
    assert levels.shapes == [(11, 11), (21, 21), (41, 41)]
    for stride, level in zip((4, 2, 1), levels.summaries, strict=True):
        axis = x[::stride]
        tree = merge_tree(values[::stride, ::stride], volumes=cell_volumes((axis, axis)))
        assert level.all == summary(tree).all
        assert level.supported == summary(tree, support(tree)).supported
        assert level.volume.sum() == pytest.approx(100)


def test_settled_and_unsettled_numbers_are_told_apart():
    good = over_levels(himmelblau(129))
    assert good.unsettled == []
    valley = over_levels(rosenbrock(81))
    assert {"minima", "saddles", "smad", "total_persistence"} <= set(valley.unsettled)
    assert not any(name.startswith("supported_") for name in valley.unsettled)
    assert "not settled" in str(valley)
    assert "not settled" not in str(good)
    before, after = (s.all.smad for s in valley.summaries[-2:])
    assert valley.changes["smad"] == pytest.approx((before - after) / before)
    assert over_levels(rosenbrock(81), tolerance=1.0).unsettled == []


def test_one_level_settles_nothing():
    levels = over_levels(wells(2, 9))
    assert len(levels.summaries) == 1
    assert levels.unsettled == list(levels.changes)


def test_thresholds_and_kinds_hold_on_every_level():
    hills = over_levels(-rosenbrock(81), kind="superlevel", threshold=20.0)
    assert [s.all.minima for s in hills.summaries] == [1] * len(hills.summaries)
    assert over_levels(rosenbrock(81), connectivity="faces").summaries[-1].all.minima > 40
    deep = over_levels(himmelblau(65), threshold=50.0).summaries[-1]
    assert deep.all.minima == deep.supported.minima == 3


def test_batches_make_supported_numbers_of_every_level():
    rng = np.random.default_rng(0)
    counts = np.array([1.0, 2.0, 1.0, 2.0, 3.0, 3.0, 2.0, 2.0])
    losses = himmelblau(33)[..., None] + 20 * rng.normal(size=(33, 33, 8))
    levels = over_levels(losses @ (counts / counts.sum()), batch_losses=losses, counts=counts, coarsest=9)
    assert levels.summaries[-1].basis == "paired bootstrap over 8 batches and interpolation residual"
    assert levels.summaries[-1].supported.minima < levels.summaries[-1].all.minima


def test_bad_levels_are_refused():
    with pytest.raises(ValueError, match="by name"):
        over_levels(wells(1), connectivity=np.array([[0, 1]]))
    with pytest.raises(ValueError, match="tolerance=-1"):
        over_levels(wells(1), tolerance=-1)
    for threshold in (-1, np.nan):
        with pytest.raises(ValueError, match=f"threshold={threshold}"):
            over_levels(wells(1), threshold=threshold)
    with pytest.raises(ValueError, match=r"axes\[0\] has shape \(1,\)"):
        over_levels(np.ones((1, 5)), axes=([0.0], np.arange(5.0)))
    with pytest.raises(ValueError, match="axes"):
        over_levels(wells(2), axes=(np.arange(21.0),))
    with pytest.raises(ValueError, match=r"batch_losses have shape \(20, 21, 2\)"):
        over_levels(wells(2), batch_losses=np.ones((20, 21, 2)))


# ---- metrics of basins


@given(GRIDS, st.integers(0, 2**16))
@settings(max_examples=25)
def test_basin_metrics_are_those_of_masks(values, seed):
    tree = merge_tree(values)
    field = np.random.default_rng(seed).normal(size=values.shape)
    by_mask = [field[tree.basins == i] for i in range(len(tree.pairs))]
    np.testing.assert_allclose(basin_metric(tree, field, np.max, None), [part.max() for part in by_mask])
    assert basin_metric(tree, field) == pytest.approx(np.mean([part.mean() for part in by_mask]))
    assert basin_metric(tree, field, np.size, np.sum) == np.isfinite(values).sum()


def test_basin_metric_follows_simplification_and_lets_nan_through():
    tree = merge_tree(wells(2))
    field = np.ones(tree.values.shape)
    field[tree.basins == 3] = np.nan
    assert np.isnan(basin_metric(tree, field))
    assert basin_metric(tree, field, final=np.nanmean) == 1
    assert basin_metric(tree.simplify(2.0), tree.values, np.min, None).tolist() == [0]
    with pytest.raises(ValueError, match=r"shape \(21,\)"):
        basin_metric(tree, field[0])


def test_masked_entries_of_fields_are_not_a_number():
    tree = merge_tree([9.0, 0.0, 4.0, 3.0, 9.0])
    field = np.ma.masked_greater([1, 1, 4, 500, 7], 100)
    assert basin_metric(tree, field, np.nanmean, None).tolist() == [2.0, 7.0]
    assert np.isnan(basin_metric(tree, field))


def test_smad_of_the_summary_is_smad():
    tree = merge_tree(himmelblau(41))
    found = summary(tree).all
    for name, options in {
        "smad": {},
        "smad_normalized": {"normalize": True},
        "smad_weighted": {"weighted": True},
        "smad_weighted_normalized": {"normalize": True, "weighted": True},
    }.items():
        assert getattr(found, name) == smad(tree, **options)
    assert len({found.smad, found.smad_normalized, found.smad_weighted, found.smad_weighted_normalized}) == 4
