"""Functions with known topology, sampled on grids."""

from collections.abc import Callable, Sequence

import numpy as np


def sampled(f: Callable[..., np.ndarray], *axes: Sequence[float] | np.ndarray) -> np.ndarray:
    return np.asarray(f(*np.meshgrid(*axes, indexing="ij")), dtype=float)


def himmelblau(n: int) -> np.ndarray:
    x = np.linspace(-5, 5, n)
    return sampled(lambda a, b: (a**2 + b - 11) ** 2 + (a + b**2 - 7) ** 2, x, x)


def wells(dimension: int, n: int = 21) -> np.ndarray:
    x = np.linspace(-2, 2, n)
    return sampled(lambda *c: sum((a**2 - 1) ** 2 for a in c), *[x] * dimension)


def rotated_valley(ratio: float, n: int = 81, degrees: float = 30.0) -> np.ndarray:
    x = np.linspace(-1, 1, n)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return sampled(lambda a, b: (c * a + s * b) ** 2 + ratio * (c * b - s * a) ** 2, x, x)


def rastrigin(n: int) -> np.ndarray:
    x = np.linspace(-2.5, 2.5, n)
    return sampled(lambda *c: sum(10 + a**2 - 10 * np.cos(2 * np.pi * a) for a in c), x, x)


def ackley(n: int) -> np.ndarray:
    x = np.linspace(-2.5, 2.5, n)
    return sampled(
        lambda a, b: (
            20
            + np.e
            - 20 * np.exp(-0.2 * np.sqrt((a**2 + b**2) / 2))
            - np.exp((np.cos(2 * np.pi * a) + np.cos(2 * np.pi * b)) / 2)
        ),
        x,
        x,
    )


def camel(n: int) -> np.ndarray:
    return sampled(
        lambda a, b: (4 - 2.1 * a**2 + a**4 / 3) * a**2 + a * b + (4 * b**2 - 4) * b**2,
        np.linspace(-2, 2, n),
        np.linspace(-1.2, 1.2, n),
    )


def three_wells(n: int) -> np.ndarray:
    x = np.linspace(-2, 2, n)
    centres = ((-1.0, -1.0, 2.0), (1.1, -0.6, 1.5), (0.2, 1.2, 1.0))
    return sampled(
        lambda a, b: (
            (a**2 + b**2) / 10 - sum(h * np.exp(-3 * ((a - p) ** 2 + (b - q) ** 2)) for p, q, h in centres)
        ),
        x,
        x,
    )
