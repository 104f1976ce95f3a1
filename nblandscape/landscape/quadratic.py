"""A quadratic through a landscape: slope and curvatures at a point, and how far they describe the values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape

Floats = NDArray[np.float64]

_LARGEST = 2**18  # vertices of a window in the series
_DEPENDENT = 1e-10  # smallest over largest singular value: the vertices do not determine a quadratic
_WINDOW = np.dtype(
    [("cells", np.int64), ("points", np.int64), ("rms", float), ("largest", float), ("share", float)]
)


@dataclass(frozen=True, eq=False, repr=False)
class QuadraticFit:
    """The quadratic c + g·x + x·H x / 2, x = coordinates − centre; see `quadratic_fit`.

    Attributes
    ----------
    centre : np.ndarray, (d,)
        Coordinates of the point of expansion.
    constant : float
    gradient : np.ndarray, (d,)
        Slopes along the directions.
    hessian : np.ndarray, (d, d)
        Second derivatives in slice coordinates.
    eigenvalues : np.ndarray, (d,)
        Of `hessian`, ascending.
    axes : np.ndarray, (d, d)
        Row i is the unit eigenvector of ``eigenvalues[i]``, in slice coordinates.
    curvatures : np.ndarray or None, (d,)
        Principal curvatures for unit parameter displacement, ascending: what compares with eigenvalues of
        the full Hessian. From the directions' Gram matrix; None if the landscape does not know it.
    gradient_stderr, hessian_stderr, eigenvalue_stderr : np.ndarray
        Standard errors from the residuals. For a smooth function these are higher orders rather than noise.
        NaN if there are no more vertices than coefficients.
    eigenvalue_noise : np.ndarray or None, (d,)
        Standard errors from the spread between batches, paired; None without batch losses.
    window : tuple of d int
        Vertices used on each side of the vertex next to the centre.
    points : int
        Finite vertices used.
    rms, largest : float
        Residuals: root mean square and largest magnitude.
    windows : structured array
        Quadratics fitted to growing windows: `cells` (vertices on each side), `points`, `rms` and `largest`
        residual, and `share`, the largest residual over the range of the values in the window (NaN if there
        are no more vertices than coefficients).
    window_eigenvalues : np.ndarray, (len(windows), d)
    """

    centre: Floats
    constant: float
    gradient: Floats
    hessian: Floats
    eigenvalues: Floats
    axes: Floats
    curvatures: Floats | None
    gradient_stderr: Floats
    hessian_stderr: Floats
    eigenvalue_stderr: Floats
    eigenvalue_noise: Floats | None
    window: tuple[int, ...]
    points: int
    rms: float
    largest: float
    windows: np.ndarray
    window_eigenvalues: Floats

    def predict(self, coordinates: Sequence[float] | np.ndarray) -> Floats:
        """Values (...) of the quadratic at coordinates (..., d)."""
        x = np.asarray(coordinates, dtype=np.float64) - self.centre
        values: Floats = self.constant + x @ self.gradient + np.einsum("...i,ij,...j", x, self.hessian, x) / 2
        return values

    @property
    def stationary(self) -> Floats | None:
        """Coordinates (d,) where the slope of the quadratic is zero; None if a curvature is zero."""
        sizes = np.abs(self.eigenvalues)
        if sizes.min() <= 1e-12 * sizes.max():
            return None
        point: Floats = self.centre - np.linalg.solve(self.hessian, self.gradient)
        return point

    def quadratic_up_to(self, share: float = 0.05) -> int:
        """Vertices on each side up to which no residual exceeds `share` of the range; 0 if there are none."""
        known = ~np.isnan(self.windows["share"])
        good = (self.windows["share"] <= share) | ~known
        last = len(good) if good.all() else int(np.argmin(good))
        return int(self.windows["cells"][:last][known[:last]].max(initial=0))

    def __repr__(self) -> str:
        rows = [f"Quadratic fit at {_words(self.centre)} ({self.points} vertices, ±{_sides(self.window)})"]
        rows += [f"value {self.constant:.6g}, slopes {_words(self.gradient)}, rms residual {self.rms:.2g}"]
        for i, (value, axis) in enumerate(zip(self.eigenvalues, self.axes, strict=True)):
            error = self.eigenvalue_stderr[i]
            if self.eigenvalue_noise is not None:
                error = np.hypot(np.nan_to_num(error), self.eigenvalue_noise[i])
            about = "" if np.isnan(error) else f" ± {error:.1g}"
            rows.append(f"curvature {value:.6g}{about} along {_words(axis)}")
        return "\n".join([*rows, f"quadratic within 5 % up to ±{self.quadratic_up_to()} vertices"])


def quadratic_fit(
    landscape: Landscape,
    *,
    centre: int | Sequence[float] | None = None,
    window: int | Sequence[int] = 1,
) -> QuadraticFit:
    """Fit c + g·x + x·H x / 2 to the values around a point by least squares.

    Parameters
    ----------
    landscape : Landscape
        Any dimension, uniform axes or not. Holes are left out.
    centre : vertex number or coordinates (d,), optional
        By default the origin of the directions; without one, the middle vertex.
    window : int, or one per axis
        How many vertices on each side are used. On a uniform 1-D grid, 1 gives the central differences.

    Returns
    -------
    QuadraticFit

    Raises
    ------
    ValueError
        A centre outside the grid, an axis of fewer than three vertices, or a window whose finite vertices
        do not determine a quadratic.

    Notes
    -----
    A fourth derivative biases the curvatures: on a uniform 1-D grid of step h, x^4 seems to have H = 2 h^2
    at 0. The series `windows` shows it.

    Examples
    --------
    >>> import numpy as np, nblandscape as nbl
    >>> x, y = np.linspace(-1, 1, 9), np.linspace(-2, 2, 9)
    >>> landscape = nbl.Landscape.from_array(3 * x[:, None] ** 2 - y**2, (x, y))
    >>> fit = quadratic_fit(landscape)
    >>> fit.eigenvalues.round(6), fit.quadratic_up_to()
    (array([-2.,  6.]), 4)
    """
    for number, n in enumerate(landscape.shape):
        if n < 3:
            raise ValueError(
                f"Axis {number} has {n} vertices; a quadratic needs at least 3. Sample more points."
            )
    widths = _widths(window, landscape.dim)
    point = _point(landscape, centre)
    middle = tuple(int(np.abs(a - p).argmin()) for a, p in zip(landscape.axes, point, strict=True))
    fit = _Fit.of(landscape, point, middle, widths)
    if fit is None:
        part = _window(landscape.shape, middle, widths)
        found = int(np.isfinite(landscape.values[part]).sum())
        raise ValueError(
            f"The window of ±{_sides(widths)} vertices around {_words(point)} holds {found} finite vertices, "
            f"which do not determine the {_coefficients(landscape.dim)} coefficients of a quadratic. "
            f"Pass a larger window=, or a centre= further from the border and the holes."
        )
    series = _series(landscape, point, middle)
    gram = landscape.provenance.get("gram")
    values, vectors = np.linalg.eigh(fit.hessian)
    return QuadraticFit(
        point,
        fit.constant,
        fit.gradient,
        fit.hessian,
        values,
        vectors.T.copy(),
        None if gram is None else _curvatures(fit.hessian, np.asarray(gram, dtype=np.float64)),
        fit.stderr_of_gradient(),
        fit.stderr_of_hessian(),
        np.array([fit.stderr_along(v) for v in vectors.T]),
        _noise(landscape, point, middle, widths, vectors),
        widths,
        fit.points,
        fit.rms,
        fit.largest,
        np.array([(w, f.points, f.rms, f.largest, f.share) for w, f in series], dtype=_WINDOW),
        np.array([np.linalg.eigvalsh(f.hessian) for _, f in series]).reshape(-1, landscape.dim),
    )


@dataclass(frozen=True, eq=False)
class _Fit:
    """Least squares in coordinates scaled to the window, u = x / scale."""

    coefficients: Floats  # (p,) or (p, b)
    inverse: Floats  # (p, p) inverse of R, A = Q R
    scale: Floats  # (d,)
    points: int
    rms: float
    largest: float
    share: float

    @classmethod
    def of(
        cls,
        landscape: Landscape,
        point: Floats,
        middle: tuple[int, ...],
        widths: tuple[int, ...],
        values: np.ndarray | None = None,
    ) -> _Fit | None:
        """Fit values (*shape) or (*shape, b); None if the vertices do not determine a quadratic."""
        part = _window(landscape.shape, middle, widths)
        f = (landscape.values if values is None else values)[part]
        f = f.reshape(math.prod(f.shape[: landscape.dim]), *f.shape[landscape.dim :])
        lines = [a[s] - p for a, s, p in zip(landscape.axes, part, point, strict=True)]
        scale = np.array([np.abs(line).max() for line in lines])
        grid = np.meshgrid(*(line / s for line, s in zip(lines, scale, strict=True)), indexing="ij")
        u = np.stack([axis.ravel() for axis in grid], axis=1)
        finite = np.isfinite(f).reshape(len(f), -1).all(axis=1)
        u, f = u[finite], f[finite]
        i, j = np.triu_indices(landscape.dim)
        squares = u[:, i] * u[:, j] * np.where(i == j, 0.5, 1.0)
        A = np.hstack([np.ones((len(u), 1)), u, squares])
        if len(A) < A.shape[1]:
            return None
        Q, R = np.linalg.qr(A)
        sizes = np.linalg.svd(R, compute_uv=False)
        if sizes[-1] <= _DEPENDENT * sizes[0]:
            return None
        level = f[0]  # a large constant would cost digits of the curvatures
        inverse = np.linalg.inv(R)
        coefficients = inverse @ (Q.T @ (f - level))
        residuals = f - level - A @ coefficients
        coefficients[0] += level
        largest, span = float(np.abs(residuals).max()), float(np.ptp(f))
        share = math.nan if len(A) == A.shape[1] else largest / span if span > 0 else 0.0
        rms = float(np.sqrt((residuals**2).mean()))
        return cls(coefficients, inverse, scale, len(A), rms, largest, share)

    @property
    def constant(self) -> float:
        return float(self.coefficients[0])

    @property
    def gradient(self) -> Floats:
        slopes: Floats = self.coefficients[1 : 1 + len(self.scale)] / self.scale
        return slopes

    @property
    def hessian(self) -> Floats:
        return self._symmetric(self.coefficients[1 + len(self.scale) :])

    def _symmetric(self, entries: Floats) -> Floats:
        d = len(self.scale)
        i, j = np.triu_indices(d)
        matrix = np.empty((d, d))
        matrix[i, j] = matrix[j, i] = entries / (self.scale[i] * self.scale[j])
        return matrix

    @property
    def _sigma(self) -> float:
        """Standard deviation of a value about the quadratic."""
        free = self.points - len(self.inverse)
        return math.nan if free == 0 else self.rms * math.sqrt(self.points / free)

    def _stderr(self) -> Floats:
        sizes: Floats = self._sigma * np.linalg.norm(self.inverse, axis=1)
        return sizes

    def stderr_of_gradient(self) -> Floats:
        slopes: Floats = self._stderr()[1 : 1 + len(self.scale)] / self.scale
        return slopes

    def stderr_of_hessian(self) -> Floats:
        return self._symmetric(self._stderr()[1 + len(self.scale) :])

    def stderr_along(self, v: Floats) -> float:
        """Standard error of v·H v, to first order that of the eigenvalue."""
        return self._sigma * float(np.linalg.norm(self.form(v) @ self.inverse))

    def form(self, v: Floats) -> Floats:
        """Row (p,) that takes the coefficients to v·H v."""
        w = v / self.scale
        i, j = np.triu_indices(len(v))
        row = np.zeros(len(self.inverse))
        row[1 + len(v) :] = w[i] * w[j] * np.where(i == j, 1.0, 2.0)
        return row


def _series(landscape: Landscape, point: Floats, middle: tuple[int, ...]) -> list[tuple[int, _Fit]]:
    """Fits to growing windows, until one holds the whole grid or too many vertices."""
    reach = max(max(m, n - 1 - m) for m, n in zip(middle, landscape.shape, strict=True))
    steps = sorted({w for k in range(reach.bit_length() + 1) for w in (2**k, 3 * 2**k)} | {reach})
    found = []
    for w in (w for w in steps if w <= reach):
        part = _window(landscape.shape, middle, (w,) * landscape.dim)
        if math.prod(s.stop - s.start for s in part) > _LARGEST:
            break
        fit = _Fit.of(landscape, point, middle, (w,) * landscape.dim)
        if fit is not None:
            found.append((w, fit))
    return found


def _noise(
    landscape: Landscape,
    point: Floats,
    middle: tuple[int, ...],
    widths: tuple[int, ...],
    vectors: Floats,
) -> Floats | None:
    """Standard errors (d,) of the curvatures along vectors, from the same fit to every batch."""
    losses, counts = landscape.batch_losses, landscape.batch_counts
    if losses is None or losses.shape[-1] < 2:
        return None
    counts = np.ones(losses.shape[-1]) if counts is None else counts
    if not counts.any():
        return None  # a sum over the data: its batches are not draws of one mean
    weights = counts / counts.sum()
    present = weights > 0
    fit = _Fit.of(landscape, point, middle, widths, losses[..., present])
    weights, b = weights[present], int(present.sum())
    if fit is None or b < 2:
        return None
    curvatures = np.array([fit.form(v) @ fit.coefficients for v in vectors.T])
    means = curvatures @ weights
    variance: Floats = np.asarray((curvatures - means[:, None]) ** 2 @ weights**2 * b / (b - 1))
    return np.asarray(np.sqrt(variance))


def _curvatures(hessian: Floats, gram: Floats) -> Floats:
    """Eigenvalues of H x = lambda G x."""
    half = np.linalg.inv(np.linalg.cholesky(gram))
    return np.asarray(np.linalg.eigvalsh(half @ hessian @ half.T), dtype=np.float64)


def _window(shape: tuple[int, ...], middle: tuple[int, ...], widths: tuple[int, ...]) -> tuple[slice, ...]:
    sides = zip(shape, middle, widths, strict=True)
    return tuple(slice(max(m - w, 0), min(m + w + 1, n)) for n, m, w in sides)


def _widths(window: int | Sequence[int], dim: int) -> tuple[int, ...]:
    widths = np.asarray([window] * dim if np.ndim(window) == 0 else window)
    if widths.shape != (dim,) or widths.dtype.kind not in "iu" or widths.min() < 1:
        raise ValueError(f"window={window!r}; pass vertices on each side, at least 1, or {dim} such numbers.")
    return tuple(widths.tolist())


def _point(landscape: Landscape, centre: int | Sequence[float] | None) -> Floats:
    if centre is None:
        middle = np.ravel_multi_index(tuple(n // 2 for n in landscape.shape), landscape.shape)
        centre = int(middle) if landscape.origin is None else landscape.origin
    if isinstance(centre, Integral):
        if not 0 <= int(centre) < landscape.values.size:
            raise ValueError(f"centre={centre}: the landscape has vertices 0 to {landscape.values.size - 1}.")
        return np.array(landscape.coordinates(int(centre)))
    point = np.atleast_1d(np.asarray(centre, dtype=np.float64))
    ends = np.array([(a[0], a[-1]) for a in landscape.axes])
    if point.shape != (landscape.dim,) or not ((ends[:, 0] <= point) & (point <= ends[:, 1])).all():
        raise ValueError(f"centre={centre!r}; expected {landscape.dim} coordinates inside the grid.")
    return point


def _coefficients(dim: int) -> int:
    return 1 + dim + dim * (dim + 1) // 2


def _words(values: Sequence[float] | Floats) -> str:
    return "(" + ", ".join(f"{v:.4g}" for v in values) + ")"


def _sides(widths: tuple[int, ...]) -> str:
    return str(widths[0]) if len(set(widths)) == 1 else str(widths)
