"""What an explorer looks at, and what it asks of it."""

import inspect
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nblandscape.cancel import CancelSignal
from nblandscape.landscape.fill import Chunk
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets._spec import Spec

if TYPE_CHECKING:
    from typing import Self

    from nblandscape.curvature import Spectrum

POINTS_CHOICES = (9, 17, 33, 65, 129)


@dataclass(frozen=True)
class Run:
    """A computation about to start: what its grid will be, and the generator that fills it.

    `coarsest` is the number of points per axis of its first level, `seconds` what it is predicted to take.
    """

    axes: tuple[np.ndarray, np.ndarray]
    labels: tuple[str, str]
    base: float
    origin: int | None
    quantity: str
    coarsest: int
    seconds: float
    chunks: Generator[Chunk, None, Landscape]


class Source(Protocol):
    """What the explorer asks of a source."""

    spectrum: "Spectrum | None"
    spectra: dict[int, dict[str, Any]]

    def describe(self) -> dict[str, Any]:
        """Return `SourceData` (js/src/model/protocol.ts)."""

    def default_spec(self) -> Spec:
        """Return the first view."""

    def start(self, spec: Spec, cancel: CancelSignal | None, *, tuned: bool = False) -> Run:
        """Prepare the computation of a spec; raises before any point of it is evaluated.

        `tuned`: with the number of threads that a short measurement chooses. For the worker: in the user's
        own thread it would change the last bits of a result from run to run.
        """

    def at(self, number: int) -> "Source":
        """Return what is explored from an origin; 0 is where it began.

        Raises
        ------
        ValueError
            There is no such origin.
        """

    @property
    def cost(self) -> float:
        """Seconds per point, as measured so far."""


class Fixed:
    """What has no other origin than the one that it was given with."""

    spectrum: "Spectrum | None" = None

    def __init__(self) -> None:
        self.spectra: dict[int, dict[str, Any]] = {}

    def at(self, number: int) -> "Self":
        """Return this source."""
        if number != 0:
            raise ValueError(f"origin={number}: only planes of a model's objective can start somewhere else.")
        return self


def coarsest(cost: float, points: tuple[int, int]) -> int:
    """Points per axis of the first level: the most of 9, 5, 3 that is predicted to take 150 ms."""
    for n in (9, 5):
        if n <= min(points) and n * n * cost <= 0.15:
            return n
    return 3


def argument_names(function: Callable[..., Any], default: tuple[str, ...]) -> tuple[str, ...]:
    """Names of a function's first arguments, or the default ones where it does not tell as many."""
    try:
        names = tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = ()
    return names[: len(default)] if len(names) >= len(default) else default
