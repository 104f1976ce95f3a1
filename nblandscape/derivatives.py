"""The loss and its derivatives at the weights that are analysed."""

import numpy as np
import torch

from nblandscape.analysed import Analysed


class Derivatives(Analysed):
    """Loss, gradient, and products with the Hessian and its relatives; see `Objective`."""

    def loss(self) -> float:
        """Loss at the model's weights: the mean over all samples.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = torch.nn.init.constant_(model.weight, 3.0)
        >>> nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(4, 1), torch.zeros(4, 1))).loss()
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
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> data = [(torch.full((1, 1), x), torch.zeros(1, 1)) for x in (1.0, 2.0)]
        >>> nbl.Objective(model, torch.nn.MSELoss(), data).batch_curvatures(torch.ones(1))
        array([[2., 8.]])
        """
        with self._lock:
            self._check_derivatives()
            return self._per_batch(self._snapshot.graphs.batch_curvatures(self._rows(V)))

    def _per_batch(self, sums: torch.Tensor) -> np.ndarray:
        """Sums over the samples of each batch (k, b) to means."""
        return np.asarray(sums.cpu()) / np.where(self.batch_counts > 0, self.batch_counts, 1.0)

    def _check_derivatives(self) -> None:
        """Refuse what would be wrong: a batch loss may say ``no_derivatives``, why it has none."""
        self._check_shared_weights()
        if reason := getattr(self._problem.batch_loss, "no_derivatives", ""):
            raise ValueError(reason)
