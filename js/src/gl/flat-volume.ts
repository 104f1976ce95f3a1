import { createHeightMap, fraction, setHeightMap } from "./height-map";
import { lut } from "./luts";
import { css } from "./paint-box";
import { sliceOf, trilinear, type VolumeGrid, type VolumeLook } from "./volume";
import type { VolumeHit } from "./volume-pick";

/** What the maps need of a volume beside its field. */
interface FlatSource extends VolumeGrid {
  labels: readonly string[];
  /** Texts at both ends of each axis. */
  ends: readonly (readonly [string, string])[];
}

interface Place {
  axis: number;
  /** Index of the plane along its axis. */
  where: number;
  x: number;
  y: number;
  size: number;
}

export interface MarkedPoint {
  kind: string;
  at: readonly [number, number, number];
  /** Selected or pointed at. */
  lit?: boolean;
}

/** Points within this share of the grid of a plane are drawn on it. */
const NEAR = 0.06;
const PIXELS = 220;

/** Without WebGL2: the three planes through the slices, or through a point, as maps. */
export interface FlatVolume {
  setVolume(volume: FlatSource): void;
  /** `through`: the point that planes go through where there is no slice. */
  draw(
    look: VolumeLook,
    target: CanvasRenderingContext2D,
    points: readonly MarkedPoint[],
    through: MarkedPoint["at"] | null,
  ): void;
  pick(px: number, py: number): VolumeHit | null;
  /** Where a point is drawn, on the first map that it is on. */
  spotOf(at: MarkedPoint["at"]): [number, number] | null;
  markerAt<P extends MarkedPoint>(px: number, py: number, points: readonly P[]): P | null;
}

export function createFlatVolume(): FlatVolume {
  const picture = document.createElement("canvas");
  picture.width = picture.height = PIXELS;
  const map = createHeightMap();
  let volume: FlatSource | null = null;
  let places: Place[] = [];
  let planes: Float32Array[] = [];
  let ratio = 1;

  const others = (axis: number): [number, number] => (axis === 0 ? [1, 2] : axis === 1 ? [0, 2] : [0, 1]);

  /** In as many columns as make the maps largest. */
  function layout(look: VolumeLook, of: FlatSource, through: MarkedPoint["at"] | null): void {
    ratio = look.pixelRatio;
    const gap = 34 * ratio;
    const top = look.inset[0];
    const [width, height] = [look.width - look.inset[1], look.height - top];
    const sizes = [1, 2, 3].map((columns) =>
      Math.min((width - 0.4 * gap) / columns, (height - 0.4 * gap) / Math.ceil(3 / columns)),
    );
    const columns = sizes.indexOf(Math.max(...sizes)) + 1;
    const step = sizes[columns - 1]!;
    const left = (width - columns * step + gap) / 2;
    const above = top + (height - Math.ceil(3 / columns) * step) / 2;
    places = [2, 1, 0].map((axis, k) => ({
      axis,
      where: look.slices[axis] ?? through?.[axis] ?? (of.shape[axis]! - 1) / 2,
      x: left + (k % columns) * step,
      y: above + Math.floor(k / columns) * step,
      size: Math.max(8, step - 1.1 * gap),
    }));
  }

  /** One plane as pixels, bilinear; what lies inside the level is bright. */
  function paint(look: VolumeLook, of: FlatSource, place: Place, plane: Float32Array): void {
    const context = picture.getContext("2d");
    if (context === null) return;
    const [u, v] = others(place.axis);
    const [rows, columns] = [of.shape[u]!, of.shape[v]!];
    const image = context.createImageData(PIXELS, PIXELS);
    const table = lut(look.colormap);
    const level = fraction(map, look.level);
    const outer = fraction(map, look.outer);
    const lines = look.contours ? look.levels.map((z) => fraction(map, z)) : [];
    const below = new Float32Array(PIXELS);
    for (let py = PIXELS - 1; py >= 0; py--) {
      const gy = (1 - (py + 0.5) / PIXELS) * (columns - 1);
      const j = Math.min(columns - 2, Math.floor(gy));
      let left = Number.NaN;
      for (let px = 0; px < PIXELS; px++) {
        const gx = ((px + 0.5) / PIXELS) * (rows - 1);
        const i = Math.min(rows - 2, Math.floor(gx));
        const [fx, fy, at] = [gx - i, gy - j, i * columns + j];
        const value =
          (plane[at]! * (1 - fx) + plane[at + columns]! * fx) * (1 - fy) +
          (plane[at + 1]! * (1 - fx) + plane[at + columns + 1]! * fx) * fy;
        const t = fraction(map, value);
        const before = Number.isNaN(left) ? t : left;
        const under = py === PIXELS - 1 || Number.isNaN(below[px]!) ? t : below[px]!;
        left = below[px] = t;
        if (Number.isNaN(t)) continue;
        const crosses = (line: number) => t > line !== before > line || t > line !== under > line;
        const color = 3 * Math.round(Math.min(1, Math.max(0, t)) * 255);
        const shade = lines.some(crosses) ? 0.72 : 1;
        const out = (py * PIXELS + px) * 4;
        const edge = crosses(level) || crosses(outer);
        for (let k = 0; k < 3; k++) {
          const plain = table[color + k]! * shade;
          image.data[out + k] = edge
            ? 255
            : t <= level
              ? plain
              : 0.62 * plain + 0.38 * 255 * look.background[k]!;
        }
        image.data[out + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  }

  const onMap = (place: Place, at: readonly number[], of: FlatSource): [number, number] => {
    const [u, v] = others(place.axis);
    return [
      place.x + (at[u]! / (of.shape[u]! - 1)) * place.size,
      place.y + (1 - at[v]! / (of.shape[v]! - 1)) * place.size,
    ];
  };
  const isNear = (place: Place, at: readonly number[], of: FlatSource): boolean =>
    Math.abs(at[place.axis]! - place.where) <= NEAR * (of.shape[place.axis]! - 1);

  return {
    setVolume(next) {
      volume = next;
      planes = [0, 1, 2].map((axis) => {
        const [u, v] = others(axis);
        return new Float32Array(next.shape[u]! * next.shape[v]!);
      });
    },
    draw(look, target, points, through) {
      if (volume === null) return;
      const { labels, ends } = volume;
      setHeightMap(map, look.heights);
      layout(look, volume, through);
      target.setTransform(1, 0, 0, 1, 0, 0);
      target.clearRect(0, 0, look.width, look.height);
      const ink = css(look.ink);
      for (const place of places) {
        sliceOf(volume, place.axis, place.where, planes[place.axis]!);
        paint(look, volume, place, planes[place.axis]!);
        target.drawImage(picture, place.x, place.y, place.size, place.size);
        target.strokeStyle = target.fillStyle = ink;
        target.lineWidth = ratio;
        target.strokeRect(place.x, place.y, place.size, place.size);
        target.font = `${11 * ratio}px sans-serif`;
        const { x, y, size } = place;
        const along = (axis: number, y: number) => {
          const [low, high] = ends[axis]!;
          const room = size - target.measureText(`${low} ${high} →  `).width;
          const label = labels[axis]!;
          const short = label.replace(/ \(.*\)$/, "").split(" ");
          target.textAlign = "center";
          target.fillText(`${target.measureText(label).width < room ? label : short.pop()} →`, size / 2, y);
          if (room <= 0) return;
          target.textAlign = "left";
          target.fillText(low, 0, y);
          target.textAlign = "right";
          target.fillText(high, size, y);
        };
        const [u, v] = others(place.axis);
        target.save();
        target.translate(x, y + size);
        along(u, 15 * ratio);
        target.rotate(-Math.PI / 2);
        along(v, -8 * ratio);
        target.restore();
        target.textAlign = "center";
        target.font = `${15 * ratio}px sans-serif`;
        target.strokeStyle = css(look.background);
        target.lineWidth = 3 * ratio;
        target.lineJoin = "round";
        for (const { kind, at, lit } of points) {
          if (!isNear(place, at, volume)) continue;
          const [x, y] = onMap(place, at, volume);
          const glyph = kind === "minimum" ? "▼" : kind === "saddle" ? "✕" : kind === "point" ? "●" : "★";
          target.strokeText(glyph, x, y + 5 * ratio);
          target.fillText(glyph, x, y + 5 * ratio);
          if (lit !== true) continue;
          target.beginPath();
          target.arc(x, y, 11 * ratio, 0, 2 * Math.PI);
          target.stroke();
          target.lineWidth = 1.5 * ratio;
          target.strokeStyle = ink;
          target.stroke();
          target.lineWidth = 3 * ratio;
          target.strokeStyle = css(look.background);
        }
      }
    },
    pick(px, py) {
      if (volume === null) return null;
      for (const place of places) {
        const [a, b] = [(px - place.x) / place.size, 1 - (py - place.y) / place.size];
        if (!(a >= 0 && b >= 0 && a <= 1 && b <= 1)) continue;
        const [u, v] = others(place.axis);
        const at: [number, number, number] = [0, 0, 0];
        at[place.axis] = place.where;
        at[u] = a * (volume.shape[u]! - 1);
        at[v] = b * (volume.shape[v]! - 1);
        const value = trilinear(volume, ...at);
        return Number.isNaN(value) ? null : { at, value, on: "slice", axis: place.axis };
      }
      return null;
    },
    spotOf(at) {
      const of = volume;
      const place = of && places.find((one) => isNear(one, at, of));
      return place ? onMap(place, at, of!) : null;
    },
    markerAt(px, py, points) {
      if (volume === null) return null;
      for (const place of places) {
        for (const p of points) {
          if (!isNear(place, p.at, volume)) continue;
          const [x, y] = onMap(place, p.at, volume);
          if (Math.hypot(x - px, y - py) < 12 * ratio) return p;
        }
      }
      return null;
    },
  };
}
