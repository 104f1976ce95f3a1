import { Component, type ComponentChildren } from "preact";

export function ErrorNote({ error }: { error: unknown }) {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const detail = error instanceof Error ? (error.stack ?? "") : "";
  return (
    <div class="nbl nbl-crash" role="alert">
      <strong>This view could not be drawn.</strong>
      <p>{text}</p>
      {detail !== "" && (
        <details>
          <summary>Details</summary>
          <pre>{detail}</pre>
        </details>
      )}
    </div>
  );
}

/** Shows what went wrong in the place of the view. */
export class ErrorBoundary extends Component<
  { children: ComponentChildren },
  { error: unknown; failed: boolean }
> {
  override state = { error: null as unknown, failed: false };

  override componentDidCatch(error: unknown): void {
    console.error("[nblandscape]", error);
    this.setState({ error, failed: true });
  }

  override render() {
    return this.state.failed ? <ErrorNote error={this.state.error} /> : this.props.children;
  }
}
