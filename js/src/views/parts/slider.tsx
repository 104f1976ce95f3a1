import { useEffect, useRef } from "preact/hooks";

interface Props {
  value: number;
  min: number;
  max: number;
  step?: number | "any";
  label: string;
  /** What a screen reader says instead of the bare position. */
  valueText: string;
  disabled?: boolean;
  title?: string | undefined;
  /** Id of what describes it further. */
  describedBy?: string | undefined;
  /** Marks the middle and lets the thumb rest there. */
  centred?: boolean;
  onDrag(value: number): void;
  onSettle(): void;
}

/** Share of the half-range within which a centred slider rests in the middle. */
const DETENT = 0.03;

/** Key presses that follow each other sooner are one move, one step of undo. */
export const KEYS_PAUSE_MS = 600;

/** A native range input. `onDrag` at every move, `onSettle` when it is let go or its keys rest. */
export function Slider(props: Props) {
  const byKey = useRef(false);
  const resting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const settle = useRef(props.onSettle);
  settle.current = props.onSettle;
  const settleNow = () => {
    clearTimeout(resting.current);
    resting.current = undefined;
    settle.current();
  };
  const settleIfResting = () => {
    if (resting.current !== undefined) settleNow();
  };
  useEffect(() => settleIfResting, []);
  const { value, min, max, step = "any", label, valueText, disabled = false, centred = false } = props;
  const share = max > min ? (100 * (Math.min(Math.max(value, min), max) - min)) / (max - min) : 0;
  return (
    <input
      class={centred ? "nbl-range nbl-range-centred" : "nbl-range"}
      type="range"
      min={min}
      max={max}
      // A trifle less than a 400th: rounding must not keep the last step from the end.
      step={step === "any" ? (max - min) / 400.000001 || 1 : step}
      value={value}
      disabled={disabled}
      title={props.title}
      aria-label={label}
      aria-valuetext={valueText}
      aria-describedby={props.describedBy}
      style={{ "--fill": `${share}%` }}
      onInput={(event) => {
        const next = event.currentTarget.valueAsNumber;
        const middle = (min + max) / 2;
        const rests = centred && Math.abs(next - middle) < (DETENT * (max - min)) / 2;
        props.onDrag(rests ? middle : next);
      }}
      onKeyDown={() => {
        byKey.current = true;
      }}
      onPointerDown={() => {
        byKey.current = false;
        settleIfResting();
      }}
      onChange={() => {
        clearTimeout(resting.current);
        if (byKey.current) resting.current = setTimeout(settleNow, KEYS_PAUSE_MS);
        else settleNow();
      }}
      onBlur={settleIfResting}
      onDblClick={() => {
        if (!centred) return;
        props.onDrag((min + max) / 2);
        props.onSettle();
      }}
    />
  );
}
