import { defineWidget } from "../host/define-widget";
import { createComparison } from "../model/comparison";
import { Comparison, styles } from "./comparison-widget";

export default defineWidget("comparison", Comparison, styles, createComparison);
