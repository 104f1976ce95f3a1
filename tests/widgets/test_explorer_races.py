"""The explorer's threads: what happens while something else happens."""

import gc
import sys
import threading
import time
import weakref

import ipywidgets
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import nblandscape as nbl

WINDOW = ((-5, 5), (-5, 5))


def network() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=generator))
    return model, torch.randn(200, 5, generator=generator), torch.randint(0, 3, (200,), generator=generator)


def slowly(a: float, b: float) -> float:
    time.sleep(0.002)
    return a * a + b * b


def all_dead(references: list[weakref.ref]) -> bool:
    for _ in range(100):
        gc.collect()
        if all(reference() is None for reference in references):
            return True
        time.sleep(0.02)
    return False


def test_update_during_a_computation_shows_the_new_weights(explore):
    model, x, y = network()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    explorer = explore(objective, points=33).wait(60)
    explorer.select_minimum(0)
    explorer.request(span=2.0)
    with torch.no_grad():
        model[0].weight.mul_(1.5)
    explorer.update()
    with pytest.raises(RuntimeError, match="earlier weights"):
        explorer.selected_state_dict()
    explorer.wait(60)
    expected = F.cross_entropy(model(x), y).item()
    assert explorer.landscape.origin_value == pytest.approx(expected, rel=1e-6)
    assert all(r.landscape.origin_value == pytest.approx(expected, rel=1e-6)
               for _, r in explorer._results.items())  # fmt: skip


def test_a_selection_keeps_its_parameters_when_eigenpairs_are_added(explore):
    model, x, y = network()
    explorer = explore(nbl.Objective(model, nn.CrossEntropyLoss(), (x, y)), points=9, largest=1, smallest=1)
    explorer.wait(60).select_minimum(0)
    before = explorer.selected_state_dict()
    params = {"largest": 5, "smallest": 5}
    call = {"kind": "rpc", "id": "one", "method": "eigenpairs", "params": params}
    explorer._on_message(explorer, call, [])
    explorer.wait(60)
    for name, tensor in explorer.selected_state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_request_while_the_picture_is_drawn_is_waited_for(explore, monkeypatch):
    explorer = explore(slowly, bounds=WINDOW, points=9)
    drawing = threading.Event()

    def draw(_png: object) -> None:
        drawing.set()
        time.sleep(0.2)

    monkeypatch.setattr(explorer._picture, "update", draw)
    assert drawing.wait(10)
    explorer.request(span=2.0)
    explorer.wait(60)
    assert explorer.landscape.axes[0][-1] == 2.0


def test_a_picture_is_drawn_once_for_one_result(explore, monkeypatch):
    explorer = explore(slowly, bounds=WINDOW, points=9).wait(60)
    drawn: list[object] = []
    monkeypatch.setattr(explorer._picture, "update", drawn.append)
    explorer.request(points=9)
    explorer.wait(60)
    explorer.cancel()
    assert not drawn
    explorer.request(scale="log")
    explorer.wait(60)
    assert len(drawn) == 1


def test_waiting_ends_when_a_connection_breaks(explore, monkeypatch):
    explorer = explore(slowly, bounds=WINDOW, points=9).wait(60)
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    monkeypatch.setattr(explorer, "_finished", lambda *_: 1 / 0)
    explorer.request(span=2.0)
    explorer.wait(10)
    assert reported


@pytest.mark.parametrize("end", ["finished", "running", "failed", "cancelled"])
def test_closed_explorers_keep_nothing_alive(end):
    model, x, y = network()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    explorer = nbl.explore(objective, points=65).wait(60)
    dead = [weakref.ref(p) for p in (objective, explorer.landscape, explorer.landscape.values)]
    explorer.request(span=1.5)
    dead.append(weakref.ref(explorer._results))
    if end == "finished":
        explorer.wait(60)
    elif end == "failed":
        explorer.request(axes=(0, 0))
        with pytest.raises(ValueError, match="twice") as caught:
            explorer.wait(60)
        sys.last_value = caught.value  # as a notebook keeps it
        del caught
    elif end == "cancelled":
        explorer.cancel()
    del objective
    explorer.close()
    others, dead = dead[3:], dead[:3]
    assert all_dead(dead), [reference() for reference in dead]
    assert explorer.error is None
    assert explorer.surface is None
    explorer.wait(10)
    assert explorer._streaming is None
    del explorer, others


def test_results_are_shared_by_two_threads(explore, monkeypatch):
    from nblandscape.widgets import _results

    monkeypatch.setattr(_results, "_KEPT_BYTES", 20_000.0)
    explorer = explore(lambda a, b: a * a + b, bounds=WINDOW, points=9).wait(60)
    errors: list[BaseException] = []

    def export() -> None:
        try:
            for i in range(15):
                explorer.to_html(frames=[{"span": 1.0 + i / 7}, {"span": 2.0 + i / 7}])
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=export)
    thread.start()
    number = 0
    while thread.is_alive():
        number += 1
        explorer.request(span=1.0 + number % 50 / 10)
        time.sleep(0.002)
    thread.join()
    assert not errors
    assert explorer.wait(60).landscape.axes[0][-1] == 1.0 + number % 50 / 10


def test_requests_from_several_threads_have_their_own_numbers(explore):
    explorer = explore(lambda a, b: a * a + b, bounds=WINDOW, points=9).wait(60)
    seen: list[int] = []
    explorer.observe(lambda change: seen.append(change["new"]["id"]), names="spec")

    def ask(offset: int) -> None:
        for i in range(25):
            explorer.request(span=1.0 + offset + i / 30)

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    explorer.wait(60)
    assert len(set(seen)) == 100
    assert explorer.status == {**explorer.status, "phase": "done", "id": explorer.spec["id"]}
    assert explorer.surface["spec"]["span"] == explorer.spec["span"]


@pytest.mark.parametrize(
    "change",
    [{"id": None}, {"id": "x"}, {"axes": 3}, {"span": ["a", 1]}, {"points": [9]}, {"offset": None},
     {"span": [float("inf"), 1.0]}, {"threshold": -1.0}],
)  # fmt: skip
def test_a_malformed_spec_from_a_page_is_an_error_in_the_view(explore, change):
    explorer = explore(lambda a, b: a * a + b, bounds=WINDOW, points=9).wait(60)
    explorer.set_state({"spec": {**explorer.spec, "id": 2, **change}})
    with pytest.raises((ValueError, TypeError)):
        explorer.wait(60)
    assert explorer.status["phase"] == "error"
    explorer.set_state({"spec": {**explorer.spec, "id": 3, "axes": [0, 1], "span": [1.0, 1.0],
                                 "points": [9, 9], "threshold": 0.0,
                                 "offset": {"axis": None, "value": 0.0}}})  # fmt: skip
    assert explorer.wait(60).status["phase"] == "done"


def test_numbers_may_go_backwards_after_a_reload(explore):
    explorer = explore(lambda a, b: a * a + b, bounds=WINDOW, points=9).wait(60)
    explorer.spec = {**explorer.spec, "id": 40, "span": [2.0, 2.0]}
    explorer.spec = {**explorer.spec, "id": 7, "span": [3.0, 3.0]}
    explorer.wait(60)
    assert (explorer.status["id"], explorer.status["phase"]) == (7, "done")
    assert explorer.landscape.axes[0][-1] == 3.0


def test_a_cancelled_spectrum_can_be_asked_for_again(explore):
    model, x, y = network()
    explorer = explore(nbl.Objective(model, nn.CrossEntropyLoss(), (x, y)), points=9)
    explorer.cancel()
    explorer.wait(60)
    if explorer.spec is None:  # else the machine was faster than the cancel
        with pytest.raises(RuntimeError, match=r"update\(\)"):
            explorer.request(span=1.0)
        explorer.update()
    assert explorer.wait(60).landscape.shape == (9, 9)


def test_what_is_saved_during_a_computation_is_what_is_shown(explore, tmp_path):
    gate = threading.Event()

    def gated(a: float, b: float) -> float:
        if abs(a) > 5:
            gate.wait(10)
        return a * a + b * b

    explorer = explore(gated, bounds=WINDOW, points=9).wait(60)
    explorer.request(span=7.0, scale="log", threshold=0.5)
    path, state = explorer.save(tmp_path / "view"), explorer.page_state()
    gate.set()
    assert state["status"]["phase"] == "done"
    again = explore(path)
    assert again.spec["span"] == state["spec"]["span"] == [5.0, 5.0] == list(again.landscape.axes[0][-1:]) * 2
    assert (again.spec["scale"], again.spec["threshold"]) == ("log", 0.5)
    assert explore(path, threshold=2.0).spec["threshold"] == 2.0


def test_a_constructor_that_fails_leaves_no_widget_behind(explore):
    model, x, y = network()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    instances = ipywidgets.widgets.widget._instances
    before = set(instances)
    explore(np.eye(3)).close()
    with pytest.raises(ValueError, match="1 in all"):
        explore(objective, spectrum=nbl.hessian_spectrum(objective, largest=1, smallest=0), points=9)
    for options in ({"points": 10}, {"span": -1.0}, {"scale": "cubic"}, {"threshold": -2.0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            explore(objective, **options)  # at once, not after the eigenvectors
    assert set(instances) == before


def test_explorers_of_one_objective_share_its_spectrum(explore, monkeypatch):
    model, x, y = network()
    objective = nbl.Objective(model, nn.CrossEntropyLoss(), (x, y))
    first = explore(objective, points=9).wait(60)
    monkeypatch.setattr(type(objective), "hvp", lambda *_: pytest.fail("computed again"))
    second = explore(objective, points=9, span=3.0).wait(60)
    assert second.eigenpairs is first.eigenpairs
    assert second.landscape.axes[0][-1] == 3.0
    assert first.landscape.axes[0][-1] != 3.0
    monkeypatch.undo()
    with torch.no_grad():
        model[0].weight.mul_(1.1)
    second.update()
    assert second.wait(60).eigenpairs is not first.eigenpairs


def test_subclasses_and_other_arrays(explore):
    class Mine(nbl.Objective):
        pass

    model, x, y = network()
    assert explore(Mine(model, nn.CrossEntropyLoss(), (x, y)), points=9).wait(60).landscape.shape == (9, 9)
    assert explore(torch.eye(4)).landscape.shape == (4, 4)
    assert explore([[0, 1], [2, 3.0]]).landscape.shape == (2, 2)
    with pytest.raises(ValueError, match="two points"):
        explore(np.zeros((1, 7)))


def test_files_with_another_header(explore, tmp_path):
    for number, header in enumerate(("[1]", '{"format": "x"}', '{"format": 99}', "3", '{"format": 1}')):
        path = tmp_path / f"{number}.npz"
        np.savez(path, header=np.array(header), values=np.eye(3))
        with pytest.raises(ValueError, match="landscape"):
            explore(path)


def test_an_interrupt_leaves_the_worker_running(explore):
    import _thread

    explorer = explore(slowly, bounds=WINDOW, points=33)
    timer = threading.Timer(0.1, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        explorer.wait(60)
    assert explorer.wait(60).landscape.shape == (33, 33)
