"""How many computations an explorer waits for."""

import threading
from collections.abc import Callable


class Pending:
    """Counts what was begun and has not ended; waiting cannot miss something that begins meanwhile."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def begin(self) -> None:
        """One more."""
        with self._condition:
            self._count += 1

    def end(self, before_last: Callable[[], None]) -> None:
        """One less; `before_last` runs first if nothing else is pending."""
        with self._condition:
            last = self._count == 1
            if not last:
                self._count -= 1
        if last:
            try:
                before_last()
            finally:
                with self._condition:
                    self._count -= 1
                    self._condition.notify_all()

    @property
    def any(self) -> bool:
        """Whether something is pending."""
        return self._count > 0

    def wait(self, timeout: float | None) -> bool:
        """Block until nothing is pending; False if that takes too long."""
        with self._condition:
            return self._condition.wait_for(lambda: self._count == 0, timeout)
