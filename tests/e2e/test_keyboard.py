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
    # Buttons are alike as well: every fifth one.
    buttons = [part for part in parts if part["tag"] == "button"]
    parts = [part for part in parts if part not in buttons or part in buttons[::5]]
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
