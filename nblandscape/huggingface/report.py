"""The report of an inspection: one HTML file for people, and a JSON with the same numbers for machines."""

import json
import math
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nblandscape.cancel import CancelSignal, check
from nblandscape.curvature.extremes import LOOKS
from nblandscape.curvature.trace import Estimate, iter_trace
from nblandscape.curvature.trust import PROBES, TrustReport, iter_trust_report
from nblandscape.huggingface.blocks import BlockCurvature, Progress, block_curvature
from nblandscape.huggingface.budget import spectrum_products
from nblandscape.steps import returned
from nblandscape.topology import numbers_stderr
from nblandscape.topology._numbers import items

if TYPE_CHECKING:
    from nblandscape.curvature import Spectrum
    from nblandscape.landscape.landscape import Landscape
    from nblandscape.objective import Objective
    from nblandscape.widgets.explorer import Explorer

SCHEMA = 1
"""Version of the JSON; it changes when a name or a meaning does."""

_VERSIONS = ("nblandscape", "torch", "numpy", "transformers", "peft", "safetensors")
_ROUNDS = 50  # resamples of the batches


@dataclass(frozen=True)
class Report:
    """What a report says; `write_report` writes it.

    Attributes
    ----------
    numbers : dict
        Plain numbers, texts, lists and None: what the JSON holds.
    blocks : BlockCurvature or None
    trust : TrustReport or None
    trace : Estimate or None
        Of the Hessian, from losses alone: where there are no products.
    """

    numbers: dict[str, Any]
    blocks: BlockCurvature | None
    trust: TrustReport | None
    trace: Estimate | None = None

    def to_json(self) -> str:
        """The numbers; NaN and infinities are null."""
        return json.dumps(self.numbers, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def measure_report(
    explorer: "Explorer",
    *,
    blocks: bool | None = None,
    trust: bool | None = None,
    trace: bool | None = None,
    samples: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: CancelSignal | None = None,
) -> Report:
    """Measure what a report says beyond what the explorer shows: trust in the slice, curvature by block.

    Arguments are those of `write_report`.

    Raises
    ------
    RuntimeError
        Nothing has been computed yet.
    ValueError
        Blocks or trust of a landscape without a model or without Hessian products.
    nblandscape.cancel.Cancelled
    """
    landscape = explorer.landscape
    if landscape is None:
        raise RuntimeError("Nothing has been computed yet; call explorer.wait() first.")
    say = progress or (lambda _text, _share: None)
    spectrum = explorer.eigenpairs
    objective: Objective | None = getattr(explorer._source, "objective", None)
    products = objective is not None and spectrum is not None
    if (blocks or trust) and not products:
        raise ValueError(
            "Blocks and trust need Hessian products; this explorer has none (random directions, or "
            "no model). Leave blocks= and trust= out."
        )
    found: BlockCurvature | None = None
    verdict: TrustReport | None = None
    estimate: Estimate | None = None
    if objective is not None and not products and trace is not False:
        for estimate in iter_trace(objective, method="loss", samples=samples, seed=seed, cancel=cancel):
            say(f"trace from losses, {estimate.samples} of {samples}", estimate.samples / samples)
    if products and objective is not None:
        if trust is not False:
            plane, known = explorer._shown_plane()[1], _both(spectrum)
            steps = trust_steps(known)
            say("what the slice can show", 0.0)
            verdict = returned(
                iter_trust_report(explorer.objective, plane, spectrum=known, seed=seed, cancel=cancel),
                lambda done: say("what the slice can show", min(done / steps, 1.0)),
            )
        if blocks is not False:
            found = block_curvature(objective, samples=samples, seed=seed, cancel=cancel, progress=say)
    check(cancel)
    say("topology", 0.0)
    numbers = {
        "schema": SCHEMA,
        "kind": "nblandscape-inspection",
        "title": str((explorer.source or {}).get("title", "")),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "objective": None if objective is None else objective.description,
        "loss": _loss(landscape),
        "plan": None if explorer.plan is None else explorer.plan.to_dict(),
        "view": explorer.spec,
        "spectrum": None if spectrum is None else _spectrum(spectrum),
        "no_spectrum": "" if spectrum is not None or explorer.plan is None else explorer.plan.reason,
        "trace": None if estimate is None else _estimate(estimate),
        "topology": _topology(explorer, landscape, seed),
        "blocks": None if found is None else _blocks(found, samples),
        "trust": None if verdict is None else verdict.to_dict(),
        "warnings": [str(concern) for concern in landscape.warnings()],
        "provenance": {k: v for k, v in landscape.provenance.items() if k != "objective"},
        "versions": _versions(),
    }
    return Report(plain(numbers), found, verdict, estimate)


def write_report(
    explorer: "Explorer",
    path: str | Path,
    *,
    report: Report | None = None,
    blocks: bool | None = None,
    trust: bool | None = None,
    trace: bool | None = None,
    samples: int = 20,
    seed: int = 0,
    frames: Any = None,
    theme: str | None = None,
    progress: Progress | None = None,
    cancel: CancelSignal | None = None,
) -> Path:
    """Write a report of what an explorer shows: one offline HTML file, and a JSON beside it.

    A function rather than a method: it works on every explorer, from `inspect` or `explore`, and the explorer
    itself needs to know nothing of layers and plans.

    Parameters
    ----------
    explorer : Explorer
        Finished; see `Explorer.wait`.
    path : path
        Of the HTML file; the JSON has the same name with the suffix ``.json``. Either is complete or not
        there.
    report : Report, optional
        From `measure_report`, else measured now.
    blocks, trust : bool, optional
        Whether to measure the curvature by block and what the slice can show; by default where there are
        Hessian products.
    trace : bool, optional
        Whether to estimate the Hessian's trace from losses; by default where there are no products.
    samples : int
        Products for the traces of the blocks, or directions for the trace from losses.
    seed : int
    frames, theme
        As in `Explorer.to_html`.
    progress : callable (text, share), optional
        What is being measured, and which share of it is done.
    cancel : threading.Event or callable, optional

    Returns
    -------
    Path
        Of the HTML file.

    Raises
    ------
    FileNotFoundError
        The folder does not exist.
    RuntimeError, ValueError, nblandscape.cancel.Cancelled
        As `measure_report`.

    Examples
    --------
    >>> import tempfile, nblandscape as nbl
    >>> explorer = nbl.explore(lambda x, y: x**2 + y**2, bounds=((-1, 1), (-1, 1)), points=9, wait=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(explorer, Path(folder) / "bowl.html")
    ...     sorted(file.name for file in page.parent.iterdir())
    ['bowl.html', 'bowl.json']
    >>> explorer.close()
    """
    from nblandscape.huggingface.page import around
    from nblandscape.widgets._export import write_whole

    target = check_target(path)
    told = report or measure_report(
        explorer,
        blocks=blocks,
        trust=trust,
        trace=trace,
        samples=samples,
        seed=seed,
        progress=progress,
        cancel=cancel,
    )
    page = explorer._page(frames=frames, cancel=cancel, theme=theme, around=around(told, theme))
    write_whole(target.with_suffix(".json"), told.to_json())
    return write_whole(target, page)


def check_target(path: str | Path) -> Path:
    """Where a report is written, checked before anything is measured.

    Raises
    ------
    FileNotFoundError, PermissionError
        The folder does not exist, or is read-only.
    ValueError
        Not the name of an HTML file.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"The folder {target.parent} does not exist.")
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"{path} has the wrong ending: a report is an .html file; its JSON is written beside it."
        )
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(
            f"Nothing may be written into the folder {target.parent.resolve()}. Choose another one."
        )
    return target


def plain(value: Any) -> Any:
    """Numbers, texts, lists and dicts for JSON; None for what is not finite.

    Examples
    --------
    >>> plain({"a": np.float64("nan"), "b": np.arange(2), 3: (Path("x"), True)})
    {'a': None, 'b': [0, 1], '3': ['x', True]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def error_text(error: float | None) -> str:
    """An error bar with two digits, or nothing.

    Examples
    --------
    >>> error_text(147.2), error_text(None)
    (' ± 150', '')
    """
    return "" if error is None else f" ± {float(f'{error:.2g}'):g}"


def trust_steps(spectrum: "Spectrum | None") -> int:
    """Pauses of a trust report of a plane, at most, with a spectrum of both ends or without."""
    return PROBES + 2 + LOOKS + 1 + (0 if spectrum is not None else spectrum_products(2))


def _both(spectrum: "Spectrum | None") -> "Spectrum | None":
    """The spectrum, if it has both ends."""
    return spectrum if spectrum is not None and min(spectrum.largest, spectrum.smallest) > 0 else None


def _loss(landscape: "Landscape") -> dict[str, float | None] | None:
    """Loss at the origin, with the error that comes from the choice of the batches."""
    if landscape.origin is None:
        return None
    value, losses, counts = landscape.origin_value, landscape.batch_losses, landscape.batch_counts
    if losses is None or losses.shape[-1] < 2:
        return {"value": value, "stderr": None}
    there = losses.reshape(-1, losses.shape[-1])[landscape.origin]
    share = np.ones(len(there)) if counts is None or not counts.any() else counts
    share = share / share.sum()
    spread = math.fsum(share**2 * (there - math.fsum(share * there)) ** 2)
    return {"value": value, "stderr": math.sqrt(spread * len(there) / (len(there) - 1))}


def _spectrum(found: "Spectrum") -> dict[str, Any]:
    names = ("values", "residuals", "gaps", "converged", "resolved", "largest", "smallest", "norm", "tol",
             "products", "symmetry_defect", "miss_probability", "seed")  # fmt: skip
    return {name: getattr(found, name) for name in names}


def _estimate(found: Estimate) -> dict[str, Any]:
    names = ("value", "stderr", "samples", "method", "evaluations")
    return {name: getattr(found, name) for name in names}


def _blocks(found: BlockCurvature, samples: int) -> dict[str, Any]:
    rows = found.to_frame()
    columns = [dict(zip(rows.dtype.names, row.tolist(), strict=True)) for row in rows]
    total = {"value": found.total.value, "stderr": found.total.stderr}
    return {"blocks": columns, "total": total, "samples": samples, "products": found.products}


def _topology(explorer: "Explorer", landscape: "Landscape", seed: int) -> dict[str, Any]:
    """All numbers of the merge tree, those that the data support, and the minima of the threshold shown."""
    summary = landscape.summary()
    minima = explorer.to_frame()
    rows = [dict(zip(minima.dtype.names, row.tolist(), strict=True)) for row in minima]
    losses, counts = landscape._batches
    tree = landscape.merge_tree()
    errors = numbers_stderr(tree, losses, counts, rounds=_ROUNDS, seed=seed)
    told: dict[str, Any] = {
        "numbers": {name: {"value": v, "stderr": errors[name]} for name, v in items(summary.all)},
        "supported": None if summary.supported is None else dict(items(summary.supported)),
        "basis": summary.basis,
        "resamples": _ROUNDS if math.isfinite(errors["smad"]) else 0,
    }
    return told | {"range": summary.range, "holes": summary.holes, "minima": rows}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in _VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # an extra, or a checkout that is not installed
            continue
    return found
