"""One list of options: signatures, defaults and the command line follow from it."""

import argparse
import inspect

import pytest

import nblandscape as nbl
from nblandscape import cli
from nblandscape.huggingface.command import _arguments
from nblandscape.huggingface.options import Options

NAMES = list(Options.__annotations__)
# A path is loaded by nobody else, so that nothing is copied; the cache's bytes are for programs.
NOT_FOR_A_SHELL = {"copy", "graph_bytes"}


def parsed(*arguments: str) -> dict:
    parser = argparse.ArgumentParser()
    cli._add_inspect(parser.add_subparsers())
    return vars(parser.parse_args(["inspect", "model", "--text", "notes.txt", *arguments]))


@pytest.mark.parametrize("function", [nbl.from_transformers, nbl.inspect, nbl.plan_inspection])
def test_every_option_is_in_the_signature_with_its_default(function):
    parameters = inspect.signature(function).parameters
    assert list(parameters)[-len(NAMES) :] == NAMES
    assert all(p.kind is not p.VAR_KEYWORD for p in parameters.values())
    assert parameters["limit"].default == (None if function is nbl.from_transformers else 64)
    assert (parameters["overflow"].default, parameters["batch_size"].default) == ("error", 8)
    assert parameters["copy"].annotation is bool
    with pytest.raises(TypeError, match=rf"{function.__name__}\(\) has no option.*did you mean batch_size"):
        function("model", [], batchsize=2)


def test_the_command_has_every_option_and_no_defaults_of_its_own():
    bare = _arguments(parsed())
    assert bare == {}
    values = {"limit": "3", "batch_size": "2", "max_length": "9", "seed": "5"}
    values |= {"overflow": "split", "batchnorm": "batch", "products": "finite-difference", "dtype": "float64"}
    given = []
    for name in NAMES:
        if name not in NOT_FOR_A_SHELL:
            flag = "--" + name.replace("_", "-")
            switch = Options.__annotations__[name] in (bool, bool | None)
            given += [flag] if switch else [flag, values.get(name, name)]
    found = _arguments(parsed(*given))
    assert found.keys() == set(NAMES) - NOT_FOR_A_SHELL
    assert (found["limit"], found["metrics"], found["trust_remote_code"]) == (3, ["metrics"], True)
    assert str(found["dtype"]) == "torch.float64"
    assert _arguments(parsed("--limit", "0", "--eigenpairs", "2", "--loss-only")) == {
        "limit": None,
        "largest": 2,
        "smallest": 2,
        "mode": "random",
    }
