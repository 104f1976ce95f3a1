/** Colour maps as tables, shared by the shader, the fallback and the colour bar. */

export type ColormapName = "viridis" | "cividis" | "inferno";

export const COLORMAPS: readonly ColormapName[] = ["viridis", "cividis", "inferno"];

/** 33 equidistant sRGB stops of Matplotlib's (CC0) maps; linear between them is within 2/255 (cividis: 6/255). */
const STOPS: Record<ColormapName, string> = {
  viridis:
    "440154470d6048186a482374472d7b4536814240863f49893b528b375a8d33638d2f6a8e2c728e297a8e26818e23898e21908c" +
    "1f988b1f9f8821a68528ae8031b57b3ebc744cc26c5dc9636ece5882d34c96d83fabdc32c0df24d5e21aeae51afde725",
  cividis:
    "00224e00285b002e6a0433711a386f273e6e32436d3b496c434e6c4b546c52596d5a5f6e61656f686a716f70737576767c7b78" +
    "8481798b8778938d789b9376a39a75aba072b3a670bbad6cc3b469ccba64d4c15fddc958e6d051efd748f8df3cfee838",
  inferno:
    "0000040403120b0724150b37210c4a2e0a5a3c09654a0c6b57106d63146e70196e7d1e6d89226a962766a32b61af315cbb3755" +
    "c63e4dd14644db4f3be35932eb6528f1711ef67f14f98d0afb9c06fcab0ffbba1ff9ca32f5d949f2e865f3f586fcffa4",
};

export const LUT_SIZE = 256;

const tables = new Map<ColormapName, Uint8Array>();

/** LUT_SIZE RGB triples, low to high. */
export function lut(name: ColormapName): Uint8Array {
  const known = tables.get(name);
  if (known) return known;
  const hex = STOPS[name];
  const stops = hex.length / 6;
  const channel = (stop: number, c: number) =>
    Number.parseInt(hex.slice(stop * 6 + c * 2, stop * 6 + c * 2 + 2), 16);
  const table = new Uint8Array(LUT_SIZE * 3);
  for (let i = 0; i < LUT_SIZE; i++) {
    const at = (i / (LUT_SIZE - 1)) * (stops - 1);
    const low = Math.min(Math.floor(at), stops - 2);
    for (let c = 0; c < 3; c++) {
      const value = channel(low, c) * (low + 1 - at) + channel(low + 1, c) * (at - low);
      table[i * 3 + c] = Math.round(value);
    }
  }
  tables.set(name, table);
  return table;
}

/** CSS colour at `t` in 0…1. */
export function cssColor(name: ColormapName, t: number): string {
  const at = Math.round(Math.min(1, Math.max(0, t)) * (LUT_SIZE - 1)) * 3;
  const table = lut(name);
  return `rgb(${table[at]} ${table[at + 1]} ${table[at + 2]})`;
}

/** CSS gradient from low to high, for a colour bar. `direction` as in CSS, e.g. "to top". */
export function cssGradient(name: ColormapName, direction: string): string {
  const stops = Array.from({ length: 17 }, (_, i) => cssColor(name, i / 16));
  return `linear-gradient(${direction}, ${stops.join(", ")})`;
}
