import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { NO_SELECTION } from "../../model/selection";
import type { Store } from "../../model/store";
import { barPlace } from "./layout";
import type { Reading } from "./marked";
import type { CanvasUi } from "./ui";

type Ui = CanvasUi<unknown>;

function Head({ reading, children }: { reading: Reading; children?: ComponentChildren }) {
  return (
    <div class="nbl-tip-head">
      <span aria-hidden="true">{reading.glyph}</span> <span>{reading.heading}</span>
      {children}
    </div>
  );
}

export function Rows({ reading: { rows, note } }: { reading: Reading }) {
  return (
    <>
      <dl>
        {rows.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {note && <p>{note}</p>}
    </>
  );
}

/** Stands beside the anchor, within the panel. */
export function Tip({ ui, reading }: { ui: Ui; reading: Reading | null }) {
  const box = useRef<HTMLDivElement>(null);
  const anchor = ui.anchor.value;
  const { width, height } = ui.size.value;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !anchor) return;
    const { offsetWidth: w, offsetHeight: h } = element;
    const x = anchor.x + 16 + w > width ? anchor.x - 14 - w : anchor.x + 16;
    const y = anchor.y + 14 + h > height ? anchor.y - 12 - h : anchor.y + 14;
    element.style.transform = `translate(${Math.max(2, x)}px, ${Math.max(2, y)}px)`;
  });
  if (!reading || !anchor) return null;
  return (
    <div ref={box} class="nbl-tip" role="tooltip">
      <Head reading={reading} />
      <Rows reading={reading} />
    </div>
  );
}

/** What is told of the selected point, and the button that clears the selection. */
export function CardHead({
  store,
  reading,
  children,
}: {
  store: Store;
  reading: Reading;
  children?: ComponentChildren;
}) {
  return (
    <Head reading={reading}>
      {children}
      <button
        type="button"
        class="nbl-readout-close"
        aria-label="Clear the selection"
        onClick={() => store.select(NO_SELECTION)}
      >
        ×
      </button>
    </Head>
  );
}

/** Class of a card about the selected point; a line at the lower edge, or in the corner in which it covers least. */
export const cardClass = ({ corner, size }: Ui, line = false): string => {
  const { width, height } = size.value;
  return `nbl-readout ${line ? "nbl-readout-line" : corner.value} bar-${barPlace(width, height)}`;
};

/** The selected point in text that can be selected and copied, where there is room for it. */
export function ReadOutCard({ store, ui, reading }: { store: Store; ui: Ui; reading: Reading | null }) {
  const { width, height } = ui.size.value;
  if (!reading || barPlace(width, height) === "none") return null;
  return (
    <div class={cardClass(ui)} onPointerDown={(event) => event.stopPropagation()}>
      <CardHead store={store} reading={reading} />
      <Rows reading={reading} />
    </div>
  );
}

/** Tells once that the wheel needs a click first. */
export function WheelHint({ ui: { declined } }: { ui: Ui }) {
  const [shown, setShown] = useState(false);
  const told = useRef(false);
  const turns = declined.value;
  useEffect(() => {
    if (turns < 3 || told.current) return undefined;
    told.current = true;
    setShown(true);
    const timer = setTimeout(() => setShown(false), 2600);
    return () => clearTimeout(timer);
  }, [turns >= 3]);
  return shown ? <div class="nbl-hint">Click the picture, or hold Ctrl, to zoom with the wheel</div> : null;
}
