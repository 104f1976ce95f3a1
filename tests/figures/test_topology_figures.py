"""Pictures of topology show the numbers of the tree, one basin alike in all of them."""

import matplotlib.style
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import nblandscape as nbl
from nblandscape.figures.basin_map import plot_basin_map
from nblandscape.figures.basins import basin_colors, span
from nblandscape.figures.comparison import comparison_figure
from nblandscape.figures.diagrams import plot_barcode, plot_persistence_curve, plot_persistence_diagram
from nblandscape.figures.terrain import plot_topological_profile
from nblandscape.figures.topology import topology_figure
from nblandscape.topology.merge_tree import MergeTree, merge_tree
from nblandscape.topology.neighbours import cell_volumes
from nblandscape.topology.profile import profile
from nblandscape.topology.support import Support, support
from nblandscape.topology.threshold import propose_threshold

X = np.linspace(-5, 5, 41)
HIMMELBLAU = (X[:, None] ** 2 + X - 11) ** 2 + (X[:, None] + X**2 - 7) ** 2


def panel() -> Axes:
    return Figure(figsize=(4, 4)).add_subplot()


def himmelblau(holes: bool = False) -> nbl.Landscape:
    values = HIMMELBLAU.copy()
    if holes:
        values[20:22] = np.nan
    return nbl.Landscape.from_array(values, (X, X), ("a", "b"), provenance={"quantity": "loss"})


def judged(tree: MergeTree, firm: list[bool], errors: float = 1.0) -> Support:
    m = len(tree.pairs)
    stderr, residual = np.full(m, errors), np.full(m, 0.5)
    stderr[tree.pairs["parent"] < 0] = residual[tree.pairs["parent"] < 0] = np.nan
    return Support(tree.persistence, stderr, residual, np.ones(m), np.array(firm), None, 3.0, 8, "test")


def clouds(axes: Axes) -> list[PathCollection]:
    return [c for c in axes.collections if isinstance(c, PathCollection)]


def points(axes: Axes) -> set[tuple[float, ...]]:
    return {tuple(map(float, p)) for c in clouds(axes) for p in c.get_offsets()}


@pytest.mark.parametrize("kind", ["sublevel", "superlevel"])
def test_a_diagram_has_all_pairs_and_the_essential_one_on_its_line(kind):
    sign = 1 if kind == "sublevel" else -1
    tree = merge_tree(sign * HIMMELBLAU, kind=kind)
    axes = panel()
    plot_persistence_diagram(axes, tree)
    found = points(axes)
    assert {(p["birth"], p["death"]) for p in tree.pairs[1:]} <= found
    ((birth, never),) = found - {(p["birth"], p["death"]) for p in tree.pairs[1:]}
    assert birth == tree.pairs["birth"][0]
    assert sign * never > sign * tree.pairs["death"][1]
    assert axes.texts[0].get_text() == ("∞" if sign > 0 else "−∞")
    diagonal = axes.lines[0]
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    assert axes.get_ylim()[0] < min(y for _, y in found)
    assert axes.get_ylim()[1] > max(y for _, y in found)


def test_thousands_of_points_of_a_diagram_are_all_there():
    tree = merge_tree(np.random.default_rng(0).normal(size=(64, 64)))
    axes = panel()
    plot_persistence_diagram(axes, tree)
    assert points(axes) >= {(p["birth"], p["death"]) for p in tree.pairs[1:]}
    assert len(axes.texts) < 32


@pytest.mark.parametrize("kind", ["sublevel", "superlevel"])
def test_unsupported_pairs_are_hollow_and_bars_reach_the_diagonal_just_for_them(kind):
    sign = 1 if kind == "sublevel" else -1
    tree = merge_tree(sign * HIMMELBLAU, kind=kind)
    for errors in (1.0, 10.0, 30.0):
        needed = 3 * errors + 0.5
        firm = (tree.persistence > needed).tolist()
        axes = panel()
        plot_persistence_diagram(axes, tree, judged(tree, firm, errors))
        (finite,) = (c for c in clouds(axes) if len(c.get_offsets()) == 3)
        for (birth, death), face in zip(finite.get_offsets(), finite.get_facecolors(), strict=True):
            (row,) = np.flatnonzero((tree.pairs["birth"] == birth) & (tree.pairs["death"] == death))
            hollow = np.allclose(face, 1)
            assert hollow != firm[row]
        (bars,) = (c for c in axes.collections if isinstance(c, LineCollection))
        assert len(bars.get_segments()) == 3
        for (birth, death), (_, low) in bars.get_segments():
            assert sign * (death - low) == pytest.approx(needed)
            assert (sign * low < sign * birth) == (sign * (death - birth) < needed)
        assert f"{sum(firm) - 1} supported" in axes.get_title()
        assert axes.get_legend() is not None


def test_a_support_of_another_tree_is_not_drawn():
    tree = merge_tree(HIMMELBLAU)
    other = judged(tree.simplify(50.0), [True] * 3)
    for draw in (plot_persistence_diagram, plot_barcode):
        with pytest.raises(ValueError, match=r"shape \(3,\), but the tree has 4 rows"):
            draw(panel(), tree, other)
    with pytest.raises(ValueError, match=r"shape \(3,\), but the tree has 4 rows"):
        plot_topological_profile(panel(), profile(tree), support=other)


@pytest.mark.parametrize("kind", ["sublevel", "superlevel"])
def test_bars_run_from_birth_to_death(kind):
    tree = merge_tree(HIMMELBLAU if kind == "sublevel" else -HIMMELBLAU, kind=kind)
    axes = panel()
    plot_barcode(axes, tree, judged(tree, [True, True, True, False]), quantity="loss")
    assert len(axes.patches) == 4
    for row, bar in enumerate(axes.patches):
        assert bar.get_y() + bar.get_height() / 2 == pytest.approx(row)
        assert bar.get_x() == tree.pairs["birth"][row]
        if row:
            assert bar.get_x() + bar.get_width() == pytest.approx(tree.pairs["death"][row])
        assert np.allclose(bar.get_facecolor(), 1) == (row == 3)
    arrows = [text for text in axes.texts if text.arrow_patch is not None]
    assert len(arrows) == 1
    assert axes.yaxis_inverted()


def test_small_bars_collapse_into_a_body_with_their_number():
    tree = merge_tree(np.random.default_rng(1).normal(size=(64, 64)))
    axes = panel()
    plot_barcode(axes, tree)
    assert len(axes.patches) == 40
    assert (
        f"{len(tree.pairs) - 40} more, persistence ≤ {tree.persistence[40]:.3g}" in axes.texts[-1].get_text()
    )
    with pytest.raises(ValueError, match="most=0"):
        plot_barcode(panel(), tree, most=0)


def test_a_curve_counts_what_simplification_leaves():
    tree = merge_tree(np.random.default_rng(2).normal(size=(12, 12)))
    axes = panel()
    plot_persistence_curve(axes, tree)
    x, y = axes.lines[0].get_data()
    assert axes.lines[0].get_drawstyle() == "steps-post"
    for threshold in np.geomspace(x[0], x[-1], 40):
        shown = y[np.searchsorted(x, threshold, side="right") - 1]
        if threshold not in x:
            assert shown == len(tree.simplify(threshold).minima)


def test_a_proposed_threshold_is_a_line_with_its_reason():
    values = np.array([0.0, 4.0, 0.0, 2.0, 1.99, 5.0, 0.0])
    tree = merge_tree(values)
    proposal = propose_threshold(tree)
    axes = panel()
    plot_persistence_curve(axes, tree, proposal)
    assert axes.lines[-1].get_xdata()[0] == proposal.value
    assert "3 left" in axes.get_legend().get_texts()[0].get_text()
    assert " ".join(axes.texts[-1].get_text().split()) == proposal.reason
    plot_persistence_curve(panel(), merge_tree(X**2), propose_threshold(merge_tree(X**2)))


@pytest.mark.parametrize("kind", ["sublevel", "superlevel"])
def test_bodies_of_a_profile_have_the_widths_of_the_profile(kind):
    values = HIMMELBLAU if kind == "sublevel" else -HIMMELBLAU
    found = profile(merge_tree(values, kind=kind, volumes=cell_volumes([X, X])))
    axes = panel()
    plot_topological_profile(axes, found)
    (bodies,) = (c for c in axes.collections if isinstance(c, PolyCollection))
    paths = [path.vertices for path in bodies.get_paths()]
    assert len(paths) == len(found.row) == 7
    for number, path in enumerate(paths):
        heights, left, right = found.arc(number)
        assert path[:, 0].min() == pytest.approx(left.min())
        assert path[:, 0].max() == pytest.approx(right.max())
        assert heights[0] in path[:, 1]
    assert max(np.ptp(path[:, 0]) for path in paths) == pytest.approx(100)
    assert axes.get_xlim() == pytest.approx((0, 100))
    first = [int(np.flatnonzero(found.row == row)[0]) for row in range(4)]
    faces, hues = bodies.get_facecolor(), basin_colors(axes, 4)
    np.testing.assert_allclose(faces[first][:, :3], hues[:, :3])
    others = np.delete(faces, first, axis=0)
    assert (others == others[0]).all()  # what has merged is grey


def test_a_profile_up_to_a_height_is_cut_there():
    found = profile(merge_tree(HIMMELBLAU))
    axes = panel()
    plot_topological_profile(axes, found, upto=150.0)
    (bodies,) = (c for c in axes.collections if isinstance(c, PolyCollection))
    assert max(path.vertices[:, 1].max() for path in bodies.get_paths()) == 150
    wide = max(np.ptp(path.vertices[:, 0]) for path in bodies.get_paths())
    below = HIMMELBLAU[HIMMELBLAU <= 150].size
    assert below <= wide <= below + 5  # heights between samples are interpolated
    assert f"{wide / 41**2:.0%} of the volume" in axes.get_title()


def test_a_map_has_minima_saddles_borders_and_hatched_holes():
    landscape = himmelblau(holes=True)
    tree = landscape.merge_tree()
    axes = panel()
    shades = plot_basin_map(axes, landscape, tree, limits=(0.0, 900.0))
    assert shades.get_clim() == (0, 900)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")
    marked = {line.get_marker(): [] for line in axes.lines}
    for line in axes.lines:
        marked[line.get_marker()].append((line.get_xdata()[0], line.get_ydata()[0]))
    assert marked["v"] == [landscape.coordinates(int(v)) for v in tree.minima]
    finite = tree.pairs["death_vertex"][tree.pairs["parent"] >= 0]
    assert marked["X"] == [landscape.coordinates(int(v)) for v in finite]
    assert any(patch.get_hatch() for patch in axes.patches)
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["minimum, row of the pair", "merging saddle", "hole"]
    mesh = next(c for c in axes.collections if type(c).__name__ == "QuadMesh")
    picture = mesh.get_array()
    assert picture.shape == (41, 41, 4)
    np.testing.assert_array_equal(picture[..., 3].T == 0, np.isnan(landscape.values))
    whole = panel()
    plot_basin_map(whole, himmelblau(), himmelblau().merge_tree())
    assert not any(patch.get_hatch() for patch in whole.patches)


def test_a_map_of_a_basin_has_its_hue_the_stronger_the_deeper():
    landscape = himmelblau()
    tree = landscape.merge_tree()
    axes = panel()
    plot_basin_map(axes, landscape, tree)
    picture = next(c for c in axes.collections if type(c).__name__ == "QuadMesh").get_array()
    picture = np.asarray(picture).transpose(1, 0, 2)[..., :3]
    for row, hue in enumerate(basin_colors(axes, 4)[:, :3]):
        own = tree.basins == row
        strength = (1 - picture[own]) @ (1 - hue) / ((1 - hue) @ (1 - hue))
        np.testing.assert_allclose(picture[own], 1 - strength[:, None] * (1 - hue), atol=1e-9)
        order = np.argsort(landscape.values[own])
        assert (np.diff(strength[order]) <= 1e-12).all()


def test_what_cannot_be_mapped_is_refused():
    cube = nbl.Landscape.from_array(np.random.default_rng(0).normal(size=(3, 3, 3)))
    with pytest.raises(ValueError, match="3 dimensions"):
        plot_basin_map(panel(), cube, cube.merge_tree())
    with pytest.raises(ValueError, match=r"\(41, 41\)"):
        plot_basin_map(panel(), himmelblau(), merge_tree(X))
    with pytest.raises(ValueError, match="must be larger"):
        plot_basin_map(panel(), himmelblau(), himmelblau().merge_tree(), limits=(2.0, 1.0))


CASES = {
    "himmelblau": HIMMELBLAU,
    "holes": himmelblau(holes=True).values,
    "noise": np.random.default_rng(0).normal(size=(48, 48)),
    "single minimum": X[:, None] ** 2 + X**2,
    "constant": np.ones((5, 6)),
    "line": np.abs(X) * np.sin(3 * X),
    "line with a hole": np.where(np.abs(X) < 1, np.nan, np.cos(X)),
    "cube": np.random.default_rng(0).normal(size=(5, 6, 7)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_page_of_every_kind_of_landscape(name):
    landscape = nbl.Landscape.from_array(CASES[name])
    figure = topology_figure(landscape, title=name)
    figure.canvas.draw()
    titles = " ".join(axes.get_title() for axes in figure.axes)
    for panel_ in ("merge tree", "profile", "diagram", "barcode"):
        assert panel_ in titles


@pytest.mark.parametrize("width", [4.0, 7.0])
def test_small_pages_and_superlevel_trees(width):
    landscape = nbl.Landscape.from_array(-HIMMELBLAU)
    tree = merge_tree(-HIMMELBLAU, kind="superlevel")
    figure = topology_figure(landscape, tree, judged(tree, [True, True, False, True]), width=width)
    figure.canvas.draw()
    assert figure.get_figwidth() == width


def with_batches(noise: float, seed: int) -> nbl.Landscape:
    x = np.linspace(-2, 2, 21)
    rng = np.random.default_rng(seed)
    mean = (x[:, None] ** 2 - 1) ** 2 + x**2 + 0.2 * x[:, None]
    shift = rng.normal(size=6)
    losses = mean[..., None] + 5 * shift + noise * x[:, None, None] * rng.normal(size=6)
    return nbl.Landscape(losses.mean(axis=-1), (x, x), ("a", "b"), batch_losses=losses,
                         batch_counts=np.full(6, 10.0), provenance={"quantity": "loss"})  # fmt: skip


def test_a_comparison_is_on_one_scale_and_has_the_numbers():
    x = np.linspace(-2, 2, 21)
    bowl = nbl.Landscape.from_array(3 * x[:, None] ** 2 + x**2, (x, x))
    wells = with_batches(0.1, 0)
    known = support(wells.merge_tree(), wells.batch_losses, axes=wells.axes, frequency=False)
    figure = comparison_figure({"wells": wells, "bowl": bowl}, support={"wells": known})
    figure.canvas.draw()
    for first, second in (figure.axes[k : k + 2] for k in (0, 2, 4)):
        assert first.get_ylim() == second.get_ylim()
    assert figure.axes[4].get_xlim() == figure.axes[5].get_xlim()
    left = [text.get_text() for text in figure.axes[6].texts]
    right = [text.get_text() for text in figure.axes[7].texts]
    numbers = dict(zip(left[::2], left[1::2], strict=True))
    assert numbers["minima"] == "2 (2 supported)"
    assert numbers["merging saddles"] == "1 (1 supported)"
    assert dict(zip(right[::2], right[1::2], strict=True))["avg. persistence"] == "0"
    # One pair: its paired standard error over batches, in which the common shift cancels.
    pair = wells.merge_tree().pairs[1]
    flat = wells.batch_losses.reshape(-1, 6)
    gaps = flat[pair["death_vertex"]] - flat[pair["birth_vertex"]]
    error = gaps.std(ddof=1) / np.sqrt(6)
    assert numbers["avg. persistence, supported"] == f"{gaps.mean():.4g} ± {error:.2g}"
    assert numbers["SMAD, supported"].split()[0] == f"{nbl.smad(wells.merge_tree()):.4g}"
    assert "one standard error" in figure.get_supxlabel()
    doubtful = comparison_figure(
        {"wells": wells}, support={"wells": judged(wells.merge_tree(), [True, False])}
    )
    words = [text.get_text() for text in doubtful.axes[3].texts]
    assert words[1::2] == ["2 (1 supported)", "1 (0 supported)", "0", "0"]


def test_a_comparison_has_one_threshold():
    values = np.random.default_rng(0).normal(size=(20, 20))
    some = {"fine": nbl.Landscape.from_array(values), "coarse": nbl.Landscape.from_array(values[::2, ::2])}
    figure = comparison_figure(some, threshold=1.5)
    for axes, landscape in zip(figure.axes[6:8], some.values(), strict=True):
        assert axes.texts[1].get_text() == str(len(landscape.merge_tree().simplify(1.5).minima))
    assert "1.5" in figure.get_supxlabel()
    line = comparison_figure({"a": nbl.Landscape.from_array(X**2), "b": nbl.Landscape.from_array(np.sin(X))})
    assert line.axes[0].get_ylim() == line.axes[1].get_ylim()
    mixed = comparison_figure({"a": nbl.Landscape.from_array(X**2), "b": some["fine"]}, width=4)
    assert len(mixed.axes) == 6
    with pytest.raises(ValueError, match="empty"):
        comparison_figure({})
    with pytest.raises(ValueError, match="threshold=-1"):
        comparison_figure(some, threshold=-1)
    with pytest.raises(ValueError, match="apart"):
        span(merge_tree(X), merge_tree(X, kind="superlevel"))


def linear(color: object) -> np.ndarray:
    rgb = np.array(to_rgba(color)[:3])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def cielab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    xyz /= (0.9505, 1.0, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: object, other: object) -> float:
    def luminance(color: object) -> float:
        return float(linear(color) @ (0.2126, 0.7152, 0.0722))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_hues_and_words_stand_out(style):
    with matplotlib.style.context(style):
        landscape = himmelblau(holes=True)
        figure = topology_figure(landscape)
        for axes in figure.axes:
            back = axes.get_facecolor()
            for hue in basin_colors(axes, 40):
                assert contrast(hue, back) > 3
            for text in axes.texts:
                assert contrast(text.get_color(), back) > 3


@pytest.mark.parametrize("back", ["white", "black"])
def test_hues_stay_apart_for_the_colour_blind(back):
    # Machado, Oliveira and Fernandes (2009), complete protan-, deuteran- and tritanopia; linear RGB.
    eyes = [
        np.eye(3),
        [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
        [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
        [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
    ]
    hues = basin_colors(Figure(facecolor=back).add_subplot(facecolor=back), 8)
    for eye in eyes:
        seen = np.array([cielab(np.clip(np.array(eye) @ linear(hue), 0, 1)) for hue in hues])
        apart = np.linalg.norm(seen[:, None] - seen, axis=-1)
        assert apart[~np.eye(8, dtype=bool)].min() > 16


def test_a_comparison_has_one_scale_and_ends_at_a_cut():
    x = np.linspace(-1, 1, 9)
    bowl = np.add.outer(x**2, x**2) - 1
    some = {"bowl": nbl.Landscape.from_array(bowl), "steep": nbl.Landscape.from_array(1000 * bowl)}
    figure = comparison_figure(some, scale="symlog", clip=50)
    figure.canvas.draw()
    maps, trees = figure.axes[:2], figure.axes[2:4]
    assert trees[0].get_yscale() == trees[1].get_yscale() == "function"
    assert trees[0].get_ylim() == trees[1].get_ylim()
    assert maps[0].get_title() == "bowl"
    assert "Cut off above 50." in figure.get_supxlabel()
    # Nothing is cut off above all of it.
    assert "Cut" not in comparison_figure(some, clip=5000).get_supxlabel()
    with pytest.raises(ValueError, match="scale='cubic'"):
        comparison_figure(some, scale="cubic")


def test_the_levels_of_a_basin_map_are_even_in_its_shades():
    x = np.linspace(0.1, 100, 30)
    wells = nbl.Landscape.from_array(np.add.outer(x, np.zeros(30)))
    for scale, middle in (("linear", 50.05), ("log", np.sqrt(10)), ("symlog", None)):
        shades = plot_basin_map(panel(), wells, wells.merge_tree(), scale=scale)
        half = float(shades.norm.inverse(0.5))
        assert middle is None or half == pytest.approx(middle)
        assert middle is not None or 0.1 < half < 50
