"""The weights of a model as they are analysed: names, sizes, flat vectors."""

import math
import threading
import weakref
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from nblandscape import batches as _batches
from nblandscape.problem import Problem
from nblandscape.replica import as_reals, squared_norm
from nblandscape.snapshot import Snapshot, versions_of

UserTypes = Mapping[str, tuple[torch.device, torch.dtype]]


class Analysed:
    """A model's weights and the problem that they are to solve; an `Objective` is made of one.

    All methods are thread-safe.
    """

    def _hold(self, model: nn.Module, problem: Problem, model_name: str, user_types: UserTypes) -> None:
        """`user_types`: where the entries of the user's state dict lie, and of which type they are."""
        self._lock, self._user = threading.RLock(), weakref.ref(model)
        self._model_name, self._user_types = model_name, user_types
        self._problem, self._snapshot = problem, Snapshot(model, problem)

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
        return self._problem.settings.device

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
            "batchnorm": self._problem.settings.batchnorm,
            "products": self._problem.settings.products,
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

    def _rows(self, V: torch.Tensor) -> torch.Tensor:
        rows = V.reshape(1, -1) if V.ndim == 1 else V
        if rows.ndim != 2 or rows.shape[1] != self.num_parameters:
            raise ValueError(f"V has shape {tuple(V.shape)}; expected (k, {self.num_parameters}).")
        return rows.detach().to(self.device, self.dtype).contiguous()

    def _check_shared_weights(self) -> None:
        if self._snapshot.shares_weights and self.stale:
            raise RuntimeError(
                "The model was trained on while this objective (copy=False) reads its weights. "
                "Call objective.update(), or make the objective with copy=True."
            )
