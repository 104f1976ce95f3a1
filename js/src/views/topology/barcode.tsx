import { useMemo, useRef } from "preact/hooks";
import type { Branch, LiveGrid, LiveTree, Store } from "../../model/store";
import { whole } from "../parts/format";
import { tickTexts } from "../parts/ticks";
import { useSize } from "../parts/use-size";
import { useScale } from "../parts/use-spec";
import { placeIn } from "../parts/zoom";
import { barRows, STRIP, stripRuns } from "./bar-layout";
import { pairKey, stepInList, useLinks } from "./links";
import { lossScale } from "./loss-scale";
import { isUnsupported, PairTip, pairGroup } from "./pair";

const MARGIN = { left: 14, right: 20, top: 8, bottom: 24 };
/** Lines of the strip: two pixels each. */
const LINES = (STRIP - 4) / 2;

/** A bar from birth to death for each pair, the most persistent first; what finds no room is collapsed into a strip. */
export function Barcode({ store, tree, grid }: { store: Store; tree: LiveTree; grid: LiveGrid | null }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, height] = useSize(box);
  const [top, bottom] = [MARGIN.top, Math.max(height - MARGIN.bottom, MARGIN.top + 10)];
  const { count, pitch } = barRows(tree.branches.length, bottom - top);
  const shown = tree.branches.slice(0, count);
  const links = useLinks(store, tree, grid, shown);
  const kind = useScale(store);
  const scale = useMemo(() => lossScale(tree.branches, grid, kind), [tree, grid, kind]);
  const runs = useMemo(() => stripRuns(tree.branches.slice(count), LINES, scale), [tree, count, scale]);
  const [left, right] = [MARGIN.left, Math.max(width - MARGIN.right, MARGIN.left + 10)];
  const across = (position: number) => left + (right - left) * Math.min(Math.max(position, 0), 1);
  const x = (loss: number) => across(scale.at(loss));
  const stripTop = top + count * pitch + 4;

  const under = (event: MouseEvent): Branch | null => {
    const at = placeIn(box.current!, event).y;
    if (at < top || at > bottom) return null;
    if (at < top + count * pitch) return shown[Math.floor((at - top) / pitch)] ?? null;
    return runs[Math.min(Math.max(Math.floor((at - stripTop) / 2), 0), runs.length - 1)]?.first ?? null;
  };
  const rows = shown.map((branch) => branch.row);
  const pointed = links.pointedHere ? links.hovered : null;
  const rank = pointed === null ? -1 : tree.branches.indexOf(pointed);
  const place = (at: number) =>
    at < count ? top + (at + 0.5) * pitch : stripTop + (2 * ((at - count) * runs.length)) / hidden;
  const hidden = tree.branches.length - count;
  return (
    <div
      class="nbl-tree-plot nbl-barcode"
      ref={box}
      onPointerMove={(event) => {
        const branch = under(event);
        if (branch === null) links.leave();
        else links.point(branch);
      }}
      onPointerLeave={links.leave}
      onClick={(event) => {
        const branch = under(event);
        if (branch === null) return;
        const at = placeIn(box.current!, event).x;
        const atEnd = Number.isFinite(branch.death) && at > x(branch.death) - 6;
        links.choose(branch, atEnd ? "saddle" : undefined);
      }}
    >
      {width > 0 && height > 0 && (
        <svg width={width} height={height} role="listbox" aria-label="Barcode of the surface">
          <g class="nbl-axis" aria-hidden="true">
            {scale.note && (
              <text class="nbl-axis-start" x={left} y={height - 1}>
                {scale.note}
              </text>
            )}
            {scale.ticks(Math.max(2, Math.floor((right - left) / 64))).map((t, k, all) => (
              <g key={t} transform={`translate(${x(t).toFixed(1)},0)`}>
                <line y1={top - 4} y2={bottom + 2} />
                <text y={bottom + 14} class="nbl-tick-below">
                  {tickTexts(all)[k]}
                </text>
              </g>
            ))}
          </g>
          {shown.map((branch, k) => (
            <Bar
              key={branch.row}
              branch={branch}
              rank={k}
              many={tree.branches.length}
              y={top + (k + 0.5) * pitch}
              pitch={pitch}
              from={x(branch.birth)}
              to={Number.isFinite(branch.death) ? x(branch.death) : right + 14}
              selected={links.chosen?.row === branch.row}
              selectedKind={links.chosen?.row === branch.row ? links.chosenKind : "none"}
              hovered={links.hovered?.row === branch.row}
              tabbable={links.active === branch.row}
              onFocus={() => links.focus(branch)}
              onBlur={links.leave}
              onKey={(event) =>
                pairKey(
                  event,
                  () => links.choose(branch),
                  (key) => stepInList(rows, branch.row, key),
                  box.current,
                )
              }
            />
          ))}
          {runs.length > 0 && (
            <g class="nbl-strip" aria-hidden="true">
              <line x1={left} x2={right} y1={stripTop - 3} y2={stripTop - 3} />
              {runs.map((run, k) => (
                <rect
                  key={run.first.row}
                  x={across(run.from)}
                  width={Math.max(across(run.to) - across(run.from), 1)}
                  y={stripTop + 2 * k}
                  height={1.4}
                />
              ))}
              {[links.chosen, links.hovered].map((branch, k) => {
                const at = branch === null ? -1 : tree.branches.indexOf(branch);
                if (branch === null || at < count) return null;
                return (
                  <line
                    key={k}
                    class="nbl-strip-mark"
                    x1={x(branch.birth)}
                    x2={x(branch.death)}
                    y1={place(at)}
                    y2={place(at)}
                  />
                );
              })}
            </g>
          )}
        </svg>
      )}
      {hidden > 0 && <span class="nbl-strip-note">+{whole(hidden)} collapsed</span>}
      {pointed && (
        <PairTip
          branch={pointed}
          rank={rank}
          x={(x(pointed.birth) + (Number.isFinite(pointed.death) ? x(pointed.death) : right)) / 2}
          y={place(rank)}
          width={width}
          height={height}
        />
      )}
    </div>
  );
}

interface BarProps {
  branch: Branch;
  rank: number;
  many: number;
  y: number;
  pitch: number;
  from: number;
  to: number;
  selected: boolean;
  selectedKind: string;
  hovered: boolean;
  tabbable: boolean;
  onFocus(): void;
  onBlur(): void;
  onKey(event: KeyboardEvent): void;
}

function Bar({ branch, rank, many, y, pitch, from, to, selected, selectedKind, hovered, ...on }: BarProps) {
  const thick = Math.min(Math.max(pitch * 0.42, 2), 6);
  const roomy = pitch >= 13;
  const essential = !Number.isFinite(branch.death);
  const marked = selected || hovered;
  return (
    <g
      {...pairGroup(branch, rank, many, { selected, hovered, tabbable: on.tabbable })}
      transform={`translate(0,${y.toFixed(1)})`}
      onFocus={on.onFocus}
      onBlur={on.onBlur}
      onKeyDown={on.onKey}
    >
      <rect class="nbl-branch-hit" x={0} y={-pitch / 2} width={to + 20} height={pitch} />
      <path
        class="nbl-bar"
        d={`M${from.toFixed(1)},0H${to.toFixed(1)}`}
        stroke-width={marked ? thick + 1.5 : thick}
      />
      {essential && <path class="nbl-bar-arrow" d={`M${to + 2},0l-9,-6v12Z`} />}
      {(roomy || marked) && (
        <g
          class={`nbl-leaf${selectedKind === "minimum" ? " nbl-feature-selected" : ""}${isUnsupported(branch) ? " nbl-hollow" : ""}`}
          transform={`translate(${from.toFixed(1)},0)`}
        >
          <circle class="nbl-leaf-ring" r={8} />
          <path d="M0,5 -5,-4H5Z" />
        </g>
      )}
      {!essential && (roomy || marked) && (
        <g
          class={`nbl-saddle${selectedKind === "saddle" ? " nbl-feature-selected" : ""}`}
          transform={`translate(${to.toFixed(1)},0)`}
        >
          <circle class="nbl-feature-back" r={5} />
          <path d="M-3,-3 3,3M-3,3 3,-3" />
        </g>
      )}
    </g>
  );
}
