"""Recording under real trainers: a tiny GPT-2 with Transformers, a small classifier with Lightning."""

import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import nblandscape as nbl
from nblandscape.recorder import Recorder


def test_neither_library_is_imported_unasked():
    code = (
        "import sys, nblandscape.callbacks, nblandscape.recorder\n"
        "print([m for m in ('transformers', 'pytorch_lightning') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    from nblandscape import callbacks

    with pytest.raises(AttributeError, match="Keras"):
        _ = callbacks.Keras


def tokens(n: int = 16) -> list[dict[str, torch.Tensor]]:
    ids = torch.randint(0, 13, (n, 6), generator=torch.Generator().manual_seed(0))
    return [{"input_ids": row, "labels": row} for row in ids]


def language_loss(model: torch.nn.Module, batch: torch.Tensor) -> tuple[torch.Tensor, int]:
    logits = model(input_ids=batch).logits[:, :-1]
    losses = torch.nn.functional.cross_entropy(
        logits.reshape(-1, 13), batch[:, 1:].reshape(-1), reduction="sum"
    )
    return losses, batch[:, 1:].numel()


def test_a_run_of_the_transformers_trainer(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what other people's imports warn of
        from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

        from nblandscape.callbacks import Transformers

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=13, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    model = GPT2LMHeadModel(config)
    first = {name: value.clone() for name, value in model.state_dict().items()}
    recorder = Recorder(model, tmp_path / "recording", every=3)
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "out"),
        max_steps=10,
        per_device_train_batch_size=4,
        learning_rate=0.05,
        logging_steps=3,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = Trainer(model, arguments, train_dataset=tokens(), callbacks=[Transformers(recorder)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.train()

    recording = Recorder.open(tmp_path / "recording")
    assert recording.steps.tolist() == [0, 3, 6, 9, 10]
    logged = {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
    np.testing.assert_allclose(recording.losses[1:4], [logged[step] for step in (3, 6, 9)])
    assert np.isnan(recording.losses[[0, 4]]).all()
    steps = recording.steps[1:]
    np.testing.assert_allclose(recording.learning_rates[1:], 0.05 * (1 - (steps - 1) / 10))  # linear schedule
    assert all(torch.equal(recording[0][name], value) for name, value in first.items())
    assert all(torch.equal(recording[-1][name], value) for name, value in model.state_dict().items())

    batch = torch.stack([row["input_ids"] for row in tokens()])
    objective = nbl.Objective.from_batch_loss(model, language_loss, [batch])
    plane = nbl.Subspace.trajectory(objective, recorder)
    assert plane.provenance["steps"] == recording.steps.tolist()
    assert plane.provenance["held"] == []  # the tied head is no frozen weight
    landscape = nbl.sample(objective, plane, points=3)
    assert landscape.origin_value == objective.loss() < objective.at(first).loss()
    assert landscape.holes == 0

    weights = objective.unflatten(objective.origin())  # GPT-2's linear layers are (in, out)
    direction = objective.unflatten(nbl.Subspace.random(objective, 1).directions[0])
    name = "transformer.h.0.attn.c_attn.weight"
    torch.testing.assert_close(direction[name].norm(dim=0), weights[name].norm(dim=0))


def test_a_run_of_lightning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pytorch_lightning as lightning

        from nblandscape.callbacks import Lightning

    x = torch.randn(32, 3, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()

    class Classifier(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
            self.losses: list[float] = []

        def training_step(self, batch, index):
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.losses.append(loss.item())
            return loss

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=0.5)
            schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
            return {"optimizer": optimizer, "lr_scheduler": schedule}

    torch.manual_seed(0)
    module = Classifier()
    recorder = Recorder(module.net, tmp_path / "recording", every=2)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=2,
            accumulate_grad_batches=2,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=str(tmp_path),
            callbacks=[Lightning(recorder)],
        )
        trainer.fit(module, loader)

    recording = recorder.recording
    assert recording.steps.tolist() == [0, 2, 4, 6, 8]  # optimizer steps, of two batches each
    np.testing.assert_allclose(recording.losses[1:], module.losses[3::4], rtol=1e-6)
    np.testing.assert_allclose(recording.learning_rates[1:], [0.5, 0.5, 0.25, 0.25])
    assert torch.equal(recording[-1]["0.weight"], module.net[0].weight)

    objective = nbl.Objective(module.net, torch.nn.CrossEntropyLoss(), (x, y))
    landscape = nbl.sample(objective, nbl.Subspace.trajectory(objective, recording), points=3)
    assert landscape.origin_value == objective.loss()


def test_only_the_steps_that_are_left_must_fit_on_the_disk(tmp_path, monkeypatch):
    """A run that is resumed at step 90 of 100 writes a tenth of its checkpoints."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nblandscape.callbacks import Lightning, Transformers

    recorder = Recorder(torch.nn.Linear(2, 2), tmp_path)
    asked: list[int] = []
    monkeypatch.setattr(recorder, "check", asked.append)
    state = SimpleNamespace(is_world_process_zero=True, max_steps=100, global_step=90)
    Transformers(recorder).on_train_begin(None, state, None)
    trainer = SimpleNamespace(is_global_zero=True, estimated_stepping_batches=100.0, global_step=90)
    Lightning(recorder).on_train_start(trainer, None)
    assert asked == [10, 10]
