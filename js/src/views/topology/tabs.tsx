import { useRef } from "preact/hooks";

interface Tab<Id> {
  id: Id;
  text: string;
  title: string;
}

interface Props<Id> {
  label: string;
  tabs: readonly Tab<Id>[];
  chosen: Id;
  /** Id of the panel. */
  controls: string;
  onChoose(id: Id): void;
}

/** Which tab a key leads to from the one at `at`, or -1. */
export function tabFor(key: string, at: number, count: number): number {
  if (key === "ArrowRight" || key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowLeft" || key === "ArrowUp") return (at - 1 + count) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : -1;
}

/** Tabs of which one stop of the Tab key reaches the chosen one; arrows choose the others. */
export function Tabs<Id extends string>({ label, tabs, chosen, controls, onChoose }: Props<Id>) {
  const list = useRef<HTMLDivElement>(null);
  const onKey = (event: KeyboardEvent, at: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = tabFor(event.key, at, tabs.length);
    if (next < 0) return;
    event.preventDefault();
    list.current?.querySelectorAll("button")[next]?.focus();
    onChoose(tabs[next]!.id);
  };
  return (
    <div class="nbl-tabs" role="tablist" aria-label={label} ref={list}>
      {tabs.map(({ id, text, title }, k) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`${controls}-tab-${id}`}
          aria-selected={id === chosen}
          aria-controls={controls}
          tabIndex={id === chosen ? 0 : -1}
          aria-label={title === text ? undefined : title}
          data-term={id}
          onClick={() => onChoose(id)}
          onKeyDown={(event) => onKey(event, k)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
