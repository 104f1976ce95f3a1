import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Store } from "../../model/store";
import * as icons from "../parts/icons";
import { Tool } from "../parts/tool";
import type { Preset } from "./presets";
import type { SurfaceUi } from "./ui";

const VIEWS: readonly [Preset, string, string][] = [
  ["oblique", icons.cube, "Look obliquely (1)"],
  ["top", icons.above, "Look from above (2)"],
  ["first", icons.acrossFirst, "Look along the second axis (3)"],
  ["second", icons.acrossSecond, "Look along the first axis (4)"],
];

/** How the surface is looked at: one button until it is opened. */
export function Tools({
  store,
  ui,
  children,
}: {
  store: Store;
  ui: SurfaceUi;
  children?: ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const floor = useComputed(() => store.view.value.floor === true).value;
  const labels = useComputed(() => store.view.value.contour_labels !== false).value;
  const contours = useComputed(() => store.view.value.contours).value;
  const map = useComputed(() => store.view.value.map === true).value;
  const flat = ui.flat.value || map;
  return (
    <div class={open ? "nbl-surface-tools nbl-surface-tools-open" : "nbl-surface-tools"}>
      <Tool
        icon={icons.eye}
        label="View"
        hint={open ? "Fewer tools" : "Camera and drawing"}
        expanded={open}
        onClick={() => setOpen(!open)}
        small
      />
      {open && (
        <>
          {!flat &&
            VIEWS.map(([to, icon, hint]) => (
              <Tool
                key={to}
                icon={icon}
                label={hint}
                hint={hint}
                onClick={() => ui.actions.value?.fly(to)}
                small
              />
            ))}
          <Tool
            icon={icons.text}
            label="Losses on the contour lines"
            hint="Losses on the contour lines (T)"
            pressed={labels && contours}
            disabled={!contours}
            onClick={() => store.setView({ contour_labels: !labels })}
            small
          />
          {!flat && (
            <Tool
              icon={icons.floor}
              label="Map on the floor"
              hint="Map on the floor (F)"
              pressed={floor}
              onClick={() => store.setView({ floor: !floor })}
              small
            />
          )}
          {!ui.flat.value && (
            <Tool
              icon={icons.map}
              label="Map from above"
              hint="Map from above (M)"
              pressed={map}
              onClick={() => store.setView({ map: !map })}
              small
            />
          )}
          {children}
        </>
      )}
    </div>
  );
}
