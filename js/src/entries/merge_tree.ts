import { defineWidget } from "../host/define-widget";
import { single, singleStyles } from "../views/single";
import { MergeTreePanel, mergeTreeStyles, topologyStyles } from "../views/topology";

export default defineWidget("merge_tree", single(MergeTreePanel), [
  mergeTreeStyles,
  topologyStyles,
  singleStyles,
]);
