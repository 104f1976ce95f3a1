import type { Core } from "./core-store";
import type { SpectrumData } from "./protocol";
import { originOf } from "./spec";

/** The eigenvalues at every origin that were seen: undo brings them back at once. */
export function createSpectra({ spec, spectrum }: Pick<Core, "spec" | "spectrum">) {
  const known = new Map<number, SpectrumData>();

  /** Shows those of the origin that is wanted, if they are known. */
  function restore(): void {
    const own = known.get(originOf(spec.value));
    if (own !== undefined) spectrum.value = own;
  }

  return {
    restore,
    /** Keeps what has arrived; that of an origin which is only being made is shown meanwhile. */
    took(): void {
      const next = spectrum.value;
      if (next === null || originOf(next) < 0) return;
      known.set(originOf(next), next);
      restore();
    },
    /** Whether the eigenvalues that are shown are those of the wanted origin. */
    fit: (): boolean => originOf(spectrum.value) === originOf(spec.value),
  };
}
