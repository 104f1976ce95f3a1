"""The explorer of a small network in a real JupyterLab: what a person does, and what reaches Python."""

from __future__ import annotations

import bisect
import re
from itertools import product

import pytest
from playwright.sync_api import expect

from harness.panel import (
    EXPLORE,
    HIMMELBLAU,
    NETWORK,
    colours,
    drag_slider,
    finished,
    marker_of,
    number,
    rested,
    rows,
    surface_box,
)
from harness.shared import checked, opened

RESET = """
explorer.request(axes=(1, 2), span=12.0, points=33, offset={}, scale="linear", threshold=0.0)
explorer.wait(60)
explorer.selection = {"kind": "none", "vertex": None, "coordinates": None, "loss": None}
"""


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    with opened(browser, jupyterlab, "interaction", NETWORK, EXPLORE) as notebook:
        notebook.execute("explorer.wait(60)")
        yield notebook


@pytest.fixture
def explorer(lab, request):
    """The shared explorer, in its first view."""
    lab.execute(RESET)
    widget = lab.widget(1)
    widget.get_by_role("button", name="Reset view").click()
    lab.page.mouse.move(2, 2)
    finished(widget)
    with checked(lab, request.node.name):
        yield lab, widget


def drag(lab, widget, dx, dy):
    box = surface_box(widget)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    for k in range(1, 9):
        lab.page.mouse.move(x + dx * k / 8, y + dy * k / 8)
    lab.page.mouse.up()
    lab.page.mouse.move(2, 2)


def test_dragging_turns_the_surface_and_selects_nothing(explorer):
    lab, widget = explorer
    before, yaw = rested(widget), lab.value("explorer.view['yaw']")
    drag(lab, widget, 160, 30)
    lab.until(f"abs(explorer.view['yaw'] - {yaw}) > 0.5")
    turned = rested(widget)
    assert turned != before
    assert lab.value("explorer.selection['kind']") == "none"
    widget.get_by_role("button", name="Reset view").click()
    lab.page.mouse.move(2, 2)
    widget.locator("h2").click()
    assert rested(widget) == before


def test_the_wheel_zooms_only_when_the_surface_has_the_focus(explorer):
    lab, widget = explorer
    widget.locator("h2").click()
    widget.get_by_role("button", name="Reset view").focus()
    box = surface_box(widget)
    zoom = lab.value("explorer.view['zoom']")
    lab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab.page.mouse.wheel(0, -40)
    lab.page.wait_for_timeout(600)
    assert lab.value("explorer.view['zoom']") == zoom
    widget.get_by_role("group", name="Loss surface").focus()
    box = surface_box(widget)
    lab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab.page.mouse.wheel(0, -240)
    lab.until(f"explorer.view['zoom'] > {zoom} * 1.2")
    assert surface_box(widget) == box  # the page has not scrolled


def test_the_read_out_tells_exact_values(explorer):
    lab, widget = explorer
    box = surface_box(widget)
    seen = 0
    for share_x, share_y in product((0.38, 0.47, 0.56), (0.5, 0.56, 0.62)):  # some lie on markers
        lab.page.mouse.move(box["x"] + 3, box["y"] + 3)
        lab.page.mouse.move(box["x"] + share_x * box["width"], box["y"] + share_y * box["height"])
        tip = widget.locator(".nbl-tip")
        expect(tip).to_be_visible()
        if "Point" not in tip.locator(".nbl-tip-head").inner_text():
            continue
        shown = rows(tip)
        x, y = (value for name, value in shown.items() if name.startswith("v"))
        assert shown["loss"] == pytest.approx(interpolated(lab, x, y), rel=2e-3)
        seen += 1
    assert seen >= 4


def interpolated(lab, x, y):
    """Height of the drawn triangles: each cell is cut from its lower to its upper corner."""
    a, b = lab.value("[axis.tolist() for axis in explorer.landscape.axes]")
    values = lab.value("explorer.landscape.values.tolist()")
    i, j = (min(max(bisect.bisect(axis, at) - 1, 0), len(axis) - 2) for axis, at in ((a, x), (b, y)))
    u, v = (x - a[i]) / (a[i + 1] - a[i]), (y - b[j]) / (b[j + 1] - b[j])
    low, high = values[i][j], values[i + 1][j + 1]
    if u >= v:
        return (1 - u) * low + (u - v) * values[i + 1][j] + v * high
    return (1 - v) * low + (v - u) * values[i][j + 1] + u * high


def test_a_marker_on_the_surface_and_its_leaf_in_the_tree_are_one(explorer):
    lab, widget = explorer
    item = widget.get_by_role("treeitem", name=re.compile("^Minimum 2:"))
    unlit = rested(widget)
    at = marker_of(widget, item, "Minimum 2 of")
    lab.page.mouse.click(*at)
    expect(item).to_have_attribute("aria-selected", "true")
    lab.until("explorer.selection['kind'] == 'minimum'")
    assert lab.value("explorer.selection['vertex'] == int(explorer.merge_tree.minima[1])")
    lab.page.mouse.move(2, 2)
    assert rested(widget) != unlit
    # Clicked again it is let go.
    lab.page.mouse.move(*at)
    lab.page.wait_for_timeout(400)
    lab.page.mouse.click(*at)
    expect(item).to_have_attribute("aria-selected", "false")
    lab.until("explorer.selection['kind'] == 'none'")


def test_a_leaf_and_a_saddle_of_the_tree_light_up_the_surface(explorer):
    lab, widget = explorer
    item = widget.get_by_role("treeitem", name=re.compile("^Minimum 2:"))
    plain = rested(widget)
    item.locator(".nbl-leaf").click()
    lab.page.mouse.move(2, 2)
    lab.until("explorer.selection['kind'] == 'minimum'")
    leaf = rested(widget)
    item.locator(".nbl-saddle").click()
    lab.page.mouse.move(2, 2)
    lab.until("explorer.selection['kind'] == 'saddle'")
    saddle = rested(widget)
    assert len({plain, leaf, saddle}) == 3
    assert lab.value(
        "explorer.selection['loss'] - float(explorer.landscape.values.flat[explorer.merge_tree.minima[1]])"
    ) == pytest.approx(lab.value("float(explorer.merge_tree.persistence[1])"), rel=1e-5)
    expect(widget.get_by_role("region", name="Merge tree")).to_contain_text("Saddle")


def test_the_persistence_slider_simplifies_tree_surface_and_python(explorer):
    lab, widget = explorer
    items = widget.get_by_role("treeitem")
    expect(items).to_have_count(12)
    before = rested(widget)
    slider = widget.get_by_role("slider", name="Persistence threshold")
    drag_slider(slider, 0, 0.8, 12)
    lab.page.mouse.move(2, 2)
    lab.until("0 < explorer.spec['threshold'] < 0.21")
    left = lab.value("len(explorer.merge_tree.minima)")
    assert 1 < left < 12
    expect(items).to_have_count(left)
    assert lab.value("float(explorer.merge_tree.persistence.min()) >= explorer.spec['threshold']")
    assert rested(widget) != before  # fewer markers
    # A display matter: nothing is computed anew.
    assert lab.value("explorer.surface['spec']['id'] < explorer.spec['id']")
    widget.get_by_role("button", name="Undo").click()
    expect(items).to_have_count(12)


def test_a_stem_and_an_axis_slider_make_the_kernel_compute_another_plane(explorer):
    lab, widget = explorer
    before = lab.value("explorer.landscape.values.tolist()")
    widget.get_by_role("button", name=re.compile("^λ₁ =")).click()
    lab.until("explorer.spec['axes'] == [0, 2]")
    lab.execute("explorer.wait(60)")
    by_stem = lab.value("explorer.landscape.values.tolist()")
    assert by_stem != before
    assert "₁" in lab.value("explorer.landscape.labels[0]")
    slider = widget.get_by_role("slider", name="Eigenvector of the second axis")
    slider.press("ArrowLeft")
    lab.until("explorer.spec['axes'] == [0, 1]")
    lab.execute("explorer.wait(60)")
    assert lab.value("explorer.landscape.values.tolist()") not in (by_stem, before)
    # The same plane without an explorer.
    lab.execute("plane = nbl.Subspace.hessian(objective, explorer.eigenpairs, (0, 1))")
    lab.execute("direct = nbl.sample(objective, plane, span=explorer.spec['span'], points=33)")
    assert lab.value("float(abs(direct.values - explorer.landscape.values).max())") < 1e-6


def test_the_offset_moves_the_plane(explorer):
    lab, widget = explorer
    assert lab.value("explorer.landscape.origin is not None")
    before = lab.value("explorer.landscape.values.tolist()")
    widget.get_by_label("Eigenvector of the offset").select_option("0")
    slider = widget.get_by_role("slider", name="Offset", exact=True)
    expect(slider).to_be_enabled()
    drag_slider(slider, 0.5, 0.75, 6)
    lab.until("explorer.spec['offset']['axis'] == 0 and 4 < explorer.spec['offset']['value'] < 8")
    lab.execute("explorer.wait(60)")
    assert lab.value("explorer.landscape.values.tolist()") != before
    assert lab.value("explorer.landscape.origin is None")
    lab.page.keyboard.press("Control+z")
    lab.until("explorer.spec['offset']['value'] == 0")


def test_log_and_linear_undo_redo(explorer):
    lab, widget = explorer
    linear = rested(widget)
    widget.get_by_role("button", name="log", exact=True).click()
    lab.page.mouse.move(2, 2)
    lab.until("explorer.spec['scale'] == 'log'")
    log = rested(widget)
    assert log != linear
    widget.get_by_role("button", name="Undo").click()
    lab.until("explorer.spec['scale'] == 'linear'")
    lab.page.mouse.move(2, 2)
    assert rested(widget) == linear
    widget.get_by_role("button", name="Redo").click()
    lab.until("explorer.spec['scale'] == 'log'")
    lab.page.mouse.move(2, 2)
    assert rested(widget) == log


def test_copied_python_reproduces_the_surface(explorer):
    lab, widget = explorer
    field = widget.get_by_role("textbox", name="Half-width along the first axis")
    field.fill("7.5")
    field.press("Enter")
    widget.get_by_role("button", name="log", exact=True).click()
    lab.until("explorer.spec['scale'] == 'log' and explorer.spec['span'][0] == 7.5")
    lab.execute("explorer.wait(60)")
    widget.get_by_role("button", name="Copy as Python").click()
    code = widget.locator(".nbl-code").inner_text()
    lab.page.keyboard.press("Escape")
    assert code.startswith("nbl.explore(objective, ")
    lab.execute(f"again = {code}\nagain.wait(60)")
    assert lab.value("bool((again.landscape.values == explorer.landscape.values).all())")
    assert lab.value("{k: v for k, v in again.spec.items() if k != 'id'}") == lab.value(
        "{k: v for k, v in explorer.spec.items() if k != 'id'}"
    )
    lab.execute("again.close(); del again")


def test_what_was_clicked_becomes_weights(explorer):
    lab, widget = explorer
    widget.get_by_role("treeitem", name=re.compile("^Minimum 3:")).locator(".nbl-leaf").click()
    lab.until("explorer.selection['kind'] == 'minimum'")
    shown = number(widget.locator(".nbl-feature dd").first.inner_text())
    lab.execute("kept = {k: v.clone() for k, v in model.state_dict().items()}")
    lab.execute("model.load_state_dict(explorer.selected_state_dict())")
    assert lab.value("float(loss(model(x), y).detach())") == pytest.approx(shown, rel=1e-5)
    lab.execute("model.load_state_dict(kept)")


def test_more_eigenpairs_on_request(explorer):
    lab, widget = explorer
    panel = widget.get_by_role("region", name="Spectrum of the Hessian")
    stems = panel.locator("[data-stem]")
    before = stems.count()
    panel.get_by_role("button", name="more").click()
    expect(stems).to_have_count(before + 4, timeout=20_000)
    assert lab.value("len(explorer.eigenpairs.values)") == before + 4
    # The chosen directions are still the chosen ones, counted from both ends.
    assert lab.value("explorer.spec['axes']") == [1, 2]
    finished(widget)


def test_both_themes_draw_every_panel(explorer):
    lab, widget = explorer
    inks = []
    for dark in (True, False):
        lab.theme(dark=dark)
        rested(widget)
        assert colours(widget) > 200
        texts = widget.locator("h2, .nbl-panel-title, .nbl-control-name, .nbl-phase-text, .nbl-tree text")
        inks.append({text.evaluate(CONTRAST) for text in texts.all()[:12]})
        lab.screenshot(f"network_{'dark' if dark else 'light'}")
    assert all(min(contrasts) >= 4.5 for contrasts in inks), inks


# WCAG contrast of a text with the explorer's ground.
CONTRAST = """e => {
  const rgb = css => {
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    context.fillStyle = css;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255);
  };
  const light = css => rgb(css)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const style = getComputedStyle(e);
  let ground = e;
  while (ground && /^rgba\\(0, 0, 0, 0\\)$|transparent/.test(getComputedStyle(ground).backgroundColor))
    ground = ground.parentElement ?? ground.getRootNode().host;
  const ink = e instanceof SVGElement ? style.fill : style.color;
  const [a, b] = [light(ink), light(ground ? getComputedStyle(ground).backgroundColor : "white")];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


# --- functions: windows, holes, errors, cancel

FUNCTIONS = """
import math, time

def holed(x, y):
    return math.nan if x > 2 and y > 2 else x**2 + y**2

def failing(x, y):
    if x > 3:
        raise ArithmeticError("no such place as " + repr(round(x, 2)))
    return x * y

def slow(x, y):
    time.sleep(0.02)
    return x * x + y
"""


@pytest.fixture(scope="module")
def functions(browser, jupyterlab):
    cells = [HIMMELBLAU, FUNCTIONS]
    cells += ["himmelblaus = nbl.explore(himmelblau, bounds=((-5, 5), (-4, 6)), points=33)\nhimmelblaus"]
    cells += ["view = nbl.explore(holed, bounds=((-4, 4), (-4, 4)), points=17)\nview"]
    cells += ["error = nbl.explore(failing, bounds=((-4, 4), (-4, 4)), points=9)\nerror"]
    cells += ["slowly = nbl.explore(slow, bounds=((-4, 4), (-4, 4)), points=9)\nslowly"]
    with opened(browser, jupyterlab, "functions", *cells) as notebook:
        yield notebook


def test_copied_python_of_a_function_has_its_window(functions):
    with checked(functions, "copied_function") as lab:
        widget = lab.widget(2)
        finished(widget)
        slider = widget.get_by_role("slider", name="Range", exact=True)
        for _ in range(4):
            slider.press("ArrowLeft")
        lab.until("himmelblaus.spec['span'][0] < 5")
        lab.execute("himmelblaus.wait(60)")
        widget.get_by_role("button", name="Copy as Python").click()
        code = widget.locator(".nbl-code").inner_text()
        lab.page.keyboard.press("Escape")
        lab.execute(f"again = {code}\nagain.wait(60)")
        assert lab.value("float(abs(again.landscape.values - himmelblaus.landscape.values).max())") < 1e-9
        lab.execute("again.close(); del again")


def test_holes_are_drawn_as_holes_and_counted(functions):
    with checked(functions, "holes") as lab:
        widget = lab.widget(3)
        finished(widget)
        holes = lab.value("int(view.landscape.holes)")
        assert holes == 16
        expect(widget.locator(".nbl-numbers")).to_contain_text(re.compile(r"16\s*holes"))
        assert colours(widget) > 200
        lab.screenshot("holes", widget)
        # Seen from above, the middle of the window has a value and its far corner has none.
        box = surface_box(widget)
        widget.get_by_role("group", name="Loss surface").focus()
        for _ in range(12):
            lab.page.keyboard.press("ArrowDown")
        rested(widget)
        inside = set()
        for k in range(36):
            lab.page.mouse.move(box["x"] + 2, box["y"] + 2)
            x, y = 0.25 + 0.1 * (k % 6), 0.2 + 0.12 * (k // 6)
            lab.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            lab.page.wait_for_timeout(60)
            tip = widget.locator(".nbl-tip")
            if tip.count() and "Point" in tip.inner_text():
                found = rows(tip)
                inside.add((found["x"], found["y"]))
        assert len(inside) > 10
        assert not any(x > 2 and y > 2 for x, y in inside)


def test_an_error_of_the_function_is_told_in_the_view(functions):
    with checked(functions, "error") as lab:
        widget = lab.widget(4)
        alert = widget.get_by_role("alert").filter(has_text="no such place as")
        expect(alert.first).to_be_visible(timeout=20_000)
        expect(alert.first).to_contain_text("ArithmeticError")
        lab.screenshot("error", widget)
        assert lab.value("type(error.error).__name__") == "ArithmeticError"
        # A window without the bad place heals it.
        slider = widget.get_by_role("slider", name="Range", exact=True)
        field = widget.get_by_role("textbox", name="Half-width along the first axis")
        field.fill("2")
        field.press("Enter")
        finished(widget)
        expect(slider).to_be_enabled()
        expect(widget.get_by_text("no such place as")).to_have_count(0)


def press_while_the_page_scrolls(page, button):
    """Click as it happens when a notebook moves the cell that the mouse went down on."""
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    moved = button.evaluate("""node => {
      const before = node.getBoundingClientRect().top;
      let outer = node.getRootNode().host;
      while (outer.scrollHeight <= outer.clientHeight + 60 || getComputedStyle(outer).overflowY === "visible")
        outer = outer.parentElement;
      outer.scrollTop += outer.scrollTop > 60 ? -60 : 60;
      return Math.abs(node.getBoundingClientRect().top - before);
    }""")
    assert moved > box["height"], "the button stayed where it was"
    page.mouse.up()


def test_cancel_stops_a_slow_function(functions):
    with checked(functions, "cancel") as lab:
        widget = lab.widget(5)
        finished(widget)
        field = widget.get_by_role("textbox", name="Points along each axis")
        field.fill("65")
        field.press("Enter")
        button = widget.get_by_role("button", name="Cancel")
        expect(button).to_be_visible()
        lab.until("slowly.status['phase'] == 'running'")
        expect(widget.locator(".nbl-phase")).to_contain_text(
            re.compile(r"computing \d+ %, .* left"), timeout=20_000
        )
        # The levels that are there are drawn, long before the rest is.
        badge = widget.locator(".nbl-badge.partial")
        expect(badge).to_contain_text(re.compile(r"refining [1-9]\d? %"), timeout=20_000)
        seen = badge.inner_text()
        expect(badge).not_to_have_text(seen)
        lab.until("slowly.status['phase'] == 'running'")
        press_while_the_page_scrolls(lab.page, button)
        expect(widget.locator(".nbl-phase")).to_contain_text(re.compile(r"stopped at \d+ %"))
        expect(badge).to_have_text(re.compile(r"stopped at \d+ %"))
        expect(widget.get_by_role("button", name="Start again")).to_be_visible()
        expect(button).to_have_count(0)
        lab.until("slowly.status['phase'] == 'cancelled'")
        lab.screenshot("cancelled", widget)
        field.fill("5")
        field.press("Enter")
        finished(widget)
        lab.until("slowly.landscape.shape == (5, 5)")
