import type { Grid, Scale, Surface } from "../../gl/engine";
import type { Spec } from "../../model/protocol";
import { samplingKey } from "../../model/spec";
import type { LiveGrid, LiveTree, Store } from "../../model/store";
import { contourLevels, type Levels } from "../canvas/contour-levels";
import { type CriticalPoint, criticalPoints } from "./critical";
import { engineGrid, spanned, verticalRange } from "./scene";
import type { SurfaceUi } from "./ui";

/** What the surface shows of the store, as it was read last. */
export interface Shown {
  live: LiveGrid | null;
  grid: Grid | null;
  /** The first grid of the present shape. */
  mesh: Grid | null;
  tree: LiveTree | null;
  points: CriticalPoint[];
  /** Heights at the ends of the colours, and how they are spread. */
  range: [number, number];
  scale: Scale;
  clipped: boolean;
  levels: Levels;
  /** Whether another plane is wanted than the one that is shown. */
  stale: boolean;
  /** Reads the store; what it still holds is not read again. */
  read(): void;
  /** Values of a running computation came with the last `read`, or another simplification of the same surface. */
  streamed: boolean;
  simplified: boolean;
}

export function createShown(store: Store, surface: Surface, { bar }: Pick<SurfaceUi, "bar">): Shown {
  let revision = -1;
  /** The wanted state that `stale` speaks of, and what range and levels are for. */
  let checked: Spec | null = null;
  let scaledFor: readonly unknown[] = [];

  function read(): void {
    const next = store.grid.value;
    const changed = next !== shown.live || (next !== null && next.revision !== revision);
    const before = shown.tree;
    shown.streamed = (next?.revision ?? -1) !== revision && next?.state !== "final";
    shown.simplified = (next?.revision ?? -1) === revision && store.tree.value !== before;
    if (next && changed) readGrid(next);
    if (!next) shown.grid = null;
    shown.live = next;
    revision = next?.revision ?? -1;
    readTree(changed);
    if (next) readScale(next, changed);
  }

  function readGrid(next: LiveGrid): void {
    const { grid } = shown;
    const fresh = engineGrid(next);
    if (grid && grid.n0 === fresh.n0 && grid.n1 === fresh.n1) surface.updateGrid(fresh);
    else {
      surface.setGrid(fresh);
      shown.mesh = fresh;
      shown.tree = null;
    }
    shown.grid = fresh;
  }

  function readTree(changed: boolean): void {
    const { live } = shown;
    const next = store.tree.value;
    if (live && (next !== shown.tree || changed)) {
      const fits = next !== null && next.basins.length === live.values.length;
      if (next !== shown.tree) surface.setBasins(fits ? next.basins : null);
      shown.points = criticalPoints(live, fits ? next : null);
    }
    shown.tree = next;
  }

  function readScale(live: LiveGrid, changed: boolean): void {
    const wanted = store.spec.value;
    if (wanted !== checked || changed) {
      checked = wanted;
      shown.stale = wanted !== null && samplingKey(live.spec) !== samplingKey(wanted);
    }
    const asked = wanted?.scale ?? "linear";
    const clip = store.view.value.clip ?? null;
    const common = store.range?.value ?? null;
    if (!changed && asked === scaledFor[0] && clip === scaledFor[1] && common === scaledFor[2]) return;
    scaledFor = [asked, clip, common];
    Object.assign(shown, verticalRange(spanned(live, common), asked, clip));
    const { range, scale, clipped } = shown;
    shown.levels = contourLevels(range, live.base, scale);
    const [low, high] = range;
    const last = bar.peek();
    const same = last?.low === low && last.high === high && last.scale === scale && last.clipped === clipped;
    if (!same || last.grid !== live) bar.value = { grid: live, low, high, scale, clipped };
  }

  const shown: Shown = {
    live: null,
    grid: null,
    mesh: null,
    tree: null,
    points: [],
    range: [0, 1],
    scale: "linear",
    clipped: false,
    levels: { heights: [], weights: [] },
    stale: false,
    read,
    streamed: false,
    simplified: false,
  };
  return shown;
}
