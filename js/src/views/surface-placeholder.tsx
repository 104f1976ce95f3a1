import type { Store } from "../model/store";
export const surfaceStyles = "";
export function SurfacePanel({ store }: { store: Store }) {
  return <div class="nbl-empty">{store.grid.value?.state}</div>;
}
