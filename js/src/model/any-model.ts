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

interface Signal {
  connect(callback: (sender: unknown, value: unknown) => void): unknown;
  disconnect(callback: (sender: unknown, value: unknown) => void): unknown;
}

interface Manager {
  kernel?: { status?: string; statusChanged?: Signal; disposed?: Signal } | null;
}

const managerOf = (model: AnyModel) => model.widget_manager as Manager | null | undefined;

const ENDS = ["restarting", "autorestarting", "terminating", "dead"];

/**
 * Calls back when the kernel restarts or ends, where the host tells it: what it knew of the model is lost then,
 * also if it comes back. Returns how to stop.
 */
export function onKernelEnd(model: AnyModel, end: () => void): () => void {
  const { statusChanged, disposed } = managerOf(model)?.kernel ?? {};
  const onStatus = (_: unknown, status: unknown) => {
    if (ENDS.includes(String(status))) end();
  };
  statusChanged?.connect(onStatus);
  disposed?.connect(end);
  return () => {
    statusChanged?.disconnect(onStatus);
    disposed?.disconnect(end);
  };
}

/** State of the kernel behind the model where the host tells it (JupyterLab, Notebook 7). */
export function kernelState(model: AnyModel): "none" | "busy" | "idle" | "unknown" {
  const manager = managerOf(model);
  if (manager == null || !("kernel" in manager)) return "unknown";
  if (manager.kernel == null || manager.kernel.status === "dead") return "none";
  return manager.kernel.status === "idle" ? "idle" : "busy";
}
