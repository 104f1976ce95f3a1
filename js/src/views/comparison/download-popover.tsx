import type { Member } from "../../model/comparison";
import { fileName, PictureMenu } from "../overlays/picture-menu";
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
  const name = fileName(members.map((m) => m.name).join(" "));
  const table = () => {
    download(`${name}.csv`, "text/csv;charset=utf-8", [numbersCsv(members)]);
    return "Saved: every digit, as comparison.to_frame() in Python";
  };
  return (
    <Popover label="Download" onClose={onClose}>
      <PictureMenu
        name={name}
        paint={(options) => paintComparison(members, drawn, placesOf(grid!), options)}
        more={[["CSV", table]]}
        hint="The picture is as the page shows it"
      />
    </Popover>
  );
}
