import type { AnyModel } from "../model/any-model";

/** A model as a host passes it, with the kernel's end in the hands of a test. */
export class MemoryModel implements AnyModel {
  readonly sent: unknown[] = [];
  /** What each save_changes() carried to the kernel. */
  readonly saved: Record<string, unknown>[] = [];
  private readonly pending: Record<string, unknown> = {};
  private readonly listeners = new Map<string, Set<(...args: never[]) => void>>();

  constructor(private readonly values: Record<string, unknown> = {}) {}

  get(name: string): unknown {
    return this.values[name];
  }

  set(name: string, value: unknown): void {
    this.values[name] = value;
    this.pending[name] = value;
    this.emit(`change:${name}`);
  }

  save_changes(): void {
    if (Object.keys(this.pending).length === 0) return;
    this.saved.push({ ...this.pending });
    for (const name of Object.keys(this.pending)) delete this.pending[name];
  }

  on(event: string, callback: (...args: never[]) => void): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(callback));
  }

  off(event?: string | null, callback?: ((...args: never[]) => void) | null): void {
    if (event != null && callback != null) this.listeners.get(event)?.delete(callback);
  }

  send(content: unknown): void {
    this.sent.push(content);
  }

  /** How many listeners are left. */
  get listening(): number {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }

  /** The kernel changes traits, all at once as `hold_sync` does. */
  fromKernel(values: Record<string, unknown>): void {
    Object.assign(this.values, values);
    for (const name of Object.keys(values)) this.emit(`change:${name}`);
  }

  /** The kernel sends a message. */
  message(content: unknown, buffers: DataView[] = []): void {
    this.emit("msg:custom", content, buffers);
  }

  private emit(event: string, ...args: unknown[]): void {
    for (const listener of this.listeners.get(event) ?? [])
      (listener as (...args: unknown[]) => void)(...args);
  }
}
