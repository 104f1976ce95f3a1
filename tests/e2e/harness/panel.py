"""What tests do with an explorer on a page: read its canvas, find its markers, drag its sliders."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, expect

HIMMELBLAU = """
import nblandscape as nbl

def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
"""
# A network whose plane of these two eigenvectors has twelve minima; half a second in all.
NETWORK = """
import torch, nblandscape as nbl

class Sine(torch.nn.Module):
    def forward(self, x):
        return torch.sin(x)

torch.manual_seed(0)
x = torch.randn(200, 5)
y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0.5).long()
model = torch.nn.Sequential(torch.nn.Linear(5, 8), Sine(), torch.nn.Linear(8, 3))
loss = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
for _ in range(60):
    optimizer.zero_grad()
    loss(model(x), y).backward()
    optimizer.step()
objective = nbl.Objective(model, loss, (x, y))
"""
EXPLORE = """
explorer = nbl.explore(objective, axes=(1, 2), span=12.0, points=33)
explorer
"""

PIXELS = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const pixels = new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  let hash = 2166136261;
  for (const pixel of pixels) hash = Math.imul(hash ^ pixel, 16777619) >>> 0;
  return [hash, new Set(pixels).size];
}"""
COUNT_CONTEXTS = """() => {
  window.nblContexts = [];
  for (const kind of [HTMLCanvasElement, OffscreenCanvas]) {
    const original = kind.prototype.getContext;
    kind.prototype.getContext = function (type, ...more) {
      const context = original.call(this, type, ...more);
      if (context && /webgl/.test(type) && !window.nblContexts.includes(context)) {
        window.nblContexts.push(context);
      }
      return context;
    };
  }
}"""

# Run before the scripts of a page: a browser without WebGL.
NO_WEBGL = """
for (const kind of [HTMLCanvasElement, OffscreenCanvas]) {
  const original = kind.prototype.getContext;
  kind.prototype.getContext = function (type, ...more) {
    return /webgl/.test(type) ? null : original.call(this, type, ...more);
  };
}
"""


def canvas(widget: Locator) -> Locator:
    """The surface's canvas."""
    return widget.locator("canvas")


def fingerprint(widget: Locator) -> int:
    """A number that changes with any pixel of the surface's canvas."""
    return int(canvas(widget).evaluate(PIXELS)[0])


def colours(widget: Locator) -> int:
    """How many colours the surface's canvas shows: a blank one has one, a drawn one hundreds."""
    return int(canvas(widget).evaluate(PIXELS)[1])


def rested(widget: Locator) -> int:
    """Fingerprint of the picture at rest: the same twice, half a second apart."""
    last = -1
    for _ in range(40):
        if (now := fingerprint(widget)) == last:
            return now
        last = now
        widget.page.wait_for_timeout(400)
    raise AssertionError("The picture never came to rest.")


def surface_box(widget: Locator) -> dict[str, float]:
    """Where the surface is on the page, CSS pixels."""
    canvas(widget).scroll_into_view_if_needed()
    box = canvas(widget).bounding_box()
    assert box is not None
    return {name: float(box[name]) for name in ("x", "y", "width", "height")}


def turn(widget: Locator) -> None:
    """Drag the surface, which must be drawn before and be another picture after."""
    before = rested(widget)
    assert colours(widget) > 200
    box, mouse = surface_box(widget), widget.page.mouse
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 70, y + 10, steps=4)
    mouse.up()
    mouse.move(1, 1)
    assert rested(widget) != before


def marker_of(widget: Locator, item: Locator, heading: str) -> tuple[float, float]:
    """Page position of the marker of a tree item, found as a person does: point at the one, see the other.

    The surface's tooltip stands 16 right and 14 below of what it is about (mirrored where there is no room);
    that the place is right is confirmed by pointing there.
    """
    surface = surface_box(widget)
    widget.page.mouse.move(surface["x"] + 3, surface["y"] + 3)
    item.locator(".nbl-leaf").hover()
    tip = widget.locator(".nbl-tip")
    expect(tip).to_contain_text(heading)
    box = tip.bounding_box()
    assert box is not None
    for x in (box["x"] - 16, box["x"] + box["width"] + 14):
        for y in (box["y"] - 14, box["y"] + box["height"] + 12):
            widget.page.mouse.move(surface["x"] + 3, surface["y"] + 3)
            widget.page.mouse.move(x, y)
            widget.page.wait_for_timeout(120)
            if tip.count() and heading in tip.inner_text():
                return x, y
    raise AssertionError(f"There is no marker of {heading!r} where its tooltip pointed to.")


def rows(box: Locator) -> dict[str, float]:
    """The numbers of a tooltip or read-out."""
    pairs = box.locator("dl > div").all()
    return {pair.locator("dt").inner_text(): number(pair.locator("dd").inner_text()) for pair in pairs}


def number(text: str) -> float:
    """A number as the explorer writes it."""
    match = re.match(r"[−+-]?[\d.]+(e[−-]?\d+)?", text.strip())
    assert match, f"{text!r} does not begin with a number"
    return float(match[0].replace("−", "-"))


def drag_slider(slider: Locator, start: float, end: float, steps: int) -> None:
    """Drag a slider's thumb with the mouse from one share of its length to another, and let go."""
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    mouse, y = slider.page.mouse, box["y"] + box["height"] / 2
    left, length = box["x"] + 8, box["width"] - 16
    mouse.move(left + start * length, y)
    mouse.down()
    for k in range(1, steps + 1):
        mouse.move(left + (start + (end - start) * k / steps) * length, y)
    mouse.up()


def finished(widget: Locator, seconds: float = 60.0) -> None:
    """Wait until the status line says that the surface is computed."""
    expect(widget.locator(".nbl-tone-ok")).to_be_visible(timeout=seconds * 1000)


def focusables(widget: Locator) -> list[dict[str, Any]]:
    """Everything in the explorer that takes the focus, in its order, as index and description."""
    found: list[dict[str, Any]] = widget.evaluate(FOCUSABLES)
    return found


FOCUSABLES = """el => {
  const root = el.querySelector(".nblandscape-widget").shadowRoot;
  const all = [...root.querySelectorAll("button, input, select, [tabindex]")];
  window.nblFocusables = all.filter(e => !e.disabled && e.getClientRects().length > 0);
  return window.nblFocusables.map((e, index) => ({
    index,
    tag: e.tagName.toLowerCase(),
    type: e.type ?? "",
    name: e.getAttribute("aria-label") ?? e.textContent.trim().slice(0, 40),
  }));
}"""
