"""Photographs the pages of dev/page.mjs: python dev/shoot.py FOLDER OUT NAME[:WIDTHxHEIGHT[:dark]] ..."""

import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",
]  # fmt: skip


def main() -> None:
    folder, out, shots = Path(sys.argv[1]).resolve(), Path(sys.argv[2]), sys.argv[3:]
    with sync_playwright() as p:
        chromium = os.environ.get("NBLANDSCAPE_CHROMIUM", "/usr/bin/chromium")
        browser = p.chromium.launch(executable_path=chromium, args=FLAGS)
        for shot in shots:
            name, size, scheme = (shot.split(":") + ["1200x700", "light"][shot.count(":") :])[:3]
            scheme = "dark" if scheme == "dark" else "light"
            width, height = (int(v) for v in size.split("x"))
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.on("console", lambda m: print("console:", m.text))
            page.on("pageerror", lambda e: print("pageerror:", e))
            page.goto((folder / f"{name}.html").as_uri())
            page.wait_for_function("document.documentElement.dataset.nblReady !== undefined")
            page.wait_for_timeout(500)
            page.screenshot(path=str(out / f"explorer-{name}-{width}-{scheme}.png"), full_page=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
