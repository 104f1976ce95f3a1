"""A landscape: values of a function on a regular grid, with everything needed to reproduce it."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.landscape.archive import FORMAT, read_archive, to_json, write_archive

if TYPE_CHECKING:
    import xarray

    from nblandscape.landscape.checks import Concern
    from nblandscape.landscape.quadratic import QuadraticFit
    from nblandscape.topology import ContourTree, Levels, MergeTree, MorseSmale, Profile, Summary, Support
    from nblandscape.topology.merge_tree import Kind
    from nblandscape.topology.neighbours import Connectivity


class NothingFiniteError(ValueError):
    """No value is finite: there is nothing to show."""


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

    def __post_init__(self) -> None:
        # Trees are kept: they would be those of other values.
        values = self.values.view()
        values.flags.writeable = False
        object.__setattr__(self, "values", values)

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
            Infinite values and masked entries become NaN: holes.
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
        if isinstance(values, np.ma.MaskedArray):
            values = np.ma.filled(values.astype(np.float64), np.nan)
        array = np.array(np.asarray(values), dtype=np.float64)
        if array.ndim == 0 or min(array.shape, default=0) < 2:
            raise ValueError(f"values has shape {array.shape}; every axis needs at least two points.")
        array[~np.isfinite(array)] = np.nan
        if np.isnan(array).all():
            raise NothingFiniteError("No value is finite; there is no landscape to look at.")
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
    def volumes(self) -> np.ndarray:
        """Volume that each vertex stands for: its dual cell, cut off at the border of the window."""
        from nblandscape.topology.neighbours import cell_volumes

        return cell_volumes(self.axes)

    @cached_property
    def _trees(self) -> "dict[tuple[str, str], MergeTree]":
        return {}

    def merge_tree(self, kind: "Kind" = "sublevel", *, connectivity: "Connectivity" = "full") -> "MergeTree":
        """Merge tree with pairs, basins and true volumes (see `nblandscape.topology.merge_tree`)."""
        from nblandscape.topology import merge_tree

        if not isinstance(connectivity, str):
            raise TypeError(
                "A landscape is a grid: give connectivity by name, or call nblandscape.merge_tree with edges."
            )
        key = (kind, connectivity)
        if key not in self._trees:
            self._trees[key] = merge_tree(
                self.values, kind=kind, connectivity=connectivity, volumes=self.volumes
            )
        return self._trees[key]

    def contour_tree(self) -> "ContourTree":
        """Contour tree on Freudenthal's triangulation (see `nblandscape.topology.contour_tree`)."""
        from nblandscape.topology import contour_tree

        return contour_tree(self.values)

    def morse_smale(self) -> "MorseSmale":
        """Basins, mountains, cells and critical points (see `nblandscape.topology.morse_smale`)."""
        from nblandscape.topology import morse_smale

        return morse_smale(self.values, volumes=self.volumes)

    def persistence(self, dimension: int | None = None, *, kind: "Kind" = "sublevel") -> Any:
        """Persistence diagrams of all dimensions or one, by GUDHI: see `nblandscape.topology.persistence`."""
        from nblandscape.topology import persistence

        return persistence(self.values, dimension=dimension, kind=kind)

    def profile(self, kind: "Kind" = "sublevel", *, threshold: float = 0.0) -> "Profile":
        """Topological landscape profile, widths = true volumes (see `nblandscape.topology.profile`)."""
        from nblandscape.topology import profile

        return profile(self.merge_tree(kind).simplify(threshold))

    def support(
        self,
        tree: "MergeTree | None" = None,
        *,
        factor: float = 3.0,
        rounds: int = 200,
        seed: int = 0,
        sup_norm: float | None = None,
        frequency: bool = True,
    ) -> "Support":
        """Error bars of the pairs of a tree, from the losses of the batches and the interpolation error.

        Parameters
        ----------
        tree : MergeTree, optional
            Of these values, perhaps simplified; the sublevel tree by default.
        factor, rounds, seed, sup_norm, frequency
            See `nblandscape.topology.support`.

        Examples
        --------
        >>> x = np.linspace(-2, 2, 41)
        >>> landscape = Landscape.from_array((x[:, None] ** 2 - 1) ** 2 + x**2, (x, x))
        >>> print(landscape.support())
        1 of 1 finite pairs supported (interpolation residual only: no batch losses, so no standard error)
        """
        from nblandscape.topology import support

        losses, counts = self._batches
        return support(
            self.merge_tree() if tree is None else tree,
            losses,
            counts,
            axes=self.axes,
            factor=factor,
            rounds=rounds,
            seed=seed,
            sup_norm=sup_norm,
            frequency=frequency,
        )

    @property
    def _batches(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Batch losses and counts whose weighted mean are the values, also where the loss is a sum."""
        losses, counts = self.batch_losses, self.batch_counts
        if losses is None or counts is None or counts.any():
            return losses, None if losses is None else counts
        return losses * losses.shape[-1], None

    def summary(self, *, threshold: float = 0.0) -> "Summary":
        """All numbers of the topology, those of the supported pairs beside them; `print` shows a table.

        `threshold` leaves less persistent pairs out first. See `nblandscape.topology.summary`.
        """
        from nblandscape.topology import summary

        tree = self.merge_tree().simplify(threshold)
        return summary(tree, self.support(tree, frequency=False))

    def summary_stderr(self, *, rounds: int = 100, seed: int = 0) -> dict[str, float]:
        """Standard errors of the numbers of `summary` over batches, by name; NaN where there are none.

        See `nblandscape.topology.numbers_stderr`.
        """
        from nblandscape.topology import numbers_stderr

        losses, counts = self._batches
        return numbers_stderr(self.merge_tree(), losses, counts, rounds=rounds, seed=seed)

    def over_levels(self, *, threshold: float = 0.0, tolerance: float = 0.05, coarsest: int = 9) -> "Levels":
        """Every number on nested subgrids: those that change with the grid are not the function's.

        See `nblandscape.topology.over_levels`.
        """
        from nblandscape.topology import over_levels

        losses, counts = self._batches
        return over_levels(
            self.values,
            axes=self.axes,
            batch_losses=losses,
            counts=counts,
            threshold=threshold,
            tolerance=tolerance,
            coarsest=coarsest,
        )

    def smad(self, *, normalize: bool = False, weighted: bool = False, supported: bool = False) -> float:
        """Saddle-Minimum Average Distance: lower is smoother (Landscaper, arXiv 2602.07135).

        Mean over all leaves of the merge tree of the height at which the leaf first merges minus its
        own; 0 with a single minimum. `supported` leaves out pairs that the data do not support (see
        `support`); the other options are those of `nblandscape.topology.smad`.
        """
        from nblandscape.topology import smad

        bars = self.support(frequency=False) if supported else None
        return smad(self.merge_tree(), normalize=normalize, weighted=weighted, support=bars)

    def basin_metric(
        self,
        values: Any,
        per_basin: Callable[[np.ndarray], float] = np.mean,
        final: Callable[[np.ndarray], float] | None = np.mean,
        *,
        threshold: float = 0.0,
    ) -> Any:
        """Any field over the landscape, aggregated per basin and then over the basins.

        Parameters
        ----------
        values : array of the landscape's shape, or name of a metric
        per_basin, final : callable
            See `nblandscape.topology.basin_metric`.
        threshold : float
            Basins of less persistent minima first flow over into their neighbours.

        Examples
        --------
        >>> x = np.linspace(-2, 2, 41)
        >>> landscape = Landscape.from_array((x[:, None] ** 2 - 1) ** 2 + x**2, (x, x))
        >>> float(landscape.basin_metric(landscape.values, np.min, np.max))  # both wells reach 0
        0.0
        """
        from nblandscape.topology import basin_metric

        if isinstance(values, str) and values not in self.metrics:
            known = ", ".join(self.metrics) or "none"
            raise ValueError(f"There is no metric {values!r}; this landscape has {known}.")
        field = self.metrics[values] if isinstance(values, str) else values
        return basin_metric(self.merge_tree().simplify(threshold), field, per_basin, final)

    def quadratic_fit(
        self, *, centre: "int | Sequence[float] | None" = None, window: "int | Sequence[int]" = 1
    ) -> "QuadraticFit":
        """Curvatures around a point, and how far they hold (see `nblandscape.landscape.quadratic`)."""
        from nblandscape.landscape.quadratic import quadratic_fit

        return quadratic_fit(self, centre=centre, window=window)

    def warnings(self, **options: Any) -> "list[Concern]":
        """Signs that the landscape does not show what it should (see `nblandscape.landscape.checks`).

        Examples
        --------
        >>> Landscape.from_array(np.add.outer(np.arange(9.0) ** 2, np.arange(9.0) ** 2)).warnings()
        []
        """
        from nblandscape.landscape.checks import warnings

        return warnings(self, **options)

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
    axis = np.array(line, dtype=np.float64)
    if axis.shape != (n,):
        raise ValueError(f"Axis {number} has shape {axis.shape}; expected ({n},).")
    if not np.isfinite(axis).all() or (np.diff(axis) <= 0).any():
        raise ValueError(f"Axis {number} must increase strictly and be finite.")
    return axis
