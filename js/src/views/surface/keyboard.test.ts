import { describe, expect, it } from "vitest";
import { surfaceKey } from "./keyboard";

describe("keys", () => {
  const key = (name: string, more = {}) =>
    surfaceKey({ key: name, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });

  it("turn, move, zoom, step, select", () => {
    expect(key("ArrowLeft")).toMatchObject({ do: "rotate" });
    expect(key("ArrowLeft", { shiftKey: true })).toMatchObject({ do: "pan" });
    expect(key("+")).toMatchObject({ do: "zoom" });
    expect([key("n"), key("]")]).toEqual(Array(2).fill({ do: "step", by: 1 }));
    expect([key("p"), key("[")]).toEqual(Array(2).fill({ do: "step", by: -1 }));
    expect(["Home", "Enter", "c", "Escape"].map((k) => key(k)?.do)).toEqual([
      "reset",
      "select",
      "contours",
      "clear",
    ]);
  });

  it("leave shortcuts and other keys to the page", () => {
    expect(key("c", { ctrlKey: true })).toBeNull();
    expect(key("Tab")).toBeNull();
    expect(key("x")).toBeNull();
  });
});
