import { runStandalone } from "../host/standalone";
import { SurfaceExplorer, styles } from "./explorer-widget";

runStandalone("explorer", SurfaceExplorer, styles);
