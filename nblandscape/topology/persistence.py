"""Persistence diagrams in every dimension, by GUDHI."""

from typing import Literal, NamedTuple, overload

import numpy as np

from nblandscape.topology.merge_tree import Kind, real_samples

# From here on GUDHI's special code for the plane pays for the import of scikit-learn.
_LARGE = 1 << 16


class Diagram(NamedTuple):
    """Persistence of one homology dimension."""

    finite: np.ndarray  # (k, 2) birth and death, by falling persistence
    essential: np.ndarray  # (e,) births of the classes that the whole finite domain keeps


@overload
def persistence(
    values: np.ndarray,
    *,
    dimension: None = None,
    kind: Kind = ...,
    connectivity: Literal["full", "faces"] = ...,
) -> dict[int, Diagram]: ...
@overload
def persistence(
    values: np.ndarray, *, dimension: int, kind: Kind = ..., connectivity: Literal["full", "faces"] = ...
) -> Diagram: ...
def persistence(
    values: np.ndarray,
    *,
    dimension: int | None = None,
    kind: Kind = "sublevel",
    connectivity: Literal["full", "faces"] = "full",
) -> dict[int, Diagram] | Diagram:
    """Persistence diagrams of a function sampled on a grid.

    Dimension 0 counts components of the sublevel sets, dimension 1 loops, dimension 2 voids, and so on.

    Parameters
    ----------
    values : array_like
        Samples on a grid of dimension d >= 1. NaN and +-inf are holes, outside the domain: a class that only
        filling them would kill is essential.
    dimension : int, optional
        The homology dimension wanted, 0 <= dimension < d; without it, all.
    kind : {"sublevel", "superlevel"}
        Superlevel diagrams are those of -f with their signs turned back: birth > death.
    connectivity : {"full", "faces"}
        `"full"`: samples sit on the top-dimensional cells (cubes) of the complex and two of them touch if
        they share at least a corner, as `merge_tree` does by default. `"faces"`: samples sit on its vertices
        and cubes fill when all corners are in; vertices touch along the axes only.

    Returns
    -------
    dict of int to Diagram, or Diagram
        `finite` (k, 2) and `essential` (e,) for each dimension, or for the one asked for. Classes of zero
        persistence are left out.

    Raises
    ------
    ValueError
        The array has no axis, no element or no finite value, or an option is out of range.

    Notes
    -----
    Cubical complexes: Wagner, Chen and Vuçini (2012), as implemented by GUDHI.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 21)
    >>> wells = ((x**2 - 1) ** 2)[:, None] + (x**2 - 1) ** 2  # four wells around a hill
    >>> diagrams = persistence(wells)
    >>> diagrams[0].finite.round(6).tolist(), diagrams[0].essential.round(6).tolist()
    ([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], [0.0])
    >>> persistence(wells, dimension=1).finite.round(6).tolist()
    [[1.0, 2.0]]
    """
    if kind not in ("sublevel", "superlevel"):
        raise ValueError(f'kind={kind!r} is neither "sublevel" nor "superlevel".')
    if connectivity not in ("full", "faces"):
        raise ValueError(
            f'connectivity={connectivity!r} is neither "full" nor "faces" (cubical complexes have no other).'
        )
    samples = real_samples(values)
    if dimension is not None and not 0 <= dimension < samples.ndim:
        raise ValueError(
            f"dimension={dimension} is outside 0 .. {samples.ndim - 1} of a {samples.ndim}-d grid."
        )
    sign = 1.0 if kind == "sublevel" else -1.0
    heights = sign * samples
    heights[~np.isfinite(heights)] = np.inf
    wanted = range(samples.ndim) if dimension is None else [dimension]
    found = {
        k: _diagram(pairs, sign)
        for k, pairs in zip(wanted, _intervals(heights, wanted, connectivity), strict=True)
    }
    return found if dimension is None else found[dimension]


def _intervals(heights: np.ndarray, wanted: "range | list[int]", connectivity: str) -> list[np.ndarray]:
    if heights.ndim == 2 and heights.size >= _LARGE and connectivity == "full":
        from gudhi.sklearn.cubical_persistence import CubicalPersistence

        found: list[np.ndarray] = CubicalPersistence(list(wanted)).fit_transform([heights])[0]
        return found
    import gudhi

    cells = "top_dimensional_cells" if connectivity == "full" else "vertices"
    complex_ = gudhi.CubicalComplex(**{cells: heights})
    complex_.compute_persistence()
    return [complex_.persistence_intervals_in_dimension(k).reshape(-1, 2) for k in wanted]


def _diagram(pairs: np.ndarray, sign: float) -> Diagram:
    final = np.isfinite(pairs[:, 1])
    finite, essential = pairs[final], pairs[~final, 0]
    order = np.lexsort((finite[:, 0], finite[:, 0] - finite[:, 1]))
    return Diagram(sign * finite[order], sign * np.sort(essential))
