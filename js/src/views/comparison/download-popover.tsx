import { useState } from "preact/hooks";
import type { Member } from "../../model/comparison";
import { blobOf, fileName } from "../overlays/picture-tool";
import { download } from "../parts/download";
import { Popover } from "../parts/popover";
import type { Drawn } from "./card";
import { numbersCsv } from "./numbers";
import { paintComparison, placesOf } from "./picture";

interface Props {
  members: readonly Member[];
  drawn: Drawn;
  grid: HTMLElement | null;
  onClose(): void;
}

/** All surfaces as one picture, all numbers as one table. */
export function DownloadPopover({ members, drawn, grid, onClose }: Props) {
  const [transparent, setTransparent] = useState(false);
  const [note, setNote] = useState("The picture is as the page shows it");
  const name = fileName(members.map((m) => m.name).join(" "));
  const png = async (enlarged: number) => {
    try {
      const canvas = paintComparison(members, drawn, placesOf(grid!), { enlarged, transparent });
      download(`${name}.png`, "image/png", [await blobOf(canvas)]);
      setNote(`Saved: ${canvas.width} × ${canvas.height} pixels`);
    } catch (error) {
      setNote(error instanceof Error ? error.message : String(error));
    }
  };
  const table = () => {
    download(`${name}.csv`, "text/csv;charset=utf-8", [numbersCsv(members)]);
    setNote("Saved: every digit, as comparison.to_frame() in Python");
  };
  return (
    <Popover label="Download" size="narrow" onClose={onClose}>
      <div class="nbl-comparison-download">
        {[1, 2, 4].map((k) => (
          <button
            key={k}
            type="button"
            class="nbl-button nbl-button-line nbl-small"
            onClick={() => void png(k)}
          >
            PNG {k}×
          </button>
        ))}
        <button type="button" class="nbl-button nbl-button-line nbl-small" onClick={table}>
          CSV
        </button>
        <label class="nbl-check">
          <input
            type="checkbox"
            checked={transparent}
            onChange={(event) => setTransparent(event.currentTarget.checked)}
          />
          transparent
        </label>
      </div>
      <p class="nbl-panel-note" role="status">
        {note}
      </p>
    </Popover>
  );
}
