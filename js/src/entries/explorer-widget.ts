import { controlsStyles } from "../views/controls";
import { Explorer, explorerStyles } from "../views/explorer";

import { spectrumStyles } from "../views/spectrum";
import { surfaceStyles } from "../views/surface";
import { mergeTreeStyles, topologyStyles } from "../views/topology";

export { Explorer };
export const styles = [
  surfaceStyles,
  mergeTreeStyles,
  topologyStyles,
  spectrumStyles,
  controlsStyles,
  explorerStyles,
];
