import type { Coordinates, OriginData, Recipe, SourceData, Spec, SurfaceData } from "./protocol";
import { asPython, pair, pyFloat } from "./python";
import { originOf } from "./spec";

const number = (x: number) => (Number.isInteger(x) ? String(x) : pyFloat(x));
const tuple = ([a, b]: Readonly<Coordinates>) => pair(pyFloat(a), pyFloat(b));

/** Names of the variables at an origin: `objective`, then `objective_1`, … */
const named = (name: string, origin: number) => (origin === 0 ? name : `${name}_${origin}`);

/** The plane of a spec, from the objective at its origin. */
interface Level {
  spec: Spec;
  recipe: Recipe | undefined;
  /** The origin that it starts from, unless that is the model. */
  origin: OriginData | undefined;
}

/** What leads from the model to a plane: the plane itself last. Null if a part of it is not known. */
function levelsOf(
  source: SourceData | null,
  spec: Spec,
  recipe: Recipe | undefined,
  origins = source?.origins ?? [],
): Level[] | null {
  const number = originOf(spec);
  if (number === 0) return [{ spec, recipe, origin: undefined }];
  const origin = origins.find((one) => one.number === number);
  const before = origin && levelsOf(source, origin.spec, origin.recipe);
  return before ? [...before, { spec, recipe, origin }] : null;
}

function spectrumLines(recipe: Recipe | undefined, at: number, parent: number, variable: string): string[] {
  const [result, objective] = [named("spectrum", at), named(variable, at)];
  const lines: string[] = [];
  let start = recipe?.start === "parent" ? named("spectrum", parent) : "";
  if (recipe === undefined || recipe.start === "given") {
    lines.push(
      `# ${result}: the eigenpairs that were given to nbl.explore(${objective}, spectrum=${result})`,
    );
    start = result;
  } else if (recipe.start === "earlier") {
    lines.push(
      "# The explorer began with the eigenvectors of earlier weights: these agree within tol, up to sign.",
    );
  }
  for (const step of recipe?.steps ?? []) {
    const args = Object.entries(step).map(([name, value]) => `${name}=${number(value)}`);
    if (start !== "") args.push(`start=${start}`);
    lines.push(`${result} = nbl.hessian_spectrum(${objective}, ${args.join(", ")})`);
    start = result;
  }
  return lines;
}

function planeLine({ axes, offset }: Spec, at: number, variable: string): string {
  const moved = offset.axis !== null && offset.value !== 0;
  const more = moved ? `, offset={${offset.axis}: ${pyFloat(offset.value)}}` : "";
  const args = [named(variable, at), named("spectrum", at), pair(String(axes[0]), String(axes[1]))];
  return `${named("plane", at)} = nbl.Subspace.hessian(${args.join(", ")}${more})`;
}

/** From the objective to the last plane; every origin is a sibling of the objective with other weights. */
function chain(levels: readonly Level[], variable: string): string[] {
  return levels.flatMap(({ spec, recipe, origin }) => {
    const at = originOf(spec);
    if (origin === undefined)
      return [...spectrumLines(recipe, at, 0, variable), planeLine(spec, at, variable)];
    const before = originOf(origin.spec);
    const objective = named(variable, before);
    const there = `${objective}.parameters_at(${named("plane", before)}, ${tuple(origin.at)}, exact=True)`;
    return [
      "",
      `# Origin ${at}: the ${origin.kind} that was selected in that plane`,
      `${named(variable, at)} = ${objective}.at(${there})`,
      ...spectrumLines(recipe, at, before, variable),
      planeLine(spec, at, variable),
    ];
  });
}

const variableOf = (source: SourceData | null) =>
  (source?.kind === "objective" && source.variable) || "objective";

/** The cell that loads the parameters at a point of a surface into the model; null if no model is behind it. */
export function loadCode(
  source: SourceData | null,
  surface: Pick<SurfaceData, "spec" | "recipe"> | null,
  coordinates: Readonly<Coordinates> | null,
): string | null {
  if (surface?.recipe === undefined || coordinates === null) return null;
  const levels = levelsOf(source, surface.spec, surface.recipe);
  if (levels === null) return null;
  const [variable, at] = [variableOf(source), originOf(surface.spec)];
  return [
    "import nblandscape as nbl",
    "",
    `# ${variable}: the objective that was explored; model: where the parameters go`,
    ...chain(levels, variable),
    "",
    `state = ${named(variable, at)}.parameters_at(${named("plane", at)}, ${tuple(coordinates)})`,
    "model.load_state_dict(state, strict=True)",
  ].join("\n");
}

/** 'Copy as Python' at any origin. */
export function exploreCode(source: SourceData | null, spec: Spec | null, recipe?: Recipe): string {
  const at = originOf(spec);
  if (spec === null || at === 0 || source?.kind !== "objective") return asPython(source, spec);
  const levels = levelsOf(source, spec, recipe);
  const variable = variableOf(source);
  if (levels === null) return asPython(source, spec);
  // The last plane is what `explore` makes itself.
  const lines = chain(levels, variable).slice(0, -1);
  const shown = asPython(source, spec, named(variable, at));
  return [...lines, shown.replace(/\)$/, `, spectrum=${named("spectrum", at)})`)].join("\n");
}
