"""Critical points of a slice, found on the grid, made exact with the real loss and checked in the full space.

A minimum of a slice is in general no minimum of the loss, and not even a critical point of it (Böttcher &
Wheeler, arXiv 2208.13219).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal
from nblandscape.cancel import check as check_cancel
from nblandscape.curvature.extremes import Extreme, judge_ends
from nblandscape.curvature.lanczos import iter_spectrum
from nblandscape.curvature.probes import probe
from nblandscape.landscape.critical_point import SURE, CriticalPoint, Kind, Point
from nblandscape.landscape.newton import Look, Slice, kind_of, search
from nblandscape.landscape.span import half_widths
from nblandscape.steps import returned

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

Floats = NDArray[np.float64]
_CRITICAL = 1e-3  # share of the loss that a step along the gradient may still gain, as in a trust report
_PROBES = 16
_CELLS = 16  # on each side of the origin in a grid of 33 points, which stands in for a missing one


def polish(
    objective: Objective,
    subspace: Subspace,
    start: int | Sequence[float] | np.ndarray,
    landscape: Landscape | None = None,
    *,
    index: int | None = None,
    cell: float | Sequence[float] | None = None,
    reach: float = 2.0,
    steps: int = 30,
    tol: float = 1e-6,
    check: bool = True,
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> CriticalPoint:
    """Find the critical point of the slice next to a point of the grid, and say what it is in the full space.

    Newton steps with the projected Hessian, within a trust region of at most one cell. Towards a minimum the
    loss never rises; towards a saddle or maximum the steps climb along the lowest `index` eigenvectors and
    descend along the others, and the gradient must shrink as soon as the index is right. Then the full
    gradient and both ends of the full spectrum are computed.

    Parameters
    ----------
    objective : Objective
    subspace : Subspace
        The slice, any dimension.
    start : vertex number (needs `landscape`) or coordinates (d,)
    landscape : Landscape, optional
        Sampled over `subspace`; tells the size of a cell.
    index : int, optional
        Negative curvatures in the slice of what is looked for: 0 a minimum, d a maximum. Default: 0 or d
        for a vertex that is the lowest or highest of its neighbours, else the index at the start.
    cell : float, or one per axis, optional
        Size of a cell along each direction: no step is longer. By default that of the landscape at the start;
        without one, that of the 33 points that `sample` would take.
    reach : float
        How many cells the point may lie away from the start along each axis.
    steps : int
        At most so many steps, tried ones included.
    tol : float
        Converged when the next Newton step is shorter than this share of a cell along every eigenvector (0.05
        where rounding allows no better), or the slope is no larger than its rounding error.
    check : bool
        Check in the full space, which takes a run of `hessian_spectrum`.
    seed : int
        Of the random vectors of the check.
    cancel : threading.Event or callable, optional

    Returns
    -------
    CriticalPoint
        ``print`` shows the numbers, ``.verdict`` the sentence. `objective.parameters_at` has the weights.

    Raises
    ------
    ValueError
        A start outside the landscape, in a hole, or with a wrong number of coordinates; an index outside
        0 to d; a subspace that moves BatchNorm statistics, in which gradients lack a part.
    nblandscape.cancel.Cancelled

    Notes
    -----
    A point counts as critical if a step along the gradient would gain at most 1e-3 of the larger of |loss|
    and the change of the loss over a cell. Steps of the minimisation: Conn, Gould & Toint, Trust-Region
    Methods (2000), chapter 7; of the search for saddles: Cerjan & Miller, J. Chem. Phys. 75 (1981) 2800.

    Examples
    --------
    The slice w_3 = 0 has its minimum at w_1 = 1, w_2 = 0; the loss rises along w_3 there.

    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(3, 1, bias=False).double()
    >>> _ = torch.nn.init.zeros_(model.weight)
    >>> def loss(model, batch):
    ...     w = model.weight[0]
    ...     return (w[0] - 1) ** 2 + w[1] ** 2 + w[2] ** 2 + 0.5 * w[2], 1
    >>> objective = nbl.Objective.from_batch_loss(model, loss, [torch.zeros(1)])
    >>> plane = nbl.Subspace.from_directions(objective, torch.eye(3, dtype=torch.float64)[:2])
    >>> landscape = nbl.sample(objective, plane, span=2.2, points=9)
    >>> point = polish(objective, plane, int(landscape.values.argmin()), landscape)
    >>> point.coordinates.round(6) + 0.0
    array([1., 0.])
    >>> print(point.verdict)
    A minimum of the slice; not a critical point of the loss: the gradient is 0.5 there, of which 0.5 points out of the slice.
    """  # noqa: E501
    run = iter_polish(
        objective,
        subspace,
        start,
        landscape,
        index=index,
        cell=cell,
        reach=reach,
        steps=steps,
        tol=tol,
        check=check,
        seed=seed,
        cancel=cancel,
    )
    return returned(run)


def iter_polish(
    objective: Objective,
    subspace: Subspace,
    start: int | Sequence[float] | np.ndarray,
    landscape: Landscape | None = None,
    *,
    index: int | None = None,
    cell: float | Sequence[float] | None = None,
    reach: float = 2.0,
    steps: int = 30,
    tol: float = 1e-6,
    check: bool = True,
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> Generator[None, None, CriticalPoint]:
    """Do what `polish` does, pausing after every evaluation; returns the point. Arguments as there."""
    _check_arguments(objective, subspace, landscape, index, steps, reach, tol)
    alpha, wanted = _start(subspace, start, landscape)
    wanted = wanted if index is None else index
    cells = _cells(objective, subspace, alpha, landscape, cell)
    plane = Slice(objective, subspace, alpha, cells, cancel)
    here = plane.look(np.zeros(subspace.dim))
    if not here.finite:
        raise ValueError(f"The loss is {here.loss} at the start {_words(alpha)}; start from a finite point.")
    before = here.loss
    plane.bend(here)
    if wanted is None:
        wanted = here.index
    here, reason = yield from search(plane, here, wanted, reach, steps, tol)
    return (yield from _result(plane, here, before, reason, check, seed))


def _result(
    plane: Slice, here: Look, before: float, reason: str, check: bool, seed: int
) -> Generator[None, None, CriticalPoint]:
    assert here.objective is not None
    assert here.images is not None
    basis = torch.linalg.qr(plane.directions.T).Q.T  # (d, n), unit directions of the slice
    inside = float(torch.linalg.vector_norm(basis @ here.gradient))
    turn = basis @ plane.directions.T
    form = torch.linalg.solve(turn.T, (plane.directions @ here.images.T)) @ torch.linalg.inv(turn)
    eigenvalues = np.linalg.eigvalsh(np.asarray(((form + form.T) / 2).cpu()))
    kind: Kind = "not converged"
    if reason == "converged":
        flat = (np.abs(here.values) <= here.curvature_noise).any()
        kind = "degenerate" if flat else kind_of(here.index, len(here.values))
    common = (
        plane.coordinates(here.u),
        float(np.linalg.norm(here.u)),
        before,
        here.loss,
        inside,
        eigenvalues,
        kind,
        here.index,
        reason,
    )
    if not check or kind == "not converged":
        return CriticalPoint(*common, gradients=plane.gradients, products=plane.products)
    size = float(torch.linalg.vector_norm(here.gradient))
    outside = float(torch.linalg.vector_norm(here.gradient - basis.T @ (basis @ here.gradient)))
    check_cancel(plane.cancel)
    spectrum = None
    for partial in iter_spectrum(here.objective, largest=1, smallest=1, seed=seed, cancel=plane.cancel):
        spectrum = partial
        yield
    assert spectrum is not None
    ends, spent = judge_ends(here.objective, spectrum, None, here.gradient)
    noise = _gradient_noise(here.objective, seed)
    lift = ends[0].value if ends[0].value > 0 else abs(ends[1].value)
    gain = size**2 / (2 * lift) if lift > 0 else math.inf if size > 0 else 0.0
    scale = max(abs(here.loss), float(np.abs(here.values).max()) / 2)
    return CriticalPoint(
        *common,
        _full(ends, gain <= _CRITICAL * scale, noise is not None and size <= 2 * noise),
        size,
        outside,
        noise,
        gain,
        ends[0],
        ends[1],
        plane.gradients + (0 if noise is None else 1),
        plane.products + spectrum.products + spent,
    )


def _full(ends: list[Extreme], critical: bool, within_noise: bool) -> Point:
    """What the point is in all directions together."""
    if not critical:
        return "undecided" if within_noise else "not a critical point"
    up = ends[0].value > 0 and ends[0].verdict in SURE
    down = ends[1].value < 0 and ends[1].verdict in SURE
    if up and down:
        return "saddle"
    if ends[1].value > 0 and ends[1].verdict in SURE:
        return "minimum"
    if ends[0].value < 0 and ends[0].verdict in SURE:
        return "maximum"
    return "undecided"


def _gradient_noise(objective: Objective, seed: int) -> float | None:
    """Norm of the standard error of the gradient over batches, by the trace of its covariance."""
    counts, n = objective.batch_counts, objective.num_parameters
    b = int((counts > 0).sum())
    if b < 2:
        return None
    few = n <= _PROBES
    draw = torch.Generator().manual_seed(seed)
    V = torch.eye(n) if few else torch.stack([probe(objective, draw, "rademacher") for _ in range(_PROBES)])
    slopes = objective.batch_gradients_dot(V)
    weights = counts / counts.sum()
    variances = (slopes - (slopes @ weights)[:, None]) ** 2 @ weights**2 * b / (b - 1)
    return math.sqrt(float(variances.sum() if few else variances.mean()))


def _start(
    subspace: Subspace, start: int | Sequence[float] | np.ndarray, landscape: Landscape | None
) -> tuple[Floats, int | None]:
    """Coordinates (d,), and the index of a vertex that is extreme among its neighbours."""
    if not isinstance(start, Integral):
        alpha = np.atleast_1d(np.asarray(start, dtype=np.float64))
        if alpha.shape != (subspace.dim,) or not np.isfinite(alpha).all():
            raise ValueError(f"start={start!r}; expected {subspace.dim} finite coordinates, or a vertex.")
        return alpha, None
    vertex = int(start)
    if landscape is None:
        raise ValueError(f"start={vertex} is a vertex of a landscape; pass the landscape, or coordinates.")
    if not 0 <= vertex < landscape.values.size:
        raise ValueError(f"start={vertex}: the landscape has vertices 0 to {landscape.values.size - 1}.")
    value = landscape.values.flat[vertex]
    if math.isnan(value):
        raise ValueError(f"start={vertex} is a hole of the landscape; start from a finite vertex.")
    place = np.unravel_index(vertex, landscape.shape)
    around = landscape.values[tuple(slice(max(int(i) - 1, 0), int(i) + 2) for i in place)]
    lowest, highest = value <= np.nanmin(around), value >= np.nanmax(around)
    index = None if lowest == highest else 0 if lowest else subspace.dim
    return np.array(landscape.coordinates(vertex)), index


def _cells(
    objective: Objective,
    subspace: Subspace,
    alpha: Floats,
    landscape: Landscape | None,
    cell: float | Sequence[float] | None,
) -> Floats:
    """Size (d,) of a cell at a point."""
    if cell is not None:
        given = np.broadcast_to(np.asarray(cell, dtype=np.float64), (subspace.dim,))
        if not (np.isfinite(given) & (given > 0)).all():
            raise ValueError(f"cell={cell!r}; pass a positive size, or one per axis.")
        return given
    if landscape is None:
        return np.array(half_widths(None, subspace, objective.loss())) / _CELLS
    sizes = []
    for axis, a in zip(landscape.axes, alpha, strict=True):
        i = int(np.clip(np.searchsorted(axis, a), 1, len(axis) - 1))
        near = np.diff(axis[max(i - 1 - (a == axis[i - 1]), 0) : i + 1 + (a == axis[i])])
        sizes.append(float(near.max()))
    return np.array(sizes)


def _words(values: Floats) -> str:
    return "(" + ", ".join(f"{v:.4g}" for v in values) + ")"


def _check_arguments(
    objective: Objective,
    subspace: Subspace,
    landscape: Landscape | None,
    index: int | None,
    steps: int,
    reach: float,
    tol: float,
) -> None:
    if subspace.directions.shape[1] != objective.num_parameters:
        raise ValueError(
            f"The slice has directions of length {subspace.directions.shape[1]}; the objective has "
            f"{objective.num_parameters} parameters."
        )
    if landscape is not None and landscape.dim != subspace.dim:
        raise ValueError(
            f"The landscape has {landscape.dim} axes, the slice {subspace.dim} directions; "
            "pass the landscape that was sampled over this slice."
        )
    if subspace.statistics:
        raise ValueError(
            "This slice moves BatchNorm statistics, whose part gradients lack; make it without "
            "statistics=True to polish its points."
        )
    if index is not None and not 0 <= index <= subspace.dim:
        raise ValueError(f"index={index}; it must be between 0 (minimum) and {subspace.dim} (maximum).")
    if steps < 1 or not reach > 0 or not 0 < tol < 1:
        raise ValueError(f"steps={steps}, reach={reach}, tol={tol}: use steps >= 1, reach > 0, 0 < tol < 1.")
