"""All numbers of a merge tree, those of the supported pairs beside them, and over resolutions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nblandscape.topology._numbers import Numbers, items, numbers_of, table, words
from nblandscape.topology._resampling import unmasked
from nblandscape.topology.merge_tree import Kind, MergeTree, merge_tree
from nblandscape.topology.neighbours import Neighbours, cell_volumes
from nblandscape.topology.support import Support, checked_axes, support


@dataclass(frozen=True, eq=False)
class Summary:
    """Numbers of a landscape; `print` shows them as a table, `to_dict` gives plain values.

    Attributes
    ----------
    all : Numbers
        Of all pairs.
    supported : Numbers or None
        Of the tree of supported pairs; None without error bars.
    essential : ndarray (e,)
        Value of the deepest minimum of each component of the finite domain (superlevel: of its highest
        maximum), extreme first.
    range : float
        Highest minus lowest finite value.
    holes : int
        Vertices outside the domain.
    depth : ndarray (m,)
        Height from each minimum to its first merge: how much water its basin holds before it spills. inf for
        a basin that is alone in its component. Rows are those of `MergeTree.pairs`.
    volume : ndarray (m,)
        Of each basin, by steepest descent: in units of `MergeTree.volumes`, else in vertices.
    width : ndarray (m,)
        volume^(1/d), d the number of axes of the grid: the edge of a cube of that volume. For the tree of a
        graph d is unknown and taken as the number of axes of `values`.
    basis : str
        What the supported numbers rest on; "" without error bars.
    """

    all: Numbers
    supported: Numbers | None
    essential: np.ndarray
    range: float
    holes: int
    depth: np.ndarray
    volume: np.ndarray
    width: np.ndarray
    basis: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Nested dict of plain numbers, lists and None (also for infinite depths): fit for JSON."""
        told: dict[str, Any] = {"all": dict(items(self.all)), "supported": None, "basis": self.basis}
        if self.supported is not None:
            told["supported"] = dict(items(self.supported))
        told |= {"essential": self.essential.tolist(), "range": self.range, "holes": self.holes}
        basins = {name: getattr(self, name).tolist() for name in ("depth", "volume", "width")}
        basins["depth"] = [depth if np.isfinite(depth) else None for depth in basins["depth"]]
        return told | {"basins": basins}

    def __str__(self) -> str:
        parts = [self.all] if self.supported is None else [self.all, self.supported]
        heads = ["all"] if self.supported is None else ["all", "supported"]
        rows = [("", *heads)]
        rows += [
            (words(name), *(f"{getattr(part, name):.6g}" for part in parts)) for name, _ in items(self.all)
        ]
        deepest = np.argsort(-self.volume, kind="stable")[:3].tolist()
        lines = table(rows)
        lines.append(
            f"essential: {', '.join(f'{v:.6g}' for v in self.essential[:3])}; range {self.range:.6g}"
        )
        lines.append(
            "largest basins (depth, volume): "
            + ", ".join(f"({self.depth[i]:.4g}, {self.volume[i]:.4g})" for i in deepest)
        )
        if self.holes:
            lines.append(f"holes: {self.holes} vertices")
        if self.basis:
            lines.append(f"supported: {self.basis}")
        return "\n".join(lines)


def summary(tree: MergeTree, support: Support | None = None) -> Summary:
    """All numbers of a merge tree, those of the supported pairs beside them.

    Parameters
    ----------
    tree : MergeTree
    support : Support, optional
        Error bars of this very tree.

    Returns
    -------
    Summary

    Raises
    ------
    ValueError
        The error bars have another number of rows.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> numbers = summary(merge_tree([9.0, 0.0, 4.0, 3.0, 9.0]))
    >>> numbers.all.minima, numbers.all.smad, numbers.all.average_persistence, numbers.essential.tolist()
    (2, 2.5, 1.0, [0.0])
    >>> numbers.depth.tolist(), numbers.volume.tolist()
    ([4.0, 1.0], [3.0, 2.0])
    """
    if support is not None:
        support.check(tree)
    volume = tree.basin_volumes
    essential = tree.pairs["birth"][tree.pairs["parent"] < 0]
    return Summary(
        numbers_of(tree),
        None if support is None else numbers_of(tree.restrict(support.supported)),
        essential,
        tree.range,
        int((tree.basins < 0).sum()),
        np.abs(tree.first_merges - tree.pairs["birth"]),
        volume,
        volume ** (1 / tree.values.ndim),
        "" if support is None else support.basis,
    )


@dataclass(frozen=True, eq=False)
class Levels:
    """Numbers of one function on nested grids, coarse to fine; `print` shows a table.

    Attributes
    ----------
    shapes : list of tuple of int
        Vertices along each axis.
    summaries : list of Summary
    changes : dict of str to float
        Relative change |new - old| / max(|new|, |old|) of each number in the last step; NaN if there is
        only one level. Names of supported numbers begin with "supported_".
    tolerance : float
    """

    shapes: list[tuple[int, ...]]
    summaries: list[Summary]
    changes: dict[str, float]
    tolerance: float

    @property
    def unsettled(self) -> list[str]:
        """Numbers that the last step changed by more than the tolerance, or by how much is unknown."""
        return [name for name, change in self.changes.items() if not change <= self.tolerance]

    def __str__(self) -> str:
        columns = [_flat(s) for s in self.summaries]
        rows = [("", *("x".join(map(str, shape)) for shape in self.shapes), "last change")]
        for name, change in self.changes.items():
            mark = "" if change <= self.tolerance else "  not settled"
            rows.append((words(name), *(f"{c[name]:.5g}" for c in columns), f"{change:.1%}{mark}"))
        return "\n".join(table(rows))


def over_levels(
    values: np.ndarray,
    *,
    axes: Sequence[np.ndarray] | None = None,
    batch_losses: np.ndarray | None = None,
    counts: np.ndarray | None = None,
    kind: Kind = "sublevel",
    connectivity: Neighbours = "full",
    threshold: float = 0.0,
    tolerance: float = 0.05,
    coarsest: int = 9,
) -> Levels:
    """Every number on nested subgrids, so that one that depends on the grid is seen to.

    The subgrids have strides ..., 4, 2, 1 counted from the centre vertex n // 2 of each axis, like the levels
    by which a landscape is computed. A number that the last halving of the step still changes by more than
    the tolerance is not one of the function, or not yet.

    Parameters
    ----------
    values : array_like, any dimension
    axes : sequence of d arrays, optional
        Coordinates: volumes become true ones, residuals those of a non-uniform grid.
    batch_losses, counts : optional
        As in `nblandscape.topology.support`: supported numbers for every level, too. Without them, supported
        is what exceeds the interpolation residual.
    kind, connectivity
        As in `merge_tree`; no edges.
    threshold : float
        Less persistent pairs are left out on every level.
    tolerance : float
        Relative change from which on a number has not settled.
    coarsest : int
        The coarsest level has at least about so many vertices along each axis, if the grid has them.

    Returns
    -------
    Levels

    Raises
    ------
    ValueError
        Edges instead of a connectivity by name, a negative tolerance or threshold, shapes that do not fit, or
        what `merge_tree`, `cell_volumes` and `support` refuse.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 33)
    >>> levels = over_levels(((x**2 - 1) ** 2)[:, None] + x**2)
    >>> levels.shapes
    [(9, 9), (17, 17), (33, 33)]
    >>> [s.all.smad for s in levels.summaries], levels.unsettled
    ([1.0, 1.0, 1.0], [])
    >>> ripples = x**2 + np.cos(17 * x)  # too fine for this grid
    >>> over_levels(ripples).unsettled[:3]
    ['minima', 'saddles', 'smad']
    """
    if not isinstance(connectivity, str):
        raise ValueError("Edges know no coarser grid; give connectivity by name.")  # noqa: TRY004
    if not tolerance >= 0:
        raise ValueError(f"tolerance={tolerance} must be a number >= 0 (0.05: 5 %).")
    if not threshold >= 0:
        raise ValueError(f"threshold={threshold} must be a number >= 0 (a difference of heights).")
    samples = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    lines = None if axes is None else checked_axes(axes, samples.shape)
    losses = None if batch_losses is None else unmasked(batch_losses)
    if losses is not None and losses.shape[:-1] != samples.shape:
        raise ValueError(f"batch_losses have shape {losses.shape}; expected {(*samples.shape, 'B')}.")
    shapes, summaries = [], []
    for places in _nested(samples.shape, coarsest):
        part = np.ix_(*places)
        coordinates = None if lines is None else [a[i] for a, i in zip(lines, places, strict=True)]
        volumes = None if coordinates is None else cell_volumes(coordinates)
        tree = merge_tree(samples[part], kind=kind, connectivity=connectivity, volumes=volumes)
        level_losses = None if losses is None else losses[part]
        bars = support(tree, level_losses, counts, axes=coordinates, frequency=False)
        keep = tree.persistence >= threshold
        shapes.append(tuple(map(len, places)))
        summaries.append(_simplified(tree, bars, keep))
    new = _flat(summaries[-1])
    old = _flat(summaries[-2]) if len(summaries) > 1 else dict.fromkeys(new, np.nan)
    return Levels(shapes, summaries, {name: _change(old[name], new[name]) for name in new}, tolerance)


def basin_metric(
    tree: MergeTree,
    field: np.ndarray,
    per_basin: Callable[[np.ndarray], float] = np.mean,
    final: Callable[[np.ndarray], float] | None = np.mean,
) -> Any:
    """Aggregate any field over the landscape within each basin, then over the basins.

    Parameters
    ----------
    tree : MergeTree
        Simplify or restrict it first for the basins that matter.
    field : array_like, shape of `tree.values`
        One number per vertex: accuracy, trace of the Hessian, distance to the origin, volume. Masked entries
        count as NaN.
    per_basin : callable (k,) -> float
        Gets the field at the vertices of one basin, in C order. NaN goes through; `np.nanmean` leaves it out.
    final : callable (m,) -> float, or None
        Gets the results of all basins, in the order of `tree.pairs`; None returns them as an array.

    Returns
    -------
    float or ndarray (m,)
        What `final` returns.

    Raises
    ------
    ValueError
        The field has another shape.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> tree = merge_tree([9.0, 0.0, 4.0, 3.0, 9.0])
    >>> basin_metric(tree, [1.0, 1.0, 4.0, 5.0, 7.0], np.mean, None).tolist()
    [2.0, 6.0]
    >>> float(basin_metric(tree, tree.values, np.min, np.mean))
    1.5
    """
    numbers = unmasked(field)
    if numbers.shape != tree.values.shape:
        raise ValueError(f"The field has shape {numbers.shape}; the tree's values have {tree.values.shape}.")
    labels = tree.basins.ravel()
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(1, len(tree.pairs)))
    inside = np.searchsorted(labels[order], 0)
    parts = np.split(numbers.ravel()[order[inside:]], starts - inside)
    results = np.array([per_basin(part) for part in parts])
    return results if final is None else final(results)


def _simplified(tree: MergeTree, bars: Support, keep: np.ndarray) -> Summary:
    """Summary of the pairs to keep, and beside them those that are supported, too."""
    whole = summary(tree.restrict(keep))
    return replace(whole, supported=numbers_of(tree.restrict(keep & bars.supported)), basis=bars.basis)


def _nested(shape: tuple[int, ...], coarsest: int) -> list[list[np.ndarray]]:
    """Indices along each axis, coarse to fine."""
    tops = [0] * len(shape)
    for axis, n in enumerate(shape):
        while (n // 2) >> (tops[axis] + 1) >= max(1, coarsest // 2):
            tops[axis] += 1
    return [
        [
            np.arange((n // 2) % 2 ** min(k, top), n, 2 ** min(k, top))
            for n, top in zip(shape, tops, strict=True)
        ]
        for k in range(max(tops, default=0), -1, -1)
    ]


def _change(old: float, new: float) -> float:
    size = max(abs(old), abs(new))
    return abs(new - old) / size if size else float(new - old)


def _flat(whole: Summary) -> dict[str, float]:
    told = dict(items(whole.all))
    if whole.supported is not None:
        told |= {f"supported_{name}": value for name, value in items(whole.supported)}
    return told
