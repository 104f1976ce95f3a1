import { useMemo, useRef } from "preact/hooks";
import type { LiveGrid, LiveTree, Store } from "../../model/store";
import { squeezed } from "../parts/format";
import { tickTexts } from "../parts/ticks";
import { useSize } from "../parts/use-size";
import { useScale, useSpec } from "../parts/use-spec";
import { placeIn } from "../parts/zoom";
import { type Dot, type Frame, nearestDot, persistenceLine, placeDots } from "./diagram-layout";
import { pairKey, stepInList, useLinks } from "./links";
import { lossScale } from "./loss-scale";
import { isUnsupported, PairTip, pairGroup } from "./pair";

/** More pairs than this are dots that can be pointed at and clicked, but are no stops of the keyboard. */
const MOST_MARKED = 150;
/** A pair is meant within this many pixels. */
const REACH = 16;
const MARGIN = { left: 46, right: 14, top: 30, bottom: 30 };
const INFINITY_LINE = 12;

/** Births to the right, deaths up: the further from the diagonal, the more persistent. */
export function Diagram({ store, tree, grid }: { store: Store; tree: LiveTree; grid: LiveGrid | null }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, height] = useSize(box);
  const marked = tree.branches.slice(0, MOST_MARKED);
  const links = useLinks(store, tree, grid, marked);
  const kind = useScale(store);
  const threshold = useSpec(store, (spec) => spec.threshold) ?? 0;
  const frame: Frame = {
    left: MARGIN.left,
    right: Math.max(width - MARGIN.right, MARGIN.left + 10),
    top: MARGIN.top,
    bottom: Math.max(height - MARGIN.bottom, MARGIN.top + 10),
  };
  const scale = useMemo(() => lossScale(tree.branches, grid, kind), [tree, grid, kind]);
  const dots = useMemo(
    () => placeDots(tree.branches, scale, frame, INFINITY_LINE),
    [tree, scale, width, height],
  );
  const small = useMemo(() => rest(dots), [dots]);
  const x = (loss: number) => frame.left + (frame.right - frame.left) * scale.at(loss);
  const y = (loss: number) =>
    frame.bottom - (frame.bottom - frame.top) * Math.min(Math.max(scale.at(loss), 0), 1);

  const under = (event: MouseEvent): Dot | null => {
    const at = placeIn(box.current!, event);
    return nearestDot(dots, at.x, at.y, REACH);
  };
  const shown = dots.slice(0, MOST_MARKED);
  const rows = shown.map((dot) => dot.branch.row);
  const tip = links.pointedHere ? dots.find((dot) => dot.branch.row === links.hovered?.row) : undefined;
  const unmarked = [links.chosen, links.hovered].flatMap((branch) => {
    const dot = dots.findIndex((d) => d.branch.row === branch?.row);
    return dot >= MOST_MARKED ? [dots[dot]!] : [];
  });
  const cut = threshold > 0 ? persistenceLine(scale, frame, threshold) : "";
  const diagonal = persistenceLine(scale, frame, 0);
  return (
    <div
      class="nbl-tree-plot nbl-diagram"
      ref={box}
      onPointerMove={(event) => {
        const dot = under(event);
        if (dot === null) links.leave();
        else links.point(dot.branch);
        box.current!.style.cursor = dot === null ? "" : "pointer";
      }}
      onPointerLeave={links.leave}
      onClick={(event) => {
        const dot = under(event);
        if (dot !== null) links.choose(dot.branch);
      }}
    >
      {width > 0 && height > 0 && (
        <svg width={width} height={height} role="listbox" aria-label="Persistence diagram of the surface">
          <g class="nbl-axis" aria-hidden="true">
            {scale.note && (
              <text class="nbl-axis-start" x={2} y={9}>
                {scale.note}
              </text>
            )}
            {scale.ticks(Math.max(2, Math.floor((frame.bottom - frame.top) / 24))).map((t, k, all) => (
              <g key={t} transform={`translate(0,${y(t).toFixed(1)})`}>
                <line x1={frame.left - 2} x2={frame.right} />
                <text
                  x={frame.left - 8}
                  dy="0.32em"
                  textLength={squeezed(tickTexts(all)[k]!, frame.left - 9)}
                  lengthAdjust="spacingAndGlyphs"
                >
                  {tickTexts(all)[k]}
                </text>
              </g>
            ))}
            {scale.ticks(Math.max(2, Math.floor((frame.right - frame.left) / 64))).map((t, k, all) => (
              <g key={t} transform={`translate(${x(t).toFixed(1)},0)`}>
                <line y1={frame.top} y2={frame.bottom + 2} />
                <text y={frame.bottom + 13} class="nbl-tick-below">
                  {tickTexts(all)[k]}
                </text>
              </g>
            ))}
            <line
              class="nbl-infinity"
              x1={frame.left}
              x2={frame.right}
              y1={INFINITY_LINE}
              y2={INFINITY_LINE}
            />
            <text x={frame.left - 8} y={INFINITY_LINE} dy="0.32em" class="nbl-infinity-text">
              ∞
            </text>
            <text x={frame.right} y={height - 4}>
              birth
            </text>
            <text x={frame.left + 4} y={frame.top - 4} class="nbl-axis-start">
              death
            </text>
          </g>
          <g aria-hidden="true">
            {cut !== "" && <path class="nbl-below-cut" d={`${cut}L${reversed(diagonal)}Z`} />}
            <path class="nbl-diagonal" d={diagonal} />
            {cut !== "" && <path class="nbl-cut" d={cut} />}
            <path class="nbl-dots" d={small} />
          </g>
          {[...shown].reverse().map((dot, k) => (
            <Pair
              key={dot.branch.row}
              dot={dot}
              rank={shown.length - 1 - k}
              many={tree.branches.length}
              selected={links.chosen?.row === dot.branch.row}
              saddle={links.chosen?.row === dot.branch.row && links.chosenKind === "saddle"}
              hovered={links.hovered?.row === dot.branch.row}
              tabbable={links.active === dot.branch.row}
              whisker={whisker(dot, y)}
              onFocus={() => links.focus(dot.branch)}
              onBlur={links.leave}
              onKey={(event) =>
                pairKey(
                  event,
                  () => links.choose(dot.branch),
                  (key) => stepInList(rows, dot.branch.row, key),
                  box.current,
                )
              }
            />
          ))}
          {unmarked.map((dot) => (
            <circle
              key={dot.branch.row}
              class="nbl-dot-ring"
              cx={dot.x}
              cy={dot.y}
              r={6}
              aria-hidden="true"
            />
          ))}
        </svg>
      )}
      {tip && (
        <PairTip
          branch={tip.branch}
          rank={dots.indexOf(tip)}
          x={tip.x}
          y={tip.y}
          width={width}
          height={height}
        />
      )}
    </div>
  );
}

const reversed = (path: string): string => path.slice(1).split("L").reverse().join("L");

/** Everything that has no mark of its own as one path of dots. */
function rest(dots: readonly Dot[]): string {
  let path = "";
  for (let k = MOST_MARKED; k < dots.length; k++) {
    path += `M${dots[k]!.x.toFixed(1)},${dots[k]!.y.toFixed(1)}h0`;
  }
  return path;
}

/** The bar of the error: it reaches the diagonal where the pair is not supported. */
function whisker({ branch }: Dot, y: (loss: number) => number): string {
  const margin = branch.evidence?.margin ?? Number.NaN;
  if (!Number.isFinite(margin) || !Number.isFinite(branch.death)) return "";
  const [low, high] = [y(branch.death - margin), y(branch.death + margin)];
  const [a, b] = [low.toFixed(1), high.toFixed(1)];
  return `M0,${a}V${b}M-3,${a}h6M-3,${b}h6`;
}

interface PairProps {
  dot: Dot;
  rank: number;
  many: number;
  selected: boolean;
  saddle: boolean;
  hovered: boolean;
  tabbable: boolean;
  whisker: string;
  onFocus(): void;
  onBlur(): void;
  onKey(event: KeyboardEvent): void;
}

function Pair({ dot, rank, many, selected, saddle, hovered, tabbable, whisker, ...on }: PairProps) {
  const { branch, x, y } = dot;
  const size = rank < 6 ? 1 : 0.8;
  return (
    <g
      {...pairGroup(branch, rank, many, { selected, hovered, tabbable })}
      onFocus={on.onFocus}
      onBlur={on.onBlur}
      onKeyDown={on.onKey}
    >
      {whisker !== "" && <path class="nbl-whisker" d={whisker} transform={`translate(${x.toFixed(1)},0)`} />}
      <g
        class={`nbl-leaf${selected ? " nbl-feature-selected" : ""}${isUnsupported(branch) ? " nbl-hollow" : ""}`}
        transform={`translate(${x.toFixed(1)},${y.toFixed(1)})`}
      >
        <circle class="nbl-leaf-ring" r={9} />
        {saddle ? (
          <path class="nbl-cross" d="M-4,-4 4,4M-4,4 4,-4" />
        ) : (
          <path d={`M0,${5 * size} ${-5 * size},${-4 * size}H${5 * size}Z`} />
        )}
      </g>
    </g>
  );
}
