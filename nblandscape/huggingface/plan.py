"""What an inspection will take, before anything long runs: memory, time, and what to choose instead."""

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Unpack, get_args

import numpy as np
import torch

from nblandscape.curvature.diagonal import tensor_spans
from nblandscape.curvature.lanczos import Basis, check_pairs
from nblandscape.huggingface.budget import Choice, Step, judged, remedies_of, spectrum_products, steps_of
from nblandscape.huggingface.data import Preparation
from nblandscape.huggingface.loading import Loaded, load
from nblandscape.huggingface.objective import analysed
from nblandscape.huggingface.options import Options, refuse_beside_objective, takes_options
from nblandscape.huggingface.selection import select
from nblandscape.huggingface.sizes import Sizes, block_sizes, machine_speed, sizes_of
from nblandscape.huggingface.targets import Batch
from nblandscape.landscape.cost import duration, predict_cost, predict_spectrum_cost
from nblandscape.landscape.grid import check_points
from nblandscape.memory import free_memory, in_words, peak_bytes
from nblandscape.objective import Objective
from nblandscape.parameters import select_parameters
from nblandscape.subspace import Subspace

Mode = Literal["auto", "hessian", "random"]
MODES: tuple[Mode, ...] = ("auto", "hessian", "random")

LIMIT = 64  # texts of an inspection, if nobody chose

_SHARE = 0.6  # of the speed of a matrix product that a model reaches
_TRIAL = 0.3  # seconds of an evaluation up to which products and points are tried as well
_LOSSES_ONLY = "No spectrum, only losses along random directions"
_CHOSEN = "random directions were chosen"
_TOO_LARGE = "the Hessian's directions do not fit into memory"


@dataclass(frozen=True, repr=False)
class Plan:
    """What an inspection will take; see `plan_inspection`.

    Attributes
    ----------
    task, source : str
    sizes : Sizes
    choice : Choice
    available : int or None
        Texts or rows in the data, of which ``sizes.samples`` are used; None if unknown.
    free : float
        Bytes of memory that are free.
    evaluation, product : float
        Seconds of one evaluation of the loss, without metrics, and of one Hessian product; NaN if unknown.
    measured : str
        What times rest on: "operations" (a guess), "an evaluation" or "products and points".
    steps : tuple of Step
    remedies : tuple of str
        What would fit where this does not, or be faster where it is slow.
    hessian : tuple of str
        What would make the Hessian's directions fit where "auto" had to take random ones.
    reason : str
        Why there is no spectrum; "" where there is one.
    notes : tuple of str
    parts : tuple of (str, int)
        What `parameters=` may name, with its size.
    """

    task: str
    source: str
    sizes: Sizes
    choice: Choice
    available: int | None
    free: float
    evaluation: float
    measured: str = "operations"
    steps: tuple[Step, ...] = ()
    remedies: tuple[str, ...] = ()
    hessian: tuple[str, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    parts: tuple[tuple[str, int], ...] = ()
    product: float = math.nan

    def step(self, name: str) -> Step:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)

    @property
    def fits(self) -> bool:
        """Whether there is memory for all steps."""
        return all(step.verdict != "does not fit" for step in self.steps)

    @property
    def seconds(self) -> float:
        """Of all steps; NaN if one cannot be told."""
        return math.fsum(step.seconds for step in self.steps)

    def decided(self, mode: Mode, *, quantised: str = "") -> "Plan":
        """The plan with its steps, and with the mode that "auto" stands for."""
        if quantised and mode != "random":
            reason = f"the weights are quantised ({quantised}), and what is rounded has no derivative"
            if mode == "hessian":
                raise ValueError(f'mode="hessian": {reason}. Use mode="random".')
            return replace(self._with_mode("random"), reason=reason)
        if mode == "random":
            return replace(self._with_mode("random"), reason=_CHOSEN)
        plan = self._with_mode("hessian")
        shown = [plan.step(name) for name in ("weights", "spectrum", "landscape")]
        if mode == "auto" and any(step.verdict == "does not fit" for step in shown):
            other = self._with_mode("random")
            if other.fits:
                remedies = tuple(r for r in plan.remedies if not r.startswith("mode="))
                return replace(other, hessian=remedies, reason=_TOO_LARGE)
        return plan

    def measured_on(self, objective: Objective) -> "Plan":
        """The plan with times that were measured: an evaluation; where that is quick, products and points."""
        # A direction that is not stored: for large models one more vector may be too many.
        at, origin = objective.evaluator(Subspace.random(objective, 1, stored=False)), np.zeros(1)
        at(origin)  # the first one is slower
        begin = time.perf_counter()
        at(origin)
        seconds = (time.perf_counter() - begin) / (1 + self.choice.metrics)
        forward = self.sizes.forward or peak_bytes(lambda: at(origin))
        plan = replace(self, evaluation=seconds, measured="an evaluation",
                       sizes=replace(self.sizes, forward=forward))  # fmt: skip
        plan = plan._with_mode(self.choice.mode)
        if seconds > _TRIAL or not plan.fits:
            return plan
        found = {"landscape": predict_cost(objective, Subspace.random(objective, 2), self.choice.points)}
        if self.choice.mode == "hessian":
            products = spectrum_products(self.choice.largest + self.choice.smallest)
            found["spectrum"] = predict_spectrum_cost(objective, products=products)
            v = torch.ones(objective.num_parameters, dtype=objective.dtype, device=objective.device)
            begin = time.perf_counter()
            objective.hvp(v)
            product = time.perf_counter() - begin
            plan = replace(plan, product=product)._with_mode("hessian")
        steps = tuple(
            judged(replace(step, seconds=found[step.name].seconds), self.free) if step.name in found else step
            for step in plan.steps
        )
        return replace(plan, steps=steps, measured="products and points")

    def with_points(self, points: int) -> "Plan":
        """The plan for another number of points per axis."""
        old = self.step("landscape")
        seconds = old.seconds * (points / self.choice.points) ** 2
        new = judged(replace(old, work=f"{points} x {points} points", seconds=seconds), self.free)
        steps = tuple(new if step is old else step for step in self.steps)
        return replace(self, choice=replace(self.choice, points=points), steps=steps)

    def _with_mode(self, mode: Literal["hessian", "random"]) -> "Plan":
        choice = replace(self.choice, mode=mode)
        facts = {"free": self.free, "evaluation": self.evaluation, "product": self.product}
        steps = steps_of(self.sizes, choice, **facts)
        remedies = remedies_of(self.sizes, choice, self.parts, **facts)
        return replace(self, choice=choice, steps=steps, remedies=remedies)

    def to_frame(self) -> Any:
        """One row per step; ``pandas.DataFrame(...)`` takes it.

        Returns
        -------
        numpy.ndarray
            Structured: step, work, seconds, bytes, verdict.
        """
        kinds = [
            ("step", "U9"),
            ("work", "U24"),
            ("seconds", np.float64),
            ("bytes", np.int64),
            ("verdict", "U12"),
        ]
        return np.array([(s.name, s.work, s.seconds, s.bytes, s.verdict) for s in self.steps], dtype=kinds)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and words, for JSON; None for what is not known."""
        sizes = {**asdict(self.sizes), "dtype": str(self.sizes.dtype).removeprefix("torch.")}
        steps = [{**asdict(s), "seconds": _known(s.seconds)} for s in self.steps]
        return {
            "task": self.task,
            "source": self.source,
            "mode": self.choice.mode,
            "sizes": sizes,
            "available": self.available,
            "free_bytes": int(self.free),
            "evaluation_seconds": _known(self.evaluation),
            "measured": self.measured,
            "steps": steps,
            "fits": self.fits,
            "remedies": list(self.remedies),
            "hessian_remedies": list(self.hessian),
            "reason": self.reason,
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        s = self.sizes
        which = "all" if s.analysed == s.total else f"{s.analysed:,}"
        texts = "texts" if s.tokens else "images" if self.task == "image-classification" else "samples"
        of = f" of {self.available:,}" if self.available is not None and self.available > s.samples else ""
        tokens = f" ({s.tokens:,} tokens)" if s.tokens else ""
        lines = [
            f"{s.model}, {self.task}, from {self.source}",
            f"{s.total:,} parameters, {which} analysed in {str(s.dtype).removeprefix('torch.')}; weights "
            f"{in_words(s.stored)}; {s.samples:,}{of} {texts}{tokens} in {s.batches} "
            f"batch{'es' if s.batches != 1 else ''}",
            f"{'':<10} {'':<14} {'time':>8}  {'memory':>8}",
        ]
        for step in self.steps:
            seconds = "?" if math.isnan(step.seconds) else duration(step.seconds)
            if not step.work:
                seconds = ""
            row = f"{step.name:<10} {step.work:<14} {seconds:>8}  {in_words(step.bytes):>8}  {step.verdict}"
            lines.append(row)
        basis = "the number of operations (a guess)" if self.measured == "operations" else self.measured
        lines.append(f"{in_words(self.free)} of memory are free; times follow from {basis}.")
        lines += self.notes
        if self.reason:
            lines.append(f"{_LOSSES_ONLY}: {self.reason}.")
        remedies = self.remedies
        if not self.fits and not remedies:
            remedies = ("a machine with more memory, or shorter texts (max_length=)",)
        for head, listed in (("Instead:", remedies), ("For the Hessian's directions:", self.hessian)):
            if listed:
                lines += [head, *(f"  {remedy}" for remedy in listed)]
        return "\n".join(lines)


@takes_options(limit=LIMIT)
def plan_inspection(
    model_or_path: Any,
    data: object = None,
    *,
    mode: Mode = "auto",
    points: int = 33,
    largest: int = 4,
    smallest: int = 4,
    basis: Basis = "full",
    report: bool = False,
    **options: Unpack[Options],
) -> Plan:
    """Say what `inspect` will take: memory and time of spectrum and landscape, and what to choose instead.

    Of a folder or hub name no weights are loaded: the configuration gives the shapes, the headers of the
    files the type. The model is then run on shapes alone, which counts operations and bytes.

    Parameters
    ----------
    model_or_path : str, Path, model, or Objective
        An objective needs no data; one evaluation of it is measured.
    data : object
        As in `from_transformers`.
    mode : {"auto", "hessian", "random"}
        "hessian": the plane of the sharpest directions, which needs Hessian products. "random": losses only,
        on a plane of random directions that are drawn anew instead of stored. "auto": the first of these that
        fits; "random" for quantised models.
    points : odd int
        Of the landscape, per axis.
    largest, smallest : int
        Eigenpairs from either end.
    basis : {"full", "half"}
        How the eigensolver keeps its vectors, as in `hessian_spectrum`.
    report : bool
        Count also what a report measures: trust in the slice and curvature by block.
    limit : int, optional
        Use at most so many texts.
    **options
        As in `from_transformers`.

    Returns
    -------
    Plan
        ``print`` shows a short table.

    Raises
    ------
    ValueError, FileNotFoundError, ImportError
        As `from_transformers`, except for what only the weights would show.

    Examples
    --------
    >>> import torch, transformers
    >>> config = transformers.GPT2Config(
    ...     vocab_size=11, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    ... )
    >>> model = transformers.GPT2LMHeadModel(config)
    >>> plan = plan_inspection(model, [{"input_ids": torch.arange(10).reshape(2, 5)}], task="causal-lm")
    >>> plan.fits, plan.sizes.total, [step.name for step in plan.steps]
    (True, 1040, ['weights', 'spectrum', 'landscape'])
    """
    choice = choice_of(mode, points, largest, smallest, basis, report=report)
    if isinstance(model_or_path, Objective):
        refuse_beside_objective(options, limit=LIMIT)
        return plan_of_objective(model_or_path, mode, choice)
    loaded = load(model_or_path, outline=True, **options)
    preparation = Preparation(loaded)
    return plan_of(loaded, preparation.batches(data), preparation.report.get("available"), mode, choice)


def choice_of(
    mode: Mode, points: int, largest: int, smallest: int, basis: Basis, *, report: bool = False
) -> Choice:
    """Check what was chosen.

    Raises
    ------
    ValueError
        There is no such mode, basis or grid.
    """
    if basis not in get_args(Basis):
        raise ValueError(f'basis={basis!r}; use "full" or "half" (float16).')
    if mode not in MODES:
        raise ValueError(f'mode={mode!r}; use "auto", "hessian" or "random".')
    check_points(points, 2)
    check_pairs(largest, smallest)
    directions: Literal["random", "hessian"] = "random" if mode == "random" else "hessian"
    return Choice(directions, points, largest, smallest, basis=basis, report=report)


def plan_of(loaded: Loaded, batches: list[Batch], available: int | None, mode: Mode, choice: Choice) -> Plan:
    """The plan of a model, or its outline, and the batches that were prepared for it."""
    options = loaded.options
    names = list(select_parameters(loaded.model, analysed(loaded)))
    sizes = sizes_of(loaded.model, batches, names, dtype=options["dtype"])
    wanted = options["metrics"] or ()
    metrics = 1 if isinstance(wanted, str) else len(wanted)
    plan = Plan(
        loaded.task,
        loaded.source,
        sizes,
        replace(choice, held=not loaded.owned, copied=options["copy"] and not loaded.owned, metrics=metrics),
        available,
        free_memory(torch.device(options["device"] or next(loaded.model.parameters()).device)),
        sizes.flops / (_SHARE * machine_speed()) if sizes.flops else math.nan,
        notes=loaded.notes,
        parts=_choosable(loaded),
    )
    return plan.decided(mode, quantised=loaded.quantised)


def plan_of_objective(objective: Objective, mode: Mode, choice: Choice) -> Plan:
    """The plan of an objective, of which one evaluation is measured."""
    about = objective.description
    sizes = _sizes(objective)
    plan = Plan(
        str(about.get("task", about["loss"])),
        str(about.get("source", "an objective")),
        sizes,
        replace(choice, held=True, copied=False, metrics=len(objective.metric_names)),
        about.get("data", {}).get("available"),
        free_memory(objective.device),
        math.nan,
    )
    return plan.decided(mode, quantised=str(about.get("quantised", ""))).measured_on(objective)


def _sizes(objective: Objective) -> Sizes:
    """Of a model that exists: graphs and products from its shapes, if it is one of Transformers."""
    n, batches = objective.num_parameters, objective._problem.batches
    shell = objective._snapshot.shell
    if hasattr(shell, "config") and all(isinstance(batch, Mapping) for batch in batches):
        found = sizes_of(shell, batches, objective.parameter_names, dtype=objective.dtype)
        return replace(found, stored=found.weights, same_type=True)
    total = sum(p.numel() for p in shell.parameters())
    stored = total * objective.dtype.itemsize
    blocks = block_sizes({name: span.stop - span.start for name, span in tensor_spans(objective).items()})
    return Sizes(type(shell).__name__, total, n, objective.dtype, stored, True, objective.num_samples,
                 objective.num_batches, 0, 0.0, 0, 0, 0, *blocks)  # fmt: skip


def _choosable(loaded: Loaded) -> tuple[tuple[str, int], ...]:
    """Parts of a model that can be analysed alone."""
    found = []
    for name in ("layer:-1", "head"):
        try:
            chosen = select_parameters(loaded.model, select(loaded.model, name))
        except ValueError:  # it has none, or several stacks
            continue
        found.append((name, sum(p.numel() for p in chosen.values())))
    return tuple(found)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
