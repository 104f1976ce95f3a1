import type { PanelName, PanelsState } from "./protocol";

/** Panels in the order of the page. */
export const PANELS: readonly PanelName[] = ["surface", "topology", "spectrum", "controls"];

export const PANEL_NAMES: Record<PanelName, string> = {
  surface: "Surface",
  topology: "Topology",
  spectrum: "Spectrum",
  controls: "Controls",
};

/** Panels that draw something; one of them is always there. */
const PICTURES: readonly PanelName[] = ["surface", "topology", "spectrum"];

/** Shares that a splitter can reach. */
export const SIDE_LIMITS: readonly [number, number] = [0.2, 0.75];
export const SPLIT_LIMITS: readonly [number, number] = [0.2, 0.8];

export interface Arrangement {
  /** Which panels are drawn now. */
  shown: Record<PanelName, boolean>;
  /** Panels that could be drawn but are not, in the order of the page. */
  away: PanelName[];
  alone: PanelName | null;
}

/** What is drawn of the panels that this view has at all. A saved state that would leave nothing shows everything. */
export function arrange(state: PanelsState | undefined, available: readonly PanelName[]): Arrangement {
  const has = (name: PanelName) => available.includes(name);
  const hidden = new Set(state?.hidden ?? []);
  if (!PICTURES.some((name) => has(name) && !hidden.has(name))) hidden.clear();
  const wanted = state?.alone ?? null;
  const alone = wanted !== null && has(wanted) && PICTURES.includes(wanted) ? wanted : null;
  const visible = (name: PanelName): boolean => {
    if (!has(name)) return false;
    if (alone === null) return !hidden.has(name);
    // The controls choose what the surface shows; beside the other pictures they only take room.
    return name === alone || (name === "controls" && alone === "surface" && !hidden.has(name));
  };
  const shown = Object.fromEntries(PANELS.map((name) => [name, visible(name)])) as Arrangement["shown"];
  return { shown, away: PANELS.filter((name) => has(name) && !shown[name]), alone };
}

/** Whether a panel may be hidden: the last picture may not. */
export function canHide(
  state: PanelsState | undefined,
  available: readonly PanelName[],
  name: PanelName,
): boolean {
  const { shown } = arrange({ ...state, alone: null }, available);
  return !PICTURES.includes(name) || PICTURES.some((other) => other !== name && shown[other]);
}

/** The state with a panel shown or hidden; showing one ends that another is alone. */
export function withPanel(state: PanelsState | undefined, name: PanelName, visible: boolean): PanelsState {
  const hidden = (state?.hidden ?? []).filter((other) => other !== name);
  return { ...state, hidden: visible ? hidden : [...hidden, name], alone: null };
}

/** The state with a panel alone, or with all of them again if it was. */
export function toggleAlone(state: PanelsState | undefined, name: PanelName): PanelsState {
  return { ...state, alone: state?.alone === name ? null : name };
}

export const clampShare = (share: number, [low, high]: readonly [number, number]): number =>
  Number(Math.min(high, Math.max(low, share)).toFixed(4));
