import { defineWidget } from "../host/define-widget";
import { createStillStore } from "../model/still";
import { controlsStyles } from "../views/controls";
import { single, singleStyles } from "../views/single";
import { surfaceStyles } from "../views/surface";
import { VolumePanel, volumeStyles } from "../views/volume";

export default defineWidget(
  "volume",
  single(VolumePanel),
  [surfaceStyles, controlsStyles, volumeStyles, singleStyles],
  createStillStore,
);
