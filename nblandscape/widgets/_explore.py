"""`explore`: one call from whatever there is to an explorer."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

from nblandscape.landscape.archive import read_archive
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets._failed import FailedSource, is_of_the_data
from nblandscape.widgets._function_source import FunctionSource
from nblandscape.widgets._landscape_source import LandscapeSource
from nblandscape.widgets._objective_source import ObjectiveSource
from nblandscape.widgets._paths import Paths
from nblandscape.widgets._sources import Source
from nblandscape.widgets._volume import VolumeFunctionSource
from nblandscape.widgets.comparison import MOST, Comparison, named_error
from nblandscape.widgets.explorer import Explorer

_NOT_GIVEN: Any = object()


class _Options(TypedDict, total=False):
    axes: tuple[int, int]
    offset: Mapping[int, float]
    span: float | tuple[float, float]
    points: int | tuple[int, int]
    scale: str
    threshold: float
    spectrum: Any
    largest: int
    smallest: int
    tol: float
    seed: int
    bounds: Sequence[Sequence[float]] | None
    paths: Any
    title: str | None
    variable: str | None
    height: str
    wait: bool


@overload
def explore(x: Mapping[Any, Any], **options: Unpack[_Options]) -> Comparison: ...
@overload
def explore(x: object, **options: Unpack[_Options]) -> Explorer: ...
def explore(
    x: Any,
    *,
    axes: tuple[int, int] = _NOT_GIVEN,
    offset: Mapping[int, float] = _NOT_GIVEN,
    span: float | tuple[float, float] = _NOT_GIVEN,
    points: int | tuple[int, int] = _NOT_GIVEN,
    scale: str = _NOT_GIVEN,
    threshold: float = _NOT_GIVEN,
    spectrum: Any = None,
    largest: int = 4,
    smallest: int = 4,
    tol: float = 1e-3,
    seed: int = 0,
    bounds: Sequence[Sequence[float]] | None = None,
    paths: Any = None,
    title: str | None = None,
    variable: str | None = None,
    height: str = "740px",
    wait: bool = False,
) -> Explorer | Comparison:
    """Look at a loss landscape: rotatable surface, clickable merge tree, eigenvalue sliders.

    Returns at once; the computation runs beside the notebook, coarse first, and every slider move
    replaces the one that runs.

    Parameters
    ----------
    x : Objective, (model, loss, batches), Landscape, array, callable, path, or dict of names to these
        A callable ``f(a, b)`` or ``f(a, b, c)`` needs `bounds`; a path is one written by `Explorer.save`
        or `Landscape.save`. Landscapes and arrays have two or three dimensions; of three, an isosurface
        and slices are shown.
    axes, offset, span, points, scale, threshold : optional
        The first view; see `Explorer.request`.
    spectrum : Spectrum, optional
        Eigenpairs that are already known.
    largest, smallest : int
        Eigenpairs to compute from either end.
    tol, seed : float, int
        Of the eigensolver.
    bounds : ((a0, a1), (b0, b1)) or ((a0, a1), (b0, b1), (c0, c1)), optional
        Window of a callable.
    paths : dict of name to checkpoints, optional
        Drawn on the surface of an objective: a `Recorder`, `Recording`, its folder or a list of checkpoints
        is a trajectory, one state dict, model or file is a checkpoint. Each is projected on the plane that is
        shown, with its own loss and its distance from the plane; of a long trajectory 200 points are drawn.
        A landscape over `Subspace.trajectory` or `Subspace.through` shows those of its plane by itself.
    title : str, optional
    variable : str, optional
        What 'copy as Python' calls `x`.
    height : str
        CSS length.
    wait : bool
        Return only when everything is computed.

    Returns
    -------
    Explorer, or Comparison for a dict

    Raises
    ------
    TypeError, ValueError
        Something that cannot be explored; says what can.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> def himmelblau(x, y):
    ...     return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
    >>> explorer = nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=65, wait=True)
    >>> len(explorer.merge_tree.minima)
    4
    >>> explorer.close()
    """
    view = {"axes": axes, "offset": offset, "span": span, "points": points}
    display = {"scale": scale, "threshold": threshold}
    changes = {name: value for name, value in (view | display).items() if value is not _NOT_GIVEN}
    pairs = {"largest": largest, "smallest": smallest, "tol": tol, "seed": seed}
    if isinstance(x, Mapping):
        if paths is not None or spectrum is not None:
            raise TypeError("paths= and spectrum= belong to one model; explore it alone.")
        comparison = Comparison(_named(x, bounds), spec_changes=changes, eigenpairs=pairs, height=height)
        return comparison.wait() if wait else comparison
    source, restored = _source(x, bounds, title, variable)
    if isinstance(source, LandscapeSource):
        for name in view.keys() & changes.keys():
            raise ValueError(f"{name}= needs something to sample; this landscape is finished.")
    if paths is not None and not isinstance(source, ObjectiveSource):
        raise TypeError("paths= needs a model: explore its Objective, or (model, loss, batches).")
    drawn = (
        Paths(source.objective, paths) if paths is not None and isinstance(source, ObjectiveSource) else None
    )
    explorer = Explorer(
        source,
        spec_changes=changes,
        spectrum=spectrum,
        eigenpairs=pairs,
        height=height,
        paths=drawn,
        restored=restored,
    )
    return explorer.wait() if wait else explorer


def _named(
    given: Mapping[Any, Any], bounds: Sequence[Sequence[float]] | None
) -> dict[str, tuple[Source, dict[str, Any]]]:
    if not 1 <= len(given) <= MOST:
        raise ValueError(f"{len(given)} landscapes; a comparison shows 1 to {MOST}.")
    sources: dict[str, tuple[Source, dict[str, Any]]] = {}
    for name, x in given.items():
        try:
            sources[str(name)] = _source(x, bounds, str(name), None)
        except Exception as error:
            if not is_of_the_data(error):
                raise named_error(name, error) from error
            sources[str(name)] = FailedSource(error, str(name)), {}
    if len(sources) < len(given):
        raise ValueError("Two names of the comparison are the same text.")
    return sources


def _source(
    x: Any, bounds: Sequence[Sequence[float]] | None, title: str | None, variable: str | None
) -> tuple[Source, dict[str, Any]]:
    if isinstance(x, (str, os.PathLike)):
        return _saved(Path(x), title)
    if isinstance(x, Landscape):
        return LandscapeSource(x, title), {}
    if _is_a(x, "nblandscape.objective", "Objective"):
        return ObjectiveSource(x, title, variable or "objective"), {}
    if isinstance(x, tuple) and len(x) == 3:
        from nblandscape.objective import Objective

        return ObjectiveSource(Objective(*x), title, variable or "objective"), {}
    if _is_a(x, "torch.nn", "Module"):
        raise TypeError("explore needs data as well: nbl.explore((model, loss, batches)).")
    if isinstance(x, list) or hasattr(x, "__array__"):
        return LandscapeSource(Landscape.from_array(x), title), {}
    if callable(x):
        if bounds is None:
            raise TypeError("A function needs its window: nbl.explore(f, bounds=((a0, a1), (b0, b1))).")
        if isinstance(bounds, (tuple, list)) and len(bounds) == 3:
            return VolumeFunctionSource(x, bounds, title), {}
        function: Callable[[float, float], Any] = x
        return FunctionSource(function, bounds, title), {}
    raise TypeError(
        f"explore cannot look at a {type(x).__name__}. It takes an Objective, (model, loss, batches), "
        "a Landscape, an array of two or three dimensions, a function f(a, b) or f(a, b, c) with bounds=, "
        "a saved explorer's path, or a dict of names to these."
    )


def _is_a(x: Any, module: str, name: str) -> bool:
    """Whether `x` is an instance of a class that need not have been imported."""
    return any(base.__module__.startswith(module) and base.__name__ == name for base in type(x).__mro__)


def _saved(path: Path, title: str | None) -> tuple[Source, dict[str, Any]]:
    header, arrays = read_archive(path)
    landscape, state = Landscape.from_archive(header, arrays), header.get("state", {})
    source = LandscapeSource(landscape, title or header.get("title") or None, state.get("origins", ()))
    return source, state
