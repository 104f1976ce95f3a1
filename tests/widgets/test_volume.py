"""Landscapes of three dimensions: what the page gets, what Python reads, and what is refused."""

import base64
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

import nblandscape as nbl
from nblandscape.topology import merge_tree
from nblandscape.widgets import _volume

FIXTURE = Path(__file__).parents[1] / "data" / "protocol" / "volume.json"
PARTS = FIXTURE.with_name("volume_parts.json")


def wells(n: int = 17, holes: bool = False) -> nbl.Landscape:
    """Two wells along the first axis, the left one deeper, on a grid of three lengths."""
    x, y, z = np.linspace(-2, 2, n), np.linspace(-1, 1, n - 4), np.linspace(0, 1, n - 8)
    a, b, c = np.meshgrid(x, y, z, indexing="ij")
    values = (a**2 - 1) ** 2 + 0.3 * a + b**2 + (c - 0.5) ** 2 + 2
    if holes:
        values[-3:, :2, 0] = np.nan
    return nbl.Landscape.from_array(values, (x, y, z), ("a", "b", "c"))


def test_a_landscape_travels_as_differences_from_its_middle(explore) -> None:
    landscape = wells(holes=True)
    explorer = explore(landscape)
    sent = explorer.volume
    assert sent["shape"] == [17, 13, 9]
    assert explorer.surface is None
    assert (sent["id"], sent["known"], sent["holes"]) == (1, 1.0, 6)
    assert sent["base"] == landscape.values[8, 6, 4]
    values = np.frombuffer(sent["values"], "<f4").reshape(17, 13, 9)
    np.testing.assert_allclose(values + sent["base"], landscape.values, atol=1e-5)
    for k, axis in enumerate(landscape.axes):
        np.testing.assert_array_equal(np.frombuffer(sent[f"x{k}"], "<f8"), axis)
    assert explorer.source["subtitle"] == "17 × 13 × 9 values"


def test_the_tree_is_that_of_the_triangulation_of_the_isosurface(explore) -> None:
    # With all 26 neighbours the two low corners would touch; Freudenthal's edges do not join them.
    values = np.ones((3, 3, 3))
    values[0, 1, 1], values[1, 0, 1] = 0.0, 0.1
    landscape = nbl.Landscape.from_array(values)
    assert len(merge_tree(values).minima) == 1
    explorer = explore(landscape)
    assert len(explorer.merge_tree.minima) == 2
    assert explorer.merge_tree.connectivity == "freudenthal"


def test_what_python_reads(explore, tmp_path) -> None:
    explorer = explore(wells())
    explorer.select_minimum(1)
    assert explorer.selection["coordinates"] == pytest.approx([1.0, 0.0, 0.5], abs=0.13)
    table = explorer.to_frame()
    assert table.dtype.names[:4] == ("x0", "x1", "x2", "loss")
    np.testing.assert_allclose(table["loss"], [1.7, 2.3], atol=0.05)
    assert table["x0"][0] < 0 < table["x0"][1]
    assert table["x2"].tolist() == [0.5, 0.5]
    with pytest.raises(RuntimeError, match="no model behind"):
        explorer.selected_state_dict()
    explorer.view = {**explorer.view, "volume": {"level": 2.5, "slices": [None, 0.0, None]}}
    again = explore(explorer.save(tmp_path / "wells.npz"))
    assert again.volume["values"] == explorer.volume["values"]
    assert again.view["volume"] == {"level": 2.5, "slices": [None, 0.0, None]}
    assert again.selection == explorer.selection
    assert explorer.save_png(tmp_path / "wells.png").read_bytes().startswith(b"\x89PNG")
    page = explorer.to_html()
    assert '"volume":{"id":1' in page
    explorer.close()
    assert explorer.volume is None


def test_tree_and_table_weigh_basins_alike(explore) -> None:
    x = np.array([-2.0, -1.5, -1, -0.5, 0, 0.25, 1, 3])  # cells of many sizes
    values = np.broadcast_to(((x**2 - 1) ** 2 + x / 8)[:, None, None] + (x**2)[:, None] + x**2, (8, 8, 8))
    explorer = explore(nbl.Landscape.from_array(values, (x, x, x)))
    volumes = np.frombuffer(explorer.page_state()["tree"]["volumes"])
    assert volumes.sum() == pytest.approx(5.0**3)
    shares = dict(zip(explorer.merge_tree.pairs["birth"], volumes / volumes.sum(), strict=True))
    table = explorer.to_frame()
    assert len(table) == 2
    np.testing.assert_allclose(table["share"], [shares[loss] for loss in table["loss"]])


def test_a_saved_landscape_and_an_array_are_shown_alike(explore, tmp_path) -> None:
    landscape = wells()
    shown = explore(landscape.save(tmp_path / "volume.npz")).volume
    assert shown["values"] == explore(landscape).volume["values"]
    assert explore(landscape.values).volume["shape"] == [17, 13, 9]


def test_a_model_s_landscape_tells_metrics_and_where_the_model_is(explore) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2).double()
    data = [(torch.randn(12, 3).double(), torch.arange(12) % 2)]
    entropy = torch.nn.functional.cross_entropy
    objective = nbl.Objective(model, entropy, data, metrics={"entropy": entropy})
    subspace = nbl.Subspace.random(objective, 3, normalize=None)
    landscape = nbl.sample(objective, subspace, points=5, span=0.5)
    sent = explore(landscape).volume
    assert sent["metrics"].keys() == {"entropy"}
    np.testing.assert_allclose(
        np.frombuffer(sent["metrics"]["entropy"], "<f4"), landscape.values.ravel(), 1e-6
    )
    assert sent["model"]["at"] == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(sent["model"]["gram"], subspace.gram, rtol=1e-12)


def test_a_range_of_rounding_errors_has_a_picture(explore, tmp_path) -> None:
    values = 1e6 + 1e-9 * np.random.default_rng(0).random((5, 5, 5))
    explorer = explore(nbl.Landscape.from_array(values))
    assert explorer.save_png(tmp_path / "flat.png").read_bytes().startswith(b"\x89PNG")


def test_a_function_of_three_numbers_is_sampled_coarse_to_fine(explore) -> None:
    seen: list[tuple[float, list[int]]] = []

    def bowl(p: float, q: float, r: float) -> float:
        return (p - 1) ** 2 + 2 * q**2 + 3 * r**2

    explorer = explore(bowl, bounds=((0, 2), (-1, 1), (-2, 2)), points=9).wait(60)
    assert explorer.volume["shape"] == [9, 9, 9]
    explorer.observe(lambda change: seen.append((change["new"]["known"], change["new"]["shape"])), "volume")
    explorer.request(points=33)
    landscape = explorer.wait(60).landscape
    assert seen[0] == (pytest.approx(9**3 / 33**3), [9, 9, 9])
    assert seen[1] == (pytest.approx(17**3 / 33**3), [17, 17, 17])
    assert seen[-1] == (1.0, [33, 33, 33])
    assert landscape.labels == ("p", "q", "r")
    assert [float(axis[0]) for axis in landscape.axes] == [0.0, -1.0, -2.0]
    assert landscape.values[5, 7, 9] == pytest.approx(bowl(*landscape.coordinates(5 * 33**2 + 7 * 33 + 9)))
    assert landscape.coordinates(int(explorer.merge_tree.minima[0])) == (1.0, 0.0, 0.0)
    assert explorer.status["phase"] == "done"
    explorer.request(scale="log")
    explorer.wait(60)
    assert len(seen) == 3  # nothing to sample


def test_a_function_may_fail_and_be_cancelled(explore) -> None:
    explorer = explore(lambda a, b, c: a * b * c, bounds=((0, 1),) * 3, points=5).wait(60)
    explorer.request(points=129)
    explorer.cancel()
    explorer.wait(60)
    assert explorer.status["phase"] == "cancelled"
    assert explorer.page_state()["status"]["phase"] == "done"
    assert explorer.volume["shape"][0] < 129
    with pytest.raises(TypeError, match=r"returned a str; it must return one number"):
        explore(lambda _a, _b, _c: "no", bounds=((0, 1),) * 3)
    with pytest.raises(ValueError, match="each pair must increase"):
        explore(lambda _a, _b, _c: 0.0, bounds=((0, 1), (1, 0), (0, 1)))
    with pytest.raises(ValueError, match="not finite anywhere"):
        explore(lambda _a, _b, _c: float("nan"), bounds=((0, 1),) * 3, points=5).wait(60)


def test_other_dimensions_say_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"this one has 4. Keep three axes, .*\[:, :, :, k\]\).*profile"):
        nbl.explore(np.zeros((3, 3, 3, 3)))
    with pytest.raises(ValueError, match=r"this one has 5. .*\[:, :, :, k, k\]"):
        nbl.explore(np.zeros((3, 3, 3, 3, 3)))
    with pytest.raises(ValueError, match=r"this one has 1. Plot its values"):
        nbl.explore(np.arange(4.0))
    with pytest.raises(ValueError, match=r"three dimensions; this one has 2. Use SurfaceView"):
        nbl.VolumeView(nbl.Landscape.from_array(np.eye(3)))
    with pytest.raises(ValueError, match="level=nan must be finite"):
        nbl.VolumeView(wells(), level=float("nan"))
    with pytest.raises(ValueError, match="three in all"):
        nbl.VolumeView(wells(), slices=(0.0, None))


def test_129_points_per_axis_are_sent_whole() -> None:
    x = np.linspace(-1, 1, 129)
    ball = nbl.Landscape.from_array(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2, (x, x, x))
    with nbl.VolumeView(ball, level=0.25, slices=(None, None, 0.5)) as view:
        assert len(view.volume["values"]) == 4 * 129**3
        assert len(view.tree["basins"]) == 2 * 129**3
        assert view.view["volume"] == {"level": 0.25, "slices": [None, None, 0.5]}


def test_fixture_holds_what_is_sent() -> None:
    sent = _volume.volume(wells(11, holes=True), 3)
    made = {k: {"$b": base64.b64encode(v).decode()} if isinstance(v, bytes) else v for k, v in sent.items()}
    if os.environ.get("NBL_WRITE_FIXTURES") == "1":
        FIXTURE.write_text(json.dumps(made, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    assert json.loads(FIXTURE.read_text(encoding="utf-8")) == made


def test_fixture_holds_the_parts_that_isosurfaces_have() -> None:
    """How many branches of the tree are alive at each level; vitest counts the pieces of the isosurface."""
    made = []
    for seed, holes in ((0, 0.0), (1, 0.0), (2, 0.15)):
        rng = np.random.default_rng(seed)
        values = rng.random((5, 6, 4)).astype("f4").astype(float)
        values[rng.random(values.shape) < holes] = np.nan
        pairs = merge_tree(values, connectivity="freudenthal").pairs
        levels = np.round(np.linspace(0.08, 0.6, 9), 3).tolist()
        alive = [int(((pairs["birth"] <= level) & (pairs["death"] > level)).sum()) for level in levels]
        known = [None if np.isnan(value) else value for value in values.ravel().tolist()]
        made.append({"shape": list(values.shape), "values": known, "levels": levels, "parts": alive})
    assert max(made[0]["parts"]) > 5
    if os.environ.get("NBL_WRITE_FIXTURES") == "1":
        PARTS.write_text(json.dumps(made, allow_nan=False) + "\n", encoding="utf-8")
    assert json.loads(PARTS.read_text(encoding="utf-8")) == made
