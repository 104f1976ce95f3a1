"""Checkpoints of one architecture, side by side: numbers, slices, and the plane through them."""

from nblandscape.checkpoints.compare import compare_checkpoints, iter_compare_checkpoints
from nblandscape.checkpoints.stages import Stage, stages_of
from nblandscape.checkpoints.study import CheckpointRow, CheckpointStudy

__all__ = [
    "CheckpointRow",
    "CheckpointStudy",
    "Stage",
    "compare_checkpoints",
    "iter_compare_checkpoints",
    "stages_of",
]
