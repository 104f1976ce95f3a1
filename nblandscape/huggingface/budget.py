"""Memory and time of spectrum and landscape, from the sizes of a model: arithmetic, no measurement."""

import math
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from nblandscape.curvature.extremes import LOOKS
from nblandscape.curvature.krylov import row_dtype
from nblandscape.curvature.lanczos import Basis
from nblandscape.curvature.trust import PROBES
from nblandscape.huggingface.blocks import BLOCK_PRODUCTS
from nblandscape.huggingface.sizes import Sizes
from nblandscape.landscape.cost import duration
from nblandscape.memory import in_words

Verdict = Literal["fits", "tight", "slow", "does not fit"]

_SAMPLES = 20  # of the traces of a report
_LOSSES = 2 * LOOKS + 4  # of a trust report: along an eigenvector, at the centre, and a gradient
_TRACE_LOSSES = 1 + 3 * 12 + 2 * _SAMPLES  # at the centre, for the step, and along the directions
_PRODUCT_COST = 6.0  # evaluations: a gradient is three, a product two gradients
_BYTES_PER_SECOND = 5e9  # of a vector that is added to another
_DRAWN_PER_SECOND = 1.5e8  # random numbers
_TIGHT = 0.8  # of the free memory
_SLOW = 600.0  # seconds
_KEPT = 0.25  # of the free memory, for the eigensolver's vectors and for gradient graphs each
_PLANE = 7  # vectors: the moving weights, the origin and two directions, and these padded
_WORTH = 1.5  # times faster


@dataclass(frozen=True)
class Choice:
    """What can be chosen to make an inspection smaller.

    Attributes
    ----------
    mode : {"hessian", "random"}
    points : int
        Per axis.
    largest, smallest : int
        Eigenpairs.
    held : bool
        Whether the weights are in memory already.
    copied : bool
        Whether the objective has a copy of its own.
    basis : {"full", "half"}
        How the eigensolver keeps its vectors.
    metrics : int
        Each costs an evaluation more at every point.
    report : bool
        Whether a report follows, with trust in the slice and curvature by block.
    """

    mode: Literal["hessian", "random"] = "hessian"
    points: int = 33
    largest: int = 4
    smallest: int = 4
    held: bool = False
    copied: bool = True
    basis: Basis = "full"
    metrics: int = 0
    report: bool = False


@dataclass(frozen=True)
class Step:
    """A part of an inspection.

    Attributes
    ----------
    name : {"weights", "spectrum", "landscape", "trust", "blocks", "trace"}
        The last three are parts of a report.
    work : str
        How much of what.
    seconds : float
        NaN where it cannot be told.
    bytes : int
        Memory beyond what is in use now, at most.
    verdict : {"fits", "tight", "slow", "does not fit"}
    """

    name: str
    work: str
    seconds: float
    bytes: int
    verdict: Verdict


def spectrum_products(pairs: int) -> int:
    """Products of a usual run: small Transformers models took 20 to 50 for 2 pairs, 33 to 98 for 8."""
    return 25 + 6 * pairs


def steps_of(
    sizes: Sizes, choice: Choice, *, free: float, evaluation: float, product: float = math.nan
) -> tuple[Step, ...]:
    """Weights, spectrum (unless the directions are random), landscape, and what a report takes.

    Parameters
    ----------
    sizes : Sizes
    choice : Choice
    free : float
        Bytes.
    evaluation : float
        Seconds of one evaluation of the loss, without metrics.
    product : float
        Seconds of one Hessian product; by default as many evaluations as it usually costs.
    """
    product = _PRODUCT_COST * evaluation if math.isnan(product) else product
    point = evaluation * (1 + choice.metrics)
    held = 0 if choice.held else sizes.stored
    weights = held + (sizes.weights if choice.copied or not sizes.same_type else 0)
    steps = [_step("weights", "", 0.0, weights, free)]
    vector, pairs = sizes.vector, choice.largest + choice.smallest
    if choice.mode == "hessian":
        basis, rows = _basis(sizes, choice, free)
        others = min(max(sizes.graphs - sizes.product, 0), int(_KEPT * free))  # a product holds its own graph
        working = weights + pairs * vector + 3 * 8 * sizes.analysed + sizes.product + others
        passes = rows * vector / _BYTES_PER_SECOND  # a product is made orthogonal to all rows, twice
        count = spectrum_products(pairs)
        steps.append(
            _step("spectrum", f"{count} products", count * (product + passes), working + basis, free)
        )
        plane, move = (pairs + _PLANE) * vector, 3 * vector / _BYTES_PER_SECOND
    else:  # the directions are drawn anew at every point
        plane, move = vector, 2 * sizes.analysed / _DRAWN_PER_SECOND
    count = choice.points**2
    seconds = count * (point + move)
    work = f"{choice.points} x {choice.points} points"
    size = weights + plane + sizes.forward
    steps.append(_step("landscape", work, seconds, size, free))
    if choice.report and choice.mode == "random":
        seconds = _TRACE_LOSSES * (point + move / 2)
        steps.append(_step("trace", f"{_TRACE_LOSSES} losses", seconds, size, free))
    elif choice.report:
        count = PROBES + 2 + (2 if sizes.batches > 1 else 0)  # the slice's own, and the batches' noise
        if 0 in (choice.largest, choice.smallest):
            count += spectrum_products(2)
        seconds = count * product + _LOSSES * point
        kept = 2 * PROBES * vector  # every probe and its image
        steps.append(_step("trust", f"{count} products", seconds, working + kept, free))
        count = _SAMPLES + BLOCK_PRODUCTS * sizes.blocks
        kept = 3 * vector + (BLOCK_PRODUCTS + 2) * _row_bytes(sizes, choice.basis, sizes.largest_block)
        steps.append(_step("blocks", f"{count} products", count * product, working + kept, free))
    return tuple(steps)


def remedies_of(
    sizes: Sizes,
    choice: Choice,
    parts: Sequence[tuple[str, int]],
    *,
    free: float,
    evaluation: float,
    product: float = math.nan,
) -> tuple[str, ...]:
    """What else could be chosen, each with the memory and time that it takes: only what helps.

    `parts` are what `parameters=` may name, with their sizes; other arguments as in `steps_of`.
    """

    def seen(s: Sizes, c: Choice, share: float = 1.0) -> tuple[bool, int, float]:
        steps = steps_of(s, c, free=free, evaluation=evaluation * share, product=product * share)
        fits = all(step.verdict != "does not fit" for step in steps)
        return fits, max(step.bytes for step in steps), math.fsum(step.seconds for step in steps)

    fitted, _, before = seen(sizes, choice)
    found = []
    for ways in _alternatives(sizes, choice, parts):
        for text, s, c, share in ways:
            fits, size, after = seen(s, c, share)
            faster = after * _WORTH < before and before > _SLOW
            if fits and (not fitted or faster):
                time = "" if math.isnan(after) else f", about {duration(after)}"
                found.append(f"{text}: {in_words(size)}{time}")
                break
    return tuple(found)


Way = tuple[str, Sizes, Choice, float]  # what to write, sizes and choice then, and the share of the seconds


def _alternatives(sizes: Sizes, choice: Choice, parts: Sequence[tuple[str, int]]) -> Iterator[list[Way]]:
    """What could be chosen; of several ways to choose one thing the first that fits is enough."""
    each = max(sizes.samples // max(sizes.batches, 1), 1)

    def one_by_one(s: Sizes) -> Sizes:
        return replace(s, forward=s.forward // each, product=s.product // each)

    if choice.held and choice.copied and sizes.same_type:
        text = "copy=False (the model must not be trained meanwhile)"
        yield [(text, sizes, replace(choice, copied=False), 1.0)]
    if choice.report:
        text = "report=None (neither trust report nor curvature by layer)"
        yield [(text, sizes, replace(choice, report=False), 1.0)]
    if choice.mode == "hessian":
        yield from _of_hessian(sizes, choice, parts, one_by_one)
    if choice.points > 17:
        yield [("points=17", sizes, replace(choice, points=17), 1.0)]
    if each > 1:
        yield [("batch_size=1", one_by_one(sizes), choice, 1.0)]
    if sizes.samples >= 16:
        few = sizes.samples // 8
        less = replace(sizes, graphs=sizes.graphs // 8)
        yield [(f"limit={few} (fewer texts)", less, choice, few / sizes.samples)]


def _of_hessian(
    sizes: Sizes, choice: Choice, parts: Sequence[tuple[str, int]], one_by_one: Callable[[Sizes], Sizes]
) -> Iterator[list[Way]]:
    for name, count in parts:
        if 0 < count < sizes.analysed:
            part, text = replace(sizes, analysed=count), f'parameters="{name}"'
            yield [
                (f"{text} ({count:,} of them)", part, choice, 1.0),
                (f"{text}, batch_size=1", one_by_one(part), choice, 1.0),
            ]
    if choice.largest + choice.smallest > 2:
        yield [("largest=1, smallest=1 (fewer eigenpairs)", sizes, _fewer(choice), 1.0)]
    if choice.basis == "full":
        text = 'basis="half" (float16 for the eigensolver, residuals from 3e-4 of the norm)'
        half = replace(choice, basis="half")
        fewer = f"{text}, largest=1, smallest=1"
        yield [(text, sizes, half, 1.0), (fewer, sizes, _fewer(half), 1.0)]
    text = 'mode="random" (losses only, no spectrum)'
    yield [(text, sizes, replace(choice, mode="random"), 1.0)]


def _fewer(choice: Choice) -> Choice:
    return replace(choice, largest=1, smallest=1)


def _basis(sizes: Sizes, choice: Choice, free: float) -> tuple[int, int]:
    """Bytes and rows of the eigensolver's basis: it restarts where a quarter of the memory is not enough."""
    row = _row_bytes(sizes, choice.basis, sizes.analysed)
    pairs = choice.largest + choice.smallest
    rows = max(2 * pairs + 10, min(spectrum_products(pairs) + 2, int(_KEPT * free / row)))
    rows = min(rows, sizes.analysed)
    return rows * row, rows


def _row_bytes(sizes: Sizes, basis: Basis, length: int) -> int:
    """Bytes of a vector of so many parameters in the eigensolver's basis."""
    operator: Any = types.SimpleNamespace(size=length, dtype=sizes.dtype, device=torch.device("cpu"))
    return length * (2 if basis == "half" else row_dtype(operator).itemsize)


def _step(name: str, work: str, seconds: float, size: int, free: float) -> Step:
    return judged(Step(name, work, seconds, int(size), "fits"), free)


def judged(step: Step, free: float) -> Step:
    """The step with the verdict that its numbers give."""
    verdict: Verdict = "fits"
    if step.bytes > free:
        verdict = "does not fit"
    elif step.bytes > _TIGHT * free:
        verdict = "tight"
    elif step.seconds > _SLOW:
        verdict = "slow"
    return replace(step, verdict=verdict)
