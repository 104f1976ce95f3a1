import { controlsStyles } from "../views/controls";
import { Explorer, explorerStyles } from "../views/explorer";
import { mergeTreeStyles } from "../views/merge-tree";
import { spectrumStyles } from "../views/spectrum";
import { surfaceStyles } from "../views/surface";

export { Explorer };
export const styles = [surfaceStyles, mergeTreeStyles, spectrumStyles, controlsStyles, explorerStyles];
