import { defineWidget } from "../host/define-widget";
import { Explorer, styles } from "./explorer-widget";

export default defineWidget("explorer", Explorer, styles);
