"""Persistence in every dimension."""

from math import comb

import gudhi
import numpy as np
import pytest
from grid_functions import himmelblau, sampled, wells

from nblandscape.topology import merge_tree, persistence


@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
def test_wells_have_a_binomial_number_of_pairs(dimension):
    # Critical points of index k: C(d, k) 2^(d - k) at height k. All but one class are killed one step later.
    diagrams = persistence(wells(dimension, 13 if dimension == 4 else 21), connectivity="full")
    assert sorted(diagrams) == list(range(dimension))
    left = 1
    for k in range(dimension):
        count = comb(dimension, k) * 2 ** (dimension - k) - left
        assert diagrams[k].finite.shape == (count, 2)
        assert diagrams[k].essential.shape == ((1,) if k == 0 else (0,))
        left = count
    if dimension < 4:
        for k, diagram in diagrams.items():
            np.testing.assert_allclose(diagram.finite, [[k, k + 1]] * len(diagram.finite))


def test_himmelblau_has_one_loop():
    diagrams = persistence(himmelblau(401))
    assert diagrams[1].finite == pytest.approx(np.array([[178.3372392, 181.6165215]]), abs=0.06)
    tree = merge_tree(himmelblau(401))
    np.testing.assert_array_equal(diagrams[0].finite[:, 1] - diagrams[0].finite[:, 0], tree.persistence[1:])
    np.testing.assert_array_equal(diagrams[0].essential, tree.pairs["birth"][:1])


@pytest.mark.parametrize("connectivity", ["full", "faces"])
@pytest.mark.parametrize("kind", ["sublevel", "superlevel"])
def test_dimension_zero_is_that_of_the_merge_tree(kind, connectivity):
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=(19, 14)), 1)
    values[rng.random(values.shape) < 0.2] = np.nan
    pairs = merge_tree(values, kind=kind, connectivity=connectivity).pairs
    diagram = persistence(values, dimension=0, kind=kind, connectivity=connectivity)
    final = pairs["parent"] < 0
    assert sorted(diagram.essential) == sorted(pairs["birth"][final])
    assert sorted(map(tuple, diagram.finite.tolist())) == sorted(
        zip(pairs["birth"][~final].tolist(), pairs["death"][~final].tolist(), strict=True)
    )


def test_large_planes_take_another_path_to_the_same_diagrams():
    rng = np.random.default_rng(2)
    values = np.round(rng.normal(size=(257, 261)), 2)
    values[rng.random(values.shape) < 0.05] = np.inf
    complex_ = gudhi.CubicalComplex(top_dimensional_cells=values)
    complex_.compute_persistence()
    found = persistence(values)
    for k in range(2):
        theirs = complex_.persistence_intervals_in_dimension(k)
        final = np.isinf(theirs[:, 1])
        assert sorted(map(tuple, found[k].finite.tolist())) == sorted(map(tuple, theirs[~final].tolist()))
        assert found[k].essential.tolist() == sorted(theirs[final, 0].tolist())
        assert len(found[k].finite) > 1000
    np.testing.assert_array_equal(persistence(values, dimension=1).finite, found[1].finite)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("connectivity", ["full", "faces"])
def test_a_hole_makes_an_essential_loop(hole, connectivity):
    x = np.linspace(-1, 1, 21)
    bowl = sampled(lambda a, b: a**2 + b**2, x, x)
    diagrams = persistence(np.where(bowl < 0.2, hole, bowl), connectivity=connectivity)
    assert len(diagrams[0].essential) == 1
    assert len(diagrams[1].essential) == 1
    assert np.isfinite(diagrams[1].essential).all()
    assert all(np.isfinite(d.finite).all() for d in diagrams.values())


def test_alexander_duality_on_the_plane():
    # Loops of the sublevel sets close around hills: their births and deaths are those of superlevel
    # components, if the outside counts as the highest hill.
    rng = np.random.default_rng(3)
    values = np.pad(rng.normal(size=(12, 15)), 1, constant_values=10.0)
    loops = persistence(values, dimension=1, connectivity="full").finite
    hills = persistence(values, dimension=0, kind="superlevel", connectivity="faces").finite
    assert sorted(map(tuple, loops.tolist())) == sorted((b, a) for a, b in hills.tolist())


def test_refused_input():
    with pytest.raises(ValueError, match=r"dimension=2 is outside 0 \.\. 1"):
        persistence(np.zeros((3, 3)), dimension=2)
    with pytest.raises(ValueError, match="freudenthal"):
        persistence(np.zeros((3, 3)), connectivity="freudenthal")
    with pytest.raises(ValueError, match="kind="):
        persistence(np.zeros((3, 3)), kind="both")
    with pytest.raises(ValueError, match="no finite entry"):
        persistence([np.nan])
