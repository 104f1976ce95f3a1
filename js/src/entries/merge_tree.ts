import { defineWidget } from "../host/define-widget";
import { createStillStore } from "../model/still";
import { single, singleStyles } from "../views/single";
import { MergeTreePanel, mergeTreeStyles, topologyStyles } from "../views/topology";

export default defineWidget(
  "merge_tree",
  single(MergeTreePanel),
  [mergeTreeStyles, topologyStyles, singleStyles],
  createStillStore,
);
