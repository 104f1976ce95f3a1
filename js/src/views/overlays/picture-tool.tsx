import { useState } from "preact/hooks";
import type { Store } from "../../model/store";
import { download } from "../parts/download";
import * as icons from "../parts/icons";
import { Popover } from "../parts/popover";
import { Tool } from "../parts/tool";
import type { SurfaceUi } from "../surface/ui";
import { paintPicture, paintSvg } from "./picture";
import { fileName, PictureMenu } from "./picture-menu";

/** Saves the surface as it is seen. */
export function PictureTool({ store, ui }: { store: Store; ui: SurfaceUi }) {
  const [open, setOpen] = useState(false);
  const name = fileName(store.source.value?.title ?? "");
  const svg = () => {
    download(`${name}.svg`, "image/svg+xml", [paintSvg(store, ui, 3)]);
    return "Saved";
  };
  return (
    <>
      <Tool
        icon={icons.picture}
        label="Save a picture"
        hint="Save the surface as PNG or SVG"
        expanded={open}
        onClick={() => setOpen(!open)}
        small
      />
      {open && (
        <Popover label="Save a picture of the surface" onClose={() => setOpen(false)}>
          <PictureMenu
            name={name}
            paint={(options) => paintPicture(store, ui, options)}
            more={[["SVG", svg]]}
          />
        </Popover>
      )}
    </>
  );
}
