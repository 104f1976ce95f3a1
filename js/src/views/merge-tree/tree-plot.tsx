import { useRef, useState } from "preact/hooks";
import { featureOf, selectedBranch } from "../../model/selection";
import type { Branch, LiveGrid, LiveTree, Store } from "../../model/store";
import { num, percent } from "../parts/format";
import { linearScale, logScale } from "../parts/ticks";
import { useSize } from "../parts/use-size";
import { layoutTree, neighbour, type Placed } from "./layout";

/** More branches than this cannot be told apart. */
export const MOST_SHOWN = 60;
const HUES = 6;
/** Pixels that a mark needs to be clicked apart from its neighbour. */
const MARK = 15;
const MARGIN = { left: 46, right: 12, top: 12, bottom: 22 };

/** Hue of a branch: the most persistent ones have one of their own, the rest is ink. */
export const hueClass = (rank: number): string => (rank < HUES ? `nbl-hue-${rank}` : "nbl-hue-ink");

function heightScale(shown: readonly Branch[], grid: LiveGrid | null, scale: "linear" | "log") {
  const low = Math.min(...shown.map((b) => b.birth));
  const deaths = shown.map((b) => b.death).filter(Number.isFinite);
  const top = Math.max(...deaths, low);
  const high = deaths.length > 0 || grid === null ? top : grid.base + grid.range[1];
  if (scale === "log" && low > 0) {
    const headroom = (high / low) ** 0.08;
    return { ...logScale(low, high * Math.max(headroom, 1.02)), low };
  }
  return { ...linearScale(low, high + 0.08 * (high - low || Math.abs(low) || 1)), low };
}

/** The merge tree: height is loss, leaves are minima, each branch ends where it merges into a deeper one. */
export function TreePlot({ store, tree, grid }: { store: Store; tree: LiveTree; grid: LiveGrid | null }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, height] = useSize(box);
  const [focused, setFocused] = useState<number | null>(null);
  const shown = tree.branches.slice(0, MOST_SHOWN);
  const placed = layoutTree(shown);
  const selection = store.selection.value;
  const chosen = selectedBranch(selection, tree);
  const hover = store.hover.value;
  const hovered =
    hover.vertex === null
      ? null
      : hover.kind === "minimum" || hover.kind === "saddle"
        ? selectedBranch({ ...hover, kind: hover.kind }, tree)
        : (tree.branches.find((b) => b.row === tree.basins[hover.vertex!]) ?? null);
  const active = placed.some((p) => p.branch.row === focused)
    ? focused
    : (chosen?.row ?? shown[0]?.row ?? null);

  const plotWidth = Math.max(width - MARGIN.left - MARGIN.right, 10);
  const plotHeight = Math.max(height - MARGIN.top - MARGIN.bottom, 10);
  const scale = heightScale(shown, grid, store.spec.value?.scale ?? "linear");
  const x = (slot: number) => MARGIN.left + (plotWidth * (slot + 0.5)) / Math.max(shown.length, 1);
  const y = (loss: number) => MARGIN.top + plotHeight * (1 - Math.min(Math.max(scale.at(loss), 0), 1));
  const slotWidth = plotWidth / Math.max(shown.length, 1);
  /** Whether a saddle on its parent's line would touch another one, or the parent's leaf. */
  const crowded = (p: Placed): boolean => {
    const at = y(p.branch.death);
    const onLine = placed.filter((other) => other !== p && other.parentSlot === p.parentSlot);
    const parent = placed.find((other) => other.slot === p.parentSlot);
    const heights = onLine.map((other) => y(other.branch.death));
    if (parent !== undefined) heights.push(y(parent.branch.birth));
    return heights.some((height) => Math.abs(height - at) < MARK);
  };
  const ticks = scale.ticks(Math.max(2, Math.floor(plotHeight / 28)));

  const point = (branch: Branch, kind: "minimum" | "saddle") => {
    store.hover.value = { ...featureOf(grid, branch, kind), from: "tree" };
  };
  const leave = () => {
    if (store.hover.peek().from !== "tree") return;
    store.hover.value = { kind: "none", vertex: null, coordinates: null, loss: null, from: "tree" };
  };
  const choose = (branch: Branch, kind: "minimum" | "saddle") => store.select(featureOf(grid, branch, kind));

  const onKey = (event: KeyboardEvent, branch: Branch) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      const again = selection.kind === "minimum" && selection.vertex === branch.birthVertex;
      choose(branch, again ? "saddle" : "minimum");
      return;
    }
    const row = neighbour(placed, branch.row, event.key);
    if (
      row === null &&
      !["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)
    )
      return;
    event.preventDefault();
    if (row === null) return;
    setFocused(row);
    box.current?.querySelector<SVGElement>(`[data-row="${row}"]`)?.focus();
  };

  return (
    <div class="nbl-tree-plot" ref={box} onPointerLeave={leave}>
      {width > 0 && height > 0 && (
        <svg width={width} height={height} role="tree" aria-label="Merge tree of the surface">
          <g class="nbl-axis" aria-hidden="true">
            {ticks.map((t) => (
              <g key={t} transform={`translate(0,${y(t).toFixed(1)})`}>
                <line x1={MARGIN.left - 2} x2={width - MARGIN.right} />
                <text x={MARGIN.left - 8} dy="0.32em">
                  {num(t, 3)}
                </text>
              </g>
            ))}
          </g>
          {[...placed]
            .sort((a, b) => a.slot - b.slot)
            .map((p) => (
              <Item
                key={p.branch.row}
                placed={p}
                rank={shown.indexOf(p.branch)}
                many={shown.length}
                x={x}
                y={y}
                top={MARGIN.top}
                slotWidth={slotWidth}
                apart={crowded(p)}
                labelled={slotWidth >= 16}
                selected={chosen?.row === p.branch.row}
                selectedKind={chosen?.row === p.branch.row ? selection.kind : "none"}
                hovered={hovered?.row === p.branch.row}
                tabbable={p.branch.row === active}
                onFocus={() => {
                  setFocused(p.branch.row);
                  point(p.branch, "minimum");
                }}
                onBlur={leave}
                onKey={(event) => onKey(event, p.branch)}
                onPoint={(kind) => point(p.branch, kind)}
                onChoose={(kind) => {
                  setFocused(p.branch.row);
                  choose(p.branch, kind);
                }}
              />
            ))}
        </svg>
      )}
    </div>
  );
}

interface ItemProps {
  placed: Placed;
  rank: number;
  many: number;
  x(slot: number): number;
  y(loss: number): number;
  top: number;
  slotWidth: number;
  /** The saddle stands beside its own leaf rather than on the parent's line. */
  apart: boolean;
  labelled: boolean;
  selected: boolean;
  selectedKind: string;
  hovered: boolean;
  tabbable: boolean;
  onFocus(): void;
  onBlur(): void;
  onKey(event: KeyboardEvent): void;
  onPoint(kind: "minimum" | "saddle"): void;
  onChoose(kind: "minimum" | "saddle"): void;
}

/** One branch: its line, its leaf, its saddle. */
function Item(props: ItemProps) {
  const { branch, slot, parentSlot, level } = props.placed;
  const { rank, many, selected, hovered } = props;
  const cx = props.x(slot);
  const leafY = props.y(branch.birth);
  const essential = parentSlot === null;
  const endY = essential ? props.top : props.y(branch.death);
  const parentX = essential ? cx : props.x(parentSlot);
  const radius = Math.min(5, Math.abs(parentX - cx) / 2, Math.abs(leafY - endY) / 2);
  const turn = Math.sign(parentX - cx) * radius;
  const line = essential
    ? `M${cx},${leafY}V${endY}`
    : `M${cx},${leafY}V${endY + radius}Q${cx},${endY} ${cx + turn},${endY}H${parentX}`;
  const name = `Minimum ${rank + 1}`;
  const fate = essential
    ? "deepest of its part of the surface"
    : `merges at ${num(branch.death)}, persistence ${num(branch.persistence)}`;
  const state = `${selected ? " nbl-branch-selected" : ""}${hovered ? " nbl-branch-hovered" : ""}`;
  const aside = cx + Math.sign(parentX - cx) * Math.min(12, 0.4 * props.slotWidth);
  const saddleX = props.apart ? aside : parentX;
  const reach = Math.max(Math.min(props.slotWidth, 40), 12) / 2;
  // Smaller marks where there are many, the persistent ones at full size.
  const size = rank < HUES ? 1 : Math.min(Math.max(props.slotWidth / 18, 0.65), 1);
  return (
    <g
      class={`nbl-branch ${hueClass(rank)}${state}`}
      role="treeitem"
      aria-level={level}
      aria-posinset={slot + 1}
      aria-setsize={many}
      aria-selected={selected}
      aria-label={`${name}: loss ${num(branch.birth)}, ${fate}, basin ${percent(branch.share)}`}
      tabindex={props.tabbable ? 0 : -1}
      data-row={branch.row}
      onFocus={props.onFocus}
      onBlur={props.onBlur}
      onKeyDown={props.onKey}
    >
      <path
        class="nbl-branch-hit"
        d={line}
        onPointerEnter={() => props.onPoint("minimum")}
        onClick={() => props.onChoose("minimum")}
      />
      <path class="nbl-branch-line" d={line} />
      <g
        class={`nbl-leaf${selected && props.selectedKind === "minimum" ? " nbl-feature-selected" : ""}`}
        transform={`translate(${cx},${leafY})`}
        onPointerEnter={() => props.onPoint("minimum")}
        onClick={() => props.onChoose("minimum")}
      >
        <rect class="nbl-branch-hit" x={-reach} y={-12} width={2 * reach} height={34} />
        <circle class="nbl-leaf-ring" r={9} />
        <path d={`M0,${5 * size} ${-5 * size},${-4 * size}H${5 * size}Z`} />
        {props.labelled && <text y={17}>{rank + 1}</text>}
      </g>
      {!essential && (
        <g
          class={`nbl-saddle${selected && props.selectedKind === "saddle" ? " nbl-feature-selected" : ""}`}
          transform={`translate(${saddleX},${endY})`}
          onPointerEnter={() => props.onPoint("saddle")}
          onClick={() => props.onChoose("saddle")}
        >
          <circle class="nbl-branch-hit" r={Math.min(12, 0.36 * props.slotWidth)} />
          <circle class="nbl-feature-back" r={6 * size} />
          <path
            d={`M${-3.2 * size},${-3.2 * size} ${3.2 * size},${3.2 * size}M${-3.2 * size},${3.2 * size} ${3.2 * size},${-3.2 * size}`}
          />
        </g>
      )}
    </g>
  );
}
