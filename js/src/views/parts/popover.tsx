import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  label: string;
  /** As wide as a menu, or as the view allows. */
  size?: "narrow" | "wide";
  onClose(): void;
  children: ComponentChildren;
}

/** A small panel below the toolbar. Escape or a press outside closes it; the focus goes back to where it was. */
export function Popover({ label, size, onClose, children }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const root = panel.current?.getRootNode() as ShadowRoot | undefined;
    const before = root?.activeElement as HTMLElement | null | undefined;
    panel.current?.focus();
    const onPress = (event: Event) => {
      const path = event.composedPath();
      if (panel.current === null || path.includes(panel.current)) return;
      if (path.some((node) => node instanceof HTMLElement && node.getAttribute("aria-expanded") === "true"))
        return;
      onClose();
    };
    document.addEventListener("pointerdown", onPress, true);
    return () => {
      document.removeEventListener("pointerdown", onPress, true);
      before?.focus();
    };
  }, []);
  return (
    <div
      ref={panel}
      class={size === undefined ? "nbl-popover" : `nbl-popover nbl-popover-${size}`}
      role="dialog"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what does not fit scrolls by the keys
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      {children}
    </div>
  );
}
