/** Whether what something was made for is still the same, part by part; of use in every frame, it makes no garbage. */
export function sameParts(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
}
