"""One process: a GPT-2 of 124 million parameters, its peak memory over its weights after every step."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
# curvlinops pulls a CUDA build of torchvision that cannot be imported beside a CPU torch.
sys.modules.setdefault("torchvision", None)  # type: ignore[arg-type]
import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

import nblandscape as nbl  # noqa: E402

TOKENS = 32
STORED, PAIRS = "two stored directions, 3²", "Hessian pairs of one block"


def kilobytes(key: str) -> int:
    with open("/proc/self/status") as lines:  # noqa: PTH123
        return next(int(line.split()[1]) for line in lines if line.startswith(key))


def loss(model: torch.nn.Module, ids: torch.Tensor) -> tuple[torch.Tensor, float]:
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
    targets = ids[:, 1:]
    total = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
    return total, float(targets.numel())


def steps(
    config: dict[str, int], copy: bool, points: int, samples: int
) -> list[tuple[str, Callable[[], Any]]]:
    """What is done, in order; every step keeps what it makes for the next."""
    kept: dict[str, Any] = {}

    def model() -> None:
        kept["model"] = transformers.GPT2LMHeadModel(transformers.GPT2Config(**config)).eval()

    def objective() -> None:
        vocabulary = kept["model"].config.vocab_size
        ids = torch.randint(0, vocabulary, (1, TOKENS), generator=torch.Generator().manual_seed(0))
        kept["ids"] = ids
        kept["objective"] = nbl.Objective.from_batch_loss(kept["model"], loss, [ids], copy=copy)

    def plane() -> None:
        kept["plane"] = nbl.Subspace.random(kept["objective"], 2, stored=False)

    def forward() -> None:
        with torch.no_grad():
            loss(kept["model"], kept["ids"])

    def landscape() -> None:
        kept["values"] = nbl.sample(kept["objective"], kept["plane"], span=0.1, points=points).values
        assert np.isfinite(kept["values"]).all()

    def trace() -> None:
        nbl.hessian_trace(kept["objective"], method="loss", samples=samples)

    def stored() -> None:
        kept["plane"] = nbl.Subspace.random(kept["objective"], 2)
        nbl.sample(kept["objective"], kept["plane"], span=0.1, points=3)
        del kept["objective"], kept["plane"]

    def block() -> None:
        layer = nbl.Objective.from_batch_loss(
            kept["model"], loss, [kept["ids"]], parameters="transformer.h.1.mlp.*", copy=copy
        )
        spectrum = nbl.hessian_spectrum(layer, largest=1, smallest=1)
        assert spectrum.converged.all()

    return [
        ("the model itself", model),
        ("objective", objective),
        ("directions as seeds", plane),
        ("one bare forward", forward),
        (f"random slice, {points}²", landscape),
        (f"loss-only trace, {samples} samples", trace),
        (STORED, stored),
        (PAIRS, block),
    ]


def main(copy: str, points: str, samples: str) -> None:
    torch.set_num_threads(1)
    small = {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 100, "bos_token_id": 0, "eos_token_id": 0}
    for _, step in steps(small, copy == "copy", 3, 1):
        step()
    rows = []
    # `steps` holds what was made; the small model's is gone by now.
    base = kilobytes("VmRSS")
    weights = 124_439_808 * 4 / 1024
    for name, step in steps({}, copy == "copy", int(points), int(samples)):
        with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123
            file.write("5")
        begin = time.perf_counter()
        step()
        seconds = time.perf_counter() - begin
        rows.append((name, (kilobytes("VmHWM") - base) / weights, seconds))
    print(json.dumps(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
