"""How far each loss of a landscape is known, from its batches."""

import numpy as np

from nblandscape.landscape.landscape import Landscape


def standard_errors(landscape: Landscape) -> np.ndarray | None:
    """Standard error of the weighted mean over batches, of every value; None with fewer than two batches.

    Examples
    --------
    >>> batches = np.array([[[1.0, 3.0], [2.0, 2.0]], [[0.0, 0.0], [5.0, 7.0]]])
    >>> landscape = Landscape.from_array(batches.mean(axis=-1))
    >>> standard_errors(landscape) is None
    True
    >>> from dataclasses import replace
    >>> standard_errors(replace(landscape, batch_losses=batches, batch_counts=np.ones(2))).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    losses, counts = landscape._batches
    if losses is None:
        return None
    weights = np.ones(losses.shape[-1]) if counts is None else np.asarray(counts, dtype=np.float64)
    present = weights > 0
    number = int(present.sum())
    if number < 2:
        return None
    weights = weights[present] / weights.sum()
    batches = losses[..., present].astype(np.float64)
    apart = batches - (batches @ weights)[..., None]
    return np.asarray(np.sqrt(apart**2 @ weights**2 * number / (number - 1)))
