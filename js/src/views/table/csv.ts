import { cellOf, columnsOf, type Feature } from "./features";

type Value = number | boolean | string | null;

/** A field as RFC 4180 wants it: in quotes where it holds a comma, a quote or a line break. */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A value as Python reads it back: the shortest text that gives the same double. */
export function csvValue(value: Value): string {
  if (value === null) return "";
  if (typeof value === "string") return csvField(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0.0" : String(value);
}

export function csv(rows: readonly (readonly Value[])[]): string {
  return rows.map((row) => `${row.map(csvValue).join(",")}\r\n`).join("");
}

/** The table of `Explorer.to_frame`, in the order given. */
export function featuresCsv(rows: readonly Feature[], dim: number): string {
  const columns = columnsOf(dim);
  return csv([columns, ...rows.map((row) => columns.map((column) => cellOf(row, column)))]);
}

/** A name that every file system takes. */
export function csvName(title: string): string {
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-|-$/g, "");
  return `${slug || "landscape"}-minima.csv`;
}
