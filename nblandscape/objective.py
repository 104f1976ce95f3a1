"""The objective: model, loss and pinned batches, seen as a function of the parameters."""

import copy as copying
import math
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from nblandscape import batches as _batches
from nblandscape import losses as _losses
from nblandscape import replica as _replica
from nblandscape.evaluation import Point
from nblandscape.parameters import ParameterFilter, select_parameters
from nblandscape.replica import as_reals, squared_norm
from nblandscape.seeded_rows import SeededRows
from nblandscape.snapshot import CLOSURE_REMEDY, Problem, Snapshot, versions_of

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
        if isinstance(loss, nn.Module):
            ours = {id(p) for p in model.parameters()}
            if any(id(p) in ours for p in loss.parameters()):
                raise ValueError("The loss module holds parameters of the model. " + CLOSURE_REMEDY)
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
            products,
            graph_bytes,
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
            products,
            graph_bytes,
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
        products: str,
        graph_bytes: int | None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model is a {type(model).__name__}; pass a torch.nn.Module.")
        if batchnorm not in ("eval", "batch", "recalibrate"):
            raise ValueError(f'batchnorm="{batchnorm}"; use "eval", "batch" or "recalibrate".')
        if products not in ("exact", "finite-difference"):
            raise ValueError(f'products="{products}"; use "exact" or "finite-difference".')
        if graph_bytes is not None and graph_bytes < 0:
            raise ValueError(f"graph_bytes={graph_bytes} must not be negative.")
        if dtype is not None and not dtype.is_floating_point:
            raise ValueError(f"dtype={dtype} is not a real floating-point type.")
        model = _replica.unwrap(model)
        self._lock = threading.RLock()
        self._model_name, self._user = type(model).__name__, weakref.ref(model)
        tensors = ((k, v) for k, v in model.state_dict().items() if isinstance(v, torch.Tensor))
        self._user_types = {name: (tensor.device, tensor.dtype) for name, tensor in tensors}
        self._problem = Problem(
            batch_loss,
            dict(metrics),
            loss_name,
            names=list(select_parameters(model, parameters)),
            batches=_batches.pin(batches, device=device, dtype=_working_dtype(model, dtype), limit=limit),
            batchnorm=batchnorm,
            device=device,
            dtype=dtype,
            copy=copy,
            products=products,
            graph_bytes=graph_bytes,
        )
        self._snapshot = Snapshot(model, self._problem)

    # ------------------------------------------------------------------ what it is

    @property
    def num_parameters(self) -> int:
        """Number n of analysed real parameters."""
        return self._snapshot.layout.size

    @property
    def dtype(self) -> torch.dtype:
        """Type of flat vectors."""
        return self._snapshot.layout.dtype

    @property
    def device(self) -> torch.device:
        """Where everything is computed."""
        return self._problem.device

    @property
    def num_samples(self) -> int:
        """Samples in all batches."""
        return _batches.total_size(self._problem.batches)

    @property
    def num_batches(self) -> int:
        """Number of pinned batches."""
        return len(self._problem.batches)

    @property
    def parameter_names(self) -> list[str]:
        """Names of the analysed parameters, in the order of the flat vector."""
        return list(self._problem.names)

    @property
    def metric_names(self) -> list[str]:
        """Names of the metrics."""
        return list(self._problem.metrics)

    @property
    def description(self) -> dict[str, Any]:
        """Provenance: names, sizes and hashes of weights and data.

        A batch loss may add to it by a method ``describe(batches) -> dict``.
        """
        describe = getattr(self._problem.batch_loss, "describe", None)
        with self._lock:
            weights_hash = self._snapshot.weights_hash
        return {
            "model": self._model_name,
            "loss": self._problem.loss_name,
            "parameters": self.num_parameters,
            "samples": self.num_samples,
            "batches": self.num_batches,
            "batchnorm": self._problem.batchnorm,
            "products": self._problem.products,
            "dtype": str(self.dtype).removeprefix("torch."),
            "device": str(self.device),
            "weights_sha256": weights_hash,
            "data_sha256": self._problem.fingerprint,
            **(describe(self._problem.batches) if callable(describe) else {}),
        }

    @property
    def stale(self) -> bool:
        """Whether the user's model has other weights than those analysed (it was trained on)."""
        model = self._user()
        return model is not None and versions_of(model) != self._snapshot.versions

    def __repr__(self) -> str:
        return (
            f"Objective({self._model_name}, {self._problem.loss_name}, {self.num_parameters:,} parameters, "
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
        return self._snapshot.loss

    def gradient(self) -> torch.Tensor:
        """Gradient (n,) at the model's weights."""
        with self._lock:
            self._check_derivatives()
            return self._snapshot.gradient.clone()

    @property
    def batch_counts(self) -> np.ndarray:
        """Weights of the batches in the mean, (b,): samples, elements or targets that count."""
        counts = np.array(self._snapshot.counts)
        return counts if counts.any() else np.ones_like(counts)

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
            `V` has another length than n, or the weights are quantised.
        """
        rows = self._rows(V)
        with self._lock:
            self._check_derivatives()
            return self._snapshot.product(rows).reshape(V.shape)

    def graph_memory(self) -> int:
        """Predicted bytes of the gradient graphs of all batches; `graph_bytes` limits what is kept."""
        with self._lock:
            return self._snapshot.graphs.graphs.total_bytes()

    def release_graphs(self) -> None:
        """Give back the memory of the kept gradient graphs; the next product makes them again."""
        with self._lock:
            self._snapshot.release()

    def gnvp(self, V: torch.Tensor) -> torch.Tensor:
        """Gauss–Newton products J^T L'' J v, in the shape of `V`, (k, n) or (n,).

        Raises
        ------
        TypeError
            The objective was made from a batch loss, or the model's output is not one tensor.
        """
        with self._lock:
            self._check_derivatives()
            return self._snapshot.gauss_newton_product(self._rows(V)).reshape(V.shape)

    def fvp(self, V: torch.Tensor) -> torch.Tensor:
        """Products with the empirical Fisher matrix, the mean of g_i g_i^T over the samples' gradients.

        `V` has shape (k, n) or (n,). Errors are those of `gnvp`.
        """
        with self._lock:
            self._check_derivatives()
            return self._snapshot.fisher_product(self._rows(V)).reshape(V.shape)

    def batch_gradients_dot(self, V: torch.Tensor) -> np.ndarray:
        """Slope of every batch's mean loss along vectors.

        Parameters
        ----------
        V : torch.Tensor, shape (k, n) or (n,)

        Returns
        -------
        np.ndarray, shape (k, b), float64
            Their mean weighted by `batch_counts` is the slope of the loss; their spread is its noise.
        """
        with self._lock:
            self._check_derivatives()
            return self._per_batch(self._snapshot.graphs.batch_slopes(self._rows(V)))

    def batch_curvatures(self, V: torch.Tensor) -> np.ndarray:
        """Quadratic form v H_b v of every batch's mean loss.

        Parameters
        ----------
        V : torch.Tensor, shape (k, n) or (n,)

        Returns
        -------
        np.ndarray, shape (k, b), float64
            Their mean weighted by `batch_counts` is v H v; their spread tells whether a curvature is
            significant.

        Examples
        --------
        >>> import torch
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> data = [(torch.full((1, 1), x), torch.zeros(1, 1)) for x in (1.0, 2.0)]
        >>> Objective(model, torch.nn.MSELoss(), data).batch_curvatures(torch.ones(1))
        array([[2., 8.]])
        """
        with self._lock:
            self._check_derivatives()
            return self._per_batch(self._snapshot.graphs.batch_curvatures(self._rows(V)))

    def _rows(self, V: torch.Tensor) -> torch.Tensor:
        rows = V.reshape(1, -1) if V.ndim == 1 else V
        if rows.ndim != 2 or rows.shape[1] != self.num_parameters:
            raise ValueError(f"V has shape {tuple(V.shape)}; expected (k, {self.num_parameters}).")
        return rows.detach().to(self.device, self.dtype).contiguous()

    def _per_batch(self, sums: torch.Tensor) -> np.ndarray:
        """Sums over the samples of each batch (k, b) to means."""
        return np.asarray(sums.cpu()) / np.where(self.batch_counts > 0, self.batch_counts, 1.0)

    # ------------------------------------------------------------------ other points

    def evaluator(self, subspace: "Subspace", *, gradients: bool = False) -> Callable[[np.ndarray], "Point"]:
        """Return a function from coordinates (d,) in `subspace` to the losses there.

        With `gradients` a point also has its slopes (d,) along the directions, for one backward pass more.

        The displacement always starts from the origin, so errors do not add up. After `update` the
        function goes on with the weights that it was made for.

        Raises
        ------
        ValueError
            Slopes in a subspace that moves BatchNorm statistics, whose part they lack, or in one whose
            directions are not stored; such a subspace of other parameters.
        """
        if subspace.seeded is not None:
            if gradients:
                raise ValueError(
                    "Slopes need directions that are stored: Subspace.random(..., stored=True), or "
                    "gradients=False."
                )
            return self.random_evaluator(subspace.seeded.rows, subspace.seeded.weights)
        if gradients and subspace.statistics:
            raise ValueError(
                "Slopes leave out what moving BatchNorm statistics add to them; make the subspace without "
                "statistics=True, or sample without gradients."
            )
        line = self._snapshot.evaluation.line(
            subspace.origin.to(self.device, self.dtype),
            subspace.directions.to(self.device, self.dtype),
            gradients=gradients,
            statistics=subspace.statistics,
        )

        def evaluate(coordinates: np.ndarray) -> Point:
            with self._lock:
                return line(torch.as_tensor(coordinates, dtype=torch.float64))

        return evaluate

    def random_rows(self, dim: int, distribution: str = "normal", seed: int = 0) -> SeededRows:
        """Random vectors of parameters (dim, n) that take no memory."""
        return SeededRows(self._snapshot.layout.slots, dim, distribution, seed)

    def random_evaluator(
        self, rows: SeededRows, weights: Sequence[torch.Tensor] | None = None
    ) -> Callable[[np.ndarray], "Point"]:
        """As `evaluator`, along `random_rows`, which are drawn anew at every point.

        From the objective's weights, or from others in the order of `parameter_names`, which are not copied.

        Raises
        ------
        ValueError
            Rows of other parameters.
        """
        snapshot = self._snapshot
        if rows.slots != snapshot.layout.slots:
            raise ValueError("The directions were made for other parameters; make them from this objective.")
        line = snapshot.evaluation.regenerated_line(snapshot.weights if weights is None else weights, rows)

        def evaluate(coordinates: np.ndarray) -> Point:
            with self._lock:
                self._check_shared_weights()
                return line(torch.as_tensor(coordinates, dtype=torch.float64))

        return evaluate

    def block_evaluator(self, subspace: "Subspace") -> Callable[[np.ndarray], list["Point"]] | None:
        """Return `evaluator` for many coordinates (k, d) in one call of vmap, None where that cannot be.

        That it can be does not mean that it pays, or that vmap takes the model: see `nblandscape.batched`.
        """
        if subspace.statistics or subspace.seeded is not None:
            return None
        with self._lock:
            block = self._snapshot.evaluation.block(
                subspace.origin.to(self.device, self.dtype), subspace.directions.to(self.device, self.dtype)
            )
        if block is None:
            return None
        present = block

        def evaluate(coordinates: np.ndarray) -> list[Point]:
            with self._lock:
                return present(torch.as_tensor(coordinates, dtype=torch.float64))

        return evaluate

    def point(self, flat: torch.Tensor) -> Point:
        """Losses at any parameters, by forward passes only.

        Parameters
        ----------
        flat : torch.Tensor, shape (n,)

        Returns
        -------
        Point
            ``.loss``, and ``.sums`` and ``.counts`` per batch.
        """
        with self._lock:
            return self._snapshot.evaluation.at(self._rows(flat)[0])

    def value_and_gradient(self, flat: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Loss and gradient (n,) at any parameters.

        Examples
        --------
        >>> import torch
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> objective = Objective(model, torch.nn.MSELoss(), (torch.ones(4, 1), torch.zeros(4, 1)))
        >>> objective.value_and_gradient(torch.tensor([3.0]))
        (9.0, tensor([6.]))
        """
        with self._lock:
            total, gradient = self._snapshot.evaluation.value_and_gradient(self._rows(flat)[0])
            count = self._snapshot.count
        return total / count, (gradient / count).to(self.dtype)

    def parameters_at(
        self, subspace: "Subspace", coordinates: Sequence[float], *, exact: bool = False
    ) -> dict[str, torch.Tensor]:
        """State dict of the model at a point of a subspace, in the model's own types and devices.

        Parameters
        ----------
        subspace : Subspace
        coordinates : sequence of d floats
            Displacements along the directions.
        exact : bool
            In the type and on the device of the analysis instead of the model's own: a model in half
            precision would round small displacements away. For `at`.

        Returns
        -------
        dict of name to tensor
            For ``model.load_state_dict``; private copies. The model is the one inside of a `torch.compile`
            or data-parallel wrapper (``model._orig_mod``, ``model.module``).

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
            state = self._snapshot.evaluation.state_at(
                flat.to(self.device, self.dtype), subspace.statistics, torch.from_numpy(point)
            )
            if exact:
                return copying.deepcopy(state)
            return {name: self._as_users(name, value) for name, value in state.items()}

    def _as_users(self, name: str, value: Any) -> Any:
        """A private copy of an entry of a state dict, in the user's type and on the user's device."""
        if not isinstance(value, torch.Tensor):
            return copying.deepcopy(value)
        device, dtype = self._user_types.get(name, (value.device, value.dtype))
        return value.detach().to(device, dtype, copy=True)

    def origin(self) -> torch.Tensor:
        """Flat vector (n,) of the analysed weights."""
        with self._lock:
            self._check_shared_weights()
            return self._snapshot.origin()

    @property
    def weights_norm(self) -> float:
        """Norm of the analysed weights."""
        with self._lock:
            self._check_shared_weights()
            return math.sqrt(math.fsum(squared_norm(as_reals(w.detach())) for w in self._snapshot.weights))

    def flatten(self, named: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Tensors by parameter name to a flat vector (n,), in the order of `parameter_names`.

        Raises
        ------
        ValueError
            A tensor has another shape than its parameter.
        """
        tensors = []
        layout = self._snapshot.layout
        for slot in layout.slots:
            if named[slot.name].shape != slot.shape:
                raise ValueError(
                    f"{slot.name} has shape {tuple(named[slot.name].shape)}; expected {tuple(slot.shape)}."
                )
            tensors.append(named[slot.name].detach().to(self.device))
        return layout.gather(tensors)

    def unflatten(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """Flat vector (n,) to tensors by parameter name; private copies."""
        pieces = self._snapshot.layout.split(flat.to(self.device, self.dtype, copy=True).contiguous())
        return dict(zip(self._problem.names, pieces, strict=True))

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
        pinned = _batches.pin(batches, device=self.device, dtype=_working_dtype(other, None))
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
        model, problem, self._model_name, self._user_types = parts
        self._lock, self._user = threading.RLock(), weakref.ref(model)
        self._problem = replace(problem, copy=True)
        self._snapshot = Snapshot(model, self._problem)
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

    def _check_derivatives(self) -> None:
        """Refuse what would be wrong: a batch loss may say ``no_derivatives``, why it has none."""
        self._check_shared_weights()
        if reason := getattr(self._problem.batch_loss, "no_derivatives", ""):
            raise ValueError(reason)

    def _check_shared_weights(self) -> None:
        if self._snapshot.shares_weights and self.stale:
            raise RuntimeError(
                "The model was trained on while this objective (copy=False) reads its weights. "
                "Call objective.update(), or make the objective with copy=True."
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
