"""The trace of a Hessian, estimated with its error: from products, or from losses alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.operator import SymmetricOperator, as_operator, require_objective
from nblandscape.curvature.probes import Distribution, check_count, probe

if TYPE_CHECKING:
    from nblandscape.objective import Objective
    from nblandscape.seeded_rows import SeededRows

Method = Literal["hutchinson", "hutch++", "loss"]

_STEPS = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2)  # relative to ||theta||, doubling
_PILOTS = 3


@dataclass(frozen=True, repr=False, eq=False)
class Estimate:
    """A number with its standard error.

    Attributes
    ----------
    value : float
    stderr : float
        Standard error of `value`: the sampling error and, for differences of losses, the error of the
        step. Infinite for a single sample.
    samples : int
    method : str
    products : int
        Hessian-vector products spent.
    evaluations : int
        Losses evaluated.
    draws : np.ndarray, (samples,)
        What was averaged.

    Examples
    --------
    >>> Estimate(12.25, 0.5, 30, "hutchinson")
    12.25 ± 0.5 (30 samples, hutchinson)
    """

    value: float
    stderr: float
    samples: int
    method: str = ""
    products: int = 0
    evaluations: int = 0
    draws: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __repr__(self) -> str:
        notes = f"{self.samples} samples" + (f", {self.method}" if self.method else "")
        return f"{self.value:.6g} ± {self.stderr:.2g} ({notes})"

    def __float__(self) -> float:
        return self.value


def mean_of(draws: NDArray[np.float64], method: str, *, products: int = 0, evaluations: int = 0,
            known: float = 0.0, bias: float = 0.0) -> Estimate:  # fmt: skip
    """Return the mean of independent draws, plus a part that is `known`, with its standard error."""
    spread = float(draws.std(ddof=1)) / math.sqrt(len(draws)) if len(draws) > 1 else math.inf
    value = known + float(draws.mean())
    return Estimate(value, math.hypot(spread, bias), len(draws), method, products, evaluations, draws.copy())


def hessian_trace(
    objective: Any,
    *,
    method: Method = "hutchinson",
    samples: int = 30,
    distribution: Distribution = "rademacher",
    seed: int = 0,
    callback: Callable[[Estimate], object] | None = None,
    cancel: CancelSignal | None = None,
) -> Estimate:
    """Estimate the trace of a Hessian.

    Parameters
    ----------
    objective
        An `Objective`; for the methods that use products also an operator or a symmetric matrix.
    method : {"hutchinson", "hutch++", "loss"}
        "hutchinson": mean of v H v over random v, one product each. "hutch++": a third of the products
        finds the dominant range, whose part of the trace is then exact, so that a few large eigenvalues no
        longer make the noise. "loss": no product at all, second differences of the loss along random
        directions (two losses each).
    samples : int
        Products ("hutchinson", "hutch++") or directions ("loss"); never "until it settles".
    distribution : {"rademacher", "normal"}
        Of the entries of v. Variances of one sample: 2 (||H||_F^2 - sum H_ii^2) and 2 ||H||_F^2.
    seed : int
        Of a private generator.
    callback : callable, optional
        Called with every partial estimate.
    cancel : threading.Event or callable, optional

    Returns
    -------
    Estimate
        Value and standard error.

    Raises
    ------
    ValueError
        Too few samples, an unknown method, or "loss" without an objective.
    nblandscape.cancel.Cancelled

    Notes
    -----
    Hutchinson, Commun. Stat. Simul. 19 (1990) 433; Meyer et al., arXiv 2010.09649, algorithm 1; the
    loss-only estimate: Böttcher & Wheeler, arXiv 2208.13219. Its step is the one of a few tried where
    truncation and round-off are smallest; their size is part of the error. With ReLU or max-pooling second
    differences also see the kinks, which second derivatives do not: the two traces then differ truly.

    Examples
    --------
    >>> import numpy as np
    >>> hessian_trace(np.diag([3.0, 1.0, -2.0]), samples=4)  # exact: the matrix is diagonal
    2 ± 0 (4 samples, hutchinson)
    """
    for result in iter_trace(
        objective, method=method, samples=samples, distribution=distribution, seed=seed, cancel=cancel
    ):
        if callback is not None:
            callback(result)
    return result


def iter_trace(
    objective: Any,
    *,
    method: Method = "hutchinson",
    samples: int = 30,
    distribution: Distribution = "rademacher",
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> Generator[Estimate, None, None]:
    """Yield partial estimates of `hessian_trace`, the last of them the result.

    Examples
    --------
    >>> import numpy as np
    >>> [e.samples for e in iter_trace(np.eye(3), samples=2)]
    [1, 2]
    """
    if method not in ("hutchinson", "hutch++", "loss"):
        raise ValueError(f'method={method!r}; use "hutchinson", "hutch++" or "loss".')
    check_count(samples, 3 if method == "hutch++" else 1)
    generator = torch.Generator().manual_seed(seed)
    if method == "loss":
        require_objective(objective, 'method="loss"')
        return _from_losses(objective, samples, distribution, generator, cancel)
    operator = as_operator(objective)
    run = _hutchinson if method == "hutchinson" else _hutch_pp
    return run(operator, samples, distribution, generator, cancel)


def quadratic_form(operator: SymmetricOperator, v: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Return v H v in float64 and H v."""
    image = operator.product(v[None])[0]
    value = float(v.to(torch.float64) @ image.to(torch.float64))
    if not math.isfinite(value):
        raise FloatingPointError(
            "A Hessian product is NaN or inf; use dtype=torch.float64 or check the loss."
        )
    return value, image


def _hutchinson(
    operator: SymmetricOperator,
    samples: int,
    distribution: Distribution,
    generator: torch.Generator,
    cancel: CancelSignal | None,
) -> Generator[Estimate, None, None]:
    draws = np.empty(samples)
    for i in range(samples):
        check(cancel)
        draws[i], _ = quadratic_form(operator, probe(operator, generator, distribution))
        yield mean_of(draws[: i + 1], "hutchinson", products=i + 1)


def _hutch_pp(
    operator: SymmetricOperator,
    samples: int,
    distribution: Distribution,
    generator: torch.Generator,
    cancel: CancelSignal | None,
) -> Generator[Estimate, None, None]:
    """A third each for the range, its part of the trace, and Hutchinson on what is left."""
    rank = min(samples // 3, operator.size)
    sketch = torch.empty(rank, operator.size, dtype=torch.float64, device=operator.device)
    for row in sketch:
        check(cancel)
        row.copy_(quadratic_form(operator, probe(operator, generator, distribution))[1])
    Q = torch.linalg.qr(sketch.T).Q.T
    known = 0.0
    for q in Q:
        check(cancel)
        known += quadratic_form(operator, q.to(operator.dtype))[0]
    draws = np.empty(samples - 2 * rank)
    for i in range(len(draws)):
        check(cancel)
        v = probe(operator, generator, distribution).to(torch.float64)
        v -= Q.T @ (Q @ v)
        draws[i] = quadratic_form(operator, v.to(operator.dtype))[0]
        yield mean_of(draws[: i + 1], "hutch++", products=2 * rank + i + 1, known=known)


def loss_probes(
    objective: Objective, samples: int, distribution: Distribution, generator: torch.Generator
) -> list[SeededRows]:
    """Return the directions of the loss-only estimate, as seeds: not one of them is ever in memory."""
    numbers = torch.randint(0, 2**62, (samples,), generator=generator)
    return [objective.random_rows(1, distribution, int(number)) for number in numbers]


def _from_losses(
    objective: Objective,
    samples: int,
    distribution: Distribution,
    generator: torch.Generator,
    cancel: CancelSignal | None,
) -> Generator[Estimate, None, None]:
    """Second differences; a few pilot directions choose the step and tell its error."""
    rows = loss_probes(objective, samples, distribution, generator)
    center = objective.random_evaluator(rows[0])(np.zeros(1)).loss
    size = math.sqrt(objective.num_parameters)
    unit = (objective.weights_norm or 1.0) / size
    evaluations = 1

    def second_differences(row: SeededRows, steps: Sequence[float]) -> list[float]:
        nonlocal evaluations
        at = objective.random_evaluator(row)
        found = []
        for h in steps:
            check(cancel)
            evaluations += 2
            found.append((at(np.array([h])).loss + at(np.array([-h])).loss - 2 * center) / h**2)
        return found

    steps = [r * unit for r in _STEPS]
    table = np.array([second_differences(row, steps) for row in rows[:_PILOTS]])
    h, bias = _best_step(table, steps, center, objective.dtype)
    draws = np.empty(samples)
    for i, row in enumerate(rows):
        draws[i] = second_differences(row, [h])[0]
        if not math.isfinite(draws[i]):
            raise FloatingPointError(
                f"The loss is not finite at a distance of {h * size:.2g} from the "
                'weights; use method="hutchinson".'
            )
        yield mean_of(draws[: i + 1], "loss", evaluations=evaluations, bias=bias)


def _best_step(
    table: NDArray[np.float64], steps: list[float], center: float, dtype: torch.dtype
) -> tuple[float, float]:
    """Return the step where truncation and round-off together are smallest, and their size.

    The truncation error of a second difference grows as h^2, so a third of the change from h to 2h is that
    at h; the round-off of three losses falls as 1/h^2. Losses near 0 are less accurate than their last digit
    (a cross-entropy is a difference of logits), so the change between the two smallest steps, were it all
    round-off, counts if it is larger: then 4/3 of it is the error at the smaller one.
    """
    change = np.abs(np.diff(table, axis=1)).mean(axis=0)  # before the mean: signs may cancel in it
    squares = np.square(steps[:-1])
    error = max(2 * torch.finfo(dtype).eps * max(abs(center), 1e-30), 4 / 3 * change[0] * squares[0])
    errors = np.where(np.isfinite(change), np.hypot(change / 3, error / squares), np.inf)
    best = int(np.argmin(errors))
    return steps[best], float(errors[best])
