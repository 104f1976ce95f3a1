"""The topological landscape profile as a matplotlib picture."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from nblandscape.figures.basins import (
    NUMBERED,
    basin_colors,
    free,
    label_axes,
    supported,
    thinned,
    write_number,
)
from nblandscape.figures.colors import palette

if TYPE_CHECKING:
    from nblandscape.topology.profile import Profile
    from nblandscape.topology.support import Support

_STEPS = 1500  # widths told apart


def plot_topological_profile(
    axes: Axes,
    profile: "Profile",
    *,
    quantity: str = "value",
    support: "Support | None" = None,
    upto: float | None = None,
) -> None:
    """Draw a topological landscape profile: a terrain whose widths are volumes of basins.

    Parameters
    ----------
    axes : matplotlib Axes
    profile : Profile
        Basins have the colours and numbers of the other pictures up to their first merge; what has merged is
        grey.
    quantity : str
        What the values are, for the label of the axis.
    support : Support, optional
        Of the profile's tree: numbers and colours of basins that it does not support are left out.
    upto : float, optional
        Height at which the picture ends; that of the whole terrain by default.

    Raises
    ------
    ValueError
        The support is that of another tree.

    Examples
    --------
    >>> from nblandscape.topology import merge_tree
    >>> from nblandscape.topology.profile import profile
    >>> from matplotlib.figure import Figure
    >>> axes = Figure().add_subplot()
    >>> plot_topological_profile(axes, profile(merge_tree([3.0, 0.0, 2.0, 1.0, 5.0])), quantity="loss")
    >>> axes.get_xlabel(), axes.get_title()
    ('volume (vertices)', 'landscape profile')
    """
    tree = profile.tree
    sign = 1 if tree.kind == "sublevel" else -1
    firm = supported(tree, support)
    colors, hues = palette(axes), basin_colors(axes, len(tree.pairs))
    inside = tree.values[np.isfinite(tree.values)]
    last = float(inside.max() if sign > 0 else inside.min())
    if upto is not None:
        last = sign * min(sign * upto, sign * last)
    bodies, sides, drawn = [], [], []
    for number in range(len(profile.row)):
        body = _body(profile, number, last)
        if body is not None:
            bodies.append(body)
            drawn.append(number)
            sides.append(body[:, 0])
    first = np.append(True, profile.row[1:] != profile.row[:-1])
    leaf = (first & (profile.row < NUMBERED) & firm[profile.row])[drawn]
    faces = np.where(leaf[:, None], hues[profile.row[drawn]], [*thinned(axes, 0.2), 1.0])
    thin = 0.7 if len(bodies) < 200 else 0.1
    axes.add_collection(PolyCollection(bodies, facecolors=faces, linewidths=0, alpha=0.85, zorder=1))
    axes.add_collection(LineCollection(bodies, colors=colors.ink, linewidths=thin, zorder=2))
    places = np.concatenate(sides)
    left, right = float(places.min()), float(places.max())
    low, high = sorted((float(inside.min() if sign > 0 else inside.max()), last))
    margin = 0.09 * (high - low) or 0.5
    bottoms = profile.offsets[:-1][first][: NUMBERED if len(tree.pairs) <= NUMBERED else 8]
    points = np.column_stack([(profile.left + profile.right)[bottoms] / 2, profile.heights[bottoms]])
    size = np.array([right - left, high + margin - low])
    for row in free(points / size, 0.045, 0.06):
        if firm[row]:
            write_number(axes, str(row), *points[row], above=sign < 0)
    axes.set_xlim(left, right)
    axes.set_ylim(low - margin * (1.0 if sign > 0 else 0.2), high + margin * (0.2 if sign > 0 else 1.0))
    told = "landscape profile"
    if right - left < 0.995 * profile.total:
        told += f", {(right - left) / profile.total:.0%} of the volume"
    axes.set_title(told, fontsize=8)
    label_axes(axes, "volume" if tree.volumes is not None else "volume (vertices)", quantity)


def _body(profile: "Profile", number: int, last: float) -> np.ndarray | None:
    """Outline (k, 2) of an arc up to a height, first its left side downwards; None if it lies above."""
    sign = 1 if profile.tree.kind == "sublevel" else -1
    heights, left, right = profile.arc(number)
    if profile.parent[number] < 0 and sign * last > sign * heights[-1]:
        heights, left, right = (
            np.append(a, end) for a, end in ((heights, last), (left, left[-1]), (right, right[-1]))
        )
    count = int(np.searchsorted(sign * heights, sign * last, side="right"))
    if count == 0:
        return None
    cut = np.append(heights[:count], last) if count < heights.size else heights
    left, right = (
        np.interp(sign * cut, sign * heights, a) if count < heights.size else a for a in (left, right)
    )
    seen = np.floor((right - left) / profile.total * _STEPS)
    keep = np.append(True, seen[1:] != seen[:-1])
    keep[:-1] |= keep[1:]
    keep[-1] = True
    cut, left, right = cut[keep], left[keep], right[keep]
    return np.column_stack([np.append(left[::-1], right), np.append(cut[::-1], cut)])
