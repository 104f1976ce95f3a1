/**
 * Membership of the selected and the hovered basin as two bytes per vertex, slightly blurred (1 2 1 in
 * both directions), so that its 0.5 line, drawn by the shader, is a smooth border.
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
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      const v = i * n1 + j;
      const left = basins[j > 0 ? v - 1 : v] === row ? 1 : 0;
      const right = basins[j < n1 - 1 ? v + 1 : v] === row ? 1 : 0;
      scratch[v] = left + right + (basins[v] === row ? 2 : 0);
    }
  }
  for (let i = 0; i < n0; i++) {
    const below = i > 0 ? -n1 : 0;
    const above = i < n0 - 1 ? n1 : 0;
    for (let j = 0; j < n1; j++) {
      const v = i * n1 + j;
      const sum = scratch[v + below]! + scratch[v + above]! + 2 * scratch[v]!;
      out[v * 2 + offset] = (sum * 255) >> 4;
    }
  }
}
