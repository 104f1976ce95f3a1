import type { Spec, SpectrumData } from "./protocol";
import type { SpecChange } from "./store";

/** What decides which points are evaluated; the rest of a spec only changes how they are shown. */
export function samplingKey(spec: Spec): string {
  return `${planeKey(spec)}${JSON.stringify([spec.span, spec.points])}`;
}

/** Which plane the window lies in, whatever its size and resolution. */
export function planeKey(spec: Spec): string {
  const offset = spec.offset.axis === null || spec.offset.value === 0 ? null : spec.offset;
  return JSON.stringify([spec.axes, offset?.axis ?? null, offset?.value ?? 0, originOf(spec)]);
}

/** Number of the point that the plane starts from; 0 = the model. */
export const originOf = (of: { origin?: number } | null): number => of?.origin ?? 0;

/** Everything but the number. */
export function sameContent(a: Spec, b: Spec): boolean {
  return (
    samplingKey(a) === samplingKey(b) &&
    a.scale === b.scale &&
    a.threshold === b.threshold &&
    sameOffset(a, b)
  );
}

function sameOffset(a: Spec, b: Spec): boolean {
  return a.offset.axis === b.offset.axis && a.offset.value === b.offset.value;
}

export function applyChange(spec: Spec, change: SpecChange): Spec {
  return { ...spec, ...change, id: spec.id + 1 };
}

/** Position in `values` of a Python-style index, or -1. */
export function resolveIndex(index: number, count: number): number {
  const i = index < 0 ? count + index : index;
  return i >= 0 && i < count ? i : -1;
}

/** Python-style index of position `i`: counted from the end that it was computed from. */
export function signedIndex(i: number, spectrum: SpectrumData): number {
  const count = spectrum.values.length;
  return i < Math.max(spectrum.largest, count - spectrum.smallest) ? i : i - count;
}

/** "λ₁" is the largest, "λ₋₁" the smallest. */
export function eigenLabel(index: number): string {
  const n = index < 0 ? index : index + 1;
  return `λ${[...String(n)].map((c) => (c === "-" ? "₋" : "₀₁₂₃₄₅₆₇₈₉"[Number(c)])).join("")}`;
}
