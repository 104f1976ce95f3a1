"""Settings of every test: one OpenMP thread, no deadlines of hypothesis, browser tests last."""

from __future__ import annotations

import os
from pathlib import Path

# Before torch is imported: more OpenMP threads than idle cores make every small operation wait in a barrier.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import hypothesis
import pytest

# Examples take as long as the busy machine lets them; pytest-timeout is the limit that matters. They are the
# same in every run: new ones are looked for with `pytest --hypothesis-profile=search`.
hypothesis.settings.register_profile("nblandscape", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("nblandscape")

E2E = Path(__file__).parent / "e2e"
LESSONS = Path(__file__).parent / "test_lessons.py"
collect_ignore_glob = ["benchmarks/*"]  # they need peers that `make bench` installs elsewhere


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark browser tests, and run them last: Playwright keeps an event loop running in the main thread.

    With several workers the tests of a file stay together, since they share fixtures; lessons go first.
    """
    for item in items:
        if item.path != LESSONS:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
        if E2E in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(300))  # one that opens a JupyterLab first
    items.sort(key=lambda item: (E2E in item.path.parents, item.path != LESSONS))
