import { distanceFromModel, metricsAt, nearestVertex } from "../../model/place";
import type { CheckedPoint, Coordinates, OriginData, Selection } from "../../model/protocol";
import { survivors } from "../../model/simplify";
import { originOf } from "../../model/spec";
import type { Branch, LiveGrid, LiveTree, Store } from "../../model/store";
import { treeColumns } from "../../model/wire";
import { num, percent, plainNum, point } from "../parts/format";

/** One line of the card; `exact` is what is copied. */
interface Fact {
  name: string;
  value: string;
  exact?: string;
  hint?: string;
}

export interface Group {
  title: string;
  facts: Fact[];
  note?: string;
}

const exact = (x: number) => plainNum(x, 9);
const fact = (name: string, x: number, digits = 5, hint?: string): Fact => ({
  name,
  value: num(x, digits),
  exact: exact(x),
  ...(hint && { hint }),
});

/** What is known about the selected point beyond its place, its loss and its basin. */
export function groupsOf(store: Store): Group[] {
  const grid = store.grid.value;
  const selection = store.selection.value;
  if (grid === null || selection.kind === "none" || selection.coordinates === null) return [];
  const tree = fitting(store.tree.value, grid);
  const groups = [
    metrics(grid, selection),
    displacement(grid, selection.coordinates),
    tree && topology(tree, grid, selection, store.spec.value?.threshold ?? 0),
    checked(store, selection),
  ];
  return groups.filter((group): group is Group => !!group && (group.facts.length > 0 || !!group.note));
}

const fitting = (tree: LiveTree | null, grid: LiveGrid) =>
  tree !== null && tree.basins.length === grid.values.length ? tree : null;

function metrics(grid: LiveGrid, at: Selection): Group {
  return { title: "Metrics", facts: metricsAt(grid, at).map(([name, value]) => fact(name, value, 6)) };
}

function displacement(grid: LiveGrid, at: Readonly<Coordinates>): Group {
  const facts: Fact[] = [];
  const place = grid.data?.model;
  if (place !== undefined) {
    const hint = "Norm of the displacement from the model in the space of all parameters";
    facts.push(fact("from the model", distanceFromModel(place, at), 5, hint));
    const { gram } = place;
    const origin = originOf(grid.spec);
    const { offset } = grid.spec;
    const still = offset.axis === null || offset.value === 0;
    if (origin > 0 && still) {
      const from = { at: [0, 0] as [number, number], apart: 0, gram };
      facts.push(fact(`from origin ${origin}`, distanceFromModel(from, at)));
    }
  }
  return { title: "Displacement", facts };
}

function topology(tree: LiveTree, grid: LiveGrid, selection: Selection, threshold: number): Group | null {
  const { kind, vertex } = selection;
  const rank = (branch: Branch) => tree.branches.indexOf(branch) + 1;
  if (kind === "saddle") {
    const branch = tree.branches.find((b) => b.deathVertex === vertex);
    return branch
      ? { title: "Barrier, from either side", facts: sides(tree, branch, threshold, rank) }
      : null;
  }
  const own = kind === "minimum" ? tree.branches.find((b) => b.birthVertex === vertex) : undefined;
  const branch = own ?? basinAt(tree, grid, selection);
  if (!branch) return null;
  const facts: Fact[] = [];
  if (!own) facts.push({ name: "in the basin of", value: `minimum ${rank(branch)}` });
  if (own && !Number.isFinite(branch.persistence))
    facts.push({ name: "persistence", value: "∞ (lowest)", exact: "inf" });
  else facts.push(persistence(branch));
  facts.push(...support(branch));
  facts.push({
    name: "basin share",
    value: percent(branch.share),
    exact: exact(branch.share),
    hint: "Part of the window from which descent on the grid ends in this minimum",
  });
  return { title: own ? "Topology" : "Basin", facts };
}

function persistence(branch: Branch): Fact {
  const { persistence, evidence } = branch;
  const error = evidence?.stderr ?? Number.NaN;
  const known = Number.isFinite(error) && Number.isFinite(persistence);
  return {
    name: "persistence",
    value: known ? `${num(persistence)} ± ${num(error, 2)}` : num(persistence),
    exact: known ? `${exact(persistence)} ± ${exact(error)}` : exact(persistence),
    hint: "How far the loss must rise before this minimum merges with a deeper one",
  };
}

function support({ evidence, persistence }: Branch): Fact[] {
  if (!evidence || !Number.isFinite(persistence)) return [];
  const margin = Number.isFinite(evidence.margin) ? `needs > ${num(evidence.margin, 3)}` : "";
  const value = evidence.supported ? "yes" : margin ? `no: ${margin}` : "no";
  const facts = [
    { name: "supported", value, hint: "Whether the persistence exceeds its errors over the batches" },
  ];
  if (Number.isFinite(evidence.frequency))
    facts.push({
      name: "in resamples",
      value: percent(evidence.frequency),
      hint: "Share of the trees of resampled batches that have this minimum",
    });
  return facts;
}

/** The minima on both sides of a saddle and how high it stands above each. */
function sides(tree: LiveTree, branch: Branch, threshold: number, rank: (branch: Branch) => number): Fact[] {
  const columns = treeColumns(tree.tree);
  const across = survivors(columns, threshold, columns.beside)[columns.beside[branch.row]!];
  const find = (row: number | undefined) => tree.branches.find((b) => b.row === row);
  const beyond = across === branch.row ? undefined : find(across);
  const other = beyond ?? find(branch.parent);
  const side = (from: Branch): Fact => ({
    name: `minimum ${rank(from)} (${num(from.birth)})`,
    value: num(branch.death - from.birth),
    exact: exact(branch.death - from.birth),
    hint: "Height of the saddle above this minimum",
  });
  return other ? [side(branch), side(other)] : [side(branch)];
}

/** Branch in whose basin a place lies: that of the nearest vertex. */
function basinAt(tree: LiveTree, grid: LiveGrid, { vertex, coordinates }: Selection): Branch | undefined {
  const row = tree.basins[vertex ?? nearestVertex(grid, coordinates!)];
  return tree.branches.find((b) => b.row === row);
}

function checked(store: Store, { kind, vertex }: Selection): Group | null {
  if (vertex === null || (kind !== "minimum" && kind !== "saddle")) return null;
  const check = store.checkOf(vertex);
  if (check?.phase !== "done") return null;
  return { title: "Checked with the loss", facts: exactPoint(check.point), note: check.point.verdict };
}

function exactPoint({ loss, moved, coordinates }: CheckedPoint): Fact[] {
  const facts: Fact[] = [];
  if (loss !== null) facts.push(fact("exact loss", loss, 6));
  if (coordinates.length === 2)
    facts.push({
      name: "exact place",
      value: point(coordinates as [number, number]),
      exact: `(${coordinates.map(exact).join(", ")})`,
    });
  if (moved !== null) facts.push({ name: "from the vertex", value: `${num(moved, 2)} cells` });
  return facts;
}

/** "Origin 2: minimum at (0.3, −1.2), loss 0.43". */
export function originName({ number, kind, at, loss }: OriginData): string {
  return `Origin ${number}: ${kind} at ${point(at)}, loss ${num(loss)}`;
}

/** The card as plain text. */
export function asText(
  heading: string,
  where: string,
  rows: readonly Fact[],
  groups: readonly Group[],
): string {
  const line = ({ name, value, exact }: Fact) => `${name}: ${exact ?? value}`;
  const parts = groups.map(({ title, facts, note }) =>
    [title, ...facts.map((f) => `  ${line(f)}`), ...(note ? [`  ${note}`] : [])].join("\n"),
  );
  return [heading, where, ...rows.map(line), ...parts].filter(Boolean).join("\n");
}
