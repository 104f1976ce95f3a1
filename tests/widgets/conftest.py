"""Explorers of tests are closed, whatever happens."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nblandscape as nbl


@pytest.fixture
def explore() -> Iterator[Callable[..., nbl.Explorer]]:
    made: list[nbl.Explorer] = []

    def make(*arguments: Any, **options: Any) -> nbl.Explorer:
        made.append(nbl.explore(*arguments, **options))
        return made[-1]

    yield make
    for explorer in made:
        explorer.close()
