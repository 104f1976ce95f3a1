"""Plans: sizes read off shapes against real ones, arithmetic, verdicts and remedies."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import nblandscape as nbl
from nblandscape.huggingface import plan as planning
from nblandscape.huggingface.budget import Choice, remedies_of, steps_of
from nblandscape.huggingface.plan import plan_inspection
from nblandscape.huggingface.report import measure_report
from nblandscape.huggingface.sizes import Sizes, machine_speed, outline_of
from nblandscape.memory import peak_bytes
from tests.huggingface import small

LARGE = Sizes("GPT2LMHeadModel", 124_439_808, 124_439_808, torch.float32, 497_759_232, True,
              8, 2, 1024, 3e11, 10**8, 2 * 10**9, 4 * 10**9, 14, 39_383_808)  # fmt: skip
PARTS = (("layer:-1", 7_087_872), ("head", 38_597_376))


@pytest.fixture
def free(monkeypatch):
    """Set the memory that is free."""
    return lambda count: monkeypatch.setattr(planning, "free_memory", lambda device: float(count))


def test_sizes_of_a_folder_are_those_of_the_loaded_model(gpt2_folder, texts):
    """No weights are read for the plan, so the outline must agree with what loading gives."""
    options = {"limit": 10, "overflow": "truncate", "batch_size": 5}
    plan = plan_inspection(gpt2_folder, texts, **options)
    objective = nbl.from_transformers(gpt2_folder, texts, **options)
    sizes = plan.sizes
    assert sizes.total == sizes.analysed == objective.num_parameters
    assert (sizes.samples, sizes.batches, plan.available) == (10, 2, len(texts))
    assert sizes.tokens >= objective.description["tokens"]  # padding is computed as well
    assert sizes.stored == 4 * sizes.total
    start = objective.origin()
    assert sizes.forward == pytest.approx(peak_bytes(lambda: objective.point(start)), rel=0.5)
    assert 0.8 * objective.graph_memory() < sizes.graphs < 3 * objective.graph_memory()


def test_planning_a_folder_loads_no_weights(gpt2_folder, texts, tmp_path):
    """The numbers are overwritten: only the header is left."""
    copy = tmp_path / "headers"
    copy.mkdir()
    for file in gpt2_folder.iterdir():
        content = file.read_bytes()
        if file.suffix == ".safetensors":
            length = int.from_bytes(content[:8], "little")
            content = content[: 8 + length] + b"\xff" * (len(content) - 8 - length)  # every number a NaN
        (copy / file.name).write_bytes(content)
    assert plan_inspection(copy, texts, limit=4, overflow="truncate").fits
    with pytest.raises(ValueError, match="loss is nan"):
        nbl.from_transformers(copy, texts, limit=4, overflow="truncate")


def test_a_plan_leaves_model_and_generators_alone(texts, bytes_):
    model = small.gpt2(bytes_)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    flags = [p.requires_grad for p in model.parameters()]
    attention, state = model.config._attn_implementation, torch.get_rng_state()
    plan_inspection(model, texts[:4], task="causal-lm", tokenizer=bytes_, overflow="truncate")
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert [p.requires_grad for p in model.parameters()] == flags
    assert model.config._attn_implementation == attention
    assert not any(p.is_meta for p in model.parameters())


def test_half_precision_counts_the_weights_twice(texts, bytes_, tmp_path):
    folder = small.saved(small.gpt2(bytes_).to(torch.bfloat16), tmp_path / "half", bytes_)
    plan = plan_inspection(folder, texts[:4], overflow="truncate")
    assert plan.sizes.dtype == torch.float32
    assert plan.sizes.stored == 2 * plan.sizes.total
    assert plan.steps[0].bytes == 6 * plan.sizes.total  # as stored, and as analysed


def test_an_adapter_is_small(adapter_folder, texts):
    plan = plan_inspection(adapter_folder, texts[:4], overflow="truncate")
    assert plan.sizes.analysed == 512 < plan.sizes.total
    assert "512 analysed" in repr(plan)


def test_images_and_pairs(digits_folder, tmp_path, texts):
    images, labels = small.digits(20)
    plan = plan_inspection(digits_folder, list(zip(images, labels.tolist(), strict=True)), batch_size=10)
    assert plan.sizes.flops > 0
    assert "20 images in 2 batches" in repr(plan)
    tokenizer = small.sequence_tokenizer(texts)
    folder = small.saved(small.t5(tokenizer), tmp_path / "t5", tokenizer)
    assert plan_inspection(folder, list(zip(texts[:4], texts[4:8], strict=True))).sizes.product > 0


def test_operations_are_those_of_the_matrix_products(bytes_):
    """A linear layer by hand: 2 in out per row."""
    outline = outline_of(torch.nn.Linear(3, 5))
    assert all(p.is_meta for p in outline.parameters())
    counter = torch.utils.flop_counter.FlopCounterMode(display=False)
    with counter:
        outline(torch.empty(7, 3, device="meta"))
    assert counter.get_total_flops() == 2 * 7 * 3 * 5
    assert 1e8 < machine_speed() < 1e14


def test_a_gpt2_of_124_million_parameters_by_hand():
    choice = Choice(points=17, largest=1, smallest=1, copied=False)
    weights, spectrum, landscape = steps_of(LARGE, choice, free=64e9, evaluation=2.0)
    vector = 4 * LARGE.total
    assert weights.bytes == LARGE.stored
    basis = int(0.25 * 64e9 / vector) * vector  # a quarter of the memory holds 32 of 39 rows
    assert spectrum.bytes == weights.bytes + basis + 2 * vector + 24 * LARGE.total + 4 * 10**9
    assert spectrum.seconds == pytest.approx(37 * (12 + 32 * vector / 5e9))
    assert landscape.bytes == weights.bytes + 9 * vector + 10**8
    assert landscape.seconds == pytest.approx(289 * (2 + 3 * vector / 5e9))
    assert [step.verdict for step in (weights, spectrum, landscape)] == ["fits", "fits", "slow"]
    random = steps_of(LARGE, Choice("random", 17, held=True, copied=False), free=64e9, evaluation=2.0)[1]
    assert random.bytes == vector + 10**8  # the moving weights only


def test_a_report_is_counted_by_hand():
    """Of the same model: 12 probes, two for the plane, two for the batches; 20 draws, 10 for a block."""
    choice = Choice(points=17, largest=1, smallest=1, copied=False, report=True, metrics=1)
    steps = {s.name: s for s in steps_of(LARGE, choice, free=64e9, evaluation=2.0, product=10.0)}
    assert list(steps) == ["weights", "spectrum", "landscape", "trust", "blocks"]
    vector, points = 4 * LARGE.total, 289
    assert steps["landscape"].seconds == pytest.approx(points * (2 * 2 + 3 * vector / 5e9))
    assert steps["trust"].work == "16 products"
    assert steps["trust"].seconds == pytest.approx(16 * 10 + 20 * 4)
    assert steps["trust"].bytes == LARGE.stored + 26 * vector + 24 * LARGE.total + 4 * 10**9
    assert steps["blocks"].work == "160 products"
    assert steps["blocks"].seconds == pytest.approx(1600)
    random = dataclasses.replace(choice, mode="random")
    trace = steps_of(LARGE, random, free=64e9, evaluation=2.0)[-1]
    assert (trace.name, trace.work) == ("trace", "77 losses")
    assert trace.seconds == pytest.approx(77 * (4 + LARGE.total / 1.5e8))
    tight = remedies_of(LARGE, choice, PARTS, free=16e9, evaluation=2.0)
    assert any(r.startswith("report=None (neither trust report nor") for r in tight)


def test_what_is_counted_is_what_a_report_takes(gpt2_folder, texts):
    """Products and losses of the real thing against the plan's."""
    options = {"limit": 4, "batch_size": 2, "overflow": "truncate", "metrics": "accuracy"}
    plan = plan_inspection(gpt2_folder, texts, report=True, points=9, **options)
    assert plan.choice.metrics == 1
    assert plan.sizes.blocks == 4
    with nbl.inspect(gpt2_folder, texts, report=True, points=9, quiet=True, wait=True, **options) as explorer:
        report = measure_report(explorer)
        assert math.isfinite(explorer.plan.product)
        made = explorer.eigenpairs.products
    products = {s.name: int(s.work.split()[0]) for s in plan.steps if s.name in ("trust", "blocks")}
    assert products["trust"] == report.trust.products
    assert products["blocks"] == pytest.approx(report.blocks.products, rel=0.3)
    spectrum = int(plan.step("spectrum").work.split()[0])
    assert spectrum == pytest.approx(made, rel=0.5)


def test_a_report_that_does_not_fit_does_not_take_the_spectrum_away(free, gpt2_folder, texts):
    options = {"limit": 8, "overflow": "truncate", "points": 9, "largest": 1, "smallest": 1}
    free(1.0)
    least = plan_inspection(gpt2_folder, texts, report=True, **options)
    free(least.step("trust").bytes - 1.0)
    plan = plan_inspection(gpt2_folder, texts, report=True, **options)
    verdicts = {s.name: s.verdict for s in plan.steps}
    assert (plan.choice.mode, verdicts["trust"], plan.fits) == ("hessian", "does not fit", False)
    assert any(r.startswith("report=None") for r in plan.remedies)
    assert plan_inspection(gpt2_folder, texts, **options).fits


@given(
    analysed=st.integers(1, 10**9),
    points=st.sampled_from([9, 17, 33]),
    pairs=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    free=st.floats(1e6, 1e12),
    copied=st.booleans(),
    held=st.booleans(),
)
def test_choosing_less_never_takes_more(analysed, points, pairs, free, copied, held):
    sizes = dataclasses.replace(LARGE, total=10**9, analysed=analysed)
    choice = Choice("hessian", points, *pairs, held=held, copied=copied)

    def most(s, c):
        steps = steps_of(s, c, free=free, evaluation=0.1)
        return max(step.bytes for step in steps), math.fsum(step.seconds for step in steps)

    size, seconds = most(sizes, choice)
    assert size > 0
    for s, c in (
        (sizes, dataclasses.replace(choice, copied=False)),
        (sizes, dataclasses.replace(choice, held=True)),
        (sizes, dataclasses.replace(choice, mode="random")),
        (sizes, dataclasses.replace(choice, largest=1, smallest=1)),
        (sizes, dataclasses.replace(choice, points=9)),
    ):
        other = most(s, c)
        assert other[0] <= size
        if c.mode == "hessian":
            assert other[1] <= seconds


@given(free=st.floats(1e8, 1e11), evaluation=st.floats(1e-3, 60), held=st.booleans())
def test_every_remedy_with_a_number_fits(free, evaluation, held):
    choice = Choice(held=held)
    fits = all(s.verdict != "does not fit" for s in steps_of(LARGE, choice, free=free, evaluation=evaluation))
    remedies = remedies_of(LARGE, choice, PARTS, free=free, evaluation=evaluation)
    units = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
    for remedy in remedies:
        if ": " in remedy:
            number, unit = remedy.split(": ")[1].split(",")[0].split(" ")
            assert float(number) * units[unit] <= free * 1.01
    steps = steps_of(LARGE, choice, free=free, evaluation=evaluation)
    if fits and sum(step.seconds for step in steps) < 600:
        assert not remedies


def test_what_does_not_fit_is_said_and_what_would():
    steps = steps_of(LARGE, Choice(), free=9e9, evaluation=0.1)
    assert [step.verdict for step in steps] == ["fits", "does not fit", "tight"]
    remedies = remedies_of(LARGE, Choice(), PARTS, free=9e9, evaluation=0.1)
    assert any(r.startswith('parameters="layer:-1" (7,087,872 of them): ') for r in remedies)
    assert any(r.startswith('mode="random"') for r in remedies)
    assert not any(r.startswith("points=17") for r in remedies)  # would not make the spectrum fit
    halved = remedies_of(LARGE, Choice(), PARTS, free=17e9, evaluation=0.1)
    assert any(r.startswith('basis="half" (float16') for r in halved)
    steps = [steps_of(LARGE, Choice(basis=b), free=17e9, evaluation=0.1)[1].bytes for b in ("full", "half")]
    assert steps[0] - steps[1] == 26 * 4 * LARGE.total // 2  # half of the least basis for eight pairs
    held = remedies_of(LARGE, Choice(held=True), PARTS, free=1.2e9, evaluation=0.1)
    assert [r.split(":")[0] for r in held] == ['mode="random" (losses only, no spectrum)']


def test_auto_takes_random_directions_where_the_hessian_does_not_fit(free, gpt2_folder, texts):
    options = {"limit": 16, "overflow": "truncate"}
    full = plan_inspection(gpt2_folder, texts, **options)
    assert full.choice.mode == "hessian"
    free(2.5e6)
    plan = plan_inspection(gpt2_folder, texts, **options)
    assert (plan.choice.mode, plan.fits) == ("random", True)
    assert "random directions: the Hessian's directions do not fit into memory." in repr(plan)
    assert plan.to_dict()["reason"] == "the Hessian's directions do not fit into memory"
    assert full.reason == ""
    assert all('mode="random"' not in remedy for remedy in plan.hessian)
    forced = plan_inspection(gpt2_folder, texts, mode="hessian", **options)
    assert not forced.fits
    assert any(r.startswith('mode="random"') for r in forced.remedies)
    free(1e4)
    plan = plan_inspection(gpt2_folder, texts, **options)
    assert not plan.fits
    assert "a machine with more memory" in repr(plan)


def test_an_objective_is_measured(gpt2_folder, texts):
    objective = nbl.from_transformers(gpt2_folder, texts, limit=4, overflow="truncate")
    plan = plan_inspection(objective, points=9)
    assert plan.measured == "products and points"
    assert plan.sizes.product > 0
    assert plan.steps[0].bytes == 0  # they are there
    assert all(step.seconds > 0 for step in plan.steps[1:])
    assert (plan.task, plan.source, plan.available) == ("causal-lm", str(gpt2_folder), len(texts))


def test_an_objective_of_any_model():
    objective = nbl.Objective(torch.nn.Linear(2, 1), torch.nn.MSELoss(), (torch.eye(2), torch.zeros(2, 1)))
    plan = plan_inspection(objective, points=9)
    assert plan.fits
    assert "2 samples in 1 batch\n" in repr(plan)


def test_rows_and_json(gpt2_folder, texts):
    plan = plan_inspection(gpt2_folder, texts, limit=4, overflow="truncate", points=9)
    rows = plan.to_frame()
    assert rows["step"].tolist() == ["weights", "spectrum", "landscape"]
    assert rows["bytes"].tolist() == [step.bytes for step in plan.steps]
    assert np.isfinite(rows["seconds"]).all()
    told = json.loads(json.dumps(plan.to_dict(), allow_nan=False))
    assert told["sizes"]["dtype"] == "float32"
    unknown = dataclasses.replace(plan, evaluation=math.nan)._with_mode("hessian")
    assert unknown.to_dict()["steps"][1]["seconds"] is None
    assert " ? " in repr(unknown)


def test_bad_arguments(gpt2_folder, texts):
    with pytest.raises(ValueError, match="mode='loss'"):
        plan_inspection(gpt2_folder, texts, mode="loss")
    with pytest.raises(ValueError, match='basis=\'bfloat16\'; use "full" or "half"'):
        plan_inspection(gpt2_folder, texts, basis="bfloat16")
    with pytest.raises(ValueError, match="points"):
        plan_inspection(gpt2_folder, texts, points=10)
    with pytest.raises(ValueError, match="overflow="):
        plan_inspection(gpt2_folder, ["word " * 500])
