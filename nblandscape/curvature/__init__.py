"""Curvature of an objective: certified eigenpairs of its Hessian, traces, densities, sharpness."""

from nblandscape.curvature.density import SpectralDensity, spectral_density
from nblandscape.curvature.diagonal import DiagonalEstimate, LayerTraces, hessian_diagonal, layer_traces
from nblandscape.curvature.flatness import Sharpness, sharpness
from nblandscape.curvature.gauss_newton import FisherOperator, GaussNewtonOperator
from nblandscape.curvature.lanczos import hessian_spectrum, iter_spectrum
from nblandscape.curvature.operator import (
    DenseOperator,
    HessianOperator,
    SymmetricOperator,
    as_operator,
)
from nblandscape.curvature.spectrum import Spectrum
from nblandscape.curvature.trace import Estimate, hessian_trace, iter_trace
from nblandscape.curvature.trust import TrustReport, iter_trust_report, trust_report

__all__ = [
    "DenseOperator",
    "DiagonalEstimate",
    "Estimate",
    "FisherOperator",
    "GaussNewtonOperator",
    "HessianOperator",
    "LayerTraces",
    "Sharpness",
    "SpectralDensity",
    "Spectrum",
    "SymmetricOperator",
    "TrustReport",
    "as_operator",
    "hessian_diagonal",
    "hessian_spectrum",
    "hessian_trace",
    "iter_spectrum",
    "iter_trace",
    "iter_trust_report",
    "layer_traces",
    "sharpness",
    "spectral_density",
    "trust_report",
]
