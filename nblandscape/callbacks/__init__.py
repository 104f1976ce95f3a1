"""Callbacks that record a training run: `Transformers` for the Trainer, `Lightning` for Lightning.

Examples
--------
A Trainer that records every 100 steps::

    recorder = nbl.Recorder(model, "runs/a", every=100)
    trainer = transformers.Trainer(model, args, callbacks=[nblandscape.callbacks.Transformers(recorder)])
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nblandscape.callbacks.lightning import Lightning
    from nblandscape.callbacks.transformers import Transformers

__all__ = ["Lightning", "Transformers"]


def __getattr__(name: str) -> Any:  # lazy: neither library is needed, and both take seconds to import
    if name == "Transformers":
        from nblandscape.callbacks.transformers import Transformers

        return Transformers
    if name == "Lightning":
        from nblandscape.callbacks.lightning import Lightning

        return Lightning
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
