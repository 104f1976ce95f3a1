import { defineWidget } from "../host/define-widget";
import { createStore } from "../model/create-store";
import { Explorer, styles } from "./explorer-widget";

export default defineWidget("explorer", Explorer, styles, createStore);
