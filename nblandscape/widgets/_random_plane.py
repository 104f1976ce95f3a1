"""A plane of random directions of an objective: forward passes only, no eigenvectors."""

import math
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from nblandscape.cancel import CancelSignal
from nblandscape.landscape.fill import Chunk
from nblandscape.landscape.grid import axis_coordinates
from nblandscape.landscape.landscape import Landscape
from nblandscape.widgets._sources import POINTS_CHOICES, Fixed, Run, coarsest
from nblandscape.widgets._spec import Spec

if TYPE_CHECKING:
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace

_AFFORDABLE = 4.0  # seconds of the first view


class RandomPlaneSource(Fixed):
    """Windows of one plane; its directions cannot be changed, since no others are known.

    To the page it is a function of two coordinates: what it offers for a model needs eigenvectors. `notice`
    says why there are none.
    """

    def __init__(
        self, objective: "Objective", plane: "Subspace", title: str | None, notice: str = ""
    ) -> None:
        from nblandscape.landscape.span import half_widths

        super().__init__()
        self.objective, self._plane, self._notice = objective, plane, notice
        self.title: str = title or str(objective.description["model"])
        self._widths = half_widths(None, plane, objective.loss())
        evaluate = objective.evaluator(plane)
        begin = time.perf_counter()
        evaluate(0.0 * plane.lengths)
        self._cost = time.perf_counter() - begin

    @property
    def cost(self) -> float:
        """Seconds per point, as measured so far."""
        return self._cost

    def describe(self) -> dict[str, Any]:
        """Return `SourceData` (js/src/model/protocol.ts)."""
        o = self.objective
        return {
            "kind": "function",
            "title": self.title,
            "subtitle": f"{o.num_parameters:,} parameters · {o.description['loss']} · "
            f"{o.num_samples:,} samples · random directions",
            "variable": "loss_at",
            "can_choose_axes": False,
            "can_resample": True,
            "center": [0.0, 0.0],
            "span_limits": [1e-2 * min(self._widths), 10 * max(self._widths)],
            "points_choices": list(POINTS_CHOICES),
            "point_seconds": float(f"{self._cost:.2g}"),
            "notice": self._notice,
        }

    def default_spec(self) -> Spec:
        """Return the first view."""
        affordable = [n for n in (17, 33, 65) if n * n * self._cost <= _AFFORDABLE]
        points = affordable[-1] if affordable else 9
        return Spec(1, axes=(0, 1), span=(self._widths[0], self._widths[1]), points=(points, points))

    def start(self, spec: Spec, cancel: CancelSignal | None, *, tuned: bool = False) -> Run:  # noqa: ARG002
        """Prepare the computation of a spec."""
        from nblandscape.landscape.sampler import iter_sample

        first = coarsest(self._cost, spec.points)
        axes = tuple(axis_coordinates(s, n) for s, n in zip(spec.span, spec.points, strict=True))
        chunks = iter_sample(
            self.objective, self._plane, span=spec.span, points=spec.points, coarsest=first, cancel=cancel
        )
        return Run(
            (axes[0], axes[1]),
            (self._plane.labels[0], self._plane.labels[1]),
            self.objective.loss(),
            (spec.points[0] // 2) * spec.points[1] + spec.points[1] // 2,
            "loss",
            first,
            self._cost * math.prod(spec.points),
            self._timed(chunks),
        )

    def _timed(self, chunks: Generator[Chunk, None, Landscape]) -> Generator[Chunk, None, Landscape]:
        result = yield from chunks
        self._cost = result.provenance["seconds"] / result.values.size
        return result
