"""Landscapes, trees and spectra as the front end reads them (js/src/model/protocol.ts).

Arrays travel as little-endian bytes in C order, never as JSON lists.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.landscape.facing import open_yaw
from nblandscape.landscape.landscape import Landscape
from nblandscape.topology import MergeTree, Proposal, Support, cell_volumes, merge_tree

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum

Wire = dict[str, Any]

COLUMNS = ("birth_vertex", "death_vertex", "birth", "death", "parent", "beside", "volumes", "basins")
_NO_VERTEX = 0xFFFFFFFF
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def heights(values: np.ndarray, base: float) -> bytes:
    """Float32 differences from `base`; NaN stays, what float32 cannot hold is clipped."""
    with np.errstate(over="ignore"):
        return np.clip(values - base, -_FLOAT32_MAX, _FLOAT32_MAX).astype("<f4").tobytes()


def surface(landscape: Landscape, spec: Wire) -> Wire:
    """`SurfaceData` of a two-dimensional landscape."""
    base = base_of(landscape)
    wire: Wire = {
        "id": spec["id"],
        "spec": spec,
        "shape": list(landscape.shape),
        "x0": landscape.axes[0].astype("<f8").tobytes(),
        "x1": landscape.axes[1].astype("<f8").tobytes(),
        "values": heights(landscape.values, base),
        "base": base,
        "origin": None if landscape.provenance.get("origin_number") else landscape.origin,
        "labels": list(landscape.labels),
        "quantity": str(landscape.provenance.get("quantity", "value")),
        "holes": landscape.holes,
        "concerns": [str(concern) for concern in landscape.warnings()],
        "facing": open_yaw(landscape.values),
        "seconds": float(landscape.provenance.get("seconds", 0.0)),
    }
    wire |= around(landscape)
    if landscape.provenance.get("recipe") is not None:
        wire["recipe"] = landscape.provenance["recipe"]
    return wire


def around(landscape: Landscape) -> Wire:
    """What is known besides the losses: `metrics` at the vertices, and where the `model` lies."""
    wire: Wire = {}
    if landscape.metrics:
        wire["metrics"] = {name: heights(values, 0.0) for name, values in landscape.metrics.items()}
    if (place := model_place(landscape)) is not None:
        wire["model"] = place
    return wire


def model_place(landscape: Landscape) -> Wire | None:
    """`ModelPlace`: where the model lies as seen from the plane of a landscape; None if that is not known."""
    told: Wire | None = landscape.provenance.get("model_place")
    if told is not None or landscape.origin is None or "gram" not in landscape.provenance:
        return told
    return {
        "at": list(landscape.coordinates(landscape.origin)),
        "apart": 0.0,
        "gram": landscape.provenance["gram"],
    }


def base_of(landscape: Landscape) -> float:
    """The loss that heights are counted from: the model's own, else that of the middle, else the lowest."""
    for value in (landscape.origin_value, landscape.values[tuple(n // 2 for n in landscape.shape)]):
        if value is not None and np.isfinite(value):
            return float(value)
    return float(np.nanmin(landscape.values))


def tree(
    found: MergeTree, number: int, support: Support | None = None, proposal: Proposal | None = None
) -> Wire:
    """`TreeData` of a sublevel merge tree, with what is known of its support and a proposed threshold."""
    wire = _tree(found, found.pairs, found.basins, number)
    if support is not None:
        support.check(found)
        wire |= _support(support)
    if proposal is not None:
        wire |= {"proposed": proposal.value, "reason": proposal.reason}
    return wire


def _support(support: Support) -> Wire:
    columns = {"supported": support.supported.astype("u1")}
    for name in ("stderr", "residual", "frequency"):
        columns[name] = getattr(support, name).astype("<f8")
    wire: Wire = {name: column.tobytes() for name, column in columns.items()}
    return wire | {"factor": float(support.factor), "basis": support.basis}


def coarse_tree(values: np.ndarray, strides: tuple[int, ...], number: int) -> Wire | None:
    """`TreeData` of the subgrid that a level has filled, with vertices of the full grid."""
    lines = [np.arange((n // 2) % s, n, s) for n, s in zip(values.shape, strides, strict=True)]
    part = values[np.ix_(*lines)]
    if min(part.shape) < 3 or not np.isfinite(part).any():
        return None
    cells = cell_volumes(tuple(line.astype(float) for line in lines))
    found = merge_tree(part, volumes=cells)
    vertices = np.ravel_multi_index(np.meshgrid(*lines, indexing="ij"), values.shape).ravel()
    pairs = found.pairs.copy()
    for column in ("birth_vertex", "death_vertex"):
        inside = pairs[column] >= 0
        pairs[column][inside] = vertices[pairs[column][inside]]
    nearest = [
        np.clip(np.rint((np.arange(n) - line[0]) / s).astype(int), 0, len(line) - 1)
        for n, s, line in zip(values.shape, strides, lines, strict=True)
    ]
    return _tree(found, pairs, found.basins[np.ix_(*nearest)], number)


def _tree(found: MergeTree, pairs: np.ndarray, basins: np.ndarray, number: int) -> Wire:
    small = len(pairs) < 0xFFFF
    deaths = np.where(pairs["death_vertex"] < 0, _NO_VERTEX, pairs["death_vertex"])
    return {
        "id": number,
        "shape": list(basins.shape),
        "birth_vertex": pairs["birth_vertex"].astype("<u4").tobytes(),
        "death_vertex": deaths.astype("<u4").tobytes(),
        "birth": pairs["birth"].astype("<f8").tobytes(),
        "death": pairs["death"].astype("<f8").tobytes(),
        "parent": pairs["parent"].astype("<i4").tobytes(),
        "beside": found.beside.astype("<i4").tobytes(),
        "volumes": found.basin_volumes.astype("<f8").tobytes(),
        "basins": basins.astype("<u2" if small else "<u4").tobytes(),  # -1 becomes all bits set
        "basins_type": "uint16" if small else "uint32",
    }


def spectrum(
    result: "Spectrum", slopes: np.ndarray, loss: float, gradient_norm: float, complete: bool
) -> Wire:
    """`SpectrumData`; `slopes` are gradient · eigenvector, (k,)."""
    return {
        "values": [float(v) for v in result.values],
        "residuals": [float(v) for v in result.residuals],
        "converged": [bool(v) for v in result.converged],
        "resolved": [bool(v) for v in result.resolved],
        "slopes": [float(v) for v in slopes],
        "loss": loss,
        "norm": float(result.norm),
        "gradient_norm": gradient_norm,
        "parameters": int(result.vectors.shape[1]),
        "products": int(result.products),
        "largest": int(result.largest),
        "smallest": int(result.smallest),
        "complete": complete,
        "density": _density(result),
    }


def _density(result: "Spectrum") -> Wire | None:
    """One sample of the spectral density, which the eigensolver's first vectors give for nothing."""
    if not len(result.density_nodes):
        return None
    return {"nodes": result.density_nodes.tolist(), "weights": result.density_weights.tolist()}
