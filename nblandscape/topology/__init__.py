"""Topology of sampled functions: arrays in; numpy, scipy, gudhi and networkx only."""

from nblandscape.topology.contour_tree import ContourTree, contour_tree
from nblandscape.topology.critical_points import critical_points
from nblandscape.topology.distance import bottleneck, distance_matrix, wasserstein
from nblandscape.topology.group_distance import GroupDistances, group_distances
from nblandscape.topology.merge_tree import MergeTree, merge_tree
from nblandscape.topology.morse_smale import MorseSmale, morse_smale
from nblandscape.topology.neighbours import cell_volumes
from nblandscape.topology.number_errors import numbers_stderr
from nblandscape.topology.persistence import Diagram, persistence
from nblandscape.topology.profile import Profile, profile
from nblandscape.topology.profile_distance import profile_distance
from nblandscape.topology.scattered import neighbour_graph, point_volumes, simplices
from nblandscape.topology.smad import landscaper_smad, smad
from nblandscape.topology.summary import Levels, Summary, basin_metric, over_levels, summary
from nblandscape.topology.support import Support, support
from nblandscape.topology.threshold import Proposal, persistence_curve, propose_threshold
from nblandscape.topology.tracking import Tracks, track
from nblandscape.topology.tree_distance import merge_tree_distance, merge_tree_matching

__all__ = [
    "ContourTree",
    "Diagram",
    "GroupDistances",
    "Levels",
    "MergeTree",
    "MorseSmale",
    "Profile",
    "Proposal",
    "Summary",
    "Support",
    "Tracks",
    "basin_metric",
    "bottleneck",
    "cell_volumes",
    "contour_tree",
    "critical_points",
    "distance_matrix",
    "group_distances",
    "landscaper_smad",
    "merge_tree",
    "merge_tree_distance",
    "merge_tree_matching",
    "morse_smale",
    "neighbour_graph",
    "numbers_stderr",
    "over_levels",
    "persistence",
    "persistence_curve",
    "point_volumes",
    "profile",
    "profile_distance",
    "propose_threshold",
    "simplices",
    "smad",
    "summary",
    "support",
    "track",
    "wasserstein",
]
