"""A cell that shows a comparison and is run again leaves nothing of the first one behind."""

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from IPython.core import getipython
from torch import nn

import nblandscape as nbl
from nblandscape.widgets import _picture
from nblandscape.widgets._worker import shared_worker


class Cell:
    """A shell in which one cell is run over and over."""

    def __init__(self):
        self.execution = 0
        self.display_pub = SimpleNamespace(publish=lambda **_: None)

    def get_parent(self):
        return {"metadata": {"cellId": "cell"}, "header": {"msg_id": str(self.execution)}}


@pytest.fixture
def run(monkeypatch):
    cell = Cell()
    monkeypatch.setattr(getipython, "get_ipython", lambda: cell)
    monkeypatch.setattr("IPython.display.publish_display_data", lambda *_, **__: None)
    monkeypatch.setattr(_picture, "_shown", {})
    shown = []

    def again(make):
        cell.execution += 1
        comparison = make()
        comparison._ipython_display_()
        shown.append(weakref.ref(comparison))
        return comparison

    yield again
    for reference in shown:
        if (comparison := reference()) is not None:
            comparison.close()


def objective(scale):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    return nbl.Objective(model, nn.MSELoss(), [(torch.randn(8, 3) * scale, torch.zeros(8, 1))])


def make():
    given = {"a": objective(1.0), "b": objective(2.0), "f": lambda x, y: x * y}
    return nbl.explore(given, bounds=((-1, 1), (-1, 1)), points=9, largest=1, smallest=1)


def everything_of(comparison):
    """Weak references to what must go: members, models, grids, trees."""
    found = [weakref.ref(comparison[name]) for name in comparison]
    found += [weakref.ref(comparison[name]._source.objective) for name in ("a", "b")]
    for name in comparison:
        found += [weakref.ref(comparison[name].landscape.values), weakref.ref(comparison[name].merge_tree)]
        found += [weakref.ref(comparison[name].landscape)]
    return found


def census():
    gc.collect()
    from ipywidgets.widgets import widget

    return len(widget._instances), len(shared_worker()._slots)


def test_running_the_cell_again_frees_the_old_comparison(run):
    first = run(make).wait(60)
    before = census()
    references = [weakref.ref(first), *everything_of(first)]
    assert all(reference() is not None for reference in references[:-3])
    slots = [member._slot for member in first._members]
    del first
    second = run(make).wait(60)
    assert census() == before
    assert all(slot not in shared_worker()._slots for slot in slots)
    del slots
    gc.collect()
    alive = [reference() for reference in references if reference() is not None]
    assert alive == []
    assert np.isfinite(second["a"].landscape.values).all()


def test_running_the_cell_again_stops_what_still_computes(run):
    calls = {"first": 0, "second": 0}

    def slow(which):
        def f(x, y):
            import time

            calls[which] += 1
            time.sleep(0.005)
            return x + y

        return f

    def slowly(which):
        return lambda: nbl.explore({"slow": slow(which), "b": np.eye(5)}, bounds=((0, 1), (0, 1)), points=33)

    first = run(slowly("first"))
    second = run(slowly("second"))
    assert first.comm is None
    second.cancel()
    second._wait(20)
    told = calls["first"]
    assert told < 33 * 33
    second.request(points=5)
    second.wait(20)
    assert calls["first"] == told


def test_further_runs_leave_as_many_widgets_as_one(run):
    run(make).wait(60)
    before = census()
    for _ in range(3):
        run(make).wait(60)
    assert census() == before
