import { useRef, useState } from "preact/hooks";

/** Copies a text; where that is denied (sandboxed frames, plain http) selects it, for the reader's own copy. */
export async function copyText(text: string, shown: Node | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown !== null) getSelection()?.selectAllChildren(shown);
    return false;
  }
}

/** Code with a button that copies it. */
export function CodeBlock({ text }: { text: string }) {
  const code = useRef<HTMLPreElement>(null);
  const [state, setState] = useState<[string, string]>(["", "Copy"]);
  const copy = async () => {
    const copied = await copyText(text, code.current);
    setState([text, copied ? "Copied" : "Press Ctrl+C"]);
  };
  return (
    <div class="nbl-details-code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable. */}
      <pre ref={code} class="nbl-select-text" tabIndex={0}>
        {text}
      </pre>
      <button type="button" class="nbl-button nbl-small nbl-button-line" onClick={copy}>
        {state[0] === text ? state[1] : "Copy"}
      </button>
    </div>
  );
}
