import { expect, it } from "vitest";
import { spec } from "../../testing/samples";
import { assign, roleOf } from "./choose";

it("swaps the axes, with their ranges, when an axis is given the other's eigenvector", () => {
  expect(assign(spec(), "x", -1)).toMatchObject({ axes: [-1, 0], span: [1, 2] });
  expect(assign(spec(), "y", 0)).toMatchObject({ axes: [-1, 0], span: [1, 2] });
});

it("never lets one eigenvector have two roles", () => {
  const offset = spec({ offset: { axis: 1, value: 0.5 } });
  expect(assign(offset, "x", 1)).toEqual({ axes: [1, -1], span: [2, 1], offset: { axis: null, value: 0 } });
  expect(assign(spec(), "offset", 0)).toBeNull();
  expect(assign(spec(), "x", 0)).toBeNull();
});

it("gives and takes the offset", () => {
  expect(assign(spec(), "offset", 1)).toEqual({ offset: { axis: 1, value: 0 } });
  expect(assign(spec({ offset: { axis: 1, value: 2 } }), "offset", 1)).toEqual({
    offset: { axis: null, value: 0 },
  });
  expect(roleOf([0, -1], 1, 1)).toBe("offset");
});
