import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** Inner size of an element in CSS pixels; [0, 0] before it is known. */
export function useSize(ref: RefObject<HTMLElement>): readonly [number, number] {
  const [size, setSize] = useState<readonly [number, number]>([0, 0]);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const update = () => {
      const next = [element.clientWidth, element.clientHeight] as const;
      setSize((old) => (old[0] === next[0] && old[1] === next[1] ? old : next));
    };
    update();
    const observer = new ResizeObserver(update);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}
