"""Pictures without a browser: matplotlib figures."""

from nblandscape.figures.basin_map import plot_basin_map
from nblandscape.figures.checkpoints import checkpoints_figure, plane_figure
from nblandscape.figures.comparison import comparison_figure
from nblandscape.figures.curves import plot_contours, plot_density, plot_explained, plot_path, plot_profile
from nblandscape.figures.diagrams import plot_barcode, plot_persistence_curve, plot_persistence_diagram
from nblandscape.figures.plots import figure_of, plot_merge_tree, plot_spectrum, plot_surface
from nblandscape.figures.slices import slices_figure
from nblandscape.figures.terrain import plot_topological_profile
from nblandscape.figures.topology import topology_figure
from nblandscape.figures.tracks import plot_tracks
from nblandscape.figures.trust import plot_trust

__all__ = [
    "checkpoints_figure",
    "comparison_figure",
    "figure_of",
    "plane_figure",
    "plot_barcode",
    "plot_basin_map",
    "plot_contours",
    "plot_density",
    "plot_explained",
    "plot_merge_tree",
    "plot_path",
    "plot_persistence_curve",
    "plot_persistence_diagram",
    "plot_profile",
    "plot_spectrum",
    "plot_surface",
    "plot_topological_profile",
    "plot_tracks",
    "plot_trust",
    "slices_figure",
    "topology_figure",
]
