import { batch, computed } from "@preact/signals";
import { isStatic, kernelState, onKernelEnd } from "./any-model";
import { createChecks } from "./checks";
import type { Answers, Core } from "./core-store";
import { messageOf } from "./failure";
import { idleStatus, isRunning } from "./lanes";
import { createPlane } from "./plane";
import type { Incoming, Method } from "./protocol";
import { createRpc } from "./rpc";
import { samplingKey } from "./spec";
import type { Abilities } from "./store";
import { assembleTree } from "./wire";

/** Without a sign of life for so long after a request, the kernel counts as busy. */
const PATIENCE_MS = 1000;
/** A kernel that says it is idle and still does not answer for so long has lost this model. */
const LOST_MS = 5000;

const LOST = "the kernel is gone, shown is its last state: run the cell again to compute more";

/** Answers from a kernel, or from the frames of an exported file; until they come, predictions. */
export function createAnswers(core: Core): Answers {
  const { model, spec, source, surface, treeData, grid, frames, kernel, lanes } = core;
  const plane = createPlane(core);
  const rpc = createRpc((content) => model.send(content));
  const checks = createChecks(surface, (vertex) => call("polish", { vertex }));
  let patience: ReturnType<typeof setTimeout> | undefined;

  const abilities = computed<Abilities>(() => {
    const alone = kernel.value === "none";
    const stills = frames.value > 1;
    const can = !alone || stills;
    const reason = can
      ? ""
      : isStatic(model)
        ? "This file holds one precomputed view. Open the notebook with a kernel to compute others."
        : "No kernel is connected. Run the cell again to compute other views.";
    return {
      axes: can && (source.value?.can_choose_axes ?? false),
      resample: can && (source.value?.can_resample ?? false),
      actions: !alone,
      reason,
    };
  });

  const canCheck = computed(() => {
    const { data } = grid.value ?? {};
    const kept = data !== undefined && data === surface.value;
    return kept && kernel.value !== "none" && source.value?.kind === "objective";
  });

  function alive(): void {
    clearTimeout(patience);
    patience = undefined;
    const { value: status } = lanes.surface;
    if (status.message === LOST) lanes.surface.value = { ...status, message: "" };
    if (kernel.value === "busy" || (kernel.value === "none" && !isStatic(model))) kernel.value = "live";
  }

  function takeStatus(status: Parameters<Answers["takeStatus"]>[0]): void {
    const lane = lanes.of(status.lane);
    if (lane === lanes.surface && status.id < plane.epoch && status.phase !== "error") return;
    lane.value = status;
    if (lane === lanes.action && !isRunning(status)) plane.restoreSpectrum();
  }

  function receive(message: Incoming, buffers: DataView[] = []): void {
    alive();
    batch(() => {
      switch (message.kind) {
        case "begin":
          plane.begin(message);
          break;
        case "tile":
          plane.tile(message, buffers);
          break;
        case "tree":
          if (message.id >= plane.epoch)
            treeData.value = assembleTree(message.tree, message.columns, buffers);
          break;
        case "progress":
          takeStatus(message.status);
          break;
        case "spectrum":
          core.takeSpectrum(message.spectrum);
          break;
        case "reply":
          rpc.reply(message, buffers);
          break;
      }
    });
  }

  function outOfPatience(): void {
    const state = kernelState(model);
    kernel.value = state === "none" ? "none" : "busy";
    patience = state === "idle" ? setTimeout(giveUp, LOST_MS - PATIENCE_MS) : undefined;
  }

  function giveUp(): void {
    patience = undefined;
    if (kernelState(model) !== "idle") return;
    lose();
  }

  /** Nothing more will come; what is shown stays. */
  function lose(): void {
    clearTimeout(patience);
    patience = undefined;
    batch(() => {
      kernel.value = "none";
      lanes.surface.value = { ...idleStatus("surface"), message: LOST };
      lanes.spectrum.value = idleStatus("spectrum");
      lanes.action.value = idleStatus("action");
    });
    rpc.drop("The kernel ended before it answered.");
  }

  function call(method: Method, params: object) {
    return kernel.value === "none"
      ? Promise.reject(new Error(abilities.value.reason || "No kernel is connected."))
      : rpc.call(method, params);
  }

  /** A message that cannot be read must be seen, not only logged. */
  const onMessage = (message: Incoming, buffers?: DataView[]) => {
    try {
      receive(message, buffers);
    } catch (error) {
      const text = messageOf(error);
      lanes.surface.value = {
        ...lanes.surface.value,
        phase: "error",
        message: `Unreadable message: ${text}`,
      };
      console.error("[nblandscape]", error);
    }
  };

  const unwatch = isStatic(model) ? undefined : onKernelEnd(model, lose);

  return {
    abilities,
    canCheck,
    matching: plane.matching,
    began: plane.began,
    adopted: plane.adopted,
    asked(next, before): void {
      if (before === null || kernel.value === "none") return;
      // What was cancelled is computed with whatever is asked for next.
      if (samplingKey(before) === samplingKey(next) && lanes.surface.value.phase !== "cancelled") return;
      lanes.surface.value = { ...idleStatus("surface"), id: next.id, phase: "queued" };
      patience ??= setTimeout(outOfPatience, PATIENCE_MS);
    },
    tookSpectrum: plane.tookSpectrum,
    takeSurface: plane.takeSurface,
    takeStatus,
    alive,
    start(): void {
      model.on("msg:custom", onMessage);
      const running = [lanes.surface, lanes.spectrum, lanes.action].some((lane) => isRunning(lane.value));
      if (running && !isStatic(model)) model.send({ kind: "resync" });
    },
    cancel(): void {
      const current = spec.value;
      if (kernel.value === "none") return;
      const upto = current?.id ?? 0;
      model.send({ kind: "cancel", upto });
      if (kernel.value === "busy" || lanes.surface.value.phase === "queued") {
        lanes.surface.value = { ...lanes.surface.value, phase: "cancelled", message: "" };
        alive();
      }
    },
    rpc: call,
    checkOf: checks.of,
    check: (vertex) => void checks.start(vertex),
    dispose(): void {
      clearTimeout(patience);
      unwatch?.();
      rpc.drop("The view was closed before the kernel answered.");
      model.off("msg:custom", onMessage as (...args: never[]) => void);
    },
  };
}
