"""Where the trace of a Hessian sits: its diagonal and the trace of every layer, from shared products."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.operator import as_operator, require_objective
from nblandscape.curvature.probes import Distribution, check_count, probe
from nblandscape.curvature.trace import Estimate, mean_of, quadratic_form
from nblandscape.steps import returned

if TYPE_CHECKING:
    from nblandscape.objective import Objective


@dataclass(frozen=True, repr=False, eq=False)
class DiagonalEstimate:
    """The diagonal of a Hessian with a standard error for every entry.

    Attributes
    ----------
    values, stderr : torch.Tensor, shape (n,), float64
    samples : int
    """

    values: torch.Tensor
    stderr: torch.Tensor
    samples: int

    def __repr__(self) -> str:
        middle, error = float(self.values.median()), float(self.stderr.median())
        return (
            f"Diagonal of {len(self.values)} entries from {self.samples} samples: "
            f"median {middle:.3g}, median standard error {error:.2g}"
        )


@dataclass(frozen=True, repr=False, eq=False)
class LayerTraces(Mapping[str, Estimate]):
    """Trace of the Hessian's diagonal block of every parameter tensor, by name.

    Attributes
    ----------
    estimates : dict of name to Estimate
    total : Estimate
        Of the whole Hessian, from the same products: its value is the sum of the parts.
    sizes : dict of name to int
        Entries of each tensor.
    """

    estimates: Mapping[str, Estimate]
    total: Estimate
    sizes: Mapping[str, int]

    def __getitem__(self, name: str) -> Estimate:
        return self.estimates[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    def __repr__(self) -> str:
        width = max(len(name) for name in self.estimates)
        rows = [f"{'':<{width}}  {'trace':>10}  {'± error':>9}  {'trace / size':>12}"]
        for name, e in self.estimates.items():
            mean = e.value / self.sizes[name]
            rows.append(f"{name:<{width}}  {e.value:>10.4g}  {e.stderr:>9.2g}  {mean:>12.3g}")
        rows.append(f"{'all':<{width}}  {self.total.value:>10.4g}  {self.total.stderr:>9.2g}")
        return "\n".join(rows)


def hessian_diagonal(
    objective: Any,
    *,
    samples: int = 30,
    distribution: Distribution = "rademacher",
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> DiagonalEstimate:
    """Estimate the diagonal of a Hessian: the mean of v * (H v) over random v.

    Parameters
    ----------
    objective
        An `Objective`, an operator or a symmetric matrix, size n.
    samples : int
        Products.
    distribution : {"rademacher", "normal"}
        Rademacher vectors are exact for a diagonal Hessian.
    seed : int
    cancel : threading.Event or callable, optional

    Raises
    ------
    ValueError
        Fewer than two samples (there would be no error).
    nblandscape.cancel.Cancelled

    Notes
    -----
    Bekas, Kokiopoulou and Saad, Appl. Numer. Math. 57 (2007) 1214, equation 6.

    Examples
    --------
    >>> import numpy as np
    >>> hessian_diagonal(np.diag([3.0, -1.0]), samples=2).values.tolist()
    [3.0, -1.0]
    """
    check_count(samples, 2)
    operator = as_operator(objective)
    generator = torch.Generator().manual_seed(seed)
    mean = torch.zeros(operator.size, dtype=torch.float64, device=operator.device)
    squares = torch.zeros_like(mean)
    for count in range(1, samples + 1):
        check(cancel)
        v = probe(operator, generator, distribution)
        draw = v.to(torch.float64) * quadratic_form(operator, v)[1].to(torch.float64)
        before = draw - mean
        mean += before / count
        squares += before * (draw - mean)
    return DiagonalEstimate(mean, (squares / (samples - 1) / samples).sqrt(), samples)


def layer_traces(
    objective: Objective,
    *,
    samples: int = 30,
    distribution: Distribution = "rademacher",
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> LayerTraces:
    """Estimate the trace of every parameter tensor's block of the Hessian, all from the same products.

    Parameters
    ----------
    objective : Objective
    samples : int
        Products; they serve every layer.
    distribution : {"rademacher", "normal"}
    seed : int
    cancel : threading.Event or callable, optional

    Raises
    ------
    ValueError
        Fewer than one sample, or not an objective.
    nblandscape.cancel.Cancelled

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(2, 1)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    >>> list(layer_traces(objective, samples=2))
    ['weight', 'bias']
    """
    require_objective(objective, "layer_traces")
    return returned(
        draw_layer_traces(objective, samples=samples, distribution=distribution, seed=seed, cancel=cancel)
    )


def draw_layer_traces(
    objective: Objective,
    *,
    samples: int,
    distribution: Distribution = "rademacher",
    seed: int = 0,
    cancel: CancelSignal | None = None,
) -> Generator[None, None, LayerTraces]:
    """Do what `layer_traces` does, pausing after every product; returns the traces. Arguments as there."""
    check_count(samples)
    operator = as_operator(objective)
    generator = torch.Generator().manual_seed(seed)
    names = objective.parameter_names
    spans = tensor_spans(objective)
    draws = np.empty((samples, len(names)))
    for row in draws:
        check(cancel)
        v = probe(operator, generator, distribution)
        products = v.to(torch.float64) * quadratic_form(operator, v)[1].to(torch.float64)
        row[:] = [float(products[span].sum()) for span in spans.values()]
        yield
    parts = {
        name: mean_of(column, "hutchinson", products=samples)
        for name, column in zip(names, draws.T, strict=True)
    }
    sizes = {name: span.stop - span.start for name, span in spans.items()}
    return LayerTraces(parts, mean_of(draws.sum(axis=1), "hutchinson", products=samples), sizes)


def tensor_spans(objective: Objective) -> dict[str, slice]:
    """Where each parameter lies in the flat vector."""
    pieces = objective.unflatten(torch.zeros(objective.num_parameters))
    spans, start = {}, 0
    for name, piece in pieces.items():
        length = piece.numel() * (2 if piece.is_complex() else 1)
        spans[name] = slice(start, start + length)
        start += length
    return spans
