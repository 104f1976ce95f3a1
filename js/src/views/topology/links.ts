import { useState } from "preact/hooks";
import { featureOf, nothing, selectedBranch } from "../../model/selection";
import type { Branch, LiveGrid, LiveTree, Store } from "../../model/store";

type Feature = "minimum" | "saddle";

/** Selection and hover of pairs, shared by every picture of the topology and the surface. */
interface Links {
  chosen: Branch | null;
  /** Which of its ends is selected. */
  chosenKind: string;
  hovered: Branch | null;
  /** Pointed at in one of these pictures, not on the surface. */
  pointedHere: boolean;
  /** Row of the branch that the Tab key reaches. */
  active: number | null;
  point(branch: Branch, kind?: Feature): void;
  leave(): void;
  /** Selects an end of a pair; without `kind` the minimum, and if that is selected its saddle. */
  choose(branch: Branch, kind?: Feature): void;
  focus(branch: Branch): void;
}

export function useLinks(
  store: Store,
  tree: LiveTree,
  grid: LiveGrid | null,
  shown: readonly Branch[],
): Links {
  const [focused, setFocused] = useState<number | null>(null);
  const selection = store.selection.value;
  const chosen = selectedBranch(selection, tree);
  const hover = store.hover.value;
  const hovered =
    hover.vertex === null
      ? null
      : hover.kind === "minimum" || hover.kind === "saddle"
        ? selectedBranch({ ...hover, kind: hover.kind }, tree)
        : (tree.branches.find((b) => b.row === tree.basins[hover.vertex!]) ?? null);
  const has = (row: number | null | undefined) => shown.some((b) => b.row === row);
  const active = has(focused) ? focused : has(chosen?.row) ? chosen!.row : (shown[0]?.row ?? null);
  const point: Links["point"] = (branch, kind = "minimum") => {
    const next = featureOf(grid, branch, kind);
    const now = store.hover.peek();
    if (now.from === "tree" && now.kind === next.kind && now.vertex === next.vertex) return;
    store.hover.value = { ...next, from: "tree" };
  };
  return {
    chosen,
    chosenKind: selection.kind,
    hovered,
    pointedHere: hover.from === "tree" && hovered !== null,
    active,
    point,
    leave() {
      const { from, kind } = store.hover.peek();
      if (from !== "tree" || kind === "none") return;
      store.hover.value = nothing("tree");
    },
    choose(branch, kind) {
      const again = selection.kind === "minimum" && selection.vertex === branch.birthVertex;
      setFocused(branch.row);
      store.select(featureOf(grid, branch, kind ?? (again ? "saddle" : "minimum")));
    },
    focus(branch) {
      setFocused(branch.row);
      point(branch);
    },
  };
}

/** The next row of a list that an arrow key leads to: forwards, backwards, or to an end. */
export function stepInList(rows: readonly number[], row: number, key: string): number | null {
  const at = rows.indexOf(row);
  if (at < 0) return null;
  switch (key) {
    case "ArrowDown":
    case "ArrowRight":
      return rows[at + 1] ?? null;
    case "ArrowUp":
    case "ArrowLeft":
      return rows[at - 1] ?? null;
    case "Home":
      return rows[0]!;
    case "End":
      return rows[rows.length - 1]!;
    default:
      return null;
  }
}

const TRAVEL = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"];

/** Keys of a focused pair: Enter or Space selects, arrows move the focus where `step` says. */
export function pairKey(
  event: KeyboardEvent,
  choose: () => void,
  step: (key: string) => number | null,
  box: HTMLElement | null,
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const selects = event.key === "Enter" || event.key === " ";
  if (!selects && !TRAVEL.includes(event.key)) return;
  event.preventDefault();
  if (selects) {
    choose();
    return;
  }
  const row = step(event.key);
  if (row !== null) box?.querySelector<SVGElement>(`[data-row="${row}"]`)?.focus();
}
