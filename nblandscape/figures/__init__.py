"""Pictures without a browser: matplotlib figures."""

from nblandscape.figures.curves import plot_contours, plot_density, plot_explained, plot_path, plot_profile
from nblandscape.figures.plots import figure_of, plot_merge_tree, plot_spectrum, plot_surface
from nblandscape.figures.trust import plot_trust

__all__ = [
    "figure_of",
    "plot_contours",
    "plot_density",
    "plot_explained",
    "plot_merge_tree",
    "plot_path",
    "plot_profile",
    "plot_spectrum",
    "plot_surface",
    "plot_trust",
]
