import { useComputed } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Store } from "../../model/store";
import { volumeOf } from "../../model/volume-data";
import { WheelHint } from "../canvas/cards";
import { barPlace } from "../canvas/layout";
import { standing } from "../parts/standing";
import { createVolumeController } from "./controller";
import { describeVolume } from "./describe";
import { LevelControl } from "./level-control";
import { VolumeBar, VolumeReadOut, VolumeTooltip } from "./parts";
import { SliceControls } from "./slice-controls";
import { levelOf } from "./state";
import { createVolumeUi, type VolumeUi } from "./ui";

export { default as volumeStyles } from "./volume.css";

const KEYS =
  "Arrow keys turn the volume, with Shift they move it; plus and minus zoom; Home resets the view; Page Up and " +
  "Page Down move the level, with Shift from merge to merge; l switches a second level; 1, 2 and 3 switch the slices, comma and full stop " +
  "move the last one; n and p step through the critical points, Enter selects; c switches the contour lines, " +
  "b the basins; Escape clears the selection.";

/** A landscape of three dimensions: isosurface, slices, and what moves them. Fills its parent. */
export function VolumePanel({ store }: { store: Store }) {
  const volume = volumeOf(store);
  const root = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const svg = useRef<SVGSVGElement>(null);
  const ui = useMemo(createVolumeUi, []);
  useEffect(
    () =>
      createVolumeController(store, { root: root.current!, canvas: canvas.current!, svg: svg.current! }, ui),
    [store, ui],
  );
  return (
    <div class="nbl-surface">
      <div class="nbl-surface-picture">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it takes the keys that turn the volume. */}
        {/* biome-ignore lint/a11y/useSemanticElements: a picture that takes keys is no fieldset. */}
        <div ref={root} class="nbl-surface-view" tabIndex={0} role="group" aria-label="Loss volume">
          <Picture store={store} canvas={canvas} />
          <svg ref={svg} class="nbl-axes" aria-hidden="true" />
          <span class="nbl-hidden">{KEYS}</span>
        </div>
        {volume !== null && (
          <>
            <VolumeBar store={store} ui={ui} volume={volume} />
            <Notes store={store} ui={ui} />
            <VolumeReadOut store={store} ui={ui} volume={volume} />
            <VolumeTooltip store={store} ui={ui} volume={volume} />
          </>
        )}
        <WheelHint ui={ui} />
      </div>
      {ui.flat.value && (
        <p class="nbl-panel-note nbl-surface-line">Slices only: this browser offers no WebGL2.</p>
      )}
      {volume !== null && (
        <div class="nbl-volume-frame">
          <div class="nbl-volume-controls">
            <LevelControl store={store} ui={ui} volume={volume} />
            <SliceControls store={store} ui={ui} volume={volume} />
          </div>
        </div>
      )}
    </div>
  );
}

interface PictureProps {
  store: Store;
  canvas: { current: HTMLCanvasElement | null };
}

function Picture({ store, canvas }: PictureProps) {
  const text = useComputed(() => {
    const shown = volumeOf(store);
    return shown === null ? "No volume yet." : describeVolume(shown, store.tree.value, levelOf(store, shown));
  });
  return <canvas ref={canvas} role="img" aria-label={text.value} />;
}

function Notes({ store, ui }: { store: Store; ui: VolumeUi }) {
  const { width, height } = ui.size.value;
  const text = useComputed(() => standing(store)).value;
  return (
    <div class={`nbl-surface-notes ${barPlace(width, height)}`}>
      {text !== "" && <div class="nbl-badge partial">{text}</div>}
    </div>
  );
}
