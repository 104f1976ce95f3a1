/** Pixels that a leaf needs to be told from the next. */
const LEAF = 7;
const [FEWEST, MOST] = [12, 120];

/** How many leaves can be told apart on so many pixels. */
export const mostLeaves = (width: number): number =>
  Math.min(Math.max(Math.floor(width / LEAF), FEWEST), MOST);
