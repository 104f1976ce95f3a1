"""What a landscape knows about its shape: the topology with its axes, volumes and batches."""

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl


class Waves(nn.Module):
    """Many minima along any direction."""

    def forward(self, x):
        return torch.sin(3 * x)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_error_bars_come_from_the_batches_whatever_the_reduction(reduction):
    torch.manual_seed(0)
    x, y = torch.randn(80, 3), torch.arange(80) % 4
    model = nn.Sequential(nn.Linear(3, 6), Waves(), nn.Linear(6, 4))
    batches = [(x[i::8], y[i::8]) for i in range(8)]
    objective = nbl.Objective(model, nn.CrossEntropyLoss(reduction=reduction), batches)
    plane = nbl.Subspace.random(objective, 2, normalize="unit")
    landscape = nbl.sample(objective, plane, span=4.0, points=17)
    bars = landscape.support(frequency=False)
    finite = np.flatnonzero(np.isfinite(bars.persistence))
    assert finite.size
    # The standard error of a mean of paired differences, as in any textbook.
    rows = landscape.merge_tree().pairs[finite]
    losses = landscape.batch_losses.reshape(-1, 8) * (1 if reduction == "mean" else 8)
    differences = losses[rows["death_vertex"]] - losses[rows["birth_vertex"]]
    expected = differences.std(axis=1, ddof=1) / np.sqrt(8)
    np.testing.assert_allclose(bars.stderr[finite], expected, rtol=0.25)
    levels = landscape.over_levels()
    assert levels.summaries[-1].all == landscape.summary().all
    assert landscape.smad(supported=True) == landscape.summary().supported.smad


def test_what_a_landscape_knows_of_its_shape_rests_on_true_volumes():
    x, y = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), np.array([0.0, 1.0, 4.0])
    landscape = nbl.Landscape.from_array((x[:, None] ** 2 - 1) ** 2 + 0.25 * x[:, None] + y / 10, (x, y))
    tree = landscape.merge_tree()
    assert tree is landscape.merge_tree()
    assert landscape.volumes.sum() == pytest.approx(16.0)
    assert tree.basin_volumes.tolist() == pytest.approx([10.0, 6.0])  # the pass belongs to the lower well
    assert landscape.smad(weighted=True) == pytest.approx(
        float(tree.basin_volumes @ np.abs(tree.first_merges - tree.pairs["birth"])) / 16
    )
    assert landscape.profile().total == pytest.approx(16.0)
    assert landscape.morse_smale().basin_tree.basin_volumes.sum() == pytest.approx(16.0)
    assert landscape.basin_metric(landscape.volumes, np.sum, None).tolist() == pytest.approx([10.0, 6.0])
    assert len(landscape.contour_tree().minima) == 2
    assert landscape.quadratic_fit(centre=(-1.0, 1.0)).hessian[0, 0] > 0
    with pytest.raises(ValueError, match="no metric 'accuracy'; this landscape has none"):
        landscape.basin_metric("accuracy")
    with pytest.raises(TypeError, match="connectivity by name"):
        landscape.merge_tree(connectivity=np.array([[0, 1]]))


def test_a_landscape_is_its_own():
    values, x = np.ma.masked_greater(np.arange(12.0).reshape(4, 3), 10), np.arange(4.0)
    landscape = nbl.Landscape.from_array(values, (x, np.arange(3)))
    assert landscape.holes == 1
    x[0] = -5
    assert landscape.axes[0][0] == 0
    with pytest.raises(ValueError, match="read-only"):
        landscape.values[0, 0] = 5.0
    again = nbl.Landscape(np.zeros((2, 2)), (x[:2], x[:2]), ("a", "b"))
    with pytest.raises(ValueError, match="read-only"):
        again.values[:] = 1
