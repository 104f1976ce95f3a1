"""How sure random start vectors make us that no eigenvalue was overlooked.

A Krylov run from b random vectors shows at most b copies of an eigenvalue, and a copy of which the vectors
hold very little shows late. How little they must hold can be computed: the components y of an unknown
eigenvector on the rows Q of the basis obey y (C - x I) = 0, where H Q[:p]^T = Q^T C is the record of the run.
These equations leave as many degrees of freedom as the basis has tails, and |y| <= 1; so the components of
the random vectors on the eigenvector lie in an ellipsoid, whose axes shrink with every product.

Sources: N. I. Akhiezer, The Classical Moment Problem (1965), section 2.5 (one vector: the squared axis is the
Christoffel function of the run); A. Edelman, SIAM J. Matrix Anal. Appl. 9 (1988) 543, section 3 (the smallest
singular value of a random matrix).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

Floats = NDArray[np.float64]

_NOISE = 10.0  # floors: below, rounding turns the direction of a residual
_EQUAL = 0.1  # of the residual: converged copies agree better, by its square over the gap


class Doubt(NamedTuple):
    """A value at which an eigenvalue could hide."""

    chance: float  # bound on the probability
    copies: int  # that are known
    direction: Floats  # (m,) the likeliest hidden vector, on the rows


class Known(NamedTuple):
    """Ritz pairs of a record C, shape (m, p)."""

    values: Floats  # (p,)
    vectors: Floats  # (p, p), column i belongs to values[i]
    residuals: Floats  # (p,)

    @classmethod
    def of(cls, C: Floats) -> "Known":
        """Solve the projected problem of a record."""
        p = C.shape[1]
        values, S = np.linalg.eigh((C[:p] + C[:p].T) / 2)
        rest = C @ S
        rest[:p] -= S * values
        return cls(values, S, np.linalg.norm(rest, axis=0))

    def same(self, i: int, floor: float) -> NDArray[np.bool_]:
        """Return which values, shape (p,), are copies of value i."""
        equal: NDArray[np.bool_] = np.abs(self.values - self.values[i]) <= max(
            _EQUAL * self.residuals[i], floor
        )
        return equal


def doubt_beyond(C: Floats, draws: Floats, x: float) -> Doubt:
    """Ask for an eigenvalue at x, beyond all that are known."""
    lengths, directions = hidden_axes(C, draws, x)
    return Doubt(miss_probability(lengths), 0, directions[:, 0])


def doubt_at(C: Floats, draws: Floats, known: Known, i: int, floor: float) -> Doubt:
    """Ask for a further copy of value i; residuals up to the floor are rounding error."""
    same = known.same(i, floor)
    copies = int(same.sum())
    pairs = known.vectors[:, same], known.vectors[:, ~same]
    lengths, directions = hidden_axes(C, draws, float(known.values[i]), pairs, _NOISE * floor)
    return Doubt(miss_probability(lengths, copies), copies, directions[:, min(copies, len(lengths) - 1)])


def hidden_axes(
    C: Floats, draws: Floats, x: float, copies: tuple[Floats, Floats] | None = None, floor: float = 0.0
) -> tuple[Floats, Floats]:
    """Bound the components that random vectors may have on one eigenvector with the value x.

    Parameters
    ----------
    C
        Record of the run, shape (m, p): column j has the components of H q_j on the m rows of the basis.
    draws
        Components of b random vectors on the rows, shape (m, b).
    x
        The value.
    copies
        Ritz vectors, shape (p, r), that are known eigenvectors with the value x, up to their residuals; and
        the other ones, shape (p, p - r).
    floor
        Residuals of copies up to this length are rounding error, and nothing follows from their direction.

    Returns
    -------
    lengths : shape (b,)
        Semi-axes of the ellipsoid in which the b components lie, descending.
    directions : shape (m, b)
        The unit vector y behind each axis: its large components tell which tail to expand.

    Examples
    --------
    A run of one product from a random vector of length 30 found the value 0, and a remainder of length 1:

    >>> lengths, _ = hidden_axes(np.array([[0.0], [1.0]]), np.array([[30.0], [0.0]]), 2.0)
    >>> round(float(lengths[0]) ** 2 / 30**2, 3)  # the share of the vector that may be hidden at 2
    0.2
    """
    (m, p), b = C.shape, draws.shape[1]
    equations = C.copy()
    equations[np.arange(p), np.arange(p)] -= x
    if copies is not None:
        same, others = copies
        tails = C[p:] @ same
        tails = tails[:, np.linalg.norm(tails, axis=0) > floor]
        exact = np.vstack([np.zeros((p, tails.shape[1])), tails])
        equations = np.hstack([equations @ others, exact])
    free = np.linalg.qr(equations, mode="complete")[0][:, equations.shape[1] :]
    _, sizes, rotation = np.linalg.svd(draws.T @ free, full_matrices=False)
    lengths, directions = np.zeros(b), np.zeros((m, b))
    lengths[: len(sizes)] = sizes
    directions[:, : len(sizes)] = free @ rotation.T
    return lengths, directions


def miss_probability(lengths: Floats, found: int = 0) -> float:
    """Bound the probability that standard normal vectors hold so little of an eigenvector.

    Parameters
    ----------
    lengths
        Semi-axes for b vectors, shape (b,), descending.
    found
        Copies of the eigenvalue that the run has shown. With none the b components on a given eigenvector are
        independent and lie in a ball. With r of them, the further copy lies where the b vectors are smallest
        in the (r + 1)-dimensional eigenspace; its component is at least the smallest singular value of a
        random square matrix, which is below e with a probability of at most sqrt(r + 1) e (Edelman). With b
        copies found, nothing is known of more, and the bound is 1.

    Examples
    --------
    >>> [round(miss_probability(np.full(b, 0.1)), 5) for b in (1, 2)]
    [0.07966, 0.00499]
    >>> round(miss_probability(np.array([5.0, 0.01]), found=1), 4)
    0.0141
    >>> miss_probability(np.array([5.0, 0.01]), found=2)
    1.0
    """
    b = len(lengths)
    if found >= b:
        return 1.0
    if found == 0:
        return float(gammainc(b / 2, lengths[0] ** 2 / 2))
    return float(min(1.0, np.sqrt(found + 1) * lengths[found]))
