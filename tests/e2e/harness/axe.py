"""Accessibility as axe-core judges it, of a part of a page that is open in the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator

from .browser import ROOT

SCRIPT = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"
# Shadow roots below the element are looked into as well.
RUN = """async element => {
  const { violations } = await window.axe.run(element, { resultTypes: ["violations"] });
  const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return bad.flatMap(({ id, impact, help, nodes }) => nodes.map(({ html, failureSummary }) =>
    `${impact} ${id}: ${help}\\n    ${html.slice(0, 200)}\\n    ${failureSummary.replace(/\\s+/g, " ")}`
  ));
}"""


def serious(part: Locator) -> list[str]:
    """What axe-core calls serious or critical in an element, one text for each place."""
    if not SCRIPT.is_file():
        pytest.fail(f"{SCRIPT.relative_to(ROOT)} is missing: `npm ci` in js/ installs it", pytrace=False)
    if not part.page.evaluate("() => 'axe' in window"):
        # Not as a script element, which a page's content policy may refuse.
        part.page.evaluate(SCRIPT.read_text())
    found: list[str] = part.evaluate(RUN)
    return found
