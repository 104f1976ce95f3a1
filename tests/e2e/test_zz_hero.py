import json
from playwright.sync_api import expect
NB = json.load(open("/work/main/notebooks/01_the_landscape_of_a_trained_network.ipynb"))
SRC = ["".join(c["source"]) for c in NB["cells"] if c["cell_type"] == "code"]
TRAIN = SRC[0] + "\n" + SRC[1]
SHOW = "objective = nbl.Objective(model, torch.nn.CrossEntropyLoss(), (x, y))\nexplorer = nbl.explore(objective, span=28, points=65, title=\"Tanh network on digits\")\nexplorer"

def test_hero(notebook):
    lab = notebook(TRAIN, SHOW, width=1400, height=900)
    lab.run_all(seconds=200)
    lab.execute("explorer.wait(300)")
    lab.command("application:toggle-left-area")
    widget = lab.widget(1)
    expect(widget.locator(".nbl-tone-ok")).to_be_visible(timeout=100000)
    widget.scroll_into_view_if_needed()
    lab.page.wait_for_timeout(600)
    for dark in (False, True):
        lab.theme(dark=dark)
        lab.page.wait_for_timeout(1500)
        name = "dark" if dark else "light"
        for scale in ("log", "linear"):
            widget.get_by_role("button", name=scale, exact=True).click()
            for k in (1, 2, 3):
                widget.get_by_role("treeitem", name=f"Minimum {k}:").locator(".nbl-leaf").click()
                lab.page.mouse.move(5, 5)
                lab.page.wait_for_timeout(900)
                lab.page.screenshot(path=f"/tmp/ui/hero_{name}_{scale}_{k}.png")
    print(lab.value("explorer.view"))
