"""Persistence curve and proposed threshold, on known functions and where nothing stands out."""

import re

import numpy as np
import pytest
from grid_functions import himmelblau, rastrigin, rotated_valley, wells
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nblandscape.topology.merge_tree import MergeTree, merge_tree
from nblandscape.topology.support import Support, support
from nblandscape.topology.threshold import persistence_curve, propose_threshold

TIED = npst.arrays(
    np.float64, npst.array_shapes(min_dims=1, max_dims=2, max_side=8), elements=st.integers(-5, 5)
)


def bars(tree: MergeTree, supported: list[bool]) -> Support:
    nothing = np.full(len(supported), np.nan)
    verdict = np.array(supported)
    return Support(tree.persistence, nothing, nothing, nothing, verdict, None, 3.0, 0, "by hand")


def comb(*persistences: float) -> MergeTree:
    """Finite pairs of these persistences, beside an essential one."""
    top, values = 1.5 * max(persistences), [-max(persistences)]
    for p in persistences:
        values += [top, top - p]
    return merge_tree([*values, 2 * top])


@given(TIED, st.sampled_from(["sublevel", "superlevel"]))
@settings(max_examples=40)
def test_the_curve_counts_what_simplification_leaves(values, kind):
    tree = merge_tree(values, kind=kind)
    thresholds, counts = persistence_curve(tree)
    assert thresholds[0] == 0
    assert (np.diff(thresholds) > 0).all()
    assert (np.diff(counts) < 0).all()
    above = np.append(thresholds[1:], thresholds[-1] + 1)
    for low, high, count in zip(thresholds, above, counts, strict=True):
        assert len(tree.simplify(high).minima) == count
        assert len(tree.simplify((low + high) / 2).minima) == count
    assert counts[-1] == (tree.pairs["parent"] < 0).sum()


def test_curves_of_known_functions():
    curve = persistence_curve(merge_tree(wells(3)))
    assert curve.thresholds == pytest.approx([0, 1])
    assert curve.counts.tolist() == [8, 1]
    assert persistence_curve(merge_tree(himmelblau(201))).counts.tolist() == [4, 3, 2, 1]
    assert [c.tolist() for c in persistence_curve(merge_tree([1.0, 2.0]))] == [[0.0], [1]]


# ---- without error bars


def test_the_spurious_minimum_of_himmelblau_is_cut_off():
    tree = merge_tree(himmelblau(201), connectivity="faces")
    value, reason = propose_threshold(tree)
    assert 0.0057 < value < 13.3
    assert len(tree.simplify(value).minima) == 4
    assert "3 of persistence >= 13.3 and 1 of <= 0.00569" in reason


@pytest.mark.parametrize(
    "values", [himmelblau(201), rastrigin(41), wells(3)], ids=["himmelblau", "rastrigin", "wells"]
)
def test_true_minima_are_left_alone(values):
    assert propose_threshold(merge_tree(values)).value == 0


@pytest.mark.parametrize(
    ("persistences", "reason"),
    [
        ([5, 1], "factor of 5, less than 10"),
        ([9, 8, 7, 1], "factor of 7, less than 10"),
        ([100, 9, 1, 0.9], "but another one is 9: no gap stands out"),
        ([3], "one finite pair"),
    ],
)
def test_nothing_is_removed_where_no_gap_stands_out(persistences, reason):
    value, told = propose_threshold(comb(*persistences))
    assert value == 0
    assert reason in told
    assert told.endswith("nothing is removed.")


def test_no_pair_no_threshold():
    value, reason = propose_threshold(merge_tree([2.0, 0.0, 1.0]))
    assert (value, reason[:24]) == (0, "There is no finite pair,")


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_gap_is_found_at_every_scale_and_halved_in_logarithms(scale):
    tree = comb(*(scale * np.array([400, 300, 4, 3, 2])))
    value, reason = propose_threshold(tree)
    assert value == pytest.approx(scale * np.sqrt(300 * 4))
    assert len(tree.simplify(value).minima) == 3
    assert "2 of persistence" in reason
    assert "3 of <=" in reason
    assert "factor of 75" in reason


def test_rounding_noise_is_told_from_a_landscape():
    x = np.linspace(-2, 2, 201)
    noise = 1e-13 * np.random.default_rng(0).normal(size=x.size)
    tree = merge_tree(np.maximum((x**2 - 1) ** 2, 0.1) + noise)
    assert len(tree.minima) > 10
    assert len(tree.simplify(propose_threshold(tree).value).minima) == 2


# ---- with error bars


def test_just_above_the_most_persistent_pair_that_is_not_supported():
    tree = comb(8, 4, 2, 1)
    value, reason = propose_threshold(tree, bars(tree, [True, True, True, False, False]))
    assert value == np.nextafter(2, 3)
    assert len(tree.simplify(value).minima) == 3
    assert reason == "2 of 4 finite pairs are not supported, the most persistent of them 2: 2 above it stay."


def test_supported_pairs_between_unsupported_ones_are_counted():
    tree = comb(8, 4, 2, 1)
    value, reason = propose_threshold(tree, bars(tree, [True, True, False, True, False]))
    assert value == np.nextafter(4, 5)
    assert "1 above it stays, but one supported pair below it goes, too" in reason
    assert "support.supported" in reason


def test_all_or_none_supported():
    tree = comb(8, 4)
    assert propose_threshold(tree, bars(tree, [True] * 3)) == (
        0,
        "All 2 finite pairs are supported: nothing is removed.",
    )
    value, reason = propose_threshold(tree, bars(tree, [True, False, False]))
    assert len(tree.simplify(value).minima) == 1
    assert "none above it stay." in reason
    alone = merge_tree([0.0, 1.0])
    assert propose_threshold(alone, bars(alone, [True])).reason.startswith("There is no finite pair")


def test_all_that_stays_is_supported_on_a_real_landscape():
    rng = np.random.default_rng(0)
    losses = himmelblau(41)[..., None] + 30 * rng.normal(size=(41, 41, 6))
    tree = merge_tree(losses.mean(axis=-1))
    found = support(tree, losses, frequency=False)
    value, reason = propose_threshold(tree, found)
    kept = tree.persistence >= value
    assert 1 < kept.sum() < found.supported.size
    assert found.supported[kept].all()
    unsupported = int((~found.supported).sum())
    assert int(re.match(r"\d+", reason)[0]) == unsupported
    valley = merge_tree(rotated_valley(1000, n=41))
    assert len(valley.simplify(propose_threshold(valley, support(valley)).value).minima) == 1


def test_error_bars_of_another_tree_are_refused():
    tree = comb(8, 4)
    with pytest.raises(ValueError, match=r"shape \(2,\), but the tree has 3 rows"):
        propose_threshold(tree, bars(tree, [True, False]))
