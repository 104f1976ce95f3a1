"""Standard errors of the numbers of a tree, where the bootstrap has a closed form."""

import numpy as np
import pytest

from nblandscape.topology import merge_tree, numbers_stderr

X = np.linspace(-2, 2, 41)
WELLS = (X**2 - 1) ** 2 + 0.1 * X


def test_batches_that_scale_the_function_scale_its_numbers():
    scales = np.array([0.7, 0.9, 1.0, 1.4])
    losses = WELLS[:, None] * scales
    tree = merge_tree(losses.mean(axis=1))
    errors = numbers_stderr(tree, losses, rounds=4000)
    share = scales.std(ddof=1) / np.sqrt(4) / scales.mean()
    saddle = WELLS[np.abs(X) < 0.5].max()
    left, right = WELLS[X < 0].min(), WELLS[X > 0].min()
    assert errors["total_persistence"] == pytest.approx(share * (saddle - right), rel=0.05)
    assert errors["smad"] == pytest.approx(share * (saddle - (left + right) / 2), rel=0.05)
    assert errors["minima"] == errors["saddles"] == 0
    assert errors["smad_normalized"] == pytest.approx(0, abs=1e-12)


def test_minima_that_come_and_go_have_an_error():
    tilts = np.array([-0.2, 2.0, -0.2, 0.3])  # the second batch has a single valley
    losses = WELLS[:, None] + tilts * X[:, None]
    errors = numbers_stderr(merge_tree(losses.mean(axis=1)), losses, rounds=50)
    assert 0 < errors["minima"] < 1


def test_weights_holes_and_empty_batches():
    losses = WELLS[:, None] * np.array([0.8, 1.2, 5.0])
    losses[:4] = np.nan
    counts = np.array([1.0, 3.0, 0.0])
    tree = merge_tree(losses[:, :2] @ counts[:2] / 4)
    errors = numbers_stderr(tree, losses, counts, rounds=20)
    assert errors == numbers_stderr(tree, losses[:, :2], counts[:2], rounds=20)
    assert errors["smad"] > 0


def test_where_nothing_is_known_the_error_is_nan():
    tree = merge_tree(WELLS)
    assert all(np.isnan(value) for value in numbers_stderr(tree, None).values())
    assert all(np.isnan(value) for value in numbers_stderr(tree, WELLS[:, None]).values())
    losses = WELLS[:, None] * np.array([0.9, 1.1])
    losses[3] = np.nan  # not evaluated there
    assert all(np.isnan(value) for value in numbers_stderr(tree, losses).values())
    with pytest.raises(ValueError, match="rounds=1"):
        numbers_stderr(tree, losses, rounds=1)
