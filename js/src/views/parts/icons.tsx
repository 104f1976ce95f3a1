const PATHS = {
  undo: "M6 3.5 2.5 7 6 10.5M2.5 7h6.75a3.75 3.75 0 0 1 0 7.5H7",
  redo: "M10 3.5 13.5 7 10 10.5M13.5 7H6.75a3.75 3.75 0 0 0 0 7.5H9",
  home: "M8 1.75v2.5M8 11.75v2.5M1.75 8h2.5M11.75 8h2.5M8 4.25a3.75 3.75 0 1 0 0 7.5 3.75 3.75 0 0 0 0-7.5Z",
  code: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5",
  download: "M8 2v8M4.75 7 8 10.25 11.25 7M2.5 13.5h11",
  full: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  help: "M5.9 6a2.1 2.1 0 1 1 3.2 1.8c-.7.4-1.1.9-1.1 1.7M8 12h.01",
  link: "M6.5 9.5 9.5 6.5M7 4.5 8.75 2.75a2.65 2.65 0 0 1 3.75 3.75L11 8M9 11.5l-1.75 1.75A2.65 2.65 0 0 1 3.5 9.5L5 8",
  unlink:
    "M7 4.5 8.75 2.75a2.65 2.65 0 0 1 3.75 3.75L11 8M9 11.5l-1.75 1.75A2.65 2.65 0 0 1 3.5 9.5L5 8M3 3l10 10",
  close: "M4 4l8 8M12 4l-8 8",
  plus: "M8 3v10M3 8h10",
  pin: "M8 14.5s4.5-4.2 4.5-7.9a4.5 4.5 0 0 0-9 0c0 3.7 4.5 7.9 4.5 7.9ZM8 6.75h.01",
  send: "M2.5 8h8M7.25 4.5 10.75 8l-3.5 3.5M13.5 3v10",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z",
  more: "M4 6.25 8 10.25 12 6.25",
  check: "M3 8.5 6.5 12 13 4.5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="nbl-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
