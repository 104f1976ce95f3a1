import { expect, it } from "vitest";
import type { Branch } from "../../model/store";
import { hiddenMerges, stubsPath } from "./stubs";

const rows = [
  [0, -1, Number.POSITIVE_INFINITY],
  [1, 0, 9],
  [2, 1, 5],
  [3, 2, 4],
  [4, 0, 3],
  [5, 4, 2.9],
] as const;
const branches = rows.map(([row, parent, death]) => ({ row, parent, death }) as Branch);

it("hangs every branch that is not drawn on the drawn one that it ends up in", () => {
  expect([...hiddenMerges(branches, 2)]).toEqual([
    [1, [5, 4]],
    [0, [3, 2.9]],
  ]);
  expect(hiddenMerges(branches, 6).size).toBe(0);
});

it("draws one stroke per pixel", () => {
  const path = stubsPath(
    hiddenMerges(branches, 2),
    (row) => 10 + 20 * row,
    (loss) => 2 * loss,
  );
  expect(path).toBe("M27.5,10h5M27.5,8h5M7.5,6h5");
});
