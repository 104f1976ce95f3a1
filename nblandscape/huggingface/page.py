"""What the HTML report shows around the explorer: tables, bars and words, with every text escaped."""

import base64
import html
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nblandscape.huggingface.blocks import BlockCurvature
from nblandscape.huggingface.report import Report, error_text
from nblandscape.landscape.cost import duration
from nblandscape.memory import in_words
from nblandscape.topology._numbers import words
from nblandscape.widgets._export import Around

STYLES = """
.nbl-report { max-width: 1600px; margin: 0 auto; color: light-dark(#1c2429, #dfe6ea); line-height: 1.45; }
header.nbl-report { margin-bottom: 12px; }
.nbl-report h1 { font-size: 20px; margin: 4px 0; }
.nbl-report h2 { display: inline-block; font-size: 16px; margin: 28px 0 6px; }
.nbl-report p { margin: 4px 0; max-width: 90ch; }
.nbl-report .pale { color: light-dark(#56646c, #9fb0ba); }
.nbl-report .warning { border-left: 3px solid light-dark(#b26a00, #e0a040); padding-left: 10px; }
.nbl-report .columns { display: grid; gap: 0 48px; }
.nbl-report .columns { grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); }
.nbl-report section { min-width: 0; }
.nbl-report .scroll { overflow-x: auto; }
.nbl-report table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
.nbl-report th, .nbl-report td { padding: 3px 12px 3px 0; text-align: right; vertical-align: top; }
.nbl-report td { white-space: nowrap; }
.nbl-report th { font-weight: 600; border-bottom: 1px solid light-dark(#b7c1c7, #46525a); }
.nbl-report th:first-child, .nbl-report td:first-child, .nbl-report td.text { text-align: left; }
.nbl-report td.text { overflow-wrap: anywhere; white-space: normal; }
.nbl-report summary { cursor: pointer; }
.nbl-report img { min-width: 560px; width: 100%; max-width: 760px; height: auto; }
@media print { .nbl-report h2 { break-after: avoid; } .nbl-report tr { break-inside: avoid; } }
"""

_COLUMN = 6.4  # inches of a picture: its text is as large as that of the tables in a column of the page
_DPI = 200
_FACES = {"light": "#ffffff", "dark": "#14161a"}  # of the page (js/src/theme)


def around(report: Report, theme: str | None) -> Around:
    """Everything but the explorer."""
    told = report.numbers
    parts = [
        _bars(report.blocks, theme),
        _spectrum(told["spectrum"]) or _no_spectrum(told["no_spectrum"], told["trace"]),
        _topology(told["topology"]),
        _minima(told["topology"]["minima"]),
        _plan(told["plan"]),
    ]
    below = "\n".join(part for part in parts if part)
    return Around(
        f'<header class="nbl-report">{_title(told)}{_trust(report)}{_warnings(told["warnings"])}</header>\n',
        f'<main class="nbl-report">\n<div class="columns">\n{below}\n</div>\n{_settings(told)}\n</main>\n',
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
        (
            step["name"],
            step["work"],
            _seconds(step["seconds"]) if step["work"] else "",
            in_words(step["bytes"]),
            step["verdict"],
        )
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
        rows.append((str(index).replace("-", "−"), *map(_number, numbers), ", ".join(notes)))
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
        (r["block"], f"{r['parameters']:,}", _with_error({"value": r["trace"], "stderr": r["trace_stderr"]}),
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
        picture = f'<img src="{_png(blocks, theme)}" {alternative}>'
    else:
        dark = f'<source media="(prefers-color-scheme: dark)" srcset="{_png(blocks, "dark")}">'
        picture = f'<picture>{dark}<img src="{_png(blocks, "light")}" {alternative}></picture>'
    return f'<div class="scroll">{picture}</div>'


def _png(blocks: BlockCurvature, theme: str) -> str:
    from matplotlib.figure import Figure

    _, height = blocks.figure_size()
    figure = blocks.plot(Figure(figsize=(_COLUMN, height), layout="constrained", facecolor=_FACES[theme]))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _trust(report: Report) -> str:
    """What the slice can show, beside it rather than below all tables."""
    return "" if report.trust is None else f"<p>{_text(report.trust.verdict)}</p>"


def _warnings(found: Sequence[str]) -> str:
    return "".join(f'<p class="warning">{_text(text)}</p>' for text in found)


def _settings(told: Mapping[str, Any]) -> str:
    groups = {"objective": told["objective"], "landscape": told["provenance"], "version": told["versions"]}
    parts = [("created", told["created"])]
    for group, values in groups.items():
        parts += _flat(group, values or {})
    rows = "".join(f'<tr><td>{_text(k)}</td><td class="text">{_text(v)}</td></tr>' for k, v in parts)
    table = f'<div class="scroll"><table>{rows}</table></div>'
    return f"<details><summary><h2>Settings and provenance</h2></summary>{table}</details>"


def _flat(name: str, value: object) -> list[tuple[str, str]]:
    """One row for every number or text in nested settings."""
    if isinstance(value, Mapping):
        return [row for key, item in value.items() for row in _flat(f"{name} · {key}", item)]
    if isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
        return [row for i, item in enumerate(value) for row in _flat(f"{name} · {i}", item)]
    return [(name, _short(value))]


def _short(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(f"({_short(v)})" if isinstance(v, (list, tuple)) else _short(v) for v in value)
    return f"{value:.6g}".replace("-", "−") if isinstance(value, float) else str(value)


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
    return _number(number["value"]) + error_text(number["stderr"])


def _seconds(value: float | None) -> str:
    return "–" if value is None else duration(value)
