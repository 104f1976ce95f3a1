"""Random vectors with independent entries of mean 0 and variance 1, from private generators."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import torch

from nblandscape.curvature.operator import HasHessian, SymmetricOperator

Distribution = Literal["rademacher", "normal"]


def probe(
    space: SymmetricOperator | HasHessian, generator: torch.Generator, distribution: Distribution
) -> torch.Tensor:
    """Draw one vector (n,) in the type and on the device of an operator or an objective.

    It is drawn on the CPU in float32, so that a seed gives the same vector everywhere.

    Raises
    ------
    ValueError
        An unknown distribution.

    Examples
    --------
    >>> from nblandscape.curvature.operator import as_operator
    >>> v = probe(as_operator(torch.eye(4)), torch.Generator().manual_seed(0), "rademacher")
    >>> v.abs()
    tensor([1., 1., 1., 1.])
    """
    n = int(space.size if isinstance(space, SymmetricOperator) else space.num_parameters)
    if distribution == "rademacher":
        drawn = torch.randint(0, 2, (n,), generator=generator).to(torch.float32).mul_(2).sub_(1)
    elif distribution == "normal":
        drawn = torch.randn(n, generator=generator, dtype=torch.float32)
    else:
        raise ValueError(f'distribution={distribution!r}; use "rademacher" or "normal".')
    return drawn.to(space.device, space.dtype)


def check_count(count: Any, least: int = 1, name: str = "samples") -> None:
    """Raise `ValueError` for what is not a whole number, or less than is needed.

    Examples
    --------
    >>> check_count(3)
    >>> check_count(2.5, name="probes")
    Traceback (most recent call last):
    ValueError: probes=2.5: use a whole number, at least 1.
    """
    if not isinstance(count, Integral) or count < least:
        raise ValueError(f"{name}={count!r}: use a whole number, at least {least}.")
