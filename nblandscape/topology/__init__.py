"""Topology of sampled functions: arrays in; numpy, scipy, gudhi and networkx only."""

from nblandscape.topology.merge_tree import MergeTree, merge_tree
from nblandscape.topology.persistence import Diagram, persistence
from nblandscape.topology.smad import smad

__all__ = ["Diagram", "MergeTree", "merge_tree", "persistence", "smad"]
