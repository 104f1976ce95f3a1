"""`inspect`: one line from a Hugging Face checkpoint to its landscape."""

from pathlib import Path
from typing import Any, Unpack

from nblandscape.curvature.lanczos import Basis
from nblandscape.huggingface.data import Preparation
from nblandscape.huggingface.loading import load
from nblandscape.huggingface.objective import objective_of
from nblandscape.huggingface.options import Options, refuse_beside_objective, takes_options
from nblandscape.huggingface.plan import LIMIT, Mode, Plan, choice_of, plan_of, plan_of_objective
from nblandscape.huggingface.report import check_target, write_report
from nblandscape.objective import Objective
from nblandscape.subspace import Subspace
from nblandscape.widgets._objective_source import ObjectiveSource
from nblandscape.widgets._random_plane import RandomPlaneSource
from nblandscape.widgets.explorer import Explorer

_POINTS = (33, 17, 9)
_PATIENCE = 60.0  # seconds of a landscape whose points nobody chose


@takes_options(limit=LIMIT)
def inspect(
    model_or_path: Any,
    data: object = None,
    *,
    wait: bool = False,
    mode: Mode = "auto",
    report: str | Path | bool | None = None,
    quiet: bool = False,
    points: int | None = None,
    span: float | tuple[float, float] | None = None,
    largest: int = 4,
    smallest: int = 4,
    basis: Basis = "full",
    title: str | None = None,
    height: str = "740px",
    **options: Unpack[Options],
) -> Explorer:
    """Look at the loss landscape of a Hugging Face model: one line from a checkpoint to an explorer.

    Prints first what that will take (`plan_inspection`), and stops there if it would not fit into memory.

    Parameters
    ----------
    model_or_path : str, Path, model, or Objective
        A folder, a name on the hub, or a loaded model, as in `from_transformers`; or an objective.
    data : object
        Texts, rows, a file, a data set, or batches, as in `from_transformers`; none with an objective.
    wait : bool
        Return only when everything is computed.
    mode : {"auto", "hessian", "random"}
        "hessian": planes of Hessian eigenvectors, as `explore` shows them. "random": losses only, on the
        plane of two random, filter-normalised directions that are drawn anew from their seed instead of
        stored: no spectrum, which explorer and report say with the reason; the report estimates the Hessian's
        trace from losses. "auto": "hessian" where it fits into memory and the model is not quantised.
    report : path or True, optional
        Also write a report there, an HTML file and a JSON beside it (see `write_report`); waits. True: only
        count in the plan what a report takes, for `write_report` later.
    quiet : bool
        Print nothing.
    points, span : optional
        Of the first landscape; by default as many points per axis (33, 17 or 9) as take a minute at most.
    largest, smallest : int
        Eigenpairs from either end.
    basis : {"full", "half"}
        How the eigensolver keeps its vectors, as in `hessian_spectrum`: "half" where memory is short.
    title, height : str, optional
        As in `explore`.
    limit : int, optional
        Use at most so many texts (default 64; None for all). The plan says how many there are.
    **options
        As in `from_transformers`.

    Returns
    -------
    Explorer
        Its `plan` is what was printed.

    Raises
    ------
    MemoryError
        It would not fit; the text is the plan, with what to choose instead.
    ValueError, FileNotFoundError, ImportError
        As `from_transformers`.

    Examples
    --------
    >>> import torch, transformers
    >>> config = transformers.GPT2Config(
    ...     vocab_size=11, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    ... )
    >>> model = transformers.GPT2LMHeadModel(config)
    >>> batches = [{"input_ids": torch.arange(10).reshape(2, 5)}]
    >>> explorer = inspect(model, batches, task="causal-lm", points=9, quiet=True, wait=True)
    >>> explorer.landscape.shape, explorer.plan.choice.mode
    ((9, 9), 'hessian')
    >>> explorer.close()
    """
    target = None if isinstance(report, bool) or report is None else check_target(report)
    choice = choice_of(mode, points or _POINTS[-1], largest, smallest, basis, report=bool(report))
    if isinstance(model_or_path, Objective):
        if data is not None:
            raise TypeError("An objective has its data already; call inspect(objective).")
        refuse_beside_objective(options, limit=LIMIT)
        objective, plan = model_or_path, plan_of_objective(model_or_path, mode, choice)
    else:
        loaded = load(model_or_path, outline=True, **options)
        preparation = Preparation(loaded)
        batches = preparation.batches(data)
        plan = plan_of(loaded, batches, preparation.report.get("available"), mode, choice)
        _check(plan)
        objective = objective_of(load(model_or_path, **options) if loaded.owned else loaded, batches)
        plan = plan.measured_on(objective)
    if points is None:
        plan = _with_points(plan)
    _check(plan)
    if not quiet:
        print(plan)  # noqa: T201 - before anything long runs
    explorer = _explorer(objective, plan, span, options["seed"], title, height)
    explorer.plan = plan
    if target is not None:
        write_report(explorer.wait(), target)
    return explorer.wait() if wait else explorer


def _explorer(
    objective: Objective,
    plan: Plan,
    span: float | tuple[float, float] | None,
    seed: int,
    title: str | None,
    height: str,
) -> Explorer:
    name = title or f"{plan.sizes.model} · {Path(plan.source).name or plan.source}"
    view: dict[str, Any] = {"points": plan.choice.points} | ({} if span is None else {"span": span})
    if plan.choice.mode == "random":
        plane = Subspace.random(objective, 2, normalize="filter", seed=seed, stored=False)
        return Explorer(
            RandomPlaneSource(objective, plane, name, f"No spectrum: {plan.reason}."),
            spec_changes=view,
            height=height,
        )
    pairs = {name: getattr(plan.choice, name) for name in ("largest", "smallest", "basis")}
    return Explorer(
        ObjectiveSource(objective, name, "objective"),
        spec_changes=view,
        eigenpairs=pairs | {"seed": seed},
        height=height,
    )


def _with_points(plan: Plan) -> Plan:
    """As many points as a minute is enough for."""
    for points in _POINTS:
        found = plan.with_points(points)
        if not found.step("landscape").seconds > _PATIENCE or points == _POINTS[-1]:
            return found
    raise AssertionError("unreachable")


def _check(plan: Plan) -> None:
    if not plan.fits:
        raise MemoryError(f"This inspection does not fit into memory.\n{plan}")
