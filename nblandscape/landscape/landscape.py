"""A landscape: values of a function on a regular grid, with everything needed to reproduce it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nblandscape.landscape.archive import FORMAT, read_archive, to_json, write_archive

if TYPE_CHECKING:
    import xarray

    from nblandscape.topology import MergeTree


@dataclass(frozen=True, eq=False)
class Landscape:
    """Values on a grid; ``values[i0, i1, ...]`` belongs to ``axes[0][i0], axes[1][i1], ...``.

    Attributes
    ----------
    values : np.ndarray, float64, any dimension
        NaN where the function was not finite.
    axes : tuple of d arrays
        Coordinates: parameter displacements, strictly increasing.
    labels : tuple of d str
    metrics : dict of name to array of the same shape
    batch_losses : np.ndarray or None, shape (*values.shape, batches)
        Mean loss of every batch, for paired errors.
    batch_counts : np.ndarray or None, (batches,)
    provenance : dict
        Settings, versions, hashes of weights and data, seconds.
    gradients : np.ndarray or None, shape (*values.shape, d)
        Slopes of the loss along the directions.
    """

    values: np.ndarray
    axes: tuple[np.ndarray, ...]
    labels: tuple[str, ...]
    metrics: Mapping[str, np.ndarray] = field(default_factory=dict)
    batch_losses: np.ndarray | None = None
    batch_counts: np.ndarray | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    gradients: np.ndarray | None = None

    @classmethod
    def from_array(
        cls,
        values: Any,
        axes: Sequence[Any] | None = None,
        labels: Sequence[str] | None = None,
        *,
        metrics: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any] | None = None,
    ) -> "Landscape":
        """Make a landscape from any sampled function.

        Parameters
        ----------
        values : array, any dimension
            Infinite values become NaN: holes.
        axes : sequence of d arrays, optional
            Strictly increasing coordinates; vertex numbers by default.
        labels : sequence of d str, optional

        Raises
        ------
        ValueError
            No axis, fewer than two vertices along one, nothing finite, or axes that do not fit.

        Examples
        --------
        >>> import numpy as np
        >>> x = np.linspace(-2, 2, 41)
        >>> landscape = Landscape.from_array((x[:, None] ** 2 - 1) ** 2 + x**2, (x, x), ("x", "y"))
        >>> len(landscape.merge_tree().minima), landscape.smad()
        (2, 1.0)
        """
        array = np.array(np.asarray(values), dtype=np.float64)
        if array.ndim == 0 or min(array.shape, default=0) < 2:
            raise ValueError(f"values has shape {array.shape}; every axis needs at least two points.")
        array[~np.isfinite(array)] = np.nan
        if np.isnan(array).all():
            raise ValueError("No value is finite; there is no landscape to look at.")
        lines = [np.arange(n, dtype=np.float64) for n in array.shape] if axes is None else list(axes)
        if len(lines) != array.ndim:
            raise ValueError(f"{len(lines)} axes for values of dimension {array.ndim}.")
        coordinates = tuple(
            _axis(line, n, i) for i, (line, n) in enumerate(zip(lines, array.shape, strict=True))
        )
        names = tuple(labels) if labels is not None else tuple(f"x{i}" for i in range(array.ndim))
        if len(names) != array.ndim:
            raise ValueError(f"{len(names)} labels for values of dimension {array.ndim}.")
        others = {name: np.asarray(v, dtype=np.float64) for name, v in (metrics or {}).items()}
        for name, other in others.items():
            if other.shape != array.shape:
                raise ValueError(f"Metric {name!r} has shape {other.shape}; the values have {array.shape}.")
        return cls(array, coordinates, names, others, provenance=dict(provenance or {}))

    @property
    def shape(self) -> tuple[int, ...]:
        """Vertices along each axis."""
        return self.values.shape

    @property
    def dim(self) -> int:
        """Number of axes."""
        return self.values.ndim

    @property
    def holes(self) -> int:
        """Vertices where the function was not finite."""
        return int(np.isnan(self.values).sum())

    @property
    def origin(self) -> int | None:
        """Vertex (flat, C order) of the point that the directions start from; None if unknown."""
        value = self.provenance.get("origin")
        return None if value is None else int(value)

    @property
    def origin_value(self) -> float | None:
        """Value at `origin`."""
        return None if self.origin is None else float(self.values.flat[self.origin])

    def coordinates(self, vertex: int) -> tuple[float, ...]:
        """Coordinates (d,) of a vertex."""
        index = np.unravel_index(vertex, self.shape)
        return tuple(float(axis[i]) for axis, i in zip(self.axes, index, strict=True))

    @cached_property
    def _sublevel(self) -> "MergeTree":
        from nblandscape.topology import merge_tree

        return merge_tree(self.values)

    def merge_tree(self, kind: Literal["sublevel", "superlevel"] = "sublevel") -> "MergeTree":
        """Merge tree with pairs and basins, full connectivity (see `nblandscape.topology.merge_tree`)."""
        from nblandscape.topology import merge_tree

        return self._sublevel if kind == "sublevel" else merge_tree(self.values, kind=kind)

    def persistence(self, dimension: int | None = None) -> Any:
        """Persistence pairs by GUDHI (see `nblandscape.topology.persistence`)."""
        from nblandscape.topology import persistence

        return persistence(self.values, dimension=dimension)

    def smad(self, *, normalize: bool = False, weighted: bool = False) -> float:
        """Saddle-Minimum Average Distance: lower is smoother (Landscaper, arXiv 2602.07135).

        Mean over all leaves of the merge tree of the height at which the leaf first merges minus its
        own; 0 with a single minimum. See `nblandscape.topology.smad` for the options.
        """
        from nblandscape.topology import smad

        return float(smad(self._sublevel, normalize=normalize, weighted=weighted))

    def to_xarray(self) -> "xarray.Dataset":
        """Values, metrics, batch losses and slopes as a Dataset with named coordinates.

        A metric whose name is taken ("loss", say) becomes ``metric_<name>``.

        Examples
        --------
        >>> landscape = Landscape.from_array(np.eye(3), labels=("a", "b"), metrics={"loss": np.ones((3, 3))})
        >>> list(landscape.to_xarray())
        ['loss', 'metric_loss']
        """
        import xarray

        dims = [f"axis{i}" for i in range(self.dim)]
        coords = {
            d: (d, a, {"long_name": label}) for d, a, label in zip(dims, self.axes, self.labels, strict=True)
        }
        data: dict[str, Any] = {"loss": (dims, self.values)}
        taken = {"loss", "batch_losses", "batch_counts", "gradients", "batch", "direction", *dims}
        data |= {f"metric_{n}" if n in taken else n: (dims, v) for n, v in self.metrics.items()}
        if self.batch_counts is not None:
            data["batch_counts"] = (["batch"], self.batch_counts)
        if self.batch_losses is not None:
            data["batch_losses"] = ([*dims, "batch"], self.batch_losses)
        if self.gradients is not None:
            data["gradients"] = ([*dims, "direction"], self.gradients)
        return xarray.Dataset(data, coords=coords, attrs={"provenance": to_json(self.provenance)})

    def to_archive(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """JSON header and arrays, as `write_archive` takes them."""
        arrays: dict[str, np.ndarray] = {"values": self.values}
        arrays |= {f"axis{i}": a for i, a in enumerate(self.axes)}
        arrays |= {f"metric:{name}": v for name, v in self.metrics.items()}
        for name in ("batch_losses", "batch_counts", "gradients"):
            array = getattr(self, name)
            if array is not None:
                arrays[name] = array
        header = {
            "format": FORMAT,
            "kind": "landscape",
            "labels": self.labels,
            "provenance": dict(self.provenance),
        }
        return header, arrays

    @classmethod
    def from_archive(cls, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Landscape":
        """Inverse of `to_archive`.

        Raises
        ------
        ValueError
            Something else was saved, or parts are missing.
        """
        if header.get("kind") == "landscaper":
            return cls.from_array(arrays["loss"], [*arrays["coordinates"]])
        if header.get("kind") not in ("landscape", "explorer") or "values" not in arrays:
            raise ValueError(f"The file holds a {header.get('kind', 'thing')}, not a landscape.")
        names = [f"axis{i}" for i in range(arrays["values"].ndim)]
        missing = [n for n in names if n not in arrays] + [
            k for k in ("labels", "provenance") if k not in header
        ]
        if missing:
            raise ValueError(f"The file lacks {missing}: it is not a whole landscape.")
        return cls(
            arrays["values"],
            tuple(arrays[name] for name in names),
            tuple(header["labels"]),
            {k.removeprefix("metric:"): v for k, v in arrays.items() if k.startswith("metric:")},
            arrays.get("batch_losses"),
            arrays.get("batch_counts"),
            header["provenance"],
            arrays.get("gradients"),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one compressed ``.npz`` file (no pickles); an existing file is replaced only when whole.

        Examples
        --------
        >>> import tempfile
        >>> landscape = Landscape.from_array(np.eye(3), provenance={"seed": 3})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = Landscape.load(landscape.save(Path(folder) / "eye.npz"))
        >>> bool((again.values == landscape.values).all()), again.provenance
        (True, {'seed': 3})
        """
        return write_archive(path, *self.to_archive())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Landscape":
        """Read what `save`, `Explorer.save` or Landscaper's ``LossLandscape.save`` wrote.

        Neither a model nor torch is needed.

        Raises
        ------
        FileNotFoundError
        ValueError
            Not such a file, or a damaged one.
        """
        header, arrays = read_archive(path)
        try:
            return cls.from_archive(header, arrays)
        except ValueError as error:
            raise ValueError(f"{path} holds no landscape ({error})") from error


def _axis(line: Any, n: int, number: int) -> np.ndarray:
    axis = np.asarray(line, dtype=np.float64)
    if axis.shape != (n,):
        raise ValueError(f"Axis {number} has shape {axis.shape}; expected ({n},).")
    if not np.isfinite(axis).all() or (np.diff(axis) <= 0).any():
        raise ValueError(f"Axis {number} must increase strictly and be finite.")
    return axis
