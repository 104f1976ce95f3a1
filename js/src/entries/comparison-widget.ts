import { comparisonStyles } from "../views/comparison";
import { controlsStyles } from "../views/controls";
import { explorerStyles } from "../views/explorer";
import { surfaceStyles } from "../views/surface";

export { Comparison } from "../views/comparison";
export const styles = [surfaceStyles, controlsStyles, explorerStyles, comparisonStyles];
