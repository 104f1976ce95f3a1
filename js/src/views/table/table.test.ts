import { expect, it } from "vitest";
import { csv, csvField, csvName, csvValue } from "./csv";
import { cellOf, columnsOf, type Feature, sortFeatures } from "./features";

it("quotes what RFC 4180 wants quoted", () => {
  expect(csvField("plain")).toBe("plain");
  expect(csvField('a "b", c')).toBe('"a ""b"", c"');
  expect(csvField("two\nlines")).toBe('"two\nlines"');
  expect(
    csv([
      ["a", "b,c"],
      [1, null],
    ]),
  ).toBe('a,"b,c"\r\n1,\r\n');
});

it("writes numbers that Python reads back as the same doubles", () => {
  for (const x of [0.1 + 0.2, 1e-300, -123456789.1234567, 5e-324, 2 ** 53])
    expect(Number(csvValue(x))).toBe(x);
  expect([Number.NaN, Infinity, -Infinity, -0, true, false].map(csvValue)).toEqual([
    "nan",
    "inf",
    "-inf",
    "-0.0",
    "True",
    "False",
  ]);
});

it("names files so that every file system takes them", () => {
  expect(csvName("Tanh network: digits/1")).toBe("tanh-network-digits-1-minima.csv");
  expect(csvName("…")).toBe("landscape-minima.csv");
});

it("has the columns of to_frame, and sorts what is not known last", () => {
  expect(columnsOf(2).join()).toBe(
    "x0,x1,loss,persistence,stderr,share,supported,saddle_x0,saddle_x1,saddle_loss",
  );
  const row = (number: number, loss: number, saddleLoss: number, supported: boolean | null): Feature =>
    ({ number, loss, saddleLoss, supported, at: [number, -number], saddle: [0, number] }) as never;
  const rows = [row(1, 3, Number.NaN, true), row(2, 1, 7, null), row(3, 2, 5, false)];
  const order = (by: string, falling: boolean) => sortFeatures(rows, by, falling).map((r) => r.number);
  expect(order("loss", false)).toEqual([2, 3, 1]);
  expect(order("saddle_loss", false)).toEqual([3, 2, 1]);
  expect(order("saddle_loss", true)).toEqual([2, 3, 1]);
  expect(order("supported", true)).toEqual([1, 3, 2]);
  expect(order("x1", false)).toEqual([3, 2, 1]);
  expect(cellOf(rows[2]!, "saddle_x1")).toBe(3);
});
