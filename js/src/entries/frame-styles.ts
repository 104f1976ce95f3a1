import { controlsStyles } from "../views/controls";
import { detailsStyles } from "../views/details";
import { explorerStyles } from "../views/explorer";
import { spectrumStyles } from "../views/spectrum";
import { surfaceStyles } from "../views/surface";
import { tableStyles } from "../views/table/table-popover";
import teachingStyles from "../views/teaching/teaching.css";
import { mergeTreeStyles, topologyStyles } from "../views/topology";

/** Of everything that stands around what leads. */
export const frameStyles = [
  surfaceStyles,
  mergeTreeStyles,
  topologyStyles,
  spectrumStyles,
  controlsStyles,
  explorerStyles,
  detailsStyles,
  tableStyles,
  teachingStyles,
];
