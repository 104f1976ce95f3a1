"""Where the sharpness sits: trace and top eigenvalue of the Hessian block of every layer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nblandscape.cancel import CancelSignal
from nblandscape.curvature.diagonal import draw_layer_traces, tensor_spans
from nblandscape.curvature.lanczos import iter_spectrum
from nblandscape.curvature.operator import require_objective
from nblandscape.curvature.trace import Estimate, mean_of
from nblandscape.steps import returned

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nblandscape.objective import Objective

By = Literal["block", "tensor"]
Progress = Callable[[str, float], object]

BLOCK_PRODUCTS = 10
"""Products for a block's largest eigenvalue: 7 to 14 in small Transformers models that were trained."""

_ROOM = 0.24  # inches of a bar


@dataclass(frozen=True, repr=False, eq=False)
class BlockCurvature:
    """Curvature of every block of a model; see `block_curvature`.

    Attributes
    ----------
    names : tuple of str
        "embeddings", "layer 0", "layer 1", …, "head", or the names of the tensors.
    tensors : tuple of tuple of str
        The parameters in each block.
    sizes : tuple of int
        Entries of each block.
    traces : tuple of Estimate
        Of each diagonal block of the Hessian, with standard error.
    total : Estimate
        Trace of the whole Hessian, from the same products.
    top : np.ndarray, (blocks,)
        Largest eigenvalue of each diagonal block; NaN for those that are not computed yet.
    residuals : np.ndarray, (blocks,)
        ||H v - l v|| of each: an eigenvalue of the block is as near as that.
    converged : np.ndarray of bool, (blocks,)
        Whether the residual is at most the tolerance times the norm of the block.
    products : int
        Hessian-vector products, all counted.
    """

    names: tuple[str, ...]
    tensors: tuple[tuple[str, ...], ...]
    sizes: tuple[int, ...]
    traces: tuple[Estimate, ...]
    total: Estimate
    top: NDArray[np.float64]
    residuals: NDArray[np.float64]
    converged: NDArray[np.bool_]
    products: int

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        width = max(len(name) for name in self.names)
        columns = f"{'parameters':>11}  {'trace':>10}  {'± error':>9}  {'top':>10}  {'residual':>9}"
        rows = [f"{'':<{width}}  {columns}"]
        for row in self.to_frame():
            note = "" if row["converged"] or np.isnan(row["top"]) else "  not converged"
            rows.append(
                f"{row['block']:<{width}}  {row['parameters']:>11,}  {row['trace']:>10.4g}  "
                f"{row['trace_stderr']:>9.2g}  {row['top']:>10.4g}  {row['residual']:>9.1e}{note}"
            )
        rows.append(
            f"{'all':<{width}}  {sum(self.sizes):>11,}  {self.total.value:>10.4g}  {self.total.stderr:>9.2g}"
        )
        return "\n".join([f"Curvature by block ({self.products} products)", *rows])

    def to_frame(self) -> Any:
        """One row per block; ``pandas.DataFrame(...)`` takes it.

        Returns
        -------
        numpy.ndarray
            Structured: block, parameters, trace, trace_stderr, top, residual, converged.
        """
        fields = [
            ("block", f"U{max(len(name) for name in self.names)}"),
            ("parameters", np.int64),
            ("trace", np.float64),
            ("trace_stderr", np.float64),
            ("top", np.float64),
            ("residual", np.float64),
            ("converged", np.bool_),
        ]
        values = [t.value for t in self.traces], [t.stderr for t in self.traces]
        columns = (self.names, self.sizes, *values, self.top, self.residuals, self.converged)
        return np.array(list(zip(*columns, strict=True)), dtype=fields)

    def figure_size(self) -> tuple[float, float]:
        """Width and height in inches that leave room for every bar."""
        return 9.0, 1.1 + _ROOM * len(self)

    def plot(self, figure: Figure | None = None) -> Figure:
        """Draw bars with error bars: traces on the left, top eigenvalues on the right.

        Parameters
        ----------
        figure : matplotlib Figure, optional
            Colours follow its background, dark or light.

        Returns
        -------
        matplotlib Figure
        """
        from matplotlib import figure as mpl

        from nblandscape.figures.colors import palette

        if figure is None:
            figure = mpl.Figure(figsize=self.figure_size(), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, subplot_kw={"facecolor": "none"})
        places = np.arange(len(self))
        trace = np.array([(t.value, t.stderr) for t in self.traces]).T
        top = self.top, self.residuals
        parts = [(left, "trace of the block", *trace), (right, "its largest eigenvalue", *top)]
        for axes, title, values, errors in parts:
            colors = palette(axes)
            axes.barh(
                places,
                values,
                xerr=np.where(np.isfinite(errors), errors, 0.0),
                color=[colors.positive if value >= 0 else colors.negative for value in values],
                error_kw={"ecolor": colors.ink, "capsize": 2, "lw": 1},
            )
            axes.axvline(0.0, color=colors.pale, lw=0.8)
            axes.set_title(title, fontsize=9, color=colors.ink)
            axes.tick_params(labelsize=8, colors=colors.ink)
            axes.grid(axis="x", color=colors.pale, alpha=0.35, lw=0.5)
            axes.set_axisbelow(True)
            for side in axes.spines.values():
                side.set_color(colors.pale)
        left.set_yticks(places, self.names)
        left.invert_yaxis()
        return figure


def block_curvature(
    objective: Objective,
    *,
    by: By = "block",
    samples: int = 30,
    tol: float = 1e-2,
    max_products: int = 60,
    seed: int = 0,
    callback: Callable[[BlockCurvature], object] | None = None,
    progress: Progress | None = None,
    cancel: CancelSignal | None = None,
) -> BlockCurvature:
    """Measure the curvature of every block of a model: which layers are sharp.

    A block's Hessian is the diagonal block of the whole one: that of the loss as a function of the block's
    parameters alone, the others held fixed.

    Parameters
    ----------
    objective : Objective
        Of any model, not only of Transformers.
    by : {"block", "tensor"}
        "block": layers of the repeated stacks, what comes before them ("embeddings") and after ("head").
        "tensor": every parameter tensor.
    samples : int
        Products for the traces; they serve all blocks.
    tol : float
        Accepted residual of an eigenvalue relative to the norm of its block.
    max_products : int
        Most products for one block's eigenvalue.
    seed : int
    callback : callable, optional
        Called with every partial result: after the traces, then after each block's eigenvalue.
    progress : callable (text, share), optional
        Called between products with what is measured, and the share of all products that is done, as far as
        that can be foreseen.
    cancel : threading.Event or callable, optional

    Returns
    -------
    BlockCurvature
        ``print`` shows a table; see `BlockCurvature.plot` and `BlockCurvature.to_frame`.

    Raises
    ------
    ValueError
        Not an objective, an unknown `by`, or fewer than two samples.
    nblandscape.cancel.Cancelled

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    >>> block_curvature(objective, samples=4).names
    ('layer 0', 'layer 2')
    """
    for result in iter_block_curvature(
        objective,
        by=by,
        samples=samples,
        tol=tol,
        max_products=max_products,
        seed=seed,
        progress=progress,
        cancel=cancel,
    ):
        if callback is not None:
            callback(result)
    return result


def iter_block_curvature(
    objective: Objective,
    *,
    by: By = "block",
    samples: int = 30,
    tol: float = 1e-2,
    max_products: int = 60,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: CancelSignal | None = None,
) -> Generator[BlockCurvature, None, None]:
    """Yield partial results of `block_curvature`, the last of them the result; arguments as there.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> data = torch.eye(2), torch.zeros(2, 1)
    >>> objective = nbl.Objective(torch.nn.Linear(2, 1), torch.nn.MSELoss(), data)
    >>> [int(np.isnan(part.top).sum()) for part in iter_block_curvature(objective, by="tensor", samples=2)]
    [2, 1, 0]
    """
    if by not in ("block", "tensor"):
        raise ValueError(f'by={by!r}; use "block" or "tensor".')
    if samples < 2:
        raise ValueError(f"samples={samples}; the traces have a standard error from 2 on.")
    require_objective(objective, "block_curvature")
    return _measured(
        objective, by, samples, tol, max_products, seed, cancel, progress or (lambda _text, _share: None)
    )


def _measured(
    objective: Objective,
    by: By,
    samples: int,
    tol: float,
    max_products: int,
    seed: int,
    cancel: CancelSignal | None,
    progress: Progress,
) -> Generator[BlockCurvature, None, None]:
    names = objective.parameter_names
    blocks = group_by_block(names) if by == "block" else {name: [name] for name in names}
    title, foreseen = "curvature by block", samples + BLOCK_PRODUCTS * len(blocks)
    parts = returned(
        draw_layer_traces(objective, samples=samples, seed=seed, cancel=cancel),
        lambda made: progress("traces by block", made / foreseen),
    )
    traces = [
        mean_of(np.sum([parts[n].draws for n in tensors], axis=0), "hutchinson", products=samples)
        for tensors in blocks.values()
    ]
    spans, products = tensor_spans(objective), samples
    values, residuals = np.full((2, len(blocks)), np.nan)
    converged = np.zeros(len(blocks), dtype=bool)

    def present() -> BlockCurvature:
        return BlockCurvature(
            tuple(blocks),
            tuple(tuple(tensors) for tensors in blocks.values()),
            tuple(sum(parts.sizes[n] for n in tensors) for tensors in blocks.values()),
            tuple(traces),
            parts.total,
            values.copy(),
            residuals.copy(),
            converged.copy(),
            products,
        )

    yield present()
    for i, tensors in enumerate(blocks.values()):
        operator = _BlockOperator(objective, [spans[name] for name in tensors])
        for found in iter_spectrum(
            operator,
            largest=1,
            smallest=0,
            tol=tol,
            max_products=max_products,
            max_miss=1.0,  # one copy of the largest value is all that is asked for
            seed=seed,
            cancel=cancel,
        ):
            spectrum = found
            inside = min(spectrum.products, BLOCK_PRODUCTS)
            progress(f"{title}, {i} of {len(blocks)}", (samples + BLOCK_PRODUCTS * i + inside) / foreseen)
        values[i], residuals[i] = spectrum.values[0], spectrum.residuals[0]
        converged[i] = spectrum.converged[0]
        products += spectrum.products
        done = samples + BLOCK_PRODUCTS * (i + 1)
        progress(f"{title}, {i + 1} of {len(blocks)}", done / foreseen)
        yield present()


class _BlockOperator:
    """A diagonal block of the Hessian: vectors are padded with zeros, and their images cut out."""

    def __init__(self, objective: Objective, spans: Sequence[slice]) -> None:
        self._objective, self._spans = objective, spans
        self.size = sum(span.stop - span.start for span in spans)
        self.dtype, self.device = objective.dtype, objective.device

    def product(self, V: torch.Tensor) -> torch.Tensor:
        """Multiply every row of V, shape (k, n), by the block."""
        wide = V.new_zeros(len(V), self._objective.num_parameters)
        start = 0
        for span in self._spans:
            length = span.stop - span.start
            wide[:, span] = V[:, start : start + length]
            start += length
        image = self._objective.hvp(wide)
        return torch.cat([image[:, span] for span in self._spans], dim=1)


def group_by_block(names: Iterable[str]) -> dict[str, list[str]]:
    """Parameter names by block: layers of the repeated stacks, what comes before them, and after.

    A layer is told by the first number in a name, since the blocks of Transformers models lie in lists; a
    list that does not begin with 0 counts only where no other does (a classifier may be a list whose first
    module has no parameters). Names between two stacks keep the name of their module.

    Examples
    --------
    >>> group_by_block(["wte.weight", "h.0.attn", "h.0.mlp", "ln_f.bias"])
    {'embeddings': ['wte.weight'], 'layer 0': ['h.0.attn', 'h.0.mlp'], 'head': ['ln_f.bias']}
    >>> names = ["shared.weight", "encoder.block.0.q", "encoder.norm.weight", "decoder.block.0.q"]
    >>> list(group_by_block(names))
    ['embeddings', 'encoder 0', 'encoder.norm', 'decoder 0']
    """
    known = list(names)
    places = [_layer_of(name) for name in known]
    begun = {place[0] for place in places if place is not None and place[1] == 0}
    if begun:
        places = [place if place is not None and place[0] in begun else None for place in places]
    inside = [i for i, place in enumerate(places) if place is not None]
    stacks = _short({place[0] for place in places if place is not None})
    found: dict[str, list[str]] = {}
    for i, (name, place) in enumerate(zip(known, places, strict=True)):
        if place is not None:
            block = f"{stacks[place[0]]} {place[1]}"
        elif not inside:
            block = name.rpartition(".")[0] or name
        elif i < inside[0]:
            block = "embeddings"
        else:
            block = "head" if i > inside[-1] else name.rpartition(".")[0] or name
        found.setdefault(block, []).append(name)
    return found


def _layer_of(name: str) -> tuple[tuple[str, ...], int] | None:
    """Path of the stack and number of the layer that a parameter lies in."""
    parts = name.split(".")
    for i, part in enumerate(parts):
        if part.isdecimal():
            return tuple(parts[:i]), int(part)
    return None


def _short(stacks: set[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """What tells the stacks apart, without what all of their paths begin or end with."""
    if len(stacks) < 2:
        return dict.fromkeys(stacks, "layer")
    shortest = min(map(len, stacks))
    head = next((i for i in range(shortest) if len({s[i] for s in stacks}) > 1), shortest)
    rest = min(len(s) - head for s in stacks)
    tail = next((i for i in range(rest) if len({s[-1 - i] for s in stacks}) > 1), rest)
    return {s: ".".join(s[head : len(s) - tail]) or "layer" for s in stacks}
