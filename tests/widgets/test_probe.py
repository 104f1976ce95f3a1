"""The loss along a line over a grid, by scipy; vitest compares the page's with `probe.json`."""

import json
import os
from pathlib import Path

import numpy as np
from scipy.interpolate import RegularGridInterpolator

PATH = Path(__file__).parents[1] / "data" / "protocol" / "probe.json"


def cases():
    rng = np.random.default_rng(4)
    for n0, n1, ends in (
        (5, 9, ((-1.0, -2.0), (1.0, 2.0))),
        (7, 3, ((-0.9, 0.3), (0.7, 0.3))),
        (9, 9, ((0.0, 0.0), (2.0, 1.0))),
    ):
        x0, x1 = np.linspace(-1, 1, n0), np.linspace(-2, 2, n1)
        values = rng.normal(size=(n0, n1)).astype("f4").astype(float)
        line = np.linspace(*np.array(ends), 21)
        losses = RegularGridInterpolator((x0, x1), values, bounds_error=False)(line)
        yield {
            "x0": x0.tolist(),
            "x1": x1.tolist(),
            "values": values.ravel().tolist(),
            "ends": [list(end) for end in ends],
            "losses": [None if np.isnan(v) else float(v) for v in losses],
        }


def test_the_page_reads_the_lines_that_scipy_does():
    found = list(cases())
    if os.environ.get("NBL_WRITE_FIXTURES") == "1":
        PATH.write_text(json.dumps(found) + "\n")
    assert json.loads(PATH.read_text()) == found
