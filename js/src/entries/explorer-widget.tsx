import { useComputed } from "@preact/signals";
import type { Store } from "../model/store";
import { DetailsCard } from "../views/details";
import { Explorer } from "../views/explorer";
import { Waiting } from "../views/explorer/waiting";
import { Overlays, OverlayTools, overlayStyles } from "../views/overlays";
import { SurfacePanel, surfaceToolStyles } from "../views/surface";
import { frameStyles } from "./frame-styles";

function Lead({ store }: { store: Store }) {
  const blank = useComputed(() => store.grid.value === null).value;
  return blank ? (
    <Waiting store={store} />
  ) : (
    <SurfacePanel store={store} Card={DetailsCard} Tools={OverlayTools} Overlays={Overlays} />
  );
}

/** Surface, topology and spectrum. */
export function SurfaceExplorer({ store }: { store: Store }) {
  return <Explorer store={store} Lead={Lead} />;
}

export const styles = [...frameStyles, surfaceToolStyles, overlayStyles];
