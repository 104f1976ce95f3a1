"""The offline file: size, order of its views, same bytes, frames of the sliders, frames in other pages."""

import html
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

import nblandscape as nbl
from nblandscape.widgets._frames import MOST, sliders
from nblandscape.widgets._spec import Spec

WINDOW = ((-5.0, 5.0), (-5.0, 5.0))


def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def state_of(page):
    return json.loads(re.search(r'id="nblandscape-state">(.*?)</script>', page, re.DOTALL)[1])


def spans(page):
    return [frame["spec"]["span"][0] for frame in state_of(page)["frames"]]


@pytest.fixture
def explorer():
    with nbl.explore(himmelblau, bounds=WINDOW, points=17, wait=True) as explorer:
        yield explorer


@pytest.fixture
def of_model():
    torch.manual_seed(0)
    x = torch.randn(40, 3)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    objective = nbl.Objective(model, torch.nn.MSELoss(), (x, x[:, :1] * x[:, 1:2]))
    with nbl.explore(objective, points=9, largest=3, smallest=2, wait=True) as explorer:
        yield explorer


def test_the_page_says_its_size_and_its_views(explorer, tmp_path):
    page = explorer.to_html(tmp_path / "page.html", frames=[{"span": 2.0}, {"span": 3.0}])
    assert page.size == (tmp_path / "page.html").stat().st_size == len(page.encode())
    assert (page.frames, page.dropped) == (3, 0)
    assert repr(page) == f"Page({page.size / 1e3:.0f} kB, 3 views)"


def test_views_stand_in_the_order_of_their_importance_and_bytes_are_the_same(explorer):
    page = explorer.to_html(frames=[{"span": 3.0}, {"span": 2.0}, {"span": 4.0}])
    assert spans(page) == [5.0, 3.0, 2.0, 4.0]
    # What was looked at last does not matter, and what was not asked for comes by likeness.
    explorer.request(span=2.0)
    explorer.wait()
    explorer.request(span=5.0)
    explorer.wait()
    again = explorer.to_html()
    assert spans(again) == [5.0, 4.0, 3.0, 2.0]
    assert again == explorer.to_html()


def test_views_that_do_not_fit_are_dropped_from_the_end_with_a_message(explorer):
    wanted = [{"span": 3.0}, {"span": 2.0}, {"span": 4.0}]
    whole = explorer.to_html(frames=wanted)
    assert spans(explorer.to_html(frames=wanted, max_bytes=whole.size)) == [5.0, 3.0, 2.0, 4.0]
    with pytest.warns(UserWarning, match="1 of 4 views were left out, the last ones first"):
        page = explorer.to_html(frames=wanted, max_bytes=whole.size - 1)
    assert spans(page) == [5.0, 3.0, 2.0]
    assert page.size <= whole.size - 1
    assert (page.frames, page.dropped) == (3, 1)
    assert page.message.endswith("3 views, 1 more left out")
    smallest = explorer.to_html(frames=wanted).size - sum(
        len(json.dumps(f, separators=(",", ":"))) for f in state_of(whole)["frames"]
    )
    with pytest.warns(UserWarning, match="3 of 4 views"):
        alone = explorer.to_html(frames=wanted, max_bytes=smallest + 10)
    assert spans(alone) == []
    assert alone.frames == 1
    with pytest.raises(ValueError, match=r"with one view alone, more than max_bytes=.*fewer points"):
        explorer.to_html(frames=wanted, max_bytes=smallest - 10)


def test_frames_of_the_sliders_are_neighbours_and_limited(explorer, of_model):
    assert spans(explorer.to_html(frames="sliders")) == [5.0, 2.5, 10.0, 1.25, 20.0]
    present = Spec.from_wire(of_model.spec)
    wanted = sliders(of_model._source, present)
    assert len(wanted) <= MOST - 1
    keys = {present.changed(**changes).key for changes in wanted}
    assert len(keys) == len(wanted), "no view twice"
    assert present.key not in keys
    axes = [changes["axes"] for changes in wanted if "axes" in changes]
    assert len(axes) == 6
    # One eigenvector further along either axis comes first; of five, 0, 1, 2 are large and -2, -1 small.
    assert set(axes[:2]) == {(1, -1), (0, -2)}
    assert all(a != b and min(a, b) >= -2 and max(a, b) <= 2 for a, b in axes)
    offsets = [changes["offset"] for changes in wanted if "offset" in changes]
    assert [set(offset) for offset in offsets] == [{1}] * 4
    page = of_model.to_html(frames="sliders")
    assert page.frames == len(wanted) + 1
    with pytest.raises(ValueError, match="frames='slider'; use \"sliders\""):
        explorer.to_html(frames="slider")


def test_a_finished_landscape_needs_no_frames_for_its_sliders():
    with nbl.explore(np.eye(9)) as explorer:
        assert explorer.to_html(frames="sliders").frames == 1


def test_computing_frames_can_be_cancelled_and_what_is_there_is_kept(explorer):
    asked = []

    def cancel():
        asked.append(1)
        return len(explorer._results.items()) > 2

    with pytest.raises(nbl.Cancelled):
        explorer._page(frames="sliders", cancel=cancel)
    assert asked
    assert explorer.to_html().frames == 3


def test_nothing_computed_yet_is_an_error_rather_than_an_empty_page():
    with nbl.explore(lambda x, y: 1 / x, bounds=((-1, 2), (-1, 1)), points=7) as explorer:
        with pytest.raises(ZeroDivisionError):
            explorer.wait()
        with pytest.raises(RuntimeError, match="Nothing has been computed"):
            explorer.to_html()
        with pytest.raises(ZeroDivisionError):
            explorer.embed()


def test_a_theme_is_chosen_or_the_readers(explorer):
    assert '<html lang="en">' in explorer.to_html()
    assert '<html lang="en" data-theme="dark">' in explorer.to_html(theme="dark")
    with pytest.raises(ValueError, match="theme='black'"):
        explorer.to_html(theme="black")


def test_embedded_it_is_one_sandboxed_line(explorer):
    shown = explorer.embed(height=480, title='"><script>alert(1)</script>', theme="light")
    markup = shown._repr_html_()
    assert markup.count("\n") == 0
    assert markup.startswith('<iframe class="nblandscape-embedded" sandbox="allow-scripts" title="&quot;&gt;')
    assert "height:480px" in markup
    assert markup.count("<") == 2, "nothing but the frame is markup"
    inner = html.unescape(re.search(r'srcdoc="([^"]*)"', markup)[1])
    assert inner == shown.page
    assert state_of(inner)["height"] == "calc(100vh - 26px)"
    assert repr(shown) == f"Embedded({shown.page.message})"
    assert "height:calc(740px + 26px)" in explorer.embed()._repr_html_()
    with pytest.raises(ValueError, match="height='1;color:red'"):
        explorer.embed(height="1;color:red")


def test_other_views_are_embedded_too():
    wave = np.sin(np.arange(9.0))
    views = [
        nbl.explore({"a": np.add.outer(wave, wave), "b": np.multiply.outer(wave, wave)}),
        nbl.explore(np.multiply.outer(np.multiply.outer(wave, wave), wave)),
        nbl.SurfaceView(nbl.Landscape.from_array(np.add.outer(wave, wave))),
    ]
    for view in views:
        with view:
            assert view.embed(height="60vh", theme="dark").page.frames == 1
            with pytest.raises(ValueError, match="with one view alone"):
                view.embed(max_bytes=1000)


def test_the_command_line_writes_the_page_and_says_what_is_in_it(explorer, tmp_path):
    saved = explorer.save(tmp_path / "saved")
    target = tmp_path / "out.html"
    command = [sys.executable, "-m", "nblandscape", "view", str(saved), "--html", str(target)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{target} ({target.stat().st_size / 1e3:.0f} kB, 1 view)\n"
