import { KEYS } from "../../a11y/keymap";

const OWN: typeof KEYS = [
  ["Drag the volume", "Turn it; with Shift or the right button: move it"],
  ["Arrow keys on the volume", "Turn it; with Shift: move it"],
  ["+ and − on the volume", "Zoom"],
  ["Page Up, Page Down on the volume", "Raise and lower the level; with Shift: from merge to merge"],
  ["L on the volume", "A second isosurface, as of glass, on and off"],
  ["1, 2, 3 on the volume", "Slice across the first, second, third axis on and off"],
  ["Drag the edge of a slice", "Move it"],
  [", and . on the volume", "Move the slice that was touched last"],
  ["N and P on the volume", "Next and previous: the model, minima, saddles"],
  ["Enter, Escape on the volume", "Select what N or P has reached; clear the selection"],
  ["C, B on the volume", "Contour lines on the slices; colours of the basins"],
];

/** The list of keys of an explorer of volumes. */
export const VOLUME_KEYS: typeof KEYS = [
  ...OWN,
  ...KEYS.filter(([key, meaning]) => !/surface|selected point|eigenvalue|colour bar/.test(key + meaning)),
];
