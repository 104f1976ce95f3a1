"""Minima and saddles over a sequence of landscapes: which go on, merge, split, appear and vanish."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from nblandscape.topology.merge_tree import MergeTree, frozen
from nblandscape.topology.smad import smad

POINT = np.dtype(
    [
        ("track", "i8"),
        ("step", "i8"),
        ("row", "i8"),
        ("vertex", "i8"),
        ("value", "f8"),
        ("saddle", "i8"),
        ("saddle_value", "f8"),
        ("persistence", "f8"),
        ("volume", "f8"),
    ]
)
EVENT = np.dtype([("step", "i8"), ("kind", "U5"), ("track", "i8"), ("other", "i8"), ("value", "f8")])


@dataclass(frozen=True, eq=False)
class Tracks:
    """Paths of minima (of superlevel trees: maxima) and of the saddles they die at.

    Attributes
    ----------
    trees : tuple of MergeTree (t,)
        Simplified trees; `row` and `step` refer to them.
    steps : ndarray (t,)
        Name of every step, e.g. the number of the training step.
    points : structured ndarray (p,)
        One entry per minimum of every tree, ordered by track, then step: `track`, `step` (place in `trees`),
        `row` (of `pairs`), `vertex`, `value`, `saddle` (-1: essential), `saddle_value`, `persistence` and
        `volume` of the basin.
    events : structured ndarray (e,)
        Ordered by step. `step` is the first one after the change; `kind` is one of

        - `"merge"`: `track` has ended, its minimum now lies in the basin of `other`; `value` is the pass
          between the two in the step before (inf, -inf for superlevel, if there was none).
        - `"split"`: `track` begins where the basin of `other` was; `value` is the pass between the two.
        - `"death"`: `track` has ended, its minimum now lies in a hole; `other` = -1, `value` its last value.
        - `"birth"`: `track` begins where a hole was; `other` = -1, `value` its first value.

        Tracks of the first step begin, and those of the last one end, without an event.
    """

    trees: tuple[MergeTree, ...]
    steps: np.ndarray
    points: np.ndarray
    events: np.ndarray

    @cached_property
    def paths(self) -> tuple[np.ndarray, ...]:
        """Points of every track, in the order of steps; `paths[k]` is track k."""
        return tuple(np.split(self.points, np.flatnonzero(np.diff(self.points["track"])) + 1))

    def smad(self, *, normalize: bool = False, weighted: bool = False) -> np.ndarray:
        """Saddle-Minimum Average Distance (t,) of the trees of every step, see `smad`."""
        return np.array([smad(tree, normalize=normalize, weighted=weighted) for tree in self.trees])

    def table(self, what: str = "points") -> dict[str, np.ndarray]:
        """Columns of `points` or `events`, steps by their names, as `pandas.DataFrame` takes them.

        Raises
        ------
        ValueError
            `what` is neither.
        """
        if what not in ("points", "events"):
            raise ValueError(f'what={what!r} is neither "points" nor "events".')
        records = self.points if what == "points" else self.events
        columns = {name: records[name].copy() for name in records.dtype.names or ()}
        columns["step"] = self.steps[columns["step"]]
        return columns


def track(
    trees: Sequence[MergeTree],
    *,
    steps: Sequence[float] | np.ndarray | None = None,
    threshold: float = 0.0,
    relative: bool = False,
) -> Tracks:
    """Follow minima and their saddles through landscapes sampled on one grid, e.g. of successive checkpoints.

    A minimum goes on as a minimum of the next step if each of the two lies in the basin of the other. A
    minimum without such a partner has merged into the basin it now lies in; a new one has split from the
    basin it lay in before. So every minimum of every step is in exactly one track, and the reverse sequence
    has the same tracks with merges and splits, births and deaths exchanged.

    Parameters
    ----------
    trees : sequence of MergeTree (t,)
        All of one kind, connectivity and shape of the grid; the subspace must be the same, too.
    steps : array_like (t,), optional
        Names of the steps, ascending; without it 0, 1, ...
    threshold : float
        Every tree is simplified first: noise makes and unmakes minima at every step. Those whose persistence
        crosses the threshold still come and go.
    relative : bool
        The threshold is a fraction of the range of each landscape.

    Returns
    -------
    Tracks
        Tracks are numbered in the order in which they begin, of one step the most persistent first.

    Raises
    ------
    ValueError
        There is no tree, the trees do not fit together, or `steps` does not fit them.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> fields = [0.0, 5.0, 1.0, 2.0], [0.0, 5.0, 3.0, 2.0], [0.0, 5.0, 6.0, 7.0]
    >>> found = track([merge_tree(f) for f in fields])
    >>> [path["vertex"].tolist() for path in found.paths]
    [[0, 0, 0], [2, 3]]
    >>> found.events.tolist()
    [(2, 'merge', 1, 0, 5.0)]
    """
    _check(trees)
    names = np.arange(len(trees)) if steps is None else np.asarray(steps)
    if names.shape != (len(trees),) or names.dtype.kind not in "iuf" or not (np.diff(names) > 0).all():
        raise ValueError(f"steps={steps} must be {len(trees)} ascending numbers, one for each tree.")
    simple = tuple(tree.simplify(threshold, relative=relative) for tree in trees)
    tracks = [_rank(simple[0])]
    begun = tracks[0].size
    events: list[tuple[int, str, int, int, float]] = []
    for step, (old, new) in enumerate(pairwise(simple), start=1):
        before = tracks[-1]
        goes_to, comes_from = new.basins.ravel()[old.minima], old.basins.ravel()[new.minima]
        goes_on, is_old = _mutual(goes_to, comes_from), _mutual(comes_from, goes_to)
        now = np.empty(new.minima.size, dtype=np.intp)
        now[is_old] = before[comes_from[is_old]]
        fresh = np.flatnonzero(~is_old)
        now[fresh[np.argsort(_rank(new)[fresh])]] = begun + np.arange(fresh.size)
        begun += fresh.size
        tracks.append(now)
        ended = _changes(
            ("merge", "death"), step, old, np.flatnonzero(~goes_on), before, (goes_to, comes_from), now
        )
        begins = _changes(("split", "birth"), step, new, fresh, now, (comes_from, goes_to), before)
        events += sorted(ended + begins)
    return Tracks(
        simple,
        frozen(names.copy()),
        frozen(_points(simple, tracks)),
        frozen(np.array(events, dtype=EVENT)),
    )


def _check(trees: Sequence[MergeTree]) -> None:
    """ValueError unless there is a tree and all are of one kind, connectivity and shape."""
    if len(trees) == 0:
        raise ValueError("trees is empty; tracking needs at least one.")
    first = trees[0]
    for step, tree in enumerate(trees):
        if tree.values.shape != first.values.shape:
            raise ValueError(
                f"tree {step} has shape {tree.values.shape} and tree 0 {first.values.shape}: sample all "
                "steps on one grid."
            )
        if tree.kind != first.kind:
            raise ValueError(f"tree {step} is {tree.kind} and tree 0 {first.kind}; build all of one kind.")
        if not np.array_equal(np.asarray(tree.connectivity), np.asarray(first.connectivity)):
            raise ValueError(f"tree {step} has another connectivity than tree 0; build all with one.")


def _rank(tree: MergeTree) -> np.ndarray:
    """Place of every row when the most persistent come first, whatever the order of rows."""
    sign = 1 if tree.kind == "sublevel" else -1
    rank = np.empty(tree.minima.size, dtype=np.intp)
    rank[np.lexsort((tree.minima, sign * tree.pairs["birth"], -tree.persistence))] = np.arange(rank.size)
    return rank


def _mutual(there: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Rows that come back to themselves."""
    returns = np.zeros(there.size, dtype=bool)
    rows = np.flatnonzero(there >= 0)
    returns[rows] = back[there[rows]] == rows
    return returns


def _changes(
    kinds: tuple[str, str],
    step: int,
    tree: MergeTree,
    rows: np.ndarray,
    tracks: np.ndarray,
    maps: tuple[np.ndarray, np.ndarray],
    tracks_there: np.ndarray,
) -> list[tuple[int, str, int, int, float]]:
    """Events of rows without a partner; forwards in time they merge or die, backwards split or are born."""
    there, back = maps
    events = []
    for row in rows.tolist():
        target = int(there[row])
        if target < 0:
            events.append((step, kinds[1], int(tracks[row]), -1, float(tree.pairs["birth"][row])))
        else:
            height = _pass(tree, row, int(back[target]))
            events.append((step, kinds[0], int(tracks[row]), int(tracks_there[target]), height))
    return events


def _pass(tree: MergeTree, a: int, b: int) -> float:
    """Height at which two branches meet."""
    sign = 1.0 if tree.kind == "sublevel" else -1.0
    death, parent = tree.pairs["death"], tree.pairs["parent"]
    height = float(sign * np.inf)
    while a != b:
        if b < 0 or (parent[a] < 0 and parent[b] < 0):
            return float(sign * np.inf)
        if sign * death[a] > sign * death[b]:
            a, b = b, a
        a, height = int(parent[a]), float(death[a])
    return height


def _points(trees: Sequence[MergeTree], tracks: Sequence[np.ndarray]) -> np.ndarray:
    parts = []
    for step, (tree, numbers) in enumerate(zip(trees, tracks, strict=True)):
        points = np.empty(numbers.size, dtype=POINT)
        points["track"], points["step"], points["row"] = numbers, step, np.arange(numbers.size)
        points["vertex"], points["saddle"] = tree.minima, tree.pairs["death_vertex"]
        points["value"], points["saddle_value"] = tree.pairs["birth"], tree.pairs["death"]
        points["persistence"], points["volume"] = tree.persistence, tree.basin_volumes
        parts.append(points)
    everything = np.concatenate(parts)
    return everything[np.lexsort((everything["step"], everything["track"]))]
