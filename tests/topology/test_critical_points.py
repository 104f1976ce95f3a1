"""Critical points: known answers, lower links and persistence by GUDHI, Euler characteristic, bad input."""

from collections import Counter
from itertools import combinations, permutations, product
from math import comb

import gudhi
import numpy as np
import pytest
from grid_functions import camel, himmelblau, rastrigin, wells
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from merge_oracle import steps

from nblandscape.topology import merge_tree
from nblandscape.topology.critical_points import critical_points

TIED = st.integers(-3, 3).map(float)
HOLED = st.one_of(TIED, TIED, TIED, st.just(np.nan), st.just(np.inf), st.just(-np.inf))
SHAPES = st.one_of(
    npst.array_shapes(min_dims=1, max_dims=2, max_side=7),
    npst.array_shapes(min_dims=3, max_dims=3, max_side=4),
    npst.array_shapes(min_dims=4, max_dims=4, max_side=3),
)
GRIDS = npst.arrays(np.float64, SHAPES, elements=HOLED).filter(lambda a: np.isfinite(a).any())
KINDS = ("sublevel", "superlevel")


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).permutation(int(np.prod(shape))).reshape(shape).astype(float)


def ranks(values: np.ndarray) -> np.ndarray:
    flat = np.where(np.isfinite(values), values, np.inf).ravel()
    rank = np.empty(flat.size, dtype=int)
    rank[np.argsort(flat, kind="stable")] = np.arange(flat.size)
    return rank


def triangulation(values: np.ndarray) -> gudhi.SimplexTree:
    """Freudenthal's triangulation of the finite domain: for each cube one simplex per order of the axes."""
    tree = gudhi.SimplexTree()
    d, shape = values.ndim, values.shape
    for corner in np.ndindex(*shape):
        for axes in permutations(range(d)):
            path = [corner]
            for axis in axes:
                path.append(tuple(c + (a == axis) for a, c in enumerate(path[-1])))
            inside = [p for p in path if all(0 <= c < n for c, n in zip(p, shape, strict=True))]
            simplex = [int(np.ravel_multi_index(p, shape)) for p in inside if np.isfinite(values[p])]
            if simplex:
                tree.insert(simplex)
    return tree


def betti(tree: gudhi.SimplexTree) -> list[int]:
    tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
    return tree.betti_numbers()


def from_lower_links(values: np.ndarray) -> dict[tuple[int, int], int]:
    tree, rank = triangulation(values), ranks(values)
    found = {}
    for (vertex,), _ in list(tree.get_skeleton(0)):
        link = gudhi.SimplexTree()
        for simplex, _ in tree.get_star([vertex]):
            rest = [u for u in simplex if u != vertex]
            if rest and all(rank[u] < rank[vertex] for u in rest):
                link.insert(rest)
        if link.num_simplices() == 0:
            found[vertex, 0] = 1
            continue
        for k, number in enumerate(betti(link)):
            if number - (k == 0):
                found[vertex, k + 1] = number - (k == 0)
    return found


def table(points: np.ndarray) -> dict[tuple[int, int], int]:
    return {(v, k): m for v, k, m in points[["vertex", "index", "multiplicity"]].tolist()}


def alternating(points: np.ndarray) -> int:
    return int(((-1) ** points["index"] * points["multiplicity"]).sum())


def counts(points: np.ndarray, dimension: int) -> list[int]:
    return np.bincount(points["index"], points["multiplicity"], minlength=dimension + 1).astype(int).tolist()


@pytest.mark.parametrize(("dimension", "n"), [(1, 21), (2, 21), (3, 21), (4, 13), (5, 5), (6, 5)])
def test_sums_of_double_wells(dimension, n):
    points = critical_points(wells(dimension, n))
    points = points[points["interior"]]
    known = Counter({k: comb(dimension, k) * 2 ** (dimension - k) for k in range(dimension + 1)})
    assert Counter(points["index"].tolist()) == known
    assert points["value"] == pytest.approx(points["index"], abs=1e-12)
    assert (points["multiplicity"] == 1).all()


def test_himmelblau():
    points = critical_points(himmelblau(1001))
    points = points[points["interior"]]
    assert counts(points, 2) == [4, 4, 1]
    assert points["value"] == pytest.approx(
        [0, 0, 0, 0, 13.3119263, 67.7191501, 104.0151629, 178.3372392, 181.6165215], abs=2e-2
    )
    assert alternating(points) == 1


def test_six_hump_camel():
    points = critical_points(camel(801))
    assert counts(points[points["interior"]], 2) == [6, 7, 2]
    assert alternating(points) == 1


def test_rastrigin():
    points = critical_points(rastrigin(501))
    points = points[points["interior"]]
    assert counts(points, 2) == [25, 40, 16]


def test_the_border_of_a_bowl_and_of_a_dome():
    x = np.linspace(-1, 1, 9)
    bowl = x[:, None] ** 2 + 1.1 * x**2
    assert table(critical_points(bowl)) == {(40, 0): 1}
    # Upside down, the corners are minima and a saddle lies between two of them.
    dome = critical_points(-bowl)
    assert counts(dome, 2) == [4, 4, 1]
    assert dome["interior"].tolist() == [False] * 8 + [True]
    assert table(critical_points(bowl, kind="superlevel")) == {(v, 2 - k): 1 for v, k in table(dome)}


def test_a_linear_function_has_one_minimum_and_for_superlevel_one_maximum():
    plane = np.add.outer(np.arange(5.0), 3 * np.arange(4.0))
    assert table(critical_points(plane)) == {(0, 0): 1}
    assert table(critical_points(plane, kind="superlevel")) == {(19, 2): 1}


def test_a_monkey_saddle_counts_twice():
    ring = ((1, 2), (2, 2), (2, 1), (1, 0), (0, 0), (0, 1))
    for signs, multiplicity in (((1, 1, -1, 1, 1, -1), 1), ((1, -1, 1, -1, 1, -1), 2)):
        values = np.zeros((3, 3))
        values[tuple(zip(*ring, strict=True))] = signs
        assert table(critical_points(values))[4, 1] == multiplicity


@pytest.mark.parametrize("flavour", ["noise", "ties", "holes"])
@pytest.mark.parametrize(
    "shape", [(1,), (9,), (5, 6), (1, 7), (4, 4, 5), (3, 1, 4), (3, 3, 3, 3), (2, 2, 2, 2, 2)], ids=str
)
def test_lower_links_by_gudhi(shape, flavour):
    values = noise(shape)
    if flavour != "noise":
        values = np.floor(values / 4)
    if flavour == "holes":
        values[np.random.default_rng(1).random(shape) < 0.15] = np.nan
        values.flat[0] = 0
    points = critical_points(values)
    assert table(points) == from_lower_links(values)
    heights, vertices = points["value"], points["vertex"]
    np.testing.assert_array_equal(heights, values.ravel()[vertices])
    rows = list(zip(heights, vertices, points["index"], strict=True))
    assert rows == sorted(rows)


@pytest.mark.parametrize("dimension", [5, 6])
def test_links_in_five_and_six_dimensions_by_gudhi(dimension):
    around = steps(dimension, "freudenthal")
    known = set(around)
    edges = [
        (i, j)
        for (i, a), (j, b) in combinations(enumerate(around), 2)
        if tuple(x - y for x, y in zip(a, b, strict=True)) in known
    ]
    rng = np.random.default_rng(dimension)
    seen = Counter()
    for share in (0.15, 0.3, 0.5, 0.5, 0.6, 0.7, 0.85):
        # A coarse pattern below the noise makes links of higher Betti numbers.
        form = rng.normal(size=(dimension, dimension))
        size = np.array([np.einsum("i,ij,j", a, form + form.T, a) for a in around])
        size += rng.normal(size=len(around)) * size.std() / 4
        lower = size < np.quantile(size, share)
        values = np.ones((3,) * dimension)
        for step, low in zip(around, lower, strict=True):
            values[tuple(1 + s for s in step)] = -1 if low else 1
        values[(1,) * dimension] = 0
        link = gudhi.SimplexTree()
        for i in np.flatnonzero(lower).tolist():
            link.insert([i])
        for i, j in edges:
            if lower[i] and lower[j]:
                link.insert([i, j])
        link.expansion(dimension)
        expected = {k + 1: b - (k == 0) for k, b in enumerate(betti(link)) if b - (k == 0)}
        points = critical_points(values)
        points = points[points["vertex"] == values.size // 2]
        assert dict(zip(points["index"].tolist(), points["multiplicity"].tolist(), strict=True)) == expected
        seen.update(points["index"].tolist())
    assert len(seen) >= 3


def test_a_middle_index_in_six_dimensions():
    signs = np.array([-1, -1, -1, 1, 1, 1])
    grid = np.meshgrid(*[np.arange(-1.0, 2.0)] * 6, indexing="ij")
    points = critical_points(sum(s * x**2 for s, x in zip(signs, grid, strict=True)))
    assert table(points[points["interior"]]) == {(3**6 // 2, 3): 1}


@pytest.mark.parametrize("shape", [(12,), (6, 7), (4, 4, 4), (3, 3, 3, 3)], ids=str)
@pytest.mark.parametrize("tied", [False, True])
def test_births_and_deaths_of_persistent_homology(shape, tied):
    values = noise(shape, seed=3)
    values = np.floor(values / 5) if tied else values
    d, rank = values.ndim, ranks(values)
    tree = triangulation(values)
    for vertex in range(values.size):
        tree.assign_filtration([vertex], float(rank[vertex]))
    tree.make_filtration_non_decreasing()
    for simplex, _ in list(tree.get_simplices()):
        tree.assign_filtration(simplex, float(max(rank[v] for v in simplex)))
    tree.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
    events = [0] * (d + 1)
    for k in range(d):
        for _, death in tree.persistence_intervals_in_dimension(k):
            events[k] += 1
            events[k + 1] += int(np.isfinite(death))
    assert counts(critical_points(values), d) == events


def euler_characteristic(inside: np.ndarray) -> int:
    """Simplices of the triangulation by their lowest corner: chains of steps 0 < s_1 < s_2 ..."""
    subsets = [s for s in product((0, 1), repeat=inside.ndim) if any(s)]
    padded = np.pad(inside, [(0, 1)] * inside.ndim)

    def total(here: np.ndarray, last: tuple[int, ...], sign: int) -> int:
        found = sign * int(here.sum())
        for step in subsets:
            if step != last and all(a >= b for a, b in zip(step, last, strict=True)):
                there = padded[tuple(slice(s, s + n) for s, n in zip(step, inside.shape, strict=True))]
                found += total(here & there, step, -sign)
        return found

    return total(inside, (0,) * inside.ndim, 1)


@settings(max_examples=25, deadline=None)
@given(GRIDS)
def test_alternating_sum_is_the_euler_characteristic(values):
    known = euler_characteristic(np.isfinite(values))
    assert alternating(critical_points(values)) == known
    assert alternating(critical_points(values, kind="superlevel")) == (-1) ** values.ndim * known


def test_euler_characteristic_of_a_ring_and_of_a_hollow_cube():
    ring, hollow = noise((7, 8)), noise((5, 5, 5))
    ring[3:5, 3:5] = hollow[2, 2, 2] = np.inf
    assert alternating(critical_points(ring)) == 0
    assert alternating(critical_points(hollow)) == 2


@settings(max_examples=25, deadline=None)
@given(GRIDS)
def test_interior_rows_are_the_same_for_both_kinds(values):
    a, b = (critical_points(values, kind=kind) for kind in KINDS)
    np.testing.assert_array_equal(a[a["interior"]], b[b["interior"]])
    around = steps(values.ndim, "freudenthal")
    for row in np.concatenate([a, b]):
        here = np.unravel_index(row["vertex"], values.shape)
        near = [tuple(i + s for i, s in zip(here, step, strict=True)) for step in around]
        fits = all(all(0 <= i < n for i, n in zip(p, values.shape, strict=True)) for p in near)
        assert row["interior"] == (fits and all(np.isfinite(values[p]) for p in near))


@settings(max_examples=20, deadline=None)
@given(st.builds(noise, SHAPES, st.integers(0, 99)), st.sampled_from(KINDS))
def test_extrema_are_the_leaves_of_the_trees(values, kind):
    points = critical_points(values, kind=kind)
    leaves = points["vertex"][points["index"] == (0 if kind == "sublevel" else values.ndim)]
    tree = merge_tree(values, kind=kind, connectivity="freudenthal")
    assert sorted(leaves.tolist()) == sorted(tree.minima.tolist())


@settings(max_examples=20, deadline=None)
@given(st.builds(noise, SHAPES, st.integers(0, 99)))
def test_negation_turns_indices_round_and_scaling_and_transposing_do_nothing(values):
    points = critical_points(values)
    turned = critical_points(-values, kind="superlevel")
    assert table(turned) == {(v, values.ndim - k): m for (v, k), m in table(points).items()}
    np.testing.assert_array_equal(critical_points(4 * values - 8)["vertex"], points["vertex"])
    flipped = critical_points(values[(slice(None, None, -1),) * values.ndim])
    assert table(flipped) == {(values.size - 1 - v, k): m for (v, k), m in table(points).items()}
    transposed = critical_points(values.T)
    places = np.unravel_index(transposed["vertex"], values.T.shape)[::-1]
    moved = transposed.copy()
    moved["vertex"] = np.ravel_multi_index(places, values.shape)
    assert table(moved) == table(points)


@pytest.mark.parametrize("shape", [(7,), (4, 5), (3, 4, 3), (1, 1)])
def test_a_constant_has_one_minimum(shape):
    assert table(critical_points(np.full(shape, 2.5))) == {(0, 0): 1}


def test_the_result_is_read_only_and_the_input_stays():
    values = noise((6, 6))
    before = values.copy()
    with pytest.raises(ValueError, match="read-only"):
        critical_points(values)["index"] = 0
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(critical_points(np.asfortranarray(values)), critical_points(values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2,) * 7), "7 axes"),
        (np.full((3, 3), np.nan), "no finite entry"),
        (np.zeros((0, 3)), "empty"),
        (np.zeros(3, dtype=complex), "complex128"),
        (1.0, "single number"),
    ],
)
def test_what_cannot_be_a_grid_is_named(values, message):
    with pytest.raises(ValueError, match=message):
        critical_points(values)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="'upper'"):
        critical_points(np.zeros(3), kind="upper")
