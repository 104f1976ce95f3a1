"""Compare the landscapes of checkpoints: those of a run, or several models of one architecture."""

import contextlib
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from nblandscape.cancel import CancelSignal, check
from nblandscape.checkpoints.measure import Measure, Plane, Slices, sampled, with_metrics
from nblandscape.checkpoints.stages import Stage, Stages, last_model, stages_of
from nblandscape.checkpoints.study import CheckpointRow, CheckpointStudy
from nblandscape.landscape import Landscape
from nblandscape.landscape.span import Span
from nblandscape.objective import Objective
from nblandscape.subspace import Subspace
from nblandscape.subspace.checkpoints import Located, locate

if TYPE_CHECKING:
    from nblandscape.huggingface.options import ModelOptions

_NUMBERED = re.compile(r"Checkpoint (\d+)(?: \([^)]*\))?")  # as `Subspace.through` calls them


def compare_checkpoints(
    objective_or_path: "Objective | str | Path",
    checkpoints: Stages | None = None,
    *,
    data: object = None,
    plane: Plane | None = "random",
    span: Span | None = None,
    points: int = 17,
    curvature: bool = True,
    trace_samples: int = 30,
    tol: float = 1e-2,
    through: bool = True,
    seed: int = 0,
    callback: Callable[[CheckpointStudy], object] | None = None,
    cancel: CancelSignal | None = None,
    progress: bool = False,
    **options: "Unpack[ModelOptions]",
) -> CheckpointStudy:
    """Measure the landscape at every checkpoint of a run, or of several models, by one rule.

    One checkpoint at a time is in memory. Every number of a checkpoint depends on it and on the seed alone,
    not on the order or the company of the others; the directions of a trajectory are those of all.

    Parameters
    ----------
    objective_or_path : Objective, or folder or name of a Transformers model
        Of the architecture of all checkpoints. With a path, `data` and `options` are those of
        `from_transformers`; the folder may be a Trainer's output folder.
    checkpoints : Recorder, Recording, folder, mapping of name to checkpoint, or checkpoints, optional
        A folder is that of a Recorder, the output folder of a Trainer (``checkpoint-100``, …), or one of
        weights. A checkpoint is a state dict, a module, a flat vector (n,), a file, or a folder of weights or
        of a LoRA adapter. Default: those in the folder given first.
    plane : {"random", "hessian", "trajectory"} or None
        The slice around each checkpoint. "random": two directions from one seed, each given the
        filter norms of the checkpoint's own weights, so that windows are alike relative to the weights.
        "hessian": the checkpoint's own eigenvectors of the largest and the smallest eigenvalue.
        "trajectory": the first two principal components of the run, the same directions for all. None: no
        slices.
    span : float, rule, or one per axis, optional
        Half-widths as in `sample`. Default: the same share of the norm of the weights, ("relative", 0.5), for
        random, ("relative", 0.1) for Hessian directions; the extent of the run along each axis for a
        trajectory.
    points : odd int
        Per axis of a slice, and of the plane through the checkpoints.
    curvature : bool
        Largest eigenvalue and trace. False needs no derivatives (models with quantised weights).
    trace_samples : int
        Products for a trace; 0 for none.
    tol : float
        Of the eigenvalue's residual, relative to the norm of the Hessian.
    through : bool
        Sample also the plane through the checkpoints: their principal components, or with two or three of
        them the line or plane that holds them.
    seed : int
    callback : callable, optional
        Called with every partial result.
    cancel : threading.Event or callable, optional
    progress : bool
        Draw a bar.
    **options
        Of `from_transformers`.

    Returns
    -------
    CheckpointStudy
        A checkpoint whose loss is not finite has a row of NaN and a note.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        Checkpoints that are missing, damaged or of another architecture, before anything is computed; data
        or options beside an objective, which has its own.
    nblandscape.cancel.Cancelled

    Notes
    -----
    The training-transition experiment of Landscaper, arXiv 2602.07135.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    >>> run = [torch.tensor([2.0, 0.0]), torch.tensor([1.0, 1.0]), torch.tensor([0.1, 0.0])]
    >>> study = nbl.compare_checkpoints(objective, run, points=5)
    >>> study.to_frame()["loss"].round(3).tolist(), study.to_frame()["eigenvalue"].round(3).tolist()
    ([2.0, 1.0, 0.005], [1.0, 1.0, 1.0])
    """
    partials = iter_compare_checkpoints(
        objective_or_path,
        checkpoints,
        data=data,
        plane=plane,
        span=span,
        points=points,
        curvature=curvature,
        trace_samples=trace_samples,
        tol=tol,
        through=through,
        seed=seed,
        cancel=cancel,
        **options,
    )
    bar_of: Any = contextlib.nullcontext()
    if progress:
        from tqdm.auto import tqdm

        bar_of = tqdm(unit="checkpoint")
    with bar_of as bar:
        for study in partials:
            if callback is not None:
                callback(study)
            if bar is not None:
                bar.total = study.total
                bar.set_description(study.doing or "done", refresh=False)
                bar.n = study.done
                bar.refresh()
    return study


def iter_compare_checkpoints(
    objective_or_path: "Objective | str | Path",
    checkpoints: Stages | None = None,
    *,
    data: object = None,
    plane: Plane | None = "random",
    span: Span | None = None,
    points: int = 17,
    curvature: bool = True,
    trace_samples: int = 30,
    tol: float = 1e-2,
    through: bool = True,
    seed: int = 0,
    cancel: CancelSignal | None = None,
    **options: "Unpack[ModelOptions]",
) -> Generator[CheckpointStudy, None, None]:
    """Yield partial results of `compare_checkpoints`, the last of them the result.

    Parameters and errors are the same, the checks at the call. Partial results come after every eigenvalue,
    trace and slice; the numbers that follow are NaN.

    Examples
    --------
    >>> import torch, nblandscape as nbl
    >>> model = torch.nn.Linear(1, 1)
    >>> objective = nbl.Objective(model, torch.nn.MSELoss(), (torch.ones(1, 1), torch.ones(1, 1)))
    >>> run = {"zero": torch.zeros(2), "one": torch.ones(2)}
    >>> [study.doing for study in nbl.iter_compare_checkpoints(objective, run, plane=None, through=False)][:3]
    ['eigenvalue of zero', 'trace of zero', 'loss of one']
    """
    if plane not in ("random", "hessian", "trajectory", None):
        raise ValueError(f'plane={plane!r}; use "random", "hessian", "trajectory" or None.')
    if plane == "hessian" and not curvature:
        raise ValueError('plane="hessian" needs eigenvectors: set curvature=True, or choose plane="random".')
    if trace_samples < 0:
        raise ValueError(f"trace_samples={trace_samples} must not be negative; 0 for no trace.")
    objective, given = _problem(objective_or_path, checkpoints, data, seed, options)
    stages = stages_of(objective, given)
    located = locate(objective, [stage.source for stage in stages])
    slices = Slices(plane, span, points, seed)
    if plane == "trajectory":
        sources = [stage.source for stage in stages]
        slices.axes = Subspace.trajectory(objective, sources, 2, origin="last", cancel=cancel)
    task = objective.description.get("task")
    start = CheckpointStudy((), len(stages), slices.rule, None if task is None else str(task))
    measure = Measure(slices, curvature, trace_samples, tol, seed, cancel)
    return _run(objective, stages, located, start, measure, points, through, cancel)


def _run(
    objective: Objective,
    stages: Sequence[Stage],
    located: Sequence[Located],
    study: CheckpointStudy,
    measure: "Measure",
    points: int,
    through: bool,
    cancel: CancelSignal | None,
) -> Generator[CheckpointStudy, None, None]:
    rows: list[CheckpointRow] = []
    slices: list[Landscape | None] = []
    for number, (stage, where) in enumerate(zip(stages, located, strict=True)):
        check(cancel)
        for row, landscape, doing in measure(objective, stage, where):
            after = f"loss of {stages[number + 1].title}" if number + 1 < len(stages) else "plane"
            yield replace(
                study,
                rows=(*rows, row),
                landscapes=(*slices, landscape),
                done=number + (not doing),
                doing=f"{doing} of {stage.title}" if doing else after if through or after != "plane" else "",
            )
        rows.append(row)
        slices.append(landscape)
    study = replace(study, rows=tuple(rows), landscapes=tuple(slices), done=len(rows))
    if through:
        yield from _through(objective, stages, study, points, cancel)


def _through(
    objective: Objective,
    stages: Sequence[Stage],
    study: CheckpointStudy,
    points: int,
    cancel: CancelSignal | None,
) -> Generator[CheckpointStudy, None, None]:
    """Yield the result with the plane that holds the checkpoints, or with why there is none."""
    good = [i for i, row in enumerate(study.rows) if not row.note]
    sources = [stages[i].source for i in good]
    try:
        if len(sources) > 3:
            subspace = Subspace.trajectory(objective, sources, 2, origin="mean", cancel=cancel)
        else:
            subspace = Subspace.through(objective, *sources, origin="mean")
    except ValueError as error:
        yield replace(study, plane_note=f"no plane through the checkpoints: {error}")
        return
    names = [stages[i].title for i in good]
    named = tuple(re.sub(_NUMBERED, lambda m: names[int(m[1])], label) for label in subspace.labels)
    subspace = replace(subspace, labels=tuple(label.replace(" ⟂", ", orthogonal") for label in named))
    path = subspace.path if subspace.path is not None else subspace.anchors
    landscape = sampled(with_metrics(objective, {}), subspace, None, points, cancel)
    rows = np.full((len(stages), subspace.dim), np.nan)
    away = np.full(len(stages), np.nan)
    rows[good] = path
    away[good] = 0.0 if subspace.off_plane is None else subspace.off_plane
    yield replace(study, plane=landscape, path=rows, off_plane=away)


def _problem(
    given: "Objective | str | Path",
    checkpoints: Stages | None,
    data: object,
    seed: int,
    options: "ModelOptions",
) -> tuple[Objective, Stages]:
    """The objective, and where its checkpoints are."""
    if isinstance(given, Objective):
        if data is not None or options:
            what = "data" if data is not None else next(iter(options))
            raise ValueError(
                f"{what}= belongs to a path; an objective has its own: use objective.on(batches)."
            )
        if checkpoints is None:
            raise ValueError(
                "An objective has no checkpoints of its own; pass them, a Trainer's folder for one."
            )
        return given, checkpoints
    if not isinstance(given, (str, Path)):
        raise TypeError(f"Expected an Objective or the path of a model, not a {type(given).__name__}.")
    if data is None:
        raise ValueError(f"{given} is the path of a model: pass also data= (texts, a file, batches).")
    from nblandscape.huggingface import from_transformers

    model = last_model(Path(given)) if Path(given).is_dir() else given
    objective = from_transformers(model, data, seed=seed, **options)
    if options.get("metrics") is None:
        objective = with_metrics(objective, None)
    return objective, given if checkpoints is None else checkpoints
