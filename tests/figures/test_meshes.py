"""Meshes have the true sizes, are read back from files, and a machine that cannot render says so."""

import json

import numpy as np
import pytest

import nblandscape as nbl
from nblandscape.figures import meshes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def ball(n: int = 31) -> nbl.Landscape:
    x, y, z = np.linspace(-1, 1, n), np.linspace(-2, 2, n), np.linspace(-1, 1, n)
    values = x[:, None, None] ** 2 + (y[:, None] / 2) ** 2 + z**2
    return nbl.Landscape.from_array(values, (x, y, z), ("v₁", "v₂", "v₋₁"))


def test_an_isosurface_is_the_ellipsoid_that_it_should_be():
    mesh = meshes.isosurfaces(ball(), [0.25])
    np.testing.assert_allclose(np.array(mesh.bounds), [-0.5, 0.5, -1, 1, -0.5, 0.5], atol=0.01)
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 0.5 * 1 * 0.5, rel=0.02)
    np.testing.assert_allclose(mesh.point_data["loss"], 0.25)
    assert len(np.unique(meshes.isosurfaces(ball(9), 3).point_data["loss"].round(6))) == 3


def test_values_stay_with_their_coordinates():
    landscape = ball(7)
    grid = meshes.volume(landscape)
    for point, loss in zip(grid.points[::17], grid.point_data["loss"][::17], strict=True):
        assert loss == pytest.approx(point[0] ** 2 + (point[1] / 2) ** 2 + point[2] ** 2)


def test_a_surface_leaves_holes_out_and_keeps_losses():
    values = np.add.outer(np.arange(5.0), np.arange(4.0))
    values[2, 2] = np.nan
    mesh = meshes.surface(nbl.Landscape.from_array(values))
    assert mesh.n_cells == 2 * (4 * 3 - 4)
    assert mesh.bounds[1] == 4


@pytest.mark.parametrize("ending", [".vtp", ".stl", ".ply", ".vtk", ".obj"])
def test_exported_meshes_are_read_back(tmp_path, ending):
    import pyvista

    mesh = meshes.isosurfaces(ball(15), [0.25])
    again = pyvista.read(meshes.export_mesh(mesh, tmp_path / f"ball{ending}"))
    assert again.n_points > 50
    np.testing.assert_allclose(np.array(again.bounds), np.array(mesh.bounds), atol=1e-4)


def test_a_volume_is_exported_too(tmp_path):
    import pyvista

    again = pyvista.read(meshes.export_mesh(meshes.volume(ball(5)), tmp_path / "ball.vtr"))
    np.testing.assert_allclose(again.point_data["loss"], meshes.volume(ball(5)).point_data["loss"])


def test_what_cannot_be_made_is_named(tmp_path):
    with pytest.raises(ValueError, match="2 dimensions"):
        meshes.volume(nbl.Landscape.from_array(np.eye(3)))
    with pytest.raises(ValueError, match="3 dimensions"):
        meshes.surface(ball(3))
    with pytest.raises(ValueError, match="between 0 and 3"):
        meshes.isosurfaces(ball(3), [7.0])
    with pytest.raises(ValueError, match=r"\.stl"):
        meshes.export_mesh(meshes.isosurfaces(ball(9)), tmp_path / "ball.png")
    with pytest.raises(FileNotFoundError):
        meshes.export_mesh(meshes.isosurfaces(ball(9)), tmp_path / "no" / "ball.stl")


def test_isosurfaces_stay_clear_of_holes():
    landscape = ball(21)
    values = landscape.values.copy()
    values[:10, :10, :10] = np.nan
    landscape = nbl.Landscape.from_array(values, landscape.axes)
    mesh = meshes.isosurfaces(landscape, [0.25, 0.5])
    assert np.isfinite(mesh.points).all()
    assert np.isfinite(mesh.point_data["loss"]).all()
    inside = (mesh.points[:, 0] < -0.11) & (mesh.points[:, 1] < -0.21) & (mesh.points[:, 2] < -0.11)
    assert not inside.any()


@pytest.mark.parametrize("ending", [".gltf", ".glb"])
def test_gltf_is_written_where_vtk_can_render_and_says_so_elsewhere(tmp_path, monkeypatch, ending):
    mesh = meshes.isosurfaces(ball(9), [0.25])
    if meshes.can_render():
        written = meshes.export_mesh(mesh, tmp_path / f"ball{ending}")
        assert written.stat().st_size > 1000
        if ending == ".gltf":
            content = json.loads(written.read_text())
            assert content["asset"]["version"] == "2.0"
            assert content["meshes"]
    monkeypatch.setattr(meshes, "can_render", lambda: False)
    with pytest.raises(RuntimeError, match="cannot render"):
        meshes.export_mesh(mesh, tmp_path / f"other{ending}")


def test_the_vertical_axis_of_a_surface_has_the_numbers_of_the_loss(monkeypatch):
    if not meshes.can_render():
        pytest.skip("VTK cannot render here")
    import pyvista

    seen = {}
    real = pyvista.Plotter.show_bounds

    def spy(plotter, **options):
        seen.update(options)
        return real(plotter, **options)

    monkeypatch.setattr(pyvista.Plotter, "show_bounds", spy)
    x = np.linspace(-1, 1, 9)
    landscape = nbl.Landscape.from_array(100 + 800 * (x[:, None] ** 2 + x**2), (x, x), ("a", "b"))
    meshes.screenshot(meshes.surface(landscape), landscape.labels, size=(200, 150))
    np.testing.assert_allclose(seen["axes_ranges"], [-1, 1, -1, 1, 100, 1700])
    assert seen["ztitle"] == "loss"


@pytest.mark.timeout(200)
def test_p51_rendering_is_tried_in_a_process_of_its_own(tmp_path, monkeypatch):
    mesh = meshes.isosurfaces(ball(15))
    if meshes.can_render():
        picture = meshes.screenshot(mesh, ball(3).labels, tmp_path / "ball.png", size=(300, 200))
        assert picture.shape[:2] == (200, 300)
        left = picture[:, :240, :3].astype(int)  # beside the colour bar; axes and text are grey
        assert (np.ptp(left, axis=2) > 40).mean() > 0.02
        assert (tmp_path / "ball.png").stat().st_size > 1000
    meshes.can_render.cache_clear()
    monkeypatch.setattr(meshes, "_PROBE", "import os; os.abort()")  # what VTK does without a back end
    with pytest.raises(RuntimeError, match="libosmesa6"):
        meshes.screenshot(mesh, ("a", "b", "c"))
    meshes.can_render.cache_clear()
