"""How wide the window is: spans in parameter displacement, relative to the weights, or from curvature."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from nblandscape.subspace import Subspace

SpanItem = float | tuple[str, float]
Span = SpanItem | Sequence[SpanItem]


def half_widths(span: Span | None, subspace: Subspace, loss: float) -> tuple[float, ...]:
    """Half-width along each axis, in units of its direction.

    Parameters
    ----------
    span : None, item, or one item per axis
        A float is the half-width itself. ``("relative", r)`` moves r ||theta||. ``("loss", f)`` is where
        the quadratic model changes the loss by f D, D = max(loss, 1e-3): sqrt(2 f D / |curvature|), kept
        within [1e-3, 1] ||theta||. Default: ("loss", 2) where the curvature is known, else ("relative", 0.5).
    subspace : Subspace
    loss : float
        At the origin.

    Raises
    ------
    ValueError
        Not positive and finite, an unknown rule, or "loss" without curvatures.
    """
    items = _per_axis(span, subspace.dim)
    weights = float(torch.linalg.vector_norm(subspace.origin.to(torch.float64)))
    scale = weights if weights > 0 else 1.0
    result = []
    for axis, (item, length) in enumerate(zip(items, subspace.lengths, strict=True)):
        curvature = None if subspace.curvatures is None else subspace.curvatures[axis]
        width = _half_width(item, curvature, float(length), scale, loss)
        if not (math.isfinite(width) and width > 0):
            raise ValueError(
                f"span={span!r} gives a half-width of {width} on axis {axis}; it must be positive."
            )
        result.append(width)
    return tuple(result)


def _per_axis(span: Span | None, dim: int) -> list[SpanItem | None]:
    if span is None or isinstance(span, (int, float, np.number)):
        return [span if span is None else float(span)] * dim
    items = list(span)
    if len(items) == 2 and isinstance(items[0], str):
        return [(str(items[0]), float(items[1]))] * dim  # type: ignore[arg-type]
    if len(items) != dim:
        raise ValueError(f"span={span!r} names {len(items)} axes; the subspace has {dim}.")
    return [float(i) if isinstance(i, (int, float, np.number)) else i for i in items]  # type: ignore[misc]


def _half_width(
    item: SpanItem | None, curvature: float | None, length: float, scale: float, loss: float
) -> float:
    if item is None:
        item = ("relative", 0.5) if curvature is None else ("loss", 2.0)
    if isinstance(item, float):
        return item
    rule, amount = item
    if rule == "relative":
        return amount * scale / length
    if rule == "loss":
        if curvature is None:
            raise ValueError('span=("loss", f) needs directions of known curvature; use ("relative", r).')
        width = math.sqrt(2 * amount * max(loss, 1e-3) / max(abs(curvature), 1e-300)) * length
        return min(max(width, 1e-3 * scale), scale) / length
    raise ValueError(f'span rule {rule!r} is unknown; use "relative" or "loss".')
