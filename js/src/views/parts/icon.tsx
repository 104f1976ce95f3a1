/** One of `icons.ts`. */
export function Icon({ path }: { path: string }) {
  return (
    <svg class="nbl-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
