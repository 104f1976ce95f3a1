import type { Store } from "../../model/store";
import { download } from "../parts/download";

interface Written {
  size: number;
  frames: number;
  dropped: number;
}

/** Asks the kernel for the offline file, hands it to the browser, and tells what is in it. */
export async function saveHtml(store: Store, sliders: boolean): Promise<string> {
  const { result, buffers } = await store.rpc("html", sliders ? { frames: "sliders" } : {});
  if (buffers.length === 0) throw new Error("The kernel's answer holds no file.");
  download("landscape.html", "text/html", buffers as BlobPart[]);
  return describeFile(result as Written);
}

/** Size and number of views, as `Page.message` in Python. */
export function describeFile({ size, frames, dropped }: Written): string {
  const big = size < 999.5e3 ? `${(size / 1e3).toFixed(0)} kB` : `${(size / 1e6).toFixed(1)} MB`;
  const views = frames === 1 ? "1 view" : `${frames} views`;
  return `${big}, ${views}${dropped > 0 ? `, ${dropped} more left out` : ""}`;
}
