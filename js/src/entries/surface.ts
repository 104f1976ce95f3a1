import { defineWidget } from "../host/define-widget";
import { createStore } from "../model/create-store";
import { single, singleStyles } from "../views/single";
import { SurfacePanel, surfaceStyles, surfaceToolStyles } from "../views/surface";

export default defineWidget(
  "surface",
  single(SurfacePanel),
  [surfaceStyles, surfaceToolStyles, singleStyles],
  createStore,
);
