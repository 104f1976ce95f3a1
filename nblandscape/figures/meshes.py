"""Three-dimensional landscapes as meshes: isosurfaces, volumes, export (pyvista)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape

_POLYGONS = (".vtp", ".vtk", ".stl", ".ply", ".obj", ".gltf", ".glb")
_GRIDS = (".vtr", ".vtk")
_PROBE = """
import pyvista
plotter = pyvista.Plotter(off_screen=True, window_size=(32, 32))
plotter.add_mesh(pyvista.Sphere())
plotter.screenshot(None, return_img=True)
plotter.close()
"""


def volume(landscape: Landscape) -> Any:
    """Make a `pyvista.RectilinearGrid` of a three-dimensional landscape, with its true coordinates.

    Raises
    ------
    ValueError
        Another dimension; take `Landscape` slices of higher ones.
    ModuleNotFoundError
        pyvista is not installed.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> x = np.linspace(-1, 1, 5)
    >>> ball = nbl.Landscape.from_array(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2, (x, x, x))
    >>> volume(ball).dimensions
    (5, 5, 5)
    """
    if landscape.dim != 3:
        raise ValueError(f"The landscape has {landscape.dim} dimensions; a volume needs 3.")
    grid = _pyvista().RectilinearGrid(*landscape.axes)
    grid.point_data["loss"] = landscape.values.ravel(order="F")
    return grid


def isosurfaces(landscape: Landscape, levels: Sequence[float] | int = 5) -> Any:
    """Make the surfaces of equal loss of a three-dimensional landscape (`pyvista.PolyData`).

    Cells with a hole at a corner are left out.

    Parameters
    ----------
    landscape : Landscape, three-dimensional
    levels : sequence of float, or how many between the extremes

    Raises
    ------
    ValueError
        No surface has one of the levels.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> x = np.linspace(-1, 1, 41)
    >>> ball = nbl.Landscape.from_array(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2, (x, x, x))
    >>> round(isosurfaces(ball, [0.25]).area / np.pi, 1)  # a sphere of radius 1/2
    1.0
    """
    finite = landscape.values[np.isfinite(landscape.values)]
    low, high = float(finite.min()), float(finite.max())
    wanted = (
        np.linspace(low, high, levels + 2)[1:-1] if isinstance(levels, int) else np.asarray(levels, float)
    )
    grid = volume(landscape)
    if landscape.holes:  # VTK would make points without coordinates of them
        known = np.isfinite(landscape.values)
        for axis in range(3):
            known = np.delete(known, -1, axis) & np.delete(known, 0, axis)
        grid = grid.extract_cells(np.flatnonzero(known.ravel(order="F")))
    surfaces = grid.contour(list(wanted), scalars="loss") if grid.n_cells else grid
    if surfaces.n_points == 0:
        raise ValueError(
            f"No point has a loss of {wanted.tolist()}; the losses are between {low:g} and {high:g}."
        )
    return surfaces


def surface(landscape: Landscape, *, height: float = 0.6) -> Any:
    """Make the surface of a two-dimensional landscape (`pyvista.PolyData`), holes left out.

    Parameters
    ----------
    landscape : Landscape, two-dimensional
    height : float
        Of the range of losses, relative to the wider axis. The losses themselves are the point data "loss".

    Raises
    ------
    ValueError
        Another dimension.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> mesh = surface(nbl.Landscape.from_array(np.add.outer(np.arange(3.0), np.arange(4.0))))
    >>> mesh.n_points, mesh.n_cells
    (12, 12)
    """
    if landscape.dim != 2:
        raise ValueError(f"The landscape has {landscape.dim} dimensions; a surface needs 2.")
    pyvista = _pyvista()
    values = landscape.values
    known = np.isfinite(values)
    low, spread = float(values[known].min()), float(np.ptp(values[known])) or 1.0
    scale = height * max(float(np.ptp(axis)) for axis in landscape.axes) / spread
    x, y = np.meshgrid(*landscape.axes, indexing="ij")
    points = np.column_stack([x.ravel(), y.ravel(), scale * (np.where(known, values, low) - low).ravel()])
    n0, n1 = values.shape
    corners = np.arange(n0 * n1).reshape(n0, n1)
    quads = np.stack([corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], axis=-1)
    quads = quads.reshape(-1, 4)
    quads = quads[known.ravel()[quads].all(axis=1)]
    mesh = pyvista.PolyData(points, np.column_stack([np.full(len(quads), 4), quads]).ravel())
    mesh.point_data["loss"] = values.ravel()
    return mesh.triangulate()


def export_mesh(mesh: Any, path: str | os.PathLike[str]) -> Path:
    """Write a mesh to VTK, glTF, STL, PLY or OBJ, by the name's ending.

    Raises
    ------
    ValueError
        An ending that is not supported for this kind of mesh.
    FileNotFoundError
        The folder does not exist.
    RuntimeError
        glTF, where VTK cannot render.

    Examples
    --------
    >>> import tempfile, nblandscape as nbl
    >>> mesh = surface(nbl.Landscape.from_array(np.eye(3)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_mesh(mesh, Path(folder) / "eye.stl").name
    'eye.stl'
    """
    target = Path(path)
    kinds = _POLYGONS if hasattr(mesh, "faces") else _GRIDS
    if target.suffix not in kinds:
        raise ValueError(f"{target.name}: a {type(mesh).__name__} can be written as {', '.join(kinds)}.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"The folder {target.parent} does not exist.")
    if target.suffix in (".gltf", ".glb"):
        _need_rendering()
        plotter = _pyvista().Plotter(off_screen=True)
        plotter.add_mesh(mesh, scalars="loss" if "loss" in mesh.point_data else None, cmap="viridis")
        plotter.export_gltf(str(target))
        plotter.close()
    else:
        mesh.save(str(target))
    return target


def screenshot(
    mesh: Any,
    labels: Sequence[str],
    path: str | os.PathLike[str] | None = None,
    *,
    size: tuple[int, int] = (800, 600),
    opacity: float = 0.45,
) -> np.ndarray:
    """Draw a mesh off screen, with axes in its own coordinates and a colour bar; return the picture.

    Parameters
    ----------
    mesh : pyvista.PolyData
        Of `isosurfaces` or `surface`.
    labels : sequence of str
        Of the axes. With two of them the third axis has the numbers of the loss.
    path : path, optional
        Of a picture to write.
    size : tuple (width, height)
        In pixels.
    opacity : float

    Raises
    ------
    RuntimeError
        This machine cannot render off screen; the message says what to install.
    """
    _need_rendering()
    with _quiet():
        return _drawn(mesh, labels, path, size, opacity)


def _drawn(
    mesh: Any,
    labels: Sequence[str],
    path: str | os.PathLike[str] | None,
    size: tuple[int, int],
    opacity: float,
) -> np.ndarray:
    plotter = _pyvista().Plotter(off_screen=True, window_size=size)
    bounds = np.array(mesh.bounds).reshape(3, 2)
    # Each axis fills the same length, or a wide window along a flat direction would be a needle.
    boxed = mesh.scale(1 / np.maximum(np.ptp(bounds, axis=1), 1e-300), inplace=False)
    if len(labels) < 3:  # heights are scaled losses
        losses = mesh.point_data["loss"]
        bounds[2] = np.nanmin(losses), np.nanmax(losses)
    letters = max(9, min(size) // 36)
    bar = {"title": "loss", "vertical": True, "color": "black", "fmt": "%.3g", "position_x": 0.84,
           "position_y": 0.25, "width": 0.06, "height": 0.5, "unconstrained_font_size": True,
           "label_font_size": letters, "title_font_size": letters}  # fmt: skip
    plotter.add_mesh(boxed, scalars="loss", cmap="viridis", opacity=opacity, smooth_shading=True,
                     ambient=0.35, scalar_bar_args=bar)  # fmt: skip
    names = [_plain(label) for label in (*labels, "loss")][:3]
    plotter.show_bounds(
        axes_ranges=bounds.ravel().tolist(), xtitle=names[0], ytitle=names[1], ztitle=names[2],
        color="black", font_size=letters, n_xlabels=3, n_ylabels=3, n_zlabels=3, fmt="%.3g",
        location="outer", grid="back",
    )  # fmt: skip
    plotter.background_color = "white"
    plotter.camera_position = "iso"
    plotter.camera.zoom(0.75)
    picture = np.asarray(plotter.screenshot(None if path is None else str(path), return_img=True))
    plotter.close()
    return picture


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep VTK from printing that there is no display: it draws without one."""
    from vtkmodules.vtkCommonCore import vtkLogger

    before = vtkLogger.GetCurrentVerbosityCutoff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(before)


def _plain(label: str) -> str:
    """A label in the letters of VTK's font."""
    return label.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉₋−", "0123456789--")).replace("λ", "lambda")


def _need_rendering() -> None:
    if not can_render():
        raise RuntimeError(
            "VTK cannot render here: it found neither EGL nor OSMesa. On Debian: "
            "apt-get install libegl1 libgl1-mesa-dri (or libosmesa6)."
        )


@cache
def can_render() -> bool:
    """Whether VTK can draw here; found out in a process of its own, since without a back end it crashes."""
    command = [sys.executable, "-c", _PROBE]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)  # noqa: S603 - our own text
    return done.returncode == 0


def _pyvista() -> Any:
    try:
        import pyvista
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'Meshes need pyvista, which is not installed: pip install "nblandscape[mesh]"'
        ) from error
    return pyvista
