import { useEffect, useRef, useState } from "preact/hooks";
import { parseNumber, plainNum } from "./format";

interface Props {
  value: number;
  label: string;
  disabled?: boolean;
  min?: number;
  max?: number;
  digits?: number;
  /** Id of what describes it further. */
  describedBy?: string | undefined;
  /** What is being typed, within the limits; null when that ends or is no number. */
  onDraft?(value: number | null): void;
  onCommit(value: number): void;
}

/** A number that can be read, selected, copied and edited. Enter or leaving it commits, Escape restores. */
export function NumberField(props: Props) {
  const { value, label, disabled = false, min, max, digits = 4, describedBy, onDraft, onCommit } = props;
  const [draft, setDraft] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const shown = draft ?? plainNum(value, digits);
  const parsed = draft === null ? value : parseNumber(draft);
  const low = min ?? Number.NEGATIVE_INFINITY;
  const high = max ?? Number.POSITIVE_INFINITY;

  const write = (text: string | null) => {
    setDraft(text);
    const typed = text === null ? null : parseNumber(text);
    onDraft?.(typed === null ? null : Math.min(Math.max(typed, low), high));
  };
  useEffect(() => write(null), [value]);

  const commit = () => {
    if (draft !== null && parsed !== null && draft !== plainNum(value, digits)) {
      onCommit(Math.min(Math.max(parsed, low), high));
    }
    write(null);
  };

  return (
    <input
      ref={input}
      class="nbl-field"
      type="text"
      inputMode="decimal"
      size={6}
      aria-label={label}
      aria-invalid={parsed === null}
      aria-describedby={describedBy}
      disabled={disabled}
      value={shown}
      onInput={(event) => write(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
        if (event.key === "Escape") write(null);
      }}
    />
  );
}
