"""One member fails, whenever it does: the others are computed, aligned, told of and drawn."""

import numpy as np
import pytest
import torch
from torch import nn

import nblandscape as nbl


@pytest.fixture
def compare():
    made = []

    def make(given, **options):
        made.append(nbl.explore(given, **options))
        return made[-1]

    yield make
    for comparison in made:
        comparison.close()


class NoWayBack(torch.autograd.Function):
    """A function that has no derivative."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise ArithmeticError("the model is broken")


class Broken(nn.Module):
    """A model that never runs, or that cannot be differentiated."""

    def __init__(self, *, always):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))
        self.always = always

    def forward(self, x):
        if self.always:
            raise ArithmeticError("the model is broken")
        return NoWayBack.apply(x @ self.w)


class Sound(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.w = nn.Parameter(torch.ones(3))
        self.scale = scale

    def forward(self, x):
        return (x * self.scale) @ self.w


DATA = (torch.eye(3) + 0.5, torch.zeros(3))


def test_what_fails_at_once_stands_beside_the_others_with_its_error(compare):
    def crash(x, y):
        raise ArithmeticError("there is no such function")

    given = {
        "<b>crash</b>": crash,
        "nothing": np.full((5, 5), np.nan),
        "model": (Broken(always=True), nn.MSELoss(), [DATA]),
        "bowl": lambda x, y: x * x + y * y,
    }
    several = compare(given, bounds=((-1, 1), (-1, 1)), points=5)
    with pytest.raises(ArithmeticError, match="'<b>crash</b>': there is no such function"):
        several.wait(60)
    assert list(several.landscapes) == ["bowl"]
    phases = [status["phase"] for status in several.statuses]
    assert phases == ["error", "error", "error", "done"]
    messages = [status["message"] for status in several.statuses]
    assert "no such function" in messages[0]
    assert "finite" in messages[1]
    assert "the model is broken" in messages[2]
    table = several.to_frame()
    assert np.isnan(table["lowest"][:3]).all()
    assert table["lowest"][3] == 0
    # Display, report and book wait for what can be computed; only wait() speaks of what cannot.
    several._finish()
    assert b"PNG" in several._png()[:8]


def test_the_picture_has_a_card_for_each_member_that_failed(compare, tmp_path, monkeypatch):
    from nblandscape.figures import comparison_figure

    def crash(x, y):
        raise ArithmeticError("no $x^$ <i>here</i>")

    drawn = []
    monkeypatch.setattr(
        "nblandscape.figures.comparison_figure",
        lambda *given, **options: drawn.append(comparison_figure(*given, **options)) or drawn[-1],
    )
    given = {"crash": crash, "bowl": lambda x, y: x * x + y * y, "$a^$": crash}
    several = compare(given, bounds=((-1, 1), (-1, 1)), points=5)
    several._finish()
    path = several.save_png(tmp_path / "all.png", dpi=50)
    assert path.read_bytes().startswith(b"\x89PNG")
    columns = [axes.get_title() for axes in drawn[0].axes if axes.get_title() in given]
    assert columns == list(given)
    texts = [text.get_text() for axes in drawn[0].axes for text in axes.texts]
    assert sum("ArithmeticError: no $x^$" in text for text in texts) == 2


def test_the_others_have_one_window_when_one_fails_before_it_has_chosen(compare):
    given = {
        "broken": nbl.Objective(Broken(always=False), nn.MSELoss(), [DATA]),
        "a": nbl.Objective(Sound(1.0), nn.MSELoss(), [DATA]),
        "b": nbl.Objective(Sound(5.0), nn.MSELoss(), [DATA]),
    }
    several = compare(given, points=5, largest=1, smallest=1)
    with pytest.raises(ArithmeticError, match="'broken': the model is broken"):
        several.wait(60)
    assert several.specs[0] is None
    assert several["a"].surface["spec"]["span"] == several["b"].surface["spec"]["span"]


def test_a_wrong_request_is_no_failed_member(compare, tmp_path):
    with pytest.raises(FileNotFoundError):
        compare({"lost": tmp_path / "lost.npz", "there": np.eye(5)})
    with pytest.raises(ValueError, match="'f': bounds="):
        compare({"f": lambda x, y: x}, bounds=((1, 0), (0, 1)))


def test_errors_over_batches_travel_with_the_losses(compare):
    batches = [(torch.eye(3) * k, torch.zeros(3)) for k in (1.0, 2.0, 4.0)]
    given = {"noisy": nbl.Objective(Sound(1.0), nn.MSELoss(), batches), "exact": np.eye(5)}
    both = compare(given, points=5, largest=1, smallest=1).wait(60)
    landscape = both["noisy"].landscape
    errors = np.frombuffer(both.surfaces[0]["stderr"], "<f4").reshape(landscape.shape)
    losses = landscape.batch_losses
    assert losses.shape[-1] == 3
    np.testing.assert_allclose(errors, losses.std(axis=-1, ddof=1) / np.sqrt(3), rtol=1e-5)
    assert "stderr" not in both.surfaces[1]


def test_pictures_know_scale_and_cut(compare, monkeypatch):
    seen = []

    def drawn(landscapes, **options):
        from nblandscape.figures.comparison import comparison_figure

        seen.append(options)
        return comparison_figure(landscapes, **options)

    monkeypatch.setattr("nblandscape.figures.comparison_figure", drawn)
    x = np.linspace(-1, 1, 9)
    bowl = np.add.outer(x**2, x**2) - 1
    both = compare({"bowl": bowl, "high": bowl * 1000}, scale="symlog")
    symlog = both._png()
    both.set_state({"view": {**both.view, "clip": 5.0}})
    cut = both._png()
    both.request(scale="linear")
    linear = both._png()
    assert [(o["scale"], o["clip"]) for o in seen] == [("symlog", None), ("symlog", 5.0), ("linear", 5.0)]
    assert len({symlog, cut, linear}) == 3
