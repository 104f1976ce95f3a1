"""Pinned batches: what is taken as a batch, what drawing them leaves behind, what is refused."""

import random
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import nblandscape as nbl
from nblandscape.batches import batch_size, pin


class Counting(Dataset):
    """Ten thousand samples that count how many of them were drawn."""

    def __init__(self) -> None:
        self.drawn = 0

    def __len__(self) -> int:
        return 10_000

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        self.drawn += 1
        random.random(), np.random.random(), torch.rand(1)  # noqa: NPY002 - an augmentation
        return torch.full((3,), float(i)), i % 3


def pinned(batches: object, limit: int | None = None) -> list:
    return pin(batches, device=torch.device("cpu"), dtype=torch.float32, limit=limit)


def test_a_limit_draws_no_more_than_it_needs():
    samples = Counting()
    batches = pinned(DataLoader(samples, batch_size=16, shuffle=True), limit=20)
    assert [batch_size(b) for b in batches] == [16, 4]
    assert samples.drawn == 32


@pytest.mark.parametrize("own", [False, True])
def test_drawing_leaves_every_generator_where_it_was(own):
    generator = torch.Generator().manual_seed(3) if own else None
    loader = DataLoader(Counting(), batch_size=5000, shuffle=True, generator=generator)

    def states() -> list:
        own_state = [] if generator is None else [generator.get_state().tolist()]
        numpy_state = np.random.get_state()[1].tolist()  # noqa: NPY002
        return [torch.get_rng_state().tolist(), numpy_state, random.getstate(), *own_state]

    before = states()
    pinned(loader, limit=3)
    assert states() == before
    pinned(loader)
    assert states() == before


def test_a_sampler_with_a_generator_of_another_kind():
    class Shuffled(torch.utils.data.Sampler):
        generator = np.random.default_rng(0)

        def __iter__(self):
            return iter(self.generator.permutation(10_000)[:4].tolist())

    assert batch_size(pinned(DataLoader(Counting(), batch_size=4, sampler=Shuffled()))[0]) == 4


def test_one_tuple_is_one_batch_whatever_x_is():
    x, y = torch.zeros(4, 3), torch.zeros(4)
    for first in (x, x.numpy(), (x, x), [x, x], {"a": x}):
        assert len(pinned((first, y))) == 1
    assert len(pinned(((x, y), (x, y)))) == 2


def test_arrays_that_torch_cannot_share_are_copied():
    array = np.arange(6.0).reshape(3, 2)
    frozen = array.copy()
    frozen.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for odd in (frozen, array[::-1], array.astype(">f8")):
            ((kept, _),) = pinned((odd, np.array([0, 1, 2])))
            np.testing.assert_array_equal(kept.numpy(), odd)


def test_values_that_are_not_finite_are_named_when_they_spoil_the_loss():
    model, y = nn.Linear(3, 3), torch.zeros(2, dtype=torch.long)
    with pytest.raises(ValueError, match="6 values that are NaN"):
        nbl.Objective(model, nn.CrossEntropyLoss(), (torch.full((2, 3), torch.nan), y))

    def masked(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (output - target)[torch.isfinite(target)].square().mean()

    target = torch.tensor([[0.0, torch.nan, 1.0], [torch.nan, 2.0, 0.0]])
    assert np.isfinite(nbl.Objective(model, masked, (torch.ones(2, 3), target)).loss())
