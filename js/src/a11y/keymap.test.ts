import { expect, it } from "vitest";
import { surfaceKey } from "../views/surface/keyboard";
import { isEditing, isPlain, KEYS, keyAction } from "./keymap";

const key = (name: string, more = {}) => ({
  key: name,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...more,
});

it("knows its keys and leaves the others alone", () => {
  expect(keyAction(key("z", { ctrlKey: true }))).toBe("undo");
  expect(keyAction(key("z", { metaKey: true }))).toBe("undo");
  expect(keyAction(key("Z", { ctrlKey: true, shiftKey: true }))).toBe("redo");
  expect(keyAction(key("y", { ctrlKey: true }))).toBe("redo");
  expect(keyAction(key("Home"))).toBe("home");
  expect(keyAction(key("?", { shiftKey: true }))).toBe("help");
  for (const name of ["a", "b", "d", "x", "z", "m", "y"]) expect(keyAction(key(name))).toBeNull();
  expect(keyAction(key("z", { altKey: true, ctrlKey: true }))).toBeNull();
  expect(keyAction(key("s", { ctrlKey: true }))).toBeNull();
});

it("takes plain keys for the view's own", () => {
  expect(isPlain(key("d"))).toBe(true);
  expect(isPlain(key("s", { ctrlKey: true }))).toBe(false);
});

it("leaves text fields their undo, but not sliders", () => {
  const field = Object.assign(document.createElement("input"), { type: "text" });
  const slider = Object.assign(document.createElement("input"), { type: "range" });
  expect(isEditing(field)).toBe(true);
  expect(isEditing(slider)).toBe(false);
  expect(isEditing(document.createElement("div"))).toBe(false);
});

it("tells of every key that it or the surface takes", () => {
  const names = ["?", "Home", "Enter", "Escape", "ArrowLeft", "+", "n", "p", "c"];
  for (const name of names) expect(keyAction(key(name)) ?? surfaceKey(key(name))).not.toBeNull();
  const told = KEYS.map(([keys]) => keys).join("\n");
  for (const name of names) {
    const word = name === "ArrowLeft" ? "Arrow keys" : name.length === 1 ? name.toUpperCase() : name;
    expect(
      told
        .split(/[\s,+]+/)
        .concat(told.split("\n"))
        .some((w) => w === word) || told.includes(`${word} `),
    ).toBe(true);
  }
});
