"""What could not even be begun: it stands among others with its error."""

import traceback
from pathlib import Path
from typing import Any

from nblandscape.cancel import CancelSignal
from nblandscape.landscape.landscape import NothingFiniteError
from nblandscape.widgets._sources import Fixed, Run
from nblandscape.widgets._spec import Spec

_PACKAGE = str(Path(__file__).resolve().parents[1])


class FailedSource(Fixed):
    """A source whose every computation ends with the same error."""

    def __init__(self, error: Exception, title: str) -> None:
        super().__init__()
        self.error, self.title = error, title

    @property
    def cost(self) -> float:
        return 0.0

    def describe(self) -> dict[str, Any]:
        return {
            "kind": "function",
            "title": self.title,
            "subtitle": "",
            "variable": "f",
            "can_choose_axes": False,
            "can_resample": False,
            "center": [0.0, 0.0],
            "span_limits": [1.0, 1.0],
            "points_choices": [],
            "point_seconds": 0.0,
            "notice": "",
        }

    def default_spec(self) -> Spec:
        return Spec(1, axes=(0, 1))

    def start(self, spec: Spec, cancel: CancelSignal | None, *, tuned: bool = False) -> Run:  # noqa: ARG002
        raise self.error


def is_of_the_data(error: Exception) -> bool:
    """Whether the user's model, function or values failed, rather than a check of what was asked for."""
    if isinstance(error, NothingFiniteError):
        return True
    if isinstance(error, OSError):  # a path that is not there
        return False
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and not frames[-1].filename.startswith(_PACKAGE)
