"""The objective: model, loss and pinned batches, seen as a function of the parameters."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from nblandscape import batches as _batches
from nblandscape import losses as _losses
from nblandscape import replica as _replica
from nblandscape.analysed import UserTypes
from nblandscape.derivatives import Derivatives
from nblandscape.evaluators import Evaluators
from nblandscape.parameters import ParameterFilter
from nblandscape.problem import Problem, Settings, device_of, working_dtype
from nblandscape.snapshot import CLOSURE_REMEDY, Snapshot


class Objective(Derivatives, Evaluators):
    """A loss as a function of a model's parameters, on data that is fixed once.

    The user's model is copied and never touched: weights, buffers, mode, gradients and gradient flags
    stay as they are, and the global random generators are not used. All methods are thread-safe.

    Parameters
    ----------
    model : torch.nn.Module
        A `torch.compile` or data-parallel wrapper is looked through.
    loss : callable
        ``loss(output, target)``, the mean over a batch. PyTorch's losses are averaged over their own
        denominator (elements, class weights, targets that are not ignored), other callables over
        ``len(target)``.
    batches : list of (x, y), DataLoader, or one tuple (x, y)
        Tensors or arrays; x may also be a tuple or a mapping of model inputs. Copied.
    parameters : list of names, glob, compiled regex, or callable (name, parameter) -> bool, optional
        What is analysed. Default: every parameter that requires a gradient.
    metrics : dict of name to callable, optional
        Further numbers to sample, with the loss's signature.
    batchnorm : {"eval", "batch", "recalibrate"}
        "eval" uses the model's running statistics; "batch" those of each batch, which are not stored;
        "recalibrate" the mean over the batches at every point anew, for twice the forward passes (in
        derivatives they count as constants). `Subspace.through` can move the running statistics between
        checkpoints.
    device, dtype : optional
        Where and in which floating-point type to analyse. Default: the model's; float32 for models in
        half precision, in which a displacement of 1e-3 would mostly be rounded away.
    copy : bool
        False shares the weights' storage with the user's model: half the memory, but the model must
        not be trained meanwhile (an error says so if it was).
    limit : int, optional
        Use at most so many samples.
    products : {"exact", "finite-difference"}
        How Hessian products are made: by differentiating twice, or, for models with operations that cannot
        be, by central differences of the gradient, which are good to about 1e-3 in float32 and 1e-7 in
        float64. `description` says which.
    graph_bytes : int, optional
        Memory for gradient graphs that are kept between products, 0 for none; a quarter of what is free by
        default. Batches that do not fit are recomputed for every product.

    Attributes
    ----------
    num_parameters : int
        n, the number of analysed real numbers (a complex parameter counts twice).

    Raises
    ------
    ValueError
        Empty batches, no parameter with a gradient, unknown parameter names, a loss that is not a
        scalar or not finite at the model's weights, or a loss that uses the user's own model.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> x = torch.eye(2)
    >>> objective = Objective(model, torch.nn.MSELoss(), (x, torch.zeros(2, 1)))
    >>> objective.num_parameters
    2
    >>> bool(torch.allclose(objective.hvp(torch.eye(2)), torch.eye(2)))  # mean of w_i squared: H = 1
    True
    """

    def __init__(
        self,
        model: nn.Module,
        loss: _losses.Criterion,
        batches: object,
        *,
        parameters: ParameterFilter | None = None,
        metrics: Mapping[str, _losses.Criterion] | None = None,
        batchnorm: str = "eval",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        copy: bool = True,
        limit: int | None = None,
        products: str = "exact",
        graph_bytes: int | None = None,
    ) -> None:
        if not callable(loss):
            raise TypeError(f"loss is a {type(loss).__name__}; pass a callable loss(output, target).")
        model = _plain(model)
        if isinstance(loss, nn.Module):
            ours = {id(p) for p in model.parameters()}
            if any(id(p) in ours for p in loss.parameters()):
                raise ValueError("The loss module holds parameters of the model. " + CLOSURE_REMEDY)
        settings = Settings(batchnorm, device_of(model, device), dtype, copy, products, graph_bytes)
        problem = Problem.of(
            model,
            _losses.batch_loss(loss, settings.device, working_dtype(model, dtype)),
            {name: _losses.metric(f) for name, f in (metrics or {}).items()},
            _losses.name_of(loss),
            batches,
            parameters=parameters,
            limit=limit,
            settings=settings,
        )
        self._hold(model, problem, type(model).__name__, _types_of(model))

    @classmethod
    def from_batch_loss(
        cls,
        model: nn.Module,
        batch_loss: _losses.BatchLoss,
        batches: object,
        *,
        parameters: ParameterFilter | None = None,
        metrics: Mapping[str, _losses.BatchLoss] | None = None,
        batchnorm: str = "eval",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        copy: bool = True,
        limit: int | None = None,
        products: str = "exact",
        graph_bytes: int | None = None,
    ) -> "Objective":
        """Use ``batch_loss(model, batch) -> (sum of losses, count)``: any model, any batch.

        The options are those of the class; metrics have the signature of `batch_loss`.

        Examples
        --------
        >>> import torch
        >>> model = torch.nn.Linear(2, 1)
        >>> def batch_loss(model, batch):
        ...     return model(batch).square().sum(), len(batch)
        >>> Objective.from_batch_loss(model, batch_loss, [torch.ones(3, 2)]).num_parameters
        3
        """
        model = _plain(model)
        settings = Settings(batchnorm, device_of(model, device), dtype, copy, products, graph_bytes)
        problem = Problem.of(
            model,
            batch_loss,
            dict(metrics or {}),
            _losses.name_of(batch_loss),
            batches,
            parameters=parameters,
            limit=limit,
            settings=settings,
        )
        self = cls.__new__(cls)
        self._hold(model, problem, type(model).__name__, _types_of(model))
        return self

    def __repr__(self) -> str:
        return (
            f"Objective({self._model_name}, {self._problem.loss_name}, {self.num_parameters:,} parameters, "
            f"{self.num_samples:,} samples in {self.num_batches} batches)"
        )

    def at(self, state_dict: Mapping[str, torch.Tensor]) -> "Objective":
        """Same data and loss, other weights; also from the state dict of a compiled or parallel wrapper.

        Raises
        ------
        ValueError
            Names or shapes that do not fit the model.
        """
        with self._lock:
            other = _replica.independent_copy(self._snapshot.shell)
        try:
            other.load_state_dict(_replica.without_prefix(state_dict, other.state_dict()))
        except RuntimeError as error:
            raise ValueError(f"The state dict does not fit {self._model_name}: {error}") from error
        return self._sibling(other, self._problem)

    def on(self, batches: object) -> "Objective":
        """Same weights and loss, other data (a test set, say)."""
        with self._lock:
            other = _replica.independent_copy(self._snapshot.shell)
        pinned = _batches.pin(batches, device=self.device, dtype=working_dtype(other, None))
        return self._sibling(other, replace(self._problem, batches=pinned))

    def parts(self) -> tuple[Any, ...]:
        """What another process needs to make the same objective, for `from_parts`; nothing is shared."""
        with self._lock:
            model = _replica.independent_copy(self._snapshot.shell)
        return model, self._problem, self._model_name, self._user_types

    @classmethod
    def from_parts(cls, parts: tuple[Any, ...]) -> "Objective":
        """Inverse of `parts`."""
        self = cls.__new__(cls)
        model, problem, model_name, user_types = parts
        settings = replace(problem.settings, copy=True)
        self._hold(model, replace(problem, settings=settings), model_name, user_types)
        return self

    def _sibling(self, model: nn.Module, problem: Problem) -> "Objective":
        return self.from_parts((model, problem, self._model_name, self._user_types))

    def update(self) -> None:
        """Take the user's model's present weights and buffers.

        Raises
        ------
        RuntimeError
            The model no longer exists.
        ValueError
            The loss is not finite at the new weights; the old ones are kept.
        """
        model = self._user()
        if model is None:
            raise RuntimeError("The model no longer exists; make a new Objective.")
        with self._lock:
            self._snapshot.release()  # before the new ones need the memory
            self._snapshot = Snapshot(model, self._problem)


def _plain(model: nn.Module) -> nn.Module:
    """The model inside of a wrapper."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; pass a torch.nn.Module.")
    return _replica.unwrap(model)


def _types_of(model: nn.Module) -> UserTypes:
    tensors = ((k, v) for k, v in model.state_dict().items() if isinstance(v, torch.Tensor))
    return {name: (tensor.device, tensor.dtype) for name, tensor in tensors}
