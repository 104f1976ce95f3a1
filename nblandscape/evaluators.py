"""The loss at other points than the weights: along directions, at flat vectors, as state dicts."""

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nblandscape.analysed import Analysed
from nblandscape.evaluation import Point
from nblandscape.seeded_rows import SeededRows

if TYPE_CHECKING:
    from nblandscape.subspace import Subspace


class Evaluators(Analysed):
    """Losses, gradients and state dicts anywhere in the space of the parameters; see `Objective`."""

    def evaluator(self, subspace: "Subspace", *, gradients: bool = False) -> Callable[[np.ndarray], Point]:
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
            drawn = self.random_evaluator(subspace.seeded.rows, subspace.seeded.weights)

            def evaluate_drawn(coordinates: np.ndarray) -> Point:
                subspace.check()
                return drawn(coordinates)

            return evaluate_drawn
        if gradients and subspace.statistics:
            raise ValueError(
                "Slopes leave out what moving BatchNorm statistics add to them; make the subspace without "
                "statistics=True, or sample without gradients."
            )
        line = self._snapshot.evaluation.line(
            *self._origin_and_directions(subspace), gradients=gradients, statistics=subspace.statistics
        )

        def evaluate(coordinates: np.ndarray) -> Point:
            with self._lock:
                subspace.check()
                return line(torch.as_tensor(coordinates, dtype=torch.float64))

        return evaluate

    def _origin_and_directions(
        self, subspace: "Subspace"
    ) -> tuple[torch.Tensor | list[torch.Tensor], torch.Tensor]:
        """As the evaluation takes them."""
        start = subspace.start(self._snapshot.layout.slots)
        if isinstance(start, torch.Tensor):
            origin: torch.Tensor | list[torch.Tensor] = start.to(self.device, self.dtype)
        else:
            origin = [weight.to(self.device) for weight in start]
        return origin, subspace.directions.to(self.device, self.dtype)

    def random_rows(self, dim: int, distribution: str = "normal", seed: int = 0) -> SeededRows:
        """Random vectors of parameters (dim, n) that take no memory."""
        return SeededRows(self._snapshot.layout.slots, dim, distribution, seed)

    def random_evaluator(
        self, rows: SeededRows, weights: Sequence[torch.Tensor] | None = None
    ) -> Callable[[np.ndarray], Point]:
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

    def block_evaluator(self, subspace: "Subspace") -> Callable[[np.ndarray], list[Point]] | None:
        """Return `evaluator` for many coordinates (k, d) in one call of vmap, None where that cannot be.

        That it can be does not mean that it pays, or that vmap takes the model: see `nblandscape.batched`.
        """
        if subspace.statistics or subspace.seeded is not None:
            return None
        with self._lock:
            block = self._snapshot.evaluation.block(*self._origin_and_directions(subspace))
        if block is None:
            return None
        present = block

        def evaluate(coordinates: np.ndarray) -> list[Point]:
            with self._lock:
                subspace.check()
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
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(4, 1), torch.zeros(4, 1)))
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
                return copy.deepcopy(state)
            return {name: self._as_users(name, value) for name, value in state.items()}

    def _as_users(self, name: str, value: Any) -> Any:
        """A private copy of an entry of a state dict, in the user's type and on the user's device."""
        if not isinstance(value, torch.Tensor):
            return copy.deepcopy(value)
        device, dtype = self._user_types.get(name, (value.device, value.dtype))
        return value.detach().to(device, dtype, copy=True)
