import { runStandalone } from "../host/standalone";
import { styles, VolumeExplorer } from "./volume-explorer-widget";

runStandalone("volume_explorer", VolumeExplorer, styles);
