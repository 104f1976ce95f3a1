"""Warnings that would have caught mistakes in published landscapes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nblandscape.landscape.row_pattern import FEWEST, odd_shift
from nblandscape.landscape.settings import settings_of

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape

Floats = NDArray[np.float64]

_EPS = {"float64": 2.2e-16, "float32": 1.2e-7, "float16": 9.8e-4, "bfloat16": 7.8e-3}
_SAME = 1e-3  # relative: two evaluations of one loss agree better
_AT_CHANCE = 0.005  # nats
_TINY = 0.05  # share of ln(classes) that the range of a plateau at chance may have
_USUAL = (2, 10, 100, 1000)  # numbers of classes, where nobody says how many there are
_LARGEST = 2**18  # numbers looked at
_ROUNDS = 99


@dataclass(frozen=True)
class Concern:
    """Something about a landscape that a reader must know.

    Attributes
    ----------
    kind : str
    message : str
        A sentence or two with the numbers and the remedy.
    numbers : dict
        What the message rests on.
    """

    kind: str
    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


def warnings(
    landscape: Landscape,
    *,
    classes: int | None = None,
    loss: float | None = None,
    weights_norm: float | None = None,
    sigmas: float = 3.0,
    largest_ratio: float = 1e3,
    largest_displacement: float = 1.0,
) -> list[Concern]:
    """Look for signs that a landscape does not show what it should.

    Parameters
    ----------
    landscape : Landscape
    classes : int, optional
        Of a classifier under cross entropy: chance is ln(classes). Without it, a cross entropy whose name the
        provenance knows is compared with those of 2, 10, 100 and 1000 classes.
    loss : float, optional
        The model's loss on the same data, to compare with the centre. Default: what the provenance has.
    weights_norm : float, optional
        ||theta||, to judge displacements; default as above.
    sigmas : float
        Standard errors between batches by which a centre may differ from chance.
    largest_ratio : float
        Of the loss at the border (median) over that at the centre.
    largest_displacement : float
        Of the parameters at the border, as a share of ||theta||.

    Returns
    -------
    list of Concern
        Empty if nothing was found. Kinds: "holes", "range too large", "plateau", "chance level",
        "worse than chance", "centre", "row pattern".

    Raises
    ------
    ValueError
        Fewer than two classes.

    Notes
    -----
    "row pattern" is the trace of a sampler that scans in serpentines and shifts every other row by a cell. It
    is reported where undoing the shift lowers the roughness across rows (sum of squared second differences)
    to at most 0.7 (0.5 with fewer than 17 rows), in at least 80 % of the rows, where the opposite shift does
    not lower it, and where a shear, which would do the same to a slanted valley, does less. Grids with fewer
    than 9 rows and columns are not tested.

    A landscape with batch losses is called a plateau if its range is below the 95 % quantile of what the
    batches make around a flat mean: ranges of sums of their deviations with normal weights (multiplier
    bootstrap). That neighbours share noise and that extremes are picked from many points is thus counted.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> x = np.linspace(-1, 1, 21)
    >>> bowl = x[:, None] ** 2 + (x - 0.2) ** 2
    >>> warnings(nbl.Landscape.from_array(bowl, (x, x)))
    []
    >>> bowl[1::2] = np.roll(bowl[1::2], 1, axis=1)
    >>> [w.kind for w in warnings(nbl.Landscape.from_array(bowl, (x, x)))]
    ['row pattern']
    """
    if classes is not None and classes < 2:
        raise ValueError(f"classes={classes}; a classifier has at least 2.")
    about = landscape.provenance
    loss = about.get("model_loss") if loss is None else loss
    weights_norm = about.get("weights_norm") if weights_norm is None else weights_norm
    found: list[Concern] = []
    found += _holes(landscape)
    found += _too_large(landscape, weights_norm, largest_ratio, largest_displacement)
    if landscape.holes == landscape.values.size:
        return found
    found += _plateau(landscape)
    found += _chance(landscape, classes, sigmas)
    found += _centre(landscape, loss)
    found += _row_pattern(landscape)
    return found


def compare_settings(landscapes: Mapping[str, Landscape] | Sequence[Landscape]) -> list[Concern]:
    """Name the settings in which landscapes differ that are to be compared.

    Looked at: axes and their points and spans, kind, normalisation and offset of the directions, quantity,
    loss, data, number of batches, treatment of BatchNorm, number type, interpolation, version. What a
    landscape does not tell is not compared. Weights and random seeds may differ.

    Parameters
    ----------
    landscapes : dict of name to Landscape, or sequence

    Returns
    -------
    list of Concern
        One per setting; ``kind`` is "different " + its name, ``numbers`` has the value of every landscape
        that tells one, by name.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> near, far = (nbl.Landscape.from_array(np.eye(3), [[-r, 0, r]] * 2) for r in (0.5, 1))
    >>> print(*compare_settings({"skip": near, "no skip": far}))
    The landscapes have different span: ±0.5 × ±0.5 (skip), ±1 × ±1 (no skip).
    """
    named = (
        dict(landscapes)
        if isinstance(landscapes, Mapping)
        else {str(i): each for i, each in enumerate(landscapes, 1)}
    )
    told = {name: dict(settings_of(each)) for name, each in named.items()}
    relative = {name: _relative_spans(each) for name, each in named.items()}
    found = []
    for setting in dict.fromkeys(key for each in told.values() for key in each):
        values = {name: each[setting] for name, each in told.items() if setting in each}
        groups: dict[str, list[str]] = {}
        for name, value in values.items():
            groups.setdefault(str(value), []).append(name)
        if len(groups) < 2 or (setting == "span" and _all_close(list(relative.values()))):
            continue
        words = ", ".join(f"{value} ({', '.join(names)})" for value, names in groups.items())
        found.append(
            Concern(f"different {setting}", f"The landscapes have different {setting}: {words}.", values)
        )
    return found


def _holes(landscape: Landscape) -> Iterator[Concern]:
    holes, size = landscape.holes, landscape.values.size
    if holes:
        yield Concern(
            "holes",
            f"{holes} of {size} points are not finite. They are drawn as holes and left out of every number.",
            {"holes": holes, "points": size},
        )


def _too_large(
    landscape: Landscape, weights_norm: float | None, largest_ratio: float, largest_displacement: float
) -> Iterator[Concern]:
    remedy = "Take a smaller span, in which the loss is that of a network which still works."
    if 2 * landscape.holes > landscape.values.size:
        share = landscape.holes / landscape.values.size
        yield Concern(
            "range too large",
            f"The loss is not finite at {share:.0%} of the points. {remedy}",
            {"not_finite": share},
        )
    border = np.ones(landscape.shape, dtype=bool)
    border[(slice(1, -1),) * landscape.dim] = False
    edges = landscape.values[border & np.isfinite(landscape.values)]
    centre = landscape.origin_value
    if _is_loss(landscape) and centre is not None and centre > 0 and edges.size:
        edge = float(np.median(edges))
        if edge > largest_ratio * max(centre, 1e-3):
            yield Concern(
                "range too large",
                f"At the border the loss is {edge:.3g} (median), {edge / centre:.2g} times the {centre:.3g} "
                f"at the centre. {remedy}",
                {"border": edge, "centre": centre, "ratio": edge / centre},
            )
    displacements = _displacements(landscape)
    if weights_norm and displacements is not None:
        shares = displacements / weights_norm
        if shares.max() > (1 + _SAME) * largest_displacement:  # the default spans end at ||theta||
            axis = int(shares.argmax())
            yield Concern(
                "range too large",
                f"The border of axis {axis} ({landscape.labels[axis]}) moves the parameters by "
                f"{shares[axis]:.3g} times their norm. {remedy}",
                {"axis": axis, "displacement": float(displacements[axis]), "share": float(shares[axis])},
            )


def _plateau(landscape: Landscape) -> Iterator[Concern]:
    values = landscape.values.ravel()
    span = float(np.nanmax(values) - np.nanmin(values))
    noise = _noise_range(landscape)
    if noise is not None and span < noise:
        yield Concern(
            "plateau",
            f"The values span {span:.3g}; the spread of the batches alone makes up to {noise:.2g}: the shape "
            "may be that of the sample. Use more data or a larger span.",
            {"range": span, "noise": noise},
        )
        return
    eps = _EPS.get(str(landscape.provenance.get("objective", {}).get("dtype")), _EPS["float64"])
    rounding = 16 * eps * float(np.nanmax(np.abs(values)))
    if span <= rounding:
        yield Concern(
            "plateau",
            f"The values span {span:.3g}, which rounding alone can make ({rounding:.1g}). Use a larger span, "
            "or dtype=torch.float64.",
            {"range": span, "rounding": rounding},
        )


def _chance(landscape: Landscape, classes: int | None, sigmas: float) -> Iterator[Concern]:
    about = landscape.provenance.get("objective", {})
    name = str(about.get("loss", "")).lower().replace("_", "")
    is_entropy = "crossentropy" in name or "nllloss" in name
    candidates = [classes] if classes is not None else _USUAL if is_entropy else ()
    centre = landscape.origin_value
    if centre is None or math.isnan(centre):
        centre = float(np.nanmedian(landscape.values))
    span = float(np.nanmax(landscape.values) - np.nanmin(landscape.values))
    error = 0.0
    if landscape.batch_losses is not None and landscape.origin is not None:
        batches = landscape.batch_losses.reshape(landscape.values.size, -1)
        error = _stderr(batches[landscape.origin], landscape.batch_counts)
        error = error if math.isfinite(error) else 0.0
    for count in candidates:
        chance = math.log(count)
        numbers = {"centre": centre, "chance": chance, "classes": count, "range": span}
        near = max(_AT_CHANCE, min(sigmas * error, _TINY * chance) if classes is not None else 0.0)
        if abs(centre - chance) <= near and span <= _TINY * chance:
            yield Concern(
                "chance level",
                f"A plateau at chance: the loss at the centre is {centre:.4g}, ln {count} = {chance:.4g}, "
                f"and all values span {span:.2g}. The network guesses: check its weights, its mode "
                "(BatchNorm), the loss and the data.",
                numbers,
            )
        elif classes is not None and centre > chance + max(_AT_CHANCE, sigmas * error):
            yield Concern(
                "worse than chance",
                f"The loss at the centre is {centre:.4g}, above ln {count} = {chance:.4g}, that of guessing. "
                "For a trained network, check its weights, its mode (BatchNorm), the loss and the data.",
                numbers,
            )


def _centre(landscape: Landscape, loss: float | None) -> Iterator[Concern]:
    vertex = landscape.origin
    if vertex is None:
        if loss is None or "origin" in landscape.provenance:  # None there: the slice passes beside the model
            return
        vertex = int(
            np.ravel_multi_index(tuple(int(np.abs(a).argmin()) for a in landscape.axes), landscape.shape)
        )
    place, value = landscape.coordinates(vertex), float(landscape.values.flat[vertex])
    extents = [float(np.ptp(a)) for a in landscape.axes]
    if any(abs(c) > 1e-9 * e for c, e in zip(place, extents, strict=True)):
        yield Concern(
            "centre",
            f"No point of the grid is the model: the nearest to it is at {_tuple(place)}. Take an odd number "
            "of points on each axis.",
            {"nearest": place},
        )
        return
    if math.isnan(value):
        yield Concern(
            "centre", "The loss at the centre, that of the model, is not finite.", {"centre": value}
        )
        return
    expected = {} if loss is None else {"the model's loss": float(loss)}
    mean = _batch_mean(landscape, vertex)
    if mean is not None:
        expected["the mean of its batches"] = mean
    for what, other in expected.items():
        if abs(value - other) > _SAME * max(abs(value), abs(other)):
            yield Concern(
                "centre",
                f"The value at the centre is {value:.6g}, {what} is {other:.6g}. Check the mode (dropout, "
                "BatchNorm), the data and the weights of both.",
                {"centre": value, "expected": other},
            )


def _row_pattern(landscape: Landscape) -> Iterator[Concern]:
    best: dict[int, tuple[float, int, int, float]] = {}
    for axis, along in itertools.permutations(range(landscape.dim), 2):
        if min(landscape.shape[axis], landscape.shape[along]) < FEWEST:
            continue
        found = odd_shift(landscape.values, axis, along)
        if found is not None and found[0] < best.get(axis, (math.inf,))[0]:
            ratio, shift, share = found
            best[axis] = (ratio, along, shift, share)
    for axis, (ratio, along, shift, share) in best.items():
        yield Concern(
            "row pattern",
            f"Every other row of axis {axis} looks shifted by one cell along axis {along}: shifting it back "
            f"lowers the roughness across rows to {ratio:.2g} of what it is. A sampler that scans in "
            "serpentines does this; minima and saddles of such values mean nothing.",
            {"axis": axis, "along": along, "shift": shift, "ratio": ratio, "rows": share},
        )


def _is_loss(landscape: Landscape) -> bool:
    return landscape.provenance.get("quantity") == "loss"


def _displacements(landscape: Landscape) -> Floats | None:
    """Displacement of the parameters at the border of each axis (d,)."""
    gram = landscape.provenance.get("gram")
    if gram is None:
        return None
    ends = np.array([np.abs(a).max() for a in landscape.axes])
    return np.asarray(ends * np.sqrt(np.diag(np.asarray(gram, dtype=np.float64))))


def _relative_spans(landscape: Landscape) -> Floats | None:
    norm, displacements = landscape.provenance.get("weights_norm"), _displacements(landscape)
    return None if not norm or displacements is None else displacements / norm


def _all_close(values: list[Floats | None]) -> bool:
    first = values[0]
    return first is not None and all(
        v is not None and v.shape == first.shape and np.allclose(v, first, rtol=_SAME, atol=0) for v in values
    )


def _noise_range(landscape: Landscape) -> float | None:
    """95 % quantile of the range that the batches' deviations from their mean make; None if unknown."""
    losses, counts = landscape.batch_losses, landscape.batch_counts
    if losses is None or (counts is not None and not np.any(counts)):
        return None
    rows = losses.reshape(landscape.values.size, -1)
    rows = rows[:: max(1, math.ceil(rows.size / _LARGEST))]
    weights = np.ones(rows.shape[1]) if counts is None else np.asarray(counts, dtype=np.float64)
    rows, weights = rows[:, weights > 0], weights[weights > 0] / weights.sum()
    rows = rows[np.isfinite(rows).all(axis=1)]
    b = len(weights)
    if b < 2 or len(rows) < 2:
        return None
    drawn = np.random.default_rng(0).normal(size=(b, _ROUNDS)) * weights[:, None] * math.sqrt(b / (b - 1))
    fields = (rows - (rows @ weights)[:, None]) @ drawn
    return float(np.quantile(np.ptp(fields, axis=0), 0.95))


def _batch_mean(landscape: Landscape, vertex: int) -> float | None:
    losses, counts = landscape.batch_losses, landscape.batch_counts
    if losses is None or (counts is not None and not np.any(counts)):
        return None
    row = losses.reshape(landscape.values.size, -1)[vertex]
    weights = np.ones(len(row)) if counts is None else np.asarray(counts)
    mean = float(np.average(row[weights > 0], weights=weights[weights > 0]))
    return mean if math.isfinite(mean) else None


def _stderr(batches: Floats, counts: Floats | None) -> float:
    """Standard error of the weighted mean over batches (b,); NaN where it cannot be known."""
    weights = np.ones(len(batches)) if counts is None else np.asarray(counts, dtype=np.float64)
    batches, weights = batches[weights > 0], weights[weights > 0]
    b = len(batches)
    if b < 2:
        return math.nan
    weights = weights / weights.sum()
    return math.sqrt(float(weights**2 @ (batches - weights @ batches) ** 2) * b / (b - 1))


def _tuple(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{v:.4g}" for v in values) + ")"
