import { controlsStyles } from "../views/controls";
import { detailsStyles } from "../views/details";
import { Explorer, explorerStyles } from "../views/explorer";

import { spectrumStyles } from "../views/spectrum";
import { surfaceStyles } from "../views/surface";
import { mergeTreeStyles, topologyStyles } from "../views/topology";
import { volumeStyles } from "../views/volume";

export { Explorer };
export const styles = [
  surfaceStyles,
  volumeStyles,
  mergeTreeStyles,
  topologyStyles,
  spectrumStyles,
  controlsStyles,
  explorerStyles,
  detailsStyles,
];
