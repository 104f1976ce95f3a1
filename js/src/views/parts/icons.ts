/** Paths of icons, 16 by 16; a bundle holds those that it draws. */

export const undo = "M6 3.5 2.5 7 6 10.5M2.5 7h6.75a3.75 3.75 0 0 1 0 7.5H7";
export const redo = "M10 3.5 13.5 7 10 10.5M13.5 7H6.75a3.75 3.75 0 0 0 0 7.5H9";
export const home =
  "M8 1.75v2.5M8 11.75v2.5M1.75 8h2.5M11.75 8h2.5M8 4.25a3.75 3.75 0 1 0 0 7.5 3.75 3.75 0 0 0 0-7.5Z";
export const code = "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5";
export const download = "M8 2v8M4.75 7 8 10.25 11.25 7M2.5 13.5h11";
export const full = "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10";
export const help = "M5.9 6a2.1 2.1 0 1 1 3.2 1.8c-.7.4-1.1.9-1.1 1.7M8 12h.01";
export const link =
  "M6.5 9.5 9.5 6.5M7 4.5 8.75 2.75a2.65 2.65 0 0 1 3.75 3.75L11 8M9 11.5l-1.75 1.75A2.65 2.65 0 0 1 3.5 9.5L5 8";
export const unlink =
  "M7 4.5 8.75 2.75a2.65 2.65 0 0 1 3.75 3.75L11 8M9 11.5l-1.75 1.75A2.65 2.65 0 0 1 3.5 9.5L5 8M3 3l10 10";
export const close = "M4 4l8 8M12 4l-8 8";
export const plus = "M8 3v10M3 8h10";
export const pin = "M8 14.5s4.5-4.2 4.5-7.9a4.5 4.5 0 0 0-9 0c0 3.7 4.5 7.9 4.5 7.9ZM8 6.75h.01";
export const copy = "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z";
export const more = "M4 6.25 8 10.25 12 6.25";
export const eye =
  "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z";
export const cube = "M8 1.75 13.5 4.9v6.2L8 14.25 2.5 11.1V4.9ZM2.5 4.9 8 8l5.5-3.1M8 8v6.25";
export const above = "M2.75 2.75h10.5v10.5H2.75ZM5.5 8a2.5 1.75 0 1 0 5 0 2.5 1.75 0 1 0-5 0Z";
export const acrossFirst = "M2 13h12M2.5 4c2 7 4 7 5.5 3s3.500-3 5.500 3M12 11.500 14 13l-2 1.500";
export const acrossSecond = "M3 14V2M4 11.5c4 1 5-1 4.500-3.500S11 4.500 13.500 5M1.500 4 3 2l1.500 2";
export const text = "M2.5 11.500c2-5 4-5 5.500-5M10.500 4.500l3-1M9.500 6.500h4M11.500 6.500V11";
export const scales =
  "M3 13.500V2.500M3 5h2.500M3 8h4M3 11h2.500M13 13.500V2.500M13 5h-2.500M13 8H9M13 11h-2.500";
export const map =
  "M2.5 4 6 2.500l4 1.500 3.500-1.500v9.500L10 13.500 6 12l-3.500 1.500ZM6 2.500V12M10 4v9.500";
export const probe =
  "M3 12.500 13 3.500M3 11a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3ZM13 2a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3Z";
export const path = "M2.500 13c0-4 5-2 5-5s-3-4 0-5.500M7.500 2.500 10 3M9.500 11l2 2 2-4";
export const picture =
  "M2.500 4.500h3l1-1.500h3l1 1.500h3v8h-11ZM8 6.250a2.250 2.250 0 1 0 0 4.500 2.250 2.250 0 0 0 0-4.500Z";
export const floor = "M2 11.500 8 9l6 2.500-6 2.500ZM2.500 6C5 9 6 3 8 3s3 5 5.500 2";
export const panels = "M2.5 3.5h11v9h-11zM9.5 3.5v9M9.5 8h4";
export const table = "M2.5 3.5h11v9h-11zM2.5 6.5h11M2.5 9.5h11M6.5 6.5v6";
export const alone = "M9.5 2.5h4v4M13.5 2.5 9.25 6.75M6.5 13.5h-4v-4M2.5 13.5l4.25-4.25";
export const together = "M13.25 6.75h-4v-4M9.25 6.75 13.5 2.5M2.75 9.25h4v4M6.75 9.25 2.5 13.5";
export const projector =
  "M2.5 3h11v7.5h-11zM8 10.5V13M5.25 13.5h5.5M5.5 7.75 7 5l1.5 2.75M9 6.25h2M10 5.25v2.5";
export const captions = "M2.5 3h11v8.500H7L4.500 14v-2.500h-2zM5 6h6M5 8.500h4";
export const tour =
  "M8 1.750a6.250 6.250 0 1 0 0 12.500 6.250 6.250 0 0 0 0-12.500ZM10.750 5.250 9.250 9.250l-4 1.500 1.500-4Z";
