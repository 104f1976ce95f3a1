"""Recording under the Transformers Trainer."""

from typing import TYPE_CHECKING, Any

try:
    from transformers import TrainerCallback
except ImportError as problem:
    raise ImportError("This callback needs Transformers: pip install nblandscape[hf]") from problem

if TYPE_CHECKING:
    from nblandscape.recorder import Recorder


class Transformers(TrainerCallback):
    """Record a run of ``transformers.Trainer``.

    Parameters
    ----------
    recorder : Recorder
        Of the model that is trained. Steps are the Trainer's global steps (optimizer steps).

    Notes
    -----
    The Trainer tells its loss only when it logs: a checkpoint has a loss if its step was logged
    (``logging_steps`` divides ``every``), and that loss is the mean over the steps since the log before.
    """

    def __init__(self, recorder: "Recorder") -> None:
        self.recorder = recorder
        self._rate: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Tell what it will cost, and record the first weights."""
        if state.is_world_process_zero:
            self.recorder.check(state.max_steps - state.global_step)
            self.recorder.start(state.global_step)

    def on_step_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:  # noqa: ARG002
        """Note the learning rate that the step is made with; its schedule moves on before the step ends."""
        optimizer = given.get("optimizer")
        self._rate = optimizer.param_groups[0]["lr"] if optimizer is not None else None

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Record the weights after an optimizer step."""
        if state.is_world_process_zero:
            self.recorder.step(step=state.global_step, lr=self._rate)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        """Add the loss, which is known only now."""
        if state.is_world_process_zero and "loss" in (logs or {}):
            self.recorder.amend(state.global_step, loss=logs["loss"])

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Record the last weights."""
        if state.is_world_process_zero:
            self.recorder.finish()
