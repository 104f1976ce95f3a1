"""Run the benchmarks: ``python tests/benchmarks/run.py [names] [--quick]``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import traceback
from pathlib import Path

NAMES = ("spectrum", "products", "landscape", "adaptive", "cost", "topology", "huggingface", "widget")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(NAMES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="few repeats, small sizes: a check only")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"no benchmark called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    # Before numpy and torch are imported; on a busy core a second thread waits in a barrier all the time.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    root = Path(__file__).resolve().parents[2]
    sys.path[1:1] = [str(root), str(root / "tests" / "e2e")]
    failed = []
    for name in arguments.names or NAMES:
        start = time.monotonic()
        print(f"… {name}", file=sys.stderr, flush=True)
        try:
            report = importlib.import_module(f"bench_{name}").run(quick=arguments.quick)
        except Exception:  # noqa: BLE001 - the other benchmarks still run; the exit code tells
            traceback.print_exc()
            failed.append(name)
            continue
        path = report.save(quick=arguments.quick)
        print(report, flush=True)
        print(f"… {name}: {time.monotonic() - start:.0f} s, raw numbers in {path}", file=sys.stderr)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
