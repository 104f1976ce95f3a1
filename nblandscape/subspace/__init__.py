"""Subspaces: a point of parameter space and directions through it."""

from nblandscape.subspace.subspace import Subspace

__all__ = ["Subspace"]
