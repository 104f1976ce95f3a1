"""Tracks of minima: wells that move, merge, split, appear and vanish at known steps."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from grid_functions import three_wells
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from nblandscape.topology import MergeTree, merge_tree, smad
from nblandscape.topology.tracking import Tracks, track

X = np.linspace(-2, 2, 81)

SEQUENCES = npst.arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 6)),
    elements=st.one_of(*[st.integers(-5, 5).map(float)] * 4, st.just(np.nan)),
).filter(lambda a: np.isfinite(a).any(axis=(1, 2)).all())


def moving(*wells: tuple[float, float, float], width: float = 0.2) -> MergeTree:
    """Wells (x, y, depth) that fall off as 1 / r^2: no plain between them has a minimum of its own."""
    a, b = np.meshgrid(X, X, indexing="ij")
    return merge_tree(-sum(h / (1 + ((a - x) ** 2 + (b - y) ** 2) / width**2) for x, y, h in wells))


def double_well(s: float) -> MergeTree:
    """x^4 - 2 s x^2: minima at +-sqrt(s) of depth s^2 below the pass at 0; one minimum for s <= 0."""
    return merge_tree(X**4 - 2 * s * X**2 + 0.001 * X)


def places(path: np.ndarray) -> np.ndarray:
    return np.column_stack([X[i] for i in np.unravel_index(path["vertex"], (X.size, X.size))])


def shuffled(tree: MergeTree, seed: int) -> MergeTree:
    """The same tree with its rows in another order."""
    order = np.random.default_rng(seed).permutation(len(tree.pairs))
    row = np.empty(order.size + 1, dtype=np.int32)
    row[order], row[-1] = np.arange(order.size), -1
    pairs = tree.pairs[order]
    pairs["parent"] = row[pairs["parent"]]
    return replace(tree, pairs=pairs, basins=row[tree.basins], beside=row[tree.beside[order]])


def events(found: Tracks) -> list[tuple[int, str, int, int]]:
    return [(e["step"], e["kind"], e["track"], e["other"]) for e in found.events]


# Known answers


def test_wells_that_move():
    paths = [[(-1.2 + 0.1 * t, -1, 3), (1, 1 - 0.08 * t, 2), (-1 + 0.05 * t, 1.2, 1)] for t in range(10)]
    found = track([moving(*wells) for wells in paths])
    assert len(found.paths) == 3
    assert found.events.size == 0
    for k, path in enumerate(found.paths):
        assert path["step"].tolist() == list(range(10))
        centres = np.array([wells[k][:2] for wells in paths])
        assert np.abs(places(path) - centres).max() <= 0.05
        assert path["value"] == pytest.approx(-(3 - k), abs=0.2)
        assert (path["row"] == k).all()
    assert (found.paths[0]["saddle"] == -1).all()
    assert np.isinf(found.paths[0]["persistence"]).all()
    for path in found.paths[1:]:
        np.testing.assert_allclose(path["saddle_value"] - path["value"], path["persistence"])
        flat = np.array(
            [found.trees[t].values.flat[s] for t, s in zip(path["step"], path["saddle"], strict=True)]
        )
        np.testing.assert_array_equal(flat, path["saddle_value"])


def test_a_track_outlives_a_change_of_rank():
    # The second well becomes the deepest one: rows swap, tracks do not.
    found = track([moving((-1, 0, 2), (1, 0, 1 + 0.4 * t)) for t in range(6)])
    assert found.events.size == 0
    assert found.paths[0]["row"].tolist() == [0, 0, 0, 1, 1, 1]
    assert found.paths[1]["row"].tolist() == [1, 1, 1, 0, 0, 0]
    assert (places(found.paths[1])[:, 0] > 0.9).all()


def test_a_double_well_becomes_a_single_one():
    strengths = [1.0, 0.7, 0.4, 0.2, -0.1, -0.5]
    found = track([double_well(s) for s in strengths])
    assert events(found) == [(4, "merge", 1, 0)]
    assert [len(path) for path in found.paths] == [6, 4]
    # The pass at which they still met at the step before.
    assert found.events["value"][0] == pytest.approx(0, abs=1e-6)
    assert X[found.paths[0]["vertex"]] == pytest.approx(-np.sqrt(np.maximum(strengths, 0)), abs=0.05)
    assert found.paths[1]["persistence"] == pytest.approx(np.square(strengths[:4]), abs=0.01)


def test_a_single_well_splits():
    found = track([double_well(s) for s in (-0.5, -0.1, 0.2, 0.7)])
    assert events(found) == [(2, "split", 1, 0)]
    assert found.events["value"][0] == pytest.approx(0, abs=1e-6)
    assert found.paths[1]["step"].tolist() == [2, 3]


def test_a_well_that_fades_merges_and_one_that_rises_splits():
    depths = [1.0, 0.5, 0.1, 0.0, 0.0, 0.3, 1.0]
    found = track([moving((-1, 0, 2), (1, 0, h)) for h in depths])
    assert events(found) == [(3, "merge", 1, 0), (5, "split", 2, 0)]
    assert places(found.paths[2]) == pytest.approx(np.array([[1, 0]] * 2), abs=0.06)


def test_which_of_three_wells_takes_over_a_fading_one():
    # The one at 1.2 fades; downhill from there lies its neighbour at 0.4, not the deepest well at -1.5.
    found = track([moving((-1.5, 0, 3), (0.4, 0, 1.5), (1.2, 0, h), width=0.3) for h in (1.0, 0.5, 0.0)])
    assert events(found) == [(2, "merge", 2, 1)]
    assert found.events["value"][0] == found.paths[2]["saddle_value"][-1]


def test_the_pass_of_a_merge_is_the_one_between_the_two_wells():
    # Row 1 drops out; it dies at 5 into row 0, but its minimum drains to row 2, beyond the pass at 8.
    before = merge_tree([0.0, 5.0, 1.0, 8.0, 2.0])
    after = merge_tree([0.0, 5.0, 4.0, 3.0, 2.0])
    found = track([before, after])
    assert before.pairs["death"].tolist() == [np.inf, 8.0, 5.0]
    assert events(found) == [(1, "merge", 2, 1)]
    assert found.events["value"][0] == 8.0


def test_holes_swallow_and_release_minima():
    f = np.array([0.0, 5.0, 1.0, 5.0, 2.0])
    pierced = f.copy()
    pierced[2] = np.nan
    found = track([merge_tree(f), merge_tree(pierced), merge_tree(f)])
    assert events(found) == [(1, "death", 1, -1), (2, "birth", 3, -1)]
    assert found.events["value"].tolist() == [1.0, 1.0]


def test_merging_across_components_has_no_pass():
    found = track([merge_tree([0.0, np.nan, 1.0, 3.0]), merge_tree([0.0, 1.0, 2.0, 3.0])])
    assert events(found) == [(1, "merge", 1, 0)]
    assert found.events["value"][0] == np.inf
    mirrored = track(
        [merge_tree(-np.array(f), kind="superlevel") for f in ([0, np.nan, 1.0, 3], [0.0, 1, 2, 3])]
    )
    assert mirrored.events["value"][0] == -np.inf


def test_noise_needs_a_threshold():
    rng = np.random.default_rng(0)
    a, b = np.meshgrid(X, X, indexing="ij")
    fields = [(a**2 - 1) ** 2 + b**2 + 0.1 * a + 0.02 * rng.normal(size=a.shape) for _ in range(6)]
    trees = [merge_tree(f) for f in fields]
    assert track(trees).events.size > 50
    for options in ({"threshold": 0.3}, {"threshold": 0.02, "relative": True}):
        found = track(trees, **options)
        assert found.events.size == 0
        assert len(found.paths) == 2
        assert all(len(tree.pairs) == 2 for tree in found.trees)


def test_volumes_smad_and_steps():
    trees = [merge_tree(three_wells(25) * (1 + t), volumes=np.full((25, 25), 0.5)) for t in range(3)]
    found = track(trees, steps=[0, 100, 1000])
    assert found.steps.tolist() == [0, 100, 1000]
    assert found.smad().tolist() == [smad(tree) for tree in trees]
    np.testing.assert_allclose(found.smad(normalize=True), smad(trees[0], normalize=True))
    assert sum(path["volume"][0] for path in found.paths) == pytest.approx(25 * 25 / 2)
    table = found.table()
    assert table["step"].tolist() == [0, 100, 1000] * 3
    assert table["track"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert list(found.table("events")) == ["step", "kind", "track", "other", "value"]
    with pytest.raises(ValueError, match="what='paths'"):
        found.table("paths")


# Properties


@settings(max_examples=25, deadline=None)
@given(SEQUENCES)
def test_tracks_partition_all_minima_and_events_explain_every_end(fields):
    trees = [merge_tree(f) for f in fields]
    found = track(trees)
    entries = list(zip(found.points["step"].tolist(), found.points["row"].tolist(), strict=True))
    assert sorted(entries) == [(t, r) for t, tree in enumerate(trees) for r in range(len(tree.pairs))]
    assert len({(p["track"], p["step"]) for p in found.points}) == len(entries)
    ends = {(e["step"], e["track"]) for e in found.events if e["kind"] in ("merge", "death")}
    begins = {(e["step"], e["track"]) for e in found.events if e["kind"] in ("split", "birth")}
    for k, path in enumerate(found.paths):
        assert (path["track"] == k).all()
        assert (np.diff(path["step"]) == 1).all()
        first, last = int(path["step"][0]), int(path["step"][-1])
        assert ((first, k) in begins) == (first > 0)
        assert ((last + 1, k) in ends) == (last + 1 < len(trees))
    assert len(ends) + len(begins) == found.events.size
    for e in found.events:
        where = found.paths[e["other"]]["step"] if e["other"] >= 0 else None
        assert (where is None) == (e["kind"] in ("birth", "death"))
        if where is not None:
            assert e["step"] - (e["kind"] == "split") in where


@settings(max_examples=25, deadline=None)
@given(SEQUENCES)
def test_consecutive_points_lie_in_one_another_s_basins(fields):
    found = track([merge_tree(f) for f in fields])
    for path in found.paths:
        for p, q in pairwise(path):
            old, new = found.trees[p["step"]], found.trees[q["step"]]
            assert new.basins.flat[p["vertex"]] == q["row"]
            assert old.basins.flat[q["vertex"]] == p["row"]


@settings(max_examples=25, deadline=None)
@given(SEQUENCES)
def test_backwards_merges_are_splits_and_births_are_deaths(fields):
    trees = [merge_tree(f) for f in fields]
    forward, back = track(trees), track(trees[::-1])
    last = len(trees)

    def key(found: Tracks, reverse: bool) -> list:
        turned = {"merge": "split", "split": "merge", "birth": "death", "death": "birth"}
        of = {}
        for path in found.paths:
            steps = last - 1 - path["step"] if reverse else path["step"]
            of[int(path["track"][0])] = tuple(sorted(zip(steps.tolist(), path["row"].tolist(), strict=True)))
        return sorted(
            (
                last - int(e["step"]) if reverse else int(e["step"]),
                turned[str(e["kind"])] if reverse else str(e["kind"]),
                of[int(e["track"])],
                of.get(int(e["other"]), ()),
                float(e["value"]),
            )
            for e in found.events
        )

    assert key(forward, False) == key(back, True)


@settings(max_examples=25, deadline=None)
@given(SEQUENCES, st.integers(0, 100))
def test_the_order_of_rows_does_not_matter(fields, seed):
    trees = [merge_tree(f) for f in fields]
    found, other = track(trees), track([shuffled(tree, seed) for tree in trees])
    np.testing.assert_array_equal(found.events, other.events)
    for name in ("track", "step", "vertex", "value", "saddle", "saddle_value", "persistence", "volume"):
        np.testing.assert_array_equal(found.points[name], other.points[name])


@settings(max_examples=20, deadline=None)
@given(SEQUENCES)
def test_a_constant_sequence_has_no_events(fields):
    found = track([merge_tree(fields[0])] * 4)
    assert found.events.size == 0
    assert all(len(path) == 4 and np.ptp(path["vertex"]) == 0 for path in found.paths)


@settings(max_examples=20, deadline=None)
@given(SEQUENCES)
def test_superlevel_tracks_are_those_of_the_negative(fields):
    down = track([merge_tree(f) for f in fields])
    up = track([merge_tree(-f, kind="superlevel") for f in fields])
    for name in ("track", "step", "row", "vertex", "saddle", "persistence", "volume"):
        np.testing.assert_array_equal(up.points[name], down.points[name])
    for name in ("value", "saddle_value"):
        np.testing.assert_array_equal(up.points[name], -down.points[name])
    np.testing.assert_array_equal(up.events["value"], -down.events["value"])
    np.testing.assert_array_equal(up.events["kind"], down.events["kind"])


def minimax(values: np.ndarray, a: int, b: int) -> float:
    """Lowest height at which two vertices are connected, by labelling every sublevel set."""
    for height in np.unique(values[np.isfinite(values)]):
        labels, _ = ndimage.label(values <= height, structure=np.ones((3, 3)))
        if labels.flat[a] and labels.flat[a] == labels.flat[b]:
            return float(height)
    return np.inf


@settings(max_examples=25, deadline=None)
@given(SEQUENCES)
def test_heights_of_passes_by_labelling(fields):
    found = track([merge_tree(f) for f in fields])
    for e in found.events:
        if e["kind"] not in ("merge", "split"):
            continue
        here, there = (e["step"] - 1, e["step"])[:: 1 if e["kind"] == "merge" else -1]
        ended = next(p for p in found.paths[e["track"]] if p["step"] == here)
        heir = next(p for p in found.paths[e["other"]] if p["step"] == there)
        tree = found.trees[here]
        row = tree.basins.flat[heir["vertex"]]
        expected = minimax(tree.values, ended["vertex"], tree.minima[row]) if row >= 0 else np.inf
        assert e["value"] == expected


# Bad input


def test_no_tree():
    with pytest.raises(ValueError, match="trees is empty"):
        track([])


def test_trees_that_do_not_fit_together():
    tree = merge_tree(np.zeros((3, 4)))
    for other, message in [
        (merge_tree(np.zeros((4, 3))), r"tree 1 has shape \(4, 3\) and tree 0 \(3, 4\)"),
        (merge_tree(np.zeros((3, 4)), kind="superlevel"), "tree 1 is superlevel and tree 0 sublevel"),
        (merge_tree(np.zeros((3, 4)), connectivity="faces"), "tree 1 has another connectivity"),
    ]:
        with pytest.raises(ValueError, match=message):
            track([tree, other])


@pytest.mark.parametrize("steps", [[1], [2, 1], [1, 1], [0, np.nan], ["a", "b"], [[1, 2]]])
def test_steps_that_do_not_fit(steps):
    with pytest.raises(ValueError, match="must be 2 ascending numbers"):
        track([merge_tree([0.0, 1.0])] * 2, steps=steps)


def test_a_negative_threshold():
    with pytest.raises(ValueError, match="threshold=-1"):
        track([merge_tree([0.0, 1.0])], threshold=-1)


def test_results_are_read_only():
    found = track([merge_tree([0.0, 1.0])] * 2)
    for array in (found.steps, found.points, found.events):
        assert not array.flags.writeable
