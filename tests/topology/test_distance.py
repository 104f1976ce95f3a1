"""Distances between landscapes: known answers, all matchings of small trees, axioms, intervals over seeds."""

import tracemalloc
from importlib import import_module
from itertools import combinations, pairwise, permutations

import gudhi
import gudhi.hera
import numpy as np
import pytest
from grid_functions import himmelblau, wells
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage, stats

from nblandscape.topology import MergeTree, merge_tree, persistence
from nblandscape.topology.distance import (
    METRICS,
    bottleneck,
    distance_matrix,
    wasserstein,
)
from nblandscape.topology.group_distance import group_distances
from nblandscape.topology.persistence import Diagram
from nblandscape.topology.profile_distance import profile_distance
from nblandscape.topology.tree_distance import merge_tree_distance, merge_tree_matching

NUMBERS = st.integers(-6, 6).map(float)
SMALL = npst.arrays(np.float64, npst.array_shapes(min_dims=1, max_dims=2, max_side=6), elements=NUMBERS)
HOLED = npst.arrays(
    np.float64, (4, 4), elements=st.one_of(NUMBERS, NUMBERS, NUMBERS, st.just(np.nan))
).filter(lambda a: np.isfinite(a).any())
ORDERS = st.sampled_from([1.0, 2.0, 3.5])
QUICK = settings(max_examples=20, deadline=None)


def noise(n: int, seed: int, smooth: float = 0.0) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(n, n)), smooth)


def wasserstein_by_force(a: MergeTree, b: MergeTree, order: float) -> float:
    """Minimum over all partial matchings of the pairs."""
    return _forest(_children(a), _children(b), -1, -1, order, nested=False)


def tree_distance_by_force(a: MergeTree, b: MergeTree, order: float) -> float:
    return _forest(_children(a), _children(b), -1, -1, order, nested=True)


def _children(tree: MergeTree) -> dict[int, list[tuple[int, float, float]]]:
    sign = 1 if tree.kind == "sublevel" else -1
    table: dict[int, list[tuple[int, float, float]]] = {}
    for row, pair in enumerate(tree.pairs.tolist()):
        table.setdefault(pair[4], []).append((row, sign * pair[2], sign * pair[3]))
    return table


def _forest(of_a: dict, of_b: dict, a: int, b: int, order: float, *, nested: bool) -> float:
    """Every root with a root, and below them every partial matching there is."""

    def deleted(of: dict, row: int) -> float:
        return sum(2 * ((d - x) / 2) ** order + deleted(of, r) for r, x, d in of.get(row, []))

    def cost(p: tuple, q: tuple) -> float:
        own = abs(p[1] - q[1]) ** order + (abs(p[2] - q[2]) ** order if np.isfinite(p[2]) else 0.0)
        return own + (best(of_a.get(p[0], []), of_b.get(q[0], [])) if nested else 0.0)

    def removal(of: dict, p: tuple) -> float:
        return 2 * ((p[2] - p[1]) / 2) ** order + (deleted(of, p[0]) if nested else 0.0)

    def best(left: list, right: list) -> float:
        found = np.inf
        for k in range(min(len(left), len(right)) + 1):
            for chosen in combinations(range(len(left)), k):
                for others in permutations(range(len(right)), k):
                    total = sum(cost(left[i], right[j]) for i, j in zip(chosen, others, strict=True))
                    total += sum(removal(of_a, p) for i, p in enumerate(left) if i not in chosen)
                    total += sum(removal(of_b, p) for j, p in enumerate(right) if j not in others)
                    found = min(found, total)
        return found

    roots_a, roots_b = of_a[-1], of_b[-1]
    if len(roots_a) != len(roots_b):
        return np.inf
    total = min(
        sum(cost(p, q) for p, q in zip(roots_a, turned, strict=True)) for turned in permutations(roots_b)
    )
    if not nested:
        finite_a = [p for row, below in of_a.items() if row >= 0 for p in below]
        finite_b = [p for row, below in of_b.items() if row >= 0 for p in below]
        total += best(finite_a, finite_b)
    return total ** (1 / order)


def few(values: np.ndarray, keep: int = 5) -> MergeTree:
    tree = merge_tree(values, connectivity="faces")
    if len(tree.pairs) <= keep:
        return tree
    threshold = np.nextafter(tree.persistence[keep], np.inf)
    return tree.simplify(min(float(threshold), 1e300))


# Known answers


@pytest.mark.parametrize("name", METRICS)
def test_a_shifted_landscape_is_as_far_as_the_shift(name):
    bowl = np.add.outer(np.linspace(-1, 1, 21) ** 2, np.linspace(-1, 1, 21) ** 2)
    for shift in (0.0, 2.5, -10.0):
        assert METRICS[name](merge_tree(bowl), merge_tree(bowl + shift)) == pytest.approx(abs(shift))


def test_births_count_unlike_in_landscaper():
    f = himmelblau(41)
    a, b = merge_tree(f), merge_tree(f + 10)
    assert bottleneck(a, b) == pytest.approx(10)
    # The shallowest pair (13.3 deep) rather goes to the diagonal, twice.
    assert wasserstein(a, b, 2) == pytest.approx(np.sqrt(100 + 2 * 200 + a.persistence[3] ** 2))


def test_double_wells_of_other_depths():
    x = np.linspace(-2, 2, 401)
    shallow, deep = merge_tree((x**2 - 1) ** 2), merge_tree(3 * (x**2 - 1) ** 2)
    # (0, 1) and (0, 3): 2 apart if matched, 1.5 from the diagonal.
    assert bottleneck(shallow, deep) == pytest.approx(1.5)
    assert wasserstein(shallow, deep) == pytest.approx(2)
    assert wasserstein(shallow, deep, 2) == pytest.approx(2)
    assert merge_tree_distance(shallow, deep) == pytest.approx(2)
    assert merge_tree_distance(shallow, merge_tree(x**2), 2) == pytest.approx(np.sqrt(0.5))


def test_profiles_of_wells():
    # {|x| <= h} grows by 2 h of 4: as far as the area between the two curves of the volume.
    x = np.linspace(-2, 2, 4001)
    assert profile_distance(merge_tree(abs(x)), merge_tree(2 * abs(x))) == pytest.approx(1.0, abs=1e-3)
    # Two equal wells against one: half the volume is in a second component, twice counted, until they meet.
    two, one = merge_tree([0.0, 4.0, 0.0]), merge_tree([0.0, 0.0, 4.0])
    assert profile_distance(two, one) == pytest.approx(4 * 2 / 3)


def test_volumes_weigh():
    f, g = np.array([0.0, 4.0, 0.0, 4.0]), np.array([0.0, 0.0, 4.0, 4.0])
    volumes = np.array([1.0, 2.0, 5.0, 0.0])
    a, b = merge_tree(f, volumes=volumes), merge_tree(g, volumes=volumes)
    # Below 4: (5, 1) / 8 against (3,) / 8.
    assert profile_distance(a, b) == pytest.approx(4 * (2 + 1) / 8)
    assert profile_distance(a, merge_tree(f, volumes=3 * volumes)) == pytest.approx(0, abs=1e-12)


def test_profiles_of_a_tree_without_one_of_its_branches():
    tree = merge_tree([0.0, 8.0, 5.0, 9.0, 1.0])
    assert tree.pairs["birth"].tolist() == [0, 1, 5]
    # The basin of 1 spills over 9 into that of 5, which begins above it and merges at 8.
    rest = tree.restrict(np.array([True, False, True]))
    assert rest.basins.tolist() == [0, 0, 1, 1, 1]
    # Fifths: 1 from 0 on, 2 + 1 from 5 on, 4 from 8 on, 5 from 9 on; against 5 from 0 on.
    expected = (5 * 4 + 3 * (3 + 1) + 1 * 1) / 5
    assert profile_distance(rest, merge_tree(np.zeros(5))) == pytest.approx(expected)


def test_essential_classes_must_agree_in_number():
    split, whole = merge_tree([0.0, np.nan, 1.0]), merge_tree([0.0, 2.0, 1.0])
    for metric in METRICS.values():
        assert metric(split, whole) == np.inf
        assert metric(split, split) == 0
    assert bottleneck(split, merge_tree([4.0, np.nan, 1.5])) == 3
    assert merge_tree_distance(split, merge_tree([4.0, np.nan, 1.5]), 1) == 4.5
    with pytest.raises(ValueError, match="2 essential pairs"):
        merge_tree_matching(split, whole)


def test_diagrams_of_other_dimensions():
    one, two = (persistence(wells(2) * s, dimension=1) for s in (1, 3))
    assert bottleneck(one, two) == pytest.approx(1.5)
    assert wasserstein(one, two, 2) == pytest.approx(np.sqrt(2 * 1.5**2 + 2 * 0.5**2))
    assert bottleneck(persistence(wells(2), dimension=0), merge_tree(wells(2))) == 0
    empty = persistence(np.zeros((3, 3)), dimension=1)
    assert bottleneck(one, empty) == pytest.approx(0.5)
    assert wasserstein(empty, empty) == 0


def test_a_swap_of_two_passes_makes_the_tree_distance_jump_but_not_the_bottleneck_distance():
    # Wells of depth 0, 1, 2 in a row; which pass is higher decides where the last one hangs.
    f = np.array([0.0, 9.0, 1.0, 8.999, 2.0])
    g = np.array([0.0, 8.999, 1.0, 9.0, 2.0])
    a, b = merge_tree(f), merge_tree(g)
    assert a.pairs["parent"].tolist() == [-1, 0, 1]
    assert b.pairs["parent"].tolist() == [-1, 0, 0]
    assert bottleneck(a, b) <= 0.0011
    assert merge_tree_distance(a, b, 1) > 13


def test_what_hangs_on_a_deleted_branch_is_deleted():
    f, g = merge_tree([0.0, 3.0, 2.0, 9.0]), merge_tree([0.0, 9.0, 1.0, 3.0, 2.0])
    assert g.pairs["parent"].tolist() == [-1, 0, 1]
    assert wasserstein(f, g, 2) == pytest.approx(np.sqrt(32))
    # The pair (2, 3) hangs on the root in f and on (1, 9) in g: it cannot be matched with itself.
    assert merge_tree_distance(f, g, 2) == pytest.approx(np.sqrt(0.5 + 32 + 0.5))
    assert merge_tree_matching(f, g, 2).tolist() == [[0, 0]]


# Oracles


@QUICK
@given(SMALL, SMALL, ORDERS)
def test_all_matchings_of_small_trees(f, g, order):
    a, b = few(f), few(g)
    assert wasserstein(a, b, order) == pytest.approx(wasserstein_by_force(a, b, order), rel=1e-9)
    assert merge_tree_distance(a, b, order) == pytest.approx(tree_distance_by_force(a, b, order), rel=1e-9)


@QUICK
@given(HOLED, HOLED, ORDERS)
def test_all_matchings_of_small_forests(f, g, order):
    a, b = few(f, 4), few(g, 4)
    if max((t.pairs["parent"] < 0).sum() for t in (a, b)) <= 4:
        assert wasserstein(a, b, order) == pytest.approx(wasserstein_by_force(a, b, order), rel=1e-9)
        assert merge_tree_distance(a, b, order) == pytest.approx(
            tree_distance_by_force(a, b, order), rel=1e-9
        )


@pytest.mark.parametrize("order", [1, 2])
def test_wasserstein_of_hera(order):
    a, b = (merge_tree(noise(25, seed)) for seed in (0, 1))
    diagrams = [np.column_stack([t.pairs["birth"], t.pairs["death"]]) for t in (a, b)]
    theirs = gudhi.hera.wasserstein_distance(*diagrams, order=order, internal_p=order, delta=1e-4)
    assert wasserstein(a, b, order) == pytest.approx(theirs, rel=2e-4)
    assert bottleneck(a, b) == pytest.approx(gudhi.bottleneck_distance(*diagrams, 0.0))


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_the_matching_costs_what_the_distance_says(order):
    a, b = (merge_tree(noise(30, seed, 0.7)) for seed in (0, 1))
    matched = merge_tree_matching(a, b, order)
    partner = dict(matched.tolist())
    assert len(partner) == len(set(partner.values())) == len(matched)
    for i, j in matched.tolist():
        p, q = int(a.pairs["parent"][i]), int(b.pairs["parent"][j])
        assert (p, q) == (-1, -1) or partner[p] == q
    total = 0.0
    for tree, rows in ((a, matched[:, 0]), (b, matched[:, 1])):
        alone = np.setdiff1d(np.arange(len(tree.pairs)), rows)
        total += (2 * (tree.persistence[alone] / 2) ** order).sum()
    for end in ("birth", "death"):
        finite = matched[matched[:, 0] > 0] if end == "death" else matched
        total += (np.abs(a.pairs[end][finite[:, 0]] - b.pairs[end][finite[:, 1]]) ** order).sum()
    assert total ** (1 / order) == pytest.approx(merge_tree_distance(a, b, order))
    np.testing.assert_array_equal(np.sort(matched[:, 0]), matched[:, 0])
    np.testing.assert_array_equal(
        merge_tree_matching(a, a, order), np.repeat(np.arange(len(a.pairs)), 2).reshape(-1, 2)
    )


def profile_by_force(f: np.ndarray, g: np.ndarray, volumes: np.ndarray) -> float:
    """Components labelled anew at every height."""
    heights = np.unique(np.concatenate([f.ravel(), g.ravel()]))
    total = 0.0
    for low, high in pairwise(heights):
        sizes = []
        for values in (f, g):
            labels, count = ndimage.label(values <= low, structure=np.ones((3,) * values.ndim))
            parts = ndimage.sum_labels(volumes, labels, np.arange(1, count + 1)) / volumes.sum()
            sizes.append(np.sort(np.append(parts, np.zeros(f.size - count))))
        total += np.abs(sizes[0] - sizes[1]).sum() * (high - low)
    return total


@QUICK
@given(st.integers(0, 2**32), st.sampled_from([(9,), (4, 5), (3, 2, 3)]), st.booleans())
def test_profiles_by_labelling_every_sublevel_set(seed, shape, tied):
    rng = np.random.default_rng(seed)
    f, g = rng.normal(size=(2, *shape))
    if tied:
        f, g = np.round(2 * f), np.round(2 * g)
    volumes = rng.random(shape) + 0.1
    trees = [merge_tree(h, volumes=volumes) for h in (f, g)]
    expected = profile_by_force(f, g, volumes)
    assert profile_distance(*trees) == pytest.approx(expected, abs=1e-9)
    mirrored = [merge_tree(-h, kind="superlevel", volumes=volumes) for h in (f, g)]
    assert profile_distance(*mirrored) == pytest.approx(expected, abs=1e-9)


def test_profiles_of_nested_branches():
    f = np.array([0.0, 20.0, 1.0, 19.0, 2.0, 18.0, 3.0, 17.0, 4.0])
    assert merge_tree(f).pairs["parent"].tolist() == [-1, 0, 1, 2, 3]
    expected = profile_by_force(f, np.zeros(9), np.ones(9))
    assert profile_distance(merge_tree(f), merge_tree(np.zeros(9))) == pytest.approx(expected)


def test_profiles_of_many_heights_are_summed_piece_by_piece(monkeypatch):
    a, b = (merge_tree(noise(30, seed)) for seed in (0, 1))
    whole = profile_distance(a, b)
    monkeypatch.setattr(import_module(profile_distance.__module__), "_TABLE", 1000)
    assert profile_distance(a, b) == pytest.approx(whole)


# Axioms and invariances


@pytest.mark.parametrize("name", METRICS)
@QUICK
@given(f=SMALL, g=SMALL, h=SMALL)
def test_axioms_of_a_metric(name, f, g, h):
    metric = METRICS[name]
    a, b, c = map(merge_tree, (f, g, h))
    assert metric(a, a) == 0
    assert metric(a, b) >= 0
    assert metric(a, b) == pytest.approx(metric(b, a), rel=1e-9, abs=1e-12)
    assert metric(a, c) <= metric(a, b) + metric(b, c) + 1e-9


@QUICK
@given(npst.arrays(np.float64, (2, 5, 6), elements=NUMBERS), ORDERS)
def test_stability_and_order_of_the_distances(fields, order):
    f, g = fields
    a, b = merge_tree(f), merge_tree(g)
    assert bottleneck(a, b) <= np.abs(f - g).max() * (1 + 1e-12)
    assert bottleneck(a, b) <= wasserstein(a, b, order) * (1 + 1e-9)
    assert wasserstein(a, b, order) <= merge_tree_distance(a, b, order) * (1 + 1e-9)


@pytest.mark.parametrize("name", METRICS)
@QUICK
@given(seed=st.integers(0, 2**32), data=st.data())
def test_transposed_flipped_scaled_and_mirrored(name, seed, data):
    # No ties: the elder of two equal minima, and with it the tree, depends on the order of vertices.
    f, g = np.random.default_rng(seed).permutation(72).reshape(2, 3, 4, 3).astype(float)
    metric = METRICS[name]
    expected = metric(merge_tree(f), merge_tree(g))
    turned = np.flip(g.transpose(data.draw(st.permutations(range(3)))), 0)
    assert metric(merge_tree(f), merge_tree(turned)) == pytest.approx(expected)
    scaled = metric(merge_tree(4 * f + 8), merge_tree(4 * g + 8))
    assert scaled == pytest.approx(4 * expected)
    up = [merge_tree(-h, kind="superlevel") for h in (f, g)]
    assert metric(*up) == pytest.approx(expected)
    if name in ("wasserstein", "merge_tree"):
        assert metric(*up, order=3) == pytest.approx(metric(merge_tree(f), merge_tree(g), order=3))


@pytest.mark.parametrize("order", [1, 2, 30])
def test_powers_stay_in_range(order):
    f, g = noise(12, 0), noise(12, 1)
    for metric in (wasserstein, merge_tree_distance):
        plain = metric(merge_tree(f), merge_tree(g), order)
        for scale in (1e-200, 1e200):
            scaled = metric(merge_tree(scale * f), merge_tree(scale * g), order)
            assert scaled == pytest.approx(scale * plain, rel=1e-9)


def test_the_bottleneck_distance_is_a_difference_of_heights_and_takes_little_memory():
    rng = np.random.default_rng(0)
    for size in np.repeat((1, 2, 7, 40), 50):
        a = np.sort(rng.normal(size=(size, 2)), axis=1)
        b = np.sort(a + 0.1 * rng.normal(size=a.shape), axis=1)
        costs = np.concatenate([np.abs(a[:, None] - b).ravel(), *((x[:, 1] - x[:, 0]) / 2 for x in (a, b))])
        found = bottleneck(Diagram(a, np.zeros(1)), Diagram(b, np.zeros(1)))
        assert found == costs[np.abs(costs - gudhi.bottleneck_distance(a, b)).argmin()]
    many = np.sort(rng.random((2000, 2)), axis=1)
    near = Diagram(many + 1e-9 * rng.random(many.shape), np.zeros(1))
    tracemalloc.start()
    bottleneck(Diagram(many, np.zeros(1)), near)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * many.nbytes


def test_deep_trees_need_no_recursion():
    # Ever deeper passes: every well hangs on the one before.
    n = 600
    f = np.empty(2 * n - 1)
    f[::2], f[1::2] = np.arange(n), 10_000.0 - np.arange(n - 1)
    a, b = merge_tree(f), merge_tree(f + 0.25)
    assert a.pairs["parent"].tolist() == list(range(-1, n - 1))
    assert merge_tree_distance(a, b, 1) == pytest.approx(0.25 * (2 * n - 1))
    np.testing.assert_array_equal(merge_tree_matching(a, b), np.column_stack([np.arange(n)] * 2))


def test_too_many_branches_are_refused_with_an_estimate():
    a, b = (merge_tree(noise(40, seed)) for seed in (0, 1))
    with pytest.raises(ValueError, match=rf"trees of {len(a.pairs)} and {len(b.pairs)} branches .* simplify"):
        merge_tree_distance(a, b, limit=1e-4)
    assert merge_tree_distance(a, b, limit=np.inf) == merge_tree_distance(a, b)


# Bad input


@pytest.mark.parametrize("name", METRICS)
def test_sublevel_and_superlevel_trees_do_not_mix(name):
    with pytest.raises(ValueError, match="sublevel tree and a superlevel tree"):
        METRICS[name](merge_tree(wells(1)), merge_tree(wells(1), kind="superlevel"))


def test_diagrams_of_both_kinds_do_not_mix():
    up = persistence(-wells(2), dimension=0, kind="superlevel")
    assert bottleneck(up, merge_tree(-wells(2), kind="superlevel")) == 0
    with pytest.raises(ValueError, match="superlevel"):
        bottleneck(up, persistence(wells(2), dimension=0))
    with pytest.raises(ValueError, match="both below and above"):
        bottleneck(Diagram(np.array([[0.0, 1.0], [3.0, 2.0]]), np.array([0.0])), up)
    none = np.empty((0, 2))
    assert bottleneck(Diagram(none, np.array([5.0, 1.0])), Diagram(none, np.array([1.5, 5.0]))) == 0.5
    # Only essential classes: fits either kind.
    assert bottleneck(Diagram(np.empty((0, 2)), np.array([2.0])), up) == pytest.approx(2)


@pytest.mark.parametrize("order", [0.5, 0, np.inf, np.nan])
def test_orders_below_one_or_infinite(order):
    tree = merge_tree(wells(1))
    for metric in (wasserstein, merge_tree_distance):
        with pytest.raises(ValueError, match=f"order={order}"):
            metric(tree, tree, order)


# Matrices and groups


@pytest.mark.parametrize("name", METRICS)
def test_matrix(name):
    trees = [merge_tree(noise(9, seed)) for seed in range(4)]
    matrix = distance_matrix(trees, name)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert (np.diag(matrix) == 0).all()
    assert matrix[0, 3] == pytest.approx(METRICS[name](trees[0], trees[3]))
    assert (matrix[~np.eye(4, dtype=bool)] > 0).all()


def test_matrix_passes_options_and_takes_functions():
    trees = [merge_tree(noise(9, seed)) for seed in range(2)]
    assert distance_matrix(trees, "wasserstein", order=2)[0, 1] == pytest.approx(wasserstein(*trees, order=2))
    assert distance_matrix(trees, lambda a, b: 7.0).tolist() == [[0, 7], [7, 0]]
    assert distance_matrix([]).shape == (0, 0)
    with pytest.raises(ValueError, match="'euclid' is not one of bottleneck, wasserstein"):
        distance_matrix(trees, "euclid")


def at(*heights: float) -> list[MergeTree]:
    """Wells of given depth: landscapes whose bottleneck distances are known."""
    return [merge_tree([h]) for h in heights]


def test_group_means_by_hand():
    found = group_distances({"a": at(0, 1, 4), "b": at(10, 12)})
    assert found.names == ("a", "b")
    np.testing.assert_allclose(found.mean, [[8 / 3, 28 / 3], [28 / 3, 2]])
    assert found.pairs.tolist() == [[3, 6], [6, 1]]
    assert found.group.tolist() == [0, 0, 0, 1, 1]
    assert found.distances[0, 4] == 12
    for bound in (found.low, found.high):
        np.testing.assert_array_equal(bound, bound.T)


def test_intervals_are_silent_where_seeds_cannot_tell():
    found = group_distances({"three": at(0, 1, 3), "two": at(5, 6), "one": at(9)})
    assert np.isnan(found.low).tolist() == [[False, False, True], [False, True, True], [True, True, True]]
    np.testing.assert_array_equal(np.isnan(found.low), np.isnan(found.high))
    assert np.isnan(found.mean).tolist() == [
        [False, False, False],
        [False, False, False],
        [False, False, True],
    ]
    known = np.isfinite(found.low)
    assert (found.low[known] <= found.mean[known]).all()
    assert (found.high[known] > found.mean[known]).all()
    assert (found.low[known] >= 0).all()


def test_a_landscape_drawn_twice_is_not_compared_with_itself():
    found = group_distances({"a": at(0, 1, 2, 3), "b": at(4, 5)}, lambda a, b: 7.0)
    assert found.low[0] == pytest.approx([7, 7])
    assert found.high[0] == pytest.approx([7, 7])


def test_infinite_distances_have_no_interval():
    split = merge_tree([0.0, np.nan, 1.0])
    found = group_distances({"a": [*at(0, 1, 2), split]})
    assert found.mean[0, 0] == np.inf
    assert np.isnan(found.low[0, 0])


@pytest.mark.parametrize("size", [3, 6])
def test_intervals_hold_the_true_mean_about_as_often_as_they_say(size):
    rng = np.random.default_rng(size)
    # E|x - y| of two standard normal numbers, and of one of them shifted far away.
    true = np.array([2 / np.sqrt(np.pi), 20.0])
    hits = np.zeros(2)
    for trial in range(60):
        a, b = at(*rng.normal(size=size)), at(*(20 + rng.normal(size=size)))
        found = group_distances(
            {"a": a, "b": b}, lambda x, y: float(abs(x.values - y.values)[0]), rounds=50, seed=trial
        )
        hits += (found.low[0] <= true) & (true <= found.high[0])
    assert (hits >= 50).all()
    assert (hits < 60).any()


def test_distances_to_one_place_have_the_interval_of_student():
    numbers = np.array([0.0, 1.0, 5.0])
    found = group_distances({"a": at(*numbers), "b": at(20, 20, 20)}, rounds=20_000)
    margin = stats.t.ppf(0.975, 2) * numbers.std(ddof=1) / np.sqrt(3)
    assert found.mean[0, 1] == pytest.approx(18)
    assert found.high[0, 1] - 18 == pytest.approx(margin, rel=0.02)
    assert 18 - found.low[0, 1] == pytest.approx(margin, rel=0.02)


def test_groups_are_reproducible_and_wider_at_higher_confidence():
    groups = {"a": at(0, 1, 3, 7)}
    one, same, wide = (group_distances(groups, confidence=c) for c in (0.9, 0.9, 0.99))
    assert one.high[0, 0] == same.high[0, 0]
    assert wide.high[0, 0] > one.high[0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"rounds": 49}, "rounds=49"), ({"confidence": 1.0}, "confidence=1.0")],
)
def test_bad_options_of_groups(options, message):
    with pytest.raises(ValueError, match=message):
        group_distances({"a": at(0, 1)}, **options)


def test_empty_groups():
    with pytest.raises(ValueError, match="'b': 0"):
        group_distances({"a": at(1), "b": []})
    with pytest.raises(ValueError, match="at least one"):
        group_distances({})
