import { useRef } from "preact/hooks";

interface Props {
  label: string;
  /** How the bar stands: a vertical one divides left from right. */
  orientation: "vertical" | "horizontal";
  /** Share of the panel that `controls` names. */
  value: number;
  limits: readonly [number, number];
  controls: string;
  /** Which way the panel lies: +1 = right of the bar or below it. */
  toward: 1 | -1;
  onChange(share: number): void;
  /** Back to the size as designed. */
  onReset(): void;
}

const STEP = 0.02;

/** A bar between two panels: dragged, or moved by its keys; a double click takes back what was chosen. */
export function Splitter(props: Props) {
  const { label, orientation, value, limits, controls, toward, onChange, onReset } = props;
  const grip = useRef<{ at: number; share: number; length: number } | null>(null);
  const upright = orientation === "vertical";
  const along = (event: PointerEvent) => (upright ? event.clientX : event.clientY);
  const percent = (share: number) => Math.round(100 * share);

  const onPointerDown = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (event.button !== 0) return;
    const box = event.currentTarget.parentElement!.getBoundingClientRect();
    grip.current = { at: along(event), share: value, length: upright ? box.width : box.height };
    event.currentTarget.setPointerCapture(event.pointerId);
    event.preventDefault();
    event.currentTarget.focus();
  };
  const onPointerMove = (event: PointerEvent) => {
    if (grip.current === null) return;
    const { at, share, length } = grip.current;
    onChange(share - (toward * (along(event) - at)) / length);
  };
  const letGo = () => {
    grip.current = null;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? 5 * STEP : STEP;
    const [less, more] = upright ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    if (event.key === less) onChange(value + toward * step);
    else if (event.key === more) onChange(value - toward * step);
    else if (event.key === "Home") onChange(limits[0]);
    else if (event.key === "End") onChange(limits[1]);
    else if (event.key === "Enter") onReset();
    else return;
    event.preventDefault();
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule takes neither keys nor a value.
    <div
      class={`nbl-splitter nbl-splitter-${orientation}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={orientation}
      aria-controls={controls}
      aria-valuenow={percent(value)}
      aria-valuemin={percent(limits[0])}
      aria-valuemax={percent(limits[1])}
      aria-valuetext={`${percent(value)} percent`}
      title="Drag, or use the arrow keys; a double click goes back to the size as designed"
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={letGo}
      onPointerCancel={letGo}
      onDblClick={onReset}
      onKeyDown={onKeyDown}
    />
  );
}
