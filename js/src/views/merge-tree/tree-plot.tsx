import { useRef } from "preact/hooks";
import type { LiveGrid, LiveTree, Store } from "../../model/store";
import { count, squeezed } from "../parts/format";
import { tickTexts } from "../parts/ticks";
import { useSize } from "../parts/use-size";
import { useScale } from "../parts/use-spec";
import { pairKey, useLinks } from "../topology/links";
import { lossScale } from "../topology/loss-scale";
import { mostLeaves } from "../topology/most-leaves";
import { isUnsupported, pairGroup, pairLabel } from "../topology/pair";
import { layoutTree, neighbour, type Placed } from "./layout";
import { hiddenMerges, stubsPath } from "./stubs";

/** Branches with full-size marks. */
const FULL_SIZE = 6;
/** Pixels that a mark needs to be clicked apart from its neighbour. */
const MARK = 15;
export const MARGIN = { left: 46, right: 12, top: 12, bottom: 22 };

/** The merge tree: height is loss, leaves are minima, each branch ends where it merges into a deeper one. */
export function TreePlot({ store, tree, grid }: { store: Store; tree: LiveTree; grid: LiveGrid | null }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, height] = useSize(box);
  const plotWidth = Math.max(width - MARGIN.left - MARGIN.right, 10);
  const plotHeight = Math.max(height - MARGIN.top - MARGIN.bottom, 10);
  const shown = tree.branches.slice(0, mostLeaves(plotWidth));
  const placed = layoutTree(shown);
  const links = useLinks(store, tree, grid, shown);
  const { chosen, hovered } = links;
  const scale = lossScale(shown, grid, useScale(store));
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

  const hidden = hiddenMerges(tree.branches, shown.length);
  const slots = new Map(placed.map((p) => [p.branch.row, p.slot]));
  return (
    <div class="nbl-tree-plot" ref={box} onPointerLeave={links.leave}>
      {width > 0 && height > 0 && (
        <svg width={width} height={height} role="tree" aria-label="Merge tree of the surface">
          <g class="nbl-axis" aria-hidden="true">
            {scale.note && (
              <text class="nbl-axis-start" x={2} y={9}>
                {scale.note}
              </text>
            )}
            {ticks.map((t, k, all) => (
              <g key={t} transform={`translate(0,${y(t).toFixed(1)})`}>
                <line x1={MARGIN.left - 2} x2={width - MARGIN.right} />
                <text
                  x={MARGIN.left - 8}
                  dy="0.32em"
                  textLength={squeezed(tickTexts(all)[k]!, MARGIN.left - 9)}
                  lengthAdjust="spacingAndGlyphs"
                >
                  {tickTexts(all)[k]}
                </text>
              </g>
            ))}
          </g>
          {hidden.size > 0 && (
            <path
              class="nbl-stubs"
              aria-hidden="true"
              d={stubsPath(hidden, (row) => x(slots.get(row)!), y)}
            />
          )}
          {[...placed]
            .sort((a, b) => a.slot - b.slot)
            .map((p) => (
              <Item
                key={p.branch.row}
                placed={p}
                rank={shown.indexOf(p.branch)}
                many={shown.length}
                hidden={hidden.get(p.branch.row)?.length ?? 0}
                x={x}
                y={y}
                top={MARGIN.top}
                slotWidth={slotWidth}
                apart={crowded(p)}
                labelled={slotWidth >= 16}
                selected={chosen?.row === p.branch.row}
                selectedKind={chosen?.row === p.branch.row ? links.chosenKind : "none"}
                hovered={hovered?.row === p.branch.row}
                tabbable={p.branch.row === links.active}
                onFocus={() => links.focus(p.branch)}
                onBlur={links.leave}
                onKey={(event) =>
                  pairKey(
                    event,
                    () => links.choose(p.branch),
                    (key) => neighbour(placed, p.branch.row, key),
                    box.current,
                  )
                }
                onPoint={(kind) => links.point(p.branch, kind)}
                onChoose={(kind) => links.choose(p.branch, kind)}
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
  /** How many branches that merge into it are only hinted at. */
  hidden: number;
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
  const { rank, many, selected } = props;
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
  const more =
    props.hidden > 0 ? `, ${count(props.hidden, "lesser branch", "lesser branches")} not drawn` : "";
  const aside = cx + Math.sign(parentX - cx) * Math.min(12, 0.4 * props.slotWidth);
  const saddleX = props.apart ? aside : parentX;
  const reach = Math.max(Math.min(props.slotWidth, 40), 12) / 2;
  // Smaller marks where there are many, the persistent ones at full size.
  const size = rank < FULL_SIZE ? 1 : Math.min(Math.max(props.slotWidth / 18, 0.65), 1);
  return (
    <g
      {...pairGroup(branch, rank, many, props)}
      role="treeitem"
      aria-level={level}
      aria-posinset={slot + 1}
      aria-label={`${pairLabel(branch, rank)}${more}`}
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
        class={`nbl-leaf${selected && props.selectedKind === "minimum" ? " nbl-feature-selected" : ""}${isUnsupported(branch) ? " nbl-hollow" : ""}`}
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
