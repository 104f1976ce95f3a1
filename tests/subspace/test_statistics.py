"""BatchNorm statistics that move with the weights between checkpoints (pitfall P39)."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl

D = torch.float64


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 4)
        ).double()


def batches():
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(n, 1, 6, 6, dtype=D, generator=generator), torch.randint(4, (n,), generator=generator))
        for n in (6, 4)
    ]


def checkpoints(count: int) -> list[nn.Module]:
    """Of one training run: weights and statistics differ from each to the next."""
    model, data = network(), batches()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    kept = []
    for _ in range(count):
        model.train()
        for x, y in data * 2:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(3 * x + 1), y).backward()
            optimizer.step()
        kept.append(copy.deepcopy(model).eval())
    return kept


def own_loss(model: nn.Module) -> float:
    with torch.no_grad():
        return (
            float(sum(nn.functional.cross_entropy(model(x), y, reduction="sum") for x, y in batches())) / 10
        )


def objective_at(model: nn.Module, **options) -> nbl.Objective:
    return nbl.Objective(model, nn.CrossEntropyLoss(), batches(), **options)


@pytest.mark.parametrize(("origin", "count"), [("objective", 2), ("first", 3), ("mean", 3), ("mean", 2)])
def test_p39_the_loss_at_a_checkpoint_is_its_own(origin, count):
    home, *others = checkpoints(count + 1)
    objective = objective_at(home)
    plane = nbl.Subspace.through(objective, *others, origin=origin, statistics=True)
    at = objective.evaluator(plane)
    for model, anchor in zip(others, plane.anchors, strict=True):
        assert at(anchor).loss == pytest.approx(own_loss(model), rel=1e-12)
    if origin == "objective":
        assert at(np.zeros(plane.dim)).loss == pytest.approx(objective.loss(), rel=1e-14)
    with pytest.warns(UserWarning, match="not the"):
        fixed = nbl.Subspace.through(objective, *others, origin=origin)
    far = abs(objective.evaluator(fixed)(fixed.anchors[-1]).loss - own_loss(others[-1]))
    assert far > 1e-3  # which is what fixed statistics miss


def test_nothing_else_sees_the_moved_statistics():
    home, other = checkpoints(2)
    before = {k: v.clone() for k, v in home.state_dict().items()}
    objective = objective_at(home)
    plain = objective.evaluator(nbl.Subspace.random(objective, 1))
    expected, product = plain(np.array([0.1])).loss, objective.hvp(torch.ones(objective.num_parameters))
    line = nbl.Subspace.through(objective, other, statistics=True)
    landscape = nbl.sample(objective, line, points=9)
    assert plain(np.array([0.1])).loss == expected
    torch.testing.assert_close(objective.hvp(torch.ones(objective.num_parameters)), product, rtol=0, atol=0)
    assert objective.at(other.state_dict()).loss() == pytest.approx(own_loss(other), rel=1e-12)
    assert all(torch.equal(v, before[k]) for k, v in home.state_dict().items())
    assert landscape.provenance["subspace"]["statistics"] == "interpolated"
    assert landscape.provenance["objective"]["batchnorm"] == "eval"


def test_the_state_dict_of_a_point_has_its_statistics():
    home, other = checkpoints(2)
    objective = objective_at(home)
    line = nbl.Subspace.through(objective, other, statistics=True)
    state = objective.parameters_at(line, 0.5 * line.anchors[0])
    middle = 0.5 * (home[1].running_var + other[1].running_var)
    torch.testing.assert_close(state["1.running_var"], middle, rtol=1e-12, atol=0)
    assert state["1.num_batches_tracked"] == home[1].num_batches_tracked
    half = copy.deepcopy(home)
    half.load_state_dict(state)
    assert objective.evaluator(line)(0.5 * line.anchors[0]).loss == pytest.approx(own_loss(half), rel=1e-12)


def test_a_negative_variance_is_a_hole():
    home, other = checkpoints(2)
    with torch.no_grad():
        other[1].running_var.copy_(0.5 * home[1].running_var)
    objective = objective_at(home)
    line = nbl.Subspace.through(objective, other, statistics=True)
    end = float(line.anchors[0, 0])
    landscape = nbl.sample(objective, line, span=4 * end, points=17)
    a = landscape.axes[0]
    np.testing.assert_array_equal(np.isnan(landscape.values), a > 2 * end * (1 + 1e-9))
    assert landscape.provenance["holes"] == landscape.holes == int((a > 2 * end * (1 + 1e-9)).sum()) > 0


def test_another_basis_has_the_same_statistics():
    home, one, two = checkpoints(3)
    objective = objective_at(home)
    plane = nbl.Subspace.through(objective, one, two, statistics=True)
    skew = nbl.Subspace(
        plane.origin,
        torch.stack([plane.directions[0] + plane.directions[1], 2 * plane.directions[1]]),
        plane.labels,
        statistics={
            name: (start, torch.stack([rows[0] + rows[1], 2 * rows[1]]))
            for name, (start, rows) in plane.statistics.items()
        },
    )
    again = skew.orthonormalized()
    old = np.array([0.2, -0.1])  # in the skew basis
    same = np.linalg.lstsq(again.directions.T.numpy(), skew.directions.T.numpy() @ old, rcond=None)[0]
    expected = objective.evaluator(plane)(np.array([old[0], old[0] + 2 * old[1]])).loss
    assert objective.evaluator(skew)(old).loss == pytest.approx(expected, rel=1e-12)
    assert objective.evaluator(again)(same).loss == pytest.approx(expected, rel=1e-12)
    assert skew.shifted(skew.directions[0], 0.1, "more").statistics is skew.statistics


def test_workers_and_stores_know_them(tmp_path):
    home, other = checkpoints(2)
    objective = objective_at(home)
    line = nbl.Subspace.through(objective, other, statistics=True)
    here = nbl.sample(objective, line, points=9)
    pytest.importorskip("cloudpickle")
    with ThreadPoolExecutor(2) as executor:
        there = nbl.sample(objective, line, points=9, executor=executor)
    np.testing.assert_array_equal(here.values, there.values)
    pytest.importorskip("zarr")
    nbl.sample(objective, line, points=9, store=tmp_path / "run")
    with pytest.warns(UserWarning, match="not the"):
        fixed = nbl.Subspace.through(objective, other)
    with pytest.raises(ValueError, match="another run"):
        nbl.sample(objective, fixed, points=9, store=tmp_path / "run")


def test_where_it_makes_no_sense():
    home, other = checkpoints(2)
    for policy in ("batch", "recalibrate"):
        with pytest.raises(ValueError, match=f'the objective has batchnorm="{policy}"'):
            nbl.Subspace.through(objective_at(home, batchnorm=policy), other, statistics=True)
    plain = nn.Linear(2, 1)
    objective = nbl.Objective(plain, nn.MSELoss(), (torch.ones(2, 2), torch.zeros(2, 1)))
    with pytest.raises(ValueError, match="no BatchNorm layer"):
        nbl.Subspace.through(objective, nn.Linear(2, 1), statistics=True)
    objective = objective_at(home)
    line = nbl.Subspace.through(objective, other, statistics=True)
    with pytest.raises(ValueError, match="Slopes leave out"):
        nbl.sample(objective, line, points=3, gradients=True)
