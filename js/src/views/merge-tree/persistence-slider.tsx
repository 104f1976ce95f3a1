import { useMemo, useRef } from "preact/hooks";
import type { LiveTree, Store } from "../../model/store";
import { float64, int32 } from "../../model/wire";
import { count, num } from "../parts/format";
import { NumberField } from "../parts/number-field";
import { Slider } from "../parts/slider";
import { Term } from "../parts/term";
import { useSize } from "../parts/use-size";
import { useSpec } from "../parts/use-spec";
import { thresholdScale } from "./threshold-scale";

const HEIGHT = 26;
const THUMB = 7;

/** Persistences of all branches that can be merged away, falling. */
export function persistences(trees: readonly LiveTree[]): number[] {
  const out: number[] = [];
  for (const { tree } of trees) {
    const [birth, death, parent] = [float64(tree.birth), float64(tree.death), int32(tree.parent)];
    for (let row = 0; row < birth.length; row++) if (parent[row]! >= 0) out.push(death[row]! - birth[row]!);
  }
  return out.sort((a, b) => b - a);
}

/** How many minima are left at each threshold, as a path; one step per pixel is enough. */
function countCurve(
  values: readonly number[],
  total: number,
  span: number,
  position: (p: number) => number,
): string {
  const roots = total - values.length;
  const y = (n: number) => HEIGHT - 2 - ((HEIGHT - 6) * Math.log1p(n)) / Math.log1p(Math.max(total, 2));
  let path = `M${THUMB + span},${y(roots)}`;
  let last = "";
  values.forEach((p, i) => {
    const at = (THUMB + span * position(p)).toFixed(1);
    if (at !== last) path += `V${y(roots + i).toFixed(1)}H${at}`;
    last = at;
  });
  return `${path}V${y(total).toFixed(1)}H${THUMB}`;
}

/** The threshold of a tree. */
export function PersistenceSlider({ store, tree }: { store: Store; tree: LiveTree }) {
  const values = useMemo(() => persistences([tree]), [tree.tree]);
  return (
    <ThresholdSlider
      store={store}
      values={values}
      total={tree.total}
      shown={tree.branches.length}
      proposal={tree.proposal}
    />
  );
}

interface ThresholdProps {
  store: Store;
  /** See `persistences`. */
  values: readonly number[];
  /** How many minima there are, and how many are left at the present threshold. */
  total: number;
  shown: number;
  proposal?: LiveTree["proposal"] | undefined;
}

/** The threshold, below a curve of how many minima are left at each. */
export function ThresholdSlider({ store, values, total, shown, proposal }: ThresholdProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width] = useSize(box);
  const threshold = useSpec(store, (spec) => spec.threshold) ?? 0;
  const span = Math.max(width - 2 * THUMB, 1);
  const scale = useMemo(() => thresholdScale(values, values[0] ?? 0), [values]);
  const curve = useMemo(() => countCurve(values, total, span, scale.toPosition), [values, span]);
  const x = (p: number) => THUMB + span * scale.toPosition(p);
  const disabled = values.length === 0;
  return (
    <div class="nbl-persistence">
      <div class="nbl-persistence-plot" ref={box}>
        {width > 0 && (
          <svg width={width} height={HEIGHT} aria-hidden="true">
            <path class="nbl-persistence-area" d={`${curve}V${HEIGHT}H${THUMB + span}Z`} />
            <path class="nbl-persistence-curve" d={curve} />
            <line class="nbl-persistence-cut" x1={x(threshold)} x2={x(threshold)} y1={0} y2={HEIGHT} />
            {proposal && (
              <path class="nbl-proposed-tick" d={`M${x(proposal.value).toFixed(1)},7l-4.5,-7h9Z`} />
            )}
          </svg>
        )}
        <Slider
          value={scale.toPosition(threshold) * 1000}
          min={0}
          max={1000}
          step={1}
          label="Persistence threshold"
          valueText={`${num(threshold)}: ${count(shown, "minimum", "minima")} of ${total} shown`}
          disabled={disabled}
          title="Minima shallower than this are merged into their neighbours"
          onDrag={(p) => store.request({ threshold: scale.toThreshold(p / 1000) }, { transient: true })}
          onSettle={() => store.settle()}
        />
      </div>
      <div class="nbl-persistence-value">
        <span class="nbl-panel-note">
          <Term of="threshold">Persistence</Term> ≥
        </span>
        <NumberField
          value={threshold}
          label="Persistence threshold"
          min={0}
          disabled={disabled}
          onCommit={(value) => store.request({ threshold: value })}
        />
        {proposal && <ProposedButton store={store} proposal={proposal} threshold={threshold} />}
      </div>
    </div>
  );
}

interface ProposedProps {
  store: Store;
  proposal: NonNullable<LiveTree["proposal"]>;
  threshold: number;
}

/** Sets the threshold that the tree itself suggests, and says why. */
function ProposedButton({ store, proposal: { value, reason }, threshold }: ProposedProps) {
  const text = `Threshold ${num(value)}${reason === "" ? "" : `: ${reason}`}`;
  return (
    <>
      <button
        type="button"
        class="nbl-button nbl-small nbl-button-line"
        aria-pressed={threshold === value}
        aria-describedby="nbl-proposed-reason"
        title={text}
        onClick={() => store.request({ threshold: value })}
      >
        Proposed
      </button>
      <span id="nbl-proposed-reason" class="nbl-hidden">
        {text}
      </span>
    </>
  );
}
