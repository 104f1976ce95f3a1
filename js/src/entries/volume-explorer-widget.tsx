import { useMemo } from "preact/hooks";
import type { Store } from "../model/store";
import { withVolume } from "../model/volume-data";
import { Explorer } from "../views/explorer";
import { VolumePanel, volumeStyles } from "../views/volume";
import { frameStyles } from "./frame-styles";

/** A landscape of three dimensions, its topology beside it. */
export function VolumeExplorer({ store: given }: { store: Store }) {
  const store = useMemo(() => withVolume(given), [given]);
  return <Explorer store={store} Lead={VolumePanel} />;
}

export const styles = [...frameStyles, volumeStyles];
