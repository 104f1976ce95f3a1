"""Pictures without a browser: what is drawn is what was computed."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import nblandscape as nbl
from nblandscape.figures import figure_of, plot_merge_tree


def wells(n: int) -> nbl.Landscape:
    x = np.linspace(-2, 2, n)
    return nbl.Landscape.from_array(
        (x[:, None] ** 2 - 1) ** 2 + (x**2 - 1) ** 2 + 0.1 * x, (x, x), ("a", "b")
    )


def test_a_tree_has_a_leaf_for_every_minimum_and_a_cross_for_every_merge():
    tree = wells(33).merge_tree()
    axes = Figure().add_subplot()
    plot_merge_tree(axes, tree)
    leaves = [line for line in axes.lines if line.get_marker() == "v"]
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert sorted(float(line.get_ydata()[0]) for line in leaves) == sorted(tree.pairs["birth"].tolist())
    assert len(crosses) == len(tree.pairs) - 1
    assert len({float(line.get_xdata()[0]) for line in leaves}) == len(leaves)  # each in a column of its own


def test_thousands_of_minima_stay_readable_and_are_counted():
    noise = nbl.Landscape.from_array(np.random.default_rng(0).normal(size=(120, 120)))
    axes = Figure().add_subplot()
    plot_merge_tree(axes, noise.merge_tree())
    assert len(axes.lines) < 300
    assert str(len(noise.merge_tree().minima)) in axes.get_title()


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "values", [np.eye(5), np.zeros((4, 6)), -np.eye(5), np.where(np.eye(5) > 0, np.nan, 1.0)]
)
def test_odd_landscapes_are_drawn_too(values, log):
    landscape = nbl.Landscape.from_array(values)
    spectrum = {"values": [3.0, -1e-9, -2.0], "residuals": [1e-3, 0.0, 0.1]}
    figure = figure_of(landscape, landscape.merge_tree(), spectrum, title="odd", log=log)
    figure.canvas.draw()
    assert len(figure.axes) == 5
