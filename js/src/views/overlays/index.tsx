import { useComputed } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo } from "preact/hooks";
import type { Store } from "../../model/store";
import * as icons from "../parts/icons";
import { Tool } from "../parts/tool";
import type { SurfaceUi } from "../surface/ui";
import { pathLines, pathMarks, probeLines } from "./lines";
import { PathLegend } from "./path-legend";
import { NONE, pathsOf } from "./paths";
import { PictureTool } from "./picture-tool";
import { ProbePlot } from "./probe-plot";
import { type Ends, firstEnds, probeOf } from "./profile";
import { stopsOf } from "./stops";

export { default as overlayStyles } from "./overlays.css";

interface Props {
  store: Store;
  ui: SurfaceUi;
}

/** The same each time: another array would be another picture. */
const NOTHING: readonly never[] = [];

/** Lines on the surface; below it their legend and the plot of the probe. */
export function Overlays({ store, ui }: Props) {
  const ends = useComputed(() => store.view.value.probe ?? null).value;
  const wanted = useComputed(() => store.view.value.paths !== false).value;
  const paths = useComputed(() => pathsOf(store)).value;
  const shown = wanted ? paths : NONE;
  const grid = ends === null && shown.length === 0 ? null : store.grid.value;
  const revision = grid?.revision;
  const probe = useMemo(
    () => (ends === null || grid === null ? null : probeOf(grid, ends)),
    [ends, grid, revision],
  );
  const { ink, background } = ui.colors.value;
  useEffect(() => {
    ui.keys.value = (key) => {
      if (key !== "l") return false;
      toggleProbe(store, ui);
      return true;
    };
    return () => {
      ui.keys.value = null;
    };
  }, [store, ui]);
  // Before the next frame, which draws the surface that they lie on.
  useLayoutEffect(() => {
    if (grid === null) {
      ui.lines.value = ui.marks.value = ui.stops.value = NOTHING;
      return;
    }
    const lines = pathLines(grid, shown, background);
    if (probe) lines.push(...probeLines(grid, probe.profile, ink, background));
    ui.lines.value = lines;
    ui.marks.value = pathMarks(grid, shown);
    ui.stops.value = stopsOf(grid, shown);
  }, [grid, revision, probe, shown, ink, background]);
  return (
    <>
      <PathLegend paths={shown} />
      {probe !== null && grid !== null && <ProbePlot store={store} ui={ui} probe={probe} grid={grid} />}
    </>
  );
}

/** Buttons of the surface for what is drawn over it. */
export function OverlayTools({ store, ui }: Props) {
  const probe = useComputed(() => store.view.value.probe ?? null).value;
  const wanted = useComputed(() => store.view.value.paths !== false).value;
  const some = useComputed(() => pathsOf(store).length > 0).value;
  return (
    <>
      <Tool
        icon={icons.probe}
        label="Probe line"
        hint="The loss along a line (L)"
        pressed={probe !== null}
        onClick={() => toggleProbe(store, ui)}
        small
      />
      {some && (
        <Tool
          icon={icons.path}
          label="Paths"
          hint="Checkpoints and training runs: , and . step along them"
          pressed={wanted}
          onClick={() => store.setView({ paths: !wanted })}
          small
        />
      )}
      <PictureTool store={store} ui={ui} />
    </>
  );
}

function toggleProbe(store: Store, ui: SurfaceUi): void {
  if (store.view.value.probe) {
    ui.pick.value = null;
    store.setView({ probe: null });
  } else startProbe(store, ui);
}

/** Shows a first line, and takes the next two clicks for its ends. */
function startProbe(store: Store, ui: SurfaceUi): void {
  const grid = store.grid.value;
  if (grid === null) return;
  const [x, y] = store.selection.value.coordinates ?? [];
  const selected: [number, number] | null = x === undefined || y === undefined ? null : [x, y];
  store.setView({ probe: firstEnds(grid, store.tree.value, selected) });
  let from: [number, number] | null = null;
  ui.pick.value = (at) => {
    if (from === null) {
      from = [...at];
      return;
    }
    const ends: Ends = [from, [...at]];
    ui.pick.value = null;
    store.setView({ probe: ends });
  };
}
