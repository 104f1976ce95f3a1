import type { SourceData, Spec } from "./protocol";

/** A number as Python writes it: 16 -> "16.0", 1e21 -> "1e+21". */
export function pyFloat(x: number): string {
  if (Number.isNaN(x)) return 'float("nan")';
  if (!Number.isFinite(x)) return x > 0 ? 'float("inf")' : 'float("-inf")';
  const text = String(x);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

export const pair = (a: string, b: string) => `(${a}, ${b})`;

/** `explore` computes so many eigenpairs from either end unless told otherwise. */
const DEFAULT_PAIRS = 4;

/** How many eigenpairs of either end the axes and the offset need. */
function pairsNeeded(spec: Spec): string[] {
  const used = spec.offset.axis === null ? [...spec.axes] : [...spec.axes, spec.offset.axis];
  const largest = Math.max(...used.map((i) => i + 1));
  const smallest = Math.max(...used.map((i) => -i));
  return [
    ...(largest > DEFAULT_PAIRS ? [`largest=${largest}`] : []),
    ...(smallest > DEFAULT_PAIRS ? [`smallest=${smallest}`] : []),
  ];
}

/** The window of a plain function. */
function boundsOf(source: SourceData, spec: Spec): string {
  const ends = source.center.map((c, k) => {
    const half = spec.span[k as 0 | 1];
    return pair(pyFloat(c - half), pyFloat(c + half));
  });
  return `bounds=${pair(ends[0] ?? "", ends[1] ?? "")}`;
}

/** The cell that reproduces what is shown of `variable`; parts that say nothing new are left out. */
export function asPython(
  source: SourceData | null,
  spec: Spec | null,
  variable = source?.variable || "objective",
): string {
  const args: string[] = [variable];
  if (spec !== null) {
    if (source?.can_choose_axes ?? true)
      args.push(`axes=${pair(String(spec.axes[0]), String(spec.axes[1]))}`, ...pairsNeeded(spec));
    if (source?.can_resample ?? true) {
      if (source?.kind === "function") args.push(boundsOf(source, spec));
      else args.push(`span=${pair(pyFloat(spec.span[0]), pyFloat(spec.span[1]))}`);
      const [p0, p1] = spec.points;
      args.push(`points=${p0 === p1 ? p0 : pair(String(p0), String(p1))}`);
    }
    if (source?.bounds) {
      const ends = source.bounds.map(([low, high]) => pair(pyFloat(low), pyFloat(high)));
      args.push(`bounds=(${ends.join(", ")})`, `points=${spec.points[0]}`);
    }
    if (spec.offset.axis !== null && spec.offset.value !== 0) {
      args.push(`offset={${spec.offset.axis}: ${pyFloat(spec.offset.value)}}`);
    }
    if (spec.scale !== "linear") args.push(`scale="${spec.scale}"`);
    if (spec.threshold > 0) args.push(`threshold=${pyFloat(spec.threshold)}`);
  }
  return `nbl.explore(${args.join(", ")})`;
}
