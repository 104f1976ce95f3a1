"""Critical points of the piecewise linear function on Freudenthal's triangulation of a grid."""

from functools import cache

import numpy as np

from nblandscape.topology._links import complement, multiplicities, steps
from nblandscape.topology.merge_tree import Kind, real_samples
from nblandscape.topology.neighbours import shifted

CRITICAL = np.dtype(
    [("vertex", "i8"), ("index", "i8"), ("multiplicity", "i8"), ("value", "f8"), ("interior", "?")]
)

# Up to so many link vertices, a table of all lower links is small.
_TABLE = 14


def critical_points(values: np.ndarray, *, kind: Kind = "sublevel") -> np.ndarray:
    """Critical vertices with their index and multiplicity, from the lower link of every vertex.

    The function is interpolated linearly on Freudenthal's triangulation (cubes cut along the diagonal
    from their lowest to their highest corner). The lower link of a vertex v is the part of the triangulated
    sphere around v whose vertices are lower than v. If it is contractible, v is regular: nothing happens to
    the sublevel set as the level passes v. Otherwise v counts as critical of index k as often as the reduced
    Betti number k - 1 of the lower link says: an empty lower link is a minimum (index 0), the complete
    sphere a maximum (index d), two pieces are a saddle of index 1. Three pieces (a monkey saddle) are one of
    index 1 and multiplicity 2. A degenerate vertex may have several indices and then has several rows.

    Parameters
    ----------
    values : array_like
        Samples on a grid of dimension 1 <= d <= 6. NaN and +-inf are holes, outside the domain. Equal values
        are ordered by vertex (C-order index), as if a small slope broke the tie: on plateaus and quantised
        values points come in pairs of equal value, which `morse_smale` cancels.
    kind : {"sublevel", "superlevel"}
        On which side of the function the outside of the domain lies: matters at the border and around holes
        only. `"sublevel"`: higher than everything. The minima are the leaves of the sublevel tree, and a
        highest vertex on the border is no maximum, since no sublevel set changes its shape there.
        `"superlevel"`: lower than everything. The maxima are the leaves of the superlevel tree.

    Returns
    -------
    structured ndarray
        `vertex` (C-order index), `index` 0 .. d, `multiplicity` >= 1, `value`, and `interior`: all
        neighbours lie inside the domain, so that the row is the same for both kinds. Rows ascend by
        (value, vertex, index).

    Raises
    ------
    ValueError
        The grid has more than six axes, no element, no finite value or is not real, or the kind is unknown.

    Notes
    -----
    Banchoff, J. Differential Geometry 1 (1967); Edelsbrunner and Harer, Computational Topology (2010), VI.3.
    Sum of (-1)^index multiplicity = Euler characteristic of the domain (times (-1)^d for superlevel), which
    is 1 for a box without holes.

    The Betti numbers 0 and d - 2 are numbers of connected components of the lower and the upper link
    (Alexander duality), the Euler characteristic gives the last one in four dimensions. In five and six the
    middle ones are ranks over Z/2 of what is left of the link after strong collapses, computed by GUDHI one
    distinct link at a time: fine for smooth functions, slow for noise.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 21)
    >>> wells = ((x**2 - 1) ** 2)[:, None] + (x**2 - 1) ** 2  # four wells around a hill
    >>> found = critical_points(wells)
    >>> found[["index", "multiplicity"]].tolist()
    [(0, 1), (0, 1), (0, 1), (0, 1), (1, 1), (1, 1), (1, 1), (1, 1), (2, 1)]
    >>> found["value"].round(6).tolist()
    [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 2.0]
    >>> bool(found["interior"].all())
    True
    """
    if kind not in ("sublevel", "superlevel"):
        raise ValueError(f'kind={kind!r} is neither "sublevel" nor "superlevel".')
    samples = real_samples(values)
    if samples.ndim > 6:
        raise ValueError(
            f"values has {samples.ndim} axes; critical points are found on grids of at most 6: take a slice."
        )
    inside = np.isfinite(samples)
    if kind == "sublevel":
        vertex, index, multiplicity = _found(np.where(inside, samples, np.inf))
    else:
        # Reflection in a point maps the triangulation onto itself and reverses the order of ties.
        vertex, index, multiplicity = _found(np.where(inside, -samples, np.inf)[_mirror(samples.ndim)])
        vertex, index = samples.size - 1 - vertex[::-1], samples.ndim - index[::-1]
        multiplicity = multiplicity[::-1]
    rows = np.empty(vertex.size, dtype=CRITICAL)
    rows["vertex"], rows["index"], rows["multiplicity"] = vertex, index, multiplicity
    rows["value"] = samples.ravel()[vertex]
    rows["interior"] = _surrounded(vertex, inside)
    rows.flags.writeable = False
    return rows


def _mirror(dimension: int) -> tuple[slice, ...]:
    return (slice(None, None, -1),) * dimension


def _found(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertex, index and multiplicity in the order (height, vertex, index)."""
    numbers, number = _lower_links(heights)
    critical = numbers.max(axis=1) > 0
    vertices = np.flatnonzero(critical[number] & np.isfinite(heights).ravel())
    vertices = vertices[np.argsort(heights.ravel()[vertices], kind="stable")]
    rows = numbers[number[vertices]]
    place, index = np.nonzero(rows)
    return vertices[place], index, rows[place, index]


def _lower_links(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multiplicities (k, d + 1) of the lower links that occur, and which of them every vertex has."""
    dimension = heights.ndim
    places = (2 << dimension) - 2
    kind = np.min_scalar_type(2 ** min(places, 64) - 1)
    words = [np.zeros(heights.shape, dtype=kind) for _ in range(0, places, 64)]
    for subset, step in steps(dimension):
        here, there = shifted(step)
        down = heights[there] < heights[here]
        for place, lower, side in (
            (subset - 1, down, here),
            (complement(subset, dimension) - 1, ~down, there),
        ):
            words[place // 64][side] |= lower.astype(kind) << kind.type(place % 64)
    if places <= _TABLE:
        return _every_link(dimension), words[0].ravel()
    codes, number = _distinct(words)
    return multiplicities(codes, dimension), number


@cache
def _every_link(dimension: int) -> np.ndarray:
    codes = np.arange(1 << ((2 << dimension) - 2), dtype=np.uint64)
    return multiplicities(codes[None, :], dimension)


def _distinct(words: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct columns of words, and the number of each one."""
    codes, number = np.unique(words[0].ravel(), return_inverse=True)
    columns = codes[None, :]
    for word in words[1:]:
        more, other = np.unique(word.ravel(), return_inverse=True)
        both, number = np.unique(number * more.size + other, return_inverse=True)
        columns = np.concatenate([columns[:, both // more.size], more[None, both % more.size]])
    return columns, number


def _surrounded(vertices: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Whether all neighbours of the vertices lie inside the domain."""
    padded = np.pad(inside, 1)
    places = np.ravel_multi_index(
        tuple(i + 1 for i in np.unravel_index(vertices, inside.shape)), padded.shape
    )
    strides = np.array(padded.strides) // padded.itemsize
    surrounded = np.ones(vertices.size, dtype=bool)
    for _, step in steps(inside.ndim):
        jump = int(np.dot(step, strides))
        surrounded &= padded.ravel()[places + jump] & padded.ravel()[places - jump]
    return surrounded
