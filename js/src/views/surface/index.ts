import surfaceStyles from "./surface.css";
import surfaceToolStyles from "./tools.css";

export { SurfacePanel } from "./surface-panel";
/** Style sheet text; the host adopts it into the view's shadow root. */
export { surfaceStyles, surfaceToolStyles };
