import { expect, it } from "vitest";
import { describeFile } from "./save-html";

it("tells the size and what the sliders of the file can show", () => {
  expect(describeFile({ size: 412_300, frames: 1, dropped: 0 })).toBe("412 kB, 1 view");
  expect(describeFile({ size: 999_600, frames: 24, dropped: 3 })).toBe("1.0 MB, 24 views, 3 more left out");
});
