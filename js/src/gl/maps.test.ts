import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { inverseSymlog, linearWidth, symlog } from "../model/symlog";
import { random } from "../testing/random";
import { basinMask } from "./basin-mask";
import type { Scale } from "./engine";
import { createHeightMap, fraction, height, setHeightMap } from "./height-map";
import { COLORMAPS, cssColor, cssGradient, lut } from "./luts";

describe("colour maps", () => {
  it("begin and end with the colours of Matplotlib", () => {
    expect(cssColor("viridis", 0)).toBe("rgb(68 1 84)");
    expect(cssColor("viridis", 1)).toBe("rgb(253 231 37)");
    // Matplotlib: viridis(128) = #21918c, inferno(128) = #bc3754, cividis(128) = #7d7c78 (within 6).
    const middle = (name: "viridis" | "inferno" | "cividis") => [...lut(name).slice(384, 387)];
    middle("viridis").forEach((v, k) => {
      expect(Math.abs(v - [33, 145, 140][k]!)).toBeLessThanOrEqual(2);
    });
    middle("inferno").forEach((v, k) => {
      expect(Math.abs(v - [188, 55, 84][k]!)).toBeLessThanOrEqual(2);
    });
  });

  it("rise in luminance throughout, so that order survives without colour", () => {
    for (const name of COLORMAPS) {
      const table = lut(name);
      let last = -1;
      for (let i = 0; i < 256; i += 8) {
        const light = 0.2126 * table[i * 3]! + 0.7152 * table[i * 3 + 1]! + 0.0722 * table[i * 3 + 2]!;
        expect(light).toBeGreaterThan(last);
        last = light;
      }
    }
  });

  it("make a CSS gradient", () => {
    expect(cssGradient("inferno", "to top")).toMatch(/^linear-gradient\(to top, rgb\(0 0 4\), .*\)$/);
  });
});

describe("height map", () => {
  const make = (range: [number, number], scale: Scale, base: number) => {
    const map = createHeightMap();
    setHeightMap(map, { range, scale, base });
    return map;
  };

  it("sends the range to 0 and 1 and back", () => {
    const next = random(4);
    for (const [scale, base] of [
      ["linear", 2],
      ["log", 2.5],
      ["log", 1e-3],
      ["symlog", 0],
      ["symlog", -20],
    ] as const) {
      const map = make([scale === "log" ? -base * 0.9 : -7, 40], scale, base);
      expect(fraction(map, scale === "log" ? -base * 0.9 : -7)).toBeCloseTo(0, 9);
      expect(fraction(map, 40)).toBeCloseTo(1, 9);
      for (let k = 0; k < 20; k++) {
        const t = next();
        expect(fraction(map, height(map, t))).toBeCloseTo(t, 9);
      }
    }
  });

  it("is a straight line where losses hardly differ: single precision holds no such loss", () => {
    for (const scale of ["log", "symlog"] as const) {
      expect(make([0, 1e-3], scale, 1e6).scale).toBe("linear");
      expect(make([0, 1e-3], scale, 0.3).scale).toBe(scale);
    }
    expect(fraction(make([0, 1e-3], "log", 1e6), 2.5e-4)).toBeCloseTo(0.25, 9);
  });

  it("puts the geometric mean in the middle of a logarithmic scale", () => {
    expect(fraction(make([0.01 - 5, 100 - 5], "log", 5), 1 - 5)).toBeCloseTo(0.5, 9);
  });

  it("takes no logarithm of what is not positive, keeps holes, and lies flat without a range", () => {
    const map = make([0.1, 10], "log", 0);
    expect(fraction(map, -3)).toBeCloseTo(0, 9);
    expect(fraction(map, Number.NaN)).toBeNaN();
    expect(make([-4, -2], "log", 1).scale).toBe("linear");
    expect(fraction(make([3, 3], "linear", 0), 3)).toBe(0.5);
    expect(fraction(make([-1, 9], "log", 1), 0)).toBeGreaterThan(0.9);
  });
});

describe("symmetric logarithmic scale", () => {
  interface Case {
    low: number;
    high: number;
    width: number;
    losses: number[];
    scaled: number[];
  }
  const cases = JSON.parse(readFileSync(resolve("../tests/data/protocol/symlog.json"), "utf8")) as Case[];

  it("is that of Python", () => {
    expect(cases.length).toBeGreaterThan(3);
    for (const { low, high, width, losses, scaled } of cases) {
      expect(linearWidth(low, high)).toBeCloseTo(width, 12);
      losses.forEach((loss, k) => {
        expect(symlog(loss, width)).toBeCloseTo(scaled[k]!, 10);
        expect(inverseSymlog(scaled[k]!, width)).toBeCloseTo(loss, 8);
      });
    }
  });

  it("puts 0 in the middle of a symmetric range and keeps the order everywhere", () => {
    const map = createHeightMap();
    setHeightMap(map, { range: [-57, 43], scale: "symlog", base: 7 });
    expect(fraction(map, -7)).toBeCloseTo(0.5, 12);
    let before = -1;
    for (let value = -57; value <= 43; value += 0.25) {
      expect(fraction(map, value)).toBeGreaterThan(before);
      before = fraction(map, value);
    }
  });
});

describe("basin mask", () => {
  it("is full inside, empty outside and one half on the border", () => {
    const n = 12;
    const basins = Int32Array.from({ length: n * n }, (_, v) => (Math.floor(v / n) < 6 ? 3 : 1));
    const out = new Uint8Array(2 * n * n);
    basinMask(basins, n, n, 3, 1, out, new Uint8Array(n * n));
    const at = (i: number, channel: number) => out[(i * n + 4) * 2 + channel]!;
    expect([at(0, 0), at(3, 0), at(8, 0), at(11, 0)]).toEqual([255, 255, 0, 0]);
    expect((at(5, 0) + at(6, 0)) / 2).toBeCloseTo(127.5, -0.5);
    expect([at(0, 1), at(11, 1)]).toEqual([0, 255]);
    basinMask(basins, n, n, -1, -1, out, new Uint8Array(n * n));
    expect(Math.max(...out)).toBe(0);
  });
});
