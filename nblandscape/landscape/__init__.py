"""Landscapes: losses sampled on a grid over a subspace."""

from typing import TYPE_CHECKING, Any

from nblandscape.landscape.landscape import Landscape
from nblandscape.landscape.store import open_store

if TYPE_CHECKING:
    from nblandscape.landscape.cost import predict_cost, predict_spectrum_cost
    from nblandscape.landscape.sampler import iter_sample, sample

__all__ = ["Landscape", "iter_sample", "open_store", "predict_cost", "predict_spectrum_cost", "sample"]


def __getattr__(name: str) -> Any:  # sampling needs torch, looking at a saved landscape does not
    if name in ("iter_sample", "sample"):
        from nblandscape.landscape import sampler

        return getattr(sampler, name)
    if name in ("predict_cost", "predict_spectrum_cost"):
        from nblandscape.landscape import cost

        return getattr(cost, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
