"""Recording under the Transformers Trainer."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nblandscape.recording import recorded

try:
    from transformers import TrainerCallback
except ImportError as problem:
    raise ImportError("This callback needs Transformers: pip install nblandscape[hf]") from problem

if TYPE_CHECKING:
    from nblandscape.recorder import Recorder

_CHECKPOINTS = 10  # of a run that names no interval


class Transformers(TrainerCallback):  # type: ignore[misc]  # mypy does not read Transformers
    """Record a run of ``transformers.Trainer``.

    Parameters
    ----------
    recorder : Recorder or folder
        Of the model that is trained. With a folder, the recorder is made when the training begins, of the
        Trainer's own model (``model_init=`` too); a run that the Trainer resumes goes on in it. Steps are
        the Trainer's global steps (optimizer steps).
    every : int, optional
        With a folder: record every so many steps; by default a tenth of the run.
    options
        With a folder: further ones of `Recorder`, ``parameters="*lora*"`` for adapters, say.

    Notes
    -----
    The Trainer tells its loss only when it logs: a checkpoint has a loss if its step was logged
    (``logging_steps`` divides ``every``), and that loss is the mean over the steps since the log before.

    A run that was not recorded can be looked at, too: `nblandscape.compare_checkpoints` takes the Trainer's
    output folder.
    """

    def __init__(
        self, recorder: "Recorder | str | os.PathLike[str]", *, every: int | None = None, **options: Any
    ) -> None:
        if not isinstance(recorder, (str, os.PathLike)):
            if every is not None or options:
                given = "every" if every is not None else next(iter(options))
                raise ValueError(f"{given}= belongs to a folder; a Recorder has its own.")
            self._made: Recorder | None = recorder
        else:
            self._made = None
            self._folder, self._every, self._options = Path(recorder), every, options
        self._rate: float | None = None

    @property
    def recorder(self) -> "Recorder":
        """What records.

        Raises
        ------
        RuntimeError
            A folder was given, and the training has not begun.
        """
        if self._made is None:
            raise RuntimeError(f"Nothing is recorded in {self._folder} before the training begins.")
        return self._made

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:  # noqa: ARG002
        """Tell what it will cost, and record the first weights."""
        if not state.is_world_process_zero:
            return
        if self._made is None:
            from nblandscape.recorder import Recorder

            every = self._every or max(1, state.max_steps // _CHECKPOINTS)
            resumed = state.global_step > 0 and bool(recorded(self._folder))
            options = {"resume": resumed, **self._options}
            self._made = Recorder(given["model"], self._folder, every=every, **options)
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
