"""Error bars of topology: analytic errors, simulated truth, brute-force barriers, curvature, bad input."""

import bisect

import numpy as np
import pytest
from grid_functions import ackley, camel, himmelblau, rastrigin, rotated_valley, sampled, wells
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from nblandscape.topology import _resampling
from nblandscape.topology.merge_tree import MergeTree, merge_tree
from nblandscape.topology.support import support

N = 33
X = np.linspace(-1, 1, N)


def waves(rng: np.random.Generator, frequency: float = 4.0, n: int = N) -> np.ndarray:
    """A smooth random function of unit variance."""
    x = np.linspace(-1, 1, n)
    k, phase = rng.uniform(-frequency, frequency, (8, 2)), rng.uniform(0, 2 * np.pi, 8)
    return sampled(
        lambda a, b: sum(np.cos(np.pi * (p * a + q * b) + s) for (p, q), s in zip(k, phase, strict=True)) / 2,
        x,
        x,
    )


def noisy(truth: np.ndarray, batches: int, scale: float, seed: int, offset: float = 5.0) -> np.ndarray:
    """Batch losses: the truth, a constant of each batch, and smooth noise."""
    rng = np.random.default_rng(seed)
    noise = [offset * rng.normal() + scale * waves(rng, n=len(truth)) for _ in range(batches)]
    return truth[..., None] + np.stack(noise, axis=-1)


def finite(tree: MergeTree) -> np.ndarray:
    return tree.pairs["parent"] >= 0


def two_wells(n: int = N) -> np.ndarray:
    x = np.linspace(-1, 1, n)
    return sampled(lambda a, b: ((1.6 * a) ** 2 - 1) ** 2 + b**2 + 0.05 * a, x, x)


@pytest.mark.parametrize("kind", ["sublevel", "superlevel"])
@pytest.mark.parametrize("batches", [2, 3, 12])
def test_stderr_is_the_analytic_error_of_the_paired_difference(kind, batches):
    losses = noisy(np.zeros((N, N)), batches, 1.0, seed=batches)
    tree = merge_tree(losses.mean(axis=-1), kind=kind)
    found = support(tree, losses, rounds=20_000, frequency=False)
    pairs = tree.pairs[finite(tree)]
    flat = losses.reshape(-1, batches)
    difference = flat[pairs["death_vertex"]] - flat[pairs["birth_vertex"]]
    exact = difference.std(axis=1, ddof=1) / np.sqrt(batches)
    assert len(exact) > 5
    np.testing.assert_allclose(found.stderr[finite(tree)], exact, rtol=0.03)
    np.testing.assert_allclose(
        found.z[finite(tree)], tree.persistence[finite(tree)] / found.stderr[finite(tree)]
    )
    assert np.isnan(found.stderr[~finite(tree)]).all()


def test_stderr_with_unequal_counts_is_that_of_the_weighted_mean():
    counts = np.array([8, 8, 4, 8, 2, 8, 6, 8, 8, 1] * 4)
    losses = noisy(np.zeros((N, N)), len(counts), 1.0, seed=1)
    tree = merge_tree(losses @ (counts / counts.sum()))
    found = support(tree, losses, counts, rounds=20_000, frequency=False)
    pairs, flat, w = tree.pairs[finite(tree)], losses.reshape(-1, len(counts)), counts / counts.sum()
    difference = flat[pairs["death_vertex"]] - flat[pairs["birth_vertex"]]
    linear = np.sqrt(
        (w**2 * (difference - (difference @ w)[:, None]) ** 2).sum(axis=1) * len(w) / (len(w) - 1)
    )
    np.testing.assert_allclose(found.stderr[finite(tree)], linear, rtol=0.05)


@given(st.integers(0, 2**16))
@settings(max_examples=8)
def test_a_constant_for_each_batch_changes_nothing(seed):
    losses = noisy(two_wells(17), 8, 0.3, seed, offset=0.0)
    shift = np.random.default_rng(seed).normal(scale=100, size=8)
    plain = support(merge_tree(losses.mean(axis=-1)), losses, rounds=20)
    moved = support(merge_tree((losses + shift).mean(axis=-1)), losses + shift, rounds=20)
    np.testing.assert_allclose(moved.stderr, plain.stderr, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(moved.supported, plain.supported)
    np.testing.assert_array_equal(moved.frequency, plain.frequency)


def test_scaling_scales_every_error():
    losses = noisy(two_wells(), 8, 0.3, seed=0)
    plain, scaled = (
        support(merge_tree(f.mean(axis=-1)), f, rounds=20, sup_norm=s)
        for f, s in ((losses, 0.1), (4 * losses, 0.4))
    )
    for name in ("persistence", "stderr", "residual"):
        np.testing.assert_allclose(getattr(scaled, name), 4 * getattr(plain, name), rtol=1e-9)
    for name in ("supported", "certified", "frequency"):
        np.testing.assert_array_equal(getattr(scaled, name), getattr(plain, name))


def test_superlevel_is_sublevel_of_the_negative():
    losses = noisy(two_wells(), 8, 0.3, seed=3)
    hills = support(merge_tree(-losses.mean(axis=-1), kind="superlevel"), -losses, rounds=30)
    lakes = support(merge_tree(losses.mean(axis=-1)), losses, rounds=30)
    for name in ("persistence", "stderr", "residual", "frequency", "supported"):
        np.testing.assert_allclose(getattr(hills, name), getattr(lakes, name), rtol=1e-9)


def test_of_simulated_landscapes_true_pairs_are_supported_and_noise_is_not():
    null, passed, true = 0, 0, 0
    for seed in range(20):
        bowl = sampled(lambda a, b: 0.3 * (a**2 + b**2), X, X)
        losses = noisy(bowl, 8, 0.5, seed)
        tree = merge_tree(losses.mean(axis=-1))
        found = support(tree, losses, frequency=False)
        null, passed = null + finite(tree).sum(), passed + (found.supported & finite(tree)).sum()
        losses = noisy(two_wells(), 8, 0.2, seed)
        tree = merge_tree(losses.mean(axis=-1))
        found = support(tree, losses, frequency=False)
        supported = tree.restrict(found.supported)
        columns = np.sign(X[supported.minima % (N * N) // N])
        true += sorted(columns.tolist()) == [-1, 1]
    assert null > 100
    assert passed <= 0.01 * null
    assert true == 20


def test_a_difference_swamped_by_noise_of_its_own_is_not_supported_but_a_paired_one_is():
    truth = two_wells()
    level = noisy(truth, 16, 0.0, seed=0, offset=50.0)
    tree = merge_tree(level.mean(axis=-1))
    found = support(tree, level, frequency=False)
    assert found.supported.tolist() == [True, True]
    assert found.stderr[1] < 1e-10
    tilt = truth[..., None] + np.random.default_rng(0).normal(size=16) * 8 * np.abs(X)[:, None, None]
    tree = merge_tree(tilt.mean(axis=-1))
    assert not support(tree, tilt, frequency=False).supported[1:].any()


# ---- interpolation residual


def test_residual_of_a_quadratic_is_its_curvature():
    x, y = np.linspace(-1, 1, 9), np.linspace(-2, 2, 17)
    tree = merge_tree(sampled(lambda a, b: 3 * np.abs(a) ** 2 + 0 * b, x, y) + np.eye(9, 17) * 0)
    assert len(tree.pairs) == 1
    values = sampled(lambda a, b: 3 * a**2 - b**2, x, y)  # two minima on the border, a saddle between
    tree = merge_tree(values)
    expected = (2 * 3 * 0.25**2 + 2 * 0.25**2) / 8
    assert len(tree.pairs) == 2
    np.testing.assert_allclose(support(tree).residual, [np.nan, 2 * expected])
    turned = merge_tree(values.T)
    np.testing.assert_allclose(support(turned, axes=(y, x)).residual, [np.nan, 2 * expected])


def test_residual_on_non_uniform_axes_uses_divided_differences():
    x = np.array([-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0])
    values = 4 - x**2
    tree = merge_tree(values)
    birth, death = (tree.pairs[name][1] for name in ("birth_vertex", "death_vertex"))
    assert {int(tree.minima[0]), int(birth), int(death)} == {0, 6, 3}
    # f'' = -2; the widest step beside each vertex and its neighbours: 1 at either end, .75 in the middle.
    assert support(tree, axes=(x,)).residual[1] == pytest.approx(2 / 8 * (1**2 + 0.75**2))


def test_residual_takes_the_nearest_three_samples_beside_holes_and_is_unknown_without_them():
    values = np.array([9.0, 4.0, 1.0, 0.0, 1.0, np.nan, 2.0, 1.0, 3.0, 0.5])
    tree = merge_tree(values)
    rows = {int(v): i for i, v in enumerate(tree.minima)}
    assert support(tree).residual[rows[7]] == pytest.approx((4.5 + 4.5) / 8)
    narrow = np.full((5, 5), np.nan)
    narrow[2] = [0.0, 1.0, 0.5, 2.0, 3.0]
    found = support(merge_tree(narrow))
    assert np.isnan(found.residual).all()
    assert found.supported.tolist() == [True, False]


@pytest.mark.parametrize(
    "values",
    [
        sampled(
            lambda a, b: (1 - a) ** 2 + 100 * (b - a**2) ** 2, np.linspace(-2, 2, 41), np.linspace(-1, 3, 41)
        ),
        rotated_valley(1000, n=41, degrees=30),
        rotated_valley(1000, n=41, degrees=45),
    ],
    ids=["rosenbrock", "valley30", "valley45"],
)
@pytest.mark.parametrize("connectivity", ["full", "faces"])
def test_spurious_minima_of_a_coarse_valley_are_not_supported(values, connectivity):
    tree = merge_tree(values, connectivity=connectivity)
    assert support(tree).supported.sum() == 1
    if connectivity == "faces":
        assert len(tree.pairs) > 20


@pytest.mark.parametrize(("f", "n"), [(himmelblau, 21), (rastrigin, 31), (ackley, 31), (camel, 31)])
def test_true_minima_of_a_coarse_grid_are_supported_and_within_their_residual(f, n):
    coarse, fine = merge_tree(f(n)), merge_tree(f(601))
    found = support(coarse)
    assert found.supported.all()
    assert found.basis == "interpolation residual only: no batch losses, so no standard error"
    places = np.stack(np.unravel_index(fine.minima, (601, 601)), axis=1)
    for row in np.flatnonzero(finite(coarse)):
        here = np.array(np.unravel_index(coarse.minima[row], (n, n))) * 600 / (n - 1)
        twin = np.abs(places - here).max(axis=1).argmin()
        if np.isfinite(fine.persistence[twin]):  # of two minima of one depth, either may be the essential one
            assert abs(fine.persistence[twin] - coarse.persistence[row]) <= found.residual[row]


def test_refined_persistence_lies_within_the_residual_of_most_random_landscapes():
    inside = matched = 0
    for seed in range(25):
        coarse = merge_tree(waves(np.random.default_rng(seed), n=33))
        fine = merge_tree(waves(np.random.default_rng(seed), n=257))
        places = np.stack(np.unravel_index(fine.minima, (257, 257)), axis=1)
        residual = support(coarse).residual
        for row in np.flatnonzero(finite(coarse)):
            apart = np.abs(places - 8 * np.array(np.unravel_index(coarse.minima[row], (33, 33)))).max(axis=1)
            if apart.min() <= 8 and np.isfinite(fine.persistence[apart.argmin()]):
                matched += 1
                inside += abs(fine.persistence[apart.argmin()] - coarse.persistence[row]) <= residual[row]
    assert matched > 100
    assert inside >= 0.95 * matched


# ---- bootstrap frequency


def lowest_pass(values: np.ndarray, a: int, b: int) -> float:
    """Lowest level at which two vertices lie in one component, by labelling components."""
    box, heights = np.ones((3,) * values.ndim), np.nan_to_num(values, nan=np.inf)

    def joined(level: float) -> bool:
        labels = ndimage.label(heights <= level, box)[0].ravel()
        return bool(labels[a] and labels[a] == labels[b])

    levels = np.unique(values[np.isfinite(values)])
    return float(levels[bisect.bisect_left(levels.tolist(), True, key=joined)])


def frequency_by_definition(tree: MergeTree, losses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    share = np.ones(len(tree.pairs))
    for row in np.flatnonzero(finite(tree)):
        first = tree.restrict(np.arange(len(tree.pairs)) <= row)
        hits = 0
        for w in weights:
            g = losses @ w
            a, b = (
                int(np.argmin(np.where(first.basins == r, g, np.inf)))
                for r in (row, first.pairs["parent"][row])
            )
            barrier = lowest_pass(g, a, b) - max(g.flat[a], g.flat[b])
            hits += barrier >= tree.persistence[row] / 2
        share[row] = hits / len(weights)
    return share


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(40,), (4, 3, 5), (15, 15)], ids=str)
def test_frequency_is_what_its_definition_says(shape, seed):
    rng = np.random.default_rng(seed)
    losses = rng.normal(size=(*shape, 1)) + 3 * rng.normal(size=(*shape, 5))
    if seed % 2:
        losses[rng.random(shape) < 0.15] = np.nan
    counts = np.array([3, 1, 2, 2, 1])
    tree = merge_tree(losses @ (counts / counts.sum()))
    found = support(tree, losses, counts, rounds=20, seed=seed)
    drawn = np.random.default_rng(seed).multinomial(5, [0.2] * 5, 20) * counts
    weights = drawn / drawn.sum(axis=1, keepdims=True)
    expected = frequency_by_definition(tree, losses, weights)
    assert 0.05 < expected[finite(tree)].mean() < 0.95
    np.testing.assert_allclose(found.frequency, expected)


def test_blocks_do_not_change_the_result(monkeypatch):
    losses = noisy(two_wells(17), 6, 0.5, seed=2)
    counts = np.array([1, 2, 0, 3, 1, 1])
    losses[..., 2] = np.nan
    tree = merge_tree(np.nan_to_num(losses) @ (counts / counts.sum()))
    whole = support(tree, losses, counts, rounds=20)
    monkeypatch.setattr(_resampling, "_ENTRIES", 700)
    parts = support(tree, losses, counts, rounds=20)
    for name in ("stderr", "frequency", "supported"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-12)
    assert whole.batches == 5


def test_frequency_tells_sure_pairs_from_ripples():
    losses = noisy(two_wells(), 16, 0.15, seed=0)
    ripple = 0.02 * np.sin(9 * np.pi * X)[:, None, None] * np.random.default_rng(0).normal(size=16)
    tree = merge_tree((losses + ripple).mean(axis=-1))
    found = support(tree, losses + ripple)
    deepest = np.argsort(-tree.persistence)
    assert found.frequency[deepest[:2]].tolist() == [1, 1]
    assert (found.frequency[~found.supported] < 0.95).all()


def test_a_well_whose_ripple_vanishes_in_a_resample_does_not_recur_there():
    """The deepest point then lies in the ripple's catchment, but nothing divides it from the rest."""
    x = np.arange(9.0)
    slope = np.stack([0.5 * x, -0.3 * x], axis=1)
    losses = np.array([5, 3, 2.0, 2.2, 1.95, 3, 4, 5, 6])[:, None] + slope - slope.mean(axis=1, keepdims=True)
    tree = merge_tree(losses.mean(axis=1))
    assert len(tree.pairs) == 2
    found = support(tree, losses, rounds=400)
    # Batch 1 twice or batch 2 twice, each in a quarter of the resamples, tilt the two wells into one.
    assert found.frequency[1] == pytest.approx(0.5, abs=0.07)


# ---- what the verdict rests on


@pytest.mark.parametrize("losses", [None, two_wells()[..., None]], ids=["none", "one batch"])
def test_without_two_batches_the_residual_decides_and_it_is_said(losses):
    tree = merge_tree(two_wells())
    found = support(tree, losses)
    assert np.isnan(found.stderr).all()
    assert np.isnan(found.frequency).all()
    assert found.basis.startswith("interpolation residual only")
    assert found.supported.tolist() == [True, True]


def test_few_batches_are_called_few():
    losses = noisy(two_wells(), 3, 0.1, seed=0)
    assert "3 batches (few: the standard error itself is 50% uncertain)" in str(
        support(merge_tree(losses.mean(-1)), losses)
    )


def test_certified_only_beyond_twice_the_sup_norm():
    tree = merge_tree([0.0, 1.0, 0.5, 2.0, 0.0])
    assert support(tree).certified is None
    assert tree.persistence.tolist() == [np.inf, 2, 0.5]
    assert support(tree, sup_norm=0.9).certified.tolist() == [True, True, False]
    assert support(tree, sup_norm=1.0).certified.tolist() == [True, False, False]


def test_stability_is_what_certified_promises():
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = waves(rng)
        shifted = truth + rng.uniform(-0.1, 0.1, truth.shape)
        certified = support(merge_tree(shifted), sup_norm=0.1).certified
        assert certified.sum() <= len(merge_tree(truth).pairs)


def test_the_number_of_standard_errors_is_the_users():
    losses = noisy(two_wells(), 8, 0.3, seed=0)
    tree = merge_tree(losses.mean(axis=-1))
    counts = [support(tree, losses, factor=k, frequency=False).supported.sum() for k in (0, 3, 1000)]
    assert counts[0] >= counts[1] > counts[2] == 1
    found = support(tree, losses, factor=2.5, frequency=False)
    with np.errstate(invalid="ignore"):
        by_hand = found.persistence > 2.5 * found.stderr + found.residual
    np.testing.assert_array_equal(found.supported, by_hand | ~finite(tree))
    assert np.isnan(found.frequency).all()


def test_a_graph_has_no_residual():
    values = np.array([0.0, 3.0, 1.0, 2.0])
    ring = np.array([[0, 1], [1, 2], [2, 3], [3, 0]])
    tree = merge_tree(values, connectivity=ring)
    losses = (
        values[:, None] + np.random.default_rng(0).normal(size=(1, 9)) * np.array([1, 1, 1.05, 1])[:, None]
    )
    losses += values[:, None] - losses.mean(axis=1, keepdims=True)
    found = support(tree, losses)
    assert np.isnan(found.residual).all()
    assert found.supported.tolist() == [True, True]
    assert found.frequency.tolist() == [1, 1]
    assert "only: a graph" in found.basis
    with pytest.raises(ValueError, match="graph, not of a grid"):
        support(tree)
    with pytest.raises(ValueError, match="no axes"):
        support(tree, losses, axes=(np.arange(4.0),))


def test_vertices_that_were_not_evaluated_leave_their_pairs_unsupported():
    losses = noisy(two_wells(), 8, 0.1, seed=0)
    tree = merge_tree(losses.mean(axis=-1))
    losses.reshape(-1, 8)[tree.pairs["death_vertex"][1]] = np.nan
    found = support(tree, losses)
    assert np.isnan(found.stderr[1])
    assert not found.supported[1]
    assert np.isnan(found.frequency).all()


def test_masked_batch_losses_were_not_evaluated():
    losses = np.array([0.0, 2.0, 1.0, 3.0])[:, None] + np.linspace(-0.1, 0.1, 8) ** 3
    hidden = losses.copy()
    hidden[2] = 1e9
    mask = np.zeros(losses.shape, dtype=bool)
    mask[2] = True
    tree = merge_tree(losses.mean(axis=1))
    found = support(tree, np.ma.masked_array(hidden, mask))
    losses[2] = np.nan
    np.testing.assert_array_equal(found.stderr, support(tree, losses).stderr)
    assert found.supported.tolist() == [True, False]


def test_float32_losses_pass_and_are_not_copied_whole():
    losses = noisy(100 + two_wells(), 8, 0.1, seed=0).astype(np.float32)
    tree = merge_tree(losses.astype(float).mean(axis=-1).astype(np.float32))
    assert support(tree, losses, rounds=20).supported[1]
    view = _resampling.checked_batches(losses, None, tree.values.shape)
    assert np.shares_memory(view.flat, losses)


@pytest.mark.parametrize("dimension", [1, 3, 4])
def test_every_dimension(dimension):
    truth = wells(dimension, 21 if dimension < 4 else 11)
    rng = np.random.default_rng(0)
    losses = truth[..., None] + rng.normal(size=8)
    tree = merge_tree(losses.mean(axis=-1))
    found = support(tree, losses, rounds=3)
    assert len(tree.minima) == 2**dimension
    assert found.frequency.tolist() == [1] * 2**dimension
    assert found.residual[1:] == pytest.approx(found.residual[1])


def refused(match: str, *args, **options) -> None:
    with pytest.raises(ValueError, match=match):
        support(merge_tree(two_wells(9)), *args, **options)


def test_bad_input_is_refused_by_name():
    good = np.repeat(two_wells(9)[..., None], 3, axis=-1)
    refused(r"shape \(8, 9, 3\)", good[1:])
    refused(r"shape \(9, 9\); expected", good[..., 0])
    refused("3 batches", good, np.ones(2))
    refused("must be positive", good, [1, -1, 2])
    refused("must be positive", good, [0, 0, 0])
    refused("must be positive", good, [1, np.nan, 1])
    refused("give both", None, [1, 1, 1])
    refused("not real", good.astype(complex))
    refused("No vertex has batch losses", np.full_like(good, np.nan))
    broken = good.copy()
    broken[4, 4, 1] = np.inf
    refused("of vertex 40 are not finite", broken)
    wrong = good.copy()
    wrong[2, 3] += 0.5
    refused("differ by 0.5 at vertex 21", wrong)
    refused("not the tree's function", good * [1, 2, 3])
    refused("factor=-1", factor=-1)
    refused("factor=nan", factor=np.nan)
    refused("rounds=1", rounds=1)
    refused("sup_norm=-0.1", sup_norm=-0.1)
    refused("do not fit", axes=(np.arange(9.0),))
    refused(r"axes\[1\] must be finite and increase", axes=(np.arange(9.0), np.arange(9.0)[::-1]))
