import { expect, it } from "vitest";
import { createCamera, project, setCamera } from "../../gl/camera";
import { committedGrid } from "../../model/committed";
import { exampleLook } from "../../testing/engine-samples";
import { spec, surface } from "../../testing/samples";
import { contourPaths } from "./contour-paths";
import { engineGrid } from "./scene";

it("contour lines of the map become paths where the map is drawn, light ones where it is dark", () => {
  const wanted = spec({ points: [33, 33], span: [1, 1] });
  const grid = committedGrid(
    surface(wanted, (a) => a + 1, 0),
    wanted,
    1,
  );
  const camera = createCamera(true);
  const look = exampleLook({ range: [0, 2], flat: true, width: 800, height: 600, pixelRatio: 2 });
  setCamera(camera, look, engineGrid(grid));
  const levels = { heights: [0.05, 1.5, 7], weights: [0, 1, 0] };
  const paths = contourPaths(grid, levels, camera, "viridis");
  expect(paths.map(({ weight, light }) => [weight, light])).toEqual([
    [0, true],
    [1, false],
  ]);
  // A straight line across the window, in CSS pixels.
  const points = paths[1]!.d
    .slice(1)
    .split(/[ML]/)
    .map((pair) => pair.split(" ").map(Number));
  const x = project(camera, 0.5, 0, 0, new Float64Array(3))[0]! / 2;
  for (const point of points) expect(point[0]).toBeCloseTo(x, 1);
  expect(paths[1]!.d.match(/M/g)).toHaveLength(1);
  const y = points.map((point) => point[1]!);
  expect(Math.max(...y) - Math.min(...y)).toBeGreaterThan(200);
});
