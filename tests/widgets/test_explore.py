"""The explorer without a browser: requests, results, errors, saved states, and what it leaves alone."""

import gc
import json
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import nblandscape as nbl
from nblandscape.landscape.archive import read_archive, write_archive
from nblandscape.landscape.grid import nested_levels
from nblandscape.widgets import _wire
from nblandscape.widgets._base import NblWidget
from nblandscape.widgets._sources import Run
from nblandscape.widgets._spec import Spec
from nblandscape.widgets._stream import SurfaceStream


def himmelblau(x: float, y: float) -> float:
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


WINDOW = ((-5, 5), (-5, 5))


def network(n: int = 200, width: int = 8) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(5, width), nn.Tanh(), nn.Linear(width, 3))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=generator))
    return model, torch.randn(n, 5, generator=generator), torch.randint(0, 3, (n,), generator=generator)


def objective_of(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> nbl.Objective:
    return nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))


class Sent:
    """Messages that an explorer sends, recorded instead of a page."""

    def __init__(self, explorer: nbl.Explorer) -> None:
        self.messages: list[tuple[dict, list]] = []
        explorer.send = lambda content, buffers=None: self.messages.append((content, buffers or []))

    def of(self, kind: str) -> list[tuple[dict, list]]:
        return [m for m in self.messages if m[0]["kind"] == kind]


def test_from_an_objective_to_a_tree_and_back_to_parameters(explore):
    model, x, y = network()
    explorer = explore(objective_of(model, x, y), span=4.0, points=17).wait(60)
    assert explorer.status["phase"] == "done"
    assert explorer.landscape.shape == (17, 17)
    assert explorer.landscape.origin_value == pytest.approx(F.cross_entropy(model(x), y).item(), rel=1e-6)
    explorer.select_minimum(0)
    other, _, _ = network()
    other.load_state_dict(explorer.selected_state_dict())
    assert F.cross_entropy(other(x), y).item() == pytest.approx(explorer.selection["loss"], rel=1e-6)
    table = explorer.to_frame()
    assert table["loss"][0] == explorer.landscape.values.min()
    assert table["share"].sum() == pytest.approx(1)
    bars = explorer.landscape.support()
    assert sorted(table["supported"]) == sorted(bars.supported)
    assert np.frombuffer(explorer.tree["supported"], "u1").tolist() == bars.supported.tolist()
    proposal = nbl.topology.propose_threshold(explorer.merge_tree, bars)
    assert (explorer.tree["proposed"], explorer.tree["reason"]) == tuple(proposal)


def test_batches_tell_which_minima_are_supported(explore):
    model, x, y = network()
    batches = [(x[i::4], y[i::4]) for i in range(4)]
    explorer = explore(nbl.Objective(model, nn.CrossEntropyLoss(), batches), span=4.0, points=17).wait(60)
    whole = explorer.support
    assert whole.batches == 4
    explorer.request(threshold=1e-9)
    explorer.wait(60)
    assert explorer.support is whole
    rows = np.argsort(explorer.landscape.values.flat[explorer.merge_tree.minima], kind="stable")
    table = explorer.to_frame()
    np.testing.assert_array_equal(table["supported"], whole.supported[rows])
    np.testing.assert_array_equal(table["stderr"], whole.stderr[rows])


def test_the_page_and_python_have_a_critical_point_checked(explore):
    model, x, y = network()
    explorer = explore(objective_of(model, x, y), span=4.0, points=17).wait(60)
    with pytest.raises(RuntimeError, match="Nothing is selected"):
        explorer.polish_selected()
    explorer.select_minimum(0)
    sent = Sent(explorer)
    call = {"kind": "rpc", "id": "p", "method": "polish", "params": {"vertex": explorer.selection["vertex"]}}
    explorer._on_message(explorer, call, [])
    explorer.wait(60)
    reply = sent.of("reply")[-1][0]
    assert reply["ok"], reply
    point = explorer.polish_selected()
    assert json.loads(json.dumps(reply["result"])) == json.loads(json.dumps(point.to_dict()))
    assert point.loss <= explorer.selection["loss"] + 1e-6
    assert point.point is None or point.verdict.startswith("A minimum of the slice")
    explorer._on_message(explorer, {**call, "id": "q", "params": {"vertex": 10**6}}, [])
    with pytest.raises(ValueError, match="vertices 0 to 288"):
        explorer.wait(60)
    assert not sent.of("reply")[-1][0]["ok"]


def test_the_page_asks_what_the_slice_can_show(explore):
    model, x, y = network()
    objective = objective_of(model, x, y)
    explorer = explore(objective, span=4.0, points=9).wait(60)
    sent = Sent(explorer)
    call = {"kind": "rpc", "id": "t", "method": "trust", "params": {}}
    explorer._on_message(explorer, call, [])
    explorer.wait(60)
    reply = sent.of("reply")[-1][0]
    assert reply["ok"], reply
    plane = nbl.Subspace.hessian(objective, explorer.eigenpairs, (0, -1))
    report = nbl.trust_report(objective, plane, spectrum=explorer.eigenpairs)
    assert json.loads(json.dumps(reply["result"])) == json.loads(json.dumps(report.to_dict()))
    assert report.shown in reply["result"]["verdict"]
    landscape = explore(np.random.default_rng(0).normal(size=(9, 9)))
    refused = Sent(landscape)
    landscape._on_message(landscape, call, [])
    with pytest.raises(RuntimeError, match="no model behind"):
        landscape.wait(60)
    assert not refused.of("reply")[-1][0]["ok"]


def test_the_density_behind_the_eigenvalues_is_that_of_the_solver(explore):
    model, x, y = network()
    explorer = explore(objective_of(model, x, y), span=4.0, points=9).wait(60)
    density, found = explorer.spectrum["density"], explorer.eigenpairs
    assert sum(density["weights"]) == pytest.approx(1)
    assert density["nodes"] == found.density_nodes.tolist() == sorted(density["nodes"])
    warm = nbl.hessian_spectrum(objective_of(model, x, y), start=found)
    assert nbl.SpectrumView(warm).spectrum["density"] is None


def test_a_triple_an_array_a_landscape_and_a_function(explore):
    model, x, y = network()
    assert explore((model, nn.CrossEntropyLoss(), (x, y)), points=9).wait(60).landscape.shape == (9, 9)
    field = np.random.default_rng(0).normal(size=(9, 13))
    np.testing.assert_array_equal(explore(field).landscape.values, field)
    landscape = nbl.Landscape.from_array(field, labels=("a", "b"))
    assert explore(landscape).surface["labels"] == ["a", "b"]
    explorer = explore(himmelblau, bounds=WINDOW, points=65).wait(60)
    assert len(explorer.merge_tree.minima) == 4
    assert explorer.surface["labels"] == ["x", "y"]


def test_p54_120_requests_in_a_burst_end_on_the_last_one_and_start_few(explore):
    started = 0

    def slow(a: float, b: float) -> float:
        nonlocal started
        started += (a, b) == (0.0, 0.0)  # the centre is the first point of every computation
        time.sleep(0.0005)
        return a * a + b * b

    explorer = explore(slow, bounds=WINDOW, points=17).wait(60)
    started = 0
    sent = Sent(explorer)
    for number in range(120):
        explorer.request(span=5 - number / 100)
        time.sleep(0.005)
    explorer.wait(60)
    assert explorer.surface["spec"]["span"] == pytest.approx([5 - 1.19] * 2)
    painted = {message["id"] for message, _ in sent.of("tile")}
    assert len(painted) >= 3, "a drag must paint"
    assert started // 2 < 40  # start() measures the centre once more


def test_levels_come_coarse_first_and_add_up_to_the_result(explore):
    explorer = explore(himmelblau, bounds=WINDOW, points=33).wait(60)
    sent = Sent(explorer)
    explorer.request(span=4.0)
    explorer.wait(60)
    (opening, _), *_ = sent.of("begin")
    assert opening["shape"] == [33, 33]
    values = np.full(33 * 33, np.nan, np.float32)
    strides, complete = [], []
    for tile, (vertices, heights) in sent.of("tile"):
        complete += [tile["strides"]] if tile["complete"] else []
        assert tile["id"] == opening["id"]
        strides.append(tile["strides"])
        values[np.frombuffer(vertices, "<u4")] = np.frombuffer(heights, "<f4")
    assert strides == sorted(strides, reverse=True)
    # The page draws what lies between from the last level that is told to be complete.
    assert complete == [list(pair) for pair in sorted(set(map(tuple, strides)), reverse=True)]
    np.testing.assert_array_equal(values, np.frombuffer(explorer.surface["values"], "<f4"))
    np.testing.assert_allclose(values + opening["base"], explorer.landscape.values.ravel(), rtol=1e-5)
    tree, columns = sent.of("tree")[-1]
    assert tree["columns"] == list(_wire.COLUMNS)
    births = np.frombuffer(columns[0], "<u4")
    # Vertices of the full grid, all on the subgrid of every second line.
    assert births.size >= 4
    assert (np.stack(np.unravel_index(births, (33, 33))) % 2 == 0).all()


def test_a_page_that_was_reloaded_gets_complete_levels_and_then_the_rest():
    axis = np.linspace(-1.0, 1.0, 9)
    run = Run((axis, axis), ("x", "y"), 0.0, None, "value", 3, 1.0, iter(()))
    spec = Spec(4, axes=(0, 1), span=(1.0, 1.0), points=(9, 9))
    for done in (0, 4, 9, 20, 25, 80):
        stream = SurfaceStream(spec, spec.to_wire(), run)
        left = done
        for number, level in enumerate(nested_levels((9, 9), coarsest=3)):
            part = level.vertices[:left]
            left -= len(part)
            if len(part):
                stream.tile(number, part, part.astype(float))
        (opening, _), *tiles = stream.everything()
        assert opening["kind"] == "begin"
        assert [tile["complete"] for tile, _ in tiles] == {
            0: [], 4: [False], 9: [True], 20: [True, False], 25: [True], 80: [True, False]
        }[done]  # fmt: skip
        vertices = np.concatenate([np.frombuffer(v, "<u4") for _, (v, _) in tiles] or [np.empty(0, int)])
        heights = np.concatenate([np.frombuffer(h, "<f4") for _, (_, h) in tiles] or [np.empty(0)])
        assert len(set(vertices.tolist())) == done
        np.testing.assert_array_equal(vertices, heights)
        assert [tile["done"] for tile, _ in tiles][-1:] == ([done] if done else [])


def test_going_back_costs_no_computation(explore):
    calls = 0

    def counted(a: float, b: float) -> float:
        nonlocal calls
        calls += 1
        return himmelblau(a, b)

    explorer = explore(counted, bounds=WINDOW, points=17).wait(60)
    explorer.request(span=3.0)
    explorer.wait(60)
    before = calls
    explorer.request(span=5.0)
    explorer.wait(60)
    explorer.request(scale="log", threshold=20.0)
    explorer.wait(60)
    assert calls == before
    assert explorer.landscape.axes[0][-1] == 5
    assert len(explorer.merge_tree.minima) == 3
    assert explorer.status["id"] == explorer.spec["id"]


def test_cancel_also_meets_a_spec_that_has_not_arrived_yet(explore):
    gate = threading.Event()

    def waiting(a: float, b: float) -> float:
        if a != 0:
            gate.wait(10)
        return a

    explorer = explore(waiting, bounds=WINDOW, points=9)
    while explorer.status["phase"] != "running":
        time.sleep(0.005)
    explorer._on_message(explorer, {"kind": "cancel", "upto": 5}, [])
    gate.set()
    explorer.wait(10)
    assert explorer.status["phase"] == "cancelled"
    explorer.spec = {**explorer.spec, "id": 4}
    explorer.wait(10)
    assert explorer.status == {**explorer.status, "id": 4, "phase": "cancelled"}
    explorer.spec = {**explorer.spec, "id": 6}
    assert explorer.wait(10).status["phase"] == "done"


def test_errors_reach_the_view_and_wait_and_the_last_result_stays(explore):
    def fragile(a: float, b: float) -> float:
        if abs(a) > 6:
            raise RuntimeError(f"cannot go to {a:.1f}")
        return a * a + b

    explorer = explore(fragile, bounds=WINDOW, points=9).wait(60)
    kept = explorer.surface
    explorer.request(span=7.0)
    with pytest.raises(RuntimeError, match="cannot go"):
        explorer.wait(60)
    assert explorer.status["phase"] == "error"
    assert "cannot go to" in explorer.status["message"]
    assert explorer.surface is kept
    explorer.request(span=4.0)
    assert explorer.wait(60).status["phase"] == "done"
    explorer.spec = {**explorer.spec, "id": 9, "points": [10, 10]}
    with pytest.raises(ValueError, match="even"):
        explorer.wait(60)


def test_holes_are_counted_and_a_hopeless_window_is_an_error(explore):
    explorer = explore(
        lambda a, b: np.log(a) if a > 0 else np.nan, bounds=WINDOW, points=9, title="log"
    ).wait(60)
    assert explorer.surface["holes"] == 45
    assert np.isnan(np.frombuffer(explorer.surface["values"], "<f4")).sum() == 45
    nothing = explore(lambda a, b: np.nan, bounds=WINDOW, points=9)
    with pytest.raises(ValueError, match="not finite anywhere"):
        nothing.wait(60)


@pytest.mark.parametrize(
    ("x", "options", "error", "message"),
    [
        (3, {}, TypeError, "cannot look at a int"),
        (nn.Linear(2, 2), {}, TypeError, "needs data"),
        (himmelblau, {}, TypeError, "bounds"),
        (himmelblau, {"bounds": ((1, 0), (0, 1))}, ValueError, "bounds"),
        (himmelblau, {"bounds": WINDOW, "points": 10}, ValueError, "even"),
        (himmelblau, {"bounds": WINDOW, "span": -1.0}, ValueError, "span"),
        (himmelblau, {"bounds": WINDOW, "scale": "cubic"}, ValueError, "scale"),
        (lambda a, b: "x", {"bounds": WINDOW}, TypeError, "one number"),
        (np.zeros((3, 3, 3, 3)), {}, ValueError, "Keep three axes"),
        (np.full((3, 3), np.nan), {}, ValueError, "finite"),
        (np.eye(3), {"span": 2.0}, ValueError, "finished"),
        ("nothing.npz", {}, FileNotFoundError, "nothing.npz"),
    ],
)
def test_what_cannot_be_explored_is_named(explore, x, options, error, message):
    with pytest.raises(error, match=message):
        explore(x, **options)


def test_unknown_options_and_axes(explore):
    model, x, y = network()
    explorer = explore(objective_of(model, x, y), points=9).wait(60)
    with pytest.raises(TypeError, match="axs"):
        explorer.request(axs=(0, 1))
    for axes in ((0, 0), (0, 99)):
        explorer.request(axes=axes)
        with pytest.raises(ValueError, match=r"twice|outside"):
            explorer.wait(60)
    with pytest.raises(RuntimeError, match="Nothing is selected"):
        explorer.selected_state_dict()
    with pytest.raises(TypeError, match="no option 'colour'"):
        NblWidget(colour=1)


def test_p55_a_seeded_training_is_bit_identical_beside_a_refining_explorer(explore):
    def train(beside: bool) -> nn.Module:
        model, x, y = network(n=400)
        explorer = explore(objective_of(model, x, y), points=65) if beside else None
        torch.manual_seed(1)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        dropout = nn.Dropout(0.2)
        for step in range(60):
            if explorer is not None and step % 10 == 0 and explorer.spec is not None:
                explorer.request(span=2.0 + step)
            batch = torch.randperm(len(x))[:50]
            optimizer.zero_grad()
            F.cross_entropy(model(dropout(x[batch])), y[batch]).backward()
            optimizer.step()
        if explorer is not None:
            assert explorer.wait(60).landscape is not None
        return model

    alone, beside = train(False), train(True)
    for a, b in zip(alone.parameters(), beside.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.requires_grad == b.requires_grad
        assert torch.equal(a.grad, b.grad)


def test_the_gradient_during_refinement_is_the_idle_one(explore):
    model, x, y = network()
    objective = objective_of(model, x, y)
    idle, product = objective.gradient(), objective.hvp(torch.ones(objective.num_parameters))
    explorer = explore(objective, points=65)
    seen = 0
    while explorer._pending.any:
        assert torch.equal(objective.gradient(), idle)
        assert torch.equal(objective.hvp(torch.ones(objective.num_parameters)), product)
        seen += 1
    assert seen > 3


def test_progress_counts_products_and_good_eigenpairs_then_points(explore):
    model, x, y = network()

    def batch_loss(model, batch):
        time.sleep(0.005)  # slow enough to be looked at; without kept graphs, at every product
        return F.cross_entropy(model(batch[0]), batch[1], reduction="sum"), len(batch[1])

    explorer = explore(nbl.Objective.from_batch_loss(model, batch_loss, (x, y), graph_bytes=0), points=9)
    seen = []
    while True:
        seen.append(explorer.progress())
        try:
            explorer.wait(0.002)
            break
        except TimeoutError:
            assert len(seen) < 50_000
    products = [(int(text.split()[1]), share) for text, share in seen if text.startswith("eigenpairs")]
    assert products[0][0] <= products[-1][0] > 8
    assert any(0 < share <= 1 for _, share in products)
    points = [share for text, share in seen if text == "landscape"]
    assert len(points) > 0
    assert points == sorted(points)


def test_update_takes_the_present_weights(explore):
    model, x, y = network()
    explorer = explore(objective_of(model, x, y), points=9).wait(60)
    with torch.no_grad():
        model[0].weight.mul_(1.1)
    explorer.request(span=1.0)
    explorer.wait(60)
    assert "changed" in explorer.source["notice"]
    explorer.update()
    explorer.wait(60)
    assert explorer.source["notice"] == ""
    assert explorer.landscape.origin_value == pytest.approx(F.cross_entropy(model(x), y).item(), rel=1e-6)


def test_more_eigenpairs_on_request(explore):
    model, x, y = network()
    explorer = explore(objective_of(model, x, y), points=9, largest=1, smallest=1).wait(60)
    sent = Sent(explorer)
    call = {"kind": "rpc", "id": "one", "method": "eigenpairs", "params": {"largest": 3, "smallest": 2}}
    explorer._on_message(explorer, call, [])
    explorer.wait(60)
    assert len(explorer.spectrum["values"]) == 5
    assert sent.of("reply")[-1][0] == {"kind": "reply", "id": "one", "ok": True, "result": None}
    explorer._on_message(explorer, {**call, "id": "two", "params": {"largest": -1, "smallest": 2}}, [])
    with pytest.raises(ValueError, match="largest=-1"):
        explorer.wait(60)
    assert sent.of("reply")[-1][0]["ok"] is False
    explorer._on_message(explorer, {**call, "id": "three", "method": "format_disk"}, [])
    assert "Unknown action" in sent.of("reply")[-1][0]["error"]


def test_saved_and_opened_without_torch(explore, tmp_path):
    model, x, y = network()
    explorer = explore(objective_of(model, x, y), points=17, threshold=0.01, scale="log").wait(60)
    explorer.select_minimum(0)
    path = explorer.save(tmp_path / "saved")
    again = explore(path)
    for name in ("spec", "spectrum", "selection"):
        assert json.loads(json.dumps(getattr(again, name))) == json.loads(json.dumps(getattr(explorer, name)))
    np.testing.assert_array_equal(again.landscape.values, explorer.landscape.values)
    program = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] == 'torch': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import nblandscape as nbl\n"
        f"explorer = nbl.explore({str(path)!r})\n"
        f"page = explorer.to_html({str(tmp_path / 'page.html')!r})\n"
        "print(len(explorer.merge_tree.minima))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) == len(explorer.merge_tree.minima)
    with pytest.raises(RuntimeError, match="no model"):
        again.selected_state_dict()


def test_a_file_of_an_earlier_version_opens(explore, tmp_path):
    model, x, y = network()
    explorer = explore(objective_of(model, x, y), points=17, threshold=0.01).wait(60)
    header, arrays = read_archive(explorer.save(tmp_path / "now"))
    # What the first version wrote of an explorer, and of a landscape's provenance.
    state = {name: header["state"][name] for name in ("spec", "spectrum", "selection", "view")}
    state["spectrum"] = {k: v for k, v in state["spectrum"].items() if k not in ("density", "origin")}
    state["view"] = {name: state["view"][name] for name in ("yaw", "pitch", "zoom", "pan", "exaggeration")}
    about = {k: v for k, v in header["provenance"].items() if k not in ("recipe", "model_place", "gram")}
    old = write_archive(tmp_path / "old", {**header, "state": state, "provenance": about}, arrays)
    again = explore(old)
    assert again.spec == explorer.spec
    assert (again.sent, again.paths, again.source["origins"]) == ([], None, [])
    assert len(again.merge_tree.minima) == len(explorer.merge_tree.minima)
    assert "<html" in again.to_html()
    assert again.save_png(tmp_path / "old.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_forbids_the_network_and_escapes_text(explore, tmp_path):
    explorer = explore(np.eye(5), title="</script><b>bold</b> & co")
    page = explorer.to_html(tmp_path / "page.html", title="<i>t</i>")
    assert (tmp_path / "page.html").read_text() == page
    assert "default-src 'none'" in page
    assert "<b>bold" not in page
    assert "<title>&lt;i&gt;t&lt;/i&gt;</title>" in page
    assert page == explorer.to_html(title="<i>t</i>")  # deterministic
    with pytest.raises(ValueError, match="max_bytes"):
        explorer.to_html(max_bytes=1000)


def test_pictures(explore, tmp_path):
    explorer = explore(himmelblau, bounds=WINDOW, points=17).wait(60)
    png = explorer.save_png(tmp_path / "picture.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert len(png) > 10_000


def test_closing_frees_the_arrays_and_stops_the_work(explore):
    model, x, y = network()
    explorer = explore(objective_of(model, x, y), points=65).wait(60)
    parts = [explorer.landscape, explorer.landscape.values, explorer._source.objective, explorer._shown.tree]
    dead = [weakref.ref(part) for part in parts]
    del parts
    threads = threading.active_count()
    explorer.request(span=1.0)
    explorer.close()
    for _ in range(100):
        gc.collect()
        if all(reference() is None for reference in dead):
            break
        time.sleep(0.02)
    assert [reference() is None for reference in dead] == [True] * 4
    assert explorer.surface is None
    assert threading.active_count() == threads
    with pytest.raises(RuntimeError, match="closed"):
        explorer.request(span=1.0)


def test_single_views(explore):
    landscape = nbl.Landscape.from_array(np.random.default_rng(0).normal(size=(9, 9)))
    model, x, y = network()
    spectrum = nbl.hessian_spectrum(objective_of(model, x, y))
    views = [
        nbl.SurfaceView(landscape),
        nbl.MergeTreeView(landscape.merge_tree()),
        nbl.SpectrumView(spectrum),
    ]
    for view in views:
        assert "nblandscape" in view.to_html()
        view.close()
    with pytest.raises(ValueError, match="superlevel"):
        nbl.MergeTreeView(landscape.merge_tree("superlevel"))


def test_single_views_are_saved_as_pictures_of_what_they_show(tmp_path):
    from matplotlib.image import imread

    landscape = nbl.Landscape.from_array(np.random.default_rng(0).normal(size=(9, 9)))
    solid = nbl.Landscape.from_array(np.random.default_rng(0).normal(size=(5, 5, 5)))
    model, x, y = network()
    views = [
        nbl.SurfaceView(landscape),
        nbl.VolumeView(solid),
        nbl.MergeTreeView(landscape.merge_tree()),
        nbl.SpectrumView(nbl.hessian_spectrum(objective_of(model, x, y))),
    ]
    for view in views:
        with view:
            path = view.save_png(tmp_path / "view.png", width=6.0, dpi=50)
            first = imread(path)
            assert first.shape[1] == 300
            assert first[..., :3].std() > 0.02, "there is something on it"
            # The page simplifies the tree: so does the picture.
            view.set_state({"spec": {**view.spec, "threshold": 1.5}})
            again = imread(view.save_png(path, width=6.0, dpi=50))
            assert np.array_equal(first, again) == isinstance(view, nbl.SpectrumView)


def test_a_missing_bundle_says_how_to_build_it(monkeypatch, tmp_path):
    from nblandscape.widgets import _bundle

    monkeypatch.setattr(_bundle, "_FOLDER", tmp_path)
    _bundle.script.cache_clear()
    with pytest.raises(FileNotFoundError, match="npm run build"):
        nbl.explore(np.eye(3))
    _bundle.script.cache_clear()
