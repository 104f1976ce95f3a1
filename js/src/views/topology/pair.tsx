import { useLayoutEffect, useRef } from "preact/hooks";
import type { Branch } from "../../model/store";
import { num, percent } from "../parts/format";
import { digitsIn } from "../parts/offset";

const HUES = 6;

/** Hue of a branch: the most persistent ones have one of their own, the rest is ink. */
const hueClass = (rank: number): string => (rank < HUES ? `nbl-hue-${rank}` : "nbl-hue-ink");

/** "0.42 ± 0.03", or the number alone where no error is known. */
export function persistenceText({ persistence, evidence }: Branch): string {
  const error = evidence?.stderr ?? Number.NaN;
  if (!Number.isFinite(persistence) || !Number.isFinite(error)) return num(persistence);
  return `${num(persistence)} ± ${num(error, 2)}`;
}

export const UNSUPPORTED = "not supported by the data";
export const isUnsupported = (branch: Branch): boolean => branch.evidence?.supported === false;

/** What a screen reader says of a pair. */
export function pairLabel(branch: Branch, rank: number): string {
  const fate = Number.isFinite(branch.death)
    ? `merges at ${num(branch.death)}, persistence ${persistenceText(branch)}`
    : "deepest of its part of the surface";
  const doubt = isUnsupported(branch) ? `, ${UNSUPPORTED}` : "";
  return `Minimum ${rank + 1}: loss ${num(branch.birth)}, ${fate}, basin ${percent(branch.share)}${doubt}`;
}

interface GroupState {
  selected: boolean;
  hovered: boolean;
  tabbable: boolean;
}

/** What the group of a pair is to the eye, the keyboard and a screen reader, in every picture. */
export function pairGroup(branch: Branch, rank: number, many: number, state: GroupState) {
  return {
    class: pairClass(branch, rank, state.selected, state.hovered),
    role: "option",
    "aria-posinset": rank + 1,
    "aria-setsize": many,
    "aria-selected": state.selected,
    "aria-label": pairLabel(branch, rank),
    tabindex: state.tabbable ? 0 : -1,
    "data-row": branch.row,
  } as const;
}

/** Classes of the group of a pair. */
function pairClass(branch: Branch, rank: number, selected: boolean, hovered: boolean): string {
  const state = `${selected ? " nbl-branch-selected" : ""}${hovered ? " nbl-branch-hovered" : ""}`;
  return `nbl-branch ${hueClass(rank)}${state}${isUnsupported(branch) ? " nbl-unsupported" : ""}`;
}

/** How far a tip may reach below its plot, over what stands there. */
const BELOW = 56;

/** Where a tip stands: to the right of its mark, else to the left, else below or above; within the panel. */
export function tipPlace(
  x: number,
  y: number,
  w: number,
  h: number,
  width: number,
  height: number,
): [number, number] {
  const lowest = height + BELOW - h;
  if (x + 14 + w <= width) return [x + 14, Math.max(0, Math.min(y + 8, lowest))];
  if (x - 14 - w >= 2) return [x - 14 - w, Math.max(0, Math.min(y + 8, lowest))];
  return [
    Math.max(2, Math.min(x - w / 2, width - w - 2)),
    y + 14 <= lowest ? y + 14 : Math.max(0, y - 14 - h),
  ];
}

interface TipProps {
  branch: Branch;
  rank: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The numbers of the pair that is pointed at, beside it. */
export function PairTip({ branch, rank, x, y, width, height }: TipProps) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const { offsetWidth: w, offsetHeight: h } = element;
    const [left, top] = tipPlace(x, y, w, h, width, height);
    element.style.transform = `translate(${left}px, ${top}px)`;
  });
  const { evidence } = branch;
  const digits = digitsIn(branch.birth, branch.death, 5);
  const rows: [string, string][] = [
    ["birth", num(branch.birth, digits)],
    ["death", num(branch.death, digits)],
    ["persistence", persistenceText(branch)],
    ["basin", percent(branch.share)],
  ];
  if (evidence && Number.isFinite(branch.persistence)) {
    if (Number.isFinite(evidence.margin)) rows.push(["must exceed", num(evidence.margin, 3)]);
    if (Number.isFinite(evidence.frequency)) rows.push(["in resamples", percent(evidence.frequency)]);
  }
  return (
    <div class="nbl-pair-tip" ref={box} aria-hidden="true">
      <strong>▼ Minimum {rank + 1}</strong>
      <dl>
        {rows.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {isUnsupported(branch) && <p>{UNSUPPORTED}</p>}
    </div>
  );
}
