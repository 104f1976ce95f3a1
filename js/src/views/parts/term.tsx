import { type ComponentChildren, createContext } from "preact";
import { useContext } from "preact/hooks";
import type { TermId } from "../teaching/glossary";

export type { TermId };

/** Whether something around shows what terms mean: in an explorer it does, in a single view nothing does. */
export const Explained = createContext(false);

/** A technical term. What is a button already has the attribute `data-term` instead. */
export function Term({ of, children }: { of: TermId; children: ComponentChildren }) {
  if (!useContext(Explained)) return <>{children}</>;
  return (
    <button type="button" class="nbl-term" data-term={of}>
      {children}
    </button>
  );
}
