"""The picture of a trust report holds its numbers."""

import numpy as np
from matplotlib.figure import Figure

import nblandscape as nbl
from nblandscape.figures import plot_trust
from tests.curvature.models import saddle


def test_every_random_slice_and_this_one_are_points_and_probabilities_are_told():
    objective = saddle(30, 33)
    spectrum = nbl.hessian_spectrum(objective, largest=1, smallest=1)
    report = nbl.trust_report(
        objective, nbl.Subspace.hessian(objective, spectrum), spectrum=spectrum, probes=6
    )
    axes = Figure().add_subplot()
    plot_trust(axes, report)
    cloud, expected, own = axes.lines[:3]
    np.testing.assert_allclose(np.column_stack(cloud.get_data()), report.random.curvatures)
    np.testing.assert_allclose(np.ravel(expected.get_data()), report.random.expected)
    np.testing.assert_allclose(np.ravel(own.get_data()), [-1, 1], atol=1e-6)
    words = " ".join(text.get_text() for text in axes.texts).replace("\n", " ").replace(":", "")
    for name in ("saddle", "minimum", "maximum"):
        assert f"{name} P = {report.random.probability[name].value:.2f}" in words
    left, right = axes.get_xlim()
    assert left < -1 < 0 < right


def test_without_a_slice():
    axes = Figure().add_subplot()
    plot_trust(axes, nbl.trust_report(np.diag([2.0, 1.0, 3.0]), probes=3))
    assert len([line for line in axes.lines if line.get_marker() == "*"]) == 0
