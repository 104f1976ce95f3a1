"""Error bars of topology: which pairs stand out from batch noise and from the grid's resolution."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from nblandscape.topology._resampling import check_mean, checked_batches, paired_stderr, recurrence
from nblandscape.topology.merge_tree import MergeTree

_FEW = 8  # below, Student's t exceeds 3 in more than 1 % of the cases


@dataclass(frozen=True, eq=False)
class Support:
    """What speaks for each pair of a merge tree; row i means row i of `MergeTree.pairs`.

    Attributes
    ----------
    persistence : ndarray (m,)
        That of the tree; inf for essential pairs.
    stderr : ndarray (m,)
        Paired standard error of L(death) - L(birth) over batches. NaN for essential pairs, with fewer than
        two batches, and where one of the two vertices has no batch losses.
    residual : ndarray (m,)
        Estimated interpolation error of the two heights. NaN for essential pairs, off a grid, and where too
        few samples stand in a row to tell.
    frequency : ndarray (m,)
        Share of bootstrap resamples in which the pair recurs; 1 for essential pairs. NaN if skipped, with
        fewer than two batches, or if a vertex of the domain has no batch losses.
    supported : ndarray of bool (m,)
        persistence > factor * stderr + residual; True for essential pairs, False where either is unknown.
    certified : ndarray of bool (m,) or None
        persistence > 2 sup_norm; None without `sup_norm`.
    factor : float
        Standard errors that a pair has to exceed.
    batches : int
        Batches that the standard errors rest on; 0 or 1: there are none.
    basis : str
        What `supported` rests on, in words.
    """

    persistence: np.ndarray
    stderr: np.ndarray
    residual: np.ndarray
    frequency: np.ndarray
    supported: np.ndarray
    certified: np.ndarray | None
    factor: float
    batches: int
    basis: str

    @property
    def z(self) -> np.ndarray:
        """Persistence (m,) in standard errors; NaN where there is none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio: np.ndarray = self.persistence / self.stderr
        return ratio

    def check(self, tree: MergeTree) -> None:
        """Raise ValueError unless these are error bars of this very tree, as far as their number tells."""
        for name in ("supported", "stderr", "residual", "frequency"):
            shape = getattr(self, name).shape
            if shape != tree.persistence.shape:
                raise ValueError(
                    f"support.{name} has shape {shape}, but the tree has {tree.persistence.size} rows: pass "
                    "the support of this tree, not of another one or of another simplification."
                )

    def __str__(self) -> str:
        finite = np.isfinite(self.persistence)
        count = int((self.supported & finite).sum())
        return f"{count} of {int(finite.sum())} finite pairs supported ({self.basis})"


def support(
    tree: MergeTree,
    batch_losses: np.ndarray | None = None,
    counts: np.ndarray | None = None,
    *,
    axes: Sequence[np.ndarray] | None = None,
    factor: float = 3.0,
    rounds: int = 200,
    seed: int = 0,
    sup_norm: float | None = None,
    frequency: bool = True,
) -> Support:
    """Tell the pairs that stand out from batch noise and interpolation error from those that do not.

    A finite pair is supported if persistence > factor * stderr + residual.

    *stderr*: batches are resampled with replacement, the same ones at both vertices, so that noise common to
    both cancels; the standard deviation of the resampled difference is multiplied by sqrt(B / (B - 1)), which
    takes out the bias of B batches. It is itself uncertain by a share of 1 / sqrt(2 (B - 1)), so that few
    batches support too much: the chance that Student's t with B - 1 degrees of freedom exceeds 3 is 10 % for
    2 batches, 3 % for 4 and 1 % for 8.

    *residual*: between samples, multilinear interpolation misses up to h^2 |f''| / 8 per axis. It is
    estimated as an eighth of the second difference (divided differences on non-uniform axes; those of the
    nearest three samples at borders and holes), summed over the axes. The largest in the 3^d box around a
    vertex counts; birth and death are added.

    *frequency*: let C be the catchment of row i, its basin in the tree of rows 0 .. i, and P that of its
    parent in the same tree. The pair recurs in a resample if its lowest points of C and of P are separated
    by a barrier (lowest pass between them minus the higher of the two) of at least half of the pair's
    persistence. In the tree itself that barrier is the persistence. Resamples scatter about the sample, which
    may owe the pair to noise: a pair of z = 0.3 recurs in about half of them. It is no p-value.

    Parameters
    ----------
    tree : MergeTree
        Sublevel or superlevel tree of the weighted mean of the batch losses.
    batch_losses : ndarray, shape (*values.shape, B), optional
        Mean loss of every batch. All B entries of a vertex may be NaN, or masked: it was not evaluated. It is
        read block by block and never copied as a whole, if its memory is in C order and nothing is masked.
    counts : ndarray (B,), optional
        Samples (weight) of each batch, 1 by default. Batches of 0 samples are left out.
    axes : sequence of d arrays, optional
        Strictly increasing coordinates of a non-uniform grid; only their spacing matters.
    factor : float
    rounds : int
        Bootstrap resamples, at least 2. `stderr` varies by a share of 1 / sqrt(2 rounds) from seed to seed.
    seed : int
    sup_norm : float, optional
        Bound on |sampled - true| over the whole domain, as the caller has proved it.
    frequency : bool
        False skips `frequency`, which costs a merge tree for each round; the rest reads all batch losses
        once.

    Returns
    -------
    Support

    Raises
    ------
    ValueError
        Shapes that do not fit, counts that are negative, all 0 or given alone, batch losses whose weighted
        mean is not the tree's function (by more than 1e-5 of its size, the rounding of float32), axes that
        do not increase, an option out of range, or a tree of a graph without at least two batches: nothing
        to judge by.

    Notes
    -----
    Pairs more persistent than twice the sup-norm are features of the true function, too: Cohen-Steiner,
    Edelsbrunner and Harer, Stability of persistence diagrams (2007). Bootstrap: Efron and Tibshirani (1993),
    section 6; the error of linear interpolation is that of any textbook.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> x = np.linspace(-2, 2, 41)
    >>> noise = np.random.default_rng(0).normal(size=(2, 16))
    >>> batch_losses = ((x**2 - 1) ** 2)[:, None] + 3 * noise[0] + 0.2 * x[:, None] * noise[1]
    >>> tree = merge_tree(batch_losses.mean(axis=1))
    >>> found = support(tree, batch_losses)
    >>> print(found)
    1 of 1 finite pairs supported (paired bootstrap over 16 batches and interpolation residual)
    >>> len(tree.restrict(found.supported).minima)
    2
    """
    if not (np.isfinite(factor) and factor >= 0):
        raise ValueError(f"factor={factor} must be a finite number >= 0 (3: three standard errors).")
    if sup_norm is not None and not sup_norm >= 0:
        raise ValueError(f"sup_norm={sup_norm} must be a number >= 0: a bound on |sampled - true|.")
    if rounds < 2:
        raise ValueError(f"rounds={rounds}: a standard error needs at least 2 resamples.")
    if batch_losses is None and counts is not None:
        raise ValueError("counts belong to batch_losses; give both, or neither.")
    count, on_grid = len(tree.pairs), isinstance(tree.connectivity, str)
    batches = None if batch_losses is None else checked_batches(batch_losses, counts, tree.values.shape)
    size = 0 if batches is None else batches.counts.size
    if not on_grid and (size < 2 or axes is not None):
        raise ValueError(
            f"The tree is that of a graph, not of a grid: axes do not apply, and with {size} batches there "
            "is nothing to judge by; give batch_losses of at least two batches, and no axes."
        )
    residual, stderr, recurring = np.full((3, count), np.nan)
    finite = np.flatnonzero(tree.pairs["parent"] >= 0)
    birth, death = (tree.pairs[name][finite] for name in ("birth_vertex", "death_vertex"))
    if on_grid:
        missed = _interpolation_error(tree.values, axes)
        residual[finite] = missed[birth] + missed[death]
    if batches is not None:
        evaluated = check_mean(batches, tree.values)
    if batches is not None and size > 1:
        weights = batches.weights(rounds, seed)
        stderr[finite] = paired_stderr(batches, weights, birth, death)
        if frequency and evaluated:
            recurring = recurrence(tree, batches, weights)
    noise = stderr if size > 1 else np.zeros(count)
    with np.errstate(invalid="ignore"):
        supported = tree.persistence > factor * noise + (residual if on_grid else 0.0)
    supported |= tree.pairs["parent"] < 0
    certified = None if sup_norm is None else tree.persistence > 2 * sup_norm
    return Support(
        tree.persistence,
        stderr,
        residual,
        recurring,
        supported,
        certified,
        factor,
        size,
        _basis(size, on_grid),
    )


def _basis(size: int, on_grid: bool) -> str:
    if size < 2:
        told = "one batch has no" if size else "no batch losses, so no"
        return f"interpolation residual only: {told} standard error"
    uncertain = f"{1 / np.sqrt(2 * size - 2):.0%}"
    few = "" if size >= _FEW else f" (few: the standard error itself is {uncertain} uncertain)"
    rest = "and interpolation residual" if on_grid else "only: a graph has no interpolation residual"
    return f"paired bootstrap over {size} batches{few} {rest}"


def _interpolation_error(values: np.ndarray, axes: Sequence[np.ndarray] | None) -> np.ndarray:
    """Estimate (flat) for each vertex, the largest in the box around it; NaN if it cannot be told."""
    lines = checked_axes(tuple(map(np.arange, values.shape)) if axes is None else axes, values.shape)
    samples = np.where(np.isfinite(values), values, np.nan)
    total = np.zeros(values.shape)
    for axis, line in enumerate(lines):
        if line.size > 1:
            bent = _second_differences(np.moveaxis(samples, axis, -1), np.diff(line))
            total += np.moveaxis(bent, -1, axis) / 8
    told = ~np.isnan(total)
    widest = ndimage.maximum_filter(np.where(told, total, -np.inf), size=3, mode="nearest")
    return np.where(told, widest, np.nan).ravel()


def _second_differences(samples: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """|f''| times the square of the wider step, along the last axis."""
    bent = np.full(samples.shape, np.nan)
    slopes = np.diff(samples, axis=-1) / steps
    left, right = steps[:-1], steps[1:]
    bent[..., 1:-1] = np.abs(np.diff(slopes, axis=-1)) * (2 / (left + right) * np.maximum(left, right) ** 2)
    aside = np.full(samples.shape, np.nan)
    aside[..., 1:] = bent[..., :-1]
    aside[..., :-1] = np.fmax(aside[..., :-1], bent[..., 1:])
    return np.where(np.isnan(bent) & ~np.isnan(samples), aside, bent)


def checked_axes(axes: Sequence[np.ndarray], shape: tuple[int, ...]) -> list[np.ndarray]:
    """Coordinates as float64; ValueError unless they fit the grid and increase strictly."""
    lines = [np.asarray(line, dtype=np.float64) for line in axes]
    if [line.shape for line in lines] != [(n,) for n in shape]:
        raise ValueError(
            f"axes of shapes {[line.shape for line in lines]} do not fit values of shape {shape}."
        )
    for number, line in enumerate(lines):
        if not (np.isfinite(line).all() and (np.diff(line) > 0).all()):
            raise ValueError(f"axes[{number}] must be finite and increase strictly.")
    return lines
