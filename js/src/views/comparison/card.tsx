import { useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { hasValues } from "../../model/common-scale";
import type { ComparisonStore, Member } from "../../model/comparison";
import { isRunning } from "../../model/lanes";
import { readAt } from "../../model/linked-place";
import type { Store } from "../../model/store";
import { Waiting } from "../explorer/waiting";
import { count, num, reasonOf } from "../parts/format";
import * as icons from "../parts/icons";
import { Tool } from "../parts/tool";
import { SurfacePanel } from "../surface";
import type { SurfaceUi } from "../surface/ui";
import { TablePopover } from "../table/table-popover";
import { Caption } from "../teaching/caption";
import { surfaceCaption } from "../teaching/captions";
import { type Numbers, numbersOf } from "./numbers";

/** Surfaces that are drawn now, by position of their member. */
export type Drawn = Map<number, SurfaceUi>;

interface Props {
  comparison: ComparisonStore;
  number: number;
  drawn: Drawn;
}

/** One member: its name and numbers, its surface, or why there is none. */
export function Card({ comparison, number, drawn }: Props) {
  const { name, store } = comparison.members[number]!;
  const [table, setTable] = useState(false);
  const shown = hasValues(store.grid.value);
  const Overlays = useMemo(() => linkedMark(comparison, number, drawn), [comparison, number, drawn]);
  return (
    <article class="nbl-member" aria-label={name}>
      <header class="nbl-member-head">
        <h3 title={name}>{name}</h3>
        <p class="nbl-select-text">{numbersLine(numbersOf(store))}</p>
        {shown && <Progress store={store} />}
        {shown && (
          <Tool
            icon={icons.table}
            label={`Minima of ${name} as a table`}
            hint="Minima and saddles as a table, and as CSV"
            expanded={table}
            onClick={() => setTable(!table)}
            small
          />
        )}
        {table && <TablePopover store={store} onClose={() => setTable(false)} />}
      </header>
      <div class="nbl-member-picture">
        {shown ? <SurfacePanel store={store} Overlays={Overlays} /> : <Waiting store={store} />}
      </div>
      {shown && <Caption store={store} of={surfaceCaption} />}
    </article>
  );
}

/** Marks on a surface the place that is pointed at or selected on another one. */
function linkedMark(comparison: ComparisonStore, number: number, drawn: Drawn) {
  return function LinkedMark({ store, ui }: { store: Store; ui: SurfaceUi }) {
    useEffect(() => {
      drawn.set(number, ui);
      return () => void drawn.delete(number);
    }, [ui]);
    useSignalEffect(() => {
      const place = comparison.place.value;
      const grid = store.grid.value;
      const here = place === null || grid === null || place.from === number;
      const loss = here ? Number.NaN : readAt(grid, place).loss;
      if (here || Number.isNaN(loss)) {
        if (ui.marks.peek().length > 0) ui.marks.value = [];
        return;
      }
      const [x, y] = place.coordinates;
      const state = { selected: !place.hovered, hovered: place.hovered };
      ui.marks.value = [{ shape: "point", x, y, z: loss - grid.base, ...state, size: 0.8 }];
    });
    return null;
  };
}

export function numbersLine({ loss, largest, minima }: Numbers): string {
  return [
    loss === null ? "" : `loss ${num(loss)}`,
    largest === null ? "" : `λ₁ ${num(largest, 3)}`,
    minima === null ? "" : count(minima, "minimum", "minima"),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Why a member has failed; empty if it has not. */
export function failureOf({ store }: Pick<Member, "store">): string {
  const failed = [store.status.value, store.spectrumStatus.value].find((s) => s.phase === "error");
  return failed === undefined ? "" : reasonOf(failed.message);
}

function Progress({ store }: { store: Store }) {
  const failure = failureOf({ store });
  if (failure !== "") {
    return (
      <span class="nbl-inline-error" role="alert" title={failure}>
        {failure}
      </span>
    );
  }
  const status = store.status.value;
  if (!isRunning(status) && !isRunning(store.spectrumStatus.value)) return null;
  const share = status.total > 0 ? ` ${Math.floor((100 * status.done) / status.total)} %` : "";
  return (
    <span class="nbl-member-progress">
      <span class="nbl-spinner nbl-spinner-small" />
      {share}
    </span>
  );
}
