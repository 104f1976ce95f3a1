/**
 * Membership of the selected and the hovered basin as two bytes per vertex, blurred (1 4 6 4 1 in both
 * directions), so that its 0.5 line, drawn by the shader, is a smooth border without the grid's steps.
 * `scratch` has one byte per vertex.
 */
export function basinMask(
  basins: Int32Array,
  n0: number,
  n1: number,
  selected: number,
  hovered: number,
  out: Uint8Array,
  scratch: Uint8Array,
): void {
  channel(basins, n0, n1, selected, out, scratch, 0);
  channel(basins, n0, n1, hovered, out, scratch, 1);
}

function channel(
  basins: Int32Array,
  n0: number,
  n1: number,
  row: number,
  out: Uint8Array,
  scratch: Uint8Array,
  offset: number,
): void {
  const count = n0 * n1;
  if (row < 0) {
    for (let v = 0; v < count; v++) out[v * 2 + offset] = 0;
    return;
  }
  const member = (v: number) => (basins[v] === row ? 1 : 0);
  for (let i = 0; i < n0; i++) {
    const start = i * n1;
    const end = start + n1 - 1;
    for (let v = start; v <= end; v++) {
      const near = member(Math.max(start, v - 1)) + member(Math.min(end, v + 1));
      const far = member(Math.max(start, v - 2)) + member(Math.min(end, v + 2));
      scratch[v] = far + 4 * near + 6 * member(v);
    }
  }
  for (let i = 0; i < n0; i++) {
    const below = Math.max(0, i - 1) * n1;
    const above = Math.min(n0 - 1, i + 1) * n1;
    const lower = Math.max(0, i - 2) * n1;
    const upper = Math.min(n0 - 1, i + 2) * n1;
    for (let j = 0; j < n1; j++) {
      const near = scratch[below + j]! + scratch[above + j]!;
      const far = scratch[lower + j]! + scratch[upper + j]!;
      out[(i * n1 + j) * 2 + offset] = ((far + 4 * near + 6 * scratch[i * n1 + j]!) * 255) >> 8;
    }
  }
}
