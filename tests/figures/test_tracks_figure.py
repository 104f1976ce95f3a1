"""Tracked minima: a line each, their ends marked, dotted lines to where they went."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from nblandscape.figures import plot_tracks
from nblandscape.topology import merge_tree, track

FIELDS = [0.0, 5.0, 1.0, 2.0], [0.0, 5.0, 3.0, 2.0], [0.0, 5.0, 6.0, 7.0], [0.0, 5.0, 1.0, 2.0]


@pytest.mark.parametrize("kind", ["sublevel", "superlevel"])
def test_lines_marks_and_words(kind):
    sign = 1 if kind == "sublevel" else -1
    fields = [sign * np.array(field) for field in FIELDS]
    tracks = track([merge_tree(field, kind=kind) for field in fields], steps=[0, 10, 20, 30])
    axes = Figure().add_subplot()
    plot_tracks(axes, tracks, quantity="loss", step="training step")
    leaf = "minima" if sign > 0 else "maxima"
    assert axes.get_title() == f"3 {leaf} over 4 steps: 1 merge, 1 split"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("training step", "loss")
    dotted = [line.get_xydata().tolist() for line in axes.lines if line.get_linestyle() == ":"]
    assert dotted == [[[10, sign * 2], [20, 0]], [[20, 0], [30, sign * 1]]]
    marks = [line for line in axes.lines if line.get_marker() in ("X", "o") and line.get_markersize() == 6]
    assert [(mark.get_marker(), *mark.get_xydata()[0]) for mark in marks] == [
        ("X", 10, sign * 2),
        ("o", 30, sign * 1),
    ]
    steps = [line for line in axes.lines if line.get_linestyle() == "-"]
    essential = [line.get_linewidth() for line in steps if set(line.get_ydata()) == {0.0}]
    others = [line.get_linewidth() for line in steps if 0.0 not in line.get_ydata()]
    assert len(essential) == 3
    assert min(essential) >= max(others)


def test_one_step_and_no_event():
    axes = Figure().add_subplot()
    plot_tracks(axes, track([merge_tree([1.0, 2.0])]))
    assert axes.get_title() == "1 minimum over 1 step: no events"
