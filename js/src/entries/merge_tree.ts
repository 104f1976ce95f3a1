import { defineWidget } from "../host/define-widget";
import { MergeTreePanel, mergeTreeStyles } from "../views/merge-tree";
import { single, singleStyles } from "../views/single";

export default defineWidget("merge_tree", single(MergeTreePanel), [mergeTreeStyles, singleStyles]);
