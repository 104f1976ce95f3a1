import { runStandalone } from "../host/standalone";
import { createComparison } from "../model/comparison";
import { Comparison, styles } from "./comparison-widget";

runStandalone("comparison", Comparison, styles, createComparison);
