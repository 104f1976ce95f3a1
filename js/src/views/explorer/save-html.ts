import type { Store } from "../../model/store";

interface Export {
  filename?: string;
  html?: string;
}

/** Asks the kernel for the offline file and hands it to the browser. */
export async function saveHtml(store: Store): Promise<void> {
  const { result, buffers } = await store.rpc("html", {});
  const { filename = "landscape.html", html } = (result ?? {}) as Export;
  const parts: BlobPart[] = html !== undefined ? [html] : buffers.map((b) => b as unknown as BlobPart);
  if (parts.length === 0) throw new Error("The kernel's answer holds no file.");
  const url = URL.createObjectURL(new Blob(parts, { type: "text/html" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
