"""Curvature of an objective: certified eigenpairs of its Hessian."""

from nblandscape.curvature.lanczos import hessian_spectrum, iter_spectrum
from nblandscape.curvature.operator import (
    DenseOperator,
    HessianOperator,
    SymmetricOperator,
    as_operator,
)
from nblandscape.curvature.spectrum import Spectrum

__all__ = [
    "DenseOperator",
    "HessianOperator",
    "Spectrum",
    "SymmetricOperator",
    "as_operator",
    "hessian_spectrum",
    "iter_spectrum",
]
