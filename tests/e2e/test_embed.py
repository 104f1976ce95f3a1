"""A page that nbconvert wrote: without a kernel and without the network, what was embedded is alive."""

from __future__ import annotations

from playwright.sync_api import expect

from harness.embedded import HEIGHT, embedded_lives, executed


def test_nbconvert_shows_what_is_embedded_and_the_picture_of_what_is_not(tmp_path, watched):
    executed(tmp_path / "report.ipynb", "html")
    # nbconvert's own page asks two machines for what shows formulas and widgets; neither is there.
    context, watch = watched("file:", "https://cdnjs.cloudflare.com/", "https://unpkg.com/@jupyter-widgets/")
    watch.noise.append("ERR_INTERNET_DISCONNECTED")
    context.set_offline(True)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    image = page.locator("img[src^='data:image/png']")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") > 400
    embedded_lives(page)
    height = page.frame_locator("iframe").locator("html").evaluate("e => [e.scrollHeight, innerHeight]")
    assert height[0] <= height[1] == HEIGHT, "it fills its frame and needs no scroll bar"
