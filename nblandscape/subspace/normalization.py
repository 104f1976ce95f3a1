"""Giving random directions the norms of the weights: per output filter, or per tensor."""

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

if TYPE_CHECKING:
    from nblandscape.objective import Objective

Normalization = Literal["filter", "layer", "unit"]
OneDimensional = Literal["zero", "norm"]

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_BY_ROW = (
    nn.Linear,
    nn.Bilinear,
    nn.Embedding,
    nn.EmbeddingBag,
    nn.modules.conv._ConvNd,
    nn.RNNBase,
    nn.RNNCellBase,
)


def matched(
    objective: "Objective",
    row: torch.Tensor,
    how: Literal["filter", "layer"],
    one_dimensional: OneDimensional,
) -> torch.Tensor:
    """Give each filter or tensor of a direction (n,) the norm that it has in the weights.

    A filter is what makes one output: a row of a linear or recurrent layer or of an attention's input
    projection, a token's row of an embedding, an output channel of a convolution (also of a transposed
    one). Filters of norm zero get none.

    Raises
    ------
    ValueError
        Nothing would move.
    """
    shell = objective._snapshot.shell  # read only: which kind of module a parameter belongs to
    weights = objective.unflatten(objective.origin())
    pieces = objective.unflatten(row)
    for name, piece in pieces.items():
        weight = weights[name]
        view = None
        if how == "filter":
            owner, _, leaf = name.rpartition(".")
            view = filters(shell.get_submodule(owner), leaf, weight.shape)
            if view is None and one_dimensional == "zero":
                piece.zero_()
                continue
        shape, dims = view or (tuple(weight.shape), tuple(range(weight.ndim)))
        target, size = _norm(weight.reshape(shape), dims), _norm(piece.reshape(shape), dims)
        scale = torch.where(size > 0, target / torch.where(size > 0, size, 1.0), 0.0)
        piece.copy_((piece.reshape(shape) * scale).reshape(piece.shape))
    flat = objective.flatten(pieces)
    if not bool(flat.any()):
        raise ValueError(
            f'normalize="{how}" leaves nothing to move: all analysed parameters are one-dimensional or zero. '
            'Use one_dimensional="norm", normalize="layer" or "unit".'
        )
    return flat


def filters(
    module: nn.Module, leaf: str, shape: torch.Size
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """How to see a parameter as filters: a shape, and the dimensions inside a filter; None for none.

    None are vectors, whatever their shape: biases, scales of normalisation layers, magnitudes of weight
    normalisation, class tokens. Parameters of unknown modules are split along their first dimension that
    is not 1 (positions, experts).

    Examples
    --------
    >>> filters(nn.Linear(3, 5), "weight", torch.Size([5, 3]))
    ((5, 3), (1,))
    >>> filters(nn.ConvTranspose2d(4, 6, 3, groups=2), "weight", torch.Size([4, 3, 3, 3]))
    ((2, 2, 3, 3, 3), (1, 3, 4))
    >>> filters(nn.LayerNorm((2, 3)), "weight", torch.Size([2, 3])) is None
    True
    """
    size = tuple(shape)
    if len(size) < 2 or isinstance(module, _NORMS) or leaf == "weight_g":
        return None
    if isinstance(module, nn.modules.conv._ConvTransposeNd):  # (in, out / groups, ...)
        split = (module.groups, size[0] // module.groups, *size[1:])
        return split, (1, *range(3, len(split)))
    if type(module).__name__ == "Conv1D" and hasattr(module, "nf"):  # GPT-2's linear layer: (in, out)
        return size, (0,)
    if isinstance(module, _BY_ROW):
        return size, tuple(range(1, len(size)))
    while len(size) > 1 and size[0] == 1:
        size = size[1:]
    if len(size) < 2 or max(size) == shape.numel():
        return None
    return size, tuple(range(1, len(size)))


def _norm(tensor: torch.Tensor, dims: tuple[int, ...]) -> torch.Tensor:
    if not dims:  # a number
        return tensor.abs()
    wide = torch.complex128 if tensor.is_complex() else torch.float64
    norm: torch.Tensor = torch.linalg.vector_norm(tensor.to(wide), dim=dims, keepdim=True)
    return norm.to(tensor.real.dtype)
