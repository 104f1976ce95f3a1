"""How wide the window is: spans in parameter displacement, relative to the weights, or from curvature."""

import math
from collections.abc import Sequence

import numpy as np

from nblandscape.subspace import Subspace

SpanItem = float | tuple[str, float]
Span = SpanItem | Sequence[SpanItem]


def half_widths(span: Span | None, subspace: Subspace, loss: float) -> tuple[float, ...]:
    """Half-width along each axis, in units of its direction.

    Parameters
    ----------
    span : None, item, or one item per axis
        A float is the half-width itself, in units of the direction. ``("distance", r)`` moves the
        parameters by ||delta theta|| = r, ``("relative", r)`` by r ||theta||. ``("loss", f)`` is where
        the quadratic model changes the loss by f D, D = max(loss, 1e-3): sqrt(2 f D / |curvature|), kept
        within [1e-3, 1] ||theta||. ``("path", m)`` holds every checkpoint of a trajectory, segment or
        plane, with a margin of m times the largest coordinate; the origin stays in the middle. Default:
        ("path", 0.2) where there are checkpoints, ("loss", 2) where the curvature is known, else
        ("relative", 0.5).
    subspace : Subspace
    loss : float
        At the origin.

    Raises
    ------
    ValueError
        Not positive and finite, an unknown rule, "loss" without curvatures, or "path" without checkpoints.

    Examples
    --------
    >>> import torch
    >>> segment = Subspace(torch.ones(2), torch.eye(2)[:1], ("a",), anchors=np.array([[0.0], [5.0]]))
    >>> half_widths(None, segment, loss=1.0), half_widths(("path", 0.5), segment, loss=1.0)
    ((6.0,), (7.5,))
    """
    items = _per_axis(span, subspace.dim)
    weights = subspace.weights_norm
    scale = weights if weights > 0 else 1.0
    reach = _reach(subspace)
    result = []
    for axis, (item, length) in enumerate(zip(items, subspace.lengths, strict=True)):
        curvature = None if subspace.curvatures is None else subspace.curvatures[axis]
        known = None if reach is None else float(reach[axis])
        width = _half_width(item, curvature, known, float(length), scale, loss)
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


def _reach(subspace: Subspace) -> np.ndarray | None:
    """Largest coordinate of the checkpoints along each axis (d,), if there are some."""
    known = [points for points in (subspace.path, subspace.anchors) if points is not None]
    if not known:
        return None
    distances = np.abs(np.concatenate(known)).max(axis=0) * subspace.lengths
    # a path that hardly leaves the other axes would make a window without width
    return np.asarray(np.maximum(distances, 0.05 * distances.max()) / subspace.lengths)


def _half_width(
    item: SpanItem | None,
    curvature: float | None,
    reach: float | None,
    length: float,
    scale: float,
    loss: float,
) -> float:
    if item is None:
        item = _default(curvature, reach)
    if isinstance(item, float):
        return item
    rule, amount = item
    if rule == "path":
        if reach is None:
            raise ValueError('span=("path", m) needs a trajectory or checkpoints; use ("relative", r).')
        if amount < 0:
            raise ValueError(f'span=("path", {amount}): the margin must not be negative.')
        return (1 + amount) * reach
    if rule == "distance":
        return amount / length
    if rule == "relative":
        return amount * scale / length
    if rule == "loss":
        if curvature is None:
            raise ValueError('span=("loss", f) needs directions of known curvature; use ("relative", r).')
        width = math.sqrt(2 * amount * max(loss, 1e-3) / max(abs(curvature), 1e-300)) * length
        return min(max(width, 1e-3 * scale), scale) / length
    raise ValueError(f'span rule {rule!r} is unknown; use "distance", "relative", "loss" or "path".')


def _default(curvature: float | None, reach: float | None) -> tuple[str, float]:
    if reach is not None:
        return ("path", 0.2)
    return ("relative", 0.5) if curvature is None else ("loss", 2.0)
