"""Pictures without a browser: matplotlib figures."""

from nblandscape.figures.plots import figure_of, plot_merge_tree, plot_spectrum, plot_surface

__all__ = ["figure_of", "plot_merge_tree", "plot_spectrum", "plot_surface"]
