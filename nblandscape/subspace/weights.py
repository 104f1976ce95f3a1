"""Subspaces through an objective's weights, which they read instead of copying them."""

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from nblandscape.batches import update_digest_by_parts
from nblandscape.replica import Layout, Slot, as_reals, squared_norm
from nblandscape.subspace.subspace import Subspace

if TYPE_CHECKING:
    from nblandscape.objective import Objective


class WeightsSubspace(Subspace):
    """A subspace whose origin is an objective's weights, in their own memory.

    They stay what they are when the objective is updated. `origin` is made anew, as a tensor of n numbers,
    whenever it is asked for; sampling losses does not ask.

    Attributes
    ----------
    layout : nblandscape.replica.Layout
    """

    layout: Layout
    _weights: list[torch.Tensor]
    _versions: list[int]

    def __init__(
        self,
        objective: "Objective",
        directions: torch.Tensor,
        labels: tuple[str, ...],
        provenance: dict[str, Any],
    ) -> None:
        self._set(objective, directions=directions, labels=labels, provenance=provenance)
        self.__post_init__()

    def _set(self, objective: "Objective", **given: Any) -> None:
        snapshot = objective._snapshot
        given |= {
            "layout": snapshot.layout,
            "_weights": snapshot.weights,
            "_versions": [weight._version for weight in snapshot.weights],
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)  # as the frozen dataclass itself does

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__["_versions"] = [weight._version for weight in self._weights]  # a copy counts anew

    def check(self) -> None:
        """See that the weights are what they were.

        Raises
        ------
        RuntimeError
            They are the user's own (copy=False), and the model was trained on.
        """
        if [weight._version for weight in self._weights] != self._versions:
            raise RuntimeError(
                "The model was trained on while this subspace reads its weights, since its objective was "
                "made with copy=False. Call objective.update() and make the subspace anew, or use copy=True."
            )

    @property
    def weights(self) -> list[torch.Tensor]:
        """The origin, in the layout's order; not to be written to. Errors are those of `check`."""
        self.check()
        return self._weights

    @property
    def origin(self) -> torch.Tensor:
        """The weights (n,), a new tensor."""
        return self.layout.gather(self.weights)

    @property
    def size(self) -> int:
        """Number of parameters n."""
        return self.layout.size

    @property
    def weights_norm(self) -> float:
        """Norm of the origin."""
        return math.sqrt(math.fsum(squared_norm(as_reals(w.detach())) for w in self.weights))

    def start(self, slots: Sequence[Slot]) -> torch.Tensor | list[torch.Tensor]:
        """The weights themselves where the slots are theirs, else the origin."""
        return self.weights if tuple(slots) == self.layout.slots else self.origin

    def feed(self, digest: "hashlib._Hash") -> None:
        """Give a digest what decides the points of the subspace."""
        parts = (as_reals(weight.detach()).to(self.layout.dtype) for weight in self.weights)
        update_digest_by_parts(digest, self.layout.dtype, (self.size,), parts)
        self._feed_directions(digest)

    def stored(self) -> Subspace:
        """The same subspace with origin and directions of its own in memory."""
        return Subspace(self.origin, self.directions, self.labels, provenance=self.provenance)

    def orthonormalized(self) -> Subspace:
        """As `Subspace.orthonormalized`; its directions are stored."""
        return self.stored().orthonormalized()
