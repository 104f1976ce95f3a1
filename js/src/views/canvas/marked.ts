import type { Branch } from "../../model/store";
import { num, point } from "../parts/format";

/** A line of what is told about a point. */
export interface Row {
  name: string;
  value: string;
}

/** A marked point of a picture. */
export interface Marked {
  kind: "minimum" | "saddle" | "model" | "point";
  /** -1: between the vertices, known by its place. */
  vertex: number;
  loss: number;
  /** The branch born in this minimum or dying in this saddle. */
  branch: Branch | null;
  /** Position among the points of its kind, from 1, and their number. */
  rank: number;
  of: number;
  /** Of a point that somebody gave a name to. */
  told?: { title: string; rows: readonly Row[] };
}

/** Minima, then saddles, each by falling persistence; at most so many of a kind. */
export function eachFeature(
  branches: readonly Branch[],
  most: number,
  add: (kind: "minimum" | "saddle", vertex: number, branch: Branch, rank: number, of: number) => void,
): void {
  for (const [k, branch] of branches.slice(0, most).entries())
    add("minimum", branch.birthVertex, branch, k + 1, branches.length);
  const seen = new Set<number>();
  const dying = branches.filter(({ deathVertex }) => {
    const fresh = deathVertex >= 0 && !seen.has(deathVertex);
    seen.add(deathVertex);
    return fresh;
  });
  for (const [k, branch] of dying.slice(0, most).entries())
    add("saddle", branch.deathVertex, branch, k + 1, dying.length);
}

/** "Minimum 2 of 4", "The model". */
function titleOf({ told, kind, rank, of }: Marked): string {
  if (told) return told.title;
  if (kind === "model") return "The model";
  if (kind === "point") return "The origin";
  return `${kind === "minimum" ? "Minimum" : "Saddle"} ${rank} of ${of}`;
}

const UNSUPPORTED = "not supported by the data";
const isUnsupported = ({ branch }: Marked) => branch?.evidence?.supported === false;

/** A sentence for the live region. */
export function announce(p: Marked, place: readonly number[]): string {
  const parts = [`${titleOf(p)}: loss ${num(p.loss)} at ${point(place)}`];
  for (const { name, value } of p.told?.rows ?? []) parts.push(`${name} ${value}`);
  if (p.branch && p.kind === "minimum") {
    const { persistence } = p.branch;
    parts.push(Number.isFinite(persistence) ? `persistence ${num(persistence)}` : "the lowest minimum");
  }
  if (isUnsupported(p)) parts.push(UNSUPPORTED);
  return `${parts.join(", ")}.`;
}

/** What is known about a point: its place, its loss and the basin it lies in. */
export interface Reading {
  glyph: string;
  heading: string;
  rows: Row[];
  note: string;
}

const GLYPHS = { minimum: "▼", saddle: "✕", model: "★", point: "●" } as const;

/** Tells of a point; `p`: what is marked there, `basin`: the basin that it lies in and where its minimum is. */
export function readingOf(
  p: Marked | undefined,
  heading: string,
  rows: readonly Row[],
  basin: { branch: Branch; place: readonly number[] } | null,
): Reading {
  const told = [...rows, ...(p?.told?.rows ?? [])];
  const notes: string[] = [];
  if (p?.kind === "minimum" && p.branch) {
    const { persistence, evidence } = p.branch;
    const error = evidence?.stderr ?? Number.NaN;
    const value = Number.isFinite(error) ? `${num(persistence)} ± ${num(error, 2)}` : num(persistence);
    told.push({ name: "persistence", value: Number.isFinite(persistence) ? value : "∞ (lowest)" });
  } else if (p?.kind === "saddle") {
    if (p.branch) notes.push(`Here the minimum ${num(p.branch.birth)} joins a deeper one`);
  } else if (basin) {
    const { birth, persistence } = basin.branch;
    const depth = Number.isFinite(persistence) ? `, persistence ${num(persistence)}` : "";
    notes.push(`Basin of the minimum ${num(birth)} at ${point(basin.place)}${depth}`);
  }
  if (p && isUnsupported(p)) notes.push(UNSUPPORTED);
  return {
    glyph: GLYPHS[p?.kind ?? "point"],
    heading: p ? titleOf(p) : heading,
    rows: told,
    note: notes.join("; "),
  };
}
