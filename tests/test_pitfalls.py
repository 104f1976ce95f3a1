"""Every trap that a loss-landscape tool was seen to fall into has a test here that carries its number.

The numbers P1 to P60 are those of the project's list of pitfalls; a test that shows the right behaviour for
P12 is called ``test_p12_...``, or ``test_p12_p13_...`` if it settles two.
"""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
PITFALLS = range(1, 61)


def _test_names() -> dict[str, str]:
    """Names of all test functions, with their files."""
    found = {}
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[node.name] = path.name
    return found


def test_every_pitfall_has_a_test_of_its_name():
    numbers = {
        int(number)
        for name in _test_names()
        for number in re.findall(r"(?<=_)p(\d+)(?=_)", name.removeprefix("test") + "_")
    }
    assert not set(PITFALLS) - numbers, "pitfalls without a test"
    assert numbers <= set(PITFALLS), "tests with a number that no pitfall has"
