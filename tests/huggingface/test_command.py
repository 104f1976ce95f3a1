"""``nblandscape inspect`` as a process: what it prints where, its exit status, and what it leaves behind."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nblandscape.cli import main

ROOT = Path(__file__).parents[2]
FAST = ("--limit", "2", "--batch-size", "1", "--points", "9", "--eigenpairs", "1")


@pytest.fixture(scope="module")
def notes(texts, tmp_path_factory):
    file = tmp_path_factory.mktemp("data") / "notes.txt"
    file.write_text("\n".join(texts[:12]), encoding="utf-8")
    return file


@pytest.fixture
def spoilt(gpt2_folder, tmp_path, monkeypatch):
    """A folder to be in, with files and models that are not as they should be."""
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text('{"text": "a word"}\n')
    Path("numbers.jsonl").write_text('{"text": 5}\n')
    Path("nothing.jsonl").write_text('{"text": null}\n')
    Path("empty.txt").write_text(" \n\n")
    shutil.copytree(gpt2_folder, "broken")
    Path("broken/tokenizer.json").write_text("{")
    shutil.copytree(gpt2_folder, "bare", ignore=shutil.ignore_patterns("tokenizer*"))


@contextlib.contextmanager
def process(*arguments, path=ROOT):
    paths = os.pathsep.join(dict.fromkeys([str(path), str(ROOT)]))
    environment = {**os.environ, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "nblandscape", "inspect", *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as job:
        try:
            yield job
        finally:
            job.kill()


@pytest.mark.timeout(300)  # a process of its own, on a busy machine
def test_a_table_on_stdout_progress_on_stderr_and_two_files(gpt2_folder, notes, tmp_path):
    target = tmp_path / "report.html"
    options = (*FAST, "--parameters", "layer:-1")
    with process(gpt2_folder, "--text", notes, "--html", target, *options) as job:
        out, err = job.communicate(timeout=280)
    assert job.returncode == 0, err
    lines = out.splitlines()
    assert lines[0] == f"GPT2LMHeadModel, causal-lm, from {gpt2_folder}"
    told = json.loads(target.with_suffix(".json").read_text(encoding="utf-8"))
    table = {line[:20].strip(): line[20:].strip() for line in lines}
    assert table["largest eigenvalue"].startswith(f"{told['spectrum']['values'][0]:.4g} (residual ")
    assert table["loss"].startswith(f"{told['loss']['value']:.4g} ± ")
    assert table["sharpest block"].startswith("layer 1 ")  # nothing else is analysed
    assert lines[-1].startswith(f"{target} (")
    assert "curvature by block, 1 of 1" in err
    assert "Traceback" not in err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_json_alone_on_stdout(gpt2_folder, notes, capsys):
    arguments = [
        "inspect",
        str(gpt2_folder),
        "--text",
        str(notes),
        "--json",
        "--quick",
        "--mode",
        "random",
        *FAST,
    ]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["blocks"] is told["trust"] is told["spectrum"] is None
    assert told["plan"]["mode"] == "random"
    assert told["objective"]["samples"] == 2
    assert "causal-lm, from" in err  # the plan is for people


def test_quiet_prints_the_table_alone(gpt2_folder, notes, capsys):
    arguments = ["inspect", str(gpt2_folder), "--text", str(notes), "--quiet", "--quick", *FAST]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert out.startswith("GPT2LMHeadModel · gpt2\nloss ")
    assert err == ""


def test_a_plan_and_nothing_else(gpt2_folder, notes, capsys):
    arguments = ["inspect", str(gpt2_folder), "--text", str(notes), "--plan", "--overflow", "truncate"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "spectrum   73 products" in out
    assert "trust      16 products" in out  # what the command does beside is counted
    assert main([*arguments, "--quick"]) == 0
    assert "trust " not in capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fits"] is True


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": "nowhere/at/all"}, "There is no folder"),
        ({"data": "missing.txt"}, "missing.txt"),
        ({"--points": "8"}, "points"),
        ({"--html": "report.pdf"}, "a report is an .html file"),
        ({"--html": "no/such/folder/report.html"}, "does not exist"),
        ({"--task": "poetry"}, "--task poetry is unknown"),
        ({"--task": "masked-lm"}, "It was saved from GPT2LMHeadModel. Choose its own task with --task"),
        ({"--parameters": "nothing.*"}, "--parameters 'nothing.*' matches none"),
        ({"--parameters": "layer:9"}, "--parameters layer:9: there is no such layer"),
        ({"--device": "abacus"}, "--device abacus cannot be used here"),
        ({"--device": "cuda:99"}, "--device cuda:99 cannot be used here"),
        ({"--batch-size": "0"}, "--batch-size 0: at least 1"),
        ({"--max-length": "9999"}, "--max-length 9999 is more than the 48 tokens"),
        ({"--eigenpairs": "0"}, "--eigenpairs 0: one of them must be at least 1"),
        ({"--span": "-1"}, "--span (-1.0, -1.0): half-widths must be positive"),
        ({"--metrics": "f1"}, "--metrics f1 is unknown for causal-lm"),
        ({"--text-column": "verse", "data": "rows.jsonl"}, "Name the right one with --text-column or"),
        ({"data": "numbers.jsonl"}, "Text 0 is a int (5); texts are strings"),
        ({"data": "nothing.jsonl"}, "Row 0 has nothing in its column text"),
        ({"data": "empty.txt"}, "empty.txt holds nothing"),
        ({"data": "."}, ". is a folder, not a file"),
        ({"path": "broken"}, "The tokenizer in broken cannot be read"),
        ({"path": "bare"}, "No tokenizer files in bare or the present folder. Pass --tokenizer"),
    ],
)
def test_user_errors_are_one_line_in_flags_and_status_2(spoilt, gpt2_folder, notes, capsys, change, words):
    given = {"path": str(gpt2_folder), "data": str(notes), **change}
    options = [part for pair in change.items() if pair[0].startswith("--") for part in pair]
    status = main(["inspect", given["path"], "--text", given["data"], "--overflow", "truncate", *options])
    out, err = capsys.readouterr()
    assert status == 2
    assert words in err
    assert err.startswith("nblandscape: ")
    assert err.count("\n") == 1
    assert not re.search(r"\w=", err)  # no keyword arguments of Python
    assert out == ""


def test_a_missing_extra_is_one_line_and_status_2(gpt2_folder, notes, tmp_path):
    """Where Transformers is not installed: a process whose imports do not find it."""
    hook = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('transformers', 'safetensors', 'peft', 'tokenizers'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
    )
    (tmp_path / "sitecustomize.py").write_text(hook)
    with process(gpt2_folder, "--text", notes, *FAST, path=tmp_path) as job:
        out, err = job.communicate(timeout=100)
    assert (job.returncode, out) == (2, "")
    assert err == "nblandscape: Models of Hugging Face need Transformers: pip install 'nblandscape[hf]'\n"


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_control_c_leaves_nothing(gpt2_folder, notes, tmp_path):
    target = tmp_path / "report.html"
    options = ("--limit", "12", "--overflow", "truncate", "--points", "129")
    with process(gpt2_folder, "--text", notes, "--html", target, *options) as job:
        assert job.stdout.readline().startswith("GPT2LMHeadModel")  # the plan: the work has begun
        time.sleep(0.5)
        job.send_signal(signal.SIGINT)
        _, err = job.communicate(timeout=120)
    assert job.returncode == 130
    assert err.rstrip().endswith("nblandscape: interrupted; nothing was written.")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
