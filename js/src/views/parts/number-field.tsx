import { useEffect, useRef, useState } from "preact/hooks";
import { parseNumber, plainNum } from "./format";

interface Props {
  value: number;
  label: string;
  disabled?: boolean;
  min?: number;
  max?: number;
  digits?: number;
  onCommit(value: number): void;
}

/** A number that can be read, selected, copied and edited. Enter or leaving it commits, Escape restores. */
export function NumberField({ value, label, disabled = false, min, max, digits = 4, onCommit }: Props) {
  const [draft, setDraft] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const shown = draft ?? plainNum(value, digits);
  const parsed = draft === null ? value : parseNumber(draft);
  const low = min ?? Number.NEGATIVE_INFINITY;
  const high = max ?? Number.POSITIVE_INFINITY;

  useEffect(() => setDraft(null), [value]);

  const commit = () => {
    if (draft !== null && parsed !== null && draft !== plainNum(value, digits)) {
      onCommit(Math.min(Math.max(parsed, low), high));
    }
    setDraft(null);
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
      disabled={disabled}
      value={shown}
      onInput={(event) => setDraft(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
        if (event.key === "Escape") setDraft(null);
      }}
    />
  );
}
