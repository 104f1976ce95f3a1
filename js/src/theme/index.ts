import base from "./base.css";
import tokens from "./tokens.css";

function sheet(text: string): CSSStyleSheet {
  const out = new CSSStyleSheet();
  out.replaceSync(text);
  return out;
}

export function adoptStyles(root: ShadowRoot, styles: readonly string[]): void {
  root.adoptedStyleSheets = [tokens, base, ...styles].map(sheet);
}

/** The page around an exported view. */
export function adoptPageStyles(): void {
  const text = `
    html { color-scheme: light dark; background: light-dark(#ffffff, #14161a); }
    html[data-theme="light"] { color-scheme: light; }
    html[data-theme="dark"] { color-scheme: dark; }
    body { margin: 0; padding: 12px; font: 14px system-ui, sans-serif; }
    #nblandscape { max-width: 1600px; margin: 0 auto; }
    pre { white-space: pre-wrap; }
    @media (max-width: 600px) { body { padding: 4px; } }
    @media print { html { background: none; } body { padding: 0; } #nblandscape { break-inside: avoid; } }
  `;
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet(text)];
}

/** What the host says about itself, in the order of how surely it means the page around us. */
export function isDark(): boolean {
  const body = document.body;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter !== undefined) return jupyter === "false";
  const classes = `${document.documentElement.className} ${body.className}`;
  if (/\bvscode-(dark|high-contrast)\b(?!-light)/.test(classes)) return true;
  if (/\bvscode-(light|high-contrast-light)\b/.test(classes)) return false;
  if (/(^|\s)dark(\s|$)/.test(classes)) return true;
  if (/(^|\s)light(\s|$)/.test(classes)) return false;
  const { theme, mode } = document.documentElement.dataset;
  const attribute = theme ?? mode ?? body.dataset.theme;
  if (attribute === "dark" || attribute === "light") return attribute === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Keeps `data-nbl-theme` of the host element in step with the page. */
export function watchTheme(host: HTMLElement): () => void {
  const update = () => {
    const theme = isDark() ? "dark" : "light";
    if (host.dataset.nblTheme !== theme) host.dataset.nblTheme = theme;
  };
  update();
  const media = matchMedia("(prefers-color-scheme: dark)");
  media.addEventListener("change", update);
  const observer = new MutationObserver(update);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, {
      attributes: true,
      attributeFilter: ["class", "data-jp-theme-light", "data-theme", "data-mode"],
    });
  }
  return () => {
    media.removeEventListener("change", update);
    observer.disconnect();
  };
}
