"""The report: the same numbers on the page and in the JSON, every text escaped, nothing half-written."""

import html
import json
import re
from pathlib import Path

import numpy as np
import pytest

import nblandscape as nbl
from nblandscape.cancel import Cancelled
from nblandscape.huggingface.blocks import block_curvature
from nblandscape.huggingface.report import SCHEMA, measure_report, plain, write_report

EVIL = "<script>alert(\"x\")</script> & 'quotes'"


@pytest.fixture(scope="module")
def explorer(gpt2_folder, texts):
    options = {"limit": 3, "batch_size": 1, "parameters": "layer:-1", "largest": 1, "smallest": 1}
    with nbl.inspect(gpt2_folder, texts, points=9, quiet=True, wait=True, title=EVIL, **options) as explorer:
        yield explorer


@pytest.fixture(scope="module")
def report(explorer):
    return measure_report(explorer, samples=4)


@pytest.fixture(scope="module")
def written(explorer, report, tmp_path_factory):
    return write_report(explorer, tmp_path_factory.mktemp("report") / "r.html", report=report)


def test_the_json_has_the_numbers_of_the_explorer(explorer, written):
    told = json.loads(written.with_suffix(".json").read_text(encoding="utf-8"))
    assert (told["schema"], told["kind"]) == (SCHEMA, "nblandscape-inspection")
    assert told["title"] == EVIL
    np.testing.assert_allclose(told["spectrum"]["values"], explorer.eigenpairs.values)
    np.testing.assert_allclose(told["spectrum"]["residuals"], explorer.eigenpairs.residuals)
    numbers = told["topology"]["numbers"]
    assert numbers["smad"]["value"] == pytest.approx(explorer.landscape.smad())
    assert numbers["minima"]["value"] == len(explorer.landscape.merge_tree().minima)
    assert told["topology"]["resamples"] == 50
    assert numbers["smad"]["stderr"] >= 0
    assert len(told["topology"]["minima"]) == len(explorer.to_frame())
    assert told["objective"]["weights_sha256"] == explorer.objective.description["weights_sha256"]
    assert told["plan"]["sizes"]["analysed"] == explorer.objective.num_parameters
    assert told["versions"]["transformers"]


def test_the_error_of_the_loss_is_that_of_the_batches(explorer, report):
    losses = explorer.landscape.batch_losses.reshape(81, 3)[40]
    counts = explorer.landscape.batch_counts
    mean = (losses * counts).sum() / counts.sum()
    assert report.numbers["loss"]["value"] == pytest.approx(mean)
    # With equal counts it would be the usual s / sqrt(n).
    assert report.numbers["loss"]["stderr"] == pytest.approx(losses.std(ddof=1) / np.sqrt(3), rel=0.6)


def test_blocks_and_trust_are_what_their_functions_give(explorer, report):
    again = block_curvature(explorer.objective, samples=4)
    rows = report.numbers["blocks"]["blocks"]
    assert [row["block"] for row in rows] == list(again.names)
    assert [row["top"] for row in rows] == pytest.approx(again.top.tolist())
    assert report.numbers["trust"]["verdict"] == report.trust.verdict


def test_progress_moves_in_every_phase(explorer):
    seen = {}
    measure_report(
        explorer,
        samples=4,
        progress=lambda text, share: seen.setdefault(text.split(",")[0], []).append(share),
    )
    assert list(seen) == ["what the slice can show", "traces by block", "curvature by block", "topology"]
    for name in list(seen)[:-1]:
        shares = seen[name]
        assert shares == sorted(shares), name
        assert len(set(shares)) >= (2 if "curvature" in name else 4), (
            name
        )  # quick blocks tell their end alone
        assert 0 <= shares[0] < shares[-1] <= 1, name
    assert seen["what the slice can show"][-1] > 0.5
    assert seen["curvature by block"][-1] == 1


def test_the_page_shows_the_same_and_escapes_every_text(report, written):
    page = written.read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert f"<h1>{html.escape(EVIL)}</h1>" in page
    for title in ("Plan", "Spectrum", "Topology", "Minima", "Curvature by layer", "Settings and provenance"):
        assert f"<h2>{title}</h2>" in page, title
    assert html.escape(report.trust.verdict) in page
    assert page.count("data:image/png;base64,") == 2  # dark and light
    assert report.numbers["objective"]["data_sha256"] in page
    smad = report.numbers["topology"]["numbers"]["smad"]
    assert f"<td>SMAD</td><td>{smad['value']:.4g} ± {smad['stderr']:.2g}</td>" in page


def test_the_policy_stays_strict(written):
    page = written.read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[^']+'", rules["script-src"])
    assert re.fullmatch(r"'sha256-[^']+'", rules["style-src"])
    assert rules["img-src"] == "data: blob:"
    assert not re.search(r"<[^>]+\sstyle=", page.split("</main>")[0].split("<main")[1])
    assert 'src="http' not in page


def test_one_theme_has_one_picture(explorer, report, tmp_path):
    page = write_report(explorer, tmp_path / "dark.html", report=report, theme="dark").read_text()
    assert page.count("data:image/png;base64,") == 1
    assert '<html lang="en" data-theme="dark">' in page


def test_what_is_interrupted_leaves_nothing(explorer, tmp_path, report, monkeypatch):
    with pytest.raises(Cancelled):
        write_report(explorer, tmp_path / "r.html", cancel=lambda: True)

    def full(self, *args, **kwargs):
        self.touch()
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        write_report(explorer, tmp_path / "r.html", report=report)
    assert list(tmp_path.iterdir()) == []


def test_a_report_without_a_model(tmp_path):
    with nbl.explore(lambda x, y: x**2 + y**2, bounds=((-1, 1), (-1, 1)), points=9, wait=True) as bowl:
        page = write_report(bowl, tmp_path / "bowl.html")
        told = json.loads(page.with_suffix(".json").read_text())
        assert told["objective"] is told["spectrum"] is told["blocks"] is told["trust"] is None
        assert told["topology"]["numbers"]["minima"] == {"value": 1, "stderr": None}
        assert "<h2>Spectrum</h2>" not in page.read_text(encoding="utf-8")
        with pytest.raises(ValueError, match="need Hessian products"):
            write_report(bowl, tmp_path / "bowl.html", blocks=True)


def test_bad_targets(explorer, tmp_path):
    with pytest.raises(ValueError, match=r"a report is an \.html file"):
        write_report(explorer, tmp_path / "r.pdf")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        write_report(explorer, tmp_path / "a" / "r.html")


def test_no_nan_reaches_the_json():
    values = {
        "a": [float("inf"), 1.5],
        "b": np.array([np.nan, 2.0]),
        "c": np.bool_(True),
        "d": {"e": np.int64(3)},
    }
    assert plain(values) == {"a": [None, 1.5], "b": [None, 2.0], "c": True, "d": {"e": 3}}
    assert json.loads(json.dumps(plain(values), allow_nan=False))["c"] is True
