import type { Store } from "../../model/store";
import { coordinateAt, endsOf, type LiveVolume, type Place, placeOf } from "../../model/volume-data";
import { type CameraMoves, createCameraMoves } from "../canvas/camera-moves";
import type { Elements, Frames } from "../canvas/frames";
import { answerKey } from "../canvas/keyboard";
import { announce } from "../canvas/marked";
import type { Gestures } from "../canvas/pointer";
import { createPointing } from "../canvas/pointing";
import { num } from "../parts/format";
import type { Drawing } from "./drawing";
import { dragged } from "./grab";
import { type VolumeKey, volumeKey } from "./keyboard";
import { levelText, lowestOf, samePoint } from "./points";
import {
  change,
  firstSecond,
  isColored,
  levelOf,
  lossAt,
  nextMerge,
  positionOf,
  restingPlace,
  rounded,
  type Scale,
  secondOf,
  slicesOf,
} from "./state";
import type { VolumeUi } from "./ui";

const LEVEL_STEP = 0.01;

/** Without WebGL there are slices only, which are seen from one side. */
const STILL: CameraMoves = { rotate: () => undefined, pan: () => undefined, zoom: () => undefined };

/** What pointer and keys do to a volume. */
export function createVolumeGestures(
  store: Store,
  { canvas }: Elements,
  ui: VolumeUi,
  frames: Frames,
  drawing: Drawing,
) {
  const moves = ui.flat.peek() ? STILL : createCameraMoves(store, ui, frames, drawing.inset);
  const pointing = createPointing(store, canvas, ui, {
    markedAt: drawing.markedAt,
    placeAt(at) {
      const { volume } = drawing.read();
      const hit = volume && drawing.pickAt(at);
      if (!hit) return null;
      const [i, j, k] = hit.at.map(Math.round) as Place;
      return {
        vertex: (i * volume.shape[1] + j) * volume.shape[2] + k,
        coordinates: placeOf(volume, hit.at),
        loss: hit.value + volume.base,
        on: hit.on,
      };
    },
    selectionOf: ({ kind, vertex, place, loss }) => ({ kind, vertex, coordinates: place, loss }),
    isSelected: samePoint,
    announce: (point) => announce(point, point.place),
    holds: (at) => drawing.edgeAt(at) !== null,
  });
  let lastAxis: 0 | 1 | 2 = 2;

  const gestures: Gestures = {
    ...moves,
    grab(x, y) {
      const { volume } = drawing.read();
      const grip = drawing.edgeAt({ x, y });
      if (volume === null || grip === null) return null;
      const { axis } = grip;
      return (toX, toY) => {
        const index = dragged(grip, toX - x, toY - y, volume.shape[axis] - 1);
        setSlice(volume, axis, Number(coordinateAt(volume.axes[axis], index).toPrecision(5)));
      };
    },
    point(at) {
      ui.pointer.value = at;
      frames.point();
    },
    click(x, y) {
      if (drawing.read().volume) pointing.click({ x, y });
    },
    reset: pointing.reset,
    declined: () => {
      ui.declined.value++;
    },
  };

  function setLevel(loss: number): void {
    frames.keepMoving();
    change(store, { level: loss });
    store.announcement.value = levelText(store.tree.value, loss);
  }

  function switchSecond(of: LiveVolume): void {
    const second = secondOf(store) === null ? firstSecond(store, of) : null;
    change(store, { second });
    store.announcement.value =
      second === null ? "Second level off" : `Second: ${levelText(store.tree.value, second)}`;
  }

  function setSlice(of: LiveVolume, axis: 0 | 1 | 2, at: number | null): void {
    frames.keepMoving();
    lastAxis = axis;
    const slices = [...slicesOf(store)] as ReturnType<typeof slicesOf>;
    slices[axis] = at;
    change(store, { slices });
    const name = of.data.labels[axis];
    store.announcement.value = at === null ? `Slice along ${name} off` : `Slice at ${name} = ${num(at)}`;
  }

  function onKey(event: KeyboardEvent): void {
    const key = volumeKey(event);
    if (!key) return;
    event.preventDefault();
    event.stopPropagation();
    answer(key);
  }

  function answer(key: VolumeKey): void {
    const { volume, points, scale } = drawing.read();
    switch (key.do) {
      case "basins":
        store.setView({ basin_map: !isColored(store) });
        break;
      case "level":
        if (volume && scale) stepLevel(volume, scale, key.by);
        break;
      case "merge": {
        const next = volume && nextMerge(store, volume, key.by);
        if (next !== null) setLevel(next);
        break;
      }
      case "second":
        if (volume) switchSecond(volume);
        break;
      case "slice": {
        if (!volume) break;
        const on = slicesOf(store)[key.axis] !== null;
        setSlice(volume, key.axis, on ? null : restingPlace(volume, lowestOf(points), key.axis));
        break;
      }
      case "move":
        if (volume) moveSlice(volume, key.by);
        break;
      default:
        answerKey(key, store, ui.size.peek(), gestures, pointing, points);
    }
  }

  function stepLevel(of: LiveVolume, scale: Scale, by: number): void {
    const share = positionOf(scale, of, levelOf(store, of)) + by * LEVEL_STEP;
    setLevel(rounded(of, lossAt(scale, of, Math.min(1, Math.max(0, share)))));
  }

  function moveSlice(of: LiveVolume, by: number): void {
    const at = slicesOf(store)[lastAxis];
    if (at === null) return;
    const [low, high] = endsOf(of, lastAxis);
    const step = (high - low) / Math.max(40, of.shape[lastAxis] - 1);
    setSlice(of, lastAxis, Math.min(high, Math.max(low, at + by * step)));
  }

  function hover(): void {
    ui.on.value = pointing.hover()?.on ?? null;
  }

  return { gestures, onKey, hover };
}
