"""Every line can be told from its background, light or dark."""

import matplotlib.style
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import nblandscape as nbl
from nblandscape.figures import (
    plot_density,
    plot_explained,
    plot_merge_tree,
    plot_path,
    plot_profile,
    plot_spectrum,
    plot_trust,
)


def luminance(color: object) -> float:
    """WCAG's relative luminance."""
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgba(color)[:3]]
    return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))


def contrast(one: object, other: object) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def everything() -> list[Axes]:
    axes = list(Figure().subplots(2, 4).ravel())
    x = np.linspace(-1, 1, 9)
    bowl = nbl.Landscape.from_array(x[:, None] ** 2 + x**2, (x, x))
    plot_density(axes[0], lambda v: np.exp(-(v**2)), np.array([-2.0, 3.0]), eigenvalues=[1.0])
    plot_path(axes[1], bowl, np.array([[0.5, 0.5], [0.0, 0.0]]))
    plot_profile(axes[2], x, x**2)
    plot_explained(axes[3], np.array([0.7, 0.2]), np.array([0.6, 0.15]))
    plot_merge_tree(axes[4], nbl.merge_tree(np.cos(np.arange(0.0, 19))))
    plot_spectrum(axes[5], [3.0, -1.0], [0.1, 0.2])
    plot_trust(axes[6], nbl.trust_report(np.diag([1.0] * 9 + [-1.0] * 9), probes=3))
    return axes[:7]


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_lines_marks_and_words_stand_out(style):
    with matplotlib.style.context(style):
        for axes in everything():
            back = axes.get_facecolor()
            seen = [line.get_color() for line in axes.lines if line.get_marker() != "*"]  # framed stars
            seen += [line.get_markeredgecolor() for line in axes.lines if line.get_marker() in "^vos"]
            seen += [c.get_edgecolor()[0] for c in axes.collections if c.get_label() == "random walk"]
            seen += [text.get_color() for text in axes.texts]
            assert seen
            for color in seen:
                assert contrast(color, back) > 3, (axes.get_title(), axes.get_xlabel(), color)
