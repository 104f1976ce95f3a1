"""The trust report against the known answers of Böttcher & Wheeler, and on networks."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl
from nblandscape.curvature.operator import as_operator
from nblandscape.curvature.slices import draw_probes, principal_curvatures, random_slices
from nblandscape.curvature.trust import trust_report
from nblandscape.steps import returned
from tests.curvature.models import dense_hessian, digits_objective, saddle
from tests.curvature.spectra import Diagonal, rotated


def law_of(values, probes, seed=0):
    return random_slices(returned(draw_probes(Diagonal(values), probes, seed)))


def signs(positive: int, n: int = 500) -> np.ndarray:
    return np.r_[np.ones(positive), -np.ones(2 * n - positive), 0.0]


@pytest.fixture(scope="module")
def digits():
    objective = digits_objective(steps=150)
    return objective, nbl.hessian_spectrum(objective)


@pytest.mark.parametrize(
    ("positive", "saddles", "minima"),
    [(500, 0.707, 0.146), (520, 0.474, 0.520), (550, 0.058, 0.942), (600, 3e-5, 1.0), (800, 0.0, 1.0)],
)
def test_probabilities_of_the_paper(positive, saddles, minima):
    """400 probes make the Monte Carlo error small enough to test the law itself."""
    law = law_of(signs(positive), 400)
    assert law.probability["saddle"].value == pytest.approx(saddles, abs=0.06)
    assert law.probability["minimum"].value == pytest.approx(minima, abs=0.06)
    assert law.saddle_formula == pytest.approx(saddles, abs=0.06)
    assert law.trace.value == pytest.approx(2 * positive - 1000, abs=4 * law.trace.stderr)


def test_mean_curvatures_and_determinant_of_the_paper():
    law = law_of(signs(500), 500)
    np.testing.assert_allclose(law.expected, np.array([-39.63, 39.63]) / 1001, atol=6 / 1001)
    np.testing.assert_allclose(law.curvatures.mean(axis=0) * 1001, [-39.63, 39.63], atol=6)
    tilted = law_of(signs(550), 500)
    determinants = tilted.curvatures.prod(axis=1) * 1001**2
    assert determinants.mean() == pytest.approx(9000, rel=0.2)  # (tr H)^2 - ||H||_F^2
    assert tilted.frobenius.value == pytest.approx(np.sqrt(1000), rel=0.02)


def test_the_stated_errors_are_the_real_ones():
    laws = [law_of(signs(520), 24, seed) for seed in range(40)]
    shares = np.array([law.probability["saddle"].value for law in laws])
    errors = np.array([law.probability["saddle"].stderr for law in laws])
    assert 0.5 < shares.std() / errors.mean() < 1.6
    assert np.mean(np.abs(shares - 0.474) < 2 * errors) > 0.85


def test_rank_two_shows_a_saddle_in_every_slice_and_the_formula_does_not_apply():
    report = trust_report(np.diag(np.r_[100.0, -60.0, np.zeros(58)]), probes=12)
    assert report.random.probability["saddle"].value == 1
    assert not report.formula_applies
    assert "does not apply" in repr(report)
    assert trust_report(Diagonal(signs(520)), probes=12).formula_applies


def test_no_slice_of_a_matrix_of_rank_two_is_taken_for_rounding():
    for seed in range(20):
        assert law_of(np.r_[100.0, -60.0, np.zeros(58)], 24, seed).probability["saddle"].value == 1


def test_a_valley_is_no_saddle():
    for seed in range(5):
        vector = np.random.default_rng(seed).normal(size=500)
        law = random_slices(returned(draw_probes(as_operator(np.outer(vector, vector)), 24, seed)))
        assert law.probability["minimum"].value == 1


def test_hessian_directions_show_the_saddle_exactly():
    objective = saddle(500, 600)
    spectrum = nbl.hessian_spectrum(objective, largest=1, smallest=1)
    report = trust_report(objective, nbl.Subspace.hessian(objective, spectrum), spectrum=spectrum)
    np.testing.assert_allclose(report.curvatures, [-1, 1], atol=1e-6)
    assert report.shown == "saddle"
    assert report.random.probability["minimum"].value > 0.9
    assert report.random.rank(report.curvatures) == (0.0, 1.0)
    assert report.smallest.sight == "visible"


def test_the_curvatures_of_a_slice_do_not_depend_on_the_length_of_its_directions():
    objective = saddle(20, 22)
    rows = torch.randn(2, 41, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    one = trust_report(objective, nbl.Subspace.from_directions(objective, rows))
    scale = torch.tensor([[3.0], [0.1]], dtype=torch.float64)
    two = trust_report(objective, nbl.Subspace.from_directions(objective, scale * rows))
    np.testing.assert_allclose(one.curvatures, two.curvatures, rtol=1e-9)
    H = dense_hessian(objective)
    Q = np.linalg.qr(rows.numpy().T)[0]
    np.testing.assert_allclose(one.curvatures, np.linalg.eigvalsh(Q.T @ H @ Q), rtol=1e-6)


def test_p35_a_filter_normalised_slice_measures_a_weighted_trace(digits):
    objective, spectrum = digits
    H = np.diag(dense_hessian(objective))
    report = trust_report(objective, nbl.Subspace.random(objective), spectrum=spectrum, probes=40)
    weights = objective.unflatten(objective.origin())
    pieces = []
    for weight in weights.values():
        square = (weight**2).sum(1, keepdim=True) / weight.shape[1] if weight.ndim > 1 else 0 * weight
        pieces.append((square + 0 * weight).flatten())
    exact = float(torch.cat(pieces).double().numpy() @ H)
    assert abs(report.filter_curvature.value - exact) < 4 * report.filter_curvature.stderr
    # And it is what such directions show: the mean of d H d over many of them.
    shown = []
    for seed in range(60):
        d = nbl.Subspace.random(objective, 1, seed=seed).directions[0]
        shown.append(float(d.double() @ objective.hvp(d).double()))
    assert np.mean(shown) == pytest.approx(exact, abs=4 * np.std(shown) / np.sqrt(60))
    assert abs(exact - H.sum()) > 0.1 * H.sum()


def test_p53_a_minimum_of_the_slice_is_not_called_a_minimum_of_the_loss(digits):
    objective, spectrum = digits
    report = trust_report(objective, nbl.Subspace.random(objective), spectrum=spectrum)
    assert report.shown == "minimum"
    assert report.point != "minimum"
    assert spectrum.values[-1] < 0
    clean = trust_report(saddle(20, 39), probes=6)
    assert clean.point == "saddle"
    assert clean.gradient_norm == 0
    bowl = nbl.Objective(nn.Linear(3, 1, bias=False), nn.MSELoss(), (torch.eye(3), torch.zeros(3, 1)))
    assert trust_report(bowl, probes=4).point == "not a critical point"
    zero = nn.Linear(3, 1, bias=False)
    nn.init.zeros_(zero.weight)
    assert (
        trust_report(nbl.Objective(zero, nn.MSELoss(), (torch.eye(3), torch.zeros(3, 1)))).point == "minimum"
    )


def test_batch_noise_decides_whether_a_curvature_is_significant(digits):
    objective, spectrum = digits
    report = trust_report(objective, spectrum=spectrum)
    per_batch = objective.batch_curvatures(spectrum.vectors[0])[0]
    assert report.largest.noise == pytest.approx(per_batch.std(ddof=1) / np.sqrt(len(per_batch)), rel=1e-6)
    assert report.largest.verdict == "significant"
    assert objective.num_batches == 6
    one_batch = saddle(20, 25)
    assert trust_report(one_batch).largest.verdict == "noise unknown"
    with_other = trust_report(objective, spectrum=spectrum, held_out=objective)
    assert with_other.largest.held_out == pytest.approx(report.largest.value, rel=1e-4)


def test_a_slope_or_higher_orders_can_hide_negative_curvature():
    class Along(nn.Module):
        def __init__(self, slope, quartic):
            super().__init__()
            self.x = nn.Parameter(torch.zeros(2, dtype=torch.float64))
            self.slope, self.quartic = slope, quartic

        def forward(self):
            a, b = self.x
            return 1 + a**2 + self.slope * b - 0.005 * b**2 + self.quartic * b**4

    def sight(slope, quartic):
        objective = nbl.Objective.from_batch_loss(
            Along(slope, quartic), lambda m, batch: (m(), 1), [(torch.ones(1),)]
        )
        return trust_report(objective, probes=4).smallest.sight

    assert sight(0.0, 0.0) == "visible"
    assert sight(1.0, 0.0) == "hidden by the slope"
    assert sight(0.0, 1e5) == "hidden by higher orders"


def test_numbers_are_json_and_words_name_what_is_shown(digits):
    objective, spectrum = digits
    report = trust_report(objective, nbl.Subspace.hessian(objective, spectrum), spectrum=spectrum)
    numbers = json.loads(json.dumps(report.to_dict()))
    assert numbers["products"] == report.products == 12 + 2 + 2  # probes, the slice, batch by batch
    assert "This slice shows a" in report.verdict
    assert "tr H / N" in repr(report)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.0] * 5, "minimum"),
        ([5.0, 0, 0, 0, 0], "minimum"),
        ([-5.0, 0, 0, 0, 0], "maximum"),
        ([2.0], "minimum"),
    ],
)
def test_rounding_is_no_saddle(values, kind):
    """Slices of a matrix of rank 0 or 1 have a curvature that is exactly 0."""
    report = trust_report(np.diag(values))
    assert report.random.probability[kind].value == 1
    json.dumps(report.to_dict(), allow_nan=False)
    assert "Trust report" in repr(report)


class Plain(nn.Module):
    def __init__(self, function, theta, dtype=torch.float64):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=dtype))
        self.function = function

    def forward(self):
        return self.function(self.theta)


def plain(function, theta, dtype=torch.float64):
    return nbl.Objective.from_batch_loss(
        Plain(function, theta, dtype), lambda model, batch: (model(), 1), [(torch.ones(1),)]
    )


@pytest.mark.parametrize("theta", [[0.0, 0.0], [1e-9, 0.0]])
def test_a_maximum_where_the_loss_is_0(theta):
    report = trust_report(plain(lambda t: -(t**2).sum(), theta), probes=3)
    assert report.point == ("maximum" if theta == [0.0, 0.0] else "not a critical point")
    json.dumps(report.to_dict(), allow_nan=False)
    shifted = trust_report(plain(lambda t: 1 - (t**2).sum(), theta), probes=3)
    assert shifted.point == "maximum"


def test_negative_curvature_below_the_last_digits_is_not_called_visible():
    def rough(t):
        a, b = t
        return (
            1 + a**2 - 1e-10 * b**2 + ((b + 3) ** 2 - b**2 - 6 * b - 9)
        )  # the bracket is 0 but for rounding

    report = trust_report(plain(rough, [0.0, 0.0], torch.float32), probes=3)
    assert report.smallest.sight in (None, "hidden by rounding")
    quiet = trust_report(
        plain(lambda t: 1 + t[0] ** 2 - 1e-10 * t[1] ** 2, [0.0, 0.0], torch.float32), probes=3
    )
    assert quiet.smallest.sight == "hidden by rounding"


def test_pieces_of_long_probes_add_up(monkeypatch):
    whole = law_of(signs(30, 40), 5)
    monkeypatch.setattr("nblandscape.curvature.slices.COLUMNS", 7)
    parts = law_of(signs(30, 40), 5)
    np.testing.assert_allclose(parts.curvatures, whole.curvatures, rtol=1e-9)
    assert parts.frobenius_squared.value == pytest.approx(whole.frobenius_squared.value)


def test_principal_curvatures_are_eigenvalues():
    rng = np.random.default_rng(0)
    A, B, C = rng.normal(size=(3, 20))
    dense = np.linalg.eigvalsh(np.stack([np.stack([A, B], -1), np.stack([B, C], -1)], -2))
    np.testing.assert_allclose(principal_curvatures(A, B, C), dense, atol=1e-12)


def test_what_does_not_fit_is_named(digits):
    objective, spectrum = digits
    with pytest.raises(ValueError, match="probes=2"):
        trust_report(rotated([1.0, 2.0, 3.0]), probes=2)
    with pytest.raises(ValueError, match="both ends"):
        trust_report(objective, spectrum=nbl.hessian_spectrum(objective, largest=1, smallest=0))
    other = saddle(3, 3)
    with pytest.raises(ValueError, match="not 7"):
        trust_report(other, nbl.Subspace.hessian(objective, spectrum))
    with pytest.raises(ValueError, match="not 7"):
        trust_report(other, spectrum=spectrum)
