import { defineWidget } from "../host/define-widget";
import { createStore } from "../model/create-store";
import { styles, VolumeExplorer } from "./volume-explorer-widget";

export default defineWidget("volume_explorer", VolumeExplorer, styles, createStore);
