"""See, click and re-compute the loss landscape of a PyTorch or Hugging Face model inside a notebook."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nblandscape.cancel import Cancelled
    from nblandscape.checkpoints import CheckpointStudy, compare_checkpoints, iter_compare_checkpoints
    from nblandscape.curvature import (
        Estimate,
        FisherOperator,
        GaussNewtonOperator,
        Sharpness,
        SpectralDensity,
        Spectrum,
        TrustReport,
        hessian_diagonal,
        hessian_spectrum,
        hessian_trace,
        iter_spectrum,
        iter_trace,
        iter_trust_report,
        layer_traces,
        sharpness,
        spectral_density,
        trust_report,
    )
    from nblandscape.huggingface import from_transformers
    from nblandscape.huggingface.adapters import merged_state_dict
    from nblandscape.huggingface.blocks import block_curvature
    from nblandscape.huggingface.inspect import inspect
    from nblandscape.huggingface.plan import plan_inspection
    from nblandscape.huggingface.report import write_report
    from nblandscape.landscape import (
        Landscape,
        iter_sample,
        open_store,
        predict_cost,
        predict_spectrum_cost,
        sample,
    )
    from nblandscape.landscape.checks import compare_settings
    from nblandscape.landscape.critical_point import CriticalPoint
    from nblandscape.landscape.polish import polish
    from nblandscape.objective import Objective
    from nblandscape.recorder import Recorder
    from nblandscape.recording import Recording
    from nblandscape.subspace import Subspace
    from nblandscape.subspace.interpolation import Interpolation, interpolate
    from nblandscape.topology import MergeTree, merge_tree, persistence, smad
    from nblandscape.widgets import (
        Comparison,
        Explorer,
        MergeTreeView,
        SpectrumView,
        SurfaceView,
        VolumeView,
        explore,
    )

_HOMES = {
    "Cancelled": "cancel",
    "CheckpointStudy": "checkpoints",
    "Comparison": "widgets",
    "CriticalPoint": "landscape.critical_point",
    "Estimate": "curvature",
    "Explorer": "widgets",
    "FisherOperator": "curvature",
    "GaussNewtonOperator": "curvature",
    "Interpolation": "subspace.interpolation",
    "Landscape": "landscape",
    "MergeTree": "topology",
    "MergeTreeView": "widgets",
    "Objective": "objective",
    "Recorder": "recorder",
    "Recording": "recording",
    "Sharpness": "curvature",
    "SpectralDensity": "curvature",
    "Spectrum": "curvature",
    "SpectrumView": "widgets",
    "Subspace": "subspace",
    "SurfaceView": "widgets",
    "TrustReport": "curvature",
    "VolumeView": "widgets",
    "block_curvature": "huggingface.blocks",
    "compare_checkpoints": "checkpoints",
    "compare_settings": "landscape.checks",
    "explore": "widgets",
    "from_transformers": "huggingface",
    "hessian_diagonal": "curvature",
    "hessian_spectrum": "curvature",
    "hessian_trace": "curvature",
    "inspect": "huggingface.inspect",
    "interpolate": "subspace.interpolation",
    "iter_compare_checkpoints": "checkpoints",
    "iter_sample": "landscape",
    "iter_spectrum": "curvature",
    "iter_trace": "curvature",
    "iter_trust_report": "curvature",
    "layer_traces": "curvature",
    "merge_tree": "topology",
    "merged_state_dict": "huggingface.adapters",
    "open_store": "landscape",
    "persistence": "topology",
    "plan_inspection": "huggingface.plan",
    "polish": "landscape.polish",
    "predict_cost": "landscape",
    "predict_spectrum_cost": "landscape",
    "sample": "landscape",
    "sharpness": "curvature",
    "smad": "topology",
    "spectral_density": "curvature",
    "trust_report": "curvature",
    "write_report": "huggingface.report",
}

__all__ = [
    "Cancelled",
    "CheckpointStudy",
    "Comparison",
    "CriticalPoint",
    "Estimate",
    "Explorer",
    "FisherOperator",
    "GaussNewtonOperator",
    "Interpolation",
    "Landscape",
    "MergeTree",
    "MergeTreeView",
    "Objective",
    "Recorder",
    "Recording",
    "Sharpness",
    "SpectralDensity",
    "Spectrum",
    "SpectrumView",
    "Subspace",
    "SurfaceView",
    "TrustReport",
    "VolumeView",
    "__version__",
    "block_curvature",
    "compare_checkpoints",
    "compare_settings",
    "explore",
    "from_transformers",
    "hessian_diagonal",
    "hessian_spectrum",
    "hessian_trace",
    "inspect",
    "interpolate",
    "iter_compare_checkpoints",
    "iter_sample",
    "iter_spectrum",
    "iter_trace",
    "iter_trust_report",
    "layer_traces",
    "merge_tree",
    "merged_state_dict",
    "open_store",
    "persistence",
    "plan_inspection",
    "polish",
    "predict_cost",
    "predict_spectrum_cost",
    "sample",
    "sharpness",
    "smad",
    "spectral_density",
    "trust_report",
    "write_report",
]


def __getattr__(name: str) -> Any:  # lazy: `import nblandscape` costs nothing, and viewing needs no torch
    from importlib import import_module

    if name in ("callbacks", "figures", "topology"):
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
