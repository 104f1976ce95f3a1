"""Pictures without a browser: what is drawn is what was computed."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

import nblandscape as nbl
from nblandscape.figures import figure_of, plot_merge_tree


def wells(n: int) -> nbl.Landscape:
    x = np.linspace(-2, 2, n)
    return nbl.Landscape.from_array(
        (x[:, None] ** 2 - 1) ** 2 + (x**2 - 1) ** 2 + 0.1 * x, (x, x), ("a", "b")
    )


def drawn(tree: nbl.MergeTree, **options: object) -> Axes:
    axes = Figure(figsize=(5, 4)).add_subplot()
    plot_merge_tree(axes, tree, **options)
    return axes


def segments(axes: Axes) -> np.ndarray:
    return np.array([s for c in axes.collections if isinstance(c, LineCollection) for s in c.get_segments()])


def leaves(axes: Axes) -> PathCollection:
    (found,) = (c for c in axes.collections if isinstance(c, PathCollection))
    return found


def crossings(lines: np.ndarray) -> int:
    """Vertical and horizontal lines that meet elsewhere than at an end of both, or of the horizontal one."""
    upright = lines[lines[:, 0, 0] == lines[:, 1, 0]]
    across = lines[lines[:, 0, 1] == lines[:, 1, 1]]
    count = 0
    for (x0, y), (x1, _) in across:
        x, low, high = upright[:, 0, 0], *np.sort(upright[:, :, 1], axis=1).T
        count += int(((min(x0, x1) < x) & (x < max(x0, x1)) & (low < y) & (y < high)).sum())
    return count


def test_a_tree_has_a_leaf_for_every_minimum_and_a_cross_for_every_merge():
    tree = wells(33).merge_tree()
    axes = drawn(tree)
    places = leaves(axes).get_offsets()
    np.testing.assert_array_equal(places[:, 1], tree.pairs["birth"])  # in the order of the rows
    assert sorted(places[:, 0]) == [0, 1, 2, 3]  # each in a column of its own
    (crosses,) = (line for line in axes.lines if line.get_marker() == "x")
    assert sorted(crosses.get_ydata()) == sorted(tree.pairs["death"][1:])
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2", "3"]
    assert [text.xy for text in axes.texts] == [tuple(place) for place in places]


@pytest.mark.parametrize("kind", ["sublevel", "superlevel"])
@pytest.mark.parametrize("seed", range(4))
def test_no_two_lines_cross(seed, kind):
    noise = nbl.Landscape.from_array(np.random.default_rng(seed).normal(size=(24, 24)))
    tree = noise.merge_tree(kind)
    axes = drawn(tree, most=500)
    lines = segments(axes)
    assert len(lines) == 2 * len(tree.pairs) - 1
    assert crossings(lines) == 0
    shown = tree.pairs["parent"] >= 0
    assert sorted(lines[:, :, 1].ravel())[0] <= tree.values.max()
    ends = {float(end[1]) for line in lines for end in line}
    assert ends >= set(tree.pairs["death"][shown].tolist())


def test_a_crossing_would_be_seen():
    lines = np.array([[[0, 0], [0, 2]], [[1, 0], [1, 2]], [[2, 0], [2, 1]], [[2, 1], [0, 1]]], dtype=float)
    assert crossings(lines) == 1


def test_superlevel_trees_hang_from_their_maxima():
    tree = nbl.merge_tree(-wells(33).values, kind="superlevel")
    axes = drawn(tree)
    assert axes.get_title() == "merge tree: 4 maxima"
    low, high = axes.get_ylim()
    assert low < tree.pairs["death"][1:].min()
    assert high > tree.pairs["birth"].max()
    np.testing.assert_array_equal(leaves(axes).get_offsets()[:, 1], tree.pairs["birth"])


def test_thousands_of_minima_stay_readable_and_are_counted():
    noise = nbl.Landscape.from_array(np.random.default_rng(0).normal(size=(120, 120)))
    tree = noise.merge_tree()
    axes = drawn(tree)
    assert len(segments(axes)) < 150
    assert f"{len(tree.minima)} minima, 60 drawn" in axes.get_title()
    assert any(text.get_text() == f"{len(tree.minima) - 60}\nmore" for text in axes.texts)
    assert len(axes.texts) < 40
    (body,) = (c for c in axes.collections if not isinstance(c, (LineCollection, PathCollection)))
    outline = body.get_paths()[0].vertices
    height = np.sort(np.unique(outline[:, 1]))[100]
    rest = tree.pairs[60:]
    alive = [int(((rest["birth"] <= h) & (h < rest["death"])).sum()) for h in np.unique(outline[:, 1])]
    width = np.ptp(outline[outline[:, 1] == height, 0]) / np.ptp(outline[:, 0])
    assert width == pytest.approx(alive[100] / max(alive), abs=0.02)


def test_trees_on_one_scale():
    tree = wells(33).merge_tree()
    axes = drawn(tree, limits=(-1.0, 30.0))
    assert axes.get_ylim()[1] == 30
    assert segments(axes)[:, :, 1].max() == 30  # what never ends goes up to the rim
    with pytest.raises(ValueError, match="must be larger"):
        drawn(tree, limits=(3.0, 3.0))
    with pytest.raises(ValueError, match="most=0"):
        drawn(tree, most=0)


def test_minima_have_one_colour_in_the_map_and_in_the_tree():
    landscape = wells(33)
    tree = landscape.merge_tree()
    figure = figure_of(landscape, tree)
    plane, diagram = figure.axes[1], figure.axes[-1]
    marks = leaves(plane)
    np.testing.assert_allclose(
        marks.get_offsets()[::-1], [landscape.coordinates(int(v)) for v in tree.minima]
    )
    np.testing.assert_array_equal(marks.get_facecolors()[::-1], leaves(diagram).get_facecolors())


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
