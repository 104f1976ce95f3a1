"""Offline pages of every kind: narrow, dark, on paper, damaged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import nblandscape as nbl
from harness.panel import colours, rested

pytestmark = pytest.mark.soak
SHOTS = Path("build/screenshots")


def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def made(kind):
    x = np.linspace(-2, 2, 25)
    wells = (x[:, None] ** 2 - 1) ** 2 + x[None, :] ** 2
    if kind == "explorer":
        return nbl.explore(himmelblau, bounds=((-5, 5), (-5, 5)), points=33, wait=True)
    if kind == "comparison":
        return nbl.explore({"wells": wells, "bowl": np.add.outer(x**2, x**2)})
    return nbl.explore(wells[:, :, None] + x**2, title="two wells")


@pytest.fixture(scope="module", params=["explorer", "comparison", "volume"])
def page_of(request):
    with made(request.param) as view:
        return request.param, {theme: view.to_html(theme=theme) for theme in ("light", "dark")}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 330])
def test_every_kind_draws_in_both_themes_wide_and_on_a_phone(page_of, tmp_path, watched, theme, width):
    kind, pages = page_of
    path = tmp_path / "page.html"
    path.write_text(pages[theme], encoding="utf-8")
    context, _ = watched("file:", width=width, height=900)
    page = context.new_page()
    page.emulate_media(color_scheme="light" if theme == "dark" else "dark")  # the page's own choice counts
    page.goto(path.as_uri())
    widget = page.locator("[data-nbl-widget]")
    expect(widget).to_have_attribute("data-nbl-theme", theme)
    expect(page.locator("canvas").first).to_be_visible()
    first = page.locator("#nblandscape")
    if kind != "comparison":
        rested(first)
        assert colours(first) > 100
    else:
        page.wait_for_timeout(1500)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways"
    page.screenshot(path=SHOTS / f"page_{kind}_{theme}_{width}.png", full_page=True)


def test_on_paper_the_surface_is_there(page_of, tmp_path, watched):
    kind, pages = page_of
    path = tmp_path / "page.html"
    path.write_text(pages["light"], encoding="utf-8")
    context, _ = watched("file:")
    page = context.new_page()
    page.goto(path.as_uri())
    expect(page.locator("canvas").first).to_be_visible()
    page.wait_for_timeout(1500)
    pdf = page.pdf(path=SHOTS / f"paper_{kind}.pdf", format="A4", landscape=True, print_background=True)
    assert len(pdf) > 20_000
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 1
    # Laid out anew for paper, the labels would no longer stand at what they are about.
    width = "(e, event) => (dispatchEvent(new Event(event)), e.style.width)"
    view = page.locator("#nblandscape")
    assert view.evaluate(width, "beforeprint") == f"{view.evaluate('e => e.offsetWidth')}px"
    assert view.evaluate(width, "afterprint") == ""


DAMAGES = {
    "cut": lambda text: text[: len(text) // 3],
    "no data": lambda text: re.sub(
        r'(nblandscape-state">).*?</script>', r"\1</script>", text, flags=re.DOTALL
    ),
    "no JSON": lambda text: text.replace('nblandscape-state">{', 'nblandscape-state">{{', 1),
    "empty": lambda text: re.sub(
        r'(nblandscape-state">).*?</script>', r"\1{}</script>", text, flags=re.DOTALL
    ),
    "bytes": lambda text: re.sub(r'("values":\{"\$b":")[^"]{40}', r"\1", text),
    "no spec": lambda text: re.sub(r'"spec":\{', '"nothing":{', text),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_page_says_so(page_of, tmp_path, watched, damage):
    _, pages = page_of
    path = tmp_path / "page.html"
    broken = DAMAGES[damage](str(pages["light"]))
    assert broken != pages["light"]
    path.write_text(broken, encoding="utf-8")
    context, watch = watched("file:")
    watch.noise.append("")
    page = context.new_page()
    page.goto(path.as_uri())
    told = page.get_by_text(re.compile("could not be drawn|If this text stays"))
    if damage == "no spec":  # what is missing may be of no matter to the picture
        told = told.or_(page.locator("canvas"))
    expect(told.first).to_be_visible()


def test_the_demo_writes_one_page_that_draws(tmp_path, watched):
    target = tmp_path / "demo.html"
    command = [sys.executable, "-m", "nblandscape", "demo", "--html", str(target)]
    subprocess.run(command, check=True, capture_output=True, timeout=500)
    context, _ = watched("file:")
    page = context.new_page()
    page.goto(target.as_uri())
    expect(page.get_by_role("treeitem").first).to_be_visible()
    rested(page.locator("body"))
    assert colours(page.locator("body")) > 200
