import { expect, it } from "vitest";
import { valueScale } from "./stems";

it("leaves small negative eigenvalues beside large positive ones room to be read", () => {
  const { scale, log } = valueScale([3.31, 2.1, 1.4, -0.0125, -0.02, -0.0306]);
  expect(log).toBe(true);
  expect(scale.at(0)).toBeGreaterThanOrEqual(0.3);
  expect(scale.at(0)).toBeLessThan(0.5);
  expect(scale.at(0) - scale.at(-0.0306)).toBeGreaterThan(0.2);
  expect(scale.ticks(6).some((t) => t < 0)).toBe(true);
});

it("gives one-sided spectra the whole height and keeps even ones linear", () => {
  expect(valueScale([100, 1, 0.01]).scale.at(0)).toBe(0);
  expect(valueScale([3, 2, -1]).log).toBe(false);
});
