"""Views for notebooks: the explorer and its panels."""

from nblandscape.widgets._explore import explore
from nblandscape.widgets.comparison import Comparison
from nblandscape.widgets.explorer import Explorer
from nblandscape.widgets.merge_tree import MergeTreeView
from nblandscape.widgets.spectrum import SpectrumView
from nblandscape.widgets.surface import SurfaceView
from nblandscape.widgets.volume import VolumeView

__all__ = ["Comparison", "Explorer", "MergeTreeView", "SpectrumView", "SurfaceView", "VolumeView", "explore"]
