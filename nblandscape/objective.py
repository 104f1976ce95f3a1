"""The objective: model, loss and pinned batches, seen as a function of the parameters."""

import contextlib
import hashlib
import math
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from nblandscape import batches as _batches
from nblandscape import losses as _losses
from nblandscape import replica as _replica
from nblandscape.attention import TwiceDifferentiable
from nblandscape.evaluation import Evaluation, Point
from nblandscape.graphs import GradientGraphs, leaves_of
from nblandscape.parameters import ParameterFilter, select_parameters

if TYPE_CHECKING:
    from nblandscape.subspace import Subspace


class Objective:
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
    batchnorm : {"eval", "batch"}
        "eval" uses the running statistics; "batch" the statistics of each batch, which are not stored.
    device, dtype : optional
        Where and in which floating-point type to analyse. Default: the model's; float32 for models in
        half precision, in which a displacement of 1e-3 would mostly be rounded away.
    copy : bool
        False shares the weights' storage with the user's model: half the memory, but the model must
        not be trained meanwhile (an error says so if it was).
    limit : int, optional
        Use at most so many samples.

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
    ) -> None:
        if not callable(loss):
            raise TypeError(f"loss is a {type(loss).__name__}; pass a callable loss(output, target).")
        if isinstance(loss, nn.Module):
            ours = {id(p) for p in model.parameters()}
            if any(id(p) in ours for p in loss.parameters()):
                raise ValueError("The loss module holds parameters of the model. " + _CLOSURE_REMEDY)
        target = _device_of(model, device)
        self._set_up(
            model,
            _losses.batch_loss(loss, target, _working_dtype(model, dtype)),
            batches,
            {name: _losses.metric(f) for name, f in (metrics or {}).items()},
            _losses.name_of(loss),
            parameters,
            batchnorm,
            target,
            dtype,
            copy,
            limit,
        )

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
        self = cls.__new__(cls)
        self._set_up(
            model,
            batch_loss,
            batches,
            dict(metrics or {}),
            _losses.name_of(batch_loss),
            parameters,
            batchnorm,
            _device_of(model, device),
            dtype,
            copy,
            limit,
        )
        return self

    def _set_up(
        self,
        model: nn.Module,
        batch_loss: _losses.BatchLoss,
        batches: object,
        metrics: Mapping[str, _losses.BatchLoss],
        loss_name: str,
        parameters: ParameterFilter | None,
        batchnorm: str,
        device: torch.device,
        dtype: torch.dtype | None,
        copy: bool,
        limit: int | None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model is a {type(model).__name__}; pass a torch.nn.Module.")
        if batchnorm not in ("eval", "batch"):
            raise ValueError(f'batchnorm="{batchnorm}"; use "eval" or "batch".')
        if dtype is not None and not dtype.is_floating_point:
            raise ValueError(f"dtype={dtype} is not a real floating-point type.")
        model = _replica.unwrap(model)
        chosen = select_parameters(model, parameters)
        self._lock = threading.RLock()
        self._batch_loss, self._metrics, self._loss_name = batch_loss, dict(metrics), loss_name
        self._batchnorm, self._copy, self._wanted_dtype = batchnorm, copy, dtype
        self._model_name = type(model).__name__
        self._user = weakref.ref(model)
        self._names = list(chosen)
        self._versions: list[tuple[str, int, int]] = []
        self._shared: list[torch.Tensor] = []
        self._user_dtypes = {name: (t.dtype, t.device) for name, t in model.state_dict().items()}
        self._layout = _replica.Layout.of(chosen, device, dtype)
        self._batches = _batches.pin(batches, device=device, dtype=_working_dtype(model, dtype), limit=limit)
        self._origin: dict[torch.dtype, torch.Tensor] = {}
        views = dict(zip(self._names, self._take_weights(model), strict=True))
        self._graph_shell = _replica.graph_shell(model, views, device, dtype)
        if batchnorm == "batch":
            _replica.use_batch_statistics(self._graph_shell)
        self._attention: TwiceDifferentiable | None = TwiceDifferentiable()
        self._gradient: torch.Tensor | None = None
        self._check(model)
        self._graphs = GradientGraphs(
            self._graph_shell, self._batch_loss, self._batches, self._layout, self._forward_context
        )
        self._evaluation = Evaluation(
            self._graph_shell,
            self._layout,
            self._batch_loss,
            self._metrics,
            self._batches,
            self._forward_context,
        )
        self._evaluation.probe(self._layout.gather(self._origin_views()))

    # ------------------------------------------------------------------ what it is

    @property
    def num_parameters(self) -> int:
        """Number n of analysed real parameters."""
        return self._layout.size

    @property
    def dtype(self) -> torch.dtype:
        """Type of flat vectors."""
        return self._layout.dtype

    @property
    def device(self) -> torch.device:
        """Where everything is computed."""
        return self._layout.device

    @property
    def num_samples(self) -> int:
        """Samples in all batches."""
        return _batches.total_size(self._batches)

    @property
    def num_batches(self) -> int:
        """Number of pinned batches."""
        return len(self._batches)

    @property
    def parameter_names(self) -> list[str]:
        """Names of the analysed parameters, in the order of the flat vector."""
        return list(self._names)

    @property
    def metric_names(self) -> list[str]:
        """Names of the metrics."""
        return list(self._metrics)

    @property
    def description(self) -> dict[str, Any]:
        """Provenance: names, sizes and hashes of weights and data."""
        return {
            "model": self._model_name,
            "loss": self._loss_name,
            "parameters": self.num_parameters,
            "samples": self.num_samples,
            "batches": self.num_batches,
            "batchnorm": self._batchnorm,
            "dtype": str(self.dtype).removeprefix("torch."),
            "device": str(self.device),
            "weights_sha256": self._weights_hash(),
            "data_sha256": _batches.fingerprint(self._batches),
        }

    @property
    def stale(self) -> bool:
        """Whether the user's model has other weights than those analysed (it was trained on)."""
        model = self._user()
        return model is not None and self._versions_of(model) != self._versions

    def __repr__(self) -> str:
        return (
            f"Objective({self._model_name}, {self._loss_name}, {self.num_parameters:,} parameters, "
            f"{self.num_samples:,} samples in {self.num_batches} batches)"
        )

    # ------------------------------------------------------------------ values and derivatives

    def loss(self) -> float:
        """Loss at the model's weights: the mean over all samples.

        Examples
        --------
        >>> import torch
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = torch.nn.init.constant_(model.weight, 3.0)
        >>> Objective(model, torch.nn.MSELoss(), (torch.ones(4, 1), torch.zeros(4, 1))).loss()
        9.0
        """
        return self._loss

    def gradient(self) -> torch.Tensor:
        """Gradient (n,) at the model's weights."""
        with self._lock:
            self._check_shared_weights()
            if self._gradient is None:
                self._gradient = (self._graphs.gradient() / self._count).to(self.dtype)
            return self._gradient.clone()

    def hvp(self, V: torch.Tensor) -> torch.Tensor:
        """Hessian-vector products at the model's weights.

        Parameters
        ----------
        V : torch.Tensor, shape (k, n) or (n,)

        Returns
        -------
        torch.Tensor
            H V, in the shape of `V`.

        Raises
        ------
        ValueError
            `V` has another length than n.
        """
        rows = V.reshape(1, -1) if V.ndim == 1 else V
        if rows.ndim != 2 or rows.shape[1] != self.num_parameters:
            raise ValueError(f"V has shape {tuple(V.shape)}; expected (k, {self.num_parameters}).")
        with self._lock:
            self._check_shared_weights()
            products = [self._graphs.product(row.to(self.device, self.dtype)) / self._count for row in rows]
        return torch.stack(products).to(self.dtype).reshape(V.shape)

    @contextlib.contextmanager
    def _forward_context(self, *, gradients: bool) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.set_grad_enabled(gradients))
            if self._attention is not None:
                stack.enter_context(self._attention)
            yield

    # ------------------------------------------------------------------ other points

    def evaluator(self, subspace: "Subspace") -> Callable[[np.ndarray], "Point"]:
        """Return a function from coordinates (d,) in `subspace` to the losses there.

        The displacement always starts from the origin, so errors do not add up.
        """
        line = self._evaluation.line(
            subspace.origin.to(self.device, self.dtype), subspace.directions.to(self.device, self.dtype)
        )

        def evaluate(coordinates: np.ndarray) -> Point:
            with self._lock:
                return line(torch.as_tensor(coordinates, dtype=torch.float64))

        return evaluate

    def parameters_at(self, subspace: "Subspace", coordinates: Sequence[float]) -> dict[str, torch.Tensor]:
        """State dict of the model at a point of a subspace, in the model's own types and devices.

        Parameters
        ----------
        subspace : Subspace
        coordinates : sequence of d floats
            Displacements along the directions.

        Returns
        -------
        dict of name to tensor
            For ``model.load_state_dict``; private copies.

        Raises
        ------
        ValueError
            Wrong number of coordinates, or one that is not finite.
        """
        point = np.asarray(coordinates, dtype=np.float64)
        if point.shape != (subspace.dim,) or not np.isfinite(point).all():
            raise ValueError(f"coordinates={coordinates!r}; expected {subspace.dim} finite numbers.")
        flat = subspace.at(point)
        with self._lock:
            state = self._evaluation.state_at(flat.to(self.device, self.dtype))
            return {
                name: tensor.detach().to(
                    *(self._user_dtypes.get(name, (tensor.dtype, tensor.device))[::-1]), copy=True
                )
                for name, tensor in state.items()
            }

    def origin(self) -> torch.Tensor:
        """Flat vector (n,) of the analysed weights."""
        with self._lock:
            self._check_shared_weights()
            return self._layout.gather(self._origin_views()).clone()

    def flatten(self, named: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Tensors by parameter name to a flat vector (n,), in the order of `parameter_names`.

        Raises
        ------
        ValueError
            A tensor has another shape than its parameter.
        """
        tensors = []
        for slot in self._layout.slots:
            if named[slot.name].shape != slot.shape:
                raise ValueError(
                    f"{slot.name} has shape {tuple(named[slot.name].shape)}; expected {tuple(slot.shape)}."
                )
            tensors.append(named[slot.name].detach().to(self.device))
        return self._layout.gather(tensors)

    def unflatten(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """Flat vector (n,) to tensors by parameter name; private copies."""
        pieces = self._layout.split(flat.to(self.device, self.dtype, copy=True))
        return dict(zip(self._names, pieces, strict=True))

    def at(self, state_dict: Mapping[str, torch.Tensor]) -> "Objective":
        """Same data and loss, other weights.

        Raises
        ------
        ValueError
            Names or shapes that do not fit the model.
        """
        with self._lock:
            other = _clone_module(self._graph_shell)
        try:
            other.load_state_dict(dict(state_dict))
        except RuntimeError as error:
            raise ValueError(f"The state dict does not fit {self._model_name}: {error}") from error
        return self._sibling(other, self._batches)

    def on(self, batches: object) -> "Objective":
        """Same weights and loss, other data (a test set, say)."""
        with self._lock:
            other = _clone_module(self._graph_shell)
        return self._sibling(other, batches)

    def _sibling(self, model: nn.Module, batches: object) -> "Objective":
        sibling = type(self).__new__(type(self))
        sibling._set_up(
            model,
            self._batch_loss,
            batches,
            self._metrics,
            self._loss_name,
            self._names,
            self._batchnorm,
            self.device,
            self._wanted_dtype,
            True,
            None,
        )
        sibling._model_name, sibling._user_dtypes = self._model_name, dict(self._user_dtypes)
        return sibling

    def update(self) -> None:
        """Take the user's model's present weights.

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
            saved = {dtype: buffer.clone() for dtype, buffer in self._origin.items()}
            buffers = {name: b.clone() for name, b in self._graph_shell.named_buffers()}
            versions = self._versions
            self._graphs.clear()
            self._gradient = None
            try:
                self._take_weights(model)
                own = dict(model.named_buffers())
                with torch.no_grad():
                    for name, buffer in self._graph_shell.named_buffers():
                        if name in own:
                            buffer.copy_(own[name])
                self._loss = self._origin_loss()
            except BaseException:
                with torch.no_grad():
                    for dtype, old in saved.items():
                        self._origin[dtype].copy_(old)
                    for name, buffer in self._graph_shell.named_buffers():
                        buffer.copy_(buffers[name])
                self._versions = versions
                raise

    # ------------------------------------------------------------------ set-up and checks

    def _take_weights(self, model: nn.Module) -> list[torch.Tensor]:
        """Bring the model's weights into the origin, and return the origin's tensors in slot order."""
        named = dict(model.named_parameters())
        self._versions = self._versions_of(model)
        if not self._copy and all(
            named[s.name].device == self.device and named[s.name].dtype == _slot_dtype(s)
            for s in self._layout.slots
        ):
            self._shared = [named[name].detach() for name in self._names]
            return self._shared
        self._shared = []
        self._origin = self._origin or self._layout.buffers()
        views = self._layout.views(self._origin)
        with torch.no_grad():
            for name, view in zip(self._names, views, strict=True):
                view.copy_(named[name])
        return views

    def _origin_views(self) -> list[torch.Tensor]:
        return self._shared or self._layout.views(self._origin)

    def _versions_of(self, model: nn.Module) -> list[tuple[str, int, int]]:
        return [(name, id(p), p._version) for name, p in model.named_parameters()]

    def _check_shared_weights(self) -> None:
        if self._shared and self.stale:
            raise RuntimeError(
                "The model was trained on while this objective (copy=False) reads its weights. "
                "Call objective.update(), or make the objective with copy=True."
            )

    def _check(self, model: nn.Module) -> None:
        """Evaluate once at the origin: finite, differentiable, and not a function of the user's own model."""
        users = {id(p): name for name, p in model.named_parameters()}
        with self._forward_context(gradients=True):
            total, _ = self._first_loss()
        attention = self._attention
        if attention is not None and not attention.used:
            self._attention = None
        if not total.requires_grad:
            raise ValueError(
                "The loss does not depend on the chosen parameters in a differentiable way. "
                "Check parameters=, and that neither the model nor the loss detaches its output."
            )
        strangers = sorted({users[id(v)] for v in leaves_of(total) if id(v) in users})
        if strangers:
            raise ValueError(
                f"The loss uses the model's own parameters {strangers[:5]} from outside. " + _CLOSURE_REMEDY
            )
        del total
        with self._forward_context(gradients=False):
            _replica.drop_user_hooks(self._graph_shell, lambda: self._first_loss()[0])
        self._loss = self._origin_loss()

    def _first_loss(self) -> tuple[torch.Tensor, float]:
        result = self._batch_loss(self._graph_shell, self._batches[0])
        if not (isinstance(result, tuple) and len(result) == 2):
            raise ValueError(
                f"batch_loss returned a {type(result).__name__}; it must return (sum of losses, count)."
            )
        return _losses.scalar(result[0], "batch_loss(model, batch)[0]"), float(result[1])

    def _origin_loss(self) -> float:
        sums, counts = [], []
        with self._lock, self._forward_context(gradients=True):
            for number, batch in enumerate(self._batches):
                value, part = self._batch_loss(self._graph_shell, batch)
                number_of = float(_losses.scalar(value, "The loss").detach())
                if not np.isfinite(number_of):
                    raise ValueError(
                        f"The loss is {number_of} at the model's own weights (batch {number}). "
                        "Check the model's outputs and the data before looking at its landscape."
                    )
                sums.append(number_of)
                counts.append(float(part))
        count = math.fsum(counts)
        if count < 0:
            raise ValueError(f"batch_loss returned a total count of {count}; it must be positive.")
        self._count = count or 1.0
        return math.fsum(sums) / self._count

    def _weights_hash(self) -> str:
        digest = hashlib.sha256()
        with self._lock:
            for name, tensor in sorted(self._graph_shell.state_dict().items()):
                digest.update(name.encode())
                _batches.update_digest(digest, tensor)
        return digest.hexdigest()[:16]


_CLOSURE_REMEDY = (
    "It would stay constant while the copy moves. Compute from the model that is passed: "
    "Objective.from_batch_loss(model, lambda m, batch: (..., count), batches)."
)


def _device_of(model: object, wanted: torch.device | str | None) -> torch.device:
    if wanted is not None:
        return torch.device(wanted)
    if isinstance(model, nn.Module):
        for parameter in model.parameters():
            return parameter.device
    return torch.device("cpu")


def _working_dtype(model: object, wanted: torch.dtype | None) -> torch.dtype:
    """Floating-point type of inputs: that of the first parameter as analysed."""
    if isinstance(model, nn.Module):
        for parameter in model.parameters():
            if parameter.is_floating_point() or parameter.is_complex():
                return _replica.analysis_dtype(parameter.dtype, wanted)
    return wanted or torch.float32


def _slot_dtype(slot: _replica.Slot) -> torch.dtype:
    return slot.dtype.to_complex() if slot.complex else slot.dtype


def _clone_module(shell: nn.Module) -> nn.Module:
    """A copy of a shell without sharing anything that is ever written."""
    views = {name: p.detach().clone() for name, p in shell.named_parameters()}
    return _replica.evaluation_shell(shell, views).requires_grad_(True)
