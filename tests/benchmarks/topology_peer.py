"""Landscaper's topology and ours in turn, in a process that can be stopped.

``topology_peer.py VALUES.npy SECONDS`` prints a line of JSON for every finished round.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
from measure import silent


def main(path: str, budget: float) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    topology = importlib.import_module("nblandscape.topology")
    peer = importlib.import_module("landscaper").LossLandscape
    # Landscaper's graph compares all pairs of points: it may take what is free, not more
    free = int(0.8 * os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    resource.setrlimit(resource.RLIMIT_AS, (free, free))
    values = np.load(path)
    axes = [np.linspace(-5.0, 5.0, n) for n in values.shape]
    begin = time.perf_counter()
    for _ in range(5):
        start = time.perf_counter()
        tree = topology.merge_tree(values)
        pairs, basins, smad = tree.pairs, tree.basins, topology.smad(tree)
        ours = time.perf_counter() - start
        with silent():
            start = time.perf_counter()
            landscape = peer(values, axes)
            theirs = landscape.smad()
            after_smad = time.perf_counter() - start
            leaves = len(landscape.get_sublevel_tree().leaves)
            bars = len(landscape.get_persistence())
            everything = time.perf_counter() - start
        line = {"ours": ours, "peer_smad": after_smad, "peer": everything, "smad": theirs, "leaves": leaves,
                "bars": bars, "our_smad": smad, "our_pairs": len(pairs),
                "our_basins": len(np.unique(basins))}  # fmt: skip
        print(json.dumps(line, default=float), flush=True)
        if time.perf_counter() - begin + everything > budget:
            return


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
