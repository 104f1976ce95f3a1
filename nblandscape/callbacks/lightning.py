"""Recording under Lightning."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from pytorch_lightning import Callback

    from nblandscape.recorder import Recorder
else:
    _NAMES = ("lightning.pytorch", "pytorch_lightning")  # two packages of the same code: take the one in use

    def _library() -> Any:
        for name in sorted(_NAMES, key=lambda name: name not in sys.modules):
            try:
                return import_module(name)
            except ImportError:
                continue
        raise ImportError("This callback needs Lightning: pip install pytorch-lightning")

    Callback = _library().Callback


class Lightning(Callback):
    """Record a run of a Lightning ``Trainer``.

    Parameters
    ----------
    recorder : Recorder
        Of the `LightningModule`, or of a module inside it. Steps are the trainer's global steps.
    """

    def __init__(self, recorder: "Recorder") -> None:
        self.recorder = recorder
        self._last = 0
        self._rate: float | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Tell what it will cost, and record the first weights."""
        self._last = trainer.global_step
        if trainer.is_global_zero:
            steps = trainer.estimated_stepping_batches
            if steps not in (-1, float("inf")):
                self.recorder.check(int(steps) - trainer.global_step)
            self.recorder.start(trainer.global_step)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Note the learning rate that the step is made with; its schedule moves on before the batch ends."""
        self._rate = trainer.optimizers[0].param_groups[0]["lr"] if trainer.optimizers else None

    def on_train_batch_end(
        self,
        trainer: Any,
        pl_module: Any,
        outputs: Any,
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Record the weights, if this batch ended with an optimizer step."""
        if trainer.global_step == self._last or not trainer.is_global_zero:
            return
        self._last = trainer.global_step
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        known = loss if isinstance(loss, torch.Tensor) else None
        if known is not None and pl_module.automatic_optimization:
            known = known * trainer.accumulate_grad_batches  # Lightning has divided it to accumulate
        self.recorder.step(step=trainer.global_step, loss=known, lr=self._rate)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Record the last weights."""
        if trainer.is_global_zero:
            self.recorder.finish()
