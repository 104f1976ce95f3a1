import { KEYS as EXPLORER_KEYS } from "../../a11y/keymap";

/** What of an explorer a comparison has not: tree and diagrams, eigenvalues, actions on points, lines, a tour. */
const ABSENT = /\b(tree|tabs|diagram|eigenvalue|selected point)\b|^L on|^Shift\+[GT]$/;

export const KEYS: typeof EXPLORER_KEYS = [
  ...EXPLORER_KEYS.filter(([key]) => !ABSENT.test(key)),
  ["Shift+T", "Numbers of all as a table"],
];
