import { describe, expect, it } from "vitest";
import { type Pixels, paintRelief, type Relief } from "./flat-relief";

const grey = Uint8Array.from({ length: 768 }, () => 128);

function painted(n: number, size: number, f: (x: number, y: number) => number, change: Partial<Relief> = {}) {
  const heights = Float32Array.from({ length: n * n }, (_, v) =>
    f(Math.floor(v / n) / (n - 1), (v % n) / (n - 1)),
  );
  const image: Pixels = {
    width: size,
    height: size,
    data: new Uint8ClampedArray(4 * size * size) as ImageData["data"],
  };
  paintRelief(image, {
    n0: n,
    n1: n,
    heights,
    table: grey,
    tint: null,
    levels: [],
    weights: [],
    basins: null,
    selected: -1,
    band: null,
    clipped: false,
    background: [1, 1, 1],
    ...change,
  });
  /** Brightness of a pixel, counted from the upper left; null = nothing is drawn. */
  const at = (x: number, y: number) => {
    const k = 4 * (y * size + x);
    return image.data[k + 3] === 0 ? null : image.data[k]!;
  };
  return { at, data: image.data };
}
const bowl = (x: number, y: number) => 2 * ((x - 0.5) ** 2 + (y - 0.5) ** 2);

describe("the map without WebGL", () => {
  it("is shaded without steps between the cells of the grid", () => {
    const { at } = painted(9, 400, bowl);
    let steepest = 0;
    let [least, most] = [255, 0];
    for (let k = 1; k < 400; k++) {
      for (const line of [37, 200, 361]) {
        steepest = Math.max(
          steepest,
          Math.abs(at(k, line)! - at(k - 1, line)!),
          Math.abs(at(line, k)! - at(line, k - 1)!),
        );
        [least, most] = [Math.min(least, at(k, line)!), Math.max(most, at(k, line)!)];
      }
    }
    expect(most - least).toBeGreaterThan(50);
    // A step of one cell would be a tenth of that or more.
    expect(steepest).toBeLessThanOrEqual(2);
  });

  it("faces the light from the upper left", () => {
    const { at } = painted(9, 90, bowl);
    expect(at(80, 80)!).toBeGreaterThan(128);
    expect(at(10, 10)!).toBeLessThan(128);
    expect(Math.abs(at(45, 45)! - 128)).toBeLessThanOrEqual(1);
  });

  it("draws smooth contour lines where the height is, stronger ones darker", () => {
    const slope = (x: number) => x;
    const line = (weight: number) => painted(5, 100, slope, { levels: [0.5], weights: [weight] }).at;
    const plain = painted(5, 100, slope).at;
    for (const y of [0, 50, 99]) {
      expect(line(0)(30, y)).toBe(plain(30, y));
      expect(line(0)(49, y)!).toBeLessThan(plain(49, y)! - 10);
      expect(line(0)(50, y)).toBe(line(0)(49, y));
      expect(line(1)(50, y)!).toBeLessThan(line(0)(50, y)!);
    }
    const round = painted(33, 200, bowl, { levels: [0.3], weights: [1] }).at;
    const shades = new Set(Array.from({ length: 200 }, (_, x) => round(x, 60)!));
    expect(shades.size).toBeGreaterThan(20);
  });

  it("leaves holes open, and what lies above the box", () => {
    const { at } = painted(5, 100, (x, y) => (x === 0.5 && y === 0.5 ? Number.NaN : x), { clipped: true });
    expect(at(50, 50)).toBeNull();
    expect(at(70, 30)).toBeNull();
    expect(at(20, 20)).not.toBeNull();
    expect(painted(5, 100, (x) => 2 * x, { clipped: true }).at(80, 50)).toBeNull();
    expect(painted(5, 100, (x) => 2 * x).at(80, 50)).not.toBeNull();
  });

  it("takes the colour from what is not selected", () => {
    const basins = Int32Array.from({ length: 25 }, (_, v) => (v < 10 ? 0 : 1));
    const { at } = painted(5, 100, () => 0.5, { basins, selected: 0 });
    expect(at(10, 50)).toBe(128);
    expect(at(90, 50)).toBe(Math.round(128 + 0.7 * (0.6 * 128 + 0.4 * 255 - 128)));
    const band = painted(5, 100, (x) => x, { band: [0, 0.5] }).at;
    expect(band(80, 50)! - band(20, 50)!).toBeGreaterThan(20);
  });
});
