import type { Grid, Look } from "../gl/engine";
import { random } from "./random";

export function exampleLook(change: Partial<Look> = {}): Look {
  return {
    yaw: -0.65,
    pitch: 0.6,
    zoom: 1,
    pan: [0, 0],
    exaggeration: 1,
    range: [0, 1],
    scale: "linear",
    base: 0,
    colormap: "viridis",
    contours: true,
    levels: [],
    levelWeights: [],
    ticks: [[], [], []],
    selectedBasin: -1,
    hoverBasin: -1,
    fade: 0,
    ghost: false,
    background: [1, 1, 1],
    ink: [0, 0, 0],
    moving: false,
    width: 640,
    height: 480,
    pixelRatio: 1,
    inset: [0, 0, 0, 0],
    ...change,
  };
}

/** White noise with a share of holes, heights in [0, 1). */
export function randomGrid(n0: number, n1: number, seed: number, holes = 0): Grid {
  const next = random(seed);
  const values = Float32Array.from({ length: n0 * n1 }, () => (next() < holes ? Number.NaN : next()));
  return { n0, n1, x0: [-2, 3], x1: [4, 5], values };
}
