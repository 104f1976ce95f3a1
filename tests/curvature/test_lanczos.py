import threading
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nblandscape.cancel import Cancelled
from nblandscape.curvature import as_operator, hessian_spectrum, iter_spectrum
from nblandscape.curvature.solver import Solver
from tests.curvature.spectra import Diagonal, assert_certified, ends, outliers_and_bulk, rotated


@pytest.mark.parametrize("seed", range(3))
def test_prescribed_spectrum_in_a_random_basis(seed):
    values = np.r_[np.geomspace(0.01, 50, 150), -np.geomspace(0.02, 7, 50)]
    matrix = rotated(values, seed)
    spectrum = hessian_spectrum(matrix, largest=4, smallest=3, tol=1e-9, seed=seed)
    np.testing.assert_allclose(spectrum.values, ends(values, 4, 3), rtol=1e-5)
    assert_certified(as_operator(matrix), spectrum)
    assert (spectrum.largest, spectrum.smallest) == (4, 3)
    assert spectrum.norm == pytest.approx(50, rel=1e-6)
    assert spectrum.symmetry_defect < 1e-13


@pytest.mark.parametrize("tol", [1e-2, 1e-4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_reference_problem_costs_few_products(tol, dtype):
    operator = Diagonal(outliers_and_bulk(), dtype)
    plain = hessian_spectrum(operator, largest=5, smallest=5, tol=tol, max_miss=1, seed=1)
    assert plain.products == operator.count <= {1e-2: 25, 1e-4: 28}[tol]
    sure = hessian_spectrum(operator, largest=5, smallest=5, tol=tol, seed=1)
    assert sure.products <= 1.25 * plain.products
    assert sure.miss_probability <= 0.05
    np.testing.assert_allclose(sure.values, ends(operator.values.numpy(), 5, 5), atol=tol * 100)
    assert_certified(operator, sure)


@pytest.mark.parametrize(
    ("special", "largest", "smallest"),
    [
        ([9, 9, 5, -3], 2, 1),
        ([9, 9, 9, 5], 3, 0),
        ([9, 9, 9, 9, -3, -3], 4, 2),
        ([9, 7, 7, 7, -4, -4], 3, 2),
        ([9, -6, -6, -6], 1, 3),
        ([9, 9, -9, -9, -9], 2, 3),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_p22_p59_multiple_eigenvalues_come_with_all_copies(special, largest, smallest, dtype):
    bulk = np.random.default_rng(3).uniform(-1, 1, 400)
    operator = Diagonal(np.r_[special, bulk], dtype)
    for seed in range(4):
        spectrum = hessian_spectrum(operator, largest=largest, smallest=smallest, tol=1e-5, seed=seed)
        np.testing.assert_allclose(spectrum.values, ends(operator.values, largest, smallest), atol=9e-5)
        assert_certified(operator, spectrum)


def test_nearly_equal_eigenvalues_are_told_from_copies():
    values = np.r_[9, 9 - 1e-6, 9 - 1e-6, 3, np.linspace(-1, 1, 200)]
    spectrum = hessian_spectrum(rotated(values), largest=3, smallest=0, tol=1e-11)
    np.testing.assert_allclose(spectrum.values, [9, 9 - 1e-6, 9 - 1e-6], rtol=1e-12)


def test_exhausted_krylov_space():
    operator = Diagonal(np.r_[np.ones(800), -np.ones(200), 0.0])
    spectrum = hessian_spectrum(operator, tol=1e-8)
    np.testing.assert_allclose(spectrum.values, [1, 1, -1, -1], atol=1e-12)
    near = np.abs(spectrum.density_nodes[:, None] - [-1, 0, 1]) < 1e-10
    np.testing.assert_allclose(near.sum(axis=1), 1)
    np.testing.assert_allclose(spectrum.density_weights @ near, [0.2, 0.001, 0.8], atol=0.06)
    assert spectrum.miss_probability == 0
    assert spectrum.products <= 12
    assert_certified(operator, spectrum)


@pytest.mark.parametrize(
    ("values", "largest", "smallest"),
    [
        ([10, -10, *np.linspace(0.1, 0.001, 50)], 1, 1),
        ([10, -10, *([0.1] * 50)], 2, 2),
        ([4, -3, *([0] * 300)], 2, 2),
        ([7], 2, 2),
        ([-7], 0, 1),
        ([2, -1], 2, 2),
        ([2, 2], 1, 1),
        ([3, 1, -2], 1, 1),
        ([3, 3, 3], 0, 2),
        ([1] * 60, 3, 2),
        ([0] * 60, 2, 1),
        ([0], 1, 0),
        ([1e-30, -1e-30, 0, 0], 2, 2),
        ([1e12, 1, -1e12], 5, 5),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_small_and_degenerate_operators(values, largest, smallest, dtype):
    operator = Diagonal(values, dtype)
    spectrum = hessian_spectrum(operator, largest=largest, smallest=smallest, tol=1e-5)
    expected = ends(values, largest, smallest)
    scale = max(np.abs(values))
    np.testing.assert_allclose(spectrum.values, expected, rtol=1e-4, atol=1e-5 * scale)
    assert spectrum.largest + spectrum.smallest == len(expected)
    assert_certified(operator, spectrum)


def test_p20_float32_long_run_has_no_ghosts():
    """1e-6 * ||H|| against a graded spectrum: lost orthogonality would return copies of 1000."""
    values = np.r_[1000.0, 500.0, 100.0, np.geomspace(1e-4, 10, 597)]
    matrix = rotated(values).float()
    spectrum = hessian_spectrum((matrix + matrix.T) / 2, largest=25, smallest=0, tol=2e-6)
    np.testing.assert_allclose(spectrum.values, ends(values, 25, 0), rtol=1e-3)
    assert spectrum.products > 60


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_agrees_with_a_dense_solver(data):
    n = data.draw(st.integers(1, 9))
    levels = data.draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n))
    largest, smallest = data.draw(st.sampled_from([(1, 0), (0, 1), (1, 1), (2, 2), (3, 1), (9, 9)]))
    matrix = rotated(np.array(levels, dtype=float), data.draw(st.integers(0, 99)))
    spectrum = hessian_spectrum(
        matrix, largest=largest, smallest=smallest, tol=1e-7, seed=data.draw(st.integers(0, 9))
    )
    oracle = ends(np.linalg.eigvalsh(matrix.numpy()), largest, smallest)
    np.testing.assert_allclose(spectrum.values, oracle, atol=1e-6)
    assert_certified(as_operator(matrix), spectrum)


@pytest.mark.parametrize(("levels", "seed"), [([0, 0, 3, 3, 1, -1], 0), ([0, 0, 2, 2, 1, -1], 1)])
def test_a_tail_of_rounding_error_hides_no_copy(levels, seed):
    """The first chain ends with a remainder of 1e-13 that points at the second copies."""
    spectrum = hessian_spectrum(rotated(levels), tol=1e-7, seed=seed)
    np.testing.assert_allclose(spectrum.values, ends(levels, 2, 2), atol=1e-6)


def test_warm_start_needs_fewer_products():
    rng = np.random.default_rng(0)
    matrix = rotated(outliers_and_bulk()[::10], 1)
    noise = torch.as_tensor(rng.normal(size=matrix.shape)) * 1e-4
    nearby = matrix + noise + noise.T
    first = hessian_spectrum(matrix, tol=1e-4)
    cold = hessian_spectrum(nearby, tol=1e-4, max_miss=1)
    warm = hessian_spectrum(nearby, tol=1e-4, max_miss=1, start=first)
    assert warm.products < 0.7 * cold.products
    np.testing.assert_allclose(warm.values, cold.values, rtol=1e-3)
    assert_certified(as_operator(nearby), warm)
    assert len(warm.density_nodes) == 0
    alike = hessian_spectrum(nearby, tol=1e-4, max_miss=1, start=first.vectors)
    assert torch.equal(alike.vectors, warm.vectors)


def test_a_start_that_holds_the_wrong_eigenvectors_does_no_harm():
    operator = Diagonal(np.r_[5.0, 4.0, -3.0, np.linspace(-1, 1, 100)])
    start = torch.eye(103, dtype=torch.float64)[50:54]
    spectrum = hessian_spectrum(operator, start=start)
    np.testing.assert_allclose(spectrum.values, [5, 4, -1, -3], rtol=2e-2)


@pytest.mark.parametrize("rows", [0, 20, 40])
def test_a_tight_basis_gives_the_same_values(rows):
    values = np.r_[9, 9, 8, np.linspace(0, 6, 500), -1, -1, -1.2]
    operator = Diagonal(values)
    tight = hessian_spectrum(operator, largest=3, smallest=3, tol=1e-8, basis_bytes=rows * 8 * len(values))
    np.testing.assert_allclose(tight.values, [9, 9, 8, -1, -1, -1.2], rtol=1e-8)
    assert_certified(operator, tight)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_copy_in_the_last_tail_of_a_full_space_is_found(dtype):
    """No random vector can be drawn beside a basis of the whole space, but one of its rows is unprocessed."""
    values = [-9.0, -9, -9, -0.01, 0.003, 0.03, 0.2]
    for seed in range(12):
        spectrum = hessian_spectrum(
            Diagonal(values, dtype), largest=3, smallest=3, tol=1e-4, max_miss=0.01, seed=seed
        )
        np.testing.assert_allclose(spectrum.values, ends(values, 3, 3), atol=2e-3)
        assert spectrum.miss_probability <= 0.01


def test_a_basis_that_is_full_when_a_third_copy_is_looked_for_makes_room():
    values = np.r_[[5.8] * 9, np.linspace(-1, 2, 23), [-2.1] * 5, [-4.6] * 3, [-18.0] * 5]
    for seed in range(12):
        spectrum = hessian_spectrum(
            Diagonal(values), largest=1, smallest=3, tol=1e-4, seed=seed, basis_bytes=0
        )
        np.testing.assert_allclose(spectrum.values, [5.8, -18, -18, -18], atol=1e-2)
        assert spectrum.miss_probability < 1


def test_same_seed_same_bits_and_the_global_generator_is_left_alone():
    operator = Diagonal(outliers_and_bulk()[:700], torch.float32)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one = hessian_spectrum(operator, seed=5)
    results = [None, None]

    def work(i):
        results[i] = hessian_spectrum(operator, seed=5)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for other in results:
        assert torch.equal(one.vectors, other.vectors)
        assert (one.values == other.values).all()
        assert one.products == other.products
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002


class Slow(Diagonal):
    def product(self, V):
        threading.Event().wait(0.11)
        return super().product(V)


def test_partial_spectra_are_spectra():
    seen = []
    operator = Slow(np.r_[5.0, 4.0, -3.0, np.linspace(-1, 1, 8)])
    result = hessian_spectrum(operator, largest=2, smallest=1, max_miss=1, callback=seen.append)
    assert seen[-1] is result
    assert len(seen) >= 5
    assert [p.products for p in seen[:4]] == [1, 2, 3, 4]
    assert [len(p) for p in seen[:4]] == [1, 2, 3, 3]
    for partial in seen:
        assert partial.vectors.shape == (len(partial), 11)
        assert partial.largest + partial.smallest == len(partial)
    assert not seen[1].converged.any()


@pytest.fixture
def made(monkeypatch):
    """How often a spectrum was made; each takes as long as the test says."""
    calls, spectrum = [], Solver.spectrum

    def counted(self):
        calls.append(self.products)
        threading.Event().wait(counted.seconds)
        return spectrum(self)

    counted.seconds = 0.0
    monkeypatch.setattr(Solver, "spectrum", counted)
    return counted, calls


def test_partial_spectra_are_not_made_where_nobody_sees_them(made):
    result = hessian_spectrum(Slow(np.r_[5.0, 4.0, np.linspace(-1, 1, 6)]), largest=1, smallest=1)
    assert result.products > 4
    assert len(made[1]) == 1


def test_partial_spectra_take_a_tenth_of_the_time_at_most(made):
    made[0].seconds = 0.04
    *partial, result = iter_spectrum(Slow(np.linspace(-1, 1, 200)), max_miss=1, max_products=17, tol=0.5)
    apart = np.diff([p.products for p in partial])
    assert result.products > 8
    assert (apart >= 4).all()  # 0.4 s, of products that take 0.11 s


@pytest.mark.parametrize("kind", ["event", "function"])
def test_cancel_stops_before_the_next_product(kind):
    operator = Slow(np.linspace(-1, 1, 500))
    event = threading.Event()
    cancel = event if kind == "event" else event.is_set
    last = None
    with pytest.raises(Cancelled):  # noqa: PT012
        for last in iter_spectrum(operator, cancel=cancel):
            if last.products >= 3:
                event.set()
    assert operator.count == 3
    assert last.products == 3


def test_limit_on_products_is_kept_and_told():
    operator = Diagonal(np.linspace(-1, 1, 2000))
    with pytest.warns(RuntimeWarning, match="raise max_products"):
        spectrum = hessian_spectrum(operator, tol=1e-8, max_products=12)
    assert operator.count == spectrum.products == 12
    assert not spectrum.converged.any()
    assert spectrum.miss_probability == 1
    with pytest.warns(RuntimeWarning, match="1 of 4|0 of 4"):
        assert len(hessian_spectrum(Diagonal(np.ones(9)), max_products=1)) == 1


def test_p60_small_eigenvalues_are_resolved_where_the_tolerance_alone_would_not():
    values = np.r_[100.0, 50.0, np.linspace(0, 0.2, 300), -0.5, -0.4]
    spectrum = hessian_spectrum(Diagonal(values), tol=1e-2)
    assert spectrum.resolved.all()
    np.testing.assert_allclose(spectrum.values[2:], [-0.4, -0.5], rtol=0.02)


def test_positive_semidefinite_zero_is_not_resolved_but_ends():
    spectrum = hessian_spectrum(Diagonal(np.r_[5.0, 3.0, np.linspace(0, 1, 900) ** 4]), tol=1e-3)
    assert spectrum.converged.all()
    assert not spectrum.resolved[2:].all()
    assert "not resolved" in repr(spectrum)


def test_products_that_are_not_finite_name_what_to_check():
    with pytest.raises(FloatingPointError, match=r"product 1 has 1 of 5 entries .* dtype=torch.float64"):
        hessian_spectrum(Diagonal([1.0, 2.0, np.nan, 0.0, 1.0]))


def test_p8_products_that_change_are_refused():
    class Dropout(Diagonal):
        def product(self, V):
            mask = torch.rand(self.size, generator=noise, dtype=self.dtype) > 0.5
            return 2 * mask * super().product(V)

    noise = torch.Generator().manual_seed(0)
    with pytest.raises(ValueError, match="not deterministic"):
        hessian_spectrum(Dropout(np.linspace(-1, 3, 200)))


def test_the_last_product_catches_a_hessian_that_has_moved():
    class Moved(Diagonal):
        def product(self, V):
            image = super().product(V)
            return image * 1.1 if self.count == plain else image

    values = np.r_[5.0, 4.0, -3.0, np.linspace(-1, 1, 100)]
    plain = hessian_spectrum(Diagonal(values), largest=2, smallest=1).products
    with pytest.warns(RuntimeWarning, match="0 of 3"):
        spectrum = hessian_spectrum(Moved(values), largest=2, smallest=1)
    assert spectrum.residuals.min() == pytest.approx(0.1 * np.sqrt(50), rel=0.01)
    assert (spectrum.residuals >= 0.1 * np.abs(spectrum.values)).all(), "as large as the defect of any pair"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"largest": 0, "smallest": 0}, "largest=0"),
        ({"largest": -1}, "largest=-1"),
        ({"tol": 0}, "tol=0"),
        ({"tol": 1e-17}, "tol=1e-17"),
        ({"max_products": 0}, "max_products=0"),
        ({"largest": 1.5}, "largest=1.5: use a whole number"),
        ({"max_products": 2.5}, "max_products=2.5"),
        ({"max_miss": 0}, "max_miss=0"),
        ({"max_miss": float("nan")}, "max_miss=nan"),
        ({"start": torch.ones(3)}, r"start has shape \(1, 3\)"),
        ({"start": torch.full((2,), float("nan"))}, "start holds NaN"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        hessian_spectrum(torch.eye(2, dtype=torch.float64), **options)


def test_tolerance_below_float32_asks_for_float64():
    with pytest.raises(ValueError, match=r"dtype=torch\.float64"):
        hessian_spectrum(torch.eye(2), tol=1e-7)


def test_nothing_is_warned_about_on_a_good_run():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hessian_spectrum(rotated(np.linspace(-2, 5, 40)))
