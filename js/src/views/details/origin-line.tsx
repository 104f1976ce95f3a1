import { useComputed } from "@preact/signals";
import { useState } from "preact/hooks";
import { modelSpot } from "../../model/place";
import { originOf } from "../../model/spec";
import type { Store } from "../../model/store";
import { count, num } from "../parts/format";
import { Icon } from "../parts/icon";
import * as icons from "../parts/icons";
import { Popover } from "../parts/popover";
import { useSpec } from "../parts/use-spec";
import { originName } from "./facts";
import { goHome, goTo, originsOf, present } from "./go";

/** Where the planes start, and the way to other origins; nothing as long as that is the model. */
export function OriginLine({ store }: { store: Store }) {
  const [open, setOpen] = useState(false);
  const origins = originsOf(store);
  const number = useSpec(store, originOf) ?? 0;
  const here = useComputed(() => present(store)).value;
  const can = store.abilities.value.axes;
  if (origins.length === 0 && number === 0) return null;
  const others = count(origins.length, "other origin", "other origins");
  const name = number === 0 ? `The model; ${others}` : here === null ? `Origin ${number}` : originName(here);
  const go = (to: number) => {
    setOpen(false);
    if (to === 0) goHome(store);
    else goTo(store, to);
  };
  return (
    <div class="nbl-origin">
      <button
        type="button"
        class="nbl-button nbl-small nbl-origin-name"
        aria-expanded={open}
        aria-haspopup="dialog"
        title={`Where the planes start: ${name}`}
        onClick={() => setOpen(!open)}
      >
        <Icon path={icons.pin} />
        <span>{name}</span>
        <Icon path={icons.more} />
      </button>
      {number > 0 && here !== null && <span class="nbl-origin-note">{distance(store, here.distance)}</span>}
      {number > 0 && can && (
        <button
          type="button"
          class="nbl-button nbl-small nbl-button-line"
          title="Planes through the model again"
          onClick={() => go(0)}
        >
          <span aria-hidden="true">★</span> Back to the model
        </button>
      )}
      {open && (
        <Popover label="Origins" onClose={() => setOpen(false)}>
          <ul class="nbl-origins">
            <li>
              <Choice name="★ The model" note="" here={number === 0} can={can} onClick={() => go(0)} />
            </li>
            {origins.map((origin) => (
              <li key={origin.number}>
                <Choice
                  name={originName(origin)}
                  note={`${num(origin.distance)} from the model${
                    originOf(origin.spec) > 0 ? `, in a plane of origin ${originOf(origin.spec)}` : ""
                  }${origin.kept ? "" : "; no longer kept"}`}
                  here={origin.number === number}
                  can={can && origin.kept}
                  onClick={() => go(origin.number)}
                />
              </li>
            ))}
          </ul>
        </Popover>
      )}
    </div>
  );
}

interface ChoiceProps {
  name: string;
  note: string;
  here: boolean;
  can: boolean;
  onClick(): void;
}

function Choice({ name, note, here, can, onClick }: ChoiceProps) {
  return (
    <button
      type="button"
      class="nbl-button"
      aria-current={here ? "location" : undefined}
      disabled={!can && !here}
      onClick={onClick}
    >
      <span>{name}</span>
      {note && <small>{note}</small>}
    </button>
  );
}

function distance(store: Store, far: number): string {
  const grid = store.grid.value;
  const finished = grid?.data !== undefined && originOf(grid.spec) > 0;
  const outside = finished && modelSpot(grid) === null ? ", not on this surface" : "";
  return `the model is ${num(far)} away${outside}`;
}
