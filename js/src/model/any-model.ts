/** What we use of the model that any anywidget host passes to `initialize` and `render`. */
export interface AnyModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event?: string | null, callback?: ((...args: never[]) => void) | null): void;
  send(content: unknown, callbacks?: unknown, buffers?: unknown[]): void;
  widget_manager?: unknown;
}

/** The model of an exported file; no kernel is behind it. */
export interface FramedModel extends AnyModel {
  readonly isStatic: true;
}

export const isStatic = (model: AnyModel): model is FramedModel =>
  (model as Partial<FramedModel>).isStatic === true;

/** State of the kernel behind the model where the host tells it (JupyterLab, Notebook 7). */
export function kernelState(model: AnyModel): "none" | "busy" | "idle" | "unknown" {
  const manager = model.widget_manager as { kernel?: { status?: string } | null } | undefined;
  if (manager == null || !("kernel" in manager)) return "unknown";
  if (manager.kernel == null || manager.kernel.status === "dead") return "none";
  return manager.kernel.status === "idle" ? "idle" : "busy";
}
