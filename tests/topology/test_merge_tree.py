"""Merge trees: known answers, GUDHI and a plain sweep as oracles, bad input."""

import gudhi
import networkx as nx
import numpy as np
import pytest
from grid_functions import ackley, camel, himmelblau, rastrigin, rotated_valley, sampled, wells
from merge_oracle import sweep

from nblandscape.topology import MergeTree, merge_tree

SHAPES = [
    (1,),
    (60,),
    (17, 13),
    (1, 9),
    (9, 1),
    (2, 2),
    (7, 6, 5),
    (4, 5, 3, 4),
    (3, 2, 3, 2, 3),
    (2, 3, 2, 2, 2, 3),
]
FLAVOURS = ["noise", "ties", "holes", "ties and holes"]


def noise(shape: tuple[int, ...], flavour: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([seed, *shape])
    values = rng.normal(size=shape)
    if "ties" in flavour:
        values = np.round(values * 2) / 2
    if "holes" in flavour:
        values[rng.random(shape) < 0.25] = rng.choice([np.nan, np.inf, -np.inf])
        values.flat[0] = 0.25
    return values


def finite_deaths(tree: MergeTree) -> np.ndarray:
    return tree.persistence[np.isfinite(tree.persistence)]


@pytest.mark.parametrize("n", [41, 101, 161, 201])
def test_himmelblau(n):
    tree = merge_tree(himmelblau(n))
    x = np.linspace(-5, 5, n)
    places = np.array([x[list(np.unravel_index(v, (n, n)))] for v in tree.minima])
    known = np.array([(3, 2), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)])
    assert len(tree.minima) == 4
    assert {int(np.argmin(np.linalg.norm(known - p, axis=1))) for p in places} == {0, 1, 2, 3}
    assert np.abs(places[:, None] - known).max(axis=2).min(axis=1).max() <= (x[1] - x[0])
    assert finite_deaths(tree) == pytest.approx([104.015, 67.719, 13.312], abs=0.5 if n > 41 else 2)
    assert len(tree.saddles) == 3


def test_himmelblau_to_the_digits_of_the_table():
    assert finite_deaths(merge_tree(himmelblau(101))).round(1).tolist() == [104.0, 67.7, 13.3]
    fine = merge_tree(himmelblau(1601))
    assert finite_deaths(fine) == pytest.approx([104.0151629, 67.7191501, 13.3119263], abs=4e-3)


@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
def test_double_wells_in_every_dimension(dimension):
    tree = merge_tree(wells(dimension))
    assert len(tree.minima) == 2**dimension
    assert finite_deaths(tree) == pytest.approx(np.ones(2**dimension - 1))
    corners = [tuple(5 + 10 * c for c in corner) for corner in np.ndindex(*[2] * dimension)]
    assert sorted(tuple(map(int, np.unravel_index(v, tree.values.shape))) for v in tree.minima) == corners


@pytest.mark.parametrize(
    ("values", "minima", "total"),
    [
        (rastrigin(41), 25, 24 * 18.5833),
        (rastrigin(501), 25, 446.556555),
        (ackley(41), 25, 24 * 0.84152),
        (ackley(1001), 25, 21.250453),
        (camel(1001), 6, 5 * 0.560041),
    ],
    ids=["rastrigin41", "rastrigin", "ackley41", "ackley", "camel"],
)
def test_lattices_of_minima(values, minima, total):
    tree = merge_tree(values)
    assert len(tree.minima) == minima
    assert finite_deaths(tree).sum() == pytest.approx(total, rel=1e-3)


def test_tilted_double_well():
    x = np.linspace(-2, 2, 4001)
    tree = merge_tree((x**2 - 1) ** 2 + x / 4)
    assert x[tree.minima] == pytest.approx([-1.0298960, 0.9671489], abs=1e-3)
    assert tree.pairs["birth"] == pytest.approx([-0.2537912, 0.2459634], abs=1e-5)
    assert tree.pairs["death"][1] == pytest.approx(1.0078279, abs=1e-5)
    assert x[tree.saddles] == pytest.approx([0.0627470], abs=1e-3)


@pytest.mark.parametrize("ratio", [1, 10, 100, 1000])
@pytest.mark.parametrize("degrees", [0, 30, 45, 71])
def test_a_rotated_valley_has_one_minimum_after_simplification(ratio, degrees):
    tree = merge_tree(rotated_valley(ratio, degrees=degrees)).simplify(0.01, relative=True)
    assert len(tree.pairs) == 1


def test_the_diagonal_valley_needs_full_connectivity():
    valley = rotated_valley(1000, n=41, degrees=45)
    assert len(merge_tree(valley).minima) == 1
    assert len(merge_tree(valley, connectivity="faces").minima) == 41


@pytest.mark.parametrize("connectivity", ["full", "faces", "freudenthal"])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pairs_parents_first_merges_and_basins_of_a_plain_sweep(shape, flavour, connectivity):
    for seed in range(3):
        values = noise(shape, flavour, seed)
        tree, plain = merge_tree(values, connectivity=connectivity), sweep(values, connectivity)
        minima = tree.minima.tolist()
        found = {
            p["birth_vertex"]: (
                p["death_vertex"],
                p["birth"],
                p["death"],
                minima[p["parent"]] if p["parent"] >= 0 else -1,
            )
            for p in tree.pairs
        }
        assert found == plain.pairs
        assert dict(zip(minima, tree.first_merges.tolist(), strict=True)) == plain.first_merges
        basins = tree.basins.ravel()
        assert {v: minima[basins[v]] for v in plain.basins} == plain.basins
        np.testing.assert_array_equal(tree.basins >= 0, np.isfinite(values))


@pytest.mark.parametrize(
    ("connectivity", "cells"), [("full", "top_dimensional_cells"), ("faces", "vertices")]
)
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("shape", [(400,), (23, 31), (9, 8, 7), (5, 6, 4, 5)], ids=str)
def test_dimension_zero_of_gudhi(shape, flavour, connectivity, cells):
    for seed in range(3):
        values = noise(shape, flavour, seed)
        complex_ = gudhi.CubicalComplex(**{cells: np.where(np.isfinite(values), values, np.inf)})
        complex_.compute_persistence()
        theirs = complex_.persistence_intervals_in_dimension(0)
        theirs = sorted(map(tuple, theirs[np.isfinite(theirs[:, 0])].tolist()))
        pairs = merge_tree(values, connectivity=connectivity).pairs
        assert sorted(zip(pairs["birth"].tolist(), pairs["death"].tolist(), strict=True)) == theirs


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_order_of_rows(flavour):
    tree = merge_tree(noise((40, 30), flavour))
    essential = tree.pairs["parent"] < 0
    count = int(essential.sum())
    assert essential[:count].all()
    top = tree.pairs[:count]
    assert list(zip(top["birth"], top["birth_vertex"], strict=True)) == sorted(
        zip(top["birth"], top["birth_vertex"], strict=True)
    )
    rest = list(zip(-tree.persistence[count:], tree.minima[count:], strict=True))
    assert rest == sorted(rest)
    assert (top["death"] == np.inf).all()
    assert (top["death_vertex"] == -1).all()
    flat = tree.values.ravel()
    np.testing.assert_array_equal(tree.basins.ravel()[tree.minima], np.arange(len(tree.pairs)))
    np.testing.assert_array_equal(flat[tree.minima], tree.pairs["birth"])
    np.testing.assert_array_equal(flat[tree.pairs["death_vertex"][count:]], tree.pairs["death"][count:])
    assert set(tree.saddles.tolist()) == set(tree.pairs["death_vertex"][count:].tolist())
    assert list(zip(flat[tree.saddles], tree.saddles, strict=True)) == sorted(
        zip(flat[tree.saddles], tree.saddles, strict=True)
    )
    assert tree.basins.dtype == np.int32
    assert (tree.persistence > 0).all()


def test_memory_order_type_and_container_do_not_matter():
    values = noise((12, 9, 5), "noise").astype(np.float32)
    trees = [
        merge_tree(given)
        for given in (
            values,
            np.asfortranarray(values),
            values.astype(float),
            values.tolist(),
            values[::1, ::1],
        )
    ]
    for tree in trees[1:]:
        np.testing.assert_array_equal(tree.pairs, trees[0].pairs)
        np.testing.assert_array_equal(tree.basins, trees[0].basins)


def test_the_input_is_neither_changed_nor_shared():
    values = noise((20, 20), "holes")
    before = values.copy()
    tree = merge_tree(values)
    np.testing.assert_array_equal(values, before)
    values[:] = 0
    np.testing.assert_array_equal(tree.values, before)
    with pytest.raises(ValueError, match="read-only"):
        tree.basins[0, 0] = 3


def test_masked_entries_are_holes():
    values = himmelblau(31)
    masked = np.ma.masked_where(values > 100, values)
    direct = merge_tree(np.where(values > 100, np.nan, values))
    np.testing.assert_array_equal(merge_tree(masked).pairs, direct.pairs)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_superlevel_is_sublevel_of_the_negative(flavour):
    values = noise((15, 16), flavour)
    up, down = merge_tree(values, kind="superlevel"), merge_tree(-values)
    np.testing.assert_array_equal(up.basins, down.basins)
    np.testing.assert_array_equal(up.saddles, down.saddles)
    np.testing.assert_array_equal(up.persistence, down.persistence)
    np.testing.assert_array_equal(up.first_merges, -down.first_merges)
    for name in ("birth_vertex", "death_vertex", "parent"):
        np.testing.assert_array_equal(up.pairs[name], down.pairs[name])
    np.testing.assert_array_equal(up.pairs["birth"], -down.pairs["birth"])
    np.testing.assert_array_equal(up.pairs["death"], -down.pairs["death"])
    assert (up.pairs["death"] < up.pairs["birth"]).all()
    a, b = up.simplify(0.6), down.simplify(0.6)
    np.testing.assert_array_equal(a.basins, b.basins)
    np.testing.assert_array_equal(a.pairs["death"], -b.pairs["death"])


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_ring_of_holes_splits_the_domain(hole):
    x = np.linspace(-1, 1, 41)
    bowl = sampled(lambda a, b: a**2 + b**2, x, x)
    ring = (bowl > 0.3) & (bowl < 0.5)
    tree = merge_tree(np.where(ring, hole, bowl))
    # Along the outer rim of the ring lie minima of their own, inside there is one.
    assert (tree.pairs["parent"] == -1).sum() == 2
    assert np.isposinf(tree.first_merges[0])
    assert len(tree.simplify(np.inf).pairs) == 2
    np.testing.assert_array_equal(tree.basins == -1, ring)
    np.testing.assert_array_equal(tree.basins == 0, bowl <= 0.3)
    assert tree.minima[0] == np.argmin(bowl)


def test_holes_around_a_bowl_add_no_minimum():
    x = np.linspace(-1, 1, 31)
    bowl = sampled(lambda a, b: a**2 + 2 * b**2, x, x)
    assert len(merge_tree(np.where(bowl > 0.8, np.nan, bowl)).pairs) == 1


@pytest.mark.parametrize("shape", [(7,), (5, 5), (1, 1), (3, 4, 5)])
def test_a_constant_has_one_minimum(shape):
    tree = merge_tree(np.full(shape, 3.0))
    assert tree.pairs.tolist() == [(0, -1, 3.0, np.inf, -1)]
    assert (tree.basins == 0).all()
    assert tree.saddles.size == 0


@pytest.mark.parametrize("digits", [0, 1, 2])
@pytest.mark.parametrize("shape", [(9, 13), (13, 9), (41, 41), (40, 27)])
def test_a_quantised_bowl_has_one_minimum(shape, digits):
    bowl = sampled(lambda a, b: a**2 + b**2, *(np.linspace(-3, 3, n) for n in shape))
    for values in (np.round(bowl, digits), 1 + 1e-9 * bowl, np.minimum(bowl, 4), np.maximum(bowl, 2)):
        assert len(merge_tree(values).pairs) == 1


def test_plateaus_count_once():
    # Two flat wells (each with several lowest vertices) and a flat pass between them.
    assert merge_tree([5, 1, 1, 1, 3, 3, 3, 0, 0, 5]).pairs.tolist() == [
        (7, -1, 0, np.inf, -1),
        (1, 6, 1, 3, 0),
    ]


def test_one_line_in_two_dimensions_is_the_line():
    line = noise((50,), "noise")
    flat = merge_tree(line)
    for shape in ((1, 50), (50, 1), (1, 50, 1)):
        tree = merge_tree(line.reshape(shape))
        np.testing.assert_array_equal(tree.pairs, flat.pairs)
        assert tree.basins.shape == shape


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "empty"),
        (np.zeros((3, 0)), r"empty.*\(3, 0\)"),
        (1.0, "single number"),
        (np.full((4, 4), np.nan), "no finite entry.*16 holes"),
        ([np.inf, -np.inf], "no finite entry"),
        (np.ones(3, complex), "complex128"),
        (np.array(["a", "b"]), "not real"),
        ([1e308, np.nan, -1e308], r"run from -1e\+308 to 1e\+308"),
    ],
)
def test_refused_values(values, message):
    with pytest.raises(ValueError, match=message):
        merge_tree(values)


def test_refused_options():
    with pytest.raises(ValueError, match="kind='up'"):
        merge_tree([1.0, 2.0], kind="up")
    with pytest.raises(ValueError, match="connectivity='8'"):
        merge_tree([1.0, 2.0], connectivity="8")
    for threshold in (-1.0, np.nan):
        with pytest.raises(ValueError, match="threshold="):
            merge_tree([1.0, 2.0]).simplify(threshold)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("kind", ["sublevel", "superlevel"])
def test_networkx_tree(flavour, kind):
    tree = merge_tree(noise((14, 11), flavour), kind=kind)
    graph = tree.to_networkx()
    essential = int((tree.pairs["parent"] < 0).sum())
    assert nx.is_branching(graph.reverse())
    assert nx.number_weakly_connected_components(graph) == essential
    leaf = "minimum" if kind == "sublevel" else "maximum"
    assert {v for kind_, v in graph if kind_ == leaf} == set(tree.minima.tolist())
    assert {v for kind_, v in graph if kind_ == "saddle"} == set(tree.saddles.tolist())
    roots = [n for n, degree in graph.out_degree() if degree == 0]
    assert len(roots) == essential
    assert {graph.nodes[n]["kind"] for n in roots} == {"root"}
    sign = 1 if kind == "sublevel" else -1
    for low, high in graph.edges:
        assert sign * graph.nodes[low]["value"] <= sign * graph.nodes[high]["value"]
        assert graph.nodes[low]["value"] == tree.values.flat[low[1]]
    # The first merge of a leaf is its immediate saddle.
    for vertex, first in zip(tree.minima.tolist(), tree.first_merges.tolist(), strict=True):
        (above,) = graph.successors((leaf, vertex))
        if above[0] == "root":
            assert np.isinf(first)
        else:
            assert graph.nodes[above]["value"] == first
    assert all(graph.in_degree(n) >= 2 for n in graph if n[0] == "saddle")


def test_networkx_root_is_the_last_vertex():
    assert merge_tree(himmelblau(41)).to_networkx().nodes["root", 1680]["value"] == 890.0
