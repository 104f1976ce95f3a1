import { Icon } from "./icon";

interface ToolProps {
  /** A path of `icons.ts`. */
  icon: string;
  label: string;
  /** What it does and by which key. */
  hint: string;
  disabled?: boolean;
  /** Of a button that stays down. */
  pressed?: boolean;
  expanded?: boolean;
  /** 24 instead of 28 pixels, for the corner of a panel. */
  small?: boolean;
  onClick(): void;
}

/** A button with an icon, as in a toolbar. */
export function Tool({ icon, label, hint, disabled = false, pressed, expanded, small, onClick }: ToolProps) {
  return (
    <button
      type="button"
      class={small ? "nbl-button nbl-small" : "nbl-button"}
      aria-label={label}
      aria-expanded={expanded}
      aria-pressed={pressed}
      title={hint}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon path={icon} />
    </button>
  );
}
