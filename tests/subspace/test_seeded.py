"""Random directions that are never stored: the same points as with stored ones, in the memory of none."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import nblandscape as nbl
from nblandscape.seeded_rows import SeededRows
from nblandscape.subspace.normalization import match


def network(dtype=torch.float64):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 6, 2, groups=2), nn.Flatten(),
            nn.Linear(6 * 49, 5),
        ).to(dtype)  # fmt: skip
        data = torch.randn(12, 1, 8, 8, dtype=dtype), torch.randint(5, (12,))
    return nbl.Objective(model, nn.CrossEntropyLoss(), data)


@pytest.fixture(scope="module")
def objective():
    return network()


@pytest.mark.parametrize("normalize", ["filter", "layer", "unit", None])
@pytest.mark.parametrize("distribution", ["normal", "rademacher"])
def test_losses_are_those_of_the_stored_directions(objective, normalize, distribution):
    seeded = nbl.Subspace.random(objective, 2, normalize=normalize, distribution=distribution, stored=False)
    stored = seeded.stored()
    np.testing.assert_allclose(seeded.gram, stored.gram, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(seeded.lengths, stored.lengths)
    assert seeded.weights_norm == pytest.approx(stored.weights_norm, rel=1e-12)
    torch.testing.assert_close(seeded.at([0.3, -0.2]), stored.at([0.3, -0.2]))
    one, two = (nbl.sample(objective, plane, span=0.2, points=5) for plane in (seeded, stored))
    np.testing.assert_allclose(one.values, two.values, rtol=1e-12)
    assert one.values[2, 2] == objective.loss()
    assert one.provenance["subspace"]["stored"] is False


@pytest.mark.parametrize("normalize", ["filter", "layer"])
def test_norms_are_those_that_stored_directions_get(objective, normalize):
    """Stored directions are scaled in place, the others a block at a time as they are drawn."""
    raw = objective.random_rows(1, "normal", 5)
    expected = raw.vector([1.0], objective.origin())
    match(objective, expected, normalize, "zero")
    plane = nbl.Subspace.random(objective, 1, normalize=normalize, stored=False, seed=5)
    found = plane.directions[0]
    # The views decide where blocks are cut, not what is drawn as long as a slot is one block.
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


def test_unit_directions_are_orthonormal(objective):
    plane = nbl.Subspace.random(objective, 3, normalize="unit", stored=False)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(plane.gram, np.eye(3), atol=1e-12)


def test_dependent_directions_are_an_error():
    model = nn.Linear(1, 1)
    tiny = nbl.Objective(model, nn.MSELoss(), (torch.ones(2, 1), torch.ones(2, 1)))
    options = {"normalize": "unit", "distribution": "rademacher", "stored": False}
    # Two rows of two signs are parallel, or orthogonal.
    first, second = (tiny.random_rows(2, "rademacher", seed).gram()[0, 1] for seed in (0, 1))
    assert (abs(first), abs(second)) == (2.0, 0.0)
    with pytest.raises(ValueError, match="stored=True"):
        nbl.Subspace.random(tiny, 2, seed=0, **options)
    np.testing.assert_allclose(nbl.Subspace.random(tiny, 2, seed=1, **options).gram, np.eye(2), atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**63 - 1), st.sampled_from(["normal", "rademacher"]))
def test_every_number_is_drawn_once_from_its_own_stream(seed, distribution):
    rows = nbl_rows(distribution, seed)
    again = nbl_rows(distribution, seed)
    first = rows.vector([1.0, 0.0], torch.zeros(1))
    assert torch.equal(first, again.vector([1.0, 0.0], torch.zeros(1)))
    second = rows.vector([0.0, 1.0], torch.zeros(1))
    n = len(first)
    for vector in (first, second):
        assert abs(float(vector.mean())) < 6 / n**0.5
        assert abs(float(vector.square().mean()) - 1) < 6 * (2 / n) ** 0.5 + 1e-6
    assert abs(float(first @ second)) < 6 * n**0.5
    torch.testing.assert_close(rows.vector([2.0, -1.0], torch.zeros(1)), 2 * first - second)


def nbl_rows(distribution, seed) -> SeededRows:
    model = nn.Sequential(nn.Linear(30, 40), nn.Linear(40, 7))
    objective = nbl.Objective(model, nn.MSELoss(), (torch.ones(1, 30), torch.ones(1, 7)))
    return objective.random_rows(2, distribution, seed)


def test_the_global_generator_is_not_used(objective):
    before = torch.random.get_rng_state()
    nbl.sample(objective, nbl.Subspace.random(objective, 2, stored=False), span=0.1, points=3)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_view_may_have_more_than_one_block(monkeypatch, objective):
    monkeypatch.setattr("nblandscape.seeded_rows.BLOCK", 16)
    plane = nbl.Subspace.random(objective, 2, stored=False)
    stored = plane.stored()
    np.testing.assert_allclose(plane.gram, stored.gram, rtol=1e-10)
    weights, direction = objective.unflatten(objective.origin()), objective.unflatten(stored.directions[0])
    name = "4.weight"
    torch.testing.assert_close(direction[name].norm(dim=1), weights[name].norm(dim=1), rtol=1e-6, atol=0.0)


def test_slopes_and_other_parameters_are_refused(objective):
    plane = nbl.Subspace.random(objective, 2, stored=False)
    with pytest.raises(ValueError, match="stored=True"):
        nbl.sample(objective, plane, span=0.1, points=3, gradients=True)
    model = nn.Linear(3, 2)
    other = nbl.Objective(model, nn.MSELoss(), (torch.ones(2, 3), torch.ones(2, 2)))
    with pytest.raises(ValueError, match="other parameters"):
        nbl.sample(other, plane, span=0.1, points=3)


def test_a_subspace_stays_at_the_weights_it_was_made_for():
    model = nn.Linear(3, 2)
    objective = nbl.Objective(model, nn.MSELoss(), (torch.ones(2, 3), torch.ones(2, 2)))
    plane = nbl.Subspace.random(objective, 1, stored=False)
    before = nbl.sample(objective, plane, span=0.1, points=3).values
    with torch.no_grad():
        model.weight.add_(1.0)
    objective.update()
    np.testing.assert_array_equal(nbl.sample(objective, plane, span=0.1, points=3).values, before)


def test_shared_weights_that_were_trained_are_noticed():
    model = nn.Linear(3, 2)
    objective = nbl.Objective(model, nn.MSELoss(), (torch.ones(2, 3), torch.ones(2, 2)), copy=False)
    at = objective.evaluator(nbl.Subspace.random(objective, 1, stored=False))
    at(np.zeros(1))
    with torch.no_grad():
        model.weight.add_(1.0)
    with pytest.raises(RuntimeError, match="update"):
        at(np.zeros(1))


def test_stores_and_executors_know_them(tmp_path, objective):
    from concurrent.futures import ThreadPoolExecutor

    plane = nbl.Subspace.random(objective, 2, stored=False)
    alone = nbl.sample(objective, plane, span=0.1, points=3, store=tmp_path / "grid")
    np.testing.assert_array_equal(
        nbl.sample(objective, plane, span=0.1, points=3, store=tmp_path / "grid").values, alone.values
    )
    other = nbl.Subspace.random(objective, 2, stored=False, seed=1)
    with pytest.raises(ValueError, match="store"):
        nbl.sample(objective, other, span=0.1, points=3, store=tmp_path / "grid")
    with ThreadPoolExecutor(2) as pool:
        spread = nbl.sample(objective, plane, span=0.1, points=3, executor=pool)
    np.testing.assert_allclose(spread.values, alone.values, rtol=1e-12)


MEASURE = """
import sys
import numpy as np, torch
from torch import nn
import nblandscape as nbl
torch.set_num_threads(1)

def status(key):
    return next(int(l.split()[1]) * 1024 for l in open("/proc/self/status") if l.startswith(key))

def run(width, copy, stored):
    with torch.no_grad():
        model = nn.Sequential(*[nn.Linear(width, width) for _ in range(4)])
    data = torch.ones(2, width), torch.ones(2, width)
    objective = nbl.Objective(model, nn.MSELoss(), data, copy=copy)
    plane = nbl.Subspace.random(objective, 2, stored=stored)
    nbl.sample(objective, plane, span=0.1, points=3)
    if not stored:
        nbl.hessian_trace(objective, method="loss", samples=1)
    return sum(p.numel() for p in model.parameters()) * 4

options = sys.argv[1] == "copy", sys.argv[2] == "stored"
run(1024, *options)
base = status("VmRSS")
open("/proc/self/clear_refs", "w").write("5")
size = run(3000, *options)
print((status("VmHWM") - base) / size)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("copy", "directions", "most"),
    [("copy", "seeds", 3.3), ("share", "seeds", 2.3), ("copy", "stored", 5.3), ("share", "stored", 4.3)],
)
def test_the_process_holds_the_model_and_its_shells_and_no_more(copy, directions, most):
    """36 million parameters: the user's model, the graph shell (unless shared) and the moving weights.

    Stored directions are one more each.
    """
    command = [sys.executable, "-c", MEASURE, copy, directions]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=230)
    assert float(run.stdout.split()[-1]) <= most
