"""Keys: the explorer's own work without a mouse, and none of them reaches the notebook."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from harness.panel import EXPLORE, NETWORK, canvas, finished, focusables, rested
from harness.shared import checked, opened

# Of the keymap (js/src/a11y/keymap.ts), of the surface, the tree and the stems, and the notebook's own
# commands: above, below, delete (twice), cut, undo delete, markdown, code, raw, merge, run.
COMMANDS = ["a", "b", "d", "d", "x", "z", "m", "y", "r", "c", "v", "0"]
PLAIN = ["?", "Escape", "Home", "End", "+", "-", "n", "p", "[", "]"]
ARROWS = ["ArrowLeft", "ArrowUp", "ArrowDown", "Shift+ArrowDown"]
CHORDS = ["Control+z", "Control+Shift+z", "Control+y", "Shift+a", "Shift+m"]
PRESSES = ["Enter", "Escape", " ", "Escape"]


RESET = """
explorer.view = {k: v for k, v in explorer.view.items() if k not in ("panels", "projector", "probe", "map")}
explorer.request(axes=(1, 2), span=12.0, points=33, offset={}, threshold=0.0, scale="linear")
explorer.wait(60)
explorer.selection = {"kind": "none", "vertex": None, "coordinates": None, "loss": None}
"""


@pytest.fixture(scope="module")
def lab(browser, jupyterlab):
    with opened(browser, jupyterlab, "keyboard", "before = 1", NETWORK, EXPLORE, "after = 2") as notebook:
        notebook.execute("explorer.wait(60)")
        finished(notebook.widget(2))
        yield notebook


@pytest.fixture
def explorer(lab, request):
    # What the page still sends from the test before replaces a request made now: ask until it holds.
    for _ in range(6):
        finished(lab.widget(2))
        lab.execute(RESET)
        lab.page.wait_for_timeout(500)
        if lab.value("explorer.spec['axes'] == [1, 2] and explorer.spec['points'] == [33, 33]"):
            break
    else:
        pytest.fail("the page goes on sending views although nothing is pressed")
    lab.widget(2).get_by_role("tab", name="Merge tree").click()
    with checked(lab, request.node.name):
        yield lab, lab.widget(2)


def test_no_key_on_any_part_changes_a_cell(explorer):
    lab, widget = explorer
    sources, kinds = lab.sources(), [cell["cell_type"] for cell in lab.cells()]
    counts = [cell["execution_count"] for cell in lab.cells()]
    parts = focusables(widget)
    # Branches are alike, stems are alike: the first of each stands for the rest.
    first = [next(part for part in parts if part["name"].startswith(sign)) for sign in ("Minimum", "λ")]
    parts = [part for part in parts if part["tag"] != "g" or part in first]
    # Buttons are alike as well: every twelfth one; so are fields of one type.
    buttons = [part for part in parts if part["tag"] == "button"]
    fields = {part["type"]: part for part in parts if part["tag"] == "input"}.values()
    parts = [part for part in parts if part["tag"] not in {"button", "input"}]
    parts += [*buttons[::12], *fields]
    assert len(parts) > 10
    assert {"button", "input", "select", "div", "g"} <= {part["tag"] for part in parts}
    for part in parts:
        # Downloads, full screen and panels do what they say; that is not about keys.
        leave = re.search("Full screen|more|Only the|again|[Pp]anel", part["name"]) or part["tag"] == "select"
        pressed = COMMANDS + PLAIN + ARROWS + CHORDS + ([] if leave else PRESSES)
        for key in pressed:
            widget.evaluate("(_, index) => window.nblFocusables[index].focus()", part["index"])
            lab.page.keyboard.press(key)
        after = [cell["cell_type"] for cell in lab.cells()]
        assert (lab.sources(), after) == (sources, kinds), f"a key on {part} reached the notebook"
    # What "?" has opened last.
    lab.page.keyboard.press("Escape")
    expect(widget.get_by_role("dialog")).to_have_count(0)
    assert [cell["execution_count"] for cell in lab.cells()] == counts


def test_the_same_keys_outside_do_reach_the_notebook(explorer):
    """What the test above relies on: in command mode a key changes the cells."""
    lab, _ = explorer
    sources = lab.sources()
    lab.cell(3).locator(".jp-InputPrompt").click()
    lab.page.keyboard.press("a")
    lab.page.wait_for_timeout(200)
    assert len(lab.sources()) == len(sources) + 1
    lab.page.keyboard.press("d")
    lab.page.keyboard.press("d")
    lab.page.wait_for_timeout(200)
    assert lab.sources() == sources


def focused(widget):
    return widget.evaluate(
        """el => {
          const e = el.querySelector(".nblandscape-widget").shadowRoot.activeElement;
          return e && (e.getAttribute("aria-label") ?? e.textContent.trim());
        }"""
    )


def test_everything_can_be_reached_and_left_with_tab(explorer):
    lab, widget = explorer
    lab.cell(2).locator(".jp-InputPrompt").click()
    widget.get_by_role("button", name="Reset view").focus()
    order = []
    for _ in range(90):
        name = focused(widget)
        if name is None:
            break
        order.append(name)
        lab.page.keyboard.press("Tab")
    assert name is None, "Tab never leaves the explorer"
    text = "\n".join(order)
    for part in (
        "Loss surface",
        "Minimum",
        "Persistence threshold",
        "λ",
        "first axis",
        "Range",
        "offset",
        "log",
    ):
        assert part in text, f"{part} cannot be reached with Tab; these can: {order}"
    # Tree and stems are one stop each; arrows go on from there.
    assert sum(name.startswith("Minimum") for name in order) == 1
    assert sum(name.startswith("λ") for name in order) == 1


def test_the_surface_is_turned_moved_zoomed_and_read_with_keys(explorer):
    lab, widget = explorer
    surface = widget.get_by_role("group", name="Loss surface")
    surface.focus()
    view = lab.value("explorer.view")
    picture = rested(widget)
    for _ in range(4):
        lab.page.keyboard.press("ArrowRight")
    lab.until(f"explorer.view['yaw'] != {view['yaw']}")
    assert rested(widget) != picture
    lab.page.keyboard.press("+")
    lab.until(f"explorer.view['zoom'] > {view['zoom']}")
    lab.page.keyboard.press("Shift+ArrowUp")
    lab.until("explorer.view['pan'] != [0, 0]")
    lab.page.keyboard.press("Home")
    lab.until("explorer.view['pan'] == [0, 0] and explorer.view['zoom'] == 1")
    # n steps through the critical points and says so, Enter selects.
    lab.page.keyboard.press("n")
    lab.page.keyboard.press("n")
    expect(widget.locator(".nbl-tip-head")).to_contain_text("Minimum 1 of 12")
    expect(widget.get_by_role("status").filter(has_text="Minimum 1 of 12")).to_be_attached()
    lab.page.keyboard.press("Enter")
    lab.until("explorer.selection['kind'] == 'minimum'")
    lab.page.keyboard.press("Escape")
    lab.until("explorer.selection['kind'] == 'none'")


def test_the_merge_tree_is_walked_with_keys(explorer):
    lab, widget = explorer
    tree = widget.get_by_role("tree")
    tree.locator('[tabindex="0"]').focus()
    start = focused(widget)
    seen = {start}
    for key in ["ArrowDown"] + ["ArrowRight"] * 12 + ["ArrowLeft"] * 12 + ["ArrowUp"] * 6:
        lab.page.keyboard.press(key)
        seen.add(focused(widget))
    assert all(re.match(r"Minimum \d+:", name) for name in seen)
    assert len(seen) >= 6
    assert focused(widget).startswith("Minimum 1:")  # up ends at the deepest
    lab.page.keyboard.press("Enter")
    lab.until("explorer.selection['kind'] == 'minimum'")
    assert lab.value("explorer.selection['vertex'] == int(explorer.merge_tree.minima[0])")
    lab.page.keyboard.press("ArrowRight")
    lab.page.keyboard.press("Enter")
    lab.until("explorer.selection['vertex'] != int(explorer.merge_tree.minima[0])")
    lab.page.keyboard.press("Enter")
    lab.until("explorer.selection['kind'] == 'saddle'")


def test_sliders_and_axes_are_moved_with_keys(explorer):
    lab, widget = explorer
    spec = lab.value("explorer.spec")
    widget.get_by_role("slider", name="Resolution").focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.until("explorer.spec['points'] == [17, 17]")
    widget.get_by_role("slider", name="Persistence threshold").focus()
    for _ in range(3):
        lab.page.keyboard.press("PageUp")
    lab.until("explorer.spec['threshold'] > 0")
    widget.locator('[data-stem][tabindex="0"]').focus()
    lab.page.keyboard.press("End")
    assert focused(widget).startswith("λ₋₁")
    lab.page.keyboard.press("y")
    lab.until(f"explorer.spec['axes'] == [{spec['axes'][0]}, -1]")
    lab.page.keyboard.press("ArrowLeft")
    lab.page.keyboard.press("o")
    lab.until("explorer.spec['offset']['axis'] == -2")
    lab.page.keyboard.press("Control+z")
    lab.until("explorer.spec['offset']['axis'] is None")
    lab.execute("explorer.wait(60)")
    assert lab.value("list(explorer.landscape.shape)") == [17, 17]
    lab.page.keyboard.press("?")
    help_ = widget.get_by_role("dialog", name="Keyboard")
    expect(help_).to_be_visible()
    lab.screenshot("keys", widget)
    lab.page.keyboard.press("Escape")
    expect(help_).to_have_count(0)
    expect(canvas(widget)).to_be_visible()


def reach(lab, widget, name, *, key="Tab"):
    """Press Tab until the focus is on what is called so."""
    passed = []
    for _ in range(110):
        lab.page.keyboard.press(key)
        passed.append(focused(widget))
        if (passed[-1] or "").startswith(name):
            return
    pytest.fail(f"{key} does not lead to {name!r}, only to {passed}")


def test_a_whole_session_needs_no_mouse(explorer):
    lab, widget = explorer
    keys = lab.page.keyboard
    sources, before = lab.sources(), lab.value("id(explorer)")
    lab.page.evaluate(
        """() => {
          const notebook = window.jupyterapp.shell.currentWidget.content;
          Object.assign(notebook, { activeCellIndex: 2, mode: "command" });
          notebook.activeCell.node.focus();
        }"""
    )
    keys.press("Shift+Enter")
    lab.until(f"id(explorer) != {before}")
    lab.execute("explorer.wait(60)")
    widget = lab.widget(2)
    finished(widget)
    keys.press("ArrowUp")

    # Turn, select a minimum, make it the origin, and take that back.
    reach(lab, widget, "Loss surface")
    yaw = lab.value("explorer.view['yaw']")
    keys.press("ArrowRight")
    lab.until(f"explorer.view['yaw'] != {yaw}")
    for key in "nnn":
        keys.press(key)
    keys.press("Enter")
    lab.until("explorer.selection['kind'] == 'minimum'")
    keys.press("o")
    lab.until("explorer.spec.get('origin') == 1")
    lab.execute("explorer.wait(60)")
    finished(widget)
    assert focused(widget) == "Loss surface"
    keys.press("Control+z")
    lab.until("explorer.spec.get('origin', 0) == 0")
    lab.execute("explorer.wait(60)")

    # Axes, an eigenvector further, another window, fewer minima.
    reach(lab, widget, "λ")
    keys.press("End")
    keys.press("y")
    lab.until("explorer.spec['axes'] == [1, -1]")
    reach(lab, widget, "Eigenvector of the first axis")
    keys.press("ArrowRight")
    lab.until("explorer.spec['axes'] == [2, -1]")
    reach(lab, widget, "Half-width along the first axis")
    keys.press("Control+a")
    keys.type("6")
    keys.press("Enter")
    lab.until("explorer.spec['span'][0] == 6")
    lab.execute("explorer.wait(60)")
    finished(widget)
    for _ in ("field", "slider"):
        reach(lab, widget, "Persistence threshold", key="Shift+Tab")
    keys.press("PageUp")
    lab.until("explorer.spec['threshold'] > 0")

    # A picture; what was opened gives the focus back.
    reach(lab, widget, "View", key="Shift+Tab")
    keys.press("Enter")
    reach(lab, widget, "Save a picture")
    keys.press("Enter")
    expect(widget.get_by_role("dialog", name="Save a picture")).to_be_visible()
    reach(lab, widget, "PNG 1×")
    with lab.page.expect_download() as download:
        keys.press("Enter")
    assert download.value.path().read_bytes()[:4] == b"\x89PNG"
    keys.press("Escape")
    expect(widget.get_by_role("dialog")).to_have_count(0)
    assert focused(widget) == "Save a picture"

    # The numbers, the tour, captions, the projector.
    keys.press("Shift+T")
    reach(lab, widget, "Select minimum 1")
    keys.press("Enter")
    lab.until("explorer.selection['vertex'] == int(explorer.merge_tree.minima[0])")
    keys.press("Escape")
    expect(widget.get_by_role("dialog")).to_have_count(0)
    assert focused(widget) == "Save a picture"
    keys.press("Shift+G")
    tour = widget.get_by_role("dialog", name="Tour")
    expect(tour).to_contain_text("1 of 5")
    keys.press("ArrowRight")
    expect(tour).to_contain_text("2 of 5")
    keys.press("Escape")
    expect(tour).to_have_count(0)
    assert focused(widget) == "Save a picture"
    for key, name in (("Shift+C", "captions"), ("Shift+P", "projector")):
        keys.press(key)
        lab.until(f"explorer.view.get({name!r}) is True")
        assert focused(widget) == "Save a picture"
        keys.press(key)
        lab.until(f"explorer.view.get({name!r}) is False")

    # And out, at either end.
    for key in ("Tab", "Shift+Tab"):
        for _ in range(110):
            keys.press(key)
            if focused(widget) is None:
                break
        else:
            pytest.fail(f"{key} never leaves the explorer")
        keys.press("Shift+Tab" if key == "Tab" else "Tab")
        assert focused(widget) is not None
    assert lab.sources() == sources


KIND = """(_, index) => {
  const { tagName, classList } = window.nblFocusables[index];
  return tagName + [...classList].filter(name => !/hue|used|pointed|hovered/.test(name));
}"""
PLACE = """(_, index) => {
  const element = window.nblFocusables[index];
  element.focus();
  element.scrollIntoView({ block: "nearest" });
  const { x, y, width, height } = element.getBoundingClientRect();
  return { x: Math.max(0, x - 6), y: Math.max(0, y - 6), width: width + 12, height: height + 12 };
}"""


def test_the_focus_is_seen_wherever_it_is(explorer):
    lab, widget = explorer
    lab.page.keyboard.press("Tab")
    parts = focusables(widget)
    # Those of one kind look alike.
    kinds = {part["index"]: widget.evaluate(KIND, part["index"]) for part in parts}
    first = {kind: index for index, kind in reversed(kinds.items())}
    assert len(first) > 10
    for kind, index in first.items():
        clip = widget.evaluate(PLACE, index)
        lab.page.wait_for_timeout(100)
        with_focus = lab.page.screenshot(clip=clip)
        widget.evaluate("(_, index) => window.nblFocusables[index].blur()", index)
        lab.page.wait_for_timeout(100)
        assert lab.page.screenshot(clip=clip) != with_focus, f"{kind}: {parts[index]}"
