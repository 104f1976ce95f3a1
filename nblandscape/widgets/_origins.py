"""Where the planes of an explorer start: the model itself, and the points that were made an origin."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.widgets._spec import Spec

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace
    from nblandscape.widgets._objective_source import ObjectiveSource

KEPT = 8
_KEPT_BYTES = 2e9
_COPIES = 3  # of the parameters that an objective holds beside the eigenvectors

Wire = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """How eigenpairs were computed, so that the same call gives the same vectors again.

    `start` says what the first step began with: "none", "parent" (the eigenpairs of the plane that the
    origin was chosen in), "given" (by the user) or "earlier" (those of earlier weights).
    """

    start: str = "none"
    steps: tuple[Mapping[str, Any], ...] = ()

    def then(self, pairs: Mapping[str, Any]) -> "Recipe":
        """The same, and a further call that starts from its result."""
        return replace(self, steps=(*self.steps, dict(pairs)))

    def to_wire(self) -> Wire:
        """`Recipe` (js/src/model/protocol.ts)."""
        return {"start": self.start, "steps": [dict(step) for step in self.steps]}


_recipes: "weakref.WeakKeyDictionary[Spectrum, Recipe]" = weakref.WeakKeyDictionary()


def recipe_of(spectrum: "Spectrum") -> Recipe:
    """How these eigenpairs were computed; "given" unless an explorer computed them."""
    return _recipes.get(spectrum, Recipe("given"))


def note_recipe(spectrum: "Spectrum", recipe: Recipe) -> None:
    """Remember how these eigenpairs were computed."""
    _recipes[spectrum] = recipe


@dataclass(frozen=True)
class Origin:
    """A point that planes start from.

    Attributes
    ----------
    number : int
        0 is the model; `Explorer.request(origin=number)` goes there.
    kind : str
        What was selected: "model", "minimum", "saddle" or "point".
    coordinates : tuple of float
        Of the point in the plane that it was selected in.
    plane : dict
        That plane: ``axes``, ``offset`` and the number of its own ``origin``.
    loss : float
        At the point.
    distance : float
        Norm of its displacement from the model in the space of the parameters.
    """

    number: int
    kind: str
    coordinates: tuple[float, ...]
    plane: Mapping[str, Any]
    loss: float
    distance: float
    spec: Mapping[str, Any]
    recipe: Recipe

    def __repr__(self) -> str:
        if self.number == 0:
            return f"Origin 0: the model, loss {self.loss:.6g}"
        parent = self.plane["origin"]
        where = "the model's planes" if parent == 0 else f"the planes of origin {parent}"
        at = ", ".join(f"{c:.4g}" for c in self.coordinates)
        axes = ", ".join(map(str, self.plane["axes"]))
        return (
            f"Origin {self.number}: {self.kind} at ({at}) of eigenvectors ({axes}), one of {where}; "
            f"loss {self.loss:.6g}, {self.distance:.4g} from the model"
        )

    def to_wire(self, kept: bool) -> Wire:
        """`OriginData` (js/src/model/protocol.ts)."""
        return {
            "number": self.number,
            "kind": self.kind,
            "at": [float(c) for c in self.coordinates],
            "spec": dict(self.spec),
            "loss": self.loss,
            "distance": self.distance,
            "recipe": self.recipe.to_wire(),
            "kept": kept,
        }


class Origins:
    """The origins of one explorer; those that were used least recently lose their weights and eigenvectors.

    Used from the worker's and the user's thread.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._known: list[Origin] = []
        self._kept: OrderedDict[int, ObjectiveSource] = OrderedDict()
        self._first = 1  # number of the first origin that belongs to the present weights

    def known(self) -> list[Origin]:
        """All origins of the present weights, in the order in which they were made."""
        with self._lock:
            return list(self._known)

    def to_wire(self) -> list[Wire]:
        """All of them for the page."""
        with self._lock:
            return [origin.to_wire(origin.number in self._kept) for origin in self._known]

    def find(self, number: int) -> "ObjectiveSource":
        """Return an origin's source, as the latest used.

        Raises
        ------
        ValueError
            There is no such origin, or it was dropped.
        """
        with self._lock:
            source = self._kept.get(number)
            if source is not None:
                self._kept.move_to_end(number)
                return source
            last = self._first + len(self._known) - 1
            if 1 <= number < self._first:
                raise ValueError(
                    f"origin={number}: it was a point of the model's earlier weights; select a point of the "
                    "present surface and make that the origin."
                )
            if self._first <= number <= last:
                raise ValueError(
                    f"origin={number}: its weights were dropped, the {KEPT} origins used last are kept. Go "
                    "to the plane that it was selected in and make the point the origin again."
                )
            known = "make one from a selected point first" if not self._known else f"1 to {last} are known"
            raise ValueError(f"origin={number}: 0 is the model itself; {known}.")

    def rest(self, but: int) -> None:
        """Give back the memory of the gradient graphs of all origins but one; waits for a product."""
        with self._lock:
            others = [source for number, source in self._kept.items() if number != but]
        for source in others:
            source.objective.release_graphs()

    def add(
        self, source: "ObjectiveSource", spec: Spec, kind: str, coordinates: Sequence[float], recipe: Recipe
    ) -> Origin:
        """Number a new origin and keep its source."""
        objective = source.objective
        with self._lock:
            source.number = self._first + len(self._known)
            offset = {} if spec.offset_axis is None else {spec.offset_axis: spec.offset}
            origin = Origin(
                source.number,
                kind,
                tuple(float(c) for c in coordinates),
                {"origin": spec.origin, "axes": spec.axes, "offset": offset},
                objective.loss(),
                source.distance(),
                spec.to_wire(),
                recipe,
            )
            self._known.append(origin)
            self._kept[source.number] = source
            while len(self._kept) > 2 and (len(self._kept) > KEPT or self._bytes() > _KEPT_BYTES):
                self._kept.popitem(last=False)
            return origin

    def forget(self) -> None:
        """The model has other weights: what was made before belongs to none of them."""
        with self._lock:
            self._first += len(self._known)
            self._known.clear()
            self._kept.clear()

    def _bytes(self) -> float:
        total = 0.0
        for source in self._kept.values():
            pairs = 0 if source.spectrum is None else len(source.spectrum.values)
            total += (pairs + _COPIES) * source.objective.num_parameters * source.objective.dtype.itemsize
        return total


def model_place(plane: "Subspace", model: "Objective", *, at_origin: bool = False) -> Wire:
    """`ModelPlace` (js/src/model/protocol.ts): where the model lies as seen from a plane.

    With theta_m the model: coordinates of its projection on the plane, distance from it, Gram matrix of the
    directions. So the distance of the point alpha from the model is
    sqrt(apart^2 + (alpha - at)^T gram (alpha - at)). `at_origin`: the plane starts from the model itself.
    """
    import torch

    if at_origin:
        return {"at": [0.0] * plane.dim, "apart": 0.0, "gram": plane.gram.tolist()}
    away = model.origin().to(torch.float64) - plane.origin.to(torch.float64)
    directions = plane.directions.to(torch.float64)
    gram = plane.gram
    at = np.linalg.lstsq(gram, np.asarray((directions @ away).cpu()), rcond=None)[0]
    rest = away - directions.T @ torch.as_tensor(at, device=away.device)
    return {
        "at": [float(c) for c in at],
        "apart": float(torch.linalg.vector_norm(rest)),
        "gram": [[float(g) for g in row] for row in gram],
    }


def distance_at(place: Mapping[str, Any], coordinates: Sequence[float]) -> float:
    """Distance of a point of the plane from the model, in the space of the parameters."""
    step = np.asarray(coordinates, dtype=np.float64) - np.asarray(place["at"])
    return float(np.sqrt(place["apart"] ** 2 + max(0.0, step @ np.asarray(place["gram"]) @ step)))
