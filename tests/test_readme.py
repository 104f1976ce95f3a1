"""README's code runs as it stands, and what it names is there."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import nblandscape as nbl
from tests.huggingface import small

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.timeout(300)  # a busy machine
def test_its_python_runs_in_the_order_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {
        "model": torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)),
        "batches": (torch.randn(20, 3, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 2),
        "array": np.random.default_rng(0).normal(size=(9, 9)),
    }
    names["x"], names["y"] = names["batches"]
    names["executor"] = ThreadPoolExecutor(1)
    names["checkpoints"] = [names["model"].state_dict()]
    names["texts"] = small.sentences()[:4]
    tokenizer = small.byte_tokenizer(names["texts"])
    small.saved(small.gpt2(tokenizer), tmp_path / "checkpoint", tokenizer)
    names["landscape"] = nbl.Landscape.from_array(names["array"])
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 7
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
        if "inspected" in names:  # or it would go on beside the rest
            names.pop("inspected").close()
    names["explorer"].wait(60)
    assert names["tree"].minima.size >= 1
    assert (tmp_path / "run.zarr").is_dir()
    names["executor"].shutdown()
    names["explorer"].close()


def test_its_first_block_is_the_two_commands_and_make_knows_them():
    first = re.search(r"```\n(.*?)```", README, re.DOTALL)[1]
    commands = [line.split("#")[0].strip() for line in first.splitlines()]
    assert commands == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "test", "lab", "soak", "bench"):
        assert re.search(rf"\b{target}\b", makefile), target


def test_its_links_and_pictures_exist():
    paths = re.findall(r"\]\(([^)]+)\)", README) + re.findall(r'src(?:set)?="([^"]+)"', README)
    assert len(paths) >= 2
    for path in paths:
        assert (ROOT / path).exists(), path
