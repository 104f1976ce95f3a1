import { useState } from "preact/hooks";
import { messageOf } from "../../model/failure";
import { download } from "../parts/download";
import type { PictureOptions } from "./picture";

interface Props {
  /** Of the files, without an extension. */
  name: string;
  paint(options: PictureOptions): HTMLCanvasElement;
  /** Further buttons; each returns what it has done. */
  more: readonly [string, () => string][];
  /** What is said before anything is saved. */
  hint?: string;
}

/** Saves a picture: PNG in three sizes, to the clipboard, and what else there is. */
export function PictureMenu({ name, paint, more, hint = "" }: Props) {
  const [transparent, setTransparent] = useState(false);
  const [note, setNote] = useState(hint);
  const attempt = async (act: () => Promise<string> | string) => {
    try {
      setNote(await act());
    } catch (error) {
      setNote(messageOf(error));
    }
  };
  const png = async (enlarged: number) => {
    const canvas = paint({ enlarged, transparent });
    download(`${name}.png`, "image/png", [await blobOf(canvas)]);
    return `Saved: ${canvas.width} × ${canvas.height} pixels`;
  };
  const copy = async () => {
    const blob = await blobOf(paint({ enlarged: 2, transparent }));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    return "Copied";
  };
  const buttons: [string, () => Promise<string> | string][] = [
    ...[1, 2, 4].map((k): [string, () => Promise<string>] => [`PNG ${k}×`, () => png(k)]),
    ...more,
    ["Copy", copy],
  ];
  return (
    <div class="nbl-picture-menu">
      {buttons.map(([label, act]) => (
        <button
          key={label}
          type="button"
          class="nbl-button nbl-button-line nbl-small"
          onClick={() => void attempt(act)}
        >
          {label}
        </button>
      ))}
      <label class="nbl-check">
        <input
          type="checkbox"
          checked={transparent}
          onChange={(event) => setTransparent(event.currentTarget.checked)}
        />
        transparent
      </label>
      <span class="nbl-panel-note" role="status">
        {note}
      </span>
    </div>
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

function blobOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large."))));
  });
}
