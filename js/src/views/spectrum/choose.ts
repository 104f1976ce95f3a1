import type { Spec } from "../../model/protocol";
import type { SpecChange } from "../../model/store";

export type Role = "x" | "y" | "offset";

/** The change of the spec that gives eigenvector `index` a role; an axis that loses it takes the other one's. */
export function assign(spec: Spec, role: Role, index: number): SpecChange | null {
  const [x, y] = spec.axes;
  if (role === "offset") {
    if (index === x || index === y) return null;
    if (spec.offset.axis === index) return { offset: { axis: null, value: 0 } };
    return { offset: { axis: index, value: 0 } };
  }
  const axes: [number, number] = role === "x" ? [index, index === y ? x : y] : [index === x ? y : x, index];
  if (axes[0] === x && axes[1] === y) return null;
  const span: [number, number] = axes[0] === y || axes[1] === x ? [spec.span[1], spec.span[0]] : spec.span;
  const change: SpecChange = { axes, span };
  if (spec.offset.axis === index) change.offset = { axis: null, value: 0 };
  return change;
}

export function roleOf(axes: Spec["axes"] | null, offset: number | null, index: number): Role | null {
  if (axes?.[0] === index) return "x";
  if (axes?.[1] === index) return "y";
  return offset === index ? "offset" : null;
}

export const ROLE_NAMES: Record<Role, string> = { x: "first axis", y: "second axis", offset: "offset" };
