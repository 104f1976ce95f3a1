"""Random vectors of parameters, kept as seeds and drawn anew, block by block, wherever they are needed."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from nblandscape.replica import Slot, as_reals

BLOCK = 2**17  # numbers that are drawn at once: 0.5 MB; what malloc keeps of larger ones adds up
_MIX = 0x9E3779B97F4A7C15  # spreads neighbouring seeds (the golden ratio, as in splitmix64)

View = tuple[tuple[int, ...], tuple[int, ...]]  # a shape, and the dimensions that one norm runs over


def block_length(shape: tuple[int, ...]) -> int:
    """How many indices of the first dimension make a block."""
    return max(1, BLOCK // max(1, math.prod(shape[1:])))


class SeededRows:
    """Rows (d, n) of random numbers that exist a block at a time.

    Parameters
    ----------
    slots : tuple of Slot
        Where the parameters lie.
    dim : int
    distribution : {"normal", "rademacher"}
    seed : int

    Attributes
    ----------
    slots : sequence of Slot
        As given.
    views : list of (shape, dimensions)
        How each slot is seen; blocks are cut along the first dimension.
    scales : list of list of torch.Tensor or None
        By row and slot: factors that broadcast over the slot as its view sees it. None leaves the slot out.
    turn : np.ndarray, shape (d, d)
        Coordinates times this are coefficients of the rows: what makes them orthonormal.
    """

    def __init__(self, slots: tuple[Slot, ...], dim: int, distribution: str, seed: int) -> None:
        if distribution not in ("normal", "rademacher"):
            raise ValueError(f'distribution={distribution!r}; use "normal" or "rademacher".')
        self.slots, self._dim, self._distribution, self._seed = slots, dim, distribution, seed
        self.views: list[View] = [((slot.length,), (0,)) for slot in slots]
        self.scales: list[list[torch.Tensor | None]] = [[torch.ones(())] * len(slots) for _ in range(dim)]
        self.turn = np.eye(dim)

    def add_to(self, view: torch.Tensor, number: int, coefficients: Sequence[float]) -> None:
        """Add the parts of the rows in a slot, times coordinates (d,), to its tensor in place."""
        target = as_reals(view)
        for row, coefficient in enumerate(np.asarray(coefficients) @ self.turn):
            scale = self.scales[row][number]
            if coefficient != 0 and scale is not None:
                for begin, block in self.scaled(row, number):
                    piece = block.reshape(-1).to(target.device, target.dtype)
                    target[begin : begin + piece.numel()].add_(piece, alpha=float(coefficient))

    def vector(self, coordinates: Sequence[float] | np.ndarray, like: torch.Tensor) -> torch.Tensor:
        """Combination of the rows (n,) at coordinates (d,), in the type and on the device of a tensor."""
        flat = torch.zeros(sum(slot.length for slot in self.slots), dtype=like.dtype, device=like.device)
        for number, slot in enumerate(self.slots):
            self.add_to(flat[slot.start : slot.start + slot.length], number, list(coordinates))
        return flat

    def scaled(self, row: int, number: int) -> Iterator[tuple[int, torch.Tensor]]:
        """Where each block of a slot begins, and its numbers with the norms that they should have."""
        scale = self.scales[row][number]
        assert scale is not None
        for first, begin, block in self.blocks(row, number):
            part = scale if scale.ndim == 0 or scale.shape[0] == 1 else scale[first : first + len(block)]
            yield begin, block.mul_(part)

    def blocks(self, row: int, number: int) -> Iterator[tuple[int, int, torch.Tensor]]:
        """Numbers of mean 0 and variance 1: first index of the view, place in the slot, and the block.

        Every block has a seed of its own, so that none has to wait for those before it. The tensor is used
        again for the next one.
        """
        shape, _ = self.views[number]
        each, step = math.prod(shape[1:]), self.step(number)
        # Always of one size, which malloc finds again; others would leave holes between what is kept.
        scratch = torch.empty(max(BLOCK, step * each))[: step * each].view(step, *shape[1:])
        for i, first in enumerate(range(0, shape[0], step)):
            block = scratch[: min(step, shape[0] - first)]
            generator = torch.Generator().manual_seed(self._seed_of(row, number, i))
            if self._distribution == "normal":
                torch.randn(block.shape, generator=generator, out=block)
            else:
                torch.randint(0, 2, block.shape, generator=generator, out=block).mul_(2).sub_(1)
            yield first, first * each, block

    def step(self, number: int) -> int:
        """How many indices of a view's first dimension make a block."""
        return block_length(self.views[number][0])

    def _seed_of(self, row: int, number: int, block: int) -> int:
        mixed = self._seed & (2**64 - 1)
        for part in (row, number, block):
            mixed = ((mixed ^ (mixed >> 31)) * _MIX + part + 1) & (2**64 - 1)
        return (mixed ^ (mixed >> 29)) & (2**63 - 1)

    def gram(self) -> np.ndarray:
        """Inner products of the rows as scaled, (d, d) float64, without `turn`."""
        total = np.zeros((self._dim, self._dim))
        for number in range(len(self.slots)):
            moving = [r for r in range(self._dim) if self.scales[r][number] is not None]
            for parts in zip(*(self.scaled(r, number) for r in moving), strict=True):
                wide = torch.stack([block.reshape(-1) for _, block in parts]).to(torch.float64)
                total[np.ix_(moving, moving)] += (wide @ wide.T).numpy()
        return total
