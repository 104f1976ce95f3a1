const MINUS = "−";

/** A number for reading: four significant digits, a real minus sign. */
export function num(x: number, digits = 4): string {
  if (Number.isNaN(x)) return "n/a";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : `${MINUS}∞`;
  return plainNum(x, digits).replace("-", MINUS).replace("e-", `e${MINUS}`);
}

/** The same with an ASCII minus, so that it can be typed and pasted. */
export function plainNum(x: number, digits = 4): string {
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-3) return x.toExponential(Math.max(digits - 2, 0)).replace("e+", "e");
  return String(Number(x.toPrecision(digits)));
}

/** Width of a text left of an axis: squeezed into what is there, where it would be cut off. */
export function squeezed(text: string, room: number): number | undefined {
  return text.length * 6 > room ? room : undefined;
}

/** "1 minimum", "4 minima". */
export function count(n: number, one: string, many: string): string {
  return `${whole(n)} ${n === 1 ? one : many}`;
}

/** Thousands apart by a narrow space. */
export function whole(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

export function percent(share: number): string {
  const p = 100 * share;
  if (p > 0 && p < 0.1) return "< 0.1 %";
  return `${p >= 99.95 || p === 0 ? p.toFixed(0) : p.toFixed(1)} %`;
}

/** "4 s", "1 min 20 s", "2 h 05 min". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "";
  const s = Math.max(0, Math.ceil(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
}

/** A predicted duration, as exact as it can be: "0.3 s", "12 s", "4 min", "2.5 h". */
export function estimate(seconds: number): string {
  if (seconds < 0.1) return "0.1 s";
  if (seconds < 90) return `${num(seconds, 2)} s`;
  return seconds < 5400 ? `${num(seconds / 60, 2)} min` : `${num(seconds / 3600, 2)} h`;
}

export function point(coordinates: readonly (number | undefined)[]): string {
  return `(${coordinates.map((x) => num(x ?? Number.NaN)).join(", ")})`;
}

/** The line of an error that says why: Python puts it last in a traceback. */
export function reasonOf(text: string): string {
  const lines = text.trim().split("\n");
  const traced = lines.length > 1 && lines[0]!.startsWith("Traceback");
  if (!traced) return lines[0]!;
  // A message of several lines begins after the last indented line.
  let first = lines.length - 1;
  while (first > 1 && !/^\s/.test(lines[first - 1]!) && lines[first - 1] !== "") first--;
  return lines[first]!;
}

/** Reads a number as people write it; null = not one. */
export function parseNumber(text: string): number | null {
  const clean = text
    .trim()
    .replace(/[\u2212\u2013]/g, "-")
    .replace(/[\s\u202f]/g, "")
    .replace(",", ".");
  if (clean === "") return null;
  const value = Number(clean);
  return Number.isFinite(value) ? value : null;
}

/** A short name of an axis for the read-out: "v₁" of "displacement along v₁ (λ = 12.3)". */
export function shortLabel(label: string, fallback: string): string {
  const eigenvector = label.match(/[v\u03b8][\u208a\u208b\u2080-\u2089\u20990-9]+/u);
  if (eigenvector) return eigenvector[0];
  return label.length <= 10 ? label : fallback;
}
