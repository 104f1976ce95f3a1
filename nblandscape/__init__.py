"""See, click and re-compute the loss landscape of a PyTorch or Hugging Face model inside a notebook."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nblandscape.cancel import Cancelled
    from nblandscape.curvature import Spectrum, hessian_spectrum, iter_spectrum
    from nblandscape.landscape import Landscape, iter_sample, sample
    from nblandscape.objective import Objective
    from nblandscape.subspace import Subspace
    from nblandscape.topology import MergeTree, merge_tree, persistence, smad
    from nblandscape.widgets import Explorer, MergeTreeView, SpectrumView, SurfaceView, explore

_HOMES = {
    "Cancelled": "cancel",
    "Explorer": "widgets",
    "Landscape": "landscape",
    "MergeTree": "topology",
    "MergeTreeView": "widgets",
    "Objective": "objective",
    "Spectrum": "curvature",
    "SpectrumView": "widgets",
    "Subspace": "subspace",
    "SurfaceView": "widgets",
    "explore": "widgets",
    "hessian_spectrum": "curvature",
    "iter_sample": "landscape",
    "iter_spectrum": "curvature",
    "merge_tree": "topology",
    "persistence": "topology",
    "sample": "landscape",
    "smad": "topology",
}

__all__ = [
    "Cancelled",
    "Explorer",
    "Landscape",
    "MergeTree",
    "MergeTreeView",
    "Objective",
    "Spectrum",
    "SpectrumView",
    "Subspace",
    "SurfaceView",
    "__version__",
    "explore",
    "hessian_spectrum",
    "iter_sample",
    "iter_spectrum",
    "merge_tree",
    "persistence",
    "sample",
    "smad",
]


def __getattr__(name: str) -> Any:  # lazy: `import nblandscape` costs nothing, and viewing needs no torch
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
