"""Comparing checkpoints: known answers, one rule for all, partial results, and what is refused."""

import threading
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import nblandscape as nbl
from nblandscape.checkpoints import CheckpointRow, CheckpointStudy
from nblandscape.recorder import Recorder

FEW = {"plane": None, "curvature": False, "points": 3}
CURVATURES = (5.0, 3.0, 1.0, 0.5)


class Bowl(nn.Module):
    """Half the sum of c_i w_i^2, with a matrix for a weight so that random directions have filters."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2, bias=False, dtype=torch.float64)

    def forward(self, scale: torch.Tensor) -> torch.Tensor:
        curvatures = torch.tensor(CURVATURES, dtype=torch.float64)
        return scale * (curvatures * self.layer.weight.flatten() ** 2).sum() / 2


def bowl(scales: tuple[float, ...] = (0.9, 1.0, 1.1)) -> nbl.Objective:
    """Batches that scale the bowl: their mean is the bowl, their spread is known."""
    batches = [torch.full((4,), scale, dtype=torch.float64) for scale in scales]
    return nbl.Objective.from_batch_loss(Bowl(), lambda m, batch: (m(batch).sum(), len(batch)), batches)


def points(count: int = 4, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return list(torch.randn(count, 4, generator=generator, dtype=torch.float64))


def test_a_bowl_has_the_same_curvature_everywhere():
    objective, run = bowl(), points()
    study = nbl.compare_checkpoints(objective, run, points=5)
    frame = study.to_frame()
    losses = [float((torch.tensor(CURVATURES) * w**2).sum() / 2) for w in run]
    np.testing.assert_allclose(frame["loss"], losses)
    # Three batches of equal weight at 0.9, 1 and 1.1 times the loss.
    np.testing.assert_allclose(frame["loss_stderr"], np.array(losses) * 0.1 / np.sqrt(3))
    np.testing.assert_allclose(frame["eigenvalue"], 5.0, rtol=1e-6)
    assert (frame["residual"] < 1e-2).all()
    np.testing.assert_allclose(frame["trace"], 9.5)  # Rademacher probes of a diagonal have no error
    np.testing.assert_allclose(frame["trace_stderr"], 0.0, atol=1e-12)
    assert frame["minima"].tolist() == [1.0] * 4
    assert frame["smad"].tolist() == [0.0] * 4
    np.testing.assert_allclose(frame["weights_norm"], [float(w.norm()) for w in run])
    assert study.done == study.total == 4
    assert "filter norms" in study.rule


def waves() -> nbl.Objective:
    """Minima all along two parameters: sin in both."""

    def batch_loss(model, batch):
        a, b = model.weight.flatten()
        return (torch.cos(batch * a) + torch.cos(batch * b)).sum(), len(batch)

    model = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    return nbl.Objective.from_batch_loss(model, batch_loss, [torch.ones(2, dtype=torch.float64)])


def test_the_slice_is_that_of_the_known_surface():
    objective = waves()
    run = [
        torch.zeros(2, dtype=torch.float64),
        torch.tensor([np.pi, np.pi]),
        torch.tensor([6.0, 1.0]).double(),
    ]
    study = nbl.compare_checkpoints(objective, run, plane="trajectory", span=7.0, points=33, trace_samples=0)
    frame = study.to_frame()
    assert np.isnan(frame["trace"]).all()
    axes = nbl.Subspace.trajectory(objective, run, 2, origin="last").directions.numpy()
    line = np.linspace(-7, 7, 33)
    for number, start in enumerate(run):
        x = (
            start.numpy()[:, None, None]
            + axes[0][:, None, None] * line[:, None]
            + axes[1][:, None, None] * line
        )
        tree = nbl.merge_tree(np.cos(x).sum(0))
        assert frame["minima"][number] == len(tree.minima) > 4
        assert frame["smad"][number] == pytest.approx(nbl.smad(tree))
        finite = tree.persistence[np.isfinite(tree.persistence)]
        assert frame["persistence"][number] == pytest.approx(finite.sum())
    assert "the same for all" in study.rule


@settings(max_examples=6)
@given(st.permutations(range(3)), st.sampled_from(["random", "hessian"]))
def test_a_row_depends_on_its_checkpoint_alone(order, plane):
    objective, run = bowl(), points(3)
    options = {"plane": plane, "points": 3, "through": False, "trace_samples": 2}
    rows = comparable(nbl.compare_checkpoints(objective, run, **options))
    mixed = comparable(nbl.compare_checkpoints(objective, [run[i] for i in order], **options))
    assert [rows[i] for i in order] == mixed


def comparable(study: CheckpointStudy) -> list[tuple]:
    frame = study.to_frame()
    names = [name for name in frame.dtype.names if name not in ("title", "seconds")]
    return [tuple(map(repr, row)) for row in frame[names].tolist()]


def test_the_same_weights_give_the_same_row():
    run = points(3)
    run[2] = run[0].clone()
    rows = comparable(nbl.compare_checkpoints(bowl(), run, points=5))
    assert rows[0] == rows[2] != rows[1]


def test_the_model_and_the_generators_are_untouched():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x, y = torch.randn(8, 3), torch.tensor([0, 1] * 4)
    state, drawn = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    halves = {name: value / 2 if value.is_floating_point() else value for name, value in before.items()}
    nbl.compare_checkpoints(
        objective, {"now": model, "other": {**halves, "1.running_var": torch.ones(4)}}, points=3
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], drawn)  # noqa: NPY002
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_buffers_are_those_of_the_checkpoint():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()
    x, y = torch.randn(8, 3, dtype=torch.float64), torch.tensor([0, 1] * 4)
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    other = {name: value.clone() for name, value in model.state_dict().items()}
    other["1.running_mean"] += 2.0
    study = nbl.compare_checkpoints(objective, [dict(model.state_dict()), other], plane=None, through=False)
    model.load_state_dict(other)
    expected = float(nn.functional.cross_entropy(model.eval()(x), y).detach())
    assert study.rows[1].loss == pytest.approx(expected, rel=1e-12)
    assert study.rows[0].loss == objective.loss() != study.rows[1].loss


def test_metrics_are_measured_at_the_checkpoints_and_not_all_over_the_slices():
    calls = []

    def right(output, target):
        calls.append(1)
        return (output.argmax(1) == target).float().mean()

    model, x, y = nn.Linear(2, 2), torch.eye(2), torch.tensor([0, 1])
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y), metrics={"accuracy": right})
    perfect = {"weight": 5 * torch.eye(2), "bias": torch.zeros(2)}
    wrong = {"weight": -5 * torch.eye(2), "bias": torch.zeros(2)}
    study = nbl.compare_checkpoints(objective, {"good": perfect, "bad": wrong}, points=9)
    assert study.to_frame()["accuracy"].tolist() == [1.0, 0.0]
    assert len(calls) < 20


def test_metrics_have_the_error_of_the_batches():
    """Batches of different sizes, against the standard error of a weighted mean by hand."""

    def right(output, target):
        return (output.argmax(1) == target).double().mean()

    x, model = torch.eye(2).repeat(6, 1), nn.Linear(2, 2)
    y = torch.tensor([0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1])
    data = [(x[:6], y[:6]), (x[6:8], y[6:8]), (x[8:], y[8:])]
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), data, metrics={"accuracy": right})
    perfect = {"weight": 5 * torch.eye(2), "bias": torch.zeros(2)}
    study = nbl.compare_checkpoints(objective, [perfect], plane=None, curvature=False, through=False)
    means, share = np.array([4 / 6, 1.0, 0.5]), np.array([6, 2, 4]) / 12
    mean = share @ means
    stderr = np.sqrt(share**2 @ (means - mean) ** 2 * 3 / 2)
    frame = study.to_frame()
    assert frame["accuracy"][0] == pytest.approx(mean)
    assert frame["accuracy_stderr"][0] == pytest.approx(stderr)
    assert f"{mean:.4g} ± {stderr:.1g}" in str(study)
    bars = [c for axes in study.plot().axes for c in axes.containers if c.get_label() == "accuracy"]
    assert len(bars) == 1
    alone = nbl.Objective(model, nn.CrossEntropyLoss(), data[0], metrics={"accuracy": right})
    study = nbl.compare_checkpoints(alone, [perfect], plane=None, curvature=False, through=False)
    assert np.isnan(study.to_frame()["accuracy_stderr"]).all()


def test_partial_results_lead_to_the_result(tmp_path):
    objective, run = bowl(), points(3)
    partial = list(nbl.iter_compare_checkpoints(objective, run, points=3))
    assert [s.done for s in partial] == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3]
    assert partial[0].doing == "eigenvalue of checkpoint 0"
    assert np.isnan(partial[0].rows[0].eigenvalue)
    assert partial[1].rows[0].eigenvalue == partial[-1].rows[0].eigenvalue
    assert "next: trace of checkpoint 0" in str(partial[1])
    assert partial[-1].doing == ""
    seen = []
    study = nbl.compare_checkpoints(objective, run, points=3, callback=seen.append)
    assert len(seen) == len(partial)
    assert comparable(study) == comparable(partial[-1])


def test_it_stops_on_request_between_points():
    stop = threading.Event()
    steps = nbl.iter_compare_checkpoints(bowl(), points(3), points=65, cancel=stop)
    next(steps)
    stop.set()
    with pytest.raises(nbl.Cancelled):
        next(steps)


def test_a_diverged_checkpoint_has_a_row_that_says_so():
    run = points(5)
    run[1] = torch.full((4,), np.inf, dtype=torch.float64)
    study = nbl.compare_checkpoints(bowl(), run, points=3)
    assert "loss is inf" in study.rows[1].note
    frame = study.to_frame()
    assert np.isnan(frame["loss"]).tolist() == [False, True, False, False, False]
    assert study.plane is not None
    assert study.path is not None
    assert np.isnan(study.path[1]).all()
    assert "loss is inf" in str(study)
    study.plot_plane()


def test_the_plane_passes_through_three_and_near_many():
    objective, run = bowl(), points(3)
    study = nbl.compare_checkpoints(objective, run, plane=None, curvature=False, points=5)
    assert study.landscapes == (None, None, None)
    assert study.plane is not None
    assert study.path is not None
    assert study.plane.values.shape == (5, 5)
    subspace = nbl.Subspace.through(objective, *run, origin="mean")
    for coordinates, row in zip(study.path, study.rows, strict=True):
        assert objective.point(subspace.at(coordinates)).loss == pytest.approx(row.loss)
    assert study.off_plane.tolist() == [0, 0, 0]
    many = nbl.compare_checkpoints(objective, points(6), plane=None, curvature=False, points=5)
    assert many.off_plane.max() > 0
    line = nbl.compare_checkpoints(objective, run[:2], plane=None, curvature=False, points=5)
    assert line.plane.dim == 1
    line.plot_plane()


def test_where_there_is_no_plane_the_study_says_why():
    study = nbl.compare_checkpoints(bowl(), [torch.ones(4)] * 4, plane=None, curvature=False)
    assert study.plane is None
    assert "identical" in study.plane_note
    with pytest.raises(ValueError, match="identical"):
        study.plot_plane()


def test_a_recording_gives_its_steps(tmp_path):
    model = Bowl()
    with Recorder(model, tmp_path, every=2) as recorder:
        for _ in range(6):
            with torch.no_grad():
                model.layer.weight += torch.randn(2, 2)
            recorder.step()
    objective = nbl.Objective.from_batch_loss(model, lambda m, b: (m(b).sum(), 4), [torch.ones(4).double()])
    options = {"plane": None, "curvature": False, "through": False}
    for source in (recorder, recorder.recording, tmp_path, str(tmp_path)):
        study = nbl.compare_checkpoints(objective, source, **options)
        assert study.steps.tolist() == [0, 2, 4, 6]
    assert study.rows[-1].title == "step 6"
    assert study.rows[-1].loss == objective.loss()


def test_damaged_files_are_named_before_anything_is_computed(tmp_path):
    model = Bowl()
    with Recorder(model, tmp_path) as recorder:
        for _ in range(3):
            recorder.step()
    (tmp_path / "step-000000002.safetensors").write_bytes(b"garbage")
    with pytest.raises(ValueError, match=r"step-000000002.* damaged.*3 checkpoints can be read"):
        nbl.iter_compare_checkpoints(bowl(), tmp_path)


def test_memory_does_not_grow_with_the_number_of_checkpoints(tmp_path):
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(700, 700, bias=False)

    model = Wide()
    paths = []
    for number in range(5):
        paths.append(tmp_path / f"{number}.safetensors")
        with Recorder(model, tmp_path / str(number)) as recorder:
            recorder.step()
        paths[-1] = tmp_path / str(number) / "step-000000001.safetensors"
        with torch.no_grad():
            model.layer.weight += 1
    objective = nbl.Objective.from_batch_loss(
        model, lambda m, b: (m.layer(b).square().sum(), 1), [torch.ones(1, 700)]
    )
    alive = []

    def count(_study):
        import gc

        gc.collect()
        sizes = [t for t in gc.get_objects() if issubclass(type(t), torch.Tensor) and t.numel() >= 490_000]
        alive.append(len({t.untyped_storage().data_ptr() for t in sizes}))

    nbl.compare_checkpoints(objective, paths, plane=None, through=False, trace_samples=1, callback=count)
    assert max(alive[len(alive) // 2 :]) <= max(alive[: len(alive) // 2])


def test_bad_arguments(tmp_path):
    objective = bowl()
    for arguments, message in (
        ({"plane": "pca"}, "plane='pca'"),
        ({"plane": "hessian", "curvature": False}, "needs eigenvectors"),
        ({"trace_samples": -1}, "trace_samples=-1"),
        ({"data": ["text"]}, r"objective.on\(batches\)"),
        ({"task": "causal-lm"}, "task= belongs to a path"),
    ):
        with pytest.raises(ValueError, match=message):
            nbl.compare_checkpoints(objective, points(), **arguments)
    with pytest.raises(ValueError, match="no checkpoints of its own"):
        nbl.compare_checkpoints(objective)
    with pytest.raises(ValueError, match="no checkpoints; pass at least one"):
        nbl.compare_checkpoints(objective, [])
    with pytest.raises(TypeError, match="Expected an Objective or the path"):
        nbl.compare_checkpoints(Bowl(), points())
    with pytest.raises(ValueError, match="pass also data="):
        nbl.compare_checkpoints(tmp_path)
    for one in (Bowl(), Bowl().state_dict(), points(1)[0]):
        with pytest.raises(TypeError, match="is one"):
            nbl.compare_checkpoints(objective, one)
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist"):
        nbl.compare_checkpoints(objective, tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"neither step-\*.safetensors"):
        nbl.compare_checkpoints(objective, tmp_path)
    with pytest.raises(ValueError, match="another architecture"):
        nbl.compare_checkpoints(objective, {"linear": nn.Linear(3, 3)})


def test_figures_of_steps_of_names_and_of_nothing():
    objective = bowl()
    run = nbl.compare_checkpoints(objective, points(5), points=3)
    named = nbl.compare_checkpoints(objective, {"a": points()[0], "b": points()[1]}, points=3)
    bare = nbl.compare_checkpoints(objective, points(2), plane=None, curvature=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for study in (run, named, bare):
            study.plot().canvas.draw()
            study.plot_plane().canvas.draw()
    three = nbl.compare_checkpoints(objective, dict(zip("abc", points(3), strict=True)), **FEW)
    panel = three.plot_plane().axes[0]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("towards a", "towards b, orthogonal")
    labels = [text.get_text() for text in named.plot().axes[0].get_xticklabels()]
    assert labels == ["a", "b"]
    assert "not measured" in [text.get_text() for text in bare.plot().axes[1].texts]
    partial = CheckpointStudy((CheckpointRow("a", 3),), 4, doing="eigenvalue of a")
    partial.plot().canvas.draw()
    assert partial.to_frame()["step"].tolist() == [3]
