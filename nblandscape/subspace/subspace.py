"""A subspace: an origin and directions, in which coordinates are true parameter displacements."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import torch

from nblandscape.batches import update_digest
from nblandscape.cancel import CancelSignal
from nblandscape.replica import PIECE, Slot, squared_norm
from nblandscape.subspace.normalization import Normalization, OneDimensional
from nblandscape.subspace.statistics import turned

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum
    from nblandscape.objective import Objective
    from nblandscape.subspace.checkpoints import Checkpoints, Source
    from nblandscape.subspace.explained import Explained
    from nblandscape.subspace.seeded import SeededSubspace

Given: TypeAlias = "Literal['random'] | Spectrum | torch.Tensor | Mapping[str, torch.Tensor]"
Beside: TypeAlias = "Given | None"
Origin = Literal["objective", "first", "last", "mean"]


@dataclass(frozen=True, eq=False, repr=False)
class Subspace:
    """Points theta = origin + sum_i alpha_i directions_i.

    Attributes
    ----------
    origin : torch.Tensor, shape (n,)
    directions : torch.Tensor, shape (d, n)
        As they are: unit length for Hessian directions, the user's own length otherwise.
    labels : tuple of d str
    curvatures : tuple of d floats or None
        Second derivative along each direction, where known.
    contains_model : bool
        Whether the origin is the model itself.
    provenance : dict
        How the subspace was made; fit for JSON.
    path : np.ndarray or None, shape (T, d)
        Coordinates of a trajectory's checkpoints, projected.
    off_plane : np.ndarray or None, shape (T,)
        Distance of each checkpoint of `path` from its projection.
    anchors : np.ndarray or None, shape (m, d)
        Coordinates of the checkpoints that the subspace passes through.
    explained : Explained or None
        Variance along the principal components of a trajectory, beside that of a random walk.
    statistics : dict or None
        BatchNorm statistics that move with the weights: name of the buffer to its value at the origin and
        its directions, (d, *shape). The others stay what they are in the model.
    """

    origin: torch.Tensor
    directions: torch.Tensor
    labels: tuple[str, ...]
    curvatures: tuple[float, ...] | None = None
    contains_model: bool = True
    provenance: Mapping[str, Any] = field(default_factory=dict)
    path: np.ndarray | None = None
    off_plane: np.ndarray | None = None
    anchors: np.ndarray | None = None
    explained: "Explained | None" = None
    statistics: Mapping[str, tuple[torch.Tensor, torch.Tensor]] | None = None

    def __post_init__(self) -> None:
        if self.directions.ndim != 2 or self.directions.shape[1] != self.size:
            raise ValueError(
                f"directions have shape {tuple(self.directions.shape)}; expected (d, {self.size})."
            )
        if len(self.labels) != len(self.directions):
            raise ValueError(f"{len(self.labels)} labels for {len(self.directions)} directions.")
        if not all(bool(torch.isfinite(part).all()) for part in self._parts()):
            raise ValueError("A direction holds NaN or inf.")
        norms = self.lengths
        if (norms == 0).any():
            raise ValueError(f"Direction {int(np.flatnonzero(norms == 0)[0])} is zero.")

    def __repr__(self) -> str:
        kind = self.provenance.get("kind", "directions")
        return f"Subspace({kind}, {self.dim} of {self.size:,} dimensions: {', '.join(self.labels)})"

    @property
    def seeded(self) -> "SeededSubspace | None":
        """The subspace, if its directions are not stored but drawn anew."""
        return None

    @property
    def size(self) -> int:
        """Number of parameters n."""
        return self.origin.numel()

    @property
    def dim(self) -> int:
        """Number of directions d."""
        return len(self.directions)

    @property
    def gram(self) -> np.ndarray:
        """Inner products of the directions, (d, d) float64: the identity if they are orthonormal."""
        total = np.zeros((self.dim, self.dim))
        for part in self._parts():
            wide = part.to(torch.float64)
            total += np.asarray((wide @ wide.T).cpu())
        return total

    @property
    def lengths(self) -> np.ndarray:
        """Norms of the directions, (d,) float64."""
        return np.sqrt([squared_norm(row) for row in self.directions])

    def _parts(self) -> tuple[torch.Tensor, ...]:
        """The directions in pieces (d, m), of which further copies are small."""
        return torch.split(self.directions, PIECE, dim=1)

    @property
    def weights_norm(self) -> float:
        """Norm of the origin."""
        return math.sqrt(squared_norm(self.origin))

    def feed(self, digest: "hashlib._Hash") -> None:
        """Give a digest what decides the points of the subspace."""
        update_digest(digest, self.origin)
        self._feed_directions(digest)

    def _feed_directions(self, digest: "hashlib._Hash") -> None:
        moving = [t for pair in (self.statistics or {}).values() for t in pair]
        for tensor in (self.directions, *moving):
            update_digest(digest, tensor)

    def check(self) -> None:
        """Raise `RuntimeError` if the origin has changed, which one of its own cannot."""

    def start(self, slots: Sequence[Slot]) -> torch.Tensor | list[torch.Tensor]:  # noqa: ARG002
        """The origin, or tensors in the order of the slots of a layout that hold it already."""
        return self.origin

    def at(self, coordinates: Sequence[float] | np.ndarray) -> torch.Tensor:
        """Parameters (n,) at coordinates (d,).

        Examples
        --------
        >>> import torch
        >>> plane = Subspace(torch.zeros(3), torch.eye(3)[:2], ("a", "b"))
        >>> plane.at([1.0, 2.0])
        tensor([1., 2., 0.])
        """
        alpha = torch.as_tensor(
            np.asarray(coordinates), dtype=self.directions.dtype, device=self.directions.device
        )
        return torch.addmv(self.origin, self.directions.T, alpha)

    def shifted(self, direction: torch.Tensor, amount: float, label: str) -> "Subspace":
        """The parallel subspace through origin + amount * direction."""
        if amount == 0.0:
            return self
        moved = self.origin + amount * direction.to(self.origin)
        provenance = {**self.provenance, "offset": {"label": label, "amount": amount}}
        return Subspace(
            moved,
            self.directions,
            self.labels,
            self.curvatures,
            False,
            provenance,
            statistics=self.statistics,
        )

    def orthonormalized(self) -> "Subspace":
        """The same points with an orthonormal basis: the first direction keeps its sense, and so on.

        Normalise first, then orthonormalise; the other way round neither would hold. Coordinates of
        `path` and `anchors` are those in the new basis. Curvatures are kept where only lengths change.

        Raises
        ------
        ValueError
            The directions are linearly dependent.

        Examples
        --------
        >>> import torch
        >>> skew = Subspace(torch.zeros(3), torch.tensor([[2.0, 0.0, 0.0], [1.0, 1.0, 0.0]]), ("a", "b"))
        >>> skew.orthonormalized().gram
        array([[1., 0.],
               [0., 1.]])
        """
        q, r = torch.linalg.qr(self.directions.to(torch.float64).T)
        sense = torch.where(r.diagonal() < 0, -1.0, 1.0).to(r)
        triangle = np.asarray((sense[:, None] * r).cpu())  # old directions in the new basis, by column
        dependent = np.flatnonzero(np.diag(triangle) < 1e-6 * self.lengths)
        if len(dependent):
            which = int(dependent[0])
            raise ValueError(f"Direction {which} ({self.labels[which]}) depends on those before it.")
        only_lengths = np.abs(triangle - np.diag(np.diag(triangle))).max() < 1e-6 * self.lengths.min()
        curvatures = None
        if self.curvatures is not None and only_lengths:
            pairs = zip(self.curvatures, self.lengths, strict=True)
            curvatures = tuple(float(c / length**2) for c, length in pairs)
        return replace(
            self,
            directions=(q * sense).T.to(self.directions.dtype).contiguous(),
            curvatures=curvatures,
            provenance={**self.provenance, "orthonormalized": True},
            path=None if self.path is None else self.path @ triangle.T,
            anchors=None if self.anchors is None else self.anchors @ triangle.T,
            statistics=None if self.statistics is None else turned(self.statistics, triangle),
        )

    def normalized(
        self,
        objective: "Objective",
        normalize: Normalization = "filter",
        *,
        one_dimensional: OneDimensional = "zero",
    ) -> "Subspace":
        """Give random directions the norms of the weights (see `random`).

        Raises
        ------
        ValueError
            The directions are not random: a filter-normalised eigenvector, say, is none.
        """
        from nblandscape.subspace.randomized import normalized_subspace

        return normalized_subspace(self, objective, normalize, one_dimensional)

    @classmethod
    def hessian(
        cls,
        objective: "Objective",
        spectrum: "Spectrum",
        indices: Sequence[int] = (0, -1),
        *,
        offset: Mapping[int, float] | None = None,
    ) -> "Subspace":
        """Span Hessian eigenvectors: the slice that shows a saddle as a saddle.

        Parameters
        ----------
        objective : Objective
        spectrum : Spectrum
            Of this objective.
        indices : sequence of int
            0, 1, … count from the largest eigenvalue, -1, -2, … from the smallest.
        offset : dict of index to displacement, optional
            Moves the plane along further eigenvectors.

        Raises
        ------
        ValueError
            An index outside the spectrum, one used twice, or a spectrum of another model.

        Notes
        -----
        Böttcher & Wheeler, arXiv 2208.13219: projections along the eigenvectors of the largest and
        smallest curvature.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> batch = (torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.ones(2, 1))
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), batch)
        >>> spectrum = nbl.hessian_spectrum(objective, largest=1, smallest=1)
        >>> [round(c, 4) for c in nbl.Subspace.hessian(objective, spectrum).curvatures]
        [4.0, 1.0]
        """
        from nblandscape.subspace.hessian import hessian_subspace

        return hessian_subspace(objective, spectrum, indices, offset or {})

    @classmethod
    def random(
        cls,
        objective: "Objective",
        dim: int = 2,
        *,
        normalize: Normalization | None = "filter",
        distribution: Literal["normal", "rademacher"] = "normal",
        one_dimensional: OneDimensional = "zero",
        seed: int = 0,
        stored: bool = True,
    ) -> "Subspace":
        """Span zero-mean random directions.

        Parameters
        ----------
        objective : Objective
        dim : int
        normalize : {"filter", "layer", "unit"} or None
            "filter": each output filter (row, token, channel) has the norm of the weights' filter (Li et
            al. 2018, section 4); "layer": each tensor the norm of the weights' tensor; "unit": the whole
            direction length 1, orthogonal to the others.
        distribution : {"normal", "rademacher"}
        one_dimensional : {"zero", "norm"}
            Under "filter", leave biases and scales of normalisation layers out, as Li et al. do, or give
            them the norm of the weights' vector.
        seed : int
            Of a private generator.
        stored : bool
            False keeps seeds instead of directions and draws the numbers anew at every point, a block at a
            time: for models of which not even one more copy fits. They are other directions than the stored
            ones of the same seed.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(4, 3)
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(2, 4), torch.ones(2, 3)))
        >>> plane = nbl.Subspace.random(objective, 2, normalize="unit")
        >>> bool(abs(plane.gram - [[1, 0], [0, 1]]).max() < 1e-6)
        True
        """
        from nblandscape.subspace.randomized import random_subspace

        return random_subspace(objective, dim, normalize, distribution, one_dimensional, seed, stored)

    @classmethod
    def gradient(
        cls, objective: "Objective", beside: Beside = None, *, orthogonal: bool = True, seed: int = 0
    ) -> "Subspace":
        """Span the negative gradient (unit length), alone or with a second unit direction.

        Parameters
        ----------
        objective : Objective
        beside : "random", Spectrum, flat vector (n,), or mapping of name to tensor, optional
            The second direction; of a Spectrum, the eigenvector of its largest eigenvalue.
        orthogonal : bool
            Take from the second direction what lies along the first.
        seed : int
            Of the private generator of a random one.

        Raises
        ------
        ValueError
            The gradient is zero, or the second direction is parallel to it.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.ones(2, 1)))
        >>> plane = nbl.Subspace.gradient(objective, beside="random")
        >>> plane.labels, bool(abs(plane.gram - [[1, 0], [0, 1]]).max() < 1e-6)
        (('−∇L', 'random'), True)
        """
        from nblandscape.subspace.descent import gradient_subspace

        return gradient_subspace(objective, beside, orthogonal, seed)

    @classmethod
    def adam(
        cls,
        objective: "Objective",
        optimizer: torch.optim.Optimizer | Mapping[str, Any],
        beside: Beside = None,
        *,
        momentum: bool = False,
        names: Sequence[str] | None = None,
        orthogonal: bool = True,
        seed: int = 0,
    ) -> "Subspace":
        """Span the direction (unit length) that Adam's second moments make of the gradient.

        Parameters
        ----------
        objective : Objective
        optimizer : torch.optim.Adam, AdamW, or their state_dict()
        beside, orthogonal, seed
            As in `gradient`.
        momentum : bool
            The optimizer's own first moment instead of the objective's gradient: its last update,
            without decoupled weight decay.
        names : sequence of str, optional
            Names of the optimizer's parameters in its order; needed for a state dict of several groups
            that holds no names.

        Raises
        ------
        ValueError
            Parameters that can't be matched, a state that is not Adam's, or missing moments.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.ones(2, 1)))
        >>> optimizer = torch.optim.Adam(model.parameters())
        >>> (model(torch.eye(2)) - 1).square().mean().backward()
        >>> optimizer.step()
        >>> objective.update()
        >>> nbl.Subspace.adam(objective, optimizer).labels
        ('−∇L/√v',)
        """
        from nblandscape.subspace.descent import adam_subspace

        return adam_subspace(objective, optimizer, beside, momentum, names, orthogonal, seed)

    @classmethod
    def trajectory(
        cls,
        objective: "Objective",
        checkpoints: "Checkpoints",
        dim: int = 2,
        *,
        origin: Origin = "objective",
        steps: Sequence[int] | None = None,
        callback: Callable[[int, int], None] | None = None,
        cancel: CancelSignal | None = None,
    ) -> "Subspace":
        """Span the principal components of a training run's checkpoints.

        Parameters
        ----------
        objective : Objective
            At the final weights, in the convention of Li et al. 2018 (section 7.2), whose differences to
            the final weights have the same principal components about their mean.
        checkpoints : Recorder, Recording, its folder, or an iterable of checkpoints
            A checkpoint is a state dict, a module, a flat vector (n,), or a file or folder of weights.
        dim : int
        origin : {"objective", "first", "last", "mean"}
            Where the plane passes and its coordinates start. Through "mean" it is nearest to the path.
        steps : sequence of T int, optional
            Training steps, for the random walk beside it; a recording knows them.
        callback : callable (done, total), optional
        cancel : threading.Event or callable, optional

        Returns
        -------
        Subspace
            With orthonormal directions, `path`, `off_plane` and `explained`.

        Raises
        ------
        ValueError
            Fewer checkpoints than dim + 1, checkpoints of another architecture, damaged ones, or ones
            that are identical or span fewer dimensions.
        nblandscape.cancel.Cancelled

        Notes
        -----
        From the T x T Gram matrix in float64, in two passes over the checkpoints, which are read in
        pieces: memory is d + 1 vectors and about 100 MB.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.ones(2, 1)))
        >>> path = [torch.tensor([3.0, 0.0]), torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.1])]
        >>> plane = nbl.Subspace.trajectory(objective, path, origin="last")
        >>> plane.path[-1].round(6) + 0.0, plane.explained.ratios.round(3)
        (array([0., 0.]), array([0.999, 0.001]))
        """
        from nblandscape.subspace.trajectory import trajectory_subspace

        return trajectory_subspace(objective, checkpoints, dim, origin, steps, callback, cancel)

    @classmethod
    def through(
        cls,
        objective: "Objective",
        *checkpoints: "Source",
        origin: Origin = "objective",
        statistics: bool = False,
    ) -> "Subspace":
        """Span the segment or plane through checkpoints.

        It passes through `origin` and every given checkpoint: with the objective's weights as origin,
        one more checkpoint makes a segment and two make a plane (a checkpoint that equals the origin is
        not counted). With another origin, two checkpoints make a segment and three a plane, and the
        objective's weights play no part.

        Parameters
        ----------
        objective : Objective
        *checkpoints
            State dicts, modules, flat vectors (n,), files or folders of weights.
        origin : {"objective", "first", "last", "mean"}
            The point of coordinates 0, always a grid point.
        statistics : bool
            Move the running means and variances of BatchNorm along: they are those of a checkpoint at its
            coordinates and change linearly between (Goldstein's "states"). Beyond the checkpoints, a point
            at which a variance would be negative is a hole. Otherwise they stay the objective's.

        Returns
        -------
        Subspace
            With orthonormal directions, the first towards the first checkpoint, and `anchors`, one row
            per given checkpoint.

        Raises
        ------
        ValueError
            Another architecture, identical or collinear checkpoints, or more than a plane; no BatchNorm
            statistics, or an objective that does not use them.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.ones(2, 1)))
        >>> three = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
        >>> nbl.Subspace.through(objective, *three, origin="first").anchors
        array([[0., 0.],
               [3., 0.],
               [0., 4.]])
        """
        from nblandscape.subspace.through import through_subspace

        return through_subspace(objective, checkpoints, origin, statistics)

    @classmethod
    def from_directions(
        cls,
        objective: "Objective",
        directions: torch.Tensor | Iterable[torch.Tensor | Mapping[str, torch.Tensor]],
        labels: Sequence[str] | None = None,
    ) -> "Subspace":
        """Span any directions, as they are.

        Parameters
        ----------
        objective : Objective
        directions : (d, n) tensor, or d flat vectors (n,) or mappings of parameter name to tensor
        labels : sequence of d str, optional

        Raises
        ------
        ValueError
            Wrong sizes, unknown or missing names, zero or non-finite directions.
        TypeError
            One mapping instead of a list, or something that is no tensor.

        Examples
        --------
        >>> import torch, nblandscape as nbl
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.ones(2, 1)))
        >>> direction = {"weight": torch.tensor([[3.0, 4.0]])}
        >>> nbl.Subspace.from_directions(objective, [direction], ["mine"]).lengths
        array([5.])
        """
        if isinstance(directions, Mapping):
            raise TypeError("directions is one mapping; pass a list of directions, [direction].")
        rows = [flatten_direction(objective, direction, i) for i, direction in enumerate(directions)]
        if not rows:
            raise ValueError("No directions were given.")
        names = tuple(labels) if labels is not None else tuple(f"direction {i + 1}" for i in range(len(rows)))
        return cls(objective.origin(), torch.stack(rows), names, provenance={"kind": "directions"})


def flatten_direction(
    objective: "Objective", direction: torch.Tensor | Mapping[str, torch.Tensor], number: int
) -> torch.Tensor:
    """A direction as a flat vector (n,).

    Raises
    ------
    ValueError
        Names or sizes that do not fit.
    TypeError
        Neither a tensor nor a mapping.
    """
    if isinstance(direction, Mapping):
        names = objective.parameter_names
        missing, unknown = [n for n in names if n not in direction], [n for n in direction if n not in names]
        if missing or unknown:
            raise ValueError(
                f"Direction {number}: names {missing[:3]} are missing, {unknown[:3]} are unknown."
            )
        direction = objective.flatten({name: direction[name] for name in names})
    if not isinstance(direction, torch.Tensor):
        raise TypeError(
            f"Direction {number} is a {type(direction).__name__}; pass torch tensors, or mappings of "
            "parameter name to tensor."
        )
    if direction.numel() != objective.num_parameters:
        raise ValueError(
            f"Direction {number} has {direction.numel()} entries; "
            f"the objective has {objective.num_parameters} parameters."
        )
    return direction.detach().reshape(-1).to(objective.device, objective.dtype)
