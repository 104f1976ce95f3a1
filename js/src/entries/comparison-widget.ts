import { comparisonStyles } from "../views/comparison";
import { controlsStyles } from "../views/controls";
import { explorerStyles } from "../views/explorer";
import { surfaceStyles, surfaceToolStyles } from "../views/surface";
import { tableStyles } from "../views/table/table-popover";
import teachingStyles from "../views/teaching/teaching.css";
import { mergeTreeStyles } from "../views/topology";

export { Comparison } from "../views/comparison";
export const styles = [
  surfaceStyles,
  surfaceToolStyles,
  mergeTreeStyles,
  controlsStyles,
  explorerStyles,
  tableStyles,
  teachingStyles,
  comparisonStyles,
];
