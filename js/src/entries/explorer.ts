import { defineWidget } from "../host/define-widget";
import { createStore } from "../model/create-store";
import { SurfaceExplorer, styles } from "./explorer-widget";

export default defineWidget("explorer", SurfaceExplorer, styles, createStore);
