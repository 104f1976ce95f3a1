import { isRunning } from "../../model/lanes";
import { selectedBranch } from "../../model/selection";
import { eigenLabel, originOf, resolveIndex } from "../../model/spec";
import type { Branch, LiveGrid, LiveTree, Store } from "../../model/store";
import type { VolumeData } from "../../model/volume-data";
import { count, num, percent, shortLabel, whole } from "../parts/format";

/** What the surface shows now. */
export function surfaceCaption(store: Store): string {
  const grid = store.grid.value;
  if (grid === null) return waiting(store, "The surface appears here once its first points are evaluated.");
  const names = grid.labels.map((label, k) => shortLabel(label, `axis ${k + 1}`));
  const [low, high] = grid.range;
  if (!Number.isFinite(low)) return "No point of this window has a finite loss: there is nothing to draw.";
  if (grid.state === "predicted")
    return `A prediction, not measured: the parabola that gradient and curvature give along ${names.join(" and ")}. Far from the centre the loss may differ much.`;
  const view = store.view.value;
  const how = view.map === true ? "Colour is" : "Height and colour are";
  const { span } = grid.spec;
  const window = `within ±${num(span[0])} along ${names[0]} and ±${num(span[1])} along ${names[1]}`;
  const parts = [
    `${how} the ${grid.quantity} ${window}: from ${num(low + grid.base)} to ${num(high + grid.base)}.`,
  ];
  if (grid.state === "partial")
    parts.push(
      `Measured so far: ${percent(grid.known)} of ${whole(grid.n0 * grid.n1)} points; the rest is interpolated.`,
    );
  parts.push(...plane(store, grid));
  const scale = store.spec.value?.scale ?? "linear";
  if (scale !== "linear") parts.push(`The scale is ${scale}.`);
  const { clip } = view;
  if (clip != null && clip > low + grid.base && clip < high + grid.base)
    parts.push(`Losses above ${num(clip)} are cut off.`);
  const holes = grid.data?.holes ?? 0;
  if (holes > 0)
    parts.push(
      `${count(holes, "point has", "points have")} no finite loss and ${holes === 1 ? "is a hole" : "are holes"}.`,
    );
  return parts.join(" ");
}

/** Where the plane lies, and how the model stands in it. */
function plane(store: Store, grid: LiveGrid): string[] {
  const { offset } = grid.spec;
  const origin = originOf(grid.spec);
  const parts: string[] = [];
  if (offset.axis !== null && offset.value !== 0)
    parts.push(
      `The plane is moved by ${num(offset.value)} along ${eigenLabel(offset.axis).replace("λ", "v")}.`,
    );
  if (origin > 0) parts.push(`It starts from origin ${origin}, not from the model.`);
  else if (grid.origin !== null && store.source.value?.kind === "objective") {
    const value = grid.values[grid.origin]!;
    const above = value - grid.range[0];
    if (Number.isFinite(value))
      parts.push(
        above > 0
          ? `The model ★ has the loss ${num(value + grid.base)}, which is ${num(above)} above the lowest point shown.`
          : `The model ★ is the lowest point shown, ${num(value + grid.base)}.`,
      );
  }
  return parts;
}

const PICTURES = {
  tree: "Long branches, from minimum ▼ to saddle ✕, are deep basins.",
  diagram: "Marks far above the diagonal are deep basins.",
  barcode: "Long bars are deep basins.",
  profile: "Wide valleys hold much of the window, deep ones are persistent.",
};

/** What the topology says now. */
export function topologyCaption(store: Store): string {
  const tree = store.tree.value;
  if (tree === null || tree.branches.length === 0)
    return waiting(store, "The basins are found when the surface has been measured.");
  const n = tree.branches.length;
  const lowest = tree.branches.reduce((a, b) => (b.birth < a.birth ? b : a));
  const volume = store.trait<VolumeData>("volume").value;
  const final = volume === null ? store.grid.value?.state === "final" : volume.known >= 1;
  const parts = final ? [] : ["Of the points measured so far."];
  if (n === 1) {
    const merged = tree.total - 1;
    parts.push(
      merged > 0
        ? `One basin at this threshold, of the minimum ${num(lowest.birth)}; ${count(merged, "less persistent minimum is", "less persistent minima are")} merged into it.`
        : `One basin: from everywhere in this window descent on the grid ends in the minimum ${num(lowest.birth)}, with no saddle to cross.`,
    );
  } else {
    parts.push(
      `${whole(n)} basins. Minimum ${number(tree, lowest)} is the lowest: ${num(lowest.birth)}, with ${percent(lowest.share)} of the window.`,
    );
    parts.push(...leaving(store, tree));
    const { supported } = tree;
    if (supported && supported.count < n)
      parts.push(`The data supports ${whole(supported.count)} of them; the others may be noise.`);
    parts.push(PICTURES[store.view.value.topology ?? "tree"]);
  }
  return parts.join(" ");
}

const number = (tree: LiveTree, branch: Branch) => tree.branches.indexOf(branch) + 1;

/** What it takes to leave a basin: the selected one, or the most persistent besides the lowest. */
function leaving(store: Store, tree: LiveTree): string[] {
  const finite = tree.branches.filter((branch) => branch.deathVertex >= 0);
  const chosen = selectedBranch(store.selection.value, tree);
  const branch = chosen !== null && chosen.deathVertex >= 0 ? chosen : finite[0];
  if (branch === undefined) return ["Holes keep them apart: no saddle joins them."];
  const sentence = `To leave the basin of minimum ${number(tree, branch)} (${num(branch.birth)}) the loss must rise by ${num(branch.persistence)}, to ${num(branch.death)}`;
  const least = finite[finite.length - 1]!;
  if (branch === least || branch === chosen) return [`${sentence}.`];
  return [`${sentence}; of the shallowest, minimum ${number(tree, least)}, by ${num(least.persistence)}.`];
}

/** More than this between the curvatures of a plane, and it looks like a valley. */
const NARROW = 20;

/** What the eigenvalues say now. */
export function spectrumCaption(store: Store): string {
  const spectrum = store.spectrum.value;
  if (spectrum === null || spectrum.values.length === 0)
    return isRunning(store.spectrumStatus.value)
      ? "The largest and smallest curvatures of the loss are being computed."
      : "No eigenvalues are known: the surface alone tells of the curvature.";
  const { values, resolved, complete } = spectrum;
  const parts: string[] = [];
  if (!complete) parts.push("Computation under way: these values are provisional.");
  const [top, bottom] = [values[0]!, values[values.length - 1]!];
  parts.push(
    values.length === 1
      ? `The curvature known is ${num(top, 3)}, of ${whole(spectrum.parameters)} directions.`
      : `The ends of ${whole(spectrum.parameters)} curvatures, from ${num(top, 3)} down to ${num(bottom, 3)}.`,
  );
  const negative = values.filter((value, i) => value < 0 && resolved[i]).length;
  if (negative > 0)
    parts.push(
      `${count(negative, "resolved one is", "resolved ones are")} negative: the centre is no minimum of the loss.`,
    );
  const shape = bending(store);
  if (shape !== "") parts.push(shape);
  const open = resolved.filter((is) => !is).length;
  if (open > 0)
    parts.push(`${count(open, "value is", "values are")} not resolved: even the sign may be wrong.`);
  return parts.join(" ");
}

/** The shape of the plane close to where it starts, if both of its curvatures are resolved. */
function bending(store: Store): string {
  const spectrum = store.spectrum.value!;
  const spec = store.spec.value;
  if (spec === null || !store.source.value?.can_choose_axes) return "";
  const at = spec.axes.map((index) => resolveIndex(index, spectrum.values.length));
  if (at.some((i) => i < 0 || !spectrum.resolved[i])) return "";
  const [a, b] = at.map((i) => spectrum.values[i]!) as [number, number];
  const [x, y] = spec.axes.map(eigenLabel);
  if (a < 0 !== b < 0)
    return `Along ${x} and ${y} the plane bends up one way and down the other, as at a saddle.`;
  const ratio = Math.max(a / b, b / a);
  const times = `${x} = ${num(a, 3)} and ${y} = ${num(b, 3)} differ by a factor of ${num(ratio, 2)}`;
  const up = a > 0;
  if (ratio >= NARROW) return `Here ${times}: a narrow ${up ? "valley" : "ridge"}.`;
  return `Here ${times}: a ${ratio < 2 ? "round" : "stretched"} ${up ? "bowl" : "dome"}.`;
}

/** What the controls are set to. */
export function controlsCaption(store: Store): string {
  const spec = store.spec.value;
  if (spec === null) return "";
  const { resample, axes, reason } = store.abilities.value;
  if (!resample && !axes) return `These change how the landscape is drawn. ${reason}`;
  const [n0, n1] = spec.points;
  return `Window: ±${num(spec.span[0])} by ±${num(spec.span[1])}, ${n0} × ${n1} points. Twice the resolution costs four times as much.`;
}

export function waiting(store: Store, otherwise: string): string {
  if (store.status.value.phase === "error") return "Nothing can be said: the computation failed.";
  if (store.status.value.phase === "cancelled") return "Nothing can be said: the computation was cancelled.";
  return otherwise;
}
