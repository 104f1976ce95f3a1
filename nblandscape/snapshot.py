"""A model's weights at one moment: copied, checked, and what is computed from them."""

import contextlib
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import nn

from nblandscape import batches as _batches
from nblandscape import losses as _losses
from nblandscape import replica as _replica
from nblandscape.evaluation import Evaluation
from nblandscape.graphs import GradientGraphs, KeptGraphs, nodes_of, parameters_of
from nblandscape.linear_maps import LinearMap, fisher_map, gauss_newton_map, product_of
from nblandscape.parameters import select_parameters
from nblandscape.problem import Problem
from nblandscape.twice import TwiceDifferentiable

CLOSURE_REMEDY = (
    "It would stay constant while the copy moves. Compute from the model that is passed: "
    "Objective.from_batch_loss(model, lambda m, batch: (..., count), batches)."
)


_TOLERATED = 0.3  # of a product; kinks (ReLU) show in differences and not in derivatives


class Snapshot:
    """Loss and derivatives at a model's present weights; not thread-safe, the objective's lock guards it.

    Attributes
    ----------
    loss : float
        Mean over all samples.
    counts : list of float
        Every batch's part of the denominator; all 0 for a loss that is a sum over the data.
    count : float
        What sums of losses are divided by.
    versions : list
        Of the user's parameters, as `versions_of` found them.
    weights : list of torch.Tensor
        The analysed parameters in the layout's order; not to be written to.
    """

    def __init__(self, model: nn.Module, problem: Problem) -> None:
        self.problem = problem
        chosen = select_parameters(model, problem.names)
        self.layout = _replica.Layout.of(chosen, problem.settings.device, problem.settings.dtype)
        self.versions = versions_of(model)
        self.weights = self._taken(chosen)
        views = dict(zip(problem.names, self.weights, strict=True))
        self.shell = _replica.graph_shell(model, views, problem.settings.device, problem.settings.dtype)
        if problem.settings.batchnorm == "batch":
            _replica.use_batch_statistics(self.shell)
        self._twice: TwiceDifferentiable | None = TwiceDifferentiable()
        self._unverified: list[str] = []  # operations of the user's own
        self._check(model)
        if problem.settings.batchnorm == "recalibrate":
            with self._forward_context(gradients=False):
                _replica.recalibrate(self.shell, self._pass)
        self.loss, self.counts = self._at_origin()
        self.count = math.fsum(self.counts) or 1.0  # a sum over the data counts 0 and is divided by nothing
        parts = (problem.batch_loss, problem.batches)
        self.graphs = GradientGraphs(
            self.shell, *parts, self.layout, self._forward_context, problem.settings.graph_bytes
        )
        self._gauss_newton = self._maps(gauss_newton_map)
        self._fisher = self._maps(fisher_map)
        self.evaluation = Evaluation(
            self.shell,
            self.layout,
            problem.batch_loss,
            problem.metrics,
            problem.batches,
            self._forward_context,
            recalibrated=problem.settings.batchnorm == "recalibrate",
        )
        self.evaluation.probe(self.weights)

    def origin(self) -> torch.Tensor:
        """Flat vector (n,) of the analysed weights; a private copy."""
        return self.layout.gather(self.weights)

    @cached_property
    def gradient(self) -> torch.Tensor:
        """Gradient (n,) of the mean loss."""
        if self.problem.settings.products == "exact":
            return (self.graphs.gradient() / self.count).to(self.layout.dtype)
        _, gradient = self.evaluation.value_and_gradient(self.origin())
        mean: torch.Tensor = (gradient / self.count).to(self.layout.dtype)
        return mean

    def product(self, vectors: torch.Tensor) -> torch.Tensor:
        """Hessian of the mean loss times the rows of (k, n)."""
        if self.problem.settings.products == "exact":
            if self._unverified:
                self._verify()
            return (self.graphs.product(vectors) / self.count).to(self.layout.dtype)
        return torch.stack([self._difference(vector) for vector in vectors])

    def gauss_newton_product(self, vectors: torch.Tensor) -> torch.Tensor:
        """Gauss–Newton matrix of the mean loss times the rows of (k, n)."""
        return (product_of(self._gauss_newton, vectors, self.layout) / self.count).to(self.layout.dtype)

    def fisher_product(self, vectors: torch.Tensor) -> torch.Tensor:
        """Empirical Fisher matrix times the rows of (k, n)."""
        samples = _batches.total_size(self.problem.batches)
        scale = samples / self.count**2  # gradients of samples / count times each sample's part of the sum
        return (product_of(self._fisher, vectors, self.layout) * scale).to(self.layout.dtype)

    def release(self) -> None:
        """Drop kept graphs."""
        self.graphs.clear()
        self._gauss_newton.clear()
        self._fisher.clear()

    def _verify(self) -> None:
        """Compare one product with differences if the loss has operations of the user's own.

        A backward that is marked as differentiable once, or does so by itself, drops second derivatives
        without an error.
        """
        v = torch.randn(self.layout.size, generator=torch.Generator().manual_seed(0)).to(self.origin())
        exact = self.graphs.product(v[None])[0] / self.count
        other = self._difference(v).to(torch.float64)
        defect = float(torch.linalg.vector_norm(exact - other))
        scale = float(torch.maximum(exact.norm(), other.norm()))
        if defect > _TOLERATED * scale:
            raise RuntimeError(
                f"The second derivatives of {', '.join(self._unverified)} disagree with differences of the "
                f"gradient by {defect / scale:.0%}: a backward that can be differentiated only once drops "
                'them without an error. Use products="finite-difference".'
            )
        self._unverified = []

    def _difference(self, vector: torch.Tensor) -> torch.Tensor:
        """Central difference of the gradient, always from the origin; truncation and round-off balance."""
        wide = vector.to(torch.float64)
        length = float(torch.linalg.vector_norm(wide))
        if length == 0:
            return torch.zeros_like(vector)
        origin = self.origin()
        scale = float(torch.linalg.vector_norm(origin.to(torch.float64))) or 1.0
        step = torch.finfo(self.layout.dtype).eps ** (1 / 3) * scale / length
        ends = [
            self.evaluation.value_and_gradient((origin + s * step * wide).to(self.layout.dtype))[1]
            for s in (1.0, -1.0)
        ]
        difference: torch.Tensor = (ends[0] - ends[1]) / (2 * step * self.count)
        return difference.to(self.layout.dtype)

    def _maps(
        self,
        linearise: Callable[[_losses.OutputLoss, Any, Any, Sequence[torch.Tensor]], LinearMap],
    ) -> KeptGraphs[LinearMap]:
        # Without `self`: a cycle would keep copies of all weights until a garbage collection.
        shell, loss, context = self.shell, self.problem.batch_loss, self._forward_context
        parameters = parameters_of(shell, self.layout)

        def build(batch: Any) -> LinearMap:
            if not isinstance(loss, _losses.OutputLoss):
                raise TypeError(
                    "A batch loss does not tell the model's output from the loss; make the objective as "
                    "Objective(model, loss, batches) with loss(output, target)."
                )
            with context(gradients=True):
                output, target = _losses.forward(shell, batch)
                return linearise(loss, output, target, parameters)

        return KeptGraphs(build, self.problem.batches, self.layout.device, self.problem.settings.graph_bytes)

    @cached_property
    def weights_hash(self) -> str:
        """Hash of all weights and buffers."""
        digest = hashlib.sha256()
        for name, value in sorted(self.shell.state_dict().items()):
            digest.update(name.encode())
            if isinstance(value, torch.Tensor):
                _batches.update_digest(digest, value)
        return digest.hexdigest()[:16]

    @property
    def shares_weights(self) -> bool:
        """Whether the user's training would move these weights (copy=False)."""
        return self._shared

    def _taken(self, chosen: Mapping[str, nn.Parameter]) -> list[torch.Tensor]:
        """The weights in slot order: the user's own storage, or views of a private buffer."""
        self._shared = not self.problem.settings.copy and all(
            chosen[s.name].device == self.layout.device and chosen[s.name].dtype == _slot_dtype(s)
            for s in self.layout.slots
        )
        if self._shared:
            return [p.detach() for p in chosen.values()]
        views = self.layout.views(self.layout.buffers())
        with torch.no_grad():
            for parameter, view in zip(chosen.values(), views, strict=True):
                view.copy_(parameter)
        return views

    @property
    def _forward_context(self) -> Callable[..., contextlib.AbstractContextManager[None]]:
        return partial(_context, self._twice)

    def _check(self, model: nn.Module) -> None:
        """Evaluate once: differentiable, and not a function of the user's own model."""
        users = {id(p): name for name, p in model.named_parameters()}
        with self._forward_context(gradients=True):
            total, _ = self._first_loss()
        if self._twice is not None and not self._twice.used:
            self._twice = None
        if not total.requires_grad:
            raise ValueError(
                "The loss does not depend on the chosen parameters in a differentiable way. "
                "Check parameters=, and that neither the model nor the loss detaches its output."
            )
        nodes = list(nodes_of(total))
        leaves = [node.variable for node in nodes if hasattr(node, "variable")]
        strangers = sorted({users[id(v)] for v in leaves if id(v) in users})
        self._unverified = sorted(
            {
                type(node).__name__
                for node in nodes
                if isinstance(node, torch.autograd.function.BackwardCFunction)
            }
        )
        if strangers:
            raise ValueError(
                f"The loss uses the model's own parameters {strangers[:5]} from outside. " + CLOSURE_REMEDY
            )
        del total
        with self._forward_context(gradients=False):
            _replica.drop_user_hooks(self.shell, lambda: self._first_loss()[0])

    def _first_loss(self) -> tuple[torch.Tensor, float]:
        result = self.problem.batch_loss(self.shell, self.problem.batches[0])
        if not (isinstance(result, tuple) and len(result) == 2):
            raise ValueError(
                f"batch_loss returned a {type(result).__name__}; it must return (sum of losses, count)."
            )
        return _losses.scalar(result[0], "batch_loss(model, batch)[0]"), float(result[1])

    def _pass(self) -> None:
        for batch in self.problem.batches:
            self.problem.batch_loss(self.shell, batch)

    def _at_origin(self) -> tuple[float, list[float]]:
        """Mean loss and the parts of its denominator."""
        sums, counts = [], []
        with self._forward_context(gradients=True):
            for number, batch in enumerate(self.problem.batches):
                value, part = self.problem.batch_loss(self.shell, batch)
                number_of = float(_losses.scalar(value, "The loss").detach())
                if not np.isfinite(number_of):
                    raise ValueError(_why_not_finite(number_of, number, batch))
                sums.append(number_of)
                counts.append(float(part))
        count = math.fsum(counts)
        if count < 0 or (count == 0 and not any(sums)):
            raise ValueError(
                f"The batches count {count:g} in all, so the loss has no mean: "
                "every target is ignored, or batch_loss returns no positive count."
            )
        return math.fsum(sums) / (count or 1.0), counts


def _context(
    twice: TwiceDifferentiable | None, *, gradients: bool
) -> contextlib.AbstractContextManager[None]:
    mode = torch.enable_grad() if gradients else torch.no_grad()
    return mode if twice is None else _both(mode, twice)


@contextlib.contextmanager
def _both(mode: contextlib.AbstractContextManager[None], twice: TwiceDifferentiable) -> Iterator[None]:
    with mode, twice:
        yield


def versions_of(model: nn.Module) -> list[tuple[str, int, int]]:
    """What changes when a model is trained: name, identity and version of every parameter."""
    return [(name, id(p), p._version) for name, p in model.named_parameters()]


def _why_not_finite(value: float, number: int, batch: Any) -> str:
    bad = _batches.not_finite(batch)
    cause = (
        f"The batch holds {bad} values that are NaN or inf; clean the data first."
        if bad
        else "Check the model's outputs and the data before looking at its landscape."
    )
    return f"The loss is {value} at the model's own weights (batch {number}). {cause}"


def _slot_dtype(slot: _replica.Slot) -> torch.dtype:
    return slot.dtype.to_complex() if slot.complex else slot.dtype
