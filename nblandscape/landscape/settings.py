"""Settings of a landscape that a comparison depends on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from nblandscape.landscape.landscape import Landscape


def settings_of(landscape: Landscape) -> Iterator[tuple[str, Any]]:
    """Yield name and value of what must be the same for a fair comparison, as far as it is known.

    Examples
    --------
    >>> import nblandscape as nbl
    >>> dict(settings_of(nbl.Landscape.from_array(np.eye(3))))
    {'dimension': 2, 'points': '3 × 3', 'span': '[0, 2] × [0, 2]'}
    """
    about = landscape.provenance
    objective, subspace = about.get("objective", {}), about.get("subspace", {})
    yield "dimension", landscape.dim
    yield "points", " × ".join(map(str, landscape.shape))
    yield "span", " × ".join(_interval(a) for a in landscape.axes)
    kind = subspace.get("kind")
    if kind is not None:
        yield "directions", kind
        yield "offset", subspace.get("offset", "none")
        yield "moving BatchNorm statistics", subspace.get("statistics", "none")
    if kind in ("random", "directions"):
        yield "normalisation", subspace.get("normalize") or "none"
    for name, key in (
        ("eigenvectors", "indices"),
        ("distribution", "distribution"),
        ("one-dimensional parameters", "one_dimensional"),
        ("origin of the coordinates", "origin"),
    ):
        if key in subspace:
            yield name, subspace[key]
    for name, key in (
        ("loss", "loss"),
        ("data", "data_sha256"),
        ("samples", "samples"),
        ("batches", "batches"),
        ("batchnorm", "batchnorm"),
        ("dtype", "dtype"),
    ):
        if key in objective:
            yield name, objective[key]
    if "quantity" in about:
        yield "quantity", about["quantity"]
    if objective:
        yield "interpolation", about.get("adaptive", {}).get("tolerance", "none")
    if "nblandscape" in about:
        yield "version of nblandscape", about["nblandscape"]


def _interval(axis: NDArray[np.float64]) -> str:
    low, high = float(axis[0]), float(axis[-1])
    return f"±{high:.6g}" if abs(low + high) <= 1e-9 * (high - low) else f"[{low:.6g}, {high:.6g}]"
