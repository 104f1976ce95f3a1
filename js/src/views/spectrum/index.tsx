import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { messageOf } from "../../model/failure";
import { isRunning } from "../../model/lanes";
import type { SpectrumData } from "../../model/protocol";
import { eigenLabel, resolveIndex, signedIndex } from "../../model/spec";
import type { Store } from "../../model/store";
import { num, reasonOf, whole } from "../parts/format";
import { Icon } from "../parts/icon";
import * as icons from "../parts/icons";
import { Slider } from "../parts/slider";
import { Term } from "../parts/term";
import { useSpec } from "../parts/use-spec";
import { assign } from "./choose";
import { Stems } from "./stems";

export { default as spectrumStyles } from "./spectrum.css";

/** The eigenvalues, and which of them span the plane that is shown. */
export function SpectrumPanel({ store, children }: { store: Store; children?: ComponentChildren }) {
  const spectrum = store.spectrum.value;
  const status = store.spectrumStatus.value;
  const running = isRunning(status);
  const shown = spectrum !== null && spectrum.values.length > 0 ? spectrum : null;
  const shade = useComputed(() => store.view.value.density !== false).value;
  return (
    <section class="nbl nbl-spectrum" aria-label="Spectrum of the Hessian">
      <header class="nbl-panel-head">
        <h3 class="nbl-panel-title">
          <Term of="hessian">Spectrum</Term>
        </h3>
        <Headline spectrum={shown} running={running} done={status.done} />
        <span class="nbl-spacer" />
        {shown?.density && (
          <button
            type="button"
            class="nbl-button nbl-small"
            aria-pressed={shade}
            data-term="density"
            onClick={() => store.setView({ density: !shade })}
          >
            density
          </button>
        )}
        {shown !== null && store.source.value !== null && (
          <MoreButton store={store} spectrum={shown} running={running} />
        )}
      </header>
      {shown === null ? (
        <div class="nbl-empty">
          {running ? (
            <>
              <span class="nbl-spinner" />
              <span>The eigenvalues appear here.</span>
            </>
          ) : (
            <span class={status.phase === "error" ? "nbl-empty-reason" : undefined}>
              {status.phase === "error" ? reasonOf(status.message) : "No eigenpairs were computed."}
            </span>
          )}
        </div>
      ) : (
        <>
          <Stems store={store} spectrum={shown} shade={shade} />
          {store.source.value?.can_choose_axes && (
            <div class="nbl-axis-rows">
              <AxisRow store={store} spectrum={shown} which={0} />
              <AxisRow store={store} spectrum={shown} which={1} />
            </div>
          )}
          {children}
        </>
      )}
    </section>
  );
}

interface HeadlineProps {
  spectrum: SpectrumData | null;
  running: boolean;
  done: number;
}

function Headline({ spectrum, running, done }: HeadlineProps) {
  const products = Math.max(running ? done : 0, spectrum?.products ?? 0);
  const open = spectrum?.resolved.filter((r) => !r).length ?? 0;
  const computed = !running && spectrum !== null;
  if (!running && !computed) return <span class="nbl-panel-note" />;
  return (
    <span class="nbl-panel-note">
      {computed && (
        <span key="pairs">
          {spectrum.values.length} <Term of="eigenpair">eigenpairs</Term>
          {" · "}
        </span>
      )}
      <span key="cost">
        {whole(products)} <Term of="product">{products === 1 ? "product" : "products"}</Term>
      </span>
      {running && <span key="so-far"> so far</span>}
      {computed && open > 0 && (
        <span key="open">
          {" · "}
          {open} <Term of="resolved">not resolved</Term>
        </span>
      )}
    </span>
  );
}

function MoreButton({
  store,
  spectrum,
  running,
}: {
  store: Store;
  spectrum: SpectrumData;
  running: boolean;
}) {
  const [waiting, setWaiting] = useState(false);
  const [failure, setFailure] = useState("");
  const { actions, reason } = store.abilities.value;
  const ask = async () => {
    setWaiting(true);
    setFailure("");
    try {
      await store.rpc("eigenpairs", { largest: spectrum.largest + 2, smallest: spectrum.smallest + 2 });
    } catch (error) {
      setFailure(messageOf(error));
    } finally {
      setWaiting(false);
    }
  };
  const busy = waiting || running;
  return (
    <>
      {failure !== "" && (
        <span class="nbl-inline-error" role="alert" title={failure}>
          {failure}
        </span>
      )}
      <button
        type="button"
        class="nbl-button nbl-small nbl-button-line"
        disabled={!actions || busy}
        title={actions ? "Compute two more eigenpairs at each end" : reason}
        onClick={ask}
      >
        {busy ? <span class="nbl-spinner nbl-spinner-small" /> : <Icon path={icons.plus} />}
        more
      </button>
    </>
  );
}

/** Steps through the eigenvectors for one axis. */
function AxisRow({ store, spectrum, which }: { store: Store; spectrum: SpectrumData; which: 0 | 1 }) {
  const index = useSpec(store, ({ axes }) => axes[which]) ?? 0;
  const { axes: enabled, reason } = store.abilities.value;
  const position = Math.max(0, resolveIndex(index, spectrum.values.length));
  const value = spectrum.values[position] ?? 0;
  const role = which === 0 ? "x" : "y";
  return (
    <div class="nbl-axis-row" data-nbl-drop={role}>
      <span class="nbl-chip">{role}</span>
      <Slider
        value={position}
        min={0}
        max={spectrum.values.length - 1}
        step={1}
        label={`Eigenvector of the ${which === 0 ? "first" : "second"} axis`}
        valueText={`${eigenLabel(index)}, eigenvalue ${num(value)}`}
        disabled={!enabled}
        title={enabled ? "Step through the eigenvectors" : reason}
        onDrag={(i) => {
          const spec = store.spec.value;
          if (spec === null) return;
          const change = assign(spec, role, signedIndex(i, spectrum));
          if (change !== null) store.request(change, { transient: true });
        }}
        onSettle={() => store.settle()}
      />
      <output class="nbl-axis-value nbl-select-text">
        {eigenLabel(index)}
        <span class="nbl-axis-equals"> =</span> {num(value, 3)}
      </output>
    </div>
  );
}
