"""Curves show the numbers they were given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import nblandscape as nbl
from nblandscape.figures import plot_contours, plot_density, plot_explained, plot_path, plot_profile


def bowl(n: int = 9) -> nbl.Landscape:
    x = np.linspace(-1, 1, n)
    return nbl.Landscape.from_array(x[:, None] ** 2 + 2 * x**2 + 0.1, (x, x), ("a", "b"))


def test_a_density_has_its_negative_side_apart_and_every_eigenvalue_marked():
    axes = Figure().add_subplot()
    plot_density(axes, lambda x: np.exp(-(x**2)), np.array([-2.0, 0.0, 3.0]), eigenvalues=[3.5, -2.5])
    negative, positive, marks = axes.lines[:3]
    assert negative.get_xdata().max() <= 0 <= positive.get_xdata().min()
    np.testing.assert_allclose(np.max(positive.get_ydata()), 1.0, rtol=1e-3)
    assert sorted(marks.get_xdata()) == [-2.5, 3.5]
    low, high = axes.get_xlim()
    assert low < -2.5
    assert high > 3.5


@pytest.mark.parametrize("log", [False, True])
def test_a_path_lies_where_its_points_are_and_far_points_are_pale(log):
    path = np.array([[0.9, 0.9], [0.4, 0.1], [0.0, 0.0]])
    axes = Figure().add_subplot()
    colors = plot_path(axes, bowl(), path, distances=np.array([2.0, 1.0, 0.0]), log=log)
    np.testing.assert_allclose(np.column_stack(axes.lines[0].get_data()), path)
    shades = axes.collections[-1].get_alpha()
    assert shades[0] < shades[1] < shades[2] == 1
    assert colors.get_clim() == (bowl().values.min(), bowl().values.max())
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")


def test_a_path_needs_a_plane():
    line = nbl.Landscape.from_array([1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="1 dimensions"):
        plot_path(Figure().add_subplot(), line, np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"\(3, 4\)"):
        plot_path(Figure().add_subplot(), bowl(), np.zeros((3, 4)))


def test_a_flat_landscape_is_drawn_too():
    flat = nbl.Landscape.from_array(np.ones((5, 5)))
    plot_path(Figure().add_subplot(), flat, np.zeros((1, 2)))


def test_profiles_have_a_band_and_explained_variance_its_null():
    axes = Figure().add_subplot()
    x = np.linspace(0, 1, 5)
    plot_profile(axes, x, x**2, errors=np.full(5, 0.1), label="train")
    plot_profile(axes, x, x**2 + 1, label="test")
    assert axes.lines[0].get_color() != axes.lines[1].get_color()
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(1.1)
    bars = Figure().add_subplot()
    plot_explained(bars, np.array([0.7, 0.2]), np.array([0.608, 0.152]))
    assert [bar.get_height() for bar in bars.patches] == [0.7, 0.2]


def test_pictures_with_the_same_limits_have_the_same_colours():
    axes = Figure().subplots(1, 2)
    shown = [plot_contours(panel, bowl(n), limits=(0, 4)) for panel, n in zip(axes, (9, 17), strict=True)]
    assert [colors.get_clim() for colors in shown] == [(0, 4), (0, 4)]
    assert plot_path(axes[0], bowl(), np.zeros((1, 2)), limits=(0, 4)).get_clim() == (0, 4)
    with pytest.raises(ValueError, match="must be larger"):
        plot_contours(axes[0], bowl(), limits=(4, 0))
    with pytest.raises(ValueError, match="3 dimensions"):
        plot_contours(axes[0], nbl.Landscape.from_array(np.zeros((3, 3, 3))))
