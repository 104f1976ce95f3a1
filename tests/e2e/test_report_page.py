"""The report of ``nblandscape inspect`` in a browser: alive, readable in both themes, asking no one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from harness.browser import ROOT
from harness.panel import canvas, colours

pytest.importorskip("transformers", exc_type=ImportError)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What the command writes of a small saved checkpoint."""
    from tests.huggingface import small

    folder = tmp_path_factory.mktemp("report")
    texts = small.sentences()
    tokenizer = small.byte_tokenizer(texts)
    small.saved(small.gpt2(tokenizer), folder / "gpt2", tokenizer)
    (folder / "notes.txt").write_text("\n".join(texts[:6]), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    arguments = ["inspect", "gpt2", "--text", "notes.txt", "--overflow", "truncate", "--batch-size", "3"]
    arguments += ["--points", "17", "--eigenpairs", "1", "--parameters", "layer:-1", "--html", "report.html"]
    subprocess.run(
        [sys.executable, "-m", "nblandscape", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        timeout=200,
    )
    return folder / "report.html"


def test_the_report_draws_and_tells(report, watched):
    context, watch = watched("file:")
    page = context.new_page()
    page.goto(report.as_uri())
    expect(page.get_by_role("heading", name="GPT2LMHeadModel · gpt2").first).to_be_visible()
    assert colours(page) > 200
    expect(canvas(page)).to_be_visible()
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="layer 1").last).to_contain_text("12,704")
    expect(rows.filter(has_text="SMAD").first).to_contain_text("±")
    # The style sheet got past the policy, and so did the picture.
    table = page.locator(".nbl-report table").first
    assert table.evaluate("e => getComputedStyle(e).borderCollapse") == "collapse"
    picture = page.get_by_role("img", name="Bars of the trace")
    assert picture.evaluate("e => e.naturalWidth") > 500
    ink, sources = [], []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        ink.append(page.locator(".nbl-report h1").evaluate("e => getComputedStyle(e).color"))
        sources.append(picture.evaluate("e => e.currentSrc"))
    assert ink[0] != ink[1]
    assert sources[0] != sources[1]
    assert watch.foreign == []
