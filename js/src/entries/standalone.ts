import { runStandalone } from "../host/standalone";
import { Explorer, styles } from "./explorer-widget";

runStandalone("explorer", Explorer, styles);
