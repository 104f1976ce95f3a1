"""What the HTML report shows around the explorer: tables, bars and words, with every text escaped."""

import base64
import html
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nblandscape.huggingface.blocks import BlockCurvature
from nblandscape.huggingface.report import Report
from nblandscape.landscape.cost import duration
from nblandscape.memory import in_words
from nblandscape.topology._numbers import words
from nblandscape.widgets._export import Around

STYLES = """
.nbl-report { max-width: 1600px; margin: 0 auto; color: light-dark(#1c2429, #dfe6ea); line-height: 1.45; }
.nbl-report h1 { font-size: 20px; margin: 4px 0; }
.nbl-report h2 { font-size: 16px; margin: 28px 0 6px; }
.nbl-report p { margin: 4px 0; max-width: 90ch; }
.nbl-report .pale { color: light-dark(#56646c, #9fb0ba); }
.nbl-report .scroll { overflow-x: auto; }
.nbl-report table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
.nbl-report th, .nbl-report td { padding: 3px 12px 3px 0; text-align: right; vertical-align: top; }
.nbl-report th { font-weight: 600; border-bottom: 1px solid light-dark(#b7c1c7, #46525a); }
.nbl-report th:first-child, .nbl-report td:first-child, .nbl-report td.text { text-align: left; }
.nbl-report td.text { overflow-wrap: anywhere; }
.nbl-report img { max-width: 100%; height: auto; }
@media print { .nbl-report h2 { break-after: avoid; } .nbl-report tr { break-inside: avoid; } }
"""

_FACES = {"light": "#ffffff", "dark": "#14161a"}  # of the page (js/src/theme)


def around(report: Report, theme: str | None) -> Around:
    """Everything but the explorer."""
    told = report.numbers
    parts = [
        _plan(told["plan"]),
        _spectrum(told["spectrum"]) or _no_spectrum(told["no_spectrum"], told["trace"]),
        _topology(told["topology"]),
        _minima(told["topology"]["minima"]),
        _bars(report.blocks, theme),
        _trust(report),
        _warnings(told["warnings"]),
        _settings(told),
    ]
    below = "\n".join(part for part in parts if part)
    return Around(
        f'<header class="nbl-report">{_title(told)}</header>\n',
        f'<main class="nbl-report">\n{below}\n</main>\n',
        STYLES,
    )


def _title(told: Mapping[str, Any]) -> str:
    about = told["objective"] or {}
    facts = []
    if about:
        facts.append(f"{about['model']}, {about.get('task', about['loss'])}")
        facts.append(f"{about['parameters']:,} parameters")
        of = (about.get("data") or {}).get("available")
        samples = f"{about['samples']:,}" + (f" of {of:,}" if of and of > about["samples"] else "")
        facts.append(f"{samples} samples" + (f", {about['tokens']:,} tokens" if "tokens" in about else ""))
    if told["loss"] is not None:
        facts.append(f"loss {_with_error(told['loss'])}")
    source = f"<p>{_text(about['source'])}</p>" if "source" in about else ""
    return f'<h1>{_text(told["title"])}</h1>{source}<p class="pale">{_text(" · ".join(facts))}</p>'


def _plan(plan: Mapping[str, Any] | None) -> str:
    if plan is None:
        return ""
    rows = [
        (step["name"], step["work"], _seconds(step["seconds"]), in_words(step["bytes"]), step["verdict"])
        for step in plan["steps"]
    ]
    free = f"{in_words(plan['free_bytes'])} of memory were free; mode: {plan['mode']}."
    notes = "".join(f"<p>{_text(note)}</p>" for note in plan["notes"])
    head = ("step", "work", "predicted time", "predicted memory", "verdict")
    return _section("Plan", _table(head, rows) + f'<p class="pale">{_text(free)}</p>{notes}')


def _spectrum(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    count = len(found["values"])
    rows = []
    for i in range(count):
        notes = [] if found["converged"][i] else ["not converged"]
        notes += [] if found["resolved"][i] else ["not resolved"]
        index = i if i < found["largest"] else i - count
        numbers = (found["values"][i], found["residuals"][i], found["gaps"][i])
        rows.append((index, *map(_number, numbers), ", ".join(notes)))
    text = (
        f"{found['products']} Hessian-vector products; norm {_number(found['norm'])}; probability that an "
        f"eigenvalue beyond these was missed: at most {_number(found['miss_probability'])}."
    )
    table = _table(("index", "eigenvalue", "residual", "gap", ""), rows)
    return _section("Spectrum", table + f'<p class="pale">{_text(text)}</p>')


def _no_spectrum(reason: str, trace: Mapping[str, Any] | None) -> str:
    if not reason and trace is None:
        return ""
    told = f"<p>None: {_text(reason)}.</p>" if reason else "<p>None.</p>"
    if trace is not None:
        text = (
            f"Trace of the Hessian from losses alone: {_with_error(trace)} (second differences along "
            f"{trace['samples']} random directions, {trace['evaluations']} losses)."
        )
        told += f"<p>{_text(text)}</p>"
    return _section("Spectrum", told)


def _topology(found: Mapping[str, Any]) -> str:
    supported = found["supported"] or {}
    rows = [
        (words(name), _with_error(number), _number(supported[name]) if name in supported else "")
        for name, number in found["numbers"].items()
    ]
    rounds = found["resamples"]
    errors = (
        f"± is the standard error over {rounds} resamples of the batches."
        if rounds
        else "No error: it needs at least two batches."
    )
    text = (
        f"{errors} Supported: {found['basis'] or 'unknown'}. Range of the losses {_number(found['range'])}."
    )
    if found["holes"]:
        text += f" At {found['holes']} points the loss is not finite."
    head = ("of the slice", "all", "supported")
    return _section("Topology", _table(head, rows) + f'<p class="pale">{_text(text)}</p>')


def _minima(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    places = [name for name in rows[0] if name.startswith("x")]
    names = (*places, "loss", "persistence", "stderr", "share")
    head = (*places, "loss", "persistence", "± error", "share of the window", "supported")
    cells = [(*(_number(row[name]) for name in names), "yes" if row["supported"] else "no") for row in rows]
    return _section("Minima", _table(head, cells))


def _bars(blocks: BlockCurvature | None, theme: str | None) -> str:
    if blocks is None:
        return ""
    rows = [
        (r["block"], f"{r['parameters']:,}", f"{_number(r['trace'])} ± {_number(r['trace_stderr'])}",
         _number(r["top"]), _number(r["residual"]), "" if r["converged"] else "not converged")
        for r in blocks.to_frame()
    ]  # fmt: skip
    head = ("block", "parameters", "trace", "largest eigenvalue", "residual", "")
    return _section("Curvature by layer", _picture(blocks, theme) + _table(head, rows))


def _picture(blocks: BlockCurvature, theme: str | None) -> str:
    """Bars as an image for either background; the table below says the same."""
    alternative = (
        'alt="Bars of the trace and the largest eigenvalue of every block; the table has the numbers."'
    )
    if theme is not None:
        return f'<p><img src="{_png(blocks, theme)}" {alternative}></p>'
    dark = f'<source media="(prefers-color-scheme: dark)" srcset="{_png(blocks, "dark")}">'
    return f'<p><picture>{dark}<img src="{_png(blocks, "light")}" {alternative}></picture></p>'


def _png(blocks: BlockCurvature, theme: str) -> str:
    from matplotlib.figure import Figure

    size = blocks.figure_size()
    figure = blocks.plot(Figure(figsize=size, layout="constrained", facecolor=_FACES[theme]))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _trust(report: Report) -> str:
    if report.trust is None:
        return ""
    return _section("What this slice can show", f"<p>{_text(report.trust.verdict)}</p>")


def _warnings(found: Sequence[str]) -> str:
    listed = "".join(f"<li>{_text(text)}</li>" for text in found)
    return _section("Warnings", f"<ul>{listed}</ul>") if found else ""


def _settings(told: Mapping[str, Any]) -> str:
    parts = {
        "created": told["created"],
        **{f"objective: {k}": v for k, v in (told["objective"] or {}).items()},
        **{f"landscape: {k}": v for k, v in told["provenance"].items()},
        **{f"version: {k}": v for k, v in told["versions"].items()},
    }
    rows = "".join(
        f'<tr><td>{_text(name)}</td><td class="text">{_text(value)}</td></tr>'
        for name, value in parts.items()
    )
    return _section("Settings and provenance", f'<div class="scroll"><table>{rows}</table></div>')


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{content}</section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _text(value: object) -> str:
    return html.escape(str(value))


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.4g}".replace("-", "−")


def _with_error(number: Mapping[str, float | None]) -> str:
    error = "" if number["stderr"] is None else f" ± {number['stderr']:.2g}"
    return _number(number["value"]) + error


def _seconds(value: float | None) -> str:
    return "–" if value is None else duration(value)
