"""How a running computation is stopped from outside."""

import threading
from collections.abc import Callable

CancelSignal = Callable[[], bool] | threading.Event


class Cancelled(Exception):  # noqa: N818
    """A computation was stopped on request; what it had yielded before stays valid."""


def check(cancel: CancelSignal | None) -> None:
    """Raise `Cancelled` if the event is set or the function returns True.

    Examples
    --------
    >>> check(None)
    >>> check(lambda: True)
    Traceback (most recent call last):
    nblandscape.cancel.Cancelled: stopped on request
    """
    if cancel is None:
        return
    if cancel.is_set() if isinstance(cancel, threading.Event) else cancel():
        raise Cancelled("stopped on request")
