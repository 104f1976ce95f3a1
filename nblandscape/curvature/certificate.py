"""How sure a random vector makes us that no eigenvalue was overlooked.

A Krylov run from one vector sees one copy of a multiple eigenvalue at most. A second run, from a random
vector orthogonal to everything known, would show what is hidden, unless the vector has too little of it. How
little can be computed: the mass that a measure may put on a point is at most its Christoffel function there,
which the coefficients of the run determine.

Source: N. I. Akhiezer, The Classical Moment Problem (1965), section 2.5, for the bound.
"""

from collections.abc import Sequence

from scipy.special import betainc

_CERTAIN = 1e30


def hidden_weight(alphas: Sequence[float], betas: Sequence[float], x: float) -> float:
    """Bound the squared component of a Lanczos start vector on eigenvectors with one value >= x.

    Parameters
    ----------
    alphas, betas
        Diagonal and off-diagonal of the Jacobi matrix, length j each; ``betas[-1]`` is the norm of the last
        residual.
    x
        The value; if the run itself shows something at or beyond x, the bound is the trivial 1.

    Examples
    --------
    The spectrum is -1 and 1 with equal weights, and the run is exhausted: nothing is hidden at 2.

    >>> hidden_weight([0.0, 0.0], [1.0, 0.0], 2.0)
    0.0
    >>> hidden_weight([0.0], [1.0], 2.0)
    0.2
    """
    previous, current, total, beta_before = 0.0, 1.0, 1.0, 0.0
    for alpha, beta in zip(alphas, betas, strict=True):
        step = (x - alpha) * current - beta_before * previous
        if step <= 0:
            return 1.0
        if beta == 0 or step > _CERTAIN * beta:
            return 0.0
        previous, current, beta_before = current, step / beta, beta
        total += current * current
    return 1.0 / total


def miss_probability(weight: float, dimension: int) -> float:
    """Return how probably a random unit vector has at most this squared component on a given direction.

    Examples
    --------
    >>> round(miss_probability(0.5, 2), 3)
    0.5
    >>> miss_probability(0.0, 1000)
    0.0
    """
    if weight <= 0:
        return 0.0
    if weight >= 1 or dimension <= 1:
        return 1.0
    return float(betainc(0.5, (dimension - 1) / 2, weight))
