import { describe, expect, it } from "vitest";
import { source, spec } from "../testing/samples";
import { asPython, pyFloat } from "./python";

describe("copy as Python", () => {
  it("repeats the window of a function of three numbers", () => {
    const bounds: [number, number][] = [
      [0, 1],
      [-1, 1],
      [-0.5, 2],
    ];
    const f = source({
      kind: "function",
      variable: "f",
      can_choose_axes: false,
      can_resample: false,
      bounds,
    });
    expect(asPython(f, spec({ points: [33, 33] }))).toBe(
      "nbl.explore(f, bounds=((0.0, 1.0), (-1.0, 1.0), (-0.5, 2.0)), points=33)",
    );
  });

  it("writes every part that differs from the default", () => {
    const wanted = spec({
      span: [16, 16],
      points: [65, 65],
      offset: { axis: 2, value: 0.5 },
      scale: "log",
      threshold: 0.05,
    });
    expect(asPython(source(), wanted)).toBe(
      'nbl.explore(objective, axes=(0, -1), span=(16.0, 16.0), points=65, offset={2: 0.5}, scale="log", threshold=0.05)',
    );
  });

  it("leaves out what says nothing and what the source cannot do", () => {
    expect(asPython(source({ variable: "f", can_choose_axes: false }), spec({ points: [9, 5] }))).toBe(
      "nbl.explore(f, span=(2.0, 1.0), points=(9, 5))",
    );
    expect(asPython(source({ can_choose_axes: false, can_resample: false }), spec())).toBe(
      "nbl.explore(objective)",
    );
  });

  it("gives a function its window and asks for the eigenpairs that are used", () => {
    const f = source({ variable: "f", kind: "function", can_choose_axes: false, center: [1, 0] });
    expect(asPython(f, spec({ span: [2, 3], points: [9, 9] }))).toBe(
      "nbl.explore(f, bounds=((-1.0, 3.0), (-3.0, 3.0)), points=9)",
    );
    const far = spec({ axes: [5, -1], span: [1, 1], points: [9, 9], offset: { axis: -6, value: 1 } });
    expect(asPython(source(), far)).toBe(
      "nbl.explore(objective, axes=(5, -1), largest=6, smallest=6, span=(1.0, 1.0), points=9, offset={-6: 1.0})",
    );
  });

  it("writes floats that Python reads back", () => {
    expect([16, -0.5, 1e21, 1.5e-7, Number.NaN].map(pyFloat)).toEqual([
      "16.0",
      "-0.5",
      "1e+21",
      "1.5e-7",
      'float("nan")',
    ]);
  });
});
