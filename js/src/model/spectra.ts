import type { Core } from "./core-store";
import type { SpectrumData } from "./protocol";
import { originOf } from "./spec";

/** The eigenvalues at every origin that were seen: undo brings them back at once. */
export function createSpectra({ spec, source, spectrum }: Pick<Core, "spec" | "source" | "spectrum">) {
  const known = new Map<number, SpectrumData>();

  /** Whether an origin is one of the model as it is; those of earlier weights are gone. */
  const exists = (number: number) =>
    number === 0 || (source.value?.origins ?? []).some((origin) => origin.number === number);

  /** Shows those of the origin that is wanted, if they are known. */
  function restore(): void {
    const number = originOf(spec.value);
    const own = known.get(number);
    if (own !== undefined && exists(number)) spectrum.value = own;
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
