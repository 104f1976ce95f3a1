import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { isDark } from ".";

afterEach(() => {
  vi.unstubAllGlobals();
  for (const element of [document.documentElement, document.body]) {
    for (const { name } of [...element.attributes]) element.removeAttribute(name);
  }
});

const system = (dark: boolean) => vi.stubGlobal("matchMedia", () => ({ matches: dark }));
const page = (html: Record<string, string>, body: Record<string, string> = {}) => {
  for (const [name, value] of Object.entries(html)) document.documentElement.setAttribute(name, value);
  for (const [name, value] of Object.entries(body)) document.body.setAttribute(name, value);
};

it.each([
  ["JupyterLab", {}, { "data-jp-theme-light": "true" }, { "data-jp-theme-light": "false" }],
  [
    "marimo",
    {},
    { class: "light light-theme", "data-theme": "light" },
    { class: "dark dark-theme", "data-theme": "dark" },
  ],
  ["VS Code", {}, { class: "vscode-light" }, { class: "vscode-dark" }],
  [
    "VS Code in high contrast",
    {},
    { class: "vscode-high-contrast-light" },
    { class: "vscode-high-contrast" },
  ],
])("the theme of %s counts rather than that of the system", (_, html, light, dark) => {
  system(true);
  page(html, light);
  expect(isDark()).toBe(false);
  system(false);
  page(html, dark);
  expect(isDark()).toBe(true);
});

it.each(["data-theme", "data-mode"])("%s of the page counts, else the system's theme", (name) => {
  system(true);
  expect(isDark()).toBe(true);
  page({ [name]: "light" });
  expect(isDark()).toBe(false);
  system(false);
  expect(isDark()).toBe(false);
  page({ [name]: "dark" });
  expect(isDark()).toBe(true);
});

it("lets nothing begin invisible: where frames stand still for a while it would stay so", () => {
  const root = join(import.meta.dirname, "..");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" });
  const sheets = files.filter((name) => name.endsWith(".css"));
  expect(sheets.length).toBeGreaterThan(10);
  const hidden = sheets.filter((name) => {
    const text = readFileSync(join(root, name), "utf8");
    return text
      .split("@keyframes")
      .slice(1)
      .some((rule) => /opacity:\s*0\s*;/.test(rule.split(/\n\}/)[0]!));
  });
  expect(hidden).toEqual([]);
});
