// node dev/page.mjs [FOLDER]   Writes pages with synthetic states, each like an exported file.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { himmelblau, state } from "./synthetic.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? join(here, "..", "..", "build", "dev");
const script = readFileSync(join(here, "../../nblandscape/widgets/static/standalone.js"), "utf8");
const hash = createHash("sha256").update(script).digest("base64");
const policy = `default-src 'none'; script-src 'sha256-${hash}'; img-src data: blob:`;

function page(traits) {
  const json = JSON.stringify({ traits }).replaceAll("<", "\\u003c");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>nblandscape</title>
<meta http-equiv="Content-Security-Policy" content="${policy}"></head><body><main id="nblandscape"></main>
<script type="application/json" id="nblandscape-state">${json}</script><script>${script}</script></body></html>`;
}

const rough = (x, y) =>
  himmelblau(x, y) / 100 + 0.5 * Math.sin(3 * x + 1) * Math.cos(2.3 * y) * Math.cos(x * y) + 1.2;
const status = (phase, more = {}) => ({
  id: 1,
  lane: "surface",
  phase,
  done: 410,
  total: 1089,
  eta: 12,
  message: "",
  ...more,
});
const rastrigin = (x, y) =>
  20 +
  x * x +
  y * y -
  10 * Math.cos(2 * Math.PI * x) -
  10 * Math.cos(2 * Math.PI * y) +
  0.7 * x +
  0.3 * y +
  5;
const wells = (x, y) => (x * x - 1) ** 2 + (y * y - 1) ** 2 + 0.12 * x + 0.07 * y + 0.4;
const hash2 = (x, y) => {
  const s = Math.sin(127.1 * x + 311.7 * y) * 43758.5453;
  return s - Math.floor(s);
};
const topologies = {};
for (const topology of ["tree", "diagram", "barcode", "profile"]) {
  const view = { topology, basin_map: topology === "profile" || topology === "tree" };
  topologies[`wells-${topology}`] = state({ f: wells, span: [1.7, 1.7], frames: false, noise: 0.335, view });
  topologies[`many-${topology}`] = state({
    f: rastrigin,
    span: [5, 5],
    points: 129,
    frames: false,
    noise: 0.31,
    view,
    scale: topology === "diagram" ? "log" : "linear",
  });
  topologies[`noise-${topology}`] = state({
    f: (x, y) => 1 + 0.05 * (x * x + y * y) + hash2(x, y),
    span: [5, 5],
    points: 129,
    frames: false,
    view,
  });
}
const states = {
  ...topologies,
  explorer: state(),
  rough: state({ f: rough, span: [6, 6], points: 129, frames: false }),
  loading: {
    ...state({ frames: false }),
    spec: null,
    surface: null,
    tree: null,
    spectrum: null,
    status: status("running", { lane: "spectrum", done: 24, total: 0, message: "" }),
  },
  error: {
    ...state({ frames: false }),
    status: status("error", {
      message:
        'Traceback (most recent call last):\n  File "nblandscape/objective.py", line 210, in loss\nRuntimeError: CUDA out of memory: tried to allocate 2.00 GiB. Use fewer batches (limit=) or points.',
    }),
  },
};
mkdirSync(folder, { recursive: true });
for (const [name, traits] of Object.entries(states))
  writeFileSync(join(folder, `${name}.html`), page(traits));
console.log(folder);
