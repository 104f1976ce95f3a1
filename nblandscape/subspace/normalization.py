"""Giving random directions the norms of the weights: per output filter, or per tensor."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from nblandscape.replica import as_reals
from nblandscape.seeded_rows import BLOCK, View, block_length

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


def match(
    objective: "Objective",
    row: torch.Tensor,
    how: Literal["filter", "layer"],
    one_dimensional: OneDimensional,
) -> None:
    """Give each filter or tensor of a direction (n,), in place, the norm that it has in the weights.

    A filter is what makes one output: a row of a linear or recurrent layer or of an attention's input
    projection, a token's row of an embedding, an output channel of a convolution (also of a transposed
    one). Filters of norm zero get none.

    Raises
    ------
    ValueError
        Nothing would move.
    """
    snapshot = objective._snapshot  # read only
    views = filter_views(objective, how, one_dimensional)
    moves = False
    for slot, weight, view in zip(snapshot.layout.slots, snapshot.weights, views, strict=True):
        piece = row[slot.start : slot.start + slot.length]
        if view is None:
            piece.zero_()
            continue
        target, size = norms(view, as_reals(weight.detach())), norms(view, piece)
        scale = factors(target, size)
        moves = moves or bool(scale.any())
        piece.view(view[0]).mul_(scale.to(piece.dtype))
    if not moves:
        raise ValueError(nothing_moves(how))


def filter_views(
    objective: "Objective", how: Literal["filter", "layer"], one_dimensional: OneDimensional
) -> list[View | None]:
    """How each analysed parameter, as real numbers, is seen: a shape and the dimensions of one norm.

    None for one that does not move.
    """
    snapshot = objective._snapshot  # read only: which kind of module a parameter belongs to
    views: list[View | None] = []
    for slot in snapshot.layout.slots:
        owner, _, leaf = slot.name.rpartition(".")
        view = None
        if how == "filter":
            view = filters(snapshot.shell.get_submodule(owner), leaf, slot.shape)
            if view is None and one_dimensional == "zero":
                views.append(None)
                continue
        if view is not None and slot.complex:
            shape, dims = view
            view = ((*shape, 2), (*dims, len(shape)))
        views.append(view or ((slot.length,), (0,)))
    return views


def factors(target: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
    """What gives filters of norm `size` the norm `target`; 0 for those that have none."""
    return torch.where(size > 0, target / torch.where(size > 0, size, 1.0), 0.0)


def nothing_moves(how: str) -> str:
    """Text of an error."""
    return (
        f'normalize="{how}" leaves nothing to move: all analysed parameters are one-dimensional or zero. '
        'Use one_dimensional="norm", normalize="layer" or "unit".'
    )


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


def norms(view: View, reals: torch.Tensor) -> torch.Tensor:
    """Norms of the filters of a parameter that is seen as `view`, float64."""
    shape, _ = view
    return block_norms(view, torch.split(reals.reshape(shape), block_length(shape)))


def block_norms(view: View, blocks: Iterable[torch.Tensor]) -> torch.Tensor:
    """Norms of filters that come in blocks along the first dimension, float64."""
    shape, dims = view
    squares = space = torch.empty(0)
    first = 0
    for block in blocks:
        if not first:
            lengths = [1 if i in dims else length for i, length in enumerate(shape)]
            squares = torch.zeros(lengths, dtype=torch.float64, device=block.device)
        if block.numel() > len(space):  # of one size, as the blocks' own
            space = torch.empty(max(BLOCK, block.numel()), dtype=torch.float64, device=block.device)
        wide = space[: block.numel()].view(block.shape).copy_(block)
        sums = torch.square(wide, out=wide).sum(dims, keepdim=True)
        squares[0 if 0 in dims else slice(first, first + len(block))] += sums[0] if 0 in dims else sums
        first += len(block)
    return squares.sqrt_()
