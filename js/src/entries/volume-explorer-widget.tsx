import { useMemo } from "preact/hooks";
import type { Store } from "../model/store";
import { volumeOf, withVolume } from "../model/volume-data";
import { Explorer } from "../views/explorer";
import { Waiting } from "../views/explorer/waiting";
import { VolumePanel, volumeStyles } from "../views/volume";
import { VOLUME_STEP, volumeCaption } from "../views/volume/caption";
import { VOLUME_KEYS } from "../views/volume/key-list";
import { frameStyles } from "./frame-styles";

function Lead({ store }: { store: Store }) {
  return volumeOf(store) === null ? <Waiting store={store} /> : <VolumePanel store={store} />;
}

/** A landscape of three dimensions, its topology beside it. */
export function VolumeExplorer({ store: given }: { store: Store }) {
  const store = useMemo(() => withVolume(given), [given]);
  return (
    <Explorer store={store} Lead={Lead} keys={VOLUME_KEYS} caption={volumeCaption} firstStep={VOLUME_STEP} />
  );
}

export const styles = [...frameStyles, volumeStyles];
