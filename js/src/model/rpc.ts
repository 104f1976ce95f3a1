import type { Incoming } from "./protocol";

export interface Reply {
  result: unknown;
  buffers: DataView[];
}

/** Actions under way, by their id. */
export function createRpc(send: (content: unknown) => void) {
  const waiting = new Map<string, { resolve(reply: Reply): void; reject(error: Error): void }>();
  return {
    call(method: string, params: object): Promise<Reply> {
      const id = uuid();
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        try {
          send({ kind: "rpc", id, method, params });
        } catch (error) {
          waiting.delete(id);
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    },
    reply(message: Extract<Incoming, { kind: "reply" }>, buffers: DataView[]): void {
      const call = waiting.get(message.id);
      if (call === undefined) return;
      waiting.delete(message.id);
      if (message.ok) call.resolve({ result: message.result, buffers });
      else call.reject(new Error(message.error || "The kernel gave no reason."));
    },
    /** No answer will come. */
    drop(reason: string): void {
      for (const call of waiting.values()) call.reject(new Error(reason));
      waiting.clear();
    },
  };
}

/** `crypto.randomUUID` is missing on pages served over plain http. */
function uuid(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
