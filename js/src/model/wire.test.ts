import { describe, expect, it } from "vitest";
import { tree } from "../testing/samples";
import { assembleTree, float32, float64, isSurface, isTree, treeColumns, uint32 } from "./wire";

describe("buffers", () => {
  it("honour an offset, aligned or not", () => {
    for (const offset of [0, 1, 3, 4, 8, 13]) {
      const buffer = new ArrayBuffer(64);
      const data = new DataView(buffer, offset, 16);
      data.setFloat64(0, Math.PI, true);
      data.setFloat64(8, -1e-300, true);
      expect([...float64(data)]).toEqual([Math.PI, -1e-300]);
    }
    const bytes = new Uint8Array([0, 1, 0, 0, 0, 9]).subarray(1, 5);
    expect([...uint32(bytes)]).toEqual([1]);
  });

  it("of a broken length are refused", () => {
    expect(() => float32(new DataView(new ArrayBuffer(6)))).toThrow("6 bytes");
  });
});

describe("trees", () => {
  it("mark holes by all bits set, for both label types", () => {
    const small = tree(1, [1, 3], [[0, Number.POSITIVE_INFINITY, -1]], [0, -1, 0]);
    expect([...treeColumns(small).basins]).toEqual([0, -1, 0]);
    const wide = new Uint32Array([0, 0xffffffff, 0xffff]);
    const large = { ...small, basins_type: "uint32" as const, basins: new DataView(wide.buffer) };
    expect([...treeColumns(large).basins]).toEqual([0, -1, 0xffff]);
  });

  it("of files of before simplified basins spilled over passes are trees all the same", () => {
    const { beside: _, ...old } = tree(
      1,
      [1, 3],
      [
        [0, Number.POSITIVE_INFINITY, -1],
        [2, 5, 0],
      ],
    );
    expect(isTree(old)).toBe(true);
    expect([...treeColumns(old).beside]).toEqual([-1, 0]);
  });

  it("are put together from the columns of a message, in the message's order", () => {
    const data = tree(3, [1, 2], [[1, Number.POSITIVE_INFINITY, -1]]);
    const columns = ["basins", "parent", "beside", "birth", "death", "birth_vertex", "death_vertex"] as const;
    const head = { id: 3, shape: [1, 2] as [number, number], basins_type: "uint16" as const };
    const out = assembleTree(
      head,
      columns,
      columns.map((name) => data[name]!),
    );
    expect(out).toEqual(data);
    expect(() => assembleTree(head, columns, [])).toThrow("basins");
  });
});

it("takes the empty dict of a notebook without widget data for no surface", () => {
  expect(isSurface({})).toBe(false);
  expect(isSurface(null)).toBe(false);
});
