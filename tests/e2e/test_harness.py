"""The harness itself: it drives a real widget in a real JupyterLab, and it catches what it must catch."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

WIDGET = '''
import anywidget, traitlets

class Echo(anywidget.AnyWidget):
    _esm = """
    function render({ model, el }) {
      const root = el.attachShadow({ mode: "open" });
      root.innerHTML = "<canvas width=40 height=30></canvas><button>Ask</button><output>nothing yet</output>";
      const draw = root.querySelector("canvas").getContext("webgl2");
      draw.clearColor(1, 0, 0.5, 1);
      draw.clear(draw.COLOR_BUFFER_BIT);
      const pixel = new Uint8Array(4);
      draw.readPixels(20, 15, 1, 1, draw.RGBA, draw.UNSIGNED_BYTE, pixel);
      model.set("pixel", Array.from(pixel));
      model.save_changes();
      root.querySelector("button").onclick = () => {
        model.set("asked", model.get("asked") + 1);
        model.save_changes();
      };
      model.on("change:answer", () => { root.querySelector("output").textContent = model.get("answer"); });
    }
    export default { render };
    """
    asked = traitlets.Int(0).tag(sync=True)
    answer = traitlets.Unicode("").tag(sync=True)
    pixel = traitlets.List().tag(sync=True)

echo = Echo()
echo.observe(lambda change: setattr(echo, "answer", f"asked {change.new} times"), "asked")
'''


def test_a_widget_draws_and_its_kernel_answers(notebook):
    page = notebook(WIDGET, "echo")
    page.run_all()
    widget = page.widget(1)
    button, output = widget.locator("button"), widget.locator("output")
    button.click()
    expect(output).to_have_text("asked 1 times")
    button.click()
    expect(output).to_have_text("asked 2 times")
    assert page.value("echo.asked") == 2
    assert page.value("echo.pixel") == [255, 0, 128, 255]
    assert page.screenshot("harness", widget).stat().st_size > 100
    page.theme(dark=True)
    page.theme(dark=False)


def test_cells_are_read_run_saved_and_reopened(notebook):
    page = notebook("x = 6 * 7\nx", "raise ValueError('no such value')")
    assert page.run(0)[0]["data"]["text/plain"] == "42"
    assert page.run(1, may_fail=True)[0]["evalue"] == "no such value"
    with pytest.raises(AssertionError, match="no such value"):
        page.run(1)
    assert page.sources() == ["x = 6 * 7\nx", "raise ValueError('no such value')"]
    assert page.save()["cells"][0]["outputs"][0]["data"]["text/plain"] == ["42"]
    page.execute("x += 1")
    page.reload()
    assert page.value("x") == 43
    page.reopen()
    assert page.value("'x' in globals()") is False
    with pytest.raises(AssertionError, match="NameError"):
        page.value("x")


def test_a_cell_can_run_while_the_test_goes_on(notebook):
    page = notebook("import time; time.sleep(1.5); done = True")
    page.run(0, wait=False)
    assert page.cells()[0]["execution_count"] is None
    page.finish(0)
    assert page.value("done") is True


def test_errors_and_foreign_requests_are_caught(notebook):
    page = notebook("1")
    assert page.watch.problems() == []
    page.page.evaluate("console.error('something of ours broke')")
    page.page.evaluate("setTimeout(() => { throw new Error('uncaught by anyone') })")
    page.page.evaluate("fetch('http://example.invalid/library.js').catch(() => null)")
    page.page.wait_for_timeout(300)
    problems = "\n".join(page.watch.problems())
    assert "something of ours broke" in problems
    assert "uncaught by anyone" in problems
    assert "request to another machine: http://example.invalid/library.js" in problems
    page.watch.forget()
