"""How much memory is free: what control groups leave of it."""

from pathlib import Path

import pytest
import torch

from nblandscape import memory
from nblandscape.memory import free_memory


def group(folder: Path, limit: str, used: int, cache: int, *, first: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("limit_in_bytes", "usage_in_bytes") if first else ("max", "current")
    for name, value in zip(names, (limit, used), strict=True):
        (folder / f"memory.{name}").write_text(f"{value}\n")
    name = "total_inactive_file" if first else "inactive_file"
    (folder / "memory.stat").write_text(f"anon 5\n{name} {cache}\n")


@pytest.mark.parametrize("first", [True, False])
def test_the_tightest_group_counts_and_its_page_cache_can_be_dropped(tmp_path, first):
    base = tmp_path / "memory" if first else tmp_path
    group(base, "max" if not first else str(2**60), 0, 0, first=first)
    group(base / "user", "1000", 700, 100, first=first)
    group(base / "user" / "job", "5000", 200, 0, first=first)
    membership = "3:cpu:/\n4:memory:/user/job\n" if first else "0::/user/job\n"
    rooms = memory._group_rooms(membership, tmp_path)
    assert min(rooms) == 400  # of "user": 1000 - 700, and 100 of its pages can be dropped
    assert 4800 in rooms


def test_a_container_that_sees_only_the_root_of_its_groups(tmp_path):
    group(tmp_path, "900", 500, 0, first=False)
    assert memory._group_rooms("0::/docker/1234\n", tmp_path) == [400]


def test_a_group_that_uses_more_than_its_limit_leaves_nothing(tmp_path):
    group(tmp_path, "900", 950, 0, first=False)
    assert memory._group_rooms("0::/\n", tmp_path) == [0.0]


def test_no_limits_no_rooms(tmp_path):
    assert memory._group_rooms("0::/\n", tmp_path) == []
    assert memory._group_rooms("3:cpu,cpuacct:/x\n", tmp_path) == []


def test_free_memory_is_below_what_the_machine_has():
    free = free_memory(torch.device("cpu"))
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    assert 0 < free <= float(lines["MemTotal"].split()[0]) * 1024
