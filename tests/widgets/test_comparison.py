"""Several landscapes on one scale: each computed as alone, the error of one kept to itself."""

import inspect
import typing

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl


def bowl(*curvatures, loss=0.0):
    scales = torch.tensor(curvatures, dtype=torch.float64)

    class Bowl(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.zeros(len(curvatures), dtype=torch.float64))

        def forward(self, x):
            return ((scales * self.w**2).sum() / 2 + loss).expand(len(x))

    return nbl.Objective(Bowl(), lambda out, y: out.mean(), (torch.ones(2, 1), torch.zeros(2)))


@pytest.fixture
def compare():
    made = []

    def make(given, **options):
        made.append(nbl.explore(given, **options))
        return made[-1]

    yield make
    for comparison in made:
        comparison.close()


def test_two_models_have_their_own_directions_and_one_window(compare):
    given = {"sharp": bowl(9.0, 4.0, 1.0), "<b>flat</b>": bowl(0.9, 0.4, 0.1, loss=2.0)}
    both = compare(given, points=9, largest=1, smallest=1).wait(60)
    assert list(both) == both.names == ["sharp", "<b>flat</b>"]
    table = both.to_frame()
    assert table["name"].tolist() == both.names
    np.testing.assert_allclose(table["largest"], [9, 0.9], rtol=1e-6)
    np.testing.assert_allclose(table["smallest"], [1, 0.1], rtol=1e-6)
    np.testing.assert_allclose(table["loss"], [0, 2], atol=1e-12)
    np.testing.assert_allclose(table["lowest"], [0, 2], atol=1e-12)
    assert table["minima"].tolist() == [1, 1]
    spans = [both[name].surface["spec"]["span"] for name in both]
    assert spans[0] == spans[1]
    # Axes 0 and -1: the window's corner has half the curvatures times the squared half-widths.
    for name, (a, b) in zip(both, ((9, 1), (0.9, 0.1)), strict=True):
        values = both[name].landscape.values
        rise = (a * spans[0][0] ** 2 + b * spans[0][1] ** 2) / 2
        assert values[0, 0] - values[4, 4] == pytest.approx(rise, rel=1e-6)
    both.request(span=0.5, scale="log")
    both.wait(60)
    assert all(both[name].surface["spec"]["span"] == [0.5, 0.5] for name in both)
    assert [spec["scale"] for spec in both.specs] == ["log", "log"]


def test_what_the_page_asks_reaches_its_member(compare):
    f = {"a": lambda x, y: x * x + y, "b": lambda x, y: x - y}
    both = compare(f, bounds=((-1, 1), (-1, 1)), points=5).wait(60)
    specs = [dict(spec) for spec in both.specs]
    specs[1] = {**specs[1], "id": specs[1]["id"] + 1, "points": [9, 9]}
    both.set_state({"specs": specs})
    both.wait(60)
    assert [m.landscape.shape for m in (both["a"], both["b"])] == [(5, 5), (9, 9)]
    assert both.surfaces[1]["shape"] == [9, 9]
    picked = {"kind": "point", "vertex": None, "coordinates": [0.0, 0.5], "loss": 0.5}
    both.set_state({"selections": [picked, both.selections[1]]})
    assert both["a"].selection == picked
    assert both["b"].selection["kind"] == "none"


def test_the_error_of_one_stays_with_it(compare):
    def broken(x, y):
        if x > 0.9:
            raise ZeroDivisionError("no such place")
        return x

    both = compare({"bad": broken, "good": lambda x, y: x + y}, bounds=((0, 1), (0, 1)), points=5)
    with pytest.raises(ZeroDivisionError, match="no such place"):
        both.wait(60)
    assert both["good"].landscape.shape == (5, 5)
    assert both.statuses[0]["phase"] == "error"
    assert "no such place" in both.statuses[0]["message"]
    assert both.statuses[1]["phase"] == "done"
    assert np.isnan(both.to_frame()["lowest"][0])


def test_wrong_members_are_named(compare):
    with pytest.raises(ValueError, match="0 landscapes"):
        compare({})
    with pytest.raises(ValueError, match="13 landscapes"):
        compare({k: np.eye(5) for k in range(13)})
    with pytest.raises(TypeError, match="'x': explore cannot look at a set"):
        compare({"x": {1, 2}})
    with pytest.raises(ValueError, match="'deep' has 3 dimensions"):
        compare({"deep": np.zeros((3, 3, 3)) + np.arange(3), "flat": np.eye(5)})
    with pytest.raises(ValueError, match="same text"):
        compare({1: np.eye(5), "1": np.eye(5)})
    with pytest.raises(TypeError, match="belong to one model"):
        compare({"a": np.eye(5)}, paths=[])


def test_finished_landscapes_functions_and_files_stand_side_by_side(compare, tmp_path):
    x = np.linspace(-1, 1, 9)
    landscape = nbl.Landscape.from_array(np.add.outer(x**2, x), (x, x))
    path = landscape.save(tmp_path / "kept.npz")
    mixed = compare(
        {"array": np.eye(5), "landscape": landscape, "file": path, "f": lambda a, b: a * b},
        bounds=((-1, 1), (-1, 1)),
        points=5,
    ).wait(60)
    assert list(mixed.landscapes) == mixed.names
    np.testing.assert_array_equal(mixed["file"].landscape.values, landscape.values)
    mixed.request(span=2.0)  # only the function can be sampled again
    mixed.wait(60)
    assert mixed["f"].surface["spec"]["span"] == [2.0, 2.0]
    page = mixed.to_html(tmp_path / "page.html")
    assert "comparison" in page
    assert (tmp_path / "page.html").read_text() == page
    assert mixed.save_png(tmp_path / "all.png").stat().st_size > 5000


def test_closing_stops_and_forgets(compare):
    import threading

    running, release = threading.Event(), threading.Event()

    def slow(x, y):
        running.set()
        release.wait(10)
        return x

    both = compare({"slow": slow, "other": lambda x, y: x}, bounds=((0, 1), (0, 1)), points=33)
    assert running.wait(20)
    both.close()
    release.set()
    assert both.surfaces == []
    assert both.comm is None


def test_type_checkers_are_told_what_a_dict_gives():
    # The overloads repeat the options: they must not fall behind.
    of_dict, of_anything = typing.get_overloads(nbl.explore)
    names = set(inspect.signature(nbl.explore).parameters) - {"x"}
    for overload, result in ((of_dict, nbl.Comparison), (of_anything, nbl.Explorer)):
        hints = typing.get_type_hints(overload)
        assert hints["return"] is result
        assert set(typing.get_args(hints["options"])[0].__annotations__) == names
