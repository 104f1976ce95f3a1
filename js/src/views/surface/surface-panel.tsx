import type { ComponentType } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Store } from "../../model/store";
import { WheelHint } from "../canvas/cards";
import { barPlace } from "../canvas/layout";
import { ColorBar } from "./color-bar";
import { createController } from "./controller";
import { describe } from "./describe";
import { ReadOut, StateBadge, Tooltip } from "./parts";
import { Tools } from "./tools";
import { createSurfaceUi, type SurfaceUi } from "./ui";

const KEYS =
  "Arrow keys turn the surface, with Shift they move it; plus and minus zoom; Home resets the view; " +
  "n and p step through the critical points, comma and full stop through the checkpoints of a path, Enter selects; c switches the contour lines, t their losses, b the basin map, f the map on the floor, m the map from above; 1 to 4 look from preset places; Escape clears the selection.";

/** The loss surface: turn it, point at it, click it. Fills its parent. */
interface Props {
  store: Store;
  Card?: typeof ReadOut;
  /** More tools, and what they draw on the surface: what they have to say stands below it. */
  Tools?: ComponentType<{ store: Store; ui: SurfaceUi }>;
  Overlays?: ComponentType<{ store: Store; ui: SurfaceUi }>;
}

export function SurfacePanel({ store, Card = ReadOut, Tools: More, Overlays }: Props) {
  const root = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const svg = useRef<SVGSVGElement>(null);
  const ui = useMemo(createSurfaceUi, []);
  useEffect(
    () => createController(store, { root: root.current!, canvas: canvas.current!, svg: svg.current! }, ui),
    [store, ui],
  );
  return (
    <div class="nbl-surface">
      <div class="nbl-surface-picture">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it takes the keys that turn the surface. */}
        {/* biome-ignore lint/a11y/useSemanticElements: a picture that takes keys is no fieldset. */}
        <div ref={root} class="nbl-surface-view" tabIndex={0} role="group" aria-label="Loss surface">
          <Picture store={store} canvas={canvas} />
          <svg ref={svg} class="nbl-axes" aria-hidden="true" />
          <span class="nbl-hidden">{KEYS}</span>
        </div>
        <ColorBar store={store} ui={ui} />
        <Notes store={store} ui={ui} More={More} />
        <Card store={store} ui={ui} />
        <Tooltip store={store} ui={ui} alone={Card === ReadOut} />
        <WheelHint ui={ui} />
      </div>
      {ui.flat.value && (
        <p class="nbl-panel-note nbl-surface-line">Seen from above: this browser offers no WebGL2.</p>
      )}
      {Overlays && <Overlays store={store} ui={ui} />}
    </div>
  );
}

function Picture({ store, canvas }: { store: Store; canvas: { current: HTMLCanvasElement | null } }) {
  return <canvas ref={canvas} role="img" aria-label={describe(store.grid.value, store.tree.value)} />;
}

function Notes({ store, ui, More }: { store: Store; ui: SurfaceUi; More: Props["Tools"] }) {
  const { width, height } = ui.size.value;
  return (
    <div class={`nbl-surface-notes ${barPlace(width, height)}`}>
      <Tools store={store} ui={ui}>
        {More && <More store={store} ui={ui} />}
      </Tools>
      <StateBadge store={store} ui={ui} />
    </div>
  );
}
