import { expect, it } from "vitest";
import { arrange, canHide, clampShare, PANELS, SIDE_LIMITS, toggleAlone, withPanel } from "./panels";

const shownOf = (state: Parameters<typeof arrange>[0], available = PANELS) =>
  PANELS.filter((name) => arrange(state, available).shown[name]);

it("shows everything that the view has in older files", () => {
  expect(shownOf(undefined)).toEqual(PANELS);
  expect(shownOf({}, ["surface", "topology", "controls"])).toEqual(["surface", "topology", "controls"]);
  expect(arrange(undefined, PANELS).away).toEqual([]);
});

it("hides and brings back", () => {
  const state = withPanel(withPanel(undefined, "spectrum", false), "controls", false);
  expect(shownOf(state)).toEqual(["surface", "topology"]);
  expect(arrange(state, PANELS).away).toEqual(["spectrum", "controls"]);
  expect(shownOf(withPanel(state, "spectrum", true))).toEqual(["surface", "topology", "spectrum"]);
  // Hiding twice leaves one entry to take back.
  expect(shownOf(withPanel(withPanel(state, "spectrum", false), "spectrum", true))).toContain("spectrum");
});

it("never hides the last picture, not even in a broken file", () => {
  const state = withPanel(withPanel(undefined, "topology", false), "spectrum", false);
  expect(canHide(state, PANELS, "surface")).toBe(false);
  expect(canHide(state, PANELS, "controls")).toBe(true);
  expect(canHide(undefined, PANELS, "surface")).toBe(true);
  // Without a spectrum, hiding surface and topology would leave nothing.
  expect(canHide({ hidden: ["topology"] }, ["surface", "topology", "controls"], "surface")).toBe(false);
  expect(shownOf({ hidden: ["surface", "topology", "spectrum"] })).toEqual(PANELS);
});

it("opens one alone and goes back to what was", () => {
  const hidden = withPanel(undefined, "controls", false);
  const alone = toggleAlone(hidden, "topology");
  expect(shownOf(alone)).toEqual(["topology"]);
  expect(arrange(alone, PANELS).alone).toBe("topology");
  expect(shownOf(toggleAlone(alone, "topology"))).toEqual(["surface", "topology", "spectrum"]);
  // The surface keeps what moves it.
  expect(shownOf(toggleAlone(undefined, "surface"))).toEqual(["surface", "controls"]);
  // A panel that this view does not have, or that shows nothing, is not alone.
  expect(shownOf({ alone: "spectrum" }, ["surface", "topology"])).toEqual(["surface", "topology"]);
  expect(shownOf({ alone: "controls" })).toEqual(PANELS);
  // Showing a panel ends that another is alone.
  expect(shownOf(withPanel(alone, "controls", true))).toEqual(PANELS);
});

it("keeps shares within what leaves both sides usable", () => {
  expect(clampShare(0.01, SIDE_LIMITS)).toBe(0.2);
  expect(clampShare(0.99, SIDE_LIMITS)).toBe(0.75);
  expect(clampShare(1 / 3, SIDE_LIMITS)).toBe(0.3333);
});
