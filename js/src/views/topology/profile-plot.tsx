import { useMemo, useRef } from "preact/hooks";
import { arcAt, arcVolume, byHeight, type PlacedArc, placeArcs, profileArcs } from "../../model/profile";
import type { Branch, LiveGrid, LiveTree, Store } from "../../model/store";
import { cellVolumes } from "../../model/volumes";
import { treeColumns } from "../../model/wire";
import { layoutTree } from "../merge-tree/layout";
import { squeezed } from "../parts/format";
import { tickTexts } from "../parts/ticks";
import { useSize } from "../parts/use-size";
import { useScale } from "../parts/use-spec";
import { placeIn } from "../parts/zoom";
import { pairKey, stepInList, useLinks } from "./links";
import { lossScale } from "./loss-scale";
import { mostLeaves } from "./most-leaves";
import { isUnsupported, PairTip, pairGroup } from "./pair";
import { arcPath, arcsByRow, landPath } from "./profile-path";

/** Losses over a domain of any dimension; `revision` changes with every change of `values`. */
type Field = Pick<LiveGrid, "values" | "base" | "range"> & { revision?: number };

const MARGIN = { left: 46, right: 12, top: 10, bottom: 26 };

interface Props {
  store: Store;
  tree: LiveTree;
  /** What knows where vertices lie; of a volume, the store does. */
  grid: LiveGrid | null;
  field: Field;
  axes: readonly Float64Array[];
}

/** Basins side by side, each as wide at every height as the part of the domain below that height which it holds. */
export function ProfilePlot({ store, tree, grid, field, axes }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [width, height] = useSize(box);
  const plotWidth = Math.max(width - MARGIN.left - MARGIN.right, 10);
  const plotHeight = Math.max(height - MARGIN.top - MARGIN.bottom, 10);
  const shown = tree.branches.slice(0, mostLeaves(plotWidth));
  const links = useLinks(store, tree, grid, shown);
  const kind = useScale(store);

  // The values' array is used again by the next revision of a running computation.
  const order = useMemo(() => byHeight(field.values), [field.values, field.revision]);
  const cells = useMemo(() => cellVolumes(axes), [...axes]);
  const columns = useMemo(() => treeColumns(tree.tree), [tree.tree]);
  // A threshold that takes away only what has no room here changes nothing.
  const rows = shown.map((branch) => branch.row).join();
  const placed = useMemo(() => {
    const arcs = profileArcs({ tree: tree.tree, branches: shown }, field, cells, order, columns);
    return placeArcs(arcs, new Map(layoutTree(shown).map((p) => [p.branch.row, p.slot])));
  }, [columns, rows, order, cells]);
  const whole = placed.reduce((sum, root) => sum + arcVolume(root.arc), 0);
  const drawn = useMemo(() => {
    const loss = lossScale(shown, field, kind);
    const scale = {
      x: (volume: number) => MARGIN.left + (plotWidth * volume) / (whole || 1),
      y: (z: number) =>
        MARGIN.top + plotHeight * (1 - Math.min(Math.max(loss.at(z + field.base) || 0, 0), 1)),
    };
    const pieces = arcsByRow(placed);
    const water = new Map(
      [...pieces].map(([row, arcs]) => [row, arcs.map((a) => arcPath(a, scale)).join("")]),
    );
    return { loss, scale, pieces, water, land: landPath(placed, scale) };
  }, [placed, kind, plotWidth, plotHeight]);
  const { loss, scale, pieces, water, land } = drawn;

  const under = (event: MouseEvent): Branch | null => {
    const at = ((placeIn(box.current!, event).x - MARGIN.left) / plotWidth) * whole;
    const row = arcAt(placed, at)?.arc.row;
    return shown.find((branch) => branch.row === row) ?? null;
  };
  const ends = (branch: Branch) => endsOf(branch, pieces, scale, field.base);
  const fromLeft = [...shown].sort((a, b) => ends(a).x - ends(b).x).map((branch) => branch.row);
  const pointed =
    links.pointedHere && links.hovered !== null && water.has(links.hovered.row) ? links.hovered : null;
  const bottom = MARGIN.top + plotHeight;
  return (
    <div
      class="nbl-tree-plot nbl-profile"
      ref={box}
      onPointerMove={(event) => {
        const branch = under(event);
        if (branch === null) links.leave();
        else links.point(branch);
      }}
      onPointerLeave={links.leave}
      onClick={(event) => {
        const branch = under(event);
        if (branch !== null) links.choose(branch);
      }}
    >
      {width > 0 && height > 0 && (
        <svg width={width} height={height} role="listbox" aria-label="Landscape profile">
          <g class="nbl-axis" aria-hidden="true">
            {loss.note && (
              <text class="nbl-axis-start" x={2} y={8}>
                {loss.note}
              </text>
            )}
            {loss.ticks(Math.max(2, Math.floor(plotHeight / 28))).map((t, k, all) => (
              <g key={t} transform={`translate(0,${scale.y(t - field.base).toFixed(1)})`}>
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
            {[0, 0.25, 0.5].map((share) => (
              <text
                key={share}
                x={MARGIN.left + plotWidth * share}
                y={bottom + 15}
                class={share === 0 ? "nbl-axis-start" : "nbl-tick-below"}
              >
                {100 * share} %
              </text>
            ))}
            <text x={MARGIN.left + plotWidth} y={bottom + 15}>
              100 % of the window
            </text>
          </g>
          {land !== "" && (
            <path
              class="nbl-land"
              aria-hidden="true"
              d={`${land}L${MARGIN.left + plotWidth},${bottom}H${MARGIN.left}Z`}
            />
          )}
          {shown.map((branch, rank) => {
            const selected = links.chosen?.row === branch.row;
            const { x, y, saddle } = ends(branch);
            const hovered = links.hovered?.row === branch.row;
            return (
              <g
                key={branch.row}
                {...pairGroup(branch, rank, tree.branches.length, {
                  selected,
                  hovered,
                  tabbable: links.active === branch.row,
                })}
                onFocus={() => links.focus(branch)}
                onBlur={links.leave}
                onKeyDown={(event) =>
                  pairKey(
                    event,
                    () => links.choose(branch),
                    (key) => stepInList(fromLeft, branch.row, key),
                    box.current,
                  )
                }
              >
                <path class="nbl-water" d={water.get(branch.row) ?? ""} />
                {(rank < 6 || selected || hovered) && (
                  <g
                    class={`nbl-leaf${selected && links.chosenKind !== "saddle" ? " nbl-feature-selected" : ""}${isUnsupported(branch) ? " nbl-hollow" : ""}`}
                    transform={`translate(${x.toFixed(1)},${y.toFixed(1)})`}
                  >
                    <circle class="nbl-leaf-ring" r={9} />
                    <path d="M0,5 -5,-4H5Z" />
                  </g>
                )}
                {saddle && (selected || hovered) && (
                  <g
                    class={`nbl-saddle${selected && links.chosenKind === "saddle" ? " nbl-feature-selected" : ""}`}
                    transform={`translate(${saddle.x.toFixed(1)},${saddle.y.toFixed(1)})`}
                  >
                    <circle class="nbl-feature-back" r={6} />
                    <path d="M-3.2,-3.2 3.2,3.2M-3.2,3.2 3.2,-3.2" />
                  </g>
                )}
              </g>
            );
          })}
          <path class="nbl-shore" aria-hidden="true" d={land} />
        </svg>
      )}
      {pointed && (
        <PairTip
          branch={pointed}
          rank={tree.branches.indexOf(pointed)}
          x={ends(pointed).x}
          y={ends(pointed).y}
          width={width}
          height={height}
        />
      )}
    </div>
  );
}

/** Where a basin's minimum and its pass are drawn. */
function endsOf(
  branch: Branch,
  pieces: ReadonlyMap<number, readonly PlacedArc[]>,
  scale: { x(volume: number): number; y(height: number): number },
  base: number,
): { x: number; y: number; saddle: { x: number; y: number } | null } {
  const arcs = pieces.get(branch.row) ?? [];
  const [first, last] = [arcs[0], arcs[arcs.length - 1]];
  if (first === undefined || last === undefined) return { x: 0, y: 0, saddle: null };
  const x = scale.x(last.left + arcVolume(last.arc) / 2);
  const y = scale.y(branch.birth - base);
  if (branch.parent < 0) return { x, y, saddle: null };
  const up = scale.y(branch.death - base);
  const above = pieces.get(branch.parent)?.find((p) => p.below.includes(first));
  const isLeft = above?.below[0] === first;
  const [left, right] = [first.left, first.left + arcVolume(first.arc)];
  return { x, y, saddle: { x: scale.x(isLeft ? right : left), y: up } };
}
