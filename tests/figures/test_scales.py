"""The symmetric logarithmic scale; vitest reads `symlog.json`, too."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import nblandscape as nbl
from nblandscape.figures import figure_of
from nblandscape.figures.scales import inverse_symlog, linear_width, symlog, symlog_norm

PATH = Path(__file__).parents[1] / "data" / "protocol" / "symlog.json"
finite = st.floats(-1e6, 1e6)


def cases():
    for low, high in ((-3.0, 40.0), (0.0, 1.0), (2.0, 5000.0), (-1e-3, 0.0), (0.0, 0.0)):
        width = linear_width(low, high)
        losses = np.linspace(low, high, 7)
        scaled = symlog(losses, width)
        yield {"low": low, "high": high, "width": width, "losses": losses.tolist(), "scaled": scaled.tolist()}


def test_the_page_has_the_same_scale():
    found = list(cases())
    if os.environ.get("NBL_WRITE_FIXTURES") == "1":
        PATH.write_text(json.dumps(found, indent=1) + "\n")
    for case, kept in zip(found, json.loads(PATH.read_text()), strict=True):
        for name, value in case.items():
            np.testing.assert_allclose(kept[name], value, rtol=1e-12, atol=1e-15)


@given(finite, finite, finite, finite)
@example(0.0, 2.2e-309, 0.0, 1.0)
def test_it_is_odd_increasing_and_has_an_inverse(low, high, a, b):
    width = linear_width(low, high)
    assert width > 0
    assert symlog(-a, width) == -symlog(a, width)
    assert a == b or (symlog(a, width) < symlog(b, width)) == (a < b) or np.isclose(a, b, rtol=1e-12)
    np.testing.assert_allclose(inverse_symlog(symlog(a, width), width), a, rtol=1e-9, atol=1e-12 * width)


def test_decades_beyond_the_width_are_about_equally_far_apart():
    steps = np.diff(symlog(np.array([10.0, 100.0, 1000.0, 10000.0]), 0.01))
    np.testing.assert_allclose(steps, np.log(10), rtol=2e-3)


def test_the_norm_maps_the_range_to_the_colours():
    norm = symlog_norm(-5.0, 5.0)
    np.testing.assert_allclose(norm(np.array([-5.0, 0.0, 5.0])), [0, 0.5, 1], atol=1e-12)


@pytest.mark.filterwarnings("ignore:constrained_layout not applied")
def test_figures_of_losses_on_both_sides_of_zero():
    x = np.linspace(-2, 2, 9)
    landscape = nbl.Landscape.from_array(np.add.outer(x**4, x**2) * 100 - 3, (x, x))
    figure = figure_of(landscape, landscape.merge_tree(), scale="symlog")
    figure.draw_without_rendering()
    texts = [t.get_text() for t in figure.axes[0].get_zticklabels()]
    assert float(texts[0]) == pytest.approx(-3, rel=0.01)
    assert figure.axes[0].get_title() == "value (symlog)"
    with pytest.raises(ValueError, match="scale='cube'"):
        figure_of(landscape, landscape.merge_tree(), scale="cube")
