import { useState } from "preact/hooks";
import type { Store } from "../../model/store";
import { download } from "../parts/download";
import * as icons from "../parts/icons";
import { Popover } from "../parts/popover";
import { Tool } from "../parts/tool";
import type { SurfaceUi } from "../surface/ui";
import { paintPicture, paintSvg } from "./picture";

/** Saves the surface as it is seen: PNG in three sizes, SVG, or to the clipboard. */
export function PictureTool({ store, ui }: { store: Store; ui: SurfaceUi }) {
  const [open, setOpen] = useState(false);
  const [transparent, setTransparent] = useState(false);
  const [note, setNote] = useState("");
  const attempt = async (act: () => Promise<string> | string) => {
    try {
      setNote(await act());
    } catch (error) {
      setNote(error instanceof Error ? error.message : String(error));
    }
  };
  const name = fileName(store.source.value?.title ?? "");
  const png = (enlarged: number) =>
    attempt(async () => {
      const blob = await blobOf(paintPicture(store, ui, { enlarged, transparent }));
      download(`${name}.png`, "image/png", [blob]);
      return "Saved";
    });
  const svg = () =>
    attempt(() => {
      download(`${name}.svg`, "image/svg+xml", [paintSvg(store, ui, 3)]);
      return "Saved";
    });
  const copy = () =>
    attempt(async () => {
      const blob = await blobOf(paintPicture(store, ui, { enlarged: 2, transparent }));
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
      return "Copied";
    });
  const { width, height } = ui.size.value;
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
          <div class="nbl-picture-menu">
            {[1, 2, 4].map((k) => (
              <button
                key={k}
                type="button"
                class="nbl-button nbl-button-line nbl-small"
                title={`${Math.round(k * width)} × ${Math.round(k * height)} pixels`}
                onClick={() => void png(k)}
              >
                PNG {k}×
              </button>
            ))}
            <button type="button" class="nbl-button nbl-button-line nbl-small" onClick={() => void svg()}>
              SVG
            </button>
            <button type="button" class="nbl-button nbl-button-line nbl-small" onClick={() => void copy()}>
              Copy
            </button>
            <label class="nbl-check">
              <input
                type="checkbox"
                checked={transparent}
                onChange={(event) => setTransparent(event.currentTarget.checked)}
              />
              transparent
            </label>
            <span role="status">{note}</span>
          </div>
        </Popover>
      )}
    </>
  );
}

/** A title as a file name that every system takes. */
export function fileName(title: string): string {
  const plain = title
    .normalize("NFKD")
    .replace(/[^\w.-]+/g, "_")
    .replace(/^[_.]+|[_.]+$/g, "");
  return plain.slice(0, 60) || "landscape";
}

export function blobOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large."))));
  });
}
