import { isStatic } from "./any-model";
import { type Assembly, addTile, assembledGrid, startAssembly } from "./assembly";
import { committedGrid, createResultCache } from "./committed";
import type { Core } from "./core-store";
import { isRunning } from "./lanes";
import { covers, finiteRange, linspace, quadratic, resample } from "./preview";
import type { Incoming, Selection, Spec, SurfaceData, TreeData } from "./protocol";
import { NO_SELECTION, relocate } from "./selection";
import { originOf, planeKey, samplingKey } from "./spec";
import { createSpectra } from "./spectra";
import type { LiveGrid } from "./store";
import { float32, isSurface, uint32 } from "./wire";

/** What is drawn: predicted at once, then streamed, then committed. */
export function createPlane(core: Core) {
  const { model, spec, source, spectrum, surface, treeData, tree, selection, grid, lanes } = core;
  const cache = createResultCache();
  const spectra = createSpectra(core);
  /** What was selected in a plane when it was left. */
  const chosen = new Map<string, Selection>();
  /** Answers to ids from here on are answers to the present sampling. */
  let epoch = 0;
  let assembly: Assembly | null = null;
  let revision = 0;
  /** Lowest id whose tree belongs to the grid drawn. */
  let shownFrom = 0;
  /** Values of predictions: one array per shape, never one that came from the kernel. */
  let scratch: Float32Array | null = null;

  function show(next: LiveGrid, from: number): void {
    shownFrom = from;
    grid.value = next;
  }

  /** Paints the wanted window from what is known already: an earlier result, the same plane's values, the quadratic form. */
  function predict(wanted: Spec): void {
    const stored = cache.get(wanted);
    if (stored !== undefined) {
      if (stored.tree !== null) treeData.value = { ...stored.tree, id: wanted.id };
      show(committedGrid(stored.surface, wanted, ++revision), wanted.id);
      return;
    }
    if (isStatic(model)) return;
    const center = source.value?.center ?? [0, 0];
    const [n0, n1] = wanted.points;
    const x0 = linspace(center[0] - wanted.span[0], center[0] + wanted.span[0], n0);
    const x1 = linspace(center[1] - wanted.span[1], center[1] + wanted.span[1], n1);
    const known = grid.value;
    if (scratch?.length !== n0 * n1) scratch = new Float32Array(n0 * n1);
    let base = known?.base ?? 0;
    let values: Float32Array | null = null;
    if (known !== null && known.state !== "predicted" && covers(known, wanted, center)) {
      values = resample(known, x0, x1, scratch);
    } else if (spectrum.value !== null && spectra.fit() && source.value?.kind !== "function") {
      values = quadratic(spectrum.value, wanted, x0, x1, scratch);
      base = spectrum.value.loss;
    }
    if (values === null) return;
    const moved = wanted.offset.axis !== null && wanted.offset.value !== 0;
    const withModel = source.value?.kind === "objective" && !moved && originOf(wanted) === 0;
    show(
      {
        spec: wanted,
        n0,
        n1,
        x0,
        x1,
        values,
        base,
        origin: withModel ? ((n0 - 1) >> 1) * n1 + ((n1 - 1) >> 1) : null,
        labels: known?.labels ?? ["", ""],
        quantity: known?.quantity ?? surface.value?.quantity ?? "loss",
        state: "predicted",
        range: finiteRange(values),
        revision: ++revision,
        known: 0,
      },
      wanted.id,
    );
  }

  return {
    get epoch(): number {
      return epoch;
    },

    /** The tree that belongs to what is drawn. */
    matching(data: TreeData): TreeData | null {
      const drawn = grid.value;
      // A tree alone, of any dimension, belongs to no grid.
      if (drawn === null && surface.value === null && (source.value === null || data.shape.length > 2))
        return data;
      if (drawn === null || drawn.state === "predicted") return null;
      const fits = data.shape[0] === drawn.n0 && data.shape[1] === drawn.n1;
      return fits && data.id >= shownFrom && data.id <= drawn.spec.id ? data : null;
    },

    began(next: Spec): void {
      // First sight: a committed surface of the same sampling answers it, whatever its number.
      const data = core.trait("surface");
      epoch =
        isSurface(data) && samplingKey(data.spec) === samplingKey(next)
          ? Math.min(data.id, next.id)
          : next.id;
      if (!isSurface(data)) predict(next);
    },

    adopted(next: Spec, before: Spec | null): void {
      const drawn = grid.value;
      if (before !== null && samplingKey(before) === samplingKey(next)) {
        if (drawn !== null && drawn.spec.id >= epoch) grid.value = { ...drawn, spec: next };
        return;
      }
      epoch = next.id;
      assembly = null;
      // A tree that came after its surface, as those of a comparison's members do.
      const { value: left } = surface;
      if (left !== null && treeData.value?.id === left.id) cache.put(left, treeData.value);
      if (before !== null && planeKey(before) !== planeKey(next)) {
        if (selection.value.kind !== "none") chosen.set(planeKey(before), selection.value);
        core.select(chosen.get(planeKey(next)) ?? NO_SELECTION);
        spectra.restore();
      }
      predict(next);
    },

    /** An action has ended: what was shown of an origin on the way is not that of the plane. */
    restoreSpectrum: spectra.restore,

    tookSpectrum(): void {
      spectra.took();
      const wanted = spec.value;
      if (wanted !== null && (grid.value === null || grid.value.state === "predicted")) predict(wanted);
    },

    takeSurface(data: SurfaceData): void {
      const drawn = grid.value;
      const current = spec.value;
      surface.value = data;
      // What was selected on other planes was a place of earlier weights.
      if (cache.put(data, treeData.value)) chosen.clear();
      const stale = data.id < epoch && drawn !== null && drawn.spec.id > data.id;
      if (stale) return;
      assembly = null;
      const label = current !== null && data.id >= epoch ? current : data.spec;
      show(committedGrid(data, label, ++revision), data.id);
      if (data.id >= epoch && tree.peek() !== null)
        core.select(relocate(selection.value, tree.peek(), grid.value), true);
    },

    begin(message: Extract<Incoming, { kind: "begin" }>): void {
      if (spec.value === null || message.id > spec.value.id) core.takeSpec(message.spec);
      const drawn = grid.value;
      // Nothing of the wanted window can be predicted: an older answer that is newer than the picture is still news.
      const catchUp = drawn === null || (drawn.spec.id < epoch && message.id > drawn.spec.id);
      if (message.id < epoch && !catchUp) return;
      // An earlier result of the same sampling is drawn; it stays until the new one is committed.
      if (drawn?.state === "final" && message.id >= epoch && drawn.spec.id >= epoch) return;
      const fits =
        drawn?.state === "predicted" && drawn.n0 === message.shape[0] && drawn.n1 === message.shape[1];
      const shift = fits ? drawn.base - message.base : 0;
      assembly = startAssembly(message, fits ? drawn.values.map((v) => v + shift) : null);
    },

    tile(message: Extract<Incoming, { kind: "tile" }>, buffers: DataView[]): void {
      const current = spec.value;
      if (assembly === null || assembly.id !== message.id || current === null) return;
      const [vertices, values] = buffers;
      if (vertices === undefined || values === undefined)
        throw new RangeError("tile message: two buffers expected");
      addTile(assembly, message, uint32(vertices), float32(values));
      const job = lanes.surface.value;
      if (message.id >= epoch && message.id >= job.id) {
        const phase = job.id === message.id && !isRunning(job) ? job.phase : "running";
        const { id, done, total, eta } = message;
        lanes.surface.value = { id, lane: "surface", phase, done, total, eta, message: job.message };
      }
      // Before the first level is complete there is only something to draw if there was a prediction.
      if (assembly.complete === null && grid.value?.state !== "predicted") return;
      const label = message.id >= epoch ? current : assembly.begin.spec;
      show({ ...assembledGrid(assembly, ++revision), spec: label }, Math.min(epoch, message.id));
    },
  };
}
