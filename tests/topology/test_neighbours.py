"""Stencils and lowest neighbours against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from merge_oracle import neighbours, steps

from nblandscape.topology.neighbours import cell_volumes, forward_offsets, lowest_neighbours, shifted

CONNECTIVITIES = ["full", "faces", "freudenthal"]


@pytest.mark.parametrize("connectivity", CONNECTIVITIES)
@pytest.mark.parametrize("dimension", [1, 2, 3, 4, 5])
def test_half_stencils(dimension, connectivity):
    forward = forward_offsets(dimension, connectivity)
    both = forward + [tuple(-s for s in step) for step in forward]
    assert sorted(both) == sorted(steps(dimension, connectivity))
    weights = np.array([7**k for k in reversed(range(dimension))])
    ahead = [int(np.dot(step, weights)) for step in forward]
    assert ahead == sorted(ahead)
    assert min(ahead) > 0


@given(
    npst.arrays(np.float64, npst.array_shapes(max_dims=4, max_side=5), elements=st.integers(-2, 2)),
    st.sampled_from(CONNECTIVITIES),
)
def test_lowest_neighbours(values, connectivity):
    near = neighbours(values, connectivity)
    flat = values.ravel()
    expected = [min([v, *near[v]], key=lambda u: (flat[u], u)) for v in range(values.size)]
    assert lowest_neighbours(values, connectivity).ravel().tolist() == expected


@pytest.mark.parametrize("step", [(0, 1), (1, -1), (-1, 0), (2, -3)])
def test_shifted_views(step):
    index = np.arange(30).reshape(5, 6)
    here, there = shifted(step)
    np.testing.assert_array_equal(index[there] - index[here], 6 * step[0] + step[1])
    assert index[here].shape == (5 - abs(step[0]), 6 - abs(step[1]))


def test_cells_of_lists():
    assert cell_volumes([[0, 1, 3], [0, 2]]).tolist() == [[0.5, 0.5], [1.5, 1.5], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        ([], "at least one axis"),
        ([[0.0, 1.0], [3.0]], r"axes\[1\] has shape \(1,\)"),
        ([[1.0, 0.0]], r"axes\[0\] must be finite and increase"),
        ([[0.0, np.nan]], r"axes\[0\] must be finite and increase"),
    ],
)
def test_axes_without_cells(axes, told):
    with pytest.raises(ValueError, match=told):
        cell_volumes(axes)
