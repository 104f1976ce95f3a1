import { describe, expect, it } from "vitest";
import { exampleLook } from "../testing/engine-samples";
import { random } from "../testing/random";
import { createCamera, project, projectWorld, ray, setCamera } from "./camera";

const extent = { x0: [-3, 5], x1: [10, 11] } as const;
const out = new Float64Array(3);

describe("camera", () => {
  it("agrees with its own clip matrix", () => {
    const camera = createCamera();
    const next = random(1);
    for (let k = 0; k < 50; k++) {
      const look = exampleLook({
        yaw: 7 * next(),
        pitch: 1.5 * next(),
        zoom: 0.5 + next(),
        pan: [next() - 0.5, 0.1],
      });
      setCamera(camera, look, extent);
      const p = [2 * next() - 1, 2 * next() - 1, camera.half * (2 * next() - 1), 1];
      const m = camera.matrix;
      const clip = [0, 1, 2, 3].map((r) => p.reduce((sum, v, c) => sum + m[c * 4 + r]! * v, 0));
      projectWorld(camera, p[0]!, p[1]!, p[2]!, out);
      expect(((clip[0]! / clip[3]! + 1) / 2) * look.width).toBeCloseTo(out[0]!, 2);
      expect(((1 - clip[1]! / clip[3]!) / 2) * look.height).toBeCloseTo(out[1]!, 2);
      expect(Math.abs(clip[2]! / clip[3]!)).toBeLessThan(1);
    }
  });

  it("casts the ray through the pixel of a point back through the point", () => {
    const next = random(2);
    for (const flat of [false, true]) {
      const camera = createCamera(flat);
      for (let k = 0; k < 30; k++) {
        setCamera(camera, exampleLook({ yaw: 7 * next(), pitch: 0.1 + 1.4 * next() }), extent);
        const p = [2 * next() - 1, 2 * next() - 1, camera.half * (2 * next() - 1)] as const;
        projectWorld(camera, ...p, out);
        const r = ray(camera, out[0]!, out[1]!, new Float64Array(6));
        const t = flat ? (p[2] - r[2]!) / r[5]! : out[2]!;
        for (let c = 0; c < 3; c++) expect(r[c]! + t * r[c + 3]!).toBeCloseTo(p[c]!, 9);
      }
    }
  });

  it.each([
    [1600, 400],
    [400, 1600],
    [700, 560],
  ])("fills what the insets leave of %i x %i, and nothing more", (width, height) => {
    const camera = createCamera();
    const inset = [10, 40, 30, 50] as const;
    for (let yaw = 0; yaw < 6.3; yaw += 0.1) {
      for (const pitch of [0.1, 0.6, 1.2, 1.57]) {
        setCamera(camera, exampleLook({ yaw, pitch, width, height, inset }), extent);
        let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
        for (let k = 0; k < 8; k++) {
          projectWorld(camera, k & 1 ? 1 : -1, k & 2 ? 1 : -1, k & 4 ? camera.half : -camera.half, out);
          left = Math.min(left, out[0]!);
          right = Math.max(right, out[0]!);
          top = Math.min(top, out[1]!);
          bottom = Math.max(bottom, out[1]!);
        }
        const used = Math.max((right - left) / (width - 90), (bottom - top) / (height - 40));
        expect(left).toBeGreaterThan(inset[3] - 1);
        expect(right).toBeLessThan(width - inset[1] + 1);
        expect(top).toBeGreaterThan(inset[0] - 1);
        expect(bottom).toBeLessThan(height - inset[2] + 1);
        // A square seen from its side is narrower than the circle around it by the square root of two.
        expect(used).toBeGreaterThan(0.69);
      }
    }
  });

  it("uses the room of a wide panel, within limits, and only sideways", () => {
    const camera = createCamera();
    const shape = (width: number, height: number) => {
      setCamera(camera, exampleLook({ width, height }), extent);
      return camera.focal / camera.focalY;
    };
    expect(shape(400, 1600)).toBe(1);
    expect(shape(700, 560)).toBeGreaterThan(1);
    expect(shape(1600, 400)).toBeCloseTo(1.3, 9);
    expect(shape(3200, 400)).toBeCloseTo(1.3, 9);
    const { focalY } = camera;
    shape(1600, 400);
    expect(camera.focalY).toBeCloseTo(focalY, 9);
  });

  it("keeps the size of the picture while it turns", () => {
    const camera = createCamera();
    setCamera(camera, exampleLook({ yaw: 0 }), extent);
    const { focal } = camera;
    setCamera(camera, exampleLook({ yaw: 0.77 }), extent);
    expect(camera.focal).toBeCloseTo(focal, 9);
  });

  it("maps data corners to box corners, with x to the right and up on the screen's upper side", () => {
    const camera = createCamera();
    setCamera(camera, exampleLook({ yaw: 0, pitch: 0.5, range: [2, 4] }), extent);
    const at = (x: number, y: number, z: number) => [...project(camera, x, y, z, out)];
    const world = (x: number, y: number, z: number) => [...projectWorld(camera, x, y, z, out)];
    expect(at(-3, 10, 2)).toEqual(world(-1, -1, -camera.half));
    expect(at(5, 11, 4)).toEqual(world(1, 1, camera.half));
    expect(at(5, 10, 2)[0]).toBeGreaterThan(at(-3, 10, 2)[0]!);
    expect(at(5, 10, 4)[1]).toBeLessThan(at(5, 10, 2)[1]!);
    expect(at(0, 11, 2)[2]).toBeGreaterThan(at(0, 10, 2)[2]!);
  });
});
