import { describe, expect, it } from "vitest";
import { linspace } from "../../model/preview";
import { random } from "../../testing/random";
import { contourLines } from "./contour-lines";

function field(n0: number, n1: number, f: (x: number, y: number) => number, reach = 1) {
  const [x0, x1] = [linspace(-reach, reach, n0), linspace(-reach, reach, n1)];
  const values = new Float32Array(n0 * n1);
  for (let i = 0; i < n0; i++) for (let j = 0; j < n1; j++) values[i * n1 + j] = f(x0[i]!, x1[j]!);
  return { n0, n1, x0, x1, values };
}

const lengthOf = (line: Float64Array) => {
  let sum = 0;
  for (let k = 2; k < line.length; k += 2)
    sum += Math.hypot(line[k]! - line[k - 2]!, line[k + 1]! - line[k - 1]!);
  return sum;
};
const closed = (line: Float64Array) => line[0] === line.at(-2) && line[1] === line.at(-1);

describe("contour lines", () => {
  it("of a paraboloid are circles", () => {
    const lines = contourLines(
      field(129, 129, (x, y) => x * x + y * y),
      0.25,
    );
    expect(lines).toHaveLength(1);
    expect(closed(lines[0]!)).toBe(true);
    expect(lengthOf(lines[0]!)).toBeCloseTo(Math.PI, 2);
    for (let k = 0; k < lines[0]!.length; k += 2)
      expect(Math.hypot(lines[0]![k]!, lines[0]![k + 1]!)).toBeCloseTo(0.5, 3);
  });

  it("of a plane is one straight line from border to border, whatever the stride", () => {
    const plane = field(17, 9, (x, y) => x + 2 * y);
    for (const stride of [1, 2, 4]) {
      const lines = contourLines(plane, 0.3, stride);
      expect(lines).toHaveLength(1);
      expect(closed(lines[0]!)).toBe(false);
      expect(lengthOf(lines[0]!)).toBeCloseTo(Math.hypot(2, 1), 6);
    }
  });

  it("ends at holes, and there is none where nothing crosses the level", () => {
    const plane = field(9, 9, (x) => x);
    expect(contourLines(plane, 3)).toEqual([]);
    plane.values[4 * 9 + 4] = Number.NaN;
    const lines = contourLines(plane, 0.1);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(closed(line)).toBe(false);
  });

  it("crosses every edge whose ends lie on different sides exactly once", () => {
    const next = random(5);
    const noise = field(12, 15, () => next());
    const { n0, n1, values } = noise;
    let crossings = 0;
    const differ = (a: number, b: number) => values[a]! >= 0.5 !== values[b]! >= 0.5;
    for (let i = 0; i < n0; i++)
      for (let j = 0; j < n1; j++) {
        const v = i * n1 + j;
        if (i + 1 < n0 && differ(v, v + n1)) crossings++;
        if (j + 1 < n1 && differ(v, v + 1)) crossings++;
        if (i + 1 < n0 && j + 1 < n1 && differ(v, v + n1 + 1)) crossings++;
      }
    const points = contourLines(noise, 0.5).reduce(
      (sum, line) => sum + line.length / 2 - (closed(line) ? 1 : 0),
      0,
    );
    expect(points).toBe(crossings);
  });
});
